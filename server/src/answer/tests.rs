//! Files of questions, answered in process: what is in the answers, what is charged, and what is refused before any charge.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::sync::Arc;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::exchange::{self, Questions, Reader, Sealed, Writer};
use blindlist_protocol::identifier::{Identifier, Nir};
use blindlist_protocol::ids::{Digest, JobId};
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{Item, JobSeed};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Evaluate, Request};
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_store::exit::Code;

use super::*;
use crate::insurers::{resume, revoke, set_budget, set_rate, suspend};
use crate::testing::{Insurer, Operator, nir, people};

/// An operator with one list, and an insurer that may ask about 60 members: 64 evaluations.
struct Scene {
    operator: Operator,
    insurer: Insurer,
    epoch: Arc<Epoch>,
}

/// A file of answers, read.
struct Read {
    sealed: Sealed<Answers>,
    answers: BTreeMap<Digest, Response>,
}

impl Scene {
    async fn new() -> Self {
        let operator = Operator::new().await;
        operator.seal("breach", &people(20)).unwrap();
        let insurer = operator.approve("mutuelle", 60).await;
        let key = operator.home.operator_key().unwrap();
        let epoch = Arc::new(Epoch::open(&operator.home.epochs(&key).unwrap()[0].bytes, &key).unwrap());
        Self { operator, insurer, epoch }
    }

    /// A chunk about these people.
    fn ask(&self, number: u32, people: std::ops::Range<u32>) -> Asked {
        let people = people.map(|i| Item::Person(Identifier::nir(&Nir::parse(&nir(i)).unwrap())));
        let secret = self.epoch.blinding(&JobSeed::from_bytes([7; 32]));
        let holders = self.epoch.record().first_set().unwrap();
        let signer = SigningKey::from_seed(&self.insurer.signing.seed());
        let asker = Asker { insurer: self.insurer.bundle.insurer_id, signer };
        self.epoch
            .ask(holders, JobId::from_bytes([1; 16]), number, people.collect::<Vec<_>>(), &secret, &asker)
            .unwrap()
    }

    fn header(&self) -> Questions {
        let operator_key = self.epoch.record().operator_key;
        Questions { operator_key, insurer: self.insurer.bundle.insurer_id, logs: vec![] }
    }

    /// A file of these questions.
    fn questions(&self, header: &Questions, asked: &[Evaluate], signer: &SigningKey) -> PathBuf {
        let (mut writer, mut file) = Writer::begin(header).unwrap();
        for request in asked {
            file.extend(writer.question(&Request::Evaluate(request.clone())).unwrap());
        }
        file.extend(writer.finish(signer).unwrap().0);
        self.write(&file)
    }

    fn write(&self, file: &[u8]) -> PathBuf {
        let path = self.path("questions");
        fs::write(&path, file).unwrap();
        path
    }

    fn of(&self, asked: &[&Asked]) -> PathBuf {
        let requests: Vec<_> = asked.iter().map(|asked| asked.request().clone()).collect();
        self.questions(&self.header(), &requests, &self.insurer.signing)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.operator.folder.path().join(name)
    }

    async fn answer(&self, questions: PathBuf) -> Result<Answered, Error> {
        let job = Job { questions, out: self.path("answers"), with_indexes: false };
        answer(self.operator.home.clone(), &job).await
    }

    fn read(&self) -> Read {
        let file = fs::read(self.path("answers")).unwrap();
        let (mut reader, mut rest, mut answers) = (Reader::<Answers>::default(), &file[..], BTreeMap::new());
        while !rest.is_empty() {
            answers.extend(reader.push(&mut rest).unwrap().map(|frame| (frame.question, frame.message)));
        }
        let sealed = reader.finish().unwrap();
        let holder = self.epoch.record().holder(1).unwrap();
        sealed.verify(&holder.receipt_key).unwrap();
        assert_eq!(sealed.header.ledger, holder.ledger);
        assert_eq!(sealed.header.insurer, self.insurer.bundle.insurer_id);
        Read { sealed, answers }
    }

    async fn spent(&self) -> u64 {
        let ledger = self.operator.home.ledger().await.unwrap();
        let id = self.insurer.bundle.insurer_id;
        let account = ledger.account(id.as_bytes(), self.epoch.record().epoch.as_bytes()).await.unwrap().unwrap();
        ledger.close().await;
        account.spent
    }

    /// Requires that a file is refused with this code, that nothing was charged, and nothing written.
    #[track_caller]
    fn refused(&self, refused: Result<Answered, Error>, code: Code) -> impl Future<Output = String> {
        let error = refused.expect_err("it was answered");
        assert_eq!(error.code(), code, "{error}");
        assert!(!self.path("answers").exists());
        async move {
            assert_eq!(self.spent().await, 0, "{error}");
            error.to_string()
        }
    }
}

impl Read {
    fn to(&self, request: &Request) -> &Response {
        self.answers.get(&exchange::question(request)).unwrap_or_else(|| panic!("no answer to {request:?}"))
    }

    fn checkpoint(&self) -> &Checkpoint {
        let response = self.to(&Request::Checkpoint(self.sealed.header.ledger));
        let Response::Checkpoint(checkpoint) = response else { panic!("{response:?}") };
        checkpoint
    }

    fn path(&self, request: &Request) -> Vec<Digest> {
        let response = self.to(request);
        let Response::Path(path) = response else { panic!("{response:?}") };
        path.clone()
    }

    /// Requires the answers to all that every file answers; the catalog, and how many answers these are.
    fn has_what_all_have(&self, scene: &Scene) -> (Catalog, usize) {
        let Response::Catalog(bytes) = self.to(&Request::Catalog) else { panic!("no catalog") };
        let catalog: Catalog = object::open(bytes, &scene.epoch.record().operator_key).unwrap();
        for digest in catalog.epochs.iter().chain(catalog.manifests.iter().map(|listed| &listed.manifest)) {
            assert!(
                matches!(self.to(&Request::Object(*digest)), Response::Object(bytes) if object::digest(bytes) == *digest)
            );
        }
        assert!(matches!(self.to(&Request::Account(scene.epoch.record().epoch)), Response::Account(_)));
        self.checkpoint();
        let count = 3 + catalog.epochs.len() + catalog.manifests.len();
        (catalog, count)
    }
}

/// [EXC-3], [EXC-4]
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_proven_and_the_log_has_them() {
    let scene = Scene::new().await;
    let (first, second) = (scene.ask(0, 0..10), scene.ask(1, 10..30));
    let known = KnownLog { ledger: scene.epoch.record().holder(1).unwrap().ledger, size: 2 };
    let header = Questions { logs: vec![known], ..scene.header() };
    let requests = [first.request().clone(), second.request().clone()];
    let questions = scene.questions(&header, &requests, &scene.insurer.signing);
    let digest = object::digest(&fs::read(&questions).unwrap());
    let answered = scene.answer(questions.clone()).await.unwrap();
    assert_eq!((answered.chunks, answered.charged, answered.left), (2, 30, 34));
    assert!(answered.refused.is_empty());

    let read = scene.read();
    assert_eq!(read.sealed.header.questions, Some(digest));
    let (catalog, all) = read.has_what_all_have(&scene);
    let mut receipts = Vec::new();
    let checkpoint = read.checkpoint();
    let (ledger, size) = (read.sealed.header.ledger, checkpoint.size);
    for asked in [first, second] {
        let Response::Evaluated(evaluated) = read.to(&Request::Evaluate(asked.request().clone())).clone() else {
            panic!("it is refused");
        };
        let receipt = evaluated.receipt.clone();
        asked.prove(&[(1, evaluated)]).unwrap();
        let path = read.path(&Request::Inclusion { ledger, index: receipt.index, size });
        receipts.push((receipt, path));
    }
    let in_catalog = catalog.checkpoints.iter().find(|checkpoint| checkpoint.ledger == ledger).unwrap();
    let path = read.path(&Request::Consistency { ledger, from: in_catalog.size, to: size });
    let key = scene.epoch.record().holder(1).unwrap().receipt_key;
    checkpoint.accept(&ledger, &key, &[(in_catalog.head(), path)], &receipts).unwrap();
    read.path(&Request::Consistency { ledger, from: 2, to: size });
    assert_eq!(read.answers.len(), all + 2 + 2 + 2, "two chunks, two paths to them, two to earlier sizes");

    let again = scene.answer(questions).await.unwrap();
    assert_eq!((again.charged, scene.spent().await), (0, 30), "the same questions cost nothing");
    let again = scene.read();
    assert_eq!(again.answers.len(), read.answers.len());
}

/// [EXC-3]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_budget_does_not_allow_is_refused_in_the_answers() {
    let scene = Scene::new().await;
    let (first, second) = (scene.ask(0, 0..40), scene.ask(1, 40..80));
    let questions = scene.of(&[&first, &second]);
    let answered = scene.answer(questions.clone()).await.unwrap();
    assert_eq!((answered.charged, answered.missing), (40, 16));
    assert_eq!(answered.refused, BTreeMap::from([(11, (RefusalCode::OverBudget, 1))]));
    let read = scene.read();
    let kinds = [&first, &second].map(|asked| read.to(&Request::Evaluate(asked.request().clone())).clone());
    let refused = |response: &&Response| matches!(response, Response::Refused(refusal) if refusal.value == 16);
    assert_eq!(kinds.iter().filter(refused).count(), 1);

    set_budget(&scene.operator.home, &"mutuelle".parse().unwrap(), 100).await.unwrap();
    let answered = scene.answer(questions).await.unwrap();
    assert_eq!((answered.charged, answered.refused.len(), scene.spent().await), (40, 0, 80));
}

/// An element that is none takes its turn to be found, and costs nothing. [EXC-2]
#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_is_none_is_refused_in_the_answers() {
    let scene = Scene::new().await;
    let record = scene.epoch.record();
    let elements = vec![blindlist_protocol::oprf::Element::from_bytes([0; 32])];
    let header = blindlist_protocol::chunk::ChunkHeader {
        operator_key: record.operator_key,
        epoch: record.epoch,
        key: record.key,
        job: JobId::from_bytes([1; 16]),
        number: 0,
        count: 1,
        digest: blindlist_protocol::chunk::digest(&elements),
    };
    let (epoch, job, holders) = (record.epoch, header.job, record.first_set().unwrap());
    let signature = header.sign(&scene.insurer.signing);
    let request = Evaluate { epoch, holders, job, number: 0, elements, signature };
    let answered = scene.answer(scene.questions(&scene.header(), &[request], &scene.insurer.signing)).await.unwrap();
    assert_eq!(answered.refused, BTreeMap::from([(3, (RefusalCode::InvalidElement, 1))]));
    assert_eq!(scene.spent().await, 0);
}

/// [EXC-2]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_insurers_file_is_refused_before_any_charge() {
    let scene = Scene::new().await;
    let (first, second) = (scene.ask(0, 0..2), scene.ask(1, 2..4));
    let good = fs::read(scene.of(&[&first, &second])).unwrap();

    for place in [0, 30, 60, 90, 150, 200, 300, good.len() - 70, good.len() - 65, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        let path = scene.write(&bytes);
        let error = scene.answer(path).await.expect_err("it was answered");
        let code = error.code();
        assert!(matches!(code, Code::BadInput | Code::PeerBroke | Code::NotAllowed), "byte {place}: {error}");
        assert!(!scene.path("answers").exists());
    }
    for bytes in [&good[..0], &good[..good.len() - 1], &[&good[..], &[0]].concat(), b"nir\n1850578006048\n"] {
        let path = scene.write(bytes);
        let said = scene.refused(scene.answer(path).await, Code::BadInput).await;
        assert!(said.contains("is not a file of questions") && !said.contains("1850"), "{said}");
    }

    let requests = [first.request().clone()];
    let with = |header: Questions| scene.questions(&header, &requests, &scene.insurer.signing);
    let path = with(Questions { operator_key: scene.insurer.signing.verifying(), ..scene.header() });
    assert!(scene.refused(scene.answer(path).await, Code::BadInput).await.contains("another operator"));
    let path = with(Questions { insurer: InsurerId::from_bytes([9; 16]), ..scene.header() });
    assert!(scene.refused(scene.answer(path).await, Code::NotAllowed).await.contains("from no insurer"));
    let path = scene.questions(&scene.header(), &requests, &SigningKey::from_seed(&[0x99; 32]));
    assert!(scene.refused(scene.answer(path).await, Code::PeerBroke).await.contains("is not signed by the key"));
    assert_eq!(scene.spent().await, 0);
}

/// [EXC-2]
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_question_refuses_the_whole_file() {
    let scene = Scene::new().await;
    let good = scene.ask(0, 0..2).request().clone();
    let bad = scene.ask(1, 2..4).request().clone();
    let of = |change: fn(&mut Evaluate)| {
        let mut changed = bad.clone();
        change(&mut changed);
        scene.questions(&scene.header(), &[good.clone(), changed], &scene.insurer.signing)
    };
    let path = of(|request| request.epoch = blindlist_protocol::ids::EpochId::from_bytes([8; 32]));
    assert!(scene.refused(scene.answer(path).await, Code::BadInput).await.contains("question 2"));
    let path = of(|request| request.elements.reverse());
    scene.refused(scene.answer(path).await, Code::BadInput).await;
    let path = of(|request| request.elements.clear());
    scene.refused(scene.answer(path).await, Code::BadInput).await;
    let path = of(|request| request.number = 5);
    scene.refused(scene.answer(path).await, Code::PeerBroke).await;
    let path = of(|request| request.holders = vec![2].try_into().unwrap());
    scene.refused(scene.answer(path).await, Code::BadInput).await;
}

/// [EXC-2]
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_answered_over_the_network_is_not_answered_here() {
    let scene = Scene::new().await;
    let (home, name) = (&scene.operator.home, "mutuelle".parse().unwrap());
    let questions = scene.of(&[&scene.ask(0, 0..2)]);
    suspend(home, &name).await.unwrap();
    assert!(scene.refused(scene.answer(questions.clone()).await, Code::NotAllowed).await.contains("suspended"));
    let published = publish(home.clone(), &name, &scene.path("answers")).await;
    assert_eq!(published.unwrap_err().code(), Code::NotAllowed);
    resume(home, &name).await.unwrap();
    scene.answer(questions.clone()).await.unwrap();
    fs::remove_file(scene.path("answers")).unwrap();
    revoke(home, &name, true).await.unwrap();
    let error = scene.answer(questions).await.unwrap_err();
    assert!(error.code() == Code::NotAllowed && error.to_string().contains("revoked"), "{error}");
    assert!(!scene.path("answers").exists());
}

/// [EXC-3]: what is answered is what was verified.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_meanwhile_is_not_answered() {
    let scene = Scene::new().await;
    let path = scene.of(&[&scene.ask(0, 0..2)]);
    let service = Service::open(scene.operator.home.clone()).await.unwrap();
    let verified = Verified::read(&path, &service).await.unwrap();
    let (_, place) = verified.sealed.in_order()[0];
    assert!(verified.question(&place).is_ok());
    let good = fs::read(&path).unwrap();
    for changed in [[&good[..150], &[good[150] ^ 1], &good[151..]].concat(), good[..150].to_vec()] {
        fs::write(&path, changed).unwrap();
        let error = verified.question(&place).unwrap_err();
        assert!(matches!(error, Error::Answer(AnswerError::Changed { .. })), "{error}");
    }
    service.close().await;
}

/// Of those that have none of their own, the rate is for the network alone; one of its own is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_waited_for() {
    let scene = Scene::new().await;
    let config = scene.operator.home.config_path();
    let text = fs::read_to_string(&config).unwrap();
    let slow: Vec<_> = text.lines().map(|line| if line.starts_with("# rate = ") { "rate = 1" } else { line }).collect();
    fs::write(&config, slow.join("\n")).unwrap();
    assert_eq!(scene.operator.home.config().unwrap().rate, NonZeroU64::MIN);
    scene.answer(scene.of(&[&scene.ask(0, 0..12), &scene.ask(1, 12..24)])).await.unwrap();

    set_rate(&scene.operator.home, &"mutuelle".parse().unwrap(), NonZeroU64::new(60)).await.unwrap();
    let answered = scene.answer(scene.of(&[&scene.ask(2, 24..36), &scene.ask(3, 36..48)])).await.unwrap();
    assert_eq!((answered.charged, answered.refused.len()), (24, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_not_replaced_by_their_answers() {
    let scene = Scene::new().await;
    let questions = scene.of(&[&scene.ask(0, 0..2)]);
    let job = Job { questions: questions.clone(), out: questions, with_indexes: false };
    let error = answer(scene.operator.home.clone(), &job).await.unwrap_err();
    assert_eq!(error.code(), Code::Usage);
    let folder = Job { questions: scene.operator.folder.path().to_owned(), ..job };
    assert_eq!(answer(scene.operator.home.clone(), &folder).await.unwrap_err().code(), Code::BadInput);
}

/// [EXC-4]
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_has_all_that_is_live_for_its_insurer() {
    let scene = Scene::new().await;
    scene.operator.seal("other", &people(9)).unwrap();
    let somebody = scene.operator.approve("somebody", 60).await;
    scene.operator.address("other", &[&somebody]);
    let name = "mutuelle".parse().unwrap();
    let left = publish(scene.operator.home.clone(), &name, &scene.path("answers")).await.unwrap();
    assert_eq!(left, 64);
    let read = scene.read();
    assert_eq!(read.sealed.header.questions, None);
    let Response::Catalog(bytes) = read.to(&Request::Catalog) else { panic!("no catalog") };
    let catalog: Catalog = object::open(bytes, &scene.epoch.record().operator_key).unwrap();
    let of_us = |id| catalog.manifests.iter().filter(move |listed| listed.addresses(id)).collect::<Vec<_>>();
    let ours = of_us(&scene.insurer.bundle.insurer_id);
    assert_eq!((catalog.manifests.len(), ours.len()), (2, 1));
    let Response::Object(bytes) = read.to(&Request::Object(ours[0].manifest)) else { panic!("no manifest") };
    let manifest: Manifest = object::open(bytes, &scene.epoch.record().operator_key).unwrap();
    for number in 0..u32::try_from(manifest.segments.len()).unwrap() {
        let request = Request::Segment { release: manifest.release, number };
        let Response::Segment(bytes) = read.to(&request) else { panic!("no segment") };
        manifest.check_segment(number, bytes).unwrap();
    }
    let theirs = catalog.manifests.iter().find(|listed| listed.manifest != ours[0].manifest).unwrap();
    assert!(!read.answers.contains_key(&exchange::question(&Request::Object(theirs.manifest))));
    read.checkpoint();

    let nobody = publish(scene.operator.home.clone(), &"nobody".parse().unwrap(), &scene.path("x")).await;
    assert!(matches!(nobody, Err(Error::UnknownInsurer(_))));
}
