//! A file of answers as it is being written: each is the service's, to a question of the insurer's or to one that the
//! operator adds. [EXC-4]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::exchange::{self, Answers, Writer};
use blindlist_protocol::ids::{Digest, InsurerId, LedgerId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_store::file::AtomicFile;
use blindlist_transport::Incoming;
use tokio::time::sleep;

use super::{AnswerError, questions};
use crate::Error;
use crate::ledger::Insurer;
use crate::service::Service;

/// How often the same question is asked again of a ledger that is busy.
const ATTEMPTS: u32 = 60;
/// The shortest wait before it is asked again.
const WAIT: Duration = Duration::from_millis(200);

/// An insurer that the service answers.
pub(super) struct Asking<'a> {
    service: &'a Service,
    certificate: [u8; 32],
    id: InsurerId,
    name: Slug,
}

/// Whether the segments of indexes are among the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segments {
    All,
    None,
}

impl<'a> Asking<'a> {
    /// An insurer whose name is one.
    pub(super) fn new(service: &'a Service, insurer: &Insurer) -> Self {
        let name = questions::name(insurer).expect("it was read before");
        Self { service, certificate: insurer.certificate, id: InsurerId::from_bytes(insurer.id), name }
    }

    pub(super) fn name(&self) -> &Slug {
        &self.name
    }

    async fn ask(&self, request: &Request) -> Result<Response, Error> {
        self.ask_bytes(request.encode()).await
    }

    /// What the service answers, once it does not ask to wait. [EXC-3]
    pub(super) async fn ask_bytes(&self, request: Vec<u8>) -> Result<Response, Error> {
        let mut attempts = 0;
        loop {
            let response = self.service.answer(&self.certificate, Incoming::Whole(request.clone())).await;
            let Response::Refused(Refusal { code, value }) = response else { return Ok(response) };
            if code == RefusalCode::Internal {
                return Err(AnswerError::Failed.into());
            }
            if code == RefusalCode::Busy {
                attempts += 1;
            }
            if attempts > ATTEMPTS {
                return Err(AnswerError::Busy(code).into());
            }
            if !matches!(code, RefusalCode::Busy | RefusalCode::RateLimited) {
                return Ok(response);
            }
            sleep(WAIT.max(Duration::from_millis(value))).await;
        }
    }
}

/// A file of answers.
pub(super) struct Writing {
    file: AtomicFile,
    writer: Writer<Answers>,
    ledger: LedgerId,
    operator_key: VerifyingKey,
    /// The places in the log of the receipts that are among the answers.
    receipts: BTreeSet<u64>,
}

impl Writing {
    /// Begins the file that shall be `out`.
    pub(super) fn begin(out: &Path, header: &Answers) -> Result<Self, Error> {
        let mut file = AtomicFile::create(out)?;
        let (writer, begin) = Writer::begin(header).map_err(AnswerError::TooLarge)?;
        write(&mut file, &begin)?;
        let (ledger, operator_key) = (header.ledger, header.operator_key);
        Ok(Self { file, writer, ledger, operator_key, receipts: BTreeSet::new() })
    }

    /// Adds the answer to a question.
    pub(super) fn answer(&mut self, question: &Digest, response: &Response) -> Result<(), Error> {
        if let Response::Evaluated(evaluated) = response {
            self.receipts.insert(evaluated.receipt.index);
        }
        let frame = self.writer.answer(question, response).map_err(AnswerError::TooLarge)?;
        write(&mut self.file, &frame)
    }

    /// Adds what the insurer would ask besides, `known` being the size of the log that it remembers; evaluations that it
    /// has left in all live epochs.
    pub(super) async fn add_the_rest(
        &mut self,
        asking: &Asking<'_>,
        known: Option<u64>,
        segments: Segments,
    ) -> Result<u64, Error> {
        let response = self.add(asking, &Request::Catalog).await?;
        let Response::Catalog(bytes) = &response else { return Err(unexpected(&response)) };
        let catalog: Catalog = object::open(bytes, &self.operator_key).map_err(Error::LedgerCatalog)?;
        let mut left = 0_u64;
        for digest in &catalog.epochs {
            let record: EpochRecord = self.object(asking, "epoch record", *digest).await?;
            if let Response::Account(account) = self.add(asking, &Request::Account(record.epoch)).await? {
                left = left.saturating_add(account.remaining());
            }
        }
        for listed in catalog.manifests.iter().filter(|listed| listed.addresses(&asking.id)) {
            let manifest: Manifest = self.object(asking, "manifest", listed.manifest).await?;
            if segments == Segments::All {
                self.segments(asking, &manifest).await?;
            }
        }
        for key in asking.service.succeeded_keys() {
            self.add(asking, &Request::Succession(key)).await?;
        }
        self.log(asking, &catalog, known).await?;
        Ok(left)
    }

    /// Ends the file, which has its name then.
    pub(super) fn finish(mut self, key: &SigningKey) -> Result<(), Error> {
        let (end, _) = self.writer.finish(key).map_err(AnswerError::TooLarge)?;
        write(&mut self.file, &end)?;
        Ok(self.file.commit()?)
    }

    /// Asks and adds the answer.
    async fn add(&mut self, asking: &Asking<'_>, request: &Request) -> Result<Response, Error> {
        let response = asking.ask(request).await?;
        self.answer(&exchange::question(request), &response)?;
        Ok(response)
    }

    /// Adds a live object.
    async fn object<T: object::Kind>(
        &mut self,
        asking: &Asking<'_>,
        what: &'static str,
        digest: Digest,
    ) -> Result<T, Error> {
        let response = self.add(asking, &Request::Object(digest)).await?;
        let Response::Object(bytes) = &response else { return Err(unexpected(&response)) };
        object::open(bytes, &self.operator_key).map_err(|reason| {
            tracing::error!(%reason, "a live {what} is not one of the operator's");
            AnswerError::Failed.into()
        })
    }

    async fn segments(&mut self, asking: &Asking<'_>, manifest: &Manifest) -> Result<(), Error> {
        for number in (0..).take(manifest.segments.len()) {
            let request = Request::Segment { release: manifest.release, number };
            let response = self.add(asking, &request).await?;
            if !matches!(response, Response::Segment(_)) {
                return Err(unexpected(&response));
            }
        }
        Ok(())
    }

    /// Adds what shows that the log goes on and has the receipts.
    async fn log(&mut self, asking: &Asking<'_>, catalog: &Catalog, known: Option<u64>) -> Result<(), Error> {
        let ledger = self.ledger;
        let response = self.add(asking, &Request::Checkpoint(ledger)).await?;
        let Response::Checkpoint(checkpoint) = &response else { return Err(unexpected(&response)) };
        let size = checkpoint.size;
        let in_catalog = catalog.checkpoints.iter().find(|checkpoint| checkpoint.ledger == ledger);
        let earlier: BTreeSet<u64> = known.into_iter().chain(in_catalog.map(|checkpoint| checkpoint.size)).collect();
        for from in earlier.into_iter().filter(|from| (1..size).contains(from)) {
            self.add(asking, &Request::Consistency { ledger, from, to: size }).await?;
        }
        for index in std::mem::take(&mut self.receipts) {
            self.add(asking, &Request::Inclusion { ledger, index, size }).await?;
        }
        Ok(())
    }
}

/// A refusal of what everybody is answered: the catalog has changed meanwhile, or the insurer's status.
fn unexpected(response: &Response) -> Error {
    match response {
        Response::Refused(refusal) if refusal.code == RefusalCode::UnknownObject => {
            AnswerError::Busy(RefusalCode::UnknownObject).into()
        }
        Response::Refused(refusal) => AnswerError::Refused(refusal.code).into(),
        Response::Catalog(_)
        | Response::Object(_)
        | Response::Segment(_)
        | Response::Account(_)
        | Response::Evaluated(_)
        | Response::Checkpoint(_)
        | Response::Path(_) => AnswerError::Failed.into(),
    }
}

fn write(file: &mut AtomicFile, bytes: &[u8]) -> Result<(), Error> {
    file.write_all(bytes).map_err(|source| file.write_error(source).into())
}
