//! The service in process: what is answered, what is refused, and what is charged for.

mod follow;
mod log;

use std::fs;

use blindlist_protocol::catalog::{Catalog, Listed};
use blindlist_protocol::chunk::{self, ChunkHeader};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::identifier::{Identifier, Nir};
use blindlist_protocol::ids::JobId;
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{Item, JobSeed};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Evaluate, Evaluated};
use blindlist_protocol::object;
use blindlist_protocol::oprf::{Element, blind_evaluate, decode, evaluate_inputs};
use blindlist_protocol::params::{CANARIES, SEGMENT_LENGTH};

use super::*;
use crate::epochs::opened;
use crate::insurers::{resume, set_budget, suspend};
use crate::testing::{Insurer, Operator, nir, people};

/// An operator with one list, its service, and an insurer that may ask about 60 members: 64 evaluations.
struct Scene {
    operator: Operator,
    service: Service,
    insurer: Insurer,
    epoch: Arc<Epoch>,
}

impl Scene {
    async fn new() -> Self {
        let operator = Operator::new().await;
        operator.seal("breach", &people(20)).unwrap();
        let insurer = operator.approve("mutuelle", 60).await;
        let service = Service::open(operator.home.clone()).await.unwrap();
        let key = operator.home.operator_key().unwrap();
        let epoch = Arc::new(Epoch::open(&operator.home.epochs(&key).unwrap()[0].bytes, &key).unwrap());
        Self { operator, service, insurer, epoch }
    }

    fn record(&self) -> &EpochRecord {
        self.epoch.record()
    }

    async fn call(&self, request: &Request) -> Response {
        self.call_as(&self.insurer, request).await
    }

    async fn call_as(&self, insurer: &Insurer, request: &Request) -> Response {
        self.service.answer(&insurer.certificate, Incoming::Whole(request.encode())).await
    }

    async fn account(&self) -> (u64, u64) {
        let answer = self.call(&Request::Account(self.record().epoch)).await;
        let Response::Account(account) = answer else { panic!("{answer:?}") };
        (account.granted, account.spent)
    }

    /// A chunk about these people.
    fn ask(&self, people: std::ops::Range<u32>) -> (Asked, Vec<Item>) {
        let items: Vec<_> = people.map(|i| Item::Person(Identifier::nir(&Nir::parse(&nir(i)).unwrap()))).collect();
        let secret = self.epoch.blinding(&JobSeed::from_bytes([7; 32]));
        let holders = self.record().first_set().unwrap();
        let job = JobId::from_bytes([1; 16]);
        let asker = Asker {
            insurer: self.insurer.bundle.insurer_id,
            signer: SigningKey::from_seed(&self.insurer.signing.seed()),
        };
        (self.epoch.ask(holders, job, 0, items.clone(), &secret, &asker).unwrap(), items)
    }

    async fn evaluate(&self, request: Evaluate) -> Result<Evaluated, Refusal> {
        match self.call(&Request::Evaluate(request)).await {
            Response::Evaluated(evaluated) => Ok(evaluated),
            Response::Refused(refusal) => Err(refusal),
            other @ (Response::Catalog(_) | Response::Object(_) | Response::Segment(_)) => panic!("{other:?}"),
            other @ (Response::Account(_) | Response::Checkpoint(_) | Response::Path(_)) => panic!("{other:?}"),
        }
    }

    /// A request for any elements, signed as it should be.
    fn request(&self, elements: Vec<Element>) -> Evaluate {
        let record = self.record();
        let header = ChunkHeader {
            operator_key: record.operator_key,
            epoch: record.epoch,
            key: record.key,
            job: JobId::from_bytes([1; 16]),
            number: 3,
            count: u32::try_from(elements.len()).unwrap(),
            digest: chunk::digest(&elements),
        };
        Evaluate {
            epoch: record.epoch,
            holders: record.first_set().unwrap(),
            job: header.job,
            number: header.number,
            signature: header.sign(&self.insurer.signing),
            elements,
        }
    }
}

fn refused(response: &Response) -> RefusalCode {
    let Response::Refused(refusal) = response else { panic!("it was answered: {response:?}") };
    refusal.code
}

fn code(result: Result<Evaluated, Refusal>) -> RefusalCode {
    result.expect_err("it was evaluated").code
}

/// [EVA-4], [EVA-5]
#[tokio::test]
async fn a_chunk_is_evaluated_proven_and_charged_once() {
    let scene = Scene::new().await;
    let (asked, items) = scene.ask(0..5);
    let request = asked.request().clone();
    let answer = scene.evaluate(request.clone()).await.unwrap();
    assert_eq!(answer.account, Account { granted: 64, spent: 5 });

    let proven = asked.prove(&[(1, answer.clone())]).unwrap();
    let key = scene.operator.home.operator_key().unwrap();
    let secret = scene.operator.home.epochs(&key).unwrap()[0].whole_key().unwrap();
    for (item, y) in items.iter().zip(proven.finish()) {
        let Item::Person(identifier) = item else { panic!("no padding was asked for") };
        assert_eq!(y, evaluate_inputs(&secret, &[identifier.as_bytes()]).pop());
    }

    let again = scene.evaluate(request).await.unwrap();
    assert_eq!((again.elements, again.account), (answer.elements, answer.account), "a repeat costs nothing");
    assert_eq!(again.receipt, answer.receipt, "a repeat has the receipt of its charge");
    assert_ne!(again.proof, answer.proof, "every proof has a fresh nonce");
}

/// [EVA-4], [EVA-5]
#[tokio::test]
async fn a_chunk_over_the_budget_is_refused_whole_and_says_what_is_missing() {
    let scene = Scene::new().await;
    scene.evaluate(scene.ask(0..60).0.request().clone()).await.unwrap();
    let over = scene.evaluate(scene.ask(100..107).0.request().clone()).await.unwrap_err();
    assert_eq!(over, Refusal::with(RefusalCode::OverBudget, 3));
    assert_eq!(scene.account().await, (64, 60));
    scene.evaluate(scene.ask(100..104).0.request().clone()).await.unwrap();
    assert_eq!(scene.account().await, (64, 64), "what fits exactly is answered");
    scene.evaluate(scene.ask(0..60).0.request().clone()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let scene = Scene::new().await;
    let certificate = &scene.insurer.certificate;
    let trailing = [Request::Catalog.encode(), vec![0]].concat();
    let cut = scene.ask(0..2).0.request().clone();
    let mut cut = Request::Evaluate(cut).encode();
    cut.pop();
    for bytes in [vec![], vec![0xff; 100], trailing, cut] {
        assert_eq!(refused(&scene.service.answer(certificate, Incoming::Whole(bytes)).await), RefusalCode::Malformed);
    }
    let large = vec![0; blindlist_protocol::params::MAX_REQUEST + 1];
    for request in [Incoming::TooLarge, Incoming::Whole(large)] {
        assert_eq!(refused(&scene.service.answer(certificate, request).await), RefusalCode::TooLarge);
    }
}

/// [EVA-2], [EVA-3], [EVA-5]
#[tokio::test]
async fn what_is_invalid_is_refused_and_never_charged() {
    let scene = Scene::new().await;
    let good = scene.ask(0..3).0.request().clone();
    let first = good.elements[0];
    let mut unsorted = good.elements.clone();
    unsorted.reverse();
    let identity = vec![Element::from_bytes([0; 32]), first];
    let not_canonical = vec![first, Element::from_bytes([0xff; 32])];
    for (request, expected) in [
        (scene.request(identity), RefusalCode::InvalidElement),
        (scene.request(not_canonical), RefusalCode::InvalidElement),
        (scene.request(vec![]), RefusalCode::InvalidChunk),
        (scene.request(vec![first, first]), RefusalCode::InvalidChunk),
        (scene.request(unsorted), RefusalCode::InvalidChunk),
        (Evaluate { number: 9, ..good.clone() }, RefusalCode::InvalidSignature),
        (Evaluate { epoch: EpochId::from_bytes([1; 32]), ..good.clone() }, RefusalCode::UnknownEpoch),
        (Evaluate { holders: HolderSet::try_from(vec![2]).unwrap(), ..good.clone() }, RefusalCode::WrongHolders),
        (Evaluate { holders: HolderSet::try_from(vec![1, 2]).unwrap(), ..good.clone() }, RefusalCode::WrongHolders),
    ] {
        assert_eq!(code(scene.evaluate(request).await), expected);
    }
    assert_eq!(scene.account().await, (64, 0));
    let unknown = Request::Account(EpochId::from_bytes([1; 32]));
    assert_eq!(refused(&scene.call(&unknown).await), RefusalCode::UnknownEpoch);
}

/// [EVA-6]
#[tokio::test]
async fn no_other_request_evaluates_an_element() {
    let scene = Scene::new().await;
    let key = scene.operator.home.operator_key().unwrap();
    let secret = scene.operator.home.epochs(&key).unwrap()[0].whole_key().unwrap();
    // An element wherever another request takes bytes.
    let element = scene.ask(0..1).0.request().elements[0];
    let answer = blind_evaluate(&secret, &[decode(&element).unwrap()]).unwrap()[0];
    let half = *element.as_bytes().first_chunk::<16>().unwrap();
    for request in [
        Request::Catalog,
        Request::Object(Digest::from_bytes(*element.as_bytes())),
        Request::Object(scene.operator.live()[0].digest),
        Request::Segment { release: ReleaseId::from_bytes(half), number: 0 },
        Request::Segment { release: scene.operator.live()[0].manifest.release, number: 0 },
        Request::Account(EpochId::from_bytes(*element.as_bytes())),
        Request::Account(scene.record().epoch),
    ] {
        let response = scene.call(&request).await.encode();
        assert!(!response.windows(32).any(|bytes| bytes == answer.as_bytes()), "{request:?}");
    }
    assert_eq!(scene.account().await, (64, 0));
    let evaluated = scene.evaluate(scene.ask(0..1).0.request().clone()).await.unwrap();
    assert_eq!(evaluated.elements, [answer], "that is what was looked for");
}

/// [EVA-1]
#[tokio::test]
async fn only_enrolled_insurers_that_are_not_suspended_are_answered() {
    let scene = Scene::new().await;
    let chunk = scene.ask(0..3).0.request().clone();
    scene.evaluate(chunk.clone()).await.unwrap();
    let stranger = scene.service.answer(&[9; 32], Incoming::Whole(Request::Catalog.encode())).await;
    assert_eq!(refused(&stranger), RefusalCode::UnknownInsurer);

    let (home, name) = (&scene.operator.home, &scene.insurer.bundle.insurer);
    suspend(home, name).await.unwrap();
    for request in [Request::Catalog, Request::Account(scene.record().epoch), Request::Evaluate(chunk)] {
        assert_eq!(refused(&scene.call(&request).await), RefusalCode::Suspended);
    }
    resume(home, name).await.unwrap();
    assert_eq!(scene.account().await, (64, 3));
}

#[tokio::test]
async fn another_budget_holds_from_the_next_request_on() {
    let scene = Scene::new().await;
    let (home, name) = (&scene.operator.home, &scene.insurer.bundle.insurer);
    scene.evaluate(scene.ask(0..60).0.request().clone()).await.unwrap();
    let more = scene.ask(100..107).0.request().clone();
    assert_eq!(scene.evaluate(more.clone()).await.unwrap_err(), Refusal::with(RefusalCode::OverBudget, 3));
    assert_eq!(set_budget(home, name, 61).await.unwrap(), 128);
    scene.evaluate(more).await.unwrap();
    assert_eq!(scene.account().await, (128, 67));

    set_budget(home, name, 1).await.unwrap();
    assert_eq!(scene.account().await, (64, 67));
    let over = scene.evaluate(scene.ask(200..201).0.request().clone()).await.unwrap_err();
    assert_eq!(over, Refusal::with(RefusalCode::OverBudget, 4));
    scene.evaluate(scene.ask(0..60).0.request().clone()).await.unwrap();
}

/// [EVA-3]
#[tokio::test]
async fn another_insurers_signature_does_not_hold() {
    let scene = Scene::new().await;
    let other = scene.operator.approve("autre", 60).await;
    let request = Request::Evaluate(scene.ask(0..3).0.request().clone());
    assert_eq!(refused(&scene.call_as(&other, &request).await), RefusalCode::InvalidSignature);
}

#[tokio::test]
async fn catalog_objects_and_segments_belong_together() {
    let scene = Scene::new().await;
    let key = scene.operator.home.operator_key().unwrap();
    let Response::Catalog(bytes) = scene.call(&Request::Catalog).await else { panic!("a catalog was asked for") };
    let catalog: Catalog = object::open(&bytes, &key).unwrap();
    for digest in &catalog.epochs {
        let Response::Object(bytes) = scene.call(&Request::Object(*digest)).await else { panic!("it is live") };
        object::open::<EpochRecord>(&bytes, &key).unwrap();
    }
    let [Listed { manifest: digest, .. }] = catalog.manifests[..] else { panic!("one list is live") };
    let Response::Object(bytes) = scene.call(&Request::Object(digest)).await else { panic!("it is live") };
    let manifest: Manifest = object::open(&bytes, &key).unwrap();
    assert_eq!((object::digest(&bytes), manifest.people()), (digest, 20));

    let segment = |number| Request::Segment { release: manifest.release, number };
    let Response::Segment(bytes) = scene.call(&segment(0)).await else { panic!("it is live") };
    assert_eq!(object::digest(&bytes), manifest.segments[0]);
    for unknown in [
        segment(1),
        segment(u32::MAX),
        Request::Segment { release: ReleaseId::from_bytes([0; 16]), number: 0 },
        Request::Object(Digest::from_bytes([0; 32])),
    ] {
        assert_eq!(refused(&scene.call(&unknown).await), RefusalCode::UnknownObject);
    }
}

/// [MAN-6]
#[tokio::test]
async fn a_release_is_shown_to_its_audience_alone() {
    let scene = Scene::new().await;
    let other = scene.operator.approve("autre", 60).await;
    scene.operator.address("breach", &[&other]);
    scene.call(&Request::Catalog).await;
    let release = scene.operator.live().remove(0);
    let requests = [Request::Object(release.digest), Request::Segment { release: release.manifest.release, number: 0 }];
    for request in requests {
        assert_eq!(refused(&scene.call(&request).await), RefusalCode::UnknownObject);
        let answer = scene.call_as(&other, &request).await;
        assert!(matches!(answer, Response::Object(_) | Response::Segment(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_sealed_meanwhile_is_served_without_a_restart() {
    let scene = Scene::new().await;
    let old = scene.operator.live().remove(0);
    let segment = |release: ReleaseId, number| Request::Segment { release, number };
    let many = people(u32::try_from(CANARIES).unwrap() + 1_000);
    let sealed = scene.operator.seal("breach", &many).unwrap();
    assert_eq!(refused(&scene.call(&Request::Object(sealed.lists[0].manifest)).await), RefusalCode::UnknownObject);
    let before = scene.call(&segment(old.manifest.release, 0)).await;
    assert!(matches!(before, Response::Segment(_)), "until the next catalog the old release is served");

    let Response::Catalog(bytes) = scene.call(&Request::Catalog).await else { panic!("a catalog was asked for") };
    assert_eq!(object::digest(&bytes), sealed.catalog);
    let Response::Segment(bytes) = scene.call(&segment(sealed.lists[0].release, 0)).await else { panic!("it is live") };
    assert_eq!(bytes.len() as u64, sealed.lists[0].index_bytes.min(SEGMENT_LENGTH.into()));
    assert_eq!(refused(&scene.call(&segment(old.manifest.release, 0)).await), RefusalCode::UnknownObject);
}

#[tokio::test]
async fn a_catalog_that_cannot_be_served_does_not_replace_the_one_that_is() {
    let scene = Scene::new().await;
    let served = scene.operator.snapshot();
    let path = scene.operator.home.catalog_path();
    let mut forged = served.bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    fs::write(&path, forged).unwrap();
    assert_eq!(scene.call(&Request::Catalog).await, Response::Catalog(served.bytes.clone()));
    fs::remove_file(&path).unwrap();
    assert_eq!(scene.call(&Request::Catalog).await, Response::Catalog(served.bytes));
}

#[tokio::test]
async fn a_full_queue_is_busy_and_charges_nothing() {
    let scene = Scene::new().await;
    let chunk = scene.ask(0..3).0.request().clone();
    scene.service.queue.set_places(Places { all: 0, each: 0 });
    let mut turns = Vec::new();
    while let Ok(turn) = scene.service.queue.turn([0xff; 16]).await {
        turns.push(turn);
    }
    let refusal = scene.evaluate(chunk.clone()).await.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Busy);
    assert!((1..=30_000).contains(&refusal.value), "milliseconds to wait: {}", refusal.value);
    assert_eq!(scene.account().await, (64, 0), "what is short is answered still");
    turns.pop();
    scene.evaluate(chunk).await.unwrap();
    assert_eq!(scene.account().await, (64, 3));
}

/// A malformed chunk takes a turn as any other, and hands it on.
#[tokio::test]
async fn invalid_chunks_leave_all_workers_free() {
    let scene = Scene::new().await;
    for _ in 0..50 {
        assert_eq!(code(scene.evaluate(scene.request(vec![])).await), RefusalCode::InvalidChunk);
    }
    scene.service.queue.set_places(Places { all: 0, each: 0 });
    scene.evaluate(scene.ask(0..3).0.request().clone()).await.unwrap();
}

#[tokio::test]
async fn no_answer_is_longer_than_the_room_that_is_kept_for_it() {
    let scene = Scene::new().await;
    let release = scene.operator.live()[0].manifest.release;
    for request in [
        Request::Catalog,
        Request::Object(scene.operator.live()[0].digest),
        Request::Segment { release, number: 0 },
        Request::Account(scene.record().epoch),
        Request::Evaluate(scene.ask(0..1).0.request().clone()),
        Request::Evaluate(scene.ask(0..60).0.request().clone()),
        Request::Evaluate(scene.request(vec![])),
    ] {
        let length = scene.call(&request).await.encode().len();
        assert!(length <= longest_answer(&Incoming::Whole(request.encode())), "{request:?}");
    }
    let chunk = Incoming::Whole(Request::Evaluate(scene.ask(0..60).0.request().clone()).encode());
    assert!(longest_answer(&chunk) < 5_000, "an evaluation's answer is known to be short");
}

#[tokio::test]
async fn the_offline_keys_are_not_needed() {
    let scene = Scene::new().await;
    scene.service.close().await;
    fs::remove_dir_all(scene.operator.home.path().join("keys/offline")).unwrap();
    Service::open(scene.operator.home.clone()).await.unwrap();
}

/// [EPO-5]
#[tokio::test]
async fn another_ledger_is_refused() {
    let scene = Scene::new().await;
    scene.service.close().await;
    let path = scene.operator.home.ledger_path();
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let ledger = Ledger::create(&path, [8; 16]).await.unwrap();
    ledger.open_epoch(&opened(scene.record(), Digest::from_bytes([0; 32])).unwrap()).await.unwrap();
    ledger.close().await;
    let error = Service::open(scene.operator.home.clone()).await.unwrap_err();
    assert!(matches!(error, Error::WrongLedger { .. }), "{error}");
}

#[tokio::test]
async fn a_shortened_index_is_noticed_at_the_start() {
    let scene = Scene::new().await;
    let index = scene.operator.live()[0].index_path();
    let bytes = fs::read(&index).unwrap();
    fs::write(&index, &bytes[1..]).unwrap();
    let error = Service::open(scene.operator.home.clone()).await.unwrap_err();
    assert!(matches!(error, Error::IndexLength { .. }), "{error}");
}
