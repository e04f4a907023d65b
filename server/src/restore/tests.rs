//! Backups of real homes, and archives that no backup is.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::audit::AuditError;
use crate::backup::{Backup, backup};
use crate::service::Service;
use crate::testing::{Operator, people};

/// The operator's home, with a list and an insurer, and a passphrase for its backups.
struct Scene {
    operator: Operator,
    passphrase: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        let operator = Operator::new().await;
        operator.seal("breach", &people(20)).unwrap();
        operator.approve("mutuelle", 60).await;
        let passphrase = operator.file("words", "correct horse");
        private(&passphrase);
        Self { operator, passphrase }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.operator.folder.path().join(name)
    }

    async fn backup(&self, name: &str) -> Result<Backup, Error> {
        backup(&self.operator.home, &self.path(name), &Passphrase::read(&self.passphrase).unwrap()).await
    }

    async fn restore(&self, name: &str, notes: &[PathBuf]) -> Result<Restored, Error> {
        restore(&self.path(name), &self.path("restored"), std::slice::from_ref(&self.passphrase), notes).await
    }

    /// Seals an archive that holds these entries.
    fn archive(&self, entries: &[(&str, tar::EntryType, &[u8])]) {
        let passphrase = Passphrase::read(&self.passphrase).unwrap();
        let sealed = blindlist_store::sealed::SealedWriter::new(Vec::new(), &passphrase).unwrap();
        let mut tar = tar::Builder::new(sealed);
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.as_old_mut().linkname[..8].copy_from_slice(b"/etc/abc");
            header.set_mode(0o777);
            header.set_size(content.len() as u64);
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        let sealed = tar.into_inner().unwrap().finish().unwrap();
        fs::write(self.path("hostile"), sealed).unwrap();
    }

    /// What is in the folder beside the operator's home.
    fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.operator.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Every file below a folder but the ledger's, with its bytes; everything must be private.
fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
            match path.file_name().unwrap().to_str().unwrap() {
                name if name.starts_with('.') || name.starts_with("ledger.sqlite") => {}
                _ if path.is_dir() => folders.push(path),
                _ => {
                    found.insert(path.strip_prefix(home).unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn a_home_comes_back_as_it_was_and_can_be_served() {
    let scene = Scene::new().await;
    let service = Service::open(scene.operator.home.clone()).await.unwrap();
    service.keep_checkpoint().await;
    let made = scene.backup("backup").await.unwrap();
    assert!(made.with_ledger && made.files > 10);
    assert_eq!(fs::metadata(scene.path("backup")).unwrap().permissions().mode() & 0o777, 0o600);
    let before = files(scene.operator.home.path());
    let restored = scene.restore("backup", &[]).await.unwrap();
    assert_eq!((restored.epochs, restored.lists, restored.operator.as_str()), (1, 1, "op"));
    assert_eq!(restored.log.unwrap().checkpoints, 1, "the one that was kept");
    assert_eq!(files(&scene.path("restored")), before);
    let home = Home::open(scene.path("restored")).unwrap();
    Service::open(home).await.unwrap();
    assert!(!scene.beside().iter().any(|name| name.ends_with(".tmp")));
    assert!(
        fs::read_dir(scene.operator.home.path())
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_str().unwrap().ends_with(".tmp") })
    );
}

#[tokio::test]
async fn a_backup_takes_no_file_s_place_and_waits_for_a_seal() {
    let scene = Scene::new().await;
    fs::write(scene.path("backup"), "mine").unwrap();
    assert!(matches!(scene.backup("backup").await, Err(Error::Store(StoreError::Exists { .. }))));
    assert_eq!(fs::read(scene.path("backup")).unwrap(), b"mine");
    let lock = scene.operator.home.releases().unwrap().lock().unwrap();
    assert!(matches!(scene.backup("other").await, Err(Error::Store(StoreError::Locked { .. }))));
    drop(lock);
    assert!(!scene.path("other").exists());
    scene.backup("other").await.unwrap();
}

#[tokio::test]
async fn a_backup_is_refused_that_is_behind_a_checkpoint_and_what_is_lost_is_counted() {
    let scene = Scene::new().await;
    scene.backup("backup").await.unwrap();
    let key = scene.operator.home.receipt_signing_key().unwrap();
    let ledger = scene.operator.home.ledger().await.unwrap();
    let note = scene.path("note");
    let write = async || {
        let signed = audit::checkpoint(&scene.operator.home, &ledger, &key).await.unwrap();
        fs::write(&note, signed.to_string()).unwrap();
    };
    write().await;
    assert_eq!(scene.restore("backup", std::slice::from_ref(&note)).await.unwrap().log.unwrap().checkpoints, 1);
    fs::remove_dir_all(scene.path("restored")).unwrap();
    scene.operator.approve("autre", 60).await;
    write().await;
    let error = scene.restore("backup", std::slice::from_ref(&note)).await.unwrap_err();
    let Error::Audit(AuditError::Behind { known, found, .. }) = &error else { panic!("{error}") };
    assert_eq!(known - found, 2, "an enrolment and a budget");
    assert!(error.to_string().contains("the last 2 are lost"), "{error}");
    assert!(!scene.path("restored").exists());
}

#[tokio::test]
async fn what_is_damaged_is_never_restored() {
    let scene = Scene::new().await;
    scene.backup("backup").await.unwrap();
    let whole = fs::read(scene.path("backup")).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for bad in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &changed] {
        fs::write(scene.path("bad"), bad).unwrap();
        let error = scene.restore("bad", &[]).await.unwrap_err();
        assert_eq!(error.code().number(), 65, "{error}");
        assert!(!scene.path("restored").exists());
    }
    fs::write(&scene.passphrase, "another").unwrap();
    let error = scene.restore("backup", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::WrongPassphrase { .. })), "{error}");

    fs::write(&scene.passphrase, "correct horse").unwrap();
    let index = scene.operator.live()[0].index_path();
    let mut bytes = fs::read(&index).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&index, bytes).unwrap();
    scene.backup("with a bad index").await.unwrap();
    let error = scene.restore("with a bad index", &[]).await.unwrap_err();
    assert!(matches!(error, Error::Backup(BackupError::Index { .. })), "{error}");
    assert!(!scene.path("restored").exists());
}

#[tokio::test]
async fn an_archive_writes_nothing_but_files_of_a_home() {
    use tar::EntryType;
    let scene = Scene::new().await;
    let content = &b"hostile"[..];
    let before = [scene.beside(), vec!["hostile".to_owned()]].concat().len();
    for entries in [
        &[("../escaped", EntryType::Regular, content)][..],
        &[("/tmp/blindlist-escaped", EntryType::Regular, content)],
        &[("keys/../../escaped", EntryType::Regular, content)],
        &[("./catalog", EntryType::Regular, content)],
        &[("keys//x", EntryType::Regular, content)],
        &[(".lock", EntryType::Regular, content)],
        &[("a/b/c/d/e/f/g/h/i", EntryType::Regular, content)],
        &[("catalog", EntryType::Symlink, &[])],
        &[("catalog", EntryType::Link, &[])],
        &[("catalog", EntryType::Directory, &[])],
        &[("catalog", EntryType::Fifo, &[])],
        &[("catalog", EntryType::Char, &[])],
        &[("catalog", EntryType::Regular, content), ("catalog", EntryType::Regular, content)],
        &[("keys", EntryType::Regular, content), ("keys/x", EntryType::Regular, content)],
        &[("catalog", EntryType::Regular, content)],
        &[],
    ] {
        scene.archive(entries);
        scene.restore("hostile", &[]).await.unwrap_err();
        assert_eq!(scene.beside().len(), before, "{entries:?}");
    }
    assert!(!Path::new("/tmp/blindlist-escaped").exists());
}

#[test]
fn names_lead_nowhere_else() {
    for good in ["catalog", "keys/online/tls.key", "rejected/list é.csv", "a/b/c/d/e/f/g/h"] {
        assert_eq!(place(good), Some(Path::new(good)));
    }
    let long = "x".repeat(MAX_NAME + 1);
    for bad in
        ["", "/", "/a", "a/", "a//b", "..", "../a", "a/..", "a/../b", ".", "./a", ".a", "a/.b", "a\nb", "a\0", &long]
    {
        assert_eq!(place(bad), None, "{bad:?}");
    }
}
