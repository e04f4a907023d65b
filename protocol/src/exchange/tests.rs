//! Layouts, and what is refused: every cut, every byte changed, every rule of [EXC-1].

use super::*;
use crate::codec;
use crate::fixtures::{INSURER, Operator, asker, holders, insurer, items, receipt_key};
use crate::ids::{EpochId, JobId};
use crate::message::{Account, Evaluate};
use crate::oprf::Element;
use crate::params::MAX_EXCHANGE_HEADER;
use crate::refusal::{Refusal, RefusalCode};
use crate::signature::{Signature, SigningKey};
use proptest::collection::vec;
use proptest::prelude::*;

const LEDGER: LedgerId = LedgerId::from_bytes([0x1d; 16]);

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn asking() -> Questions {
    let log = |ledger, size| KnownLog { ledger: LedgerId::from_bytes([ledger; 16]), size };
    Questions { operator_key: key().verifying(), insurer: INSURER, logs: vec![log(1, 2), log(3, 0x0405)] }
}

fn answering(questions: Option<Digest>) -> Answers {
    Answers { operator_key: key().verifying(), insurer: INSURER, ledger: LEDGER, questions }
}

/// A question for one element.
fn chunk(number: u32) -> Request {
    Request::Evaluate(Evaluate {
        epoch: EpochId::from_bytes([0x11; 32]),
        holders: holders(&[1]),
        job: JobId::from_bytes([0x22; 16]),
        number,
        elements: vec![Element::from_bytes([0x33; 32])],
        signature: Signature::from_bytes([0x55; 64]),
    })
}

fn questions(header: &Questions, requests: &[Request]) -> Vec<u8> {
    let (mut writer, mut file) = Writer::begin(header).unwrap();
    requests.iter().for_each(|request| file.extend(writer.question(request).unwrap()));
    file.extend(writer.finish(&insurer()).unwrap().0);
    file
}

fn answers(header: &Answers, answers: &[(Request, Response)]) -> Vec<u8> {
    let (mut writer, mut file) = Writer::begin(header).unwrap();
    for (request, response) in answers {
        file.extend(writer.answer(&question(request), response).unwrap());
    }
    file.extend(writer.finish(&receipt_key(1)).unwrap().0);
    file
}

fn some_answers() -> Vec<(Request, Response)> {
    vec![
        (chunk(0), Response::Refused(Refusal::with(RefusalCode::OverBudget, 7))),
        (Request::Account(EpochId::from_bytes([0x11; 32])), Response::Account(Account { granted: 9, spent: 1 })),
        (Request::Catalog, Response::Catalog(vec![1, 2, 3])),
    ]
}

type Frames<H> = Vec<Frame<<H as Header>::Message>>;

/// The frames of a file that comes in pieces of these lengths, over and over.
fn read<H: Header>(file: &[u8], pieces: &[usize]) -> Result<(Frames<H>, Sealed<H>), ExchangeError> {
    let (mut reader, mut frames, mut rest) = (Reader::<H>::default(), Vec::new(), file);
    for length in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut piece, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
        rest = after;
        while !piece.is_empty() {
            frames.extend(reader.push(&mut piece)?);
        }
    }
    Ok((frames, reader.finish()?))
}

fn error<H: Header>(file: &[u8]) -> ExchangeError {
    match read::<H>(file, &[file.len().max(1)]) {
        Err(error) => error,
        Ok((frames, _)) => panic!("{} frames are taken", frames.len()),
    }
}

#[test]
fn layout_of_questions() {
    let file = questions(&asking(), &[chunk(0x0708)]);
    let request = chunk(0x0708).encode();
    let expected = [
        hex::encode("blindlist/1 questions\n"),
        "68000000".to_owned(), // length of the header
        key().verifying().to_string(),
        INSURER.to_string(),
        "0200000000000000".to_owned(), // logs
        "01".repeat(16),
        "0200000000000000".to_owned(), // its size
        "03".repeat(16),
        "0504000000000000".to_owned(),
        hex::encode(u32::try_from(request.len()).unwrap().to_le_bytes()),
        hex::encode(&request),
        "00000000".to_owned(), // the end
    ];
    let before = expected.concat();
    let message = [b"blindlist/1 questions digest\n", &Sha256::digest(hex::decode(&before).unwrap())[..]].concat();
    let signature = hex::encode(insurer().sign(&message).as_bytes());
    assert_eq!(hex::encode(&file), before + &signature);
}

#[test]
fn layout_of_answers() {
    let refused = Response::Refused(RefusalCode::Suspended.into());
    let questions = Digest::from_bytes([0x66; 32]);
    let file = answers(&answering(Some(questions)), &[(Request::Catalog, refused)]);
    let expected = [
        hex::encode("blindlist/1 answers\n"),
        "61000000".to_owned(), // length of the header
        key().verifying().to_string(),
        INSURER.to_string(),
        LEDGER.to_string(),
        "01".to_owned(), // a file of questions
        questions.to_string(),
        "2e000000".to_owned(),                        // length of the frame
        hex::encode(Sha256::digest([0_u8, 0, 0, 0])), // the request
        "05000000".to_owned(),                        // Refused
        "0700".to_owned(),
        "0000000000000000".to_owned(),
        "00000000".to_owned(), // the end
    ];
    let before = expected.concat();
    let message = [b"blindlist/1 answers digest\n", &Sha256::digest(hex::decode(&before).unwrap())[..]].concat();
    let signature = hex::encode(receipt_key(1).sign(&message).as_bytes());
    assert_eq!(hex::encode(&file), before + &signature);
    let publication = answers(&answering(None), &[]);
    assert_eq!(publication.len(), file.len() - 32 - 4 - 0x2e, "an absent digest takes one byte");
}

/// [EXC-1]
#[test]
fn a_file_is_the_same_in_whatever_pieces_it_comes() {
    let file = questions(&asking(), &[chunk(0), chunk(1), chunk(2)]);
    for pieces in [&[1][..], &[3, 70, 1], &[10_000]] {
        let (frames, sealed) = read::<Questions>(&file, pieces).unwrap();
        let numbers: Vec<_> = frames.iter().map(|frame| frame.message.clone()).collect();
        assert_eq!(numbers, [chunk(0), chunk(1), chunk(2)]);
        assert_eq!((&sealed.header, sealed.digest), (&asking(), sha256(&file)));
        assert_eq!(sealed.verify(&insurer().verifying()), Ok(()));
        assert!(sealed.verify(&key().verifying()).is_err());
        for (frame, (digest, place)) in frames.iter().zip(sealed.in_order()) {
            assert_eq!((frame.question, frame.place), (digest, place));
            let start = usize::try_from(place.offset).unwrap();
            let content = &file[start..start + place.length];
            assert_eq!(content, frame.message.encode());
            assert!(place.has(content) && !place.has(&content[1..]));
        }
    }
    let file = answers(&answering(None), &some_answers());
    let (frames, sealed) = read::<Answers>(&file, &[7]).unwrap();
    let found: Vec<_> = frames.into_iter().map(|frame| (frame.question, frame.message)).collect();
    let expected: Vec<_> = some_answers().iter().map(|(asked, answer)| (question(asked), answer.clone())).collect();
    assert_eq!(found, expected);
    assert_eq!(sealed.header.questions, None);
    assert_eq!(sealed.verify(&receipt_key(1).verifying()), Ok(()));
}

/// Requires that no file that differs in a byte from a good one is taken for one that the same key signed. [EXC-1]
fn assert_strict<H: Header>(good: &[u8], signer: &SigningKey) {
    for length in 0..good.len() {
        let cut = error::<H>(&good[..length]);
        let expected = if length < H::LINE.len() { ExchangeError::Line } else { ExchangeError::CutShort };
        assert_eq!(cut, expected, "the first {length} bytes");
    }
    assert_eq!(error::<H>(&[good, &[0]].concat()), ExchangeError::Trailing);
    assert_eq!(error::<H>(&[good, good].concat()), ExchangeError::Trailing);
    for place in 0..good.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = good.to_vec();
            bytes[place] ^= change;
            let read = read::<H>(&bytes, &[bytes.len()]);
            let accepted = read.is_ok_and(|(_, sealed)| sealed.verify(&signer.verifying()).is_ok());
            assert!(!accepted, "byte {place} changed by {change}");
        }
    }
}

/// [EXC-1]
#[test]
fn every_cut_and_every_change_shows() {
    assert_strict::<Questions>(&questions(&asking(), &[chunk(0), chunk(1)]), &insurer());
    assert_strict::<Answers>(&answers(&answering(Some(Digest::from_bytes([6; 32]))), &some_answers()), &receipt_key(1));
}

/// A file of any frames, the header among them, signed as it should be.
fn forged<H: Header>(frames: &[&[u8]], signer: &SigningKey) -> Vec<u8> {
    let mut file = H::LINE.to_vec();
    for frame in frames {
        file.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
        file.extend_from_slice(frame);
    }
    file.extend([0; 4]);
    let signature = signer.sign(&[H::DOMAIN, &Sha256::digest(&file)[..]].concat());
    file.extend(signature.as_bytes());
    file
}

/// [EXC-1]
#[test]
fn what_breaks_the_table_is_refused() {
    let of_questions = |frames: &[&[u8]]| error::<Questions>(&forged::<Questions>(frames, &insurer()));
    let (header, one) = (codec::encode(&asking()), chunk(0).encode());
    assert!(read::<Questions>(&forged::<Questions>(&[&header, &one], &insurer()), &[99]).is_ok());
    assert_eq!(of_questions(&[]), ExchangeError::Header);
    assert_eq!(of_questions(&[&header]), ExchangeError::Count, "questions without a question");
    assert_eq!(of_questions(&[&header, &one, &one]), ExchangeError::Twice);
    assert_eq!(of_questions(&[&header, &Request::Catalog.encode()]), ExchangeError::NotAChunk);
    assert_eq!(of_questions(&[&header, &one[1..]]), ExchangeError::Content(CodecError::Malformed));
    assert_eq!(of_questions(&[&header, &[&one[..], &[0]].concat()]), ExchangeError::Content(CodecError::Trailing(1)));
    assert_eq!(of_questions(&[&header[1..], &one]), ExchangeError::Header);
    assert_eq!(of_questions(&[&[&header[..], &[0]].concat(), &one]), ExchangeError::Header);
    let logs = |change: fn(&mut Vec<KnownLog>)| {
        let mut changed = asking();
        change(&mut changed.logs);
        assert!(Writer::begin(&changed).is_err());
        of_questions(&[&codec::encode(&changed), &one])
    };
    assert_eq!(logs(|logs| logs.reverse()), ExchangeError::Header);
    assert_eq!(logs(|logs| logs[1] = logs[0]), ExchangeError::Header);
    assert_eq!(logs(|logs| logs[0].size = 0), ExchangeError::Header);
    let many = |logs: &mut Vec<KnownLog>| {
        *logs = (0..33).map(|i| KnownLog { ledger: LedgerId::from_bytes([i; 16]), size: 1 }).collect();
    };
    assert_eq!(logs(many), ExchangeError::Header);

    let of_answers = |frames: &[&[u8]]| error::<Answers>(&forged::<Answers>(frames, &receipt_key(1)));
    let header = codec::encode(&answering(None));
    let answer = [&[7; 32][..], &Response::Path(vec![]).encode()].concat();
    assert!(read::<Answers>(&forged::<Answers>(&[&header, &answer], &receipt_key(1)), &[99]).is_ok());
    assert_eq!(of_answers(&[&header, &answer, &answer]), ExchangeError::Twice);
    assert_eq!(of_answers(&[&header, &answer[..31]]), ExchangeError::Content(CodecError::Malformed));
    assert_eq!(of_answers(&[&header, &answer[..32]]), ExchangeError::Content(CodecError::Malformed));
    assert_eq!(error::<Questions>(&answers(&answering(None), &[])), ExchangeError::Line, "one kind is not the other");
    assert_eq!(error::<Answers>(&questions(&asking(), &[chunk(0)])), ExchangeError::Line);
}

/// [EXC-1]: a length is refused before its bytes come.
#[test]
fn lengths_are_bounded() {
    fn begun<H: Header>(header: &H, length: usize) -> Result<Option<Frame<H::Message>>, ExchangeError> {
        let (_, mut file) = Writer::begin(header).unwrap();
        file.extend(u32::try_from(length).unwrap().to_le_bytes());
        Reader::<H>::default().push(&mut &file[..])
    }
    let (request, answer) = (Questions::LIMIT, Answers::LIMIT);
    assert!(begun(&asking(), request).is_ok() && begun(&answering(None), answer).is_ok());
    let too_long = |limit, found| Some(ExchangeError::TooLong { found, limit });
    assert_eq!(begun(&asking(), request + 1).err(), too_long(request, request + 1));
    assert_eq!(begun(&answering(None), answer + 1).err(), too_long(answer, answer + 1));
    let header = [Questions::LINE, &4_097_u32.to_le_bytes()].concat();
    let found = Reader::<Questions>::default().push(&mut &header[..]).err();
    assert_eq!(found, too_long(MAX_EXCHANGE_HEADER, 4_097));
}

/// [EXC-1]
#[test]
fn frames_are_counted() {
    // Small frames of answers, each to another question: one more than there may be.
    let (mut writer, begin) = Writer::begin(&answering(None)).unwrap();
    let mut reader = Reader::<Answers>::default();
    assert!(reader.push(&mut &begin[..]).unwrap().is_none());
    let refused = Response::Path(vec![]);
    let digest = |i: u32| Digest::from_bytes(std::array::from_fn(|place| i.to_le_bytes()[place % 4]));
    for i in 0..MAX_ANSWERS {
        let frame = writer.answer(&digest(i), &refused).unwrap();
        assert!(reader.push(&mut &frame[..]).unwrap().is_some());
    }
    assert_eq!(writer.frames(), MAX_ANSWERS);
    assert_eq!(writer.answer(&digest(MAX_ANSWERS), &refused), Err(ExchangeError::Count));
    assert_eq!(reader.push(&mut &1_u32.to_le_bytes()[..]).err(), Some(ExchangeError::Count));
}

#[test]
fn a_writer_takes_only_what_a_reader_does() {
    let (mut writer, _) = Writer::begin(&asking()).unwrap();
    assert_eq!(writer.question(&Request::Catalog), Err(ExchangeError::NotAChunk));
    assert_eq!(writer.finish(&insurer()).err(), Some(ExchangeError::Count));
}

/// The chunk of a job is found by its bytes, whenever they are made.
#[test]
fn a_question_is_named_by_its_bytes() {
    let operator = Operator::new(1, 1, 1, 1);
    let ask = |seed| {
        let asked =
            operator.epoch().ask(holders(&[1]), crate::fixtures::JOB, 0, items(3), &operator.blinding(seed), &asker());
        question(&Request::Evaluate(asked.unwrap().request().clone()))
    };
    assert_eq!(ask(5), ask(5));
    assert_ne!(ask(5), ask(6));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..400), pieces in vec(1_usize..90, 1..5)) {
        fn taken<H: Header>(bytes: &[u8], pieces: &[usize]) -> bool {
            let behind_line = [H::LINE, bytes].concat();
            let header_first = |header: Vec<u8>| [header, bytes.to_vec()].concat();
            let _ = read::<H>(bytes, pieces);
            let _ = read::<H>(&header_first(Writer::begin(&answering(None)).unwrap().1), pieces);
            let _ = read::<H>(&header_first(Writer::begin(&asking()).unwrap().1), pieces);
            read::<H>(&behind_line, pieces).is_ok_and(|(_, sealed)| sealed.verify(&insurer().verifying()).is_ok())
        }
        prop_assert!(!taken::<Questions>(&bytes, &pieces) && !taken::<Answers>(&bytes, &pieces));
    }

    #[test]
    fn any_change_is_read_alike_in_any_pieces(place in any::<prop::sample::Index>(), with in any::<u8>(), pieces in vec(1_usize..90, 1..5)) {
        let mut file = questions(&asking(), &[chunk(0), chunk(1)]);
        let place = place.index(file.len());
        file[place] = with;
        let whole = read::<Questions>(&file, &[file.len()]).map(|(_, sealed)| sealed.digest);
        let pieced = read::<Questions>(&file, &pieces).map(|(_, sealed)| sealed.digest);
        prop_assert_eq!(whole, pieced);
    }
}
