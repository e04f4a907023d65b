//! Operations of exchange files: section 25.1 of SPEC.md.

use blindlist_protocol::codec::CodecError;
use blindlist_protocol::exchange::{
    Answers, ExchangeError, Frame, Header, KnownLog, Questions, Reader, Sealed, Writer,
};
use blindlist_protocol::ids::{Digest, InsurerId, LedgerId};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::values::{Fixed, Hex, nullable};

/// A log that an insurer remembers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    ledger: Fixed<16>,
    size: u64,
}

/// Input of `questions-make`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionsMake {
    operator_key: Fixed<32>,
    insurer: Fixed<16>,
    logs: Vec<Log>,
    requests: Vec<Hex>,
    seed: Fixed<32>,
}

/// Output of `questions-make`.
#[derive(Debug, Serialize)]
pub struct QuestionsMade {
    file: Vec<u8>,
    digest: Digest,
}

pub(super) fn questions_make(input: QuestionsMake) -> Result<QuestionsMade, Fault> {
    let known = |log: &Log| KnownLog { ledger: LedgerId::from_bytes(log.ledger.0), size: log.size };
    let header = Questions {
        operator_key: VerifyingKey::from_bytes(input.operator_key.0),
        insurer: InsurerId::from_bytes(input.insurer.0),
        logs: input.logs.iter().map(known).collect(),
    };
    let (mut writer, mut file) = Writer::begin(&header)?;
    for request in &input.requests {
        file.extend(writer.question(&Request::decode(&request.0)?)?);
    }
    let (end, digest) = writer.finish(&SigningKey::from_seed(&input.seed.0))?;
    file.extend(end);
    Ok(QuestionsMade { file, digest })
}

/// Input of `answers-make`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswersMake {
    operator_key: Fixed<32>,
    insurer: Fixed<16>,
    ledger: Fixed<16>,
    #[serde(deserialize_with = "nullable")]
    questions: Option<Fixed<32>>,
    answers: Vec<(Hex, Hex)>,
    seed: Fixed<32>,
}

/// Output of `answers-make`.
#[derive(Debug, Serialize)]
pub struct AnswersMade {
    file: Vec<u8>,
}

pub(super) fn answers_make(input: AnswersMake) -> Result<AnswersMade, Fault> {
    let header = Answers {
        operator_key: VerifyingKey::from_bytes(input.operator_key.0),
        insurer: InsurerId::from_bytes(input.insurer.0),
        ledger: LedgerId::from_bytes(input.ledger.0),
        questions: input.questions.map(|digest| Digest::from_bytes(digest.0)),
    };
    let (mut writer, mut file) = Writer::begin(&header)?;
    for (request, response) in &input.answers {
        let question = blindlist_protocol::exchange::question(&Request::decode(&request.0)?);
        file.extend(writer.answer(&question, &Response::decode(&response.0)?)?);
    }
    file.extend(writer.finish(&SigningKey::from_seed(&input.seed.0))?.0);
    Ok(AnswersMade { file })
}

/// Input of `questions-read` and `answers-read`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadInput {
    file: Hex,
    key: Fixed<32>,
}

/// Output of `questions-read`.
#[derive(Debug, Serialize)]
pub struct QuestionsOutput {
    operator_key: VerifyingKey,
    insurer: InsurerId,
    logs: Vec<Value>,
    requests: Vec<Vec<u8>>,
}

pub(super) fn questions_read(input: ReadInput) -> Result<QuestionsOutput, Fault> {
    let (frames, sealed) = read::<Questions>(&input)?;
    let Questions { operator_key, insurer, logs } = sealed.header;
    let logs = logs.iter().map(|log| json!({ "ledger": log.ledger, "size": log.size })).collect();
    let requests = frames.iter().map(|frame| frame.message.encode()).collect();
    Ok(QuestionsOutput { operator_key, insurer, logs, requests })
}

/// Output of `answers-read`.
#[derive(Debug, Serialize)]
pub struct AnswersOutput {
    operator_key: VerifyingKey,
    insurer: InsurerId,
    ledger: LedgerId,
    questions: Option<Digest>,
    answers: Vec<(Digest, Vec<u8>)>,
}

pub(super) fn answers_read(input: ReadInput) -> Result<AnswersOutput, Fault> {
    let (frames, sealed) = read::<Answers>(&input)?;
    let Answers { operator_key, insurer, ledger, questions } = sealed.header;
    let answers = frames.iter().map(|frame| (frame.question, frame.message.encode())).collect();
    Ok(AnswersOutput { operator_key, insurer, ledger, questions, answers })
}

type Frames<H> = Vec<Frame<<H as Header>::Message>>;

/// Reads a file in pieces, as programs do.
fn read<H: Header>(ReadInput { file: Hex(file), key }: &ReadInput) -> Result<(Frames<H>, Sealed<H>), Fault> {
    let (mut reader, mut frames) = (Reader::<H>::default(), Vec::new());
    for mut piece in file.chunks(100) {
        while !piece.is_empty() {
            frames.extend(reader.push(&mut piece)?);
        }
    }
    let sealed = reader.finish()?;
    sealed.verify(&VerifyingKey::from_bytes(key.0))?;
    Ok((frames, sealed))
}

impl From<ExchangeError> for Fault {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::TooLong { found, limit } => CodecError::TooLarge { found, limit }.into(),
            ExchangeError::Trailing => CodecError::Trailing(1).into(),
            ExchangeError::Content(error) => error.into(),
            ExchangeError::Line
            | ExchangeError::CutShort
            | ExchangeError::Count
            | ExchangeError::Header
            | ExchangeError::NotAChunk
            | ExchangeError::Twice => CodecError::Malformed.into(),
        }
    }
}
