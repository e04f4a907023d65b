//! Receipts, checkpoints, paths and refusals in the log, as an insurer meets them.

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::ids::{EpochId, InsurerId, LedgerId};
use blindlist_protocol::log::tree::{self, Head};
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::receipt::{Expected, Receipt};

use super::*;

impl Scene {
    fn ledger_id(&self) -> LedgerId {
        self.record().holders[0].ledger
    }

    async fn checkpoint(&self) -> Checkpoint {
        let answer = self.call(&Request::Checkpoint(self.ledger_id())).await;
        let Response::Checkpoint(checkpoint) = answer else { panic!("{answer:?}") };
        checkpoint.verify(&self.record().holders[0].receipt_key).unwrap();
        checkpoint
    }

    async fn path(&self, request: Request) -> Vec<Digest> {
        let answer = self.call(&request).await;
        let Response::Path(path) = answer else { panic!("{answer:?}") };
        path
    }

    /// The refusals in the log: codes and values.
    async fn refusals(&self) -> Vec<(RefusalCode, u64)> {
        let entries = self.service.ledger.log_entries(0, 1_000).await.unwrap();
        let mut refusals = Vec::new();
        for logged in entries {
            if let Event::Refusal { code, value, .. } = Entry::decode(&logged.entry).unwrap().event {
                refusals.push((code, value));
            }
        }
        refusals
    }
}

/// [AUD-3]: when the answer is there, so is the entry; a repeat is answered with the receipt of the charge.
#[tokio::test]
async fn every_answer_has_the_receipt_of_its_charge() {
    let scene = Scene::new().await;
    let (asked, _) = scene.ask(0..10);
    let first = scene.evaluate(asked.request().clone()).await.unwrap();
    let index = first.receipt.index;
    let logged = scene.service.ledger.log_entries(index, 1).await.unwrap();
    assert_eq!((logged[0].index, &logged[0].entry), (index, &first.receipt.entry));

    let request = asked.request();
    let record = scene.record();
    let header = ChunkHeader {
        operator_key: record.operator_key,
        epoch: record.epoch,
        key: record.key,
        job: request.job,
        number: request.number,
        count: 10,
        digest: chunk::digest(&request.elements),
    };
    let signing_key = scene.insurer.signing.verifying();
    let insurer = scene.insurer.bundle.insurer_id;
    let expected =
        Expected { insurer: &insurer, holders: &request.holders, header: &header, signing_key: &signing_key };
    first.receipt.verify(&record.holders[0], &expected).unwrap();

    let (other, _) = scene.ask(10..20);
    assert_eq!(scene.evaluate(other.request().clone()).await.unwrap().receipt.index, index + 1);
    assert_eq!(scene.evaluate(request.clone()).await.unwrap().receipt, first.receipt);
    assert_eq!(scene.checkpoint().await.size, index + 2, "a repeat is no entry");
}

/// [AUD-6]
#[tokio::test]
async fn checkpoints_are_shown_to_hold_receipts_and_to_go_on() {
    let scene = Scene::new().await;
    let before = scene.checkpoint().await;
    let mut receipts: Vec<Receipt> = Vec::new();
    for i in 0..6 {
        let (asked, _) = scene.ask(i * 10..i * 10 + 10);
        receipts.push(scene.evaluate(asked.request().clone()).await.unwrap().receipt);
    }
    let (after, ledger) = (scene.checkpoint().await, scene.ledger_id());
    let mut proven = Vec::new();
    for receipt in receipts {
        let path = Request::Inclusion { ledger, index: receipt.index, size: after.size };
        proven.push((receipt, scene.path(path).await));
    }
    let path = scene.path(Request::Consistency { ledger, from: before.size, to: after.size }).await;
    let key = scene.record().holders[0].receipt_key;
    assert_eq!(after.accept(&ledger, &key, &[(before.head(), path)], &proven), Ok(after.head()));
    // Any size that the log has had, not only those that checkpoints were asked for.
    for from in 1..after.size {
        let nodes = scene.service.ledger.log_hashes(&[tree::roots(from)]).await.unwrap();
        let path = scene.path(Request::Consistency { ledger, from, to: after.size }).await;
        tree::verify_consistency(&Head { size: from, root: nodes[0] }, &after.head(), &path).unwrap();
    }
}

/// [AUD-6]
#[tokio::test]
async fn what_the_log_does_not_have_is_unknown() {
    let scene = Scene::new().await;
    let (ledger, elsewhere) = (scene.ledger_id(), LedgerId::from_bytes([9; 16]));
    let size = scene.checkpoint().await.size;
    for request in [
        Request::Checkpoint(elsewhere),
        Request::Consistency { ledger: elsewhere, from: 1, to: size },
        Request::Inclusion { ledger: elsewhere, index: 0, size },
        Request::Consistency { ledger, from: 0, to: size },
        Request::Consistency { ledger, from: 2, to: 1 },
        Request::Consistency { ledger, from: 1, to: size + 1 },
        Request::Consistency { ledger, from: u64::MAX, to: u64::MAX },
        Request::Inclusion { ledger, index: size, size },
        Request::Inclusion { ledger, index: 0, size: size + 1 },
        Request::Inclusion { ledger, index: 0, size: u64::MAX },
    ] {
        assert_eq!(refused(&scene.call(&request).await), RefusalCode::UnknownObject, "{request:?}");
    }
    assert!(scene.path(Request::Consistency { ledger, from: size, to: size }).await.is_empty());
}

/// [AUD-1]
#[tokio::test]
async fn refusals_are_logged_once_in_a_while() {
    let scene = Scene::new().await;
    let (asked, _) = scene.ask(0..65);
    for _ in 0..3 {
        assert_eq!(scene.evaluate(asked.request().clone()).await.unwrap_err().code, RefusalCode::OverBudget);
    }
    let unsorted = Evaluate { elements: vec![Element::from_bytes([0; 32]); 2], ..asked.request().clone() };
    assert_eq!(scene.evaluate(unsorted).await.unwrap_err().code, RefusalCode::InvalidChunk);
    let elsewhere = Evaluate { epoch: EpochId::from_bytes([9; 32]), ..asked.request().clone() };
    assert_eq!(scene.evaluate(elsewhere).await.unwrap_err().code, RefusalCode::UnknownEpoch);
    suspend(&scene.operator.home, &"mutuelle".parse().unwrap()).await.unwrap();
    assert_eq!(scene.evaluate(asked.request().clone()).await.unwrap_err().code, RefusalCode::Suspended);
    assert_eq!(refused(&scene.call(&Request::Catalog).await), RefusalCode::Suspended);
    let expected = [(RefusalCode::OverBudget, 1), (RefusalCode::InvalidChunk, 0), (RefusalCode::Suspended, 0)];
    assert_eq!(
        scene.refusals().await,
        expected,
        "each code once in a minute; what passes or names nothing, not at all"
    );
    let insurer = InsurerId::from_bytes(*scene.insurer.bundle.insurer_id.as_bytes());
    let last = scene.service.ledger.log_entries(0, 1_000).await.unwrap().pop().unwrap();
    let event = Entry::decode(&last.entry).unwrap().event;
    assert!(matches!(event, Event::Refusal { insurer: of, .. } if of == insurer), "{event:?}");
}
