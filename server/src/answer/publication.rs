//! `publication`: all that an insurer asks before its first chunk, in a file (SPEC.md, "Exchange files").
//!
//! In form it is answers to no questions. What is in it the insurer is given over the network too: catalog, objects and
//! indexes that are addressed to it, its account, a checkpoint. It must hold nothing else.

use std::path::Path;

use blindlist_protocol::exchange::Answers;
use blindlist_protocol::ids::{InsurerId, LedgerId};
use blindlist_protocol::text::Slug;

use super::questions::may_be_answered;
use super::writing::{Asking, Segments, Writing};
use crate::Error;
use crate::home::Home;
use crate::service::Service;

/// Writes the publication for an insurer to a file, in place of what has its name; evaluations that the insurer has left in
/// all live epochs.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Answer`] when it is not answered, [`Error`] for what cannot be read or written.
pub async fn publish(home: Home, insurer: &Slug, out: &Path) -> Result<u64, Error> {
    let key = home.receipt_signing_key()?;
    let service = Service::open(home).await?;
    let published = async {
        let found = service.ledger().by_name(insurer.as_str()).await?;
        let found = found.ok_or_else(|| Error::UnknownInsurer(insurer.clone()))?;
        may_be_answered(&service, &found).await?;
        let header = Answers {
            operator_key: service.operator_key(),
            insurer: InsurerId::from_bytes(found.id),
            ledger: LedgerId::from_bytes(service.ledger().id()),
            questions: None,
        };
        let mut writing = Writing::begin(out, &header)?;
        let left = writing.add_the_rest(&Asking::new(&service, &found), None, Segments::All).await?;
        writing.finish(&key)?;
        Ok(left)
    };
    let published = published.await;
    service.close().await;
    published
}
