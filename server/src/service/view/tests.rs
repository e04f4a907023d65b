//! Whether insurers are to be sent to a service.

use super::*;
use crate::testing::{Operator, people};

#[tokio::test]
async fn a_service_is_ready_until_it_stops() {
    let operator = Operator::new().await;
    let service = Service::open(operator.home.clone()).await.unwrap();
    assert_eq!(service.readiness().await, Ok(()));
    service.begin_to_drain();
    assert_eq!(service.readiness().await, Err(NotReady::Draining));
    assert_eq!(NotReady::Draining.to_string(), "draining");
}

#[tokio::test]
async fn without_its_ledger_a_service_is_not_ready() {
    let operator = Operator::new().await;
    let service = Service::open(operator.home.clone()).await.unwrap();
    service.close().await;
    assert_eq!(service.readiness().await, Err(NotReady::Ledger));
}

#[tokio::test]
async fn an_expired_catalog_is_not_to_be_served() {
    let operator = Operator::new().await;
    let service = Service::open(operator.home.clone()).await.unwrap();
    // Signed at the beginning of 1970, for 366 days.
    operator.publish(&operator.snapshot().next(&[], vec![], 0));
    assert_eq!(service.readiness().await, Err(NotReady::Catalog));
    operator.publish(&operator.snapshot().next(&[], vec![], now().unwrap()));
    assert_eq!(service.readiness().await, Ok(()));
}

#[tokio::test]
async fn what_is_seen_follows_the_home() {
    let operator = Operator::new().await;
    let service = Service::open(operator.home.clone()).await.unwrap();
    assert!(service.view().await.manifests().is_empty());
    operator.seal("breach", &people(3)).unwrap();
    let view = service.view().await;
    let lists: Vec<_> = view.manifests().iter().map(|(_, manifest)| manifest.list.to_string()).collect();
    assert_eq!((lists, view.epochs().len()), (vec!["breach".to_owned()], 1));
}
