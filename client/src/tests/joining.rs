//! Enrolment from the insurer's side.

use std::os::unix::fs::PermissionsExt;

use blindlist_protocol::enrolment::{Bundle, Fingerprint};
use blindlist_protocol::object;
use blindlist_store::exit::Code;

use super::operator::{Insurer, Operator, slug};
use crate::{ClientError, enroll};

#[test]
fn enrolling_makes_private_keys_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("profile");
    let fingerprint = enroll::enroll(&path, slug("insurer")).unwrap();
    assert_eq!(enroll::fingerprint(&path.join("request.csr")).unwrap(), fingerprint);
    let key = std::fs::read(path.join("keys/tls.key")).unwrap();
    for (name, mode) in [("", 0o700), ("keys", 0o700), ("keys/tls.key", 0o600), ("keys/signing.key", 0o600)] {
        assert_eq!(std::fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
    let error = enroll::enroll(&path, slug("insurer")).unwrap_err();
    assert!(matches!(error, ClientError::KeysExist(_)), "{error}");
    assert_eq!(std::fs::read(path.join("keys/tls.key")).unwrap(), key);
}

#[test]
fn only_requests_and_bundles_have_a_fingerprint() {
    let mut operator = Operator::new(1);
    let insurer = Insurer::joined(&mut operator);
    let bundle = insurer.read("bundle");
    assert_eq!(enroll::fingerprint(&insurer.path("bundle")).unwrap(), Fingerprint::of(&bundle));
    let mut forged = bundle.clone();
    *forged.last_mut().unwrap() ^= 1;
    for bad in [&b"hello"[..], b"", &forged] {
        std::fs::write(insurer.path("bad"), bad).unwrap();
        assert_eq!(enroll::fingerprint(&insurer.path("bad")).unwrap_err().code(), Code::BadInput);
    }
}

/// [ENR-2]
#[test]
fn a_bundle_is_installed_only_with_its_fingerprint() {
    let mut operator = Operator::new(1);
    let insurer = Insurer { home: tempfile::tempdir().unwrap() };
    enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
    let request = object::open_self_signed(&insurer.read("profile/request.csr")).unwrap();
    std::fs::write(insurer.path("bundle"), operator.approve(&request)).unwrap();
    let other = Fingerprint::of(b"another file");
    let error = enroll::join(&insurer.path("bundle"), &insurer.profile(), Some(other)).unwrap_err();
    assert_eq!(error.code(), Code::NotAllowed, "{error}");
    assert!(matches!(insurer.profile().enrolled(), Err(ClientError::NotJoined(_))));
}

/// [ENR-3]
#[test]
fn a_bundle_for_other_keys_is_refused() {
    let mut operator = Operator::new(1);
    let other = Insurer::joined(&mut operator);
    let insurer = Insurer { home: tempfile::tempdir().unwrap() };
    enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
    let fingerprint = Fingerprint::of(&other.read("bundle"));
    let error = enroll::join(&other.path("bundle"), &insurer.profile(), Some(fingerprint)).unwrap_err();
    assert!(matches!(error, ClientError::ForeignBundle(_)), "{error}");
    assert_eq!(error.code(), Code::BadInput);
}

/// [ENR-4]
#[test]
fn a_bundle_whose_certificate_is_for_another_key_is_refused() {
    let mut operator = Operator::new(1);
    let (insurer, other) = (Insurer { home: tempfile::tempdir().unwrap() }, Insurer::joined(&mut operator));
    enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
    let request = object::open_self_signed(&insurer.read("profile/request.csr")).unwrap();
    let mut bundle: Bundle = object::open_self_signed(&operator.approve(&request)).unwrap();
    let others: Bundle = object::open_self_signed(&other.read("bundle")).unwrap();
    for certificate in [others.certificate, bundle.authority.clone(), vec![], b"no certificate".to_vec()] {
        bundle.certificate = certificate;
        let bytes = object::sign(&bundle, &operator.key);
        std::fs::write(insurer.path("bundle"), &bytes).unwrap();
        let believed = Some(Fingerprint::of(&bytes));
        let error = enroll::join(&insurer.path("bundle"), &insurer.profile(), believed).unwrap_err();
        assert!(matches!(error, ClientError::ForeignCertificate), "{error}");
        assert!(matches!(insurer.profile().enrolled(), Err(ClientError::NotJoined(_))));
    }
}

/// [ENR-5]
#[test]
fn another_operator_needs_another_profile() {
    let mut operator = Operator::new(1);
    let insurer = Insurer::joined(&mut operator);
    insurer.join(&mut operator).unwrap();
    let error = insurer.join(&mut Operator::new(2)).unwrap_err();
    assert!(matches!(error, ClientError::OtherOperator(_)), "{error}");
    assert_eq!(error.code(), Code::NotAllowed);
    assert_eq!(insurer.profile().enrolled().unwrap().bundle().operator_key, operator.key.verifying());
}

#[test]
fn the_end_of_a_certificate_is_told_sixty_days_before() {
    let mut operator = Operator::new(1);
    let insurer = Insurer::joined(&mut operator);
    let enrolled = insurer.profile().enrolled().unwrap();
    let certificate = enrolled.bundle().certificate.as_slice().into();
    let end = blindlist_transport::certificate_end(&certificate).unwrap();
    let days = 86_400;
    assert_eq!(enrolled.certificate_warning(end - 60 * days - 1), None);
    let soon = enrolled.certificate_warning(end - 60 * days).unwrap();
    assert!(soon.contains("ends at 2") && soon.contains("request.csr"), "{soon}");
    assert!(enrolled.certificate_warning(end).unwrap().contains("certificate ended at 2"));
}
