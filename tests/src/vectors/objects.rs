//! Operations of signatures, signed objects and what hangs on them: sections 5, 10, 12 and 13 of SPEC.md.

use blindlist_protocol::catalog::{Catalog, audience_tag};
use blindlist_protocol::codec;
use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, Fingerprint, successor_hash};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::object::{self, Kind};
use blindlist_protocol::signature::{Signature, SigningKey, VerifyingKey};
use blindlist_protocol::succession::Succession;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare;
use super::fault::Fault;
use super::people::Nothing;
use super::scenario::{Difference, Ran, Scenario};
use super::values::{Fixed, Hex, nullable};

/// Input of `signature`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureInput {
    key: Fixed<32>,
    message: Hex,
    signature: Fixed<64>,
}

pub(super) fn signature(input: SignatureInput) -> Result<Nothing, Fault> {
    let signature = Signature::from_bytes(input.signature.0);
    VerifyingKey::from_bytes(input.key.0).verify(&input.message.0, &signature)?;
    Ok(Nothing {})
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum KindName {
    #[serde(rename = "epoch record")]
    EpochRecord,
    #[serde(rename = "manifest")]
    Manifest,
    #[serde(rename = "catalog")]
    Catalog,
    #[serde(rename = "enrolment request")]
    EnrolmentRequest,
    #[serde(rename = "bundle")]
    Bundle,
    #[serde(rename = "succession")]
    Succession,
}

/// Input of `object-open`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    kind: KindName,
    object: Hex,
    #[serde(deserialize_with = "nullable")]
    pinned: Option<Fixed<32>>,
}

/// Output of `object-open`.
#[derive(Debug, Serialize)]
pub struct Fields {
    fields: Value,
}

pub(super) fn open(Open { kind, object: Hex(object), pinned }: Open) -> Result<Fields, Fault> {
    let pinned = pinned.map(|key| VerifyingKey::from_bytes(key.0));
    match (kind, pinned) {
        (KindName::EpochRecord, Some(key)) => fields(&object, object::open::<EpochRecord>(&object, &key)?),
        (KindName::Manifest, Some(key)) => fields(&object, object::open::<Manifest>(&object, &key)?),
        (KindName::Catalog, Some(key)) => fields(&object, object::open::<Catalog>(&object, &key)?),
        (KindName::EnrolmentRequest, None) => fields(&object, object::open_self_signed::<EnrolmentRequest>(&object)?),
        (KindName::Bundle, None) => fields(&object, object::open_self_signed::<Bundle>(&object)?),
        (KindName::Succession, None) => fields(&object, object::open_self_signed::<Succession>(&object)?),
        (KindName::EpochRecord | KindName::Manifest | KindName::Catalog, None) => {
            Err(Fault::misuse("a kind that needs a pinned key, and none"))
        }
        (KindName::EnrolmentRequest | KindName::Bundle | KindName::Succession, Some(_)) => {
            Err(Fault::misuse("a kind that holds its key, and a pinned one"))
        }
    }
}

/// What was read of an object, which must encode to its bytes.
fn fields<T: Kind>(object: &[u8], value: T) -> Result<Fields, Fault> {
    let body = object.strip_prefix(T::LINE).and_then(|rest| rest.split_last_chunk::<64>());
    assert_eq!(body.map(|(body, _)| body), Some(codec::encode(&value).as_slice()), "the body encoded again");
    Ok(Fields { fields: serde_json::to_value(value).expect("objects are plain data") })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    kind: KindName,
    fields: Value,
    seed: Fixed<32>,
}

#[derive(Debug, Serialize)]
struct Signed {
    object: Vec<u8>,
    digest: Digest,
}

/// `object-sign`: the expected object is opened, held against the fields, and signed again.
///
/// (Values of the protocol are made by decoding and by constructors, never from names and texts, so there is no way from
/// the fields alone.)
pub(super) fn sign(scenario: &Scenario) -> Ran {
    let expected = scenario.expected_output("object")?;
    let Hex(object) = Hex::deserialize(expected).map_err(|error| Difference::new("an object", error))?;
    let mut agrees = Ok(());
    let ran = scenario.run(|Sign { kind, fields, seed }| {
        let key = SigningKey::from_seed(&seed.0);
        let pinned = key.verifying();
        let (found, signed) = match kind {
            KindName::EpochRecord => sign_again(&object::open::<EpochRecord>(&object, &pinned)?, &key),
            KindName::Manifest => sign_again(&object::open::<Manifest>(&object, &pinned)?, &key),
            KindName::Catalog => sign_again(&object::open::<Catalog>(&object, &pinned)?, &key),
            KindName::EnrolmentRequest => sign_again(&object::open_self_signed::<EnrolmentRequest>(&object)?, &key),
            KindName::Bundle => sign_again(&object::open_self_signed::<Bundle>(&object)?, &key),
            KindName::Succession => sign_again(&object::open_self_signed::<Succession>(&object)?, &key),
        };
        agrees = compare::same(&fields, &found);
        Ok(signed)
    });
    agrees.and(ran)
}

fn sign_again<T: Kind>(value: &T, key: &SigningKey) -> (Value, Signed) {
    let object = object::sign(value, key);
    let fields = serde_json::to_value(value).expect("objects are plain data");
    (fields, Signed { digest: object::digest(&object), object })
}

/// Input of `epoch-id`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochKeys {
    operator_key: Fixed<32>,
    key: Fixed<32>,
}

/// Output of `epoch-id`.
#[derive(Debug, Serialize)]
pub struct EpochOutput {
    epoch: EpochId,
}

pub(super) fn epoch_id(EpochKeys { operator_key, key }: EpochKeys) -> Result<EpochOutput, Fault> {
    Ok(EpochOutput { epoch: EpochRecord::id(&VerifyingKey::from_bytes(operator_key.0), &key.public_key()?) })
}

/// Input of `audience`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    manifest: Fixed<32>,
    insurer_id: Fixed<16>,
}

/// Output of `audience`.
#[derive(Debug, Serialize)]
pub struct AudienceOutput {
    audience: Digest,
}

pub(super) fn audience(Audience { manifest, insurer_id }: Audience) -> Result<AudienceOutput, Fault> {
    let audience = audience_tag(&Digest::from_bytes(manifest.0), &InsurerId::from_bytes(insurer_id.0));
    Ok(AudienceOutput { audience })
}

/// Input of `successor`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuccessorKey {
    key: Fixed<32>,
}

/// Output of `successor`.
#[derive(Debug, Serialize)]
pub struct SuccessorOutput {
    successor: Digest,
}

pub(super) fn successor(SuccessorKey { key }: SuccessorKey) -> Result<SuccessorOutput, Fault> {
    Ok(SuccessorOutput { successor: successor_hash(&VerifyingKey::from_bytes(key.0)) })
}

/// Input of `fingerprint`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    file: Hex,
}

/// Output of `fingerprint`.
#[derive(Debug, Serialize)]
pub struct FingerprintOutput {
    fingerprint: String,
}

pub(super) fn fingerprint(File { file: Hex(file) }: File) -> Result<FingerprintOutput, Fault> {
    Ok(FingerprintOutput { fingerprint: Fingerprint::of(&file).to_string() })
}

/// Input of `fingerprint-parse`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    text: String,
    file: Hex,
}

/// Output of `fingerprint-parse`.
#[derive(Debug, Serialize)]
pub struct SameOutput {
    same: Option<bool>,
}

pub(super) fn fingerprint_parse(Typed { text, file: Hex(file) }: Typed) -> Result<SameOutput, Fault> {
    Ok(SameOutput { same: text.parse().ok().map(|typed: Fingerprint| typed == Fingerprint::of(&file)) })
}
