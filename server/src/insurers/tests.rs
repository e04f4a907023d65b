//! Approvals in real homes.

use std::path::PathBuf;

use blindlist_protocol::ids::Digest;
use blindlist_protocol::signature::SigningKey;
use blindlist_store::exit::Code;

use super::*;
use crate::testing::{Operator, request};

struct Scene {
    operator: Operator,
    request: PathBuf,
    out: PathBuf,
    approval: Approval,
}

async fn scene() -> Scene {
    let operator = Operator::new().await;
    let bytes = request("mutuelle", &SigningKey::from_seed(&[1; 32]));
    let (request, out) = (operator.folder.path().join("request.csr"), operator.folder.path().join("bundle"));
    fs::write(&request, &bytes).unwrap();
    let approval =
        Approval { name: "mutuelle-1".parse().unwrap(), members: 1_000, fingerprint: Some(Fingerprint::of(&bytes)) };
    Scene { operator, request, out, approval }
}

impl Scene {
    async fn approve(&self) -> Result<Approved, Error> {
        approve(&self.operator.home, &self.request, &self.approval, &self.out).await
    }

    async fn insurers(&self) -> usize {
        let ledger = Ledger::open(self.operator.home.ledger_path()).await.unwrap();
        ledger.insurers().await.unwrap().len()
    }
}

#[tokio::test]
async fn an_approved_insurer_gets_a_bundle_and_a_budget() {
    let scene = scene().await;
    let approved = scene.approve().await.unwrap();
    let bytes = fs::read(&scene.out).unwrap();
    assert_eq!((approved.bundle, approved.granted), (Fingerprint::of(&bytes), 1_024));
    assert_eq!(approved.requested_name.as_str(), "mutuelle");
    let bundle: Bundle = object::open_self_signed(&bytes).unwrap();
    assert_eq!(bundle.operator_key, scene.operator.home.operator_key().unwrap());
    assert_eq!(bundle.insurer.as_str(), "mutuelle-1");
    assert_eq!(bundle.signing_key, SigningKey::from_seed(&[1; 32]).verifying());
    assert_eq!(bundle.successor, scene.operator.home.successor_hash().unwrap());
    assert_ne!(bundle.successor, Digest::from_bytes([0; 32]));
    assert_eq!(bundle.addresses, scene.operator.home.config().unwrap().addresses);
    let shown = list(&scene.operator.home).await.unwrap();
    assert!(shown.contains("mutuelle-1  active") && shown.contains("1,024      0      1,024"), "{shown}");
}

#[test]
fn exactly_the_members_fit_into_the_budget() {
    for (members, evaluations) in [(1, 64), (60, 64), (61, 128), (1_000, 1_024), (u32::MAX, 4_294_967_360)] {
        assert_eq!(budget(members), evaluations, "{members}");
        assert!(budget(members) >= job::cost(u64::from(members) + CANARIES as u64));
    }
}

/// [ENR-2]
#[tokio::test]
async fn another_fingerprint_approves_nothing() {
    let mut scene = scene().await;
    scene.approval.fingerprint = Some(Fingerprint::of(b"another file"));
    let error = scene.approve().await.unwrap_err();
    assert!(matches!(error, Error::Fingerprint { .. }) && error.code() == Code::NotAllowed, "{error}");
    assert_eq!((scene.insurers().await, scene.out.exists()), (0, false));
}

#[tokio::test]
async fn a_request_that_was_tampered_with_is_none() {
    let mut scene = scene().await;
    let good = fs::read(&scene.request).unwrap();
    for place in [0, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&scene.request, &bad).unwrap();
        scene.approval.fingerprint = Some(Fingerprint::of(&bad));
        let error = scene.approve().await.unwrap_err();
        assert!(matches!(error, Error::Request { .. }) && error.code() == Code::BadInput, "{error}");
    }
    fs::write(&scene.request, vec![b'x'; EnrolmentRequest::LIMIT + 1]).unwrap();
    assert!(matches!(scene.approve().await, Err(Error::Request { .. })), "a large file of another kind");
    assert_eq!(scene.insurers().await, 0);
}

#[tokio::test]
async fn a_name_is_given_once_and_leaves_no_bundle() {
    let mut scene = scene().await;
    scene.approve().await.unwrap();
    scene.out = scene.operator.folder.path().join("second");
    let error = scene.approve().await.unwrap_err();
    assert!(matches!(error, Error::Ledger(LedgerError::NameTaken)), "{error}");
    assert_eq!((scene.insurers().await, scene.out.exists()), (1, false));
}

#[tokio::test]
async fn a_request_is_approved_once_under_any_name() {
    let mut scene = scene().await;
    scene.approve().await.unwrap();
    scene.out = scene.operator.folder.path().join("second");
    scene.approval.name = "mutuelle-2".parse().unwrap();
    let error = scene.approve().await.unwrap_err();
    assert!(matches!(error, Error::Ledger(LedgerError::SigningKeyTaken)), "{error}");
    assert_eq!((scene.insurers().await, scene.out.exists()), (1, false));
}

#[tokio::test]
async fn nobody_is_changed_whom_nobody_knows() {
    let scene = scene().await;
    scene.approve().await.unwrap();
    let (home, name) = (&scene.operator.home, "mutuelle".parse().unwrap());
    for changed in [set_budget(home, &name, 5).await.map(drop), suspend(home, &name).await, resume(home, &name).await] {
        let error = changed.unwrap_err();
        assert!(matches!(error, Error::UnknownInsurer(_)) && error.code() == Code::Failure, "{error}");
    }
    let shown = list(home).await.unwrap();
    assert!(shown.contains("mutuelle-1  active") && shown.contains("1,024      0      1,024"), "{shown}");
}

#[tokio::test]
async fn a_file_that_exists_is_left_alone_and_nobody_registered() {
    let scene = scene().await;
    fs::write(&scene.out, b"something else").unwrap();
    let error = scene.approve().await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Exists { .. })), "{error}");
    assert_eq!((scene.insurers().await, fs::read(&scene.out).unwrap()), (0, b"something else".to_vec()));
}

#[tokio::test]
async fn a_renewal_that_cannot_be_leaves_no_bundle() {
    let scene = scene().await;
    scene.approve().await.unwrap();
    let home = &scene.operator.home;
    let out = scene.operator.folder.path().join("renewed");
    let other = request("mutuelle", &SigningKey::from_seed(&[2; 32]));
    let path = scene.operator.folder.path().join("other.csr");
    fs::write(&path, &other).unwrap();
    let print = Some(Fingerprint::of(&other));
    let (name, nobody) = (&scene.approval.name, "nobody".parse().unwrap());
    let error = renew(home, &path, name, scene.approval.fingerprint, &out).await.unwrap_err();
    assert!(matches!(error, Error::Fingerprint { .. }), "{error}");
    let error = renew(home, &path, &nobody, print, &out).await.unwrap_err();
    assert!(matches!(error, Error::UnknownInsurer(_)), "{error}");
    revoke(home, name, true).await.unwrap();
    for result in [renew(home, &path, name, print, &out).await.map(drop), resume(home, name).await] {
        assert!(matches!(result, Err(Error::Ledger(LedgerError::Revoked))), "{result:?}");
    }
    assert!(!out.exists());
    assert!(list(home).await.unwrap().contains("mutuelle-1  revoked"));
}

#[tokio::test]
async fn renewed_keys_are_in_the_bundle_and_the_id_stays() {
    let scene = scene().await;
    scene.approve().await.unwrap();
    let first: Bundle = object::open_self_signed(&fs::read(&scene.out).unwrap()).unwrap();
    let other = request("mutuelle", &SigningKey::from_seed(&[2; 32]));
    let (path, out) = (scene.operator.folder.path().join("other.csr"), scene.operator.folder.path().join("renewed"));
    fs::write(&path, &other).unwrap();
    let name = &scene.approval.name;
    renew(&scene.operator.home, &path, name, Some(Fingerprint::of(&other)), &out).await.unwrap();
    let bundle: Bundle = object::open_self_signed(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(bundle.signing_key, SigningKey::from_seed(&[2; 32]).verifying());
    assert_eq!((bundle.insurer_id, &bundle.insurer), (first.insurer_id, name));
    assert_eq!(scene.insurers().await, 1);
}

#[test]
fn a_certificate_is_warned_about_sixty_days_before_its_end() {
    let end = 1_900_000_000;
    assert_eq!(warning("m", end, end - NEAR_END - 1), "");
    assert!(warning("m", end, end - NEAR_END).contains("m ends on 2030-03-17; renew it with `insurer renew m`"));
    assert!(warning("m", end, end).contains("ended on 2030-03-17"));
}
