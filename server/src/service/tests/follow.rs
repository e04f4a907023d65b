//! What is served follows the catalog of the ledger, and does without what is missing.

use blindlist_protocol::epoch::Evidence;

use super::*;

#[tokio::test]
async fn a_publication_that_was_cut_off_reaches_the_ledger_and_the_ledgers_reaches_the_service() {
    let scene = Scene::new().await;
    let (home, ledger) = (&scene.operator.home, scene.operator.home.ledger().await.unwrap());
    let old = scene.operator.snapshot();
    let sealed = scene.operator.seal("breach", &people(21)).unwrap();
    let new = scene.operator.snapshot();
    assert_eq!(ledger.catalog().await.unwrap().unwrap(), new.bytes);
    let [checkpoint] = &new.catalog.checkpoints[..] else { panic!("one ledger, one checkpoint") };
    let receipt_key = home.receipt_signing_key().unwrap().verifying();
    checkpoint.verify(&receipt_key).unwrap();
    assert!(
        checkpoint.size > 0 && checkpoint.size < ledger.log_head().await.unwrap().size,
        "the release came after it"
    );

    // The home's file is behind: what the ledger says is served, and is what a seal goes on from.
    fs::write(home.catalog_path(), &old.bytes).unwrap();
    assert_eq!(scene.call(&Request::Catalog).await, Response::Catalog(new.bytes.clone()));
    let restarted = Service::open(home.clone()).await.unwrap();
    assert_eq!(restarted.live().snapshot.digest(), sealed.catalog);
    scene.operator.seal("other", &people(3)).unwrap();
    assert_eq!(scene.operator.snapshot().catalog.sequence, new.catalog.sequence + 1);

    // The ledger is behind: as if a seal had been cut off.
    let newest = scene.operator.snapshot();
    ledger.forget_catalog().await;
    assert_eq!(ledger.catalog().await.unwrap(), None);
    Service::open(home.clone()).await.unwrap();
    assert_eq!(ledger.catalog().await.unwrap().unwrap(), newest.bytes);
    assert_eq!(scene.call(&Request::Catalog).await, Response::Catalog(newest.bytes));
}

/// [MAN-6]
#[tokio::test]
async fn what_is_missing_is_busy_for_those_who_may_see_it_and_picked_up_when_it_comes() {
    let scene = Scene::new().await;
    let other = scene.operator.approve("autre", 60).await;
    let chunk = scene.ask(0..3).0.request().clone();
    scene.operator.address("breach", &[&scene.insurer]);
    let release = scene.operator.live().remove(0);
    scene.service.close().await;
    let away = |path: &std::path::Path| path.with_file_name("away");
    let folders = [
        release.index_path().parent().unwrap().to_owned(),
        scene.operator.home.path().join(format!("epochs/{}", scene.record().epoch)),
    ];
    crate::epochs::new(&scene.operator.home, Evidence::Required).await.unwrap();
    for folder in &folders {
        fs::rename(folder, away(folder)).unwrap();
    }
    let service = Service::open(scene.operator.home.clone()).await.unwrap();
    let scene = Scene { service, ..scene };

    let record = object::digest(scene.epoch.object());
    let seen = [
        Request::Object(release.digest),
        Request::Segment { release: release.manifest.release, number: 0 },
        Request::Object(record),
        Request::Account(scene.record().epoch),
        Request::Evaluate(chunk),
    ];
    for request in &seen {
        let Response::Refused(refusal) = scene.call(request).await else { panic!("{request:?} was answered") };
        assert!(refusal.code == RefusalCode::Busy && refusal.value > 0, "{request:?}: {refusal:?}");
    }
    let hidden = [
        (&other, Request::Object(release.digest), RefusalCode::UnknownObject),
        (&other, Request::Segment { release: release.manifest.release, number: 0 }, RefusalCode::UnknownObject),
        (&scene.insurer, Request::Object(Digest::from_bytes([9; 32])), RefusalCode::UnknownObject),
        (&scene.insurer, Request::Account(EpochId::from_bytes([9; 32])), RefusalCode::UnknownEpoch),
    ];
    for (insurer, request, code) in &hidden {
        assert_eq!(refused(&scene.call_as(insurer, request).await), *code, "{request:?}");
    }
    assert!(matches!(scene.call(&Request::Catalog).await, Response::Catalog(_)), "the rest is served");

    for folder in &folders {
        fs::rename(away(folder), folder).unwrap();
    }
    // They are looked for once in a second.
    scene.service.followed.lock().await.look_again();
    for request in &seen {
        let answer = scene.call(request).await;
        assert!(!matches!(answer, Response::Refused(_)), "{request:?}: {answer:?}");
    }
    assert_eq!(scene.account().await, (64, 3));
    for (insurer, request, code) in &hidden {
        assert_eq!(refused(&scene.call_as(insurer, request).await), *code, "{request:?}");
    }
}
