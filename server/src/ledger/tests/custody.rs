//! Retired epochs, renewed and revoked insurers.

use super::*;

fn renewal(certificate: u8, signing_key: u8) -> Renewal {
    Renewal { insurer: [1; 16], certificate: [certificate; 32], signing_key: [signing_key; 32], at: 77 }
}

/// With the insurers `1` and `2`.
async fn two(on: On) -> Fixture {
    let fixture = Fixture::with_budget(on, 10).await;
    fixture.ledger.register(&insurer(2, "two", 10)).await.unwrap();
    fixture
}

on_both! {
#[tokio::test]
async fn an_epoch_is_retired_once_and_for_ever(on: On) {
    let Fixture { folder: _folder, ledger, .. } = two(on).await;
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    assert!(!ledger.is_retired(&EPOCH).await.unwrap());
    ledger.retire_epoch(&EPOCH, 7).await.unwrap();
    ledger.retire_epoch(&EPOCH, 8).await.unwrap();
    assert!(ledger.is_retired(&EPOCH).await.unwrap() && !ledger.is_retired(&OTHER_EPOCH).await.unwrap());
    assert_eq!(ledger.charge(&charges::charge(1, 5)).await.unwrap(), Outcome::Retired, "it waited for its turn");
    assert_eq!(ledger.epochs().await.unwrap(), [(EPOCH, Some(7)), (OTHER_EPOCH, None)]);
    assert!(matches!(ledger.retire_epoch(&[0; 32], 7).await, Err(LedgerError::UnknownEpoch)));
    assert_eq!(ledger.accounts(&[1; 16]).await.unwrap().len(), 2, "what was charged stays on record");
}

#[tokio::test]
async fn renewed_keys_take_the_place_of_the_old_ones_and_the_account_goes_on(on: On) {
    let Fixture { folder: _folder, ledger, .. } = two(on).await;
    let charge = charges::charge(1, 6);
    ledger.charge(&charge).await.unwrap();
    ledger.renew(&renewal(61, 111)).await.unwrap();
    assert_eq!(ledger.by_certificate(&[51; 32]).await.unwrap(), None);
    let found = ledger.by_certificate(&[61; 32]).await.unwrap().unwrap();
    assert_eq!((found.id, found.signing_key, found.budget), ([1; 16], [111; 32], 10));
    assert_eq!(ledger.account(&[1; 16], &EPOCH).await.unwrap().unwrap().spent, 6);
    let size = ledger.log_head().await.unwrap().size;
    assert_eq!(ledger.charge(&charge).await.unwrap(), Outcome::OldKey, "it came before the keys were replaced");
    let late = Charge { number: 2, digest: [2; 32], ..charge.clone() };
    assert_eq!(ledger.charge(&late).await.unwrap(), Outcome::OldKey);
    assert_eq!(ledger.log_head().await.unwrap().size, size);
    let charge = Charge { signing_key: [111; 32], ..charge };
    assert!(matches!(ledger.charge(&charge).await.unwrap(), Outcome::Repeat { .. }));
    assert_eq!(ledger.changes().await.unwrap()[&[1; 16]], Changes { renewed: Some(77), revoked: None });
    // With the same keys: another certificate.
    ledger.renew(&renewal(62, 111)).await.unwrap();
}

#[tokio::test]
async fn nobody_gets_a_certificate_or_a_key_that_anybody_has_or_had(on: On) {
    let Fixture { folder: _folder, ledger, .. } = two(on).await;
    ledger.renew(&renewal(61, 111)).await.unwrap();
    for (certificate, key) in [(61, 112), (52, 112), (51, 112)] {
        let taken = ledger.renew(&renewal(certificate, key)).await;
        assert!(matches!(taken, Err(LedgerError::CertificateTaken)), "{certificate}");
    }
    for key in [102, 101] {
        assert!(matches!(ledger.renew(&renewal(63, key)).await, Err(LedgerError::SigningKeyTaken)), "{key}");
    }
    let insurer =
        NewInsurer { id: [3; 16], name: slug("x"), certificate: [70; 32], signing_key: [101; 32], budget: 1, at: 0 };
    assert!(matches!(ledger.register(&insurer).await, Err(LedgerError::SigningKeyTaken)), "a replaced key");
    let other = Renewal { insurer: [9; 16], ..renewal(71, 120) };
    assert!(matches!(ledger.renew(&other).await, Err(LedgerError::UnknownInsurer)));
    assert_eq!(ledger.by_certificate(&[61; 32]).await.unwrap().unwrap().signing_key, [111; 32]);
}

#[tokio::test]
async fn a_revoked_insurer_stays_so(on: On) {
    let Fixture { folder: _folder, ledger, .. } = two(on).await;
    ledger.revoke(&[1; 16], 99).await.unwrap();
    assert_eq!(ledger.by_name("one").await.unwrap().unwrap().status, Status::Suspended);
    assert_eq!(ledger.changes().await.unwrap()[&[1; 16]].revoked, Some(99));
    assert!(matches!(ledger.revoke(&[1; 16], 100).await, Err(LedgerError::Revoked)));
    assert!(matches!(ledger.renew(&renewal(61, 111)).await, Err(LedgerError::Revoked)));
    assert!(matches!(ledger.revoke(&[9; 16], 1).await, Err(LedgerError::UnknownInsurer)));
    assert_eq!(ledger.by_name("two").await.unwrap().unwrap().status, Status::Active);
}
}
