//! Successions in real homes, and every place at which the command can be cut off.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;

use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::succession::Pins;
use blindlist_transport::Incoming;

use super::*;
use crate::ledger::{Charge, Outcome};
use crate::service::Service;
use crate::testing::{Insurer, Operator, people};
use crate::{epochs, insurers, passphrase};

const STEPS: [Step; 9] = [
    Step::Begun,
    Step::Keys,
    Step::Epochs,
    Step::Manifests,
    Step::Succession,
    Step::Ledger,
    Step::Catalog,
    Step::Names,
    Step::EpochKeys,
];

/// An operator with two insurers, a list for both and a list for the first, and some of its budget spent.
struct Scene {
    operator: Operator,
    first: Insurer,
    second: Insurer,
    before: State,
}

/// What a succession must keep, and what it must change.
#[derive(Debug)]
struct State {
    key: VerifyingKey,
    sequence: u64,
    epochs: Vec<EpochRecord>,
    /// The manifests and the indexes.
    releases: BTreeMap<ReleaseId, (Manifest, Vec<u8>)>,
}

impl State {
    fn of(home: &Home) -> Self {
        let key = home.operator_key().unwrap();
        let Catalog { sequence, .. } = Snapshot::read(home, &key).unwrap().catalog;
        let epochs = home.epochs(&key).unwrap().into_iter().map(|epoch| epoch.record).collect();
        let live = releases::live(home, &Snapshot::read(home, &key).unwrap().catalog, &key).unwrap();
        let index = |release: &Release| fs::read(release.index_path()).unwrap();
        let releases =
            live.iter().map(|release| (release.manifest.release, (release.manifest.clone(), index(release))));
        Self { key, sequence, epochs, releases: releases.collect() }
    }

    /// Requires that this state came from the other one by one succession.
    fn succeeds(&self, before: &Self) {
        assert_ne!(self.key, before.key);
        assert_eq!(self.sequence, before.sequence + 1);
        let epoch = |record: &EpochRecord| EpochRecord {
            operator_key: self.key,
            epoch: EpochRecord::id(&self.key, &record.key),
            ..record.clone()
        };
        assert_eq!(self.epochs, before.epochs.iter().map(epoch).collect::<Vec<_>>());
        assert_eq!(self.releases.len(), before.releases.len());
        for (id, (manifest, index)) in &before.releases {
            let (operator_key, epoch) = (self.key, EpochRecord::id(&self.key, &manifest.key));
            let expected = Manifest { operator_key, epoch, ..manifest.clone() };
            assert_eq!(self.releases[id], (expected, index.clone()));
        }
    }
}

impl Scene {
    async fn new() -> Self {
        let operator = Operator::new().await;
        operator.seal("both", &people(5)).unwrap();
        operator.seal("one", &people(3)).unwrap();
        let (first, second) = (operator.approve("first", 60).await, operator.approve("second", 120).await);
        operator.address("one", &[&first]);
        let before = State::of(&operator.home);
        let scene = Self { operator, first, second, before };
        scene.charge(&scene.first, 1, 40).await;
        scene
    }

    fn home(&self) -> &Home {
        &self.operator.home
    }

    async fn charge(&self, insurer: &Insurer, digest: u8, count: u32) -> Outcome {
        let ledger = self.home().ledger().await.unwrap();
        let epoch = State::of(self.home()).epochs[0].epoch;
        let charge = Charge {
            insurer: *insurer.bundle.insurer_id.as_bytes(),
            epoch: *epoch.as_bytes(),
            holders: HolderSet::try_from(vec![1]).unwrap(),
            digest: [digest; 32],
            job: [1; 16],
            number: 0,
            count,
            signing_key: *insurer.signing.verifying().as_bytes(),
            signature: [0; 64],
            at: 1,
        };
        let outcome = ledger.charge(&charge).await.unwrap();
        ledger.close().await;
        outcome
    }

    /// What an insurer has in each epoch that is not ended: granted and spent.
    async fn accounts(&self, insurer: &Insurer) -> Vec<(u64, u64)> {
        let ledger = self.home().ledger().await.unwrap();
        let ended: Vec<_> = ledger.epochs().await.unwrap().into_iter().filter(|(_, at)| at.is_some()).collect();
        let accounts = ledger.accounts(insurer.bundle.insurer_id.as_bytes()).await.unwrap();
        ledger.close().await;
        let open = accounts.into_iter().filter(|(epoch, _)| ended.iter().all(|(other, _)| other != epoch));
        open.map(|(_, account)| (account.granted, account.spent)).collect()
    }

    /// Requires that the successor has taken over, and that nothing of the way there is left.
    async fn is_succeeded(&self) {
        let (home, after) = (self.home(), State::of(self.home()));
        after.succeeds(&self.before);
        assert_eq!(home.manifest_key().unwrap().verifying(), after.key);
        let pins = Pins::of(&self.first.bundle);
        let pins = pins.follow(&home.successions_to(&after.key).unwrap()[&self.before.key]).unwrap();
        assert_eq!(pins, Pins { operator_key: after.key, successor: home.successor_hash().unwrap() });
        for (insurer, account) in [(&self.first, (24, 0)), (&self.second, (128, 0))] {
            assert_eq!(self.accounts(insurer).await, [account]);
        }
        let (mut left, mut keys) = (Vec::new(), 0);
        let mut folders = vec![home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                if name.starts_with("next-") || name.ends_with(".tmp") {
                    left.push(path);
                }
                keys += usize::from(name == "oprf.key");
            }
        }
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(keys, after.epochs.len(), "one copy of each epoch's key");
        for epoch in home.epochs(&after.key).unwrap() {
            epoch.whole_key().unwrap();
        }
    }
}

async fn ask(service: &Service, insurer: &Insurer, request: Request) -> Response {
    service.answer(&insurer.certificate, Incoming::Whole(request.encode())).await
}

/// The catalog that a service serves, and the key that signed it.
async fn served(service: &Service, insurer: &Insurer) -> Catalog {
    let Response::Catalog(bytes) = ask(service, insurer, Request::Catalog).await else { panic!("no catalog") };
    let body = &bytes[..];
    let keys = [service.home().operator_key().unwrap(), service.home().settled_key().unwrap()];
    keys.iter().find_map(|key| object::open(body, key).ok()).expect("one of the two keys signed it")
}

fn is_unknown(response: &Response) -> bool {
    matches!(response, Response::Refused(refusal) if refusal.code == RefusalCode::UnknownObject)
}

/// [SUC-2]
#[tokio::test]
async fn the_successor_takes_over_what_there_is() {
    let scene = Scene::new().await;
    let service = Service::open(scene.home().clone()).await.unwrap();
    let old = scene.home().path().join("keys/offline/manifest.key");
    let (shadow, seed) = (fs::File::open(&old).unwrap(), fs::read(&old).unwrap());
    let done = succeed(scene.home(), None, true).await.unwrap();
    assert_eq!((done.old_key, done.epochs, done.lists, done.taken_up), (scene.before.key, 1, 2, false));
    scene.is_succeeded().await;
    // What was on the disk is overwritten, not only unnamed.
    let mut left = [1; 32];
    shadow.read_exact_at(&mut left, 0).unwrap();
    assert_eq!(left, [0; 32]);
    assert_ne!(fs::read(&old).unwrap(), seed);

    // The server that ran all the time follows, and shows each insurer what it showed it before.
    let catalog = served(&service, &scene.first).await;
    assert_eq!(catalog.operator_key, done.new_key);
    for listed in &catalog.manifests {
        let shown = [&scene.first, &scene.second].map(|insurer| listed.addresses(&insurer.bundle.insurer_id));
        let object = ask(&service, &scene.second, Request::Object(listed.manifest)).await;
        assert_eq!((shown[0], shown[1]), (true, !is_unknown(&object)));
    }
    assert!(catalog.manifests.iter().any(|listed| !listed.addresses(&scene.second.bundle.insurer_id)));
    let epoch = scene.before.epochs[0].epoch;
    let ended = ask(&service, &scene.first, Request::Account(epoch)).await;
    assert!(matches!(ended, Response::Refused(refusal) if refusal.code == RefusalCode::UnknownEpoch), "{ended:?}");
}

#[tokio::test]
async fn successions_are_told_to_those_who_missed_some() {
    let scene = Scene::new().await;
    let keys: Vec<_> = {
        let mut keys = vec![scene.before.key];
        for _ in 0..3 {
            keys.push(succeed(scene.home(), None, true).await.unwrap().new_key);
        }
        keys
    };
    let service = Service::open(scene.home().clone()).await.unwrap();
    let mut pins = Pins::of(&scene.first.bundle);
    for (key, next) in keys.iter().zip(&keys[1..]) {
        let Response::Object(bytes) = ask(&service, &scene.first, Request::Succession(*key)).await else {
            panic!("no succession")
        };
        pins = pins.follow(&bytes).unwrap();
        assert_eq!(pins.operator_key, *next);
    }
    assert!(is_unknown(&ask(&service, &scene.first, Request::Succession(keys[3])).await), "the key in use");
    // Whoever is enrolled now pins the key in use, and whoever was is answered within what it had left.
    let third = scene.operator.approve("third", 60).await;
    assert_eq!(Pins::of(&third.bundle), pins);
    assert!(matches!(scene.charge(&scene.first, 2, 25).await, Outcome::OverBudget { missing: 1, .. }));
    assert!(matches!(scene.charge(&scene.first, 3, 24).await, Outcome::Charged { .. }));
    scene.operator.seal("later", &people(2)).unwrap();
}

/// Cut off after each step: the old state or the new one is served, whole; nothing else is signed meanwhile; and the same
/// command goes on.
#[tokio::test]
async fn a_succession_goes_on_wherever_it_was_cut_off() {
    for cut in STEPS {
        let scene = Scene::new().await;
        let running = Service::open(scene.home().clone()).await.unwrap();
        let reached = Cell::new(0);
        let stopped = run(scene.home(), None, true, |step| {
            assert_eq!(step, STEPS[reached.replace(reached.get() + 1)]);
            if step == cut { Err(Error::NotAgreed) } else { Ok(()) }
        });
        assert!(matches!(stopped.await, Err(Error::NotAgreed)), "{cut:?}");

        let happened = cut as u8 >= Step::Catalog as u8;
        let started = Service::open(scene.home().clone()).await.unwrap();
        for service in [&running, &started] {
            let catalog = served(service, &scene.first).await;
            assert_eq!(catalog.operator_key == scene.before.key, !happened, "{cut:?}");
            for digest in catalog.epochs.iter().chain(catalog.manifests.iter().map(|listed| &listed.manifest)) {
                assert!(!is_unknown(&ask(service, &scene.first, Request::Object(*digest)).await), "{cut:?}");
            }
            let told = ask(service, &scene.first, Request::Succession(scene.before.key)).await;
            assert_eq!(is_unknown(&told), !happened, "{cut:?}: what has not happened is not told");
        }
        let refused = epochs::new(scene.home(), blindlist_protocol::epoch::Evidence::Optional).await.unwrap_err();
        assert!(matches!(refused, Error::SuccessionBegun), "{cut:?}: {refused}");
        assert!(matches!(scene.operator.seal("x", &people(2)), Err(Error::SuccessionBegun)), "{cut:?}");
        insurers::suspend(scene.home(), &scene.second.bundle.insurer).await.unwrap();
        insurers::resume(scene.home(), &scene.second.bundle.insurer).await.unwrap();

        let done = succeed(scene.home(), None, false).await.unwrap();
        assert!(done.taken_up && done.old_key == scene.before.key, "{cut:?}");
        scene.is_succeeded().await;
        assert_eq!(served(&running, &scene.first).await.operator_key, done.new_key);
    }
}

/// Cut off between the two places of the catalog: the home has it, the ledger has not.
#[tokio::test]
async fn a_catalog_that_did_not_reach_the_ledger_gets_there() {
    let scene = Scene::new().await;
    let ledger = scene.home().ledger().await.unwrap();
    let (key, catalog) = prepare(scene.home(), &ledger, None, true, |_| Ok(())).await.unwrap();
    let bytes = signed::sign("catalog snapshot", &catalog, &key).unwrap();
    file::write_atomic(scene.home().catalog_path(), &bytes).unwrap();
    assert_ne!(ledger.catalog().await.unwrap().as_ref(), Some(&bytes));
    let service = Service::open(scene.home().clone()).await.unwrap();
    assert_eq!(served(&service, &scene.first).await.operator_key, key.verifying());
    assert!(succeed(scene.home(), None, false).await.unwrap().taken_up);
    assert_eq!(ledger.catalog().await.unwrap(), Some(bytes));
    scene.is_succeeded().await;
}

#[tokio::test]
async fn the_successors_key_may_be_kept_elsewhere() {
    let scene = Scene::new().await;
    let (at_home, away) = (scene.home().offline("successor.key").unwrap(), scene.operator.file("away", ""));
    fs::rename(&at_home, &away).unwrap();
    // It is not needed for anything else.
    scene.operator.approve("third", 60).await;
    let missing = succeed(scene.home(), None, true).await;
    assert!(matches!(missing, Err(Error::NoSuccessor { path }) if path == at_home));
    let other = scene.home().offline("manifest.key").unwrap();
    let wrong = succeed(scene.home(), Some(&other), true).await;
    assert!(matches!(wrong, Err(Error::NotTheSuccessor { path }) if path == other));
    assert_eq!(scene.home().next_key().unwrap(), None, "nothing was begun");
    // The manifest key itself may be lost.
    fs::remove_file(&other).unwrap();
    let stopped =
        run(scene.home(), Some(&away), true, |step| if step == Step::Ledger { Err(Error::NotAgreed) } else { Ok(()) });
    assert!(stopped.await.is_err());
    assert!(matches!(succeed(scene.home(), None, true).await, Err(Error::NoSuccessor { .. })));
    succeed(scene.home(), Some(&away), true).await.unwrap();
    scene.is_succeeded().await;
    assert!(at_home.exists(), "the next one is drawn here");
    assert!(matches!(succeed(scene.home(), Some(&away), true).await, Err(Error::NotTheSuccessor { .. })));
}

#[tokio::test]
async fn new_keys_are_under_the_passphrase_of_the_old_ones() {
    let scene = Scene::new().await;
    let words = scene.operator.file("words", "correct horse\n");
    fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let phrase = Passphrase::read(&words).unwrap();
    let service = Service::open(scene.home().clone()).await.unwrap();
    passphrase::change(scene.home(), crate::home::KeyFiles::All, Some(&phrase)).unwrap();
    let home = Home::open_with(scene.home().path(), crate::home::passphrases(vec![words])).unwrap();
    succeed(&home, None, true).await.unwrap();
    for path in home.key_files(crate::home::KeyFiles::All).unwrap() {
        assert!(fs::read(&path).unwrap().starts_with(b"age-encryption.org/v1\n"), "{path:?}");
    }
    home.manifest_key().unwrap();
    // A server that had its keys before the passphrase changed needs none now.
    assert_ne!(served(&service, &scene.first).await.operator_key, scene.before.key);
}

#[tokio::test]
async fn a_half_made_or_half_retired_epoch_is_finished_first() {
    let scene = Scene::new().await;
    let old = scene.before.epochs[0].epoch;
    let ledger = scene.home().ledger().await.unwrap();
    ledger.retire_epoch(old.as_bytes(), 1).await.unwrap();
    ledger.close().await;
    let refused = succeed(scene.home(), None, true).await;
    assert!(matches!(refused, Err(Error::EpochUnfinished(id)) if id == old));
    assert_eq!(scene.home().next_key().unwrap(), None, "nothing was begun");
}

#[tokio::test]
async fn nobody_is_asked_by_nobody() {
    let scene = Scene::new().await;
    assert!(matches!(succeed(scene.home(), None, false).await, Err(Error::NobodyToAgree)));
    assert_eq!((scene.home().next_key().unwrap(), State::of(scene.home()).key), (None, scene.before.key));
}
