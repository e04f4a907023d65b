//! `/metrics`: what was counted, and what can be looked up, in the text format of OpenMetrics 1.0.
//!
//! What is looked up is written from what is there now, so that nothing of an insurer or epoch that is gone stays.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::status::{Sight, Status};
use crate::metrics::PREFIX;

/// Unsigned: amounts, bytes and times.
type Amount = Gauge<u64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByInsurer {
    insurer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAccount {
    insurer: String,
    epoch: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByList {
    list: String,
}

/// All of it.
pub(super) async fn text(sight: &Sight) -> Result<String, fmt::Error> {
    let status = sight.status().await;
    let mut text = String::new();
    encode_registry(&mut text, sight.shown().service.watch().metrics.registry())?;
    encode_registry(&mut text, &looked_up(&status))?;
    encode_eof(&mut text)?;
    Ok(text)
}

fn looked_up(status: &Status) -> Registry {
    let mut all = Registry::with_prefix(PREFIX);
    all.register("build", "The version that runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
    server(status, &mut all);
    catalog(status, &mut all);
    if let Some(log) = &status.log {
        all.register("log_entries", "Entries of the audit log", ConstGauge::new(log.entries));
        if let Some((_, time)) = log.checkpoint {
            let help = "When the checkpoint was signed that the home keeps, in Unix time";
            all.register_with_unit("checkpoint_timestamp", help, Unit::Seconds, ConstGauge::new(time));
        }
    }
    // Without the ledger nothing is known of insurers, which is not the same as none.
    if status.trouble.ledger.is_none() {
        insurers(status, &mut all);
    }
    all
}

fn server(status: &Status, all: &mut Registry) {
    let mut gauge = |name: &str, help: &str, value: u64| all.register(name, help, ConstGauge::new(value));
    gauge("ready", "1 when insurers may be sent here, as /readyz says", status.ready.is_ok().into());
    gauge("connections", "Connections, those in handshake included", status.connections.open as u64);
    let mut timestamp =
        |name: &str, help: &str, value: u64| all.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(value));
    timestamp("start_timestamp", "When the server started, in Unix time", status.since);
    if let Some(end) = status.certificate_end {
        timestamp("certificate_expiry_timestamp", "When the server's certificate ends, in Unix time", end);
    }
    let mut counter = |name: &str, help: &str, value: u64| all.register(name, help, ConstCounter::new(value));
    counter(
        "connections_accepted",
        "Connections accepted, those that failed in the handshake included",
        status.connections.accepted,
    );
    counter(
        "connections_refused",
        "Connections refused before a handshake: too many were open",
        status.connections.refused,
    );
    if let Some(disk) = status.disk {
        let mut bytes = |name: &str, help: &str, value: u64| {
            all.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value));
        };
        bytes("disk_free", "Room on the file system of the home", disk.free);
        bytes("disk_size", "Size of the file system of the home", disk.size);
    }
}

fn catalog(status: &Status, all: &mut Registry) {
    let expiry = ConstGauge::new(status.catalog.expires);
    all.register_with_unit("catalog_expiry_timestamp", "When the catalog expires, in Unix time", Unit::Seconds, expiry);
    all.register("catalog_sequence", "The catalog's sequence number", ConstGauge::new(status.catalog.sequence));
    let people = Family::<ByList, Amount>::default();
    for list in &status.lists {
        people.get_or_create(&ByList { list: list.name.clone() }).set(list.people);
    }
    all.register("list_people", "People on each live list", people);
    let live = status.epochs.iter().filter(|epoch| epoch.retired.is_none()).count();
    all.register("epochs", "Epochs that are live", ConstGauge::new(live as u64));
}

fn insurers(status: &Status, all: &mut Registry) {
    let [granted, spent]: [Family<ByAccount, Amount>; 2] = Default::default();
    let [active, ends, last]: [Family<ByInsurer, Amount>; 3] = Default::default();
    for insurer in &status.insurers {
        let label = ByInsurer { insurer: insurer.name.clone() };
        active.get_or_create(&label).set(insurer.is_active().into());
        ends.get_or_create(&label).set(insurer.certificate_end);
        if let Some(at) = insurer.last {
            last.get_or_create(&label).set(at);
        }
        for (epoch, account) in &insurer.accounts {
            let label = ByAccount { insurer: insurer.name.clone(), epoch: epoch.to_string() };
            granted.get_or_create(&label).set(account.granted);
            spent.get_or_create(&label).set(account.spent);
        }
    }
    all.register("budget_granted", "Evaluations granted in an epoch that is not retired", granted);
    all.register("budget_spent", "Evaluations spent in an epoch that is not retired", spent);
    all.register("insurer_active", "1 for an insurer that is answered, 0 for one that is suspended or revoked", active);
    let help = "When an insurer's certificate ends, in Unix time";
    all.register_with_unit("insurer_certificate_expiry_timestamp", help, Unit::Seconds, ends);
    let help = "When an insurer last asked this server, or was charged by any, in Unix time";
    all.register_with_unit("insurer_last_activity_timestamp", help, Unit::Seconds, last);
}
