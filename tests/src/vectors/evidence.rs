//! Operations of openings: section 23 of SPEC.md.

use std::sync::Arc;

use blindlist_protocol::evidence::{Openings, OpeningsError};
use blindlist_protocol::ids::JobId;
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::job::{JobSeed, layout};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::signature::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::people::KnownIdentifier;
use super::values::{Fixed, Hex};

/// Input of `openings-make`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeInput {
    record: Hex,
    pinned: Fixed<32>,
    #[serde(rename = "holders")]
    _holders: Hex,
    seed: Fixed<32>,
    job: Fixed<16>,
    #[serde(rename = "signing_seed")]
    _signing_seed: Fixed<32>,
    identifiers: Vec<KnownIdentifier>,
    chunk: u32,
    sample: u32,
    challenge: Hex,
}

/// Output of `openings-make`.
#[derive(Debug, Serialize)]
pub struct OpeningsOutput {
    openings: Vec<u8>,
}

pub(super) fn make(input: MakeInput) -> Result<OpeningsOutput, Fault> {
    let epoch = Arc::new(Epoch::open(&input.record.0, &VerifyingKey::from_bytes(input.pinned.0))?);
    let secret = epoch.blinding(&JobSeed::from_bytes(input.seed.0));
    let identifiers = input.identifiers.into_iter().map(|KnownIdentifier(identifier)| identifier).collect();
    let items = layout(&secret, identifiers);
    let chunk = (0..).zip(items.chunks(MAX_CHUNK)).find(|(number, _)| *number == input.chunk);
    let (number, items) = chunk.ok_or(Fault::misuse("a chunk that the job does not have"))?;
    let place = (JobId::from_bytes(input.job.0), number);
    let openings = Openings::make(&epoch, place, items, &secret, &input.challenge.0, input.sample)?;
    Ok(OpeningsOutput { openings: openings.encode() })
}

/// Input of `openings-verify`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyInput {
    openings: Hex,
    sample: u32,
    challenge: Hex,
    digest: Fixed<32>,
}

/// Output of `openings-verify`.
#[derive(Debug, Serialize)]
pub struct IdentifiersOutput {
    identifiers: Vec<Vec<u8>>,
}

pub(super) fn verify(input: VerifyInput) -> Result<IdentifiersOutput, Fault> {
    let openings = Openings::decode(&input.openings.0)?;
    assert_eq!(openings.encode(), input.openings.0, "the openings encoded again");
    let header = openings.verify(&input.challenge.0, input.sample)?;
    if *header.digest.as_bytes() != input.digest.0 {
        return Err(Fault::new("openings", "EVI-2"));
    }
    Ok(IdentifiersOutput { identifiers: openings.openings.into_iter().map(|opening| opening.identifier).collect() })
}

impl From<OpeningsError> for Fault {
    fn from(error: OpeningsError) -> Self {
        match error {
            OpeningsError::Codec(error) => error.into(),
            OpeningsError::Kind | OpeningsError::Chunk | OpeningsError::TooLong => Self::new("encoding", "malformed"),
            OpeningsError::Epoch | OpeningsError::Challenge | OpeningsError::Positions | OpeningsError::Element(_) => {
                Self::new("openings", "EVI-2")
            }
        }
    }
}
