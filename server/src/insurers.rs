//! Insurers: from an enrolment request to a bundle, who is enrolled, and what they are answered (SPEC.md, "Enrolment").
//!
//! Everything rests on the fingerprint of the request, which a person compares with the insurer over another channel.
//! Nothing is approved without.

use std::fs;
use std::path::Path;

use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, Fingerprint};
use blindlist_protocol::ids::InsurerId;
use blindlist_protocol::job;
use blindlist_protocol::object::{self, Kind as _, ObjectError};
use blindlist_protocol::params::CANARIES;
use blindlist_protocol::text::Slug;
use blindlist_store::file;
use blindlist_store::{StoreError, confirm};
use blindlist_transport::certificate_digest;
use blindlist_transport::pki::CLIENT_DAYS;

use crate::home::Home;
use crate::ledger::{Ledger, LedgerError, NewInsurer, Status};
use crate::outside::{now, random};
use crate::show::{self, Heading};
use crate::{Error, signed};

/// What an insurer is approved for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The name that the operator knows it by.
    pub name: Slug,
    /// How many members it may ask about in each epoch, at least 1 and below 2^32.
    pub members: u32,
    /// The fingerprint of its request, when it is known already; otherwise the person at the terminal is asked.
    pub fingerprint: Option<Fingerprint>,
}

/// An insurer that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The name that the insurer gave itself.
    pub requested_name: Slug,
    /// Evaluations that it is granted in each epoch: its members, the canaries, and padding.
    pub granted: u64,
    /// The fingerprint of the bundle, which the insurer is going to compare.
    pub bundle: Fingerprint,
}

/// Evaluations that are enough for one check of so many members, canaries and padding included.
pub fn budget(members: u32) -> u64 {
    job::cost(u64::from(members) + CANARIES as u64)
}

/// Approves the request in a file and writes the bundle for the insurer to another, which must not exist.
///
/// # Errors
/// [`Error::Request`] for anything but a request, [`Error::Fingerprint`] and [`Error::Declined`] when it is not the
/// expected one, [`Error::Ledger`] when the name is taken or the request was approved before. Nothing is registered or
/// left behind then.
pub async fn approve(home: &Home, request: &Path, approval: &Approval, out: &Path) -> Result<Approved, Error> {
    let (bytes, asked) = read_request(request)?;
    confirm_fingerprint(request, &bytes, &asked, approval)?;

    let id = InsurerId::from_bytes(*random::<16>()?);
    let bundle = bundle(home, &asked, &approval.name, id)?;
    let sealed = signed::sign("bundle", &bundle, &home.manifest_key()?)?;
    let ledger = Ledger::open(home.ledger_path()).await?;
    let granted = budget(approval.members);
    let insurer = NewInsurer {
        id: *id.as_bytes(),
        name: approval.name.as_str(),
        certificate: certificate_digest(&bundle.certificate.as_slice().into()),
        signing_key: *asked.signing_key.as_bytes(),
        budget: granted,
        at: now()?.cast_signed(),
    };
    file::write_new(out, &sealed)?;
    let registered = ledger.register(&insurer).await;
    ledger.close().await;
    if registered.is_err() {
        // A bundle that nobody is registered for lets nobody in; what matters is the error that is reported.
        let _ = fs::remove_file(out);
    }
    registered?;
    Ok(Approved { requested_name: asked.name, granted, bundle: Fingerprint::of(&sealed) })
}

/// Changes how many members an insurer may ask about in each epoch; the evaluations that it is granted now.
///
/// A server that runs follows with the next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`]. Nothing is changed then.
pub async fn set_budget(home: &Home, name: &Slug, members: u32) -> Result<u64, Error> {
    let granted = budget(members);
    change(home, name, async |ledger, id| ledger.set_budget(id, granted).await).await?;
    Ok(granted)
}

/// Suspends an insurer. A server that runs refuses its next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`].
pub async fn suspend(home: &Home, name: &Slug) -> Result<(), Error> {
    change(home, name, async |ledger, id| ledger.set_status(id, Status::Suspended).await).await
}

/// Resumes an insurer. A server that runs answers its next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`].
pub async fn resume(home: &Home, name: &Slug) -> Result<(), Error> {
    change(home, name, async |ledger, id| ledger.set_status(id, Status::Active).await).await
}

/// Does something to the insurer of this name.
async fn change(
    home: &Home,
    name: &Slug,
    change: impl AsyncFnOnce(&Ledger, &[u8; 16]) -> Result<(), LedgerError>,
) -> Result<(), Error> {
    let ledger = Ledger::open(home.ledger_path()).await?;
    let changed = match ledger.by_name(name.as_str()).await {
        Ok(Some(insurer)) => change(&ledger, &insurer.id).await.map_err(Error::from),
        Ok(None) => Err(Error::UnknownInsurer(name.clone())),
        Err(error) => Err(error.into()),
    };
    ledger.close().await;
    changed
}

fn read_request(path: &Path) -> Result<(Vec<u8>, EnrolmentRequest), Error> {
    let wrong = |reason| Error::Request { path: path.to_owned(), reason };
    let bytes = file::read_limited(path, EnrolmentRequest::LIMIT as u64).map_err(|error| {
        // Any other large file is no request either: it need not be read to its end to tell.
        if matches!(error, StoreError::TooLong { .. }) { wrong(ObjectError::Kind) } else { Error::Unreadable(error) }
    })?;
    let asked = object::open_self_signed(&bytes).map_err(wrong)?;
    Ok((bytes, asked))
}

fn confirm_fingerprint(
    request: &Path,
    bytes: &[u8],
    asked: &EnrolmentRequest,
    approval: &Approval,
) -> Result<(), Error> {
    let fingerprint = Fingerprint::of(bytes);
    if let Some(expected) = approval.fingerprint {
        return if expected == fingerprint { Ok(()) } else { Err(Error::Fingerprint { path: request.to_owned() }) };
    }
    eprintln!(
        "An insurer that calls itself {} asks to be enrolled as {}.\nThe fingerprint of its request is\n\n  {fingerprint}\n\n\
         Ask the insurer, by a way that you trust, for the fingerprint that `blindlist fingerprint` shows there.",
        asked.name, approval.name
    );
    if confirm::ask("Is it the same?")? { Ok(()) } else { Err(Error::Declined) }
}

fn bundle(home: &Home, asked: &EnrolmentRequest, name: &Slug, id: InsurerId) -> Result<Bundle, Error> {
    let config = home.config()?;
    let authority = home.authority(&config.operator)?;
    let certificate = authority.issue_client(name.as_str(), asked.tls_key.as_bytes(), now()?, CLIENT_DAYS)?;
    Ok(Bundle {
        operator: config.operator,
        operator_key: home.operator_key()?,
        successor: home.successor_hash()?,
        insurer: name.clone(),
        insurer_id: id,
        signing_key: asked.signing_key,
        tls_key: asked.tls_key,
        certificate: certificate.to_vec(),
        authority: authority.certificate().to_vec(),
        addresses: config.addresses,
    })
}

/// The insurers with their accounts, as a table.
pub(crate) async fn list(home: &Home) -> Result<String, Error> {
    let ledger = Ledger::open(home.ledger_path()).await?;
    let mut rows = Vec::new();
    for insurer in ledger.insurers().await? {
        let status = match insurer.status {
            Status::Active => "active",
            Status::Suspended => "suspended",
        };
        for (_, account) in ledger.accounts(&insurer.id).await? {
            rows.push([
                insurer.name.clone(),
                status.to_owned(),
                show::count(account.granted),
                show::count(account.spent),
                show::count(account.remaining()),
                show::date(insurer.created.cast_unsigned()),
            ]);
        }
    }
    ledger.close().await;
    if rows.is_empty() {
        return Ok("No insurer is enrolled yet.\n".to_owned());
    }
    let columns = [
        Heading::Text("insurer"),
        Heading::Text("status"),
        Heading::Number("granted"),
        Heading::Number("spent"),
        Heading::Number("remaining"),
        Heading::Text("enrolled"),
    ];
    Ok(show::table(columns, &rows))
}

#[cfg(test)]
mod tests;
