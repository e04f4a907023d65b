//! Homes whose keys are under passphrases.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use blindlist_protocol::epoch::Evidence;
use blindlist_store::{StoreError, sealed};

use super::*;
use crate::home::{passphrases, replace};
use crate::init::{NewOperator, init_under};

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A home with its keys under `words`.
    async fn new(words: Option<&str>) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        let new = NewOperator {
            operator: "op".parse().unwrap(),
            addresses: vec![],
            ledger: None,
            evidence: Evidence::Optional,
        };
        let under = words.map(|words| scene.passphrase(words));
        init_under(&scene.path(), &new, under.as_ref()).await.unwrap();
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn file(&self, words: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{words}.txt"));
        fs::write(&path, words).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn passphrase(&self, words: &str) -> Passphrase {
        Passphrase::read(self.file(words)).unwrap()
    }

    fn home(&self, words: &[&str]) -> Home {
        let files = words.iter().map(|words| self.file(words)).collect();
        Home::open_with(self.path(), passphrases(files)).unwrap()
    }

    /// Whether each key file is under a passphrase.
    fn sealed(&self) -> Vec<bool> {
        let files = self.home(&[]).key_files(KeyFiles::All).unwrap();
        files.iter().map(|path| sealed::is_sealed(&fs::read(path).unwrap())).collect()
    }

    /// All key files open with these, and hold keys.
    fn opens(&self, words: &[&str]) {
        let home = self.home(words);
        let key = home.manifest_key().unwrap().verifying();
        home.authority(&home.config().unwrap().operator).unwrap();
        home.successor_hash().unwrap();
        home.server_identity().unwrap();
        home.receipt_key().unwrap();
        home.epochs(&key).unwrap()[0].key().unwrap();
    }
}

fn is_wrong(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::WrongPassphrase { .. })) && error.code().number() == 77
}

#[tokio::test]
async fn a_home_under_a_passphrase_opens_with_it_alone() {
    let scene = Scene::new(Some("right")).await;
    assert_eq!(scene.sealed(), [true; 6]);
    scene.opens(&["right"]);
    scene.opens(&["wrong", "right"]);
    let error = scene.home(&["wrong"]).manifest_key().unwrap_err();
    assert!(is_wrong(&error), "{error}");
    let shown = format!("{:?} {error:?}", scene.home(&["wrong", "right"]));
    assert!(!shown.contains("right\"") && !shown.contains("wrong\""), "{shown}");
}

#[tokio::test]
async fn a_passphrase_is_set_changed_and_removed() {
    let scene = Scene::new(None).await;
    assert_eq!(scene.sealed(), [false; 6]);
    let key = scene.home(&[]).manifest_key().unwrap().verifying();
    let all = |home: &Home, new: Option<&Passphrase>| change(home, KeyFiles::All, new);
    let changed = all(&scene.home(&[]), Some(&scene.passphrase("one"))).unwrap();
    assert_eq!((changed, scene.sealed()), (Changed { written: 6, kept: 0 }, vec![true; 6]));
    scene.opens(&["one"]);
    let changed = all(&scene.home(&["one"]), Some(&scene.passphrase("two"))).unwrap();
    assert_eq!(changed, Changed { written: 6, kept: 0 });
    scene.opens(&["two"]);
    assert!(is_wrong(&scene.home(&["one"]).manifest_key().unwrap_err()));
    all(&scene.home(&["two"]), None).unwrap();
    assert_eq!(scene.sealed(), [false; 6]);
    scene.opens(&[]);
    assert_eq!(scene.home(&[]).manifest_key().unwrap().verifying(), key, "the keys are the same all the time");
}

#[tokio::test]
async fn offline_and_online_keys_may_have_two_passphrases() {
    let scene = Scene::new(Some("off")).await;
    change(&scene.home(&["off"]), KeyFiles::Online, Some(&scene.passphrase("on"))).unwrap();
    let online = scene.home(&["on"]);
    online.server_identity().unwrap();
    online.epochs(&online.operator_key().unwrap()).unwrap()[0].key().unwrap();
    assert!(is_wrong(&online.manifest_key().unwrap_err()));
    scene.opens(&["on", "off"]);
    // Without the folder of the offline keys, those that serve are changed all the same.
    fs::rename(scene.path().join("keys/offline"), scene.folder.path().join("away")).unwrap();
    let changed = change(&scene.home(&["on"]), KeyFiles::All, None).unwrap();
    assert_eq!(changed, Changed { written: 3, kept: 0 });
}

#[tokio::test]
async fn a_wrong_passphrase_changes_nothing() {
    let scene = Scene::new(Some("right")).await;
    let files = scene.home(&[]).key_files(KeyFiles::All).unwrap();
    // The last one alone is under another passphrase.
    let last: &Path = files.last().unwrap();
    let (secret, _) = scene.home(&["right"]).passphrases().read(last, LONGEST).unwrap();
    replace(last, &secret, Some(&scene.passphrase("other"))).unwrap();
    let before: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    for words in [&["wrong"][..], &["right"]] {
        let error = change(&scene.home(words), KeyFiles::All, Some(&scene.passphrase("new"))).unwrap_err();
        assert!(is_wrong(&error), "{error}");
    }
    assert_eq!(files.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), before);
}

#[tokio::test]
async fn a_change_that_was_cut_off_goes_on() {
    let scene = Scene::new(Some("old")).await;
    let files = scene.home(&[]).key_files(KeyFiles::All).unwrap();
    for path in &files[..2] {
        let (secret, _) = scene.home(&["old"]).passphrases().read(path, LONGEST).unwrap();
        replace(path, &secret, Some(&scene.passphrase("new"))).unwrap();
    }
    scene.opens(&["old", "new"]);
    let left = scene.path().join("keys/offline/.ca.key.Ab12.tmp");
    fs::write(&left, "a copy of a key").unwrap();
    let changed = change(&scene.home(&["old"]), KeyFiles::All, Some(&scene.passphrase("new"))).unwrap();
    assert_eq!((changed, left.exists()), (Changed { written: 4, kept: 2 }, false));
    scene.opens(&["new"]);
}

#[tokio::test]
async fn a_new_epochs_key_is_under_the_passphrase_of_the_online_keys() {
    let scene = Scene::new(Some("off")).await;
    change(&scene.home(&["off"]), KeyFiles::Online, Some(&scene.passphrase("on"))).unwrap();
    let made = crate::epochs::new(&scene.home(&["off", "on"]), Evidence::Optional).await.unwrap();
    let online = scene.home(&["on"]);
    let stored = online.epochs(&online.operator_key().unwrap()).unwrap();
    let new = stored.iter().find(|epoch| epoch.record.epoch == made.epoch).unwrap();
    new.key().unwrap();
    assert_eq!(scene.sealed(), [true; 7]);
}

#[tokio::test]
async fn a_key_or_folder_that_others_can_open_is_refused_by_whatever_opens_the_home() {
    let scene = Scene::new(None).await;
    let epoch = scene.home(&[]).key_files(KeyFiles::Online).unwrap().pop().unwrap();
    let epoch = epoch.strip_prefix(scene.path()).unwrap().to_str().unwrap().to_owned();
    let folder = Path::new(&epoch).parent().unwrap().to_str().unwrap().to_owned();
    for (name, private, open) in [
        ("keys/offline/ca.key", 0o600, 0o640),
        ("keys/offline/successor.key", 0o600, 0o604),
        ("keys/online/receipt.key", 0o600, 0o660),
        (&epoch, 0o600, 0o644),
        ("keys", 0o700, 0o755),
        ("keys/offline", 0o700, 0o750),
        ("keys/online", 0o700, 0o701),
        (&folder, 0o700, 0o710),
        ("epochs", 0o700, 0o755),
        ("", 0o700, 0o755),
    ] {
        let chmod = |mode| fs::set_permissions(scene.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        chmod(open);
        let error = Home::open(scene.path()).unwrap_err();
        let is_open = matches!(&error, Error::Store(StoreError::OpenToOthers { mode, .. }) if *mode == open);
        assert!(is_open, "{name}: {error}");
        chmod(private);
    }
    Home::open(scene.path()).unwrap();
}
