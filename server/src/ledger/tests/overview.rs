//! What the operator's people look at.

use super::*;

on_both! {
#[tokio::test]
async fn all_accounts_and_the_latest_charges_are_read_at_once(on: On) {
    let Fixture { folder: _folder, ledger, .. } = Fixture::with_budget(on, 10).await;
    ledger.ping().await.unwrap();
    assert!(ledger.last_charges().await.unwrap().is_empty());
    ledger.register(&insurer(2, "two", 20)).await.unwrap();
    ledger.open_epoch(&epoch(OTHER_EPOCH)).await.unwrap();
    for (chunk, at) in [(1, AT + 5), (2, AT + 3)] {
        ledger.charge(&Charge { at, ..charges::charge(chunk, 3) }).await.unwrap();
    }
    let found = ledger.all_accounts().await.unwrap().into_iter();
    let found: Vec<_> = found.map(|of| (of.insurer[0], of.epoch, of.account.granted, of.account.spent)).collect();
    let expected =
        [(1, EPOCH, 10, 6), (1, OTHER_EPOCH, 10, 0), (2, EPOCH, 20, 0), (2, OTHER_EPOCH, 20, 0)];
    assert_eq!(found, expected);
    assert_eq!(ledger.last_charges().await.unwrap(), [([1; 16], AT + 5)].into());
    ledger.close().await;
    assert!(ledger.ping().await.is_err());
}
}
