//! Who is let in, who is believed, and which keys are too open to be used.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;
use blindlist_tests::insurer::{approve, fingerprint};
use blindlist_tests::people::numbers;
use blindlist_tests::raw::{self, RawInsurer};
use blindlist_tests::{Insurer, Operator, Serving};
use blindlist_transport::{
    CertificateAuthority, CertificateFault, Connection, Identity, SERVER_NAME, Timeouts, TransportError,
};

/// [NET-1]
#[tokio::test]
async fn a_caller_without_a_certificate_gets_no_answer() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let honest = RawInsurer::enrolled("honest", &operator, 60);
    let server = operator.serve();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(honest.authority()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![blindlist_transport::ALPN.to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let connecting = endpoint.connect_with(config, server.address().parse().unwrap(), SERVER_NAME).unwrap();
    // TLS 1.3 lets the client finish first: then it is its request that fails.
    if let Ok(connection) = connecting.await {
        let asked = async {
            let (mut send, mut receive) = connection.open_bi().await.ok()?;
            send.write_all(&Request::Catalog.encode()).await.ok()?;
            send.finish().ok()?;
            receive.read_to_end(1 << 20).await.ok()
        };
        assert_eq!(asked.await, None);
    }
    assert!(matches!(honest.connect(&server).await.ask(&Request::Catalog).await, Response::Catalog(_)));
}

#[tokio::test]
async fn another_operators_insurer_is_a_stranger() {
    let (operator, other) = (Operator::with_numbers("op", &numbers(0, 3)), Operator::new("other"));
    let (insider, outsider) =
        (RawInsurer::enrolled("same-name", &operator, 60), RawInsurer::enrolled("same-name", &other, 60));
    let server = operator.serve();
    let address = [server.address()];
    // It knows the server's authority, but its own certificate is another operator's.
    let connected =
        Connection::connect(&address, &outsider.identity(), &insider.authority(), Timeouts::default()).await;
    let error = match connected {
        Ok(connection) => raw::send(&connection, &Request::Catalog.encode()).await.unwrap_err(),
        Err(error) => error,
    };
    let fault = CertificateFault::UnknownAuthority;
    assert!(matches!(&error, TransportError::NotAccepted { fault: found } if *found == fault), "{error:?}");
    // It knows its own operator's authority only, as a client does.
    let error = outsider.try_connect(&server.address()).await.unwrap_err();
    assert!(matches!(&error, TransportError::PeerNotTrusted { fault: found } if *found == fault), "{error:?}");
}

#[test]
fn a_client_does_not_believe_another_operators_server() {
    let (operator, other) = (Operator::with_numbers("op", &numbers(0, 3)), Operator::new("other"));
    let insurer = Insurer::enrolled("mutuelle", &other, 60);
    let server = operator.serve();
    let file = insurer.file("m.csv", "nir\n1850578006084\n");
    insurer.check(&file, &server, "out", &[]).ends(69).complains(&["certificate was not trusted", "another authority"]);
    insurer.results("out").are_none();
}

/// [EVA-1], [NET-5]
#[tokio::test]
async fn a_certificate_that_is_not_in_the_ledger_is_refused() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let honest = RawInsurer::enrolled("honest", &operator, 60);
    let server = operator.serve();
    let offline = |name: &str| fs::read(operator.home().join("keys/offline").join(name)).unwrap();
    let key = blindlist_transport::TlsKey::from_pkcs8(zeroize::Zeroizing::new(offline("ca.key"))).unwrap();
    let authority = CertificateAuthority::from_parts("op", offline("ca.crt").into(), key).unwrap();
    let key = blindlist_transport::TlsKey::generate().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let certificate = authority.issue_client("honest", key.public_key(), now, 1).unwrap();
    let unlisted = Identity::new(certificate, key).unwrap();
    let connection =
        Connection::connect(&[server.address()], &unlisted, &honest.authority(), Timeouts::default()).await.unwrap();
    for request in [Request::Catalog, Request::Account(honest.connect(&server).await.epoch())] {
        let response = raw::send(&connection, &request.encode()).await.unwrap();
        assert_eq!(response, Response::Refused(RefusalCode::UnknownInsurer.into()));
    }
}

/// [ENR-2]
#[test]
fn a_fingerprint_that_differs_stops_approve_and_join() {
    let operator = Operator::new("op");
    let insurer = Insurer::new("mutuelle");
    let (request, bundle) = (insurer.request(), insurer.path("bundle"));
    let right = fingerprint(&request);
    let other = Fingerprint::of(b"another file").to_string();

    approve(&operator, &request, "mutuelle", 60, &bundle, Some(&other)).ends(77).complains(&["fingerprint"]);
    approve(&operator, &request, "mutuelle", 60, &bundle, None).ends(77).complains(&["terminal", "--fingerprint"]);
    assert!(!bundle.exists());
    assert!(!operator.run(&["insurer", "list"]).ends(0).stdout.contains("mutuelle"));
    // As people may write it down.
    let written = right.to_uppercase().replace('-', ":");
    approve(&operator, &request, "mutuelle", 60, &bundle, Some(&written)).ends(0);

    let bundle = bundle.to_str().unwrap();
    insurer.run(&["join", bundle, "--fingerprint", &other]).ends(77).complains(&["fingerprint"]);
    insurer.run(&["join", bundle]).ends(77).complains(&["terminal", "--fingerprint"]);
    insurer.run(&["lists"]).ends(1).complains(&["join"]);
    insurer.join(Path::new(bundle)).ends(0);
}

#[test]
fn a_file_that_was_changed_is_no_bundle_and_no_request() {
    let operator = Operator::new("op");
    let insurer = Insurer::new("mutuelle");
    let bundle = insurer.approved(&operator, 60);
    for file in [&bundle, &insurer.request()] {
        let good = fs::read(file).unwrap();
        let changes: [fn(&mut Vec<u8>); 4] = [
            |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            },
            |bytes| *bytes.last_mut().unwrap() ^= 1,
            |bytes| bytes.truncate(bytes.len() - 1),
            |bytes| bytes.push(0),
        ];
        for change in changes {
            let mut bad = good.clone();
            change(&mut bad);
            let changed = insurer.file("changed", &bad);
            let believed = Fingerprint::of(&bad).to_string();
            let shown = changed.to_str().unwrap();
            insurer.run(&["join", shown, "--fingerprint", &believed]).ends(65).complains(&["changed"]);
            approve(&operator, &changed, "new", 60, &insurer.path("b2"), Some(&believed)).ends(65);
            let printed = blindlist_tests::programs::run(blindlist_tests::programs::blindlist(["fingerprint", shown]));
            assert_eq!(printed.ends(65).stdout, "");
        }
    }
    insurer.run(&["lists"]).ends(1);
    insurer.join(&bundle).ends(0);
}

/// [ENR-3], [ENR-5]
#[test]
fn a_bundle_is_for_the_keys_that_asked_for_it() {
    let operator = Operator::new("op");
    let (insurer, thief) = (Insurer::new("mutuelle"), Insurer::new("mutuelle"));
    let bundle = insurer.approved(&operator, 60);
    thief.join(&bundle).ends(65).complains(&["not made for the keys"]);
    thief.run(&["lists"]).ends(1);
    insurer.join(&bundle).ends(0);
    insurer.join(&bundle).ends(0);
    // One profile belongs to one operator for good.
    let other = Operator::new("other");
    let second = other.path("bundle");
    approve(&other, &insurer.request(), "mutuelle", 60, &second, Some(&fingerprint(&insurer.request()))).ends(0);
    insurer.join(&second).ends(77).complains(&["another operator"]);
    // One name, one certificate.
    let again = insurer.path("again");
    let ran = approve(&operator, &thief.request(), "mutuelle", 60, &again, Some(&fingerprint(&thief.request())));
    ran.ends(1).complains(&["name", "registered already"]);
    assert!(!again.exists());
}

/// The seeds of all Ed25519 keys and the OPRF key below a folder, by file name.
fn secrets(folder: &Path) -> Vec<(String, [u8; 32])> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(secrets(&path));
        } else if path.extension().is_some_and(|kind| kind == "key") {
            let bytes = fs::read(&path).unwrap();
            // A seed, or PKCS #8, in which a seed is an octet string in an octet string (RFC 8410, section 7).
            let begin = bytes.windows(4).position(|four| four == [0x04, 0x22, 0x04, 0x20]).map_or(0, |at| at + 4);
            found.push((path.display().to_string(), bytes[begin..][..32].try_into().unwrap()));
        }
    }
    found
}

/// [SIG-3]
#[test]
fn no_key_is_used_for_two_things() {
    let operators = [Operator::new("op"), Operator::new("op")];
    let insurers = [Insurer::new("a"), Insurer::new("a")];
    let folders = operators.iter().map(Operator::home).chain(insurers.iter().map(Insurer::profile));
    let all: Vec<_> = folders.flat_map(|folder| secrets(&folder)).collect();
    // Manifest, successor, authority, TLS, receipt and OPRF key of each operator; TLS and signing key of each insurer.
    assert_eq!(all.len(), 2 * 6 + 2 * 2);
    for (i, (name, secret)) in all.iter().enumerate() {
        let same = all[..i].iter().find(|(_, other)| other == secret);
        assert!(same.is_none(), "{name} and {} are one key", same.unwrap().0);
    }
}

/// [ENR-1]
#[test]
fn no_private_key_is_in_a_file_that_travels() {
    let operator = Operator::new("op");
    let insurer = Insurer::new("mutuelle");
    let bundle = insurer.approved(&operator, 60);
    let travelled = [fs::read(insurer.request()).unwrap(), fs::read(bundle).unwrap()];
    let contains = |bytes: &[u8]| travelled.iter().any(|file| file.windows(bytes.len()).any(|part| part == bytes));
    let mut recognised = 0;
    for (name, secret) in [secrets(&operator.home()), secrets(&insurer.profile())].concat() {
        assert!(!contains(&secret[..16]) && !contains(&secret[16..]), "{name} is in a request or a bundle");
        // What was looked for are the keys indeed: the public halves of those that others must know are there.
        recognised += usize::from(contains(SigningKey::from_seed(&secret).verifying().as_bytes()));
    }
    assert_eq!(recognised, 4, "the manifest key, the authority's, and the insurer's two");
}

#[test]
fn keys_that_others_can_read_are_not_used() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let file = insurer.file("m.csv", "nir\n1850578006084\n");
    let profile = insurer.profile();
    for (path, mode) in [("keys/tls.key", 0o644), ("keys/signing.key", 0o640), ("keys", 0o750), ("", 0o701)] {
        while_open(&profile.join(path), mode, || {
            insurer.check(&file, &server, "out", &[]).ends(1).complains(&["chmod"]);
        });
    }
    insurer.results("out").are_none();
    insurer.check(&file, &server, "out", &[]).ends(0);
    server.stop();

    let home = operator.home();
    let epoch = fs::read_dir(home.join("epochs")).unwrap().next().unwrap().unwrap().path();
    for (path, mode) in
        [(home.join("keys/online/tls.key"), 0o604), (epoch.join("oprf.key"), 0o660), (home.clone(), 0o755)]
    {
        while_open(&path, mode, || {
            let log = Serving::try_start(&operator, "127.0.0.1:0").unwrap_err();
            assert!(log.contains("chmod"), "{log}");
        });
    }
    let input = operator.path("breach.csv");
    while_open(&home.join("keys/offline/manifest.key"), 0o644, || {
        operator.seal(&input, "list-b", "identity", &[]).ends(1).complains(&["chmod 600"]);
    });
    assert!(!operator.run(&["lists"]).ends(0).stdout.contains("list-b"));
}

#[test]
fn serving_needs_no_offline_key() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    fs::rename(operator.home().join("keys/offline"), operator.path("vault")).unwrap();
    let server = operator.serve();
    let file = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, 2).join("\n")));
    insurer.check(&file, &server, "out", &[]).ends(0).prints(&["2 of 2 checked members"]);
    operator.seal(&operator.path("breach.csv"), "list-b", "identity", &[]).complains(&["keys/offline"]);
}

/// Gives a path these permissions for as long as `test` runs.
fn while_open(path: &Path, mode: u32, test: impl FnOnce()) {
    let before = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    test();
    fs::set_permissions(path, before).unwrap();
}
