//! What the peers would take for a campaign: the figures per item of benches/peers/run.py, multiplied up.

use serde_json::Value;

use super::{Campaign, Measured};

/// What a peer would take for a campaign, from what it took per item.
#[derive(Debug)]
pub struct Extrapolated {
    /// Its key in results.json.
    pub key: &'static str,
    title: String,
    /// CPU in seconds: to prepare the list, of the server, of all clients.
    seconds: [f64; 3],
    bytes: f64,
    /// V in µs where it was measured.
    v: f64,
}

/// What every peer that was measured would take.
pub fn extrapolate(campaign: &Campaign, results: &Value) -> Vec<Extrapolated> {
    let keys = ["spu-unbalanced", "openmined", "spu-rr22", "spu-kkrt"];
    let v = results["v"].as_f64().unwrap();
    let base = results["entries"].as_f64().unwrap();
    let peer = |key| {
        let figures = &results["systems"][key];
        let (seconds, bytes) = if key == "spu-rr22" || key == "spu-kkrt" {
            every_time(campaign, figures)?
        } else {
            prepared(campaign, figures, base)?
        };
        Some(Extrapolated { key, title: figures["title"].as_str()?.to_owned(), seconds, bytes, v })
    };
    keys.into_iter().filter_map(peer).collect()
}

fn median(peer: &Value, name: &str) -> Option<f64> {
    peer["figures"][name]["median"].as_f64()
}

/// A list is prepared once and sent to every insurer; members are asked for one by one. Where a check has a part that does
/// not depend on the members (SPU's client reads the whole list each time), it grows with the list.
fn prepared(campaign: &Campaign, peer: &Value, base: f64) -> Option<([f64; 3], f64)> {
    let n = f64::from(campaign.listed);
    let (everybody, insurers) = (campaign.everybody() as f64, campaign.insurers() as f64);
    let or_none = |name: &str| median(peer, name).unwrap_or(0.0);
    let side = |name: &str, growth: f64| {
        let each = median(peer, &format!("{name}_each")).or_else(|| median(peer, name))?;
        let transfer = or_none(&format!("transfer_{name}")) * n * insurers;
        let check = or_none(&format!("{name}_check")) * growth * insurers;
        Some((each * everybody + transfer + check) / 1e6)
    };
    let bytes = median(peer, "transfer")? * n * insurers + (or_none("up") + or_none("down")) * everybody;
    Some(([median(peer, "prepare")? * n / 1e6, side("server", 1.0)?, side("client", n / base)?], bytes))
}

/// Both sides work on both sets, for every insurer again.
fn every_time(campaign: &Campaign, peer: &Value) -> Option<([f64; 3], f64)> {
    let items = f64::from(campaign.listed) * campaign.insurers() as f64 + campaign.everybody() as f64;
    let of = |name: &str| Some(median(peer, name)? * items);
    let [server, client] = [of("pair_server")? / 1e6, of("pair_client")? / 1e6];
    Some(([0.0, server, client], of("pair_up")? + of("pair_down")?))
}

impl Extrapolated {
    /// All its CPU in millions of V.
    pub fn in_v(&self) -> f64 {
        self.seconds.iter().sum::<f64>() / self.v
    }

    /// The peers below Blindlist, as Markdown.
    pub fn table(peers: &[Self], measured: &Measured, v: f64) -> String {
        let row = |title: &str, [prepare, server, clients]: [f64; 3], in_v: f64, bytes: f64| {
            let all = prepare + server + clients;
            let megabytes = bytes / 1e6;
            format!("| {title} | {prepare:.1} | {server:.1} | {clients:.1} | {all:.1} | {in_v:.2} | {megabytes:.0} |\n")
        };
        let ours = [measured.seal, measured.server, measured.clients].map(|spent| spent.as_secs_f64());
        let head = "| CPU-s | prepare | server | clients | all | all, in millions of V | MB |\n|---|---:|---:|---:|---:|---:|---:|\n";
        let first = row("Blindlist, measured", ours, measured.in_v(v), (measured.up + measured.down) as f64);
        let others = peers
            .iter()
            .map(|peer| row(&format!("{}, extrapolated", peer.title), peer.seconds, peer.in_v(), peer.bytes));
        let about = peers.first().map_or(String::new(), |peer| {
            format!("\nExtrapolated from figures per item, where V was {:.1} µs; here it is {v:.1} µs.\n", peer.v)
        });
        format!("{head}{first}{}{about}", others.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_multiplied_up() {
        let campaign = Campaign::new(1_000, 2_000, 10);
        let figure = |median: f64| serde_json::json!({ "median": median });
        let results = serde_json::json!({ "v": 30.0, "entries": 500, "systems": {
            "spu-unbalanced": { "title": "U", "figures": {
                "prepare": figure(20.0), "transfer": figure(12.0), "up": figure(32.0), "down": figure(33.0),
                "transfer_client": figure(1.0), "server": figure(99.0), "server_each": figure(10.0), "client": figure(50.0), "client_check": figure(500.0),
            }},
            "spu-rr22": { "title": "R", "figures": {
                "pair_server": figure(2.0), "pair_client": figure(3.0), "pair_up": figure(1.0), "pair_down": figure(4.0),
            }},
        }});
        let peers = extrapolate(&campaign, &results);
        let [unbalanced, balanced] = peers.as_slice() else { panic!("{peers:?}") };
        // 10 µs and 2,000 members; 50 µs each, 1 µs for each of 10 transfers of 1,000, 10 times 500 µs for a list twice as long.
        let close =
            |one: [f64; 3], other: [f64; 3]| one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-9);
        assert!(close(unbalanced.seconds, [0.02, 0.02, 0.1 + 0.01 + 0.01]), "{unbalanced:?}");
        assert!((unbalanced.bytes - (120_000.0 + 130_000.0)).abs() < 1e-6);
        assert!(
            close(balanced.seconds, [0.0, 0.024, 0.036]) && (balanced.bytes - 60_000.0).abs() < 1e-6,
            "{balanced:?}"
        );
        assert!((unbalanced.in_v() - 0.16 / 30.0).abs() < 1e-9);
    }
}
