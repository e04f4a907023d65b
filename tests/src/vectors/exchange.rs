//! Operations of jobs, chunks, answers and messages: sections 14 to 18 of SPEC.md.

use std::sync::Arc;

use blindlist_protocol::chunk::{self, ChunkHeader};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::ids::{Digest, EpochId, InsurerId, JobId};
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{Item, JobSeed, layout};
use blindlist_protocol::message::{Evaluated, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::operator::{EpochKey, Question};
use blindlist_protocol::oprf::{Element, Proof, SecretKey};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::signature::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::people::{KnownIdentifier, Nothing};
use super::values::{Fixed, Hex, elements};

/// Input of `job`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobInput {
    record: Hex,
    pinned: Fixed<32>,
    holders: Hex,
    seed: Fixed<32>,
    job: Fixed<16>,
    signing_seed: Fixed<32>,
    identifiers: Vec<KnownIdentifier>,
}

/// Output of `job`.
#[derive(Debug, Serialize)]
pub struct Requests {
    requests: Vec<Vec<u8>>,
}

pub(super) fn job(input: JobInput) -> Result<Requests, Fault> {
    // A chunk does not say whose it is.
    let asked = ask(input, [0; 16])?;
    let requests = asked.iter().map(|(_, asked)| Request::Evaluate(asked.request().clone()).encode());
    Ok(Requests { requests: requests.collect() })
}

/// Every chunk of a job, with its items.
fn ask(input: JobInput, insurer: [u8; 16]) -> Result<Vec<(Vec<Item>, Asked)>, Fault> {
    let epoch = Arc::new(Epoch::open(&input.record.0, &VerifyingKey::from_bytes(input.pinned.0))?);
    let holders = HolderSet::try_from(input.holders.0)?;
    let secret = epoch.blinding(&JobSeed::from_bytes(input.seed.0));
    let (job, signer) = (JobId::from_bytes(input.job.0), SigningKey::from_seed(&input.signing_seed.0));
    let asker = Asker { insurer: InsurerId::from_bytes(insurer), signer };
    let items = layout(&secret, input.identifiers.into_iter().map(|KnownIdentifier(identifier)| identifier).collect());
    let chunks = (0..).zip(items.chunks(MAX_CHUNK));
    let ask = |(number, items): (u32, &[Item])| {
        Ok((items.to_vec(), epoch.ask(holders.clone(), job, number, items, &secret, &asker)?))
    };
    chunks.map(ask).collect()
}

/// Input of `chunk-sign`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkSign {
    operator_key: Fixed<32>,
    epoch: Fixed<32>,
    key: Fixed<32>,
    job: Fixed<16>,
    number: u32,
    elements: Vec<Fixed<32>>,
    signing_seed: Fixed<32>,
}

/// Output of `chunk-sign`.
#[derive(Debug, Serialize)]
pub struct ChunkSigned {
    digest: Digest,
    signature: Signature,
}

pub(super) fn chunk_sign(input: ChunkSign) -> Result<ChunkSigned, Fault> {
    let ChunkSign { operator_key, epoch, key, job, number, elements, signing_seed } = input;
    let header = header((operator_key, epoch, key), (job, number), &elements)?;
    let signer = SigningKey::from_seed(&signing_seed.0);
    Ok(ChunkSigned { digest: header.digest, signature: header.sign(&signer) })
}

/// Input of `chunk-verify`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkVerify {
    operator_key: Fixed<32>,
    epoch: Fixed<32>,
    key: Fixed<32>,
    job: Fixed<16>,
    number: u32,
    elements: Vec<Fixed<32>>,
    signing_key: Fixed<32>,
    signature: Fixed<64>,
}

pub(super) fn chunk_verify(input: ChunkVerify) -> Result<Nothing, Fault> {
    let ChunkVerify { operator_key, epoch, key, job, number, elements, signing_key, signature } = input;
    let header = header((operator_key, epoch, key), (job, number), &elements)?;
    header.verify(&VerifyingKey::from_bytes(signing_key.0), &Signature::from_bytes(signature.0))?;
    Ok(Nothing {})
}

fn header(
    (operator_key, epoch, key): (Fixed<32>, Fixed<32>, Fixed<32>),
    (job, number): (Fixed<16>, u32),
    chunk: &[Fixed<32>],
) -> Result<ChunkHeader, Fault> {
    Ok(ChunkHeader {
        operator_key: VerifyingKey::from_bytes(operator_key.0),
        epoch: EpochId::from_bytes(epoch.0),
        key: key.public_key()?,
        job: JobId::from_bytes(job.0),
        number,
        count: u32::try_from(chunk.len()).expect("a chunk of a file"),
        digest: chunk::digest(&elements(chunk)),
    })
}

/// Input of `evaluate`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateInput {
    record: Hex,
    pinned: Fixed<32>,
    holder: u8,
    share: Fixed<32>,
    signing_key: Fixed<32>,
    request: Hex,
    random: Fixed<64>,
}

/// Output of `evaluate`.
#[derive(Debug, Serialize)]
pub struct EvaluateOutput {
    elements: Vec<Element>,
    proof: Proof,
}

pub(super) fn evaluate(input: EvaluateInput) -> Result<EvaluateOutput, Fault> {
    let record: EpochRecord = object::open(&input.record.0, &VerifyingKey::from_bytes(input.pinned.0))?;
    let epoch_key = EpochKey::new(record, input.holder, SecretKey::from_bytes(&input.share.0)?)?;
    let request = match Request::decode(&input.request.0)? {
        Request::Evaluate(request) => request,
        Request::Catalog
        | Request::Object(_)
        | Request::Segment { .. }
        | Request::Account(_)
        | Request::Checkpoint(_)
        | Request::Consistency { .. }
        | Request::Inclusion { .. }
        | Request::Succession(_) => {
            return Err(Fault::misuse("a request that asks for no evaluation"));
        }
    };
    let question = Question::validate(request, &epoch_key, &VerifyingKey::from_bytes(input.signing_key.0))?;
    let (elements, proof) = question.answer(&input.random.0);
    Ok(EvaluateOutput { elements, proof })
}

/// Input of `answer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerInput {
    record: Hex,
    pinned: Fixed<32>,
    holders: Hex,
    seed: Fixed<32>,
    job: Fixed<16>,
    signing_seed: Fixed<32>,
    identifiers: Vec<KnownIdentifier>,
    insurer_id: Fixed<16>,
    chunk: usize,
    answers: Vec<(u8, Hex)>,
}

/// Output of `answer`.
#[derive(Debug, Serialize)]
pub struct Evaluations {
    evaluations: Vec<(Vec<u8>, Vec<u8>)>,
}

pub(super) fn answer(input: AnswerInput) -> Result<Evaluations, Fault> {
    let AnswerInput { record, pinned, holders, seed, job, signing_seed, identifiers, insurer_id, chunk, answers } =
        input;
    let input = JobInput { record, pinned, holders, seed, job, signing_seed, identifiers };
    let asked = ask(input, insurer_id.0)?;
    let (items, asked) = asked.into_iter().nth(chunk).ok_or(Fault::misuse("a chunk that the job does not have"))?;
    let answers = answers.iter().map(|(holder, response)| Ok(Some(*holder).zip(evaluated(response)?)));
    let answers = answers.filter_map(Result::transpose).collect::<Result<Vec<_>, Fault>>()?;
    let answered = asked.prove(&answers)?;
    let mut evaluations = Vec::new();
    for (item, evaluation) in items.into_iter().zip(answered.finish()) {
        match (item, evaluation) {
            (Item::Person(identifier), Some(evaluation)) => {
                evaluations.push((identifier.as_bytes().to_vec(), evaluation.as_bytes().to_vec()));
            }
            (Item::Padding(_), None) => {}
            (Item::Person(_), None) => panic!("a person without an evaluation"),
            (Item::Padding(_), Some(_)) => panic!("padding with an evaluation"),
        }
    }
    evaluations.sort_unstable();
    Ok(Evaluations { evaluations })
}

/// What a response answers; a response of another alternative is no answer.
fn evaluated(Hex(response): &Hex) -> Result<Option<Evaluated>, Fault> {
    match Response::decode(response)? {
        Response::Evaluated(evaluated) => Ok(Some(evaluated)),
        Response::Catalog(_)
        | Response::Object(_)
        | Response::Segment(_)
        | Response::Account(_)
        | Response::Refused(_)
        | Response::Checkpoint(_)
        | Response::Path(_) => Ok(None),
    }
}

/// Input of `request` and `response`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    message: Hex,
}

/// Output of `request` and `response`.
#[derive(Debug, Serialize)]
pub struct MessageOutput {
    fields: Value,
}

pub(super) fn request(Message { message: Hex(message) }: Message) -> Result<MessageOutput, Fault> {
    let request = Request::decode(&message)?;
    assert_eq!(request.encode(), message, "the request encoded again");
    // SPEC.md names these fields, the code does not.
    let fields = match &request {
        Request::Object(digest) => json!({ "Object": { "digest": digest } }),
        Request::Account(epoch) => json!({ "Account": { "epoch": epoch } }),
        Request::Checkpoint(ledger) => json!({ "Checkpoint": { "ledger": ledger } }),
        Request::Succession(key) => json!({ "Succession": { "key": key } }),
        Request::Catalog | Request::Segment { .. } | Request::Evaluate(_) => json!(request),
        Request::Consistency { .. } | Request::Inclusion { .. } => json!(request),
    };
    Ok(MessageOutput { fields })
}

pub(super) fn response(Message { message: Hex(message) }: Message) -> Result<MessageOutput, Fault> {
    let response = Response::decode(&message)?;
    assert_eq!(response.encode(), message, "the response encoded again");
    Ok(MessageOutput { fields: json!(response) })
}
