//! New homes.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::catalog::Snapshot;

fn new() -> NewOperator {
    NewOperator {
        operator: "op".parse().unwrap(),
        addresses: vec!["op.example.fr:5000".parse().unwrap(), "10.0.0.1:4433".parse().unwrap()],
        ledger: None,
        evidence: Evidence::Optional,
    }
}

/// What is in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_new_home_is_complete_and_agrees_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("op");
    let made = init(&path, &new()).await.unwrap();
    assert_eq!(names(folder.path()), ["op"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    let home = Home::open(&path).unwrap();
    assert_eq!(home.config().unwrap(), made.config);
    assert_eq!(made.config.listen, "0.0.0.0:5000".parse().unwrap());
    let key = home.manifest_key().unwrap();
    assert_eq!((key.verifying(), home.operator_key().unwrap()), (made.operator_key, made.operator_key));
    let [epoch] = &home.epochs(&made.operator_key).unwrap()[..] else { panic!("one epoch") };
    assert_eq!((epoch.record.epoch, epoch.key().unwrap().index()), (made.epoch, 1));
    assert_eq!(epoch.record.holders[0].addresses, new().addresses);
    let snapshot = Snapshot::read(&home, &made.operator_key).unwrap();
    assert_eq!((snapshot.catalog.sequence, snapshot.catalog.epochs), (1, vec![epoch.digest]));
    home.authority(&made.config.operator).unwrap();
    home.server_identity().unwrap();
    let ledger = Ledger::open(home.ledger_path()).await.unwrap();
    assert_eq!(ledger.id(), *epoch.record.holders[0].ledger.as_bytes());
}

#[tokio::test]
async fn no_two_operators_share_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    init(&one, &new()).await.unwrap();
    init(&two, &new()).await.unwrap();
    for key in
        ["offline/manifest.key", "offline/successor.key", "offline/ca.key", "online/tls.key", "online/receipt.key"]
    {
        let read = |home: &Path| fs::read(home.join("keys").join(key)).unwrap();
        assert_ne!(read(&one), read(&two), "{key}");
    }
    let seed = |name: &str| fs::read(one.join("keys").join(name)).unwrap();
    assert_ne!(seed("offline/manifest.key"), seed("offline/successor.key"));
    assert_ne!(seed("offline/manifest.key"), seed("online/receipt.key"));
}

#[tokio::test]
async fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    let error = init(folder.path(), &new()).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::NotEmpty { .. })), "{error}");
    assert_eq!(names(folder.path()), ["mine"]);

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    init(&empty, &new()).await.unwrap();
    assert!(init(&empty, &new()).await.is_err(), "a home is not made twice");
}

#[tokio::test]
async fn a_home_without_a_host_is_for_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let made = init(&folder.path().join("op"), &NewOperator { addresses: vec![], ..new() }).await.unwrap();
    assert_eq!(made.config.addresses, vec!["127.0.0.1:4433".parse().unwrap()]);
    let many = NewOperator { addresses: vec!["h:1".parse().unwrap(); 17], ..new() };
    let error = init(&folder.path().join("many"), &many).await.unwrap_err();
    assert!(matches!(error, Error::TooManyAddresses), "{error}");
    assert_eq!(names(folder.path()), ["op"]);
}

#[test]
fn a_home_with_an_ipv6_address_listens_for_ipv6() {
    for (addresses, listen) in [
        (&["[::1]:4433"][..], "[::]:4433"),
        (&["op.example.fr:5000", "[2001:db8::1]:4433"], "[::]:5000"),
        (&["10.0.0.1:4433", "op.example.fr:1"], "0.0.0.0:4433"),
        (&[], "0.0.0.0:4433"),
    ] {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let made = config(&NewOperator { addresses, ..new() });
        assert_eq!(made.listen, listen.parse().unwrap());
    }
}

#[tokio::test]
async fn keys_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("op");
    let made = init(&path, &new()).await.unwrap();
    let home = Home::open(&path).unwrap();
    for key in ["keys/offline/manifest.key", "keys/online/tls.key"] {
        fs::set_permissions(path.join(key), fs::Permissions::from_mode(0o640)).unwrap();
    }
    let oprf = path.join("epochs").join(made.epoch.to_string()).join("oprf.key");
    fs::set_permissions(&oprf, fs::Permissions::from_mode(0o604)).unwrap();
    let is_open = |error: Error| assert!(matches!(error, Error::Store(StoreError::OpenToOthers { .. })), "{error}");
    is_open(home.manifest_key().unwrap_err());
    is_open(home.server_identity().unwrap_err());
    is_open(home.epochs(&made.operator_key).unwrap()[0].key().unwrap_err());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    is_open(Home::open(&path).unwrap_err());
}
