//! Epochs in real homes, and every place at which a command can be cut off.

use super::*;
use crate::testing::{Operator, choices, people};

struct Scene {
    operator: Operator,
    first: EpochId,
}

impl Scene {
    /// With a list `old` in the only epoch.
    async fn new() -> Self {
        let operator = Operator::new().await;
        operator.seal("old", &people(5)).unwrap();
        let first = operator.live()[0].manifest.epoch;
        Self { operator, first }
    }

    fn home(&self) -> &Home {
        &self.operator.home
    }

    async fn custody(&self) -> Custody<'_> {
        Custody::open(self.home()).await.unwrap()
    }

    async fn stored(&self, id: EpochId) -> StoredEpoch {
        self.custody().await.stored.iter().find(|epoch| epoch.record.epoch == id).unwrap().clone()
    }

    async fn retire(&self, id: EpochId) -> Result<Retired, Error> {
        retire(self.home(), &id.to_string()[..8], true).await
    }

    fn lists(&self) -> Vec<String> {
        self.operator.live().iter().map(|release| release.manifest.list.to_string()).collect()
    }

    /// Requires that the first epoch is gone and the second one is not.
    async fn only_the_second_is_left(&self, second: EpochId) {
        assert_eq!(self.lists(), ["new"]);
        let custody = self.custody().await;
        let live: Vec<_> = custody.stored.iter().filter(|epoch| custody.is_live(epoch)).collect();
        assert_eq!(live.iter().map(|epoch| epoch.record.epoch).collect::<Vec<_>>(), [second]);
        assert_eq!(custody.snapshot.catalog.epochs, [live[0].digest]);
        assert_eq!(custody.retired, [self.first]);
        drop(custody);
        let first = self.stored(self.first).await;
        assert!(!first.has_key() && first.key().is_err());
        self.stored(second).await.key().unwrap();
        let shown = list(self.home()).await.unwrap();
        assert!(shown.contains("  retired 2") && shown.contains("  live") && !shown.contains("half"), "{shown}");
    }
}

#[tokio::test]
async fn a_new_epoch_is_live_beside_the_first_and_sealed_in() {
    let scene = Scene::new().await;
    let insurer = scene.operator.approve("mutuelle", 60).await;
    let made = new(scene.home(), Evidence::Optional).await.unwrap();
    assert!(!made.taken_up && made.epoch != scene.first);
    scene.operator.seal("new", &people(5)).unwrap();
    let of = |list: &str| scene.operator.live().into_iter().find(|release| release.manifest.list.as_str() == list);
    assert_eq!(of("new").unwrap().manifest.epoch, made.epoch);
    assert_eq!(of("old").unwrap().manifest.epoch, scene.first);
    let ledger = scene.home().ledger().await.unwrap();
    let accounts = ledger.accounts(insurer.bundle.insurer_id.as_bytes()).await.unwrap();
    assert_eq!(accounts.iter().map(|(_, account)| (account.granted, account.spent)).collect::<Vec<_>>(), [(64, 0); 2]);
    // The newest is later than the first, however soon it was made.
    let custody = scene.custody().await;
    assert!(custody.stored[0].record.created < custody.stored[1].record.created);
    assert_eq!(custody.stored[1].record.epoch, made.epoch);
    assert_ne!(custody.stored[0].record.canaries, custody.stored[1].record.canaries);
}

#[tokio::test]
async fn a_seal_takes_the_epoch_that_it_is_told() {
    let scene = Scene::new().await;
    new(scene.home(), Evidence::Optional).await.unwrap();
    let input = scene.operator.file("in.csv", &people(3));
    let seal = |epoch: &str| {
        let choices = crate::seal::Choices { epoch: Some(epoch.to_owned()), ..choices("new") };
        crate::seal::seal(scene.home(), std::slice::from_ref(&input), crate::seal::By::Choices(choices))
    };
    seal(&scene.first.to_string()[..10]).unwrap();
    assert!(scene.operator.live().iter().all(|release| release.manifest.epoch == scene.first));
    assert!(matches!(seal("0000"), Err(Error::UnknownEpoch(_) | Error::AmbiguousEpoch(_))));
}

#[tokio::test]
async fn a_new_epoch_that_was_cut_off_is_taken_up() {
    let scene = Scene::new().await;
    // Cut off when it is whole, before the ledger and the catalog know it.
    let (record, _) = scene.custody().await.make(Evidence::Optional).unwrap();
    assert_eq!(scene.lists(), ["old"], "an epoch that nobody names disturbs nothing");
    assert!(list(scene.home()).await.unwrap().contains("unfinished"));
    assert_eq!(new(scene.home(), Evidence::Optional).await.unwrap(), New { epoch: record.epoch, taken_up: true });
    assert!(!list(scene.home()).await.unwrap().contains("unfinished"));
    // Cut off before it was whole: its key goes.
    let part = scene.home().path().join("epochs").join(format!(".{}.tmp", "ab".repeat(32)));
    std::fs::create_dir(&part).unwrap();
    std::fs::write(part.join("oprf.key"), [7; 32]).unwrap();
    assert!(!new(scene.home(), Evidence::Optional).await.unwrap().taken_up);
    assert!(!part.exists());
}

#[tokio::test]
async fn a_retired_epoch_takes_its_lists_and_its_key_with_it() {
    let scene = Scene::new().await;
    let second = new(scene.home(), Evidence::Optional).await.unwrap().epoch;
    scene.operator.seal("new", &people(5)).unwrap();
    let retired = scene.retire(scene.first).await.unwrap();
    assert_eq!(retired, Retired { epoch: scene.first, lists: vec!["old".parse().unwrap()] });
    scene.only_the_second_is_left(second).await;
    // Once more changes nothing.
    let before = scene.operator.snapshot();
    assert_eq!(scene.retire(scene.first).await.unwrap().lists, []);
    assert_eq!(scene.operator.snapshot(), before);
}

#[tokio::test]
async fn a_retirement_goes_on_wherever_it_was_cut_off() {
    for cut in 0..3 {
        let scene = Scene::new().await;
        let second = new(scene.home(), Evidence::Optional).await.unwrap().epoch;
        scene.operator.seal("new", &people(5)).unwrap();
        let (first, manifest) = (scene.stored(scene.first).await, scene.operator.live()[1].digest);
        assert_eq!(scene.operator.live()[1].manifest.epoch, scene.first);
        let custody = scene.custody().await;
        custody.ledger.retire_epoch(scene.first.as_bytes(), now().unwrap().cast_signed()).await.unwrap();
        if cut > 0 {
            custody.publish(custody.snapshot.without_epoch(first.digest, &[manifest], 1)).await.unwrap();
        }
        drop(custody);
        if cut > 1 {
            // Overwritten, and its name still there.
            std::fs::write(scene.home().path().join(format!("epochs/{}/oprf.key", scene.first)), [0; 32]).unwrap();
        }
        assert!(list(scene.home()).await.unwrap().contains("half retired"), "{cut}");
        // A copy that a change of the passphrase left behind goes too.
        let copy = scene.home().path().join(format!("epochs/{}/.oprf.key.Ab12.tmp", scene.first));
        std::fs::write(&copy, [7; 32]).unwrap();
        scene.retire(scene.first).await.unwrap();
        scene.only_the_second_is_left(second).await;
        assert!(!copy.exists());
    }
}

#[tokio::test]
async fn the_only_live_epoch_and_unknown_ones_are_not_retired() {
    let scene = Scene::new().await;
    assert!(matches!(scene.retire(scene.first).await, Err(Error::LastEpoch(id)) if id == scene.first));
    let second = new(scene.home(), Evidence::Optional).await.unwrap().epoch;
    let other = (0..=9).map(|digit| digit.to_string().repeat(8));
    let [first, second_text] = [scene.first, second].map(|id| id.to_string());
    let unknown = other.into_iter().find(|prefix| !first.starts_with(prefix) && !second_text.starts_with(prefix));
    let error = retire(scene.home(), &unknown.unwrap(), true).await.unwrap_err();
    assert!(matches!(error, Error::UnknownEpoch(_)), "{error}");
    let error = retire(scene.home(), "", true).await.unwrap_err();
    assert!(matches!(error, Error::AmbiguousEpoch(_)), "{error}");
    scene.retire(second).await.unwrap();
    assert!(matches!(scene.retire(scene.first).await, Err(Error::LastEpoch(_))), "a retired one does not count");
    assert_eq!(scene.lists(), ["old"]);
}

#[tokio::test]
async fn a_seal_under_way_keeps_epochs_as_they_are() {
    let scene = Scene::new().await;
    let releases = scene.home().releases().unwrap();
    let _sealing = releases.lock().unwrap();
    for error in
        [new(scene.home(), Evidence::Optional).await.unwrap_err(), scene.retire(scene.first).await.unwrap_err()]
    {
        assert!(error.code().number() == 75, "{error}");
    }
}
