//! Checks over files that an operator wrote who has the receipt key, and may tamper with everything that it does not sign
//! with the manifest key.

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::exchange::{self as files, Answers, Questions, Reader, Writer};
use blindlist_protocol::ids::{Digest, InsurerId, LedgerId};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Account, Evaluated, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::SigningKey;
use blindlist_store::exit::Code;

use super::operator::{INSURER, Insurer, LEDGER, NOW, Operator, nir, person, receipt_key, run};
use crate::channel::{Channel, ChannelError, FileChannel};
use crate::check::{self, Summary};
use crate::exchange::{self, ExchangeFault};
use crate::{Broken, Caller, ClientError};

/// An operator with one list, and an insurer with 100 members of whom two are on it.
fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1), (person(4), 2), (person(900), 2)]);
    operator.granted = 1_000;
    let insurer = Insurer::joined(&mut operator);
    insurer.has((0..100).fold("nir\n".to_owned(), |text, n| text + &nir(n) + "\n"));
    (operator, insurer)
}

/// What becomes of an answer before it is written; none is left out.
type Forge<'a> = &'a dyn Fn(&Request, Response) -> Option<Response>;

const HONEST: Forge<'static> = &|_, response| Some(response);

/// A file of answers, as it is written.
struct Writing<'a> {
    operator: &'a Operator,
    writer: Writer<Answers>,
    file: Vec<u8>,
    forge: Forge<'a>,
}

impl<'a> Writing<'a> {
    fn begin(operator: &'a Operator, header: &Answers, forge: Forge<'a>) -> Self {
        let (writer, file) = Writer::begin(header).unwrap();
        Self { operator, writer, file, forge }
    }

    fn add(&mut self, request: &Request) -> Response {
        let honest = match run(self.operator.call(request.clone())) {
            Ok(response) => response,
            Err(ChannelError::Refused(refusal)) => Response::Refused(refusal),
            Err(error) => panic!("{error}"),
        };
        if let Some(response) = (self.forge)(request, honest.clone()) {
            self.file.extend(self.writer.answer(&files::question(request), &response).unwrap());
        }
        honest
    }

    /// All that every file answers.
    fn add_the_rest(&mut self, segments: bool, receipts: &[u64]) {
        let Response::Catalog(bytes) = self.add(&Request::Catalog) else { panic!("no catalog") };
        let key = self.operator.key.verifying();
        let catalog: Catalog = object::open(&bytes, &key).unwrap();
        for record in &catalog.epochs {
            let Response::Object(bytes) = self.add(&Request::Object(*record)) else { panic!("no record") };
            let record: EpochRecord = object::open(&bytes, &key).unwrap();
            self.add(&Request::Account(record.epoch));
        }
        for listed in &catalog.manifests {
            let Response::Object(bytes) = self.add(&Request::Object(listed.manifest)) else { panic!("no manifest") };
            let manifest: Manifest = object::open(&bytes, &key).unwrap();
            for number in (0..).take(if segments { manifest.segments.len() } else { 0 }) {
                self.add(&Request::Segment { release: manifest.release, number });
            }
        }
        let Response::Checkpoint(checkpoint) = self.add(&Request::Checkpoint(LEDGER)) else { panic!("no checkpoint") };
        for index in receipts {
            self.add(&Request::Inclusion { ledger: LEDGER, index: *index, size: checkpoint.size });
        }
    }

    fn finish(mut self, key: &SigningKey) -> Vec<u8> {
        self.file.extend(self.writer.finish(key).unwrap().0);
        self.file
    }
}

fn header(operator: &Operator, questions: Option<Digest>) -> Answers {
    Answers { operator_key: operator.key.verifying(), insurer: INSURER, ledger: LEDGER, questions }
}

fn publication(operator: &Operator, forge: Forge<'_>) -> Vec<u8> {
    let mut writing = Writing::begin(operator, &header(operator, None), forge);
    writing.add_the_rest(true, &[]);
    writing.finish(&receipt_key(1))
}

fn answers(operator: &Operator, questions: &[u8], forge: Forge<'_>) -> Vec<u8> {
    answers_as(operator, questions, forge, |_| {}, &receipt_key(1))
}

fn answers_as(
    operator: &Operator,
    questions: &[u8],
    forge: Forge<'_>,
    change: impl Fn(&mut Answers),
    key: &SigningKey,
) -> Vec<u8> {
    let (mut reader, mut rest, mut asked) = (Reader::<Questions>::default(), questions, Vec::new());
    while !rest.is_empty() {
        asked.extend(reader.push(&mut rest).unwrap().map(|frame| frame.message));
    }
    let mut header = header(operator, Some(reader.finish().unwrap().digest));
    change(&mut header);
    let mut writing = Writing::begin(operator, &header, forge);
    let mut receipts = Vec::new();
    for request in asked {
        if let Response::Evaluated(evaluated) = writing.add(&request) {
            receipts.push(evaluated.receipt.index);
        }
    }
    writing.add_the_rest(false, &receipts);
    writing.finish(key)
}

impl Insurer {
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Writes questions by a publication; their bytes.
    fn request(&self, publication: &[u8]) -> Result<Vec<u8>, ClientError> {
        let (profile, path, nobody) = (self.profile(), self.write("publication", publication), Caller::nobody());
        run(async {
            let channel = Ok(exchange::publication(&profile, &path, &nobody, NOW).await?);
            let operator = check::Operator { profile: &profile, channel };
            exchange::request(operator, self.options(), &self.path("questions"), &nobody, NOW).await
        })?;
        Ok(self.read("questions"))
    }

    fn finish(&self, answers: &[u8]) -> Result<Summary, ClientError> {
        let (path, nobody) = (self.write("answers", answers), Caller::nobody());
        let file = FileChannel::open(&path, &nobody)?;
        run(exchange::finish(&self.profile(), &file, self.options(), &nobody, || NOW))
    }
}

/// [EXC-5]
#[test]
fn a_check_goes_through_files_and_is_charged_once() {
    let (operator, insurer) = setting();
    let questions = insurer.request(&publication(&operator, HONEST)).unwrap();
    assert_eq!((operator.spent(), insurer.unfinished()), (0, 1));
    let file = answers(&operator, &questions, HONEST);
    assert_eq!(operator.spent(), 128);
    let file_again = answers(&operator, &questions, HONEST);
    assert_eq!(operator.spent(), 128);
    let summary = insurer.finish(&file).unwrap();
    assert_eq!((summary.affected.rows, summary.members.rows, summary.complete), (2, 100, true));
    assert_eq!(insurer.unfinished(), 0);
    let error = insurer.finish(&file_again).unwrap_err();
    assert!(matches!(error, ClientError::Exchange(ExchangeFault::OtherQuestions(_))), "{error}");
}

/// A job about other members than were asked about would have no answers, and its seed would stay.
#[test]
fn another_member_file_than_was_asked_about_begins_no_job() {
    let (operator, insurer) = setting();
    let questions = insurer.request(&publication(&operator, HONEST)).unwrap();
    let file = answers(&operator, &questions, HONEST);
    let members = fs::read(insurer.path("members.csv")).unwrap();
    insurer.has(format!("nir\n{}\n", nir(7)));
    let error = insurer.finish(&file).unwrap_err();
    assert!(matches!(error, ClientError::MembersChanged(_)), "{error}");
    assert_eq!((error.code(), insurer.unfinished()), (Code::BadInput, 1));
    fs::write(insurer.path("members.csv"), members).unwrap();
    assert_eq!(insurer.finish(&file).unwrap().affected.rows, 2);
    assert_eq!(insurer.unfinished(), 0);
}

/// The request for the same members is the same; for others it is another, although the first is unfinished.
#[test]
fn the_same_questions_are_written_again() {
    let (operator, insurer) = setting();
    let publication = publication(&operator, HONEST);
    let first = insurer.request(&publication).unwrap();
    assert!(insurer.request(&publication).unwrap() == first);
    assert_eq!(insurer.unfinished(), 1);
    insurer.has(format!("nir\n{}\n{}\n", nir(7), nir(8)));
    assert!(insurer.request(&publication).unwrap() != first);
    assert_eq!(insurer.unfinished(), 2);
}

/// Changes evaluations.
fn evaluated(change: impl Fn(&mut Evaluated)) -> impl Fn(&Request, Response) -> Option<Response> {
    move |_, mut response| {
        if let Response::Evaluated(evaluated) = &mut response {
            change(evaluated);
        }
        Some(response)
    }
}

/// Answers some requests with something else.
fn instead(which: fn(&Request) -> bool, with: Response) -> impl Fn(&Request, Response) -> Option<Response> {
    move |request, response| Some(if which(request) { with.clone() } else { response })
}

/// Answers some requests not at all.
fn without(which: fn(&Request) -> bool) -> impl Fn(&Request, Response) -> Option<Response> {
    move |request, response| (!which(request)).then_some(response)
}

fn refused(code: RefusalCode) -> Response {
    Response::Refused(Refusal::from(code))
}

/// Whatever a file says that the receipt key has signed, no result is written that the rules do not allow. [EXC-5]
#[test]
fn a_signed_file_of_lies_gives_no_result() {
    // Anew each time: what was proven once is kept.
    let fails = |forge: Forge<'_>, code: Code| {
        let (operator, insurer) = setting();
        let questions = insurer.request(&publication(&operator, HONEST)).unwrap();
        let error = insurer.finish(&answers(&operator, &questions, forge)).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!insurer.path("out").join("affected.csv").exists(), "{error}");
        error
    };
    fails(&evaluated(|evaluated| evaluated.elements.swap(0, 1)), Code::PeerBroke);
    fails(&evaluated(|evaluated| evaluated.receipt.index += 1), Code::PeerBroke);
    let is_chunk: fn(&Request) -> bool = |request| matches!(request, Request::Evaluate(_));
    fails(&instead(is_chunk, Response::Account(Account { granted: 1, spent: 1 })), Code::PeerBroke);
    fails(&instead(is_chunk, refused(RefusalCode::Suspended)), Code::NotAllowed);
    fails(&without(is_chunk), Code::TryAgain);
    // A list is hidden, or the log, or what shows that it has the receipts.
    let hidden = fails(&without(|request| matches!(request, Request::Object(_))), Code::PeerBroke);
    assert!(matches!(hidden, ClientError::Broken(Broken::Live(_))), "{hidden}");
    let no_log = fails(&without(|request| matches!(request, Request::Checkpoint(_))), Code::PeerBroke);
    assert!(matches!(no_log, ClientError::Broken(Broken::NoLog(_))), "{no_log}");
    let is_inclusion: fn(&Request) -> bool = |request| matches!(request, Request::Inclusion { .. });
    fails(&instead(is_inclusion, refused(RefusalCode::UnknownObject)), Code::PeerBroke);
    fails(&without(is_inclusion), Code::TryAgain);
    fails(&without(|request| matches!(request, Request::Catalog)), Code::TryAgain);
}

/// [EXC-5]
#[test]
fn files_of_others_are_refused() {
    let (operator, insurer) = setting();
    let questions = insurer.request(&publication(&operator, HONEST)).unwrap();
    let fails = |change: fn(&mut Answers), key: &SigningKey| {
        let error = insurer.finish(&answers_as(&operator, &questions, HONEST, change, key)).unwrap_err();
        assert!(!insurer.path("out").exists());
        let ClientError::Exchange(fault) = error else { panic!("{error}") };
        fault
    };
    let key = receipt_key(1);
    assert!(matches!(
        fails(|header| header.insurer = InsurerId::from_bytes([9; 16]), &key),
        ExchangeFault::NotForUs(_)
    ));
    assert!(matches!(
        fails(|header| header.operator_key = receipt_key(1).verifying(), &key),
        ExchangeFault::NotForUs(_)
    ));
    assert!(matches!(fails(|header| header.ledger = LedgerId::from_bytes([9; 16]), &key), ExchangeFault::Signature(_)));
    assert!(matches!(fails(|_| {}, &receipt_key(2)), ExchangeFault::Signature(_)));
    assert!(matches!(fails(|header| header.questions = None, &key), ExchangeFault::Publication(_)));
    let other = |header: &mut Answers| header.questions = Some(Digest::from_bytes([7; 32]));
    assert!(matches!(fails(other, &key), ExchangeFault::OtherQuestions(_)));
}

/// [EXC-5]: of a publication nothing is believed either.
#[test]
fn a_publication_of_lies_is_not_asked_by() {
    let (operator, insurer) = setting();
    let fails = |forge: Forge<'_>| insurer.request(&publication(&operator, forge)).unwrap_err().code();
    let cut = |_: &Request, mut response| {
        if let Response::Segment(bytes) = &mut response {
            bytes.truncate(20);
        }
        Some(response)
    };
    assert_eq!(fails(&cut), Code::PeerBroke);
    assert_eq!(fails(&without(|request| matches!(request, Request::Object(_)))), Code::PeerBroke);
    let garbled = |_: &Request, mut response| {
        if let Response::Catalog(bytes) = &mut response {
            bytes[60] ^= 1;
        }
        Some(response)
    };
    assert_eq!(fails(&garbled), Code::PeerBroke);
    assert!(!insurer.path("questions").exists());
    let poor = Response::Account(Account { granted: 10, spent: 0 });
    assert_eq!(fails(&instead(|request| matches!(request, Request::Account(_)), poor)), Code::NotAllowed);
    assert_eq!(operator.spent(), 0);
}

/// [EXC-6]
#[test]
fn an_older_publication_is_no_contradiction() {
    let (mut operator, insurer) = setting();
    let old = publication(&operator, HONEST);
    operator.seal("other", &[(person(5), 1)]);
    insurer.request(&publication(&operator, HONEST)).unwrap();
    let error = insurer.request(&old).unwrap_err();
    assert!(matches!(error, ClientError::Exchange(ExchangeFault::Older(_))), "{error}");
    assert_eq!(error.code(), Code::TryAgain);
}

/// [EXC-1]: what is read is what was verified.
#[test]
fn a_file_that_changes_meanwhile_is_noticed() {
    let (operator, insurer) = setting();
    let good = publication(&operator, HONEST);
    let path = insurer.write("publication", &good);
    let file = FileChannel::open(&path, &Caller::nobody()).unwrap();
    assert!(run(file.call(Request::Catalog)).is_ok());
    let place = file.sealed().places[&files::question(&Request::Catalog)];
    let mut changed = good.clone();
    changed[usize::try_from(place.offset).unwrap() + 50] ^= 1;
    for bytes in [changed, good[..usize::try_from(place.offset).unwrap()].to_vec()] {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(run(file.call(Request::Catalog)), Err(ChannelError::FileChanged)));
    }
}

#[test]
fn what_is_no_file_of_answers_is_refused() {
    let (operator, insurer) = setting();
    let good = publication(&operator, HONEST);
    let open = |bytes: &[u8]| FileChannel::open(&insurer.write("x", bytes), &Caller::nobody()).map(drop);
    for bad in [&b""[..], b"nir\n1800175000003\n", &good[..good.len() - 1], &[&good[..], &[0]].concat()] {
        let error = open(bad).unwrap_err();
        assert!(matches!(error, ClientError::Exchange(ExchangeFault::NotAnswers { .. })), "{error}");
        assert!(error.code() == Code::BadInput && !error.to_string().contains("1800175"), "{error}");
    }
    open(&good).unwrap();
    let folder = FileChannel::open(insurer.home.path(), &Caller::nobody());
    assert!(matches!(folder, Err(ClientError::NotAFile(_))));
}
