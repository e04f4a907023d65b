//! A nationwide campaign: how large the insurers are, who is whose member, and what the peers would have taken for it.
//!
//! Sizes follow Zipf's law in Mandelbrot's form: the i-th insurer has members in proportion to 1 / (i + 10)^1.8. Firms' sizes
//! are known to follow Zipf's law (Axtell, Science, 2001). The two constants make it look like complementary health
//! insurance in France, some four hundred insurers after years of mergers: the largest of four hundred has 7 % of all
//! members, the twenty largest have three fifths, and the smallest a few dozen at 1:100.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;

use crate::draw::Draw;

/// The constants of Zipf's law.
const ZIPF: (f64, f64) = (10.0, 1.8);
/// One of so many people on the list is nobody's member.
const NOBODYS: u32 = 11;

/// Who is on the list, and who is whose member.
#[derive(Debug)]
pub struct Campaign {
    listed: u32,
    /// The members of each insurer, the largest first.
    members: Vec<Vec<u32>>,
}

impl Campaign {
    /// The same one for the same numbers.
    ///
    /// # Panics
    /// When there are more insurers than members.
    pub fn new(listed: u32, members: u32, insurers: usize) -> Self {
        let first = listed / NOBODYS;
        let mut people: Vec<u32> = (first..first + members).collect();
        let mut draw = Draw::new(7);
        for last in (1..people.len()).rev() {
            people.swap(last, usize::try_from(draw.below(last as u64 + 1)).unwrap());
        }
        let mut people = people.into_iter();
        let members = sizes(members, insurers).map(|size| people.by_ref().take(size).collect()).collect();
        Self { listed, members }
    }

    /// The people on the list.
    pub fn listed(&self) -> Range<u32> {
        0..self.listed
    }

    /// How many insurers there are.
    pub fn insurers(&self) -> usize {
        self.members.len()
    }

    /// The members of an insurer.
    pub fn members(&self, insurer: usize) -> &[u32] {
        &self.members[insurer]
    }

    /// Those of them who are on the list.
    pub fn affected(&self, insurer: usize) -> impl Iterator<Item = u32> {
        self.members[insurer].iter().copied().filter(|person| self.listed().contains(person))
    }

    /// The members of all insurers.
    pub fn everybody(&self) -> usize {
        self.members.iter().map(Vec::len).sum()
    }
}

impl fmt::Display for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share =
            |first: usize| 100 * self.members.iter().take(first).map(Vec::len).sum::<usize>() / self.everybody();
        let (Some(largest), Some(smallest)) = (self.members.first(), self.members.last()) else { return Ok(()) };
        write!(
            f,
            "{} people on the list; {} insurers with {} members: the largest has {} ({} %), the twenty largest {} %, the smallest {}.",
            grouped(self.listed.into()),
            self.insurers(),
            grouped(self.everybody() as u64),
            grouped(largest.len() as u64),
            share(1),
            share(20),
            smallest.len()
        )
    }
}

/// How many members each insurer has; all of them together have `members`, and each has one.
fn sizes(members: u32, insurers: usize) -> impl Iterator<Item = usize> {
    let weight = |place: usize| (place as f64 + ZIPF.0).powf(-ZIPF.1);
    let all: f64 = (1..=insurers).map(weight).sum();
    let free = f64::from(members) - insurers as f64;
    assert!(free >= 0.0, "more insurers than members");
    let mut sum = 0.0;
    // Rounding the sums and not the parts: the parts then add up.
    (1..=insurers).map(move |place| {
        let before = (sum / all * free).round();
        sum += weight(place);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sums grow, up to the members")]
        let size = ((sum / all * free).round() - before) as usize + 1;
        size
    })
}

/// What Blindlist took for a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// CPU of the seal.
    pub seal: Duration,
    /// CPU of all programs that made insurers known to the operator.
    pub enrolment: Duration,
    /// CPU of all clients.
    pub clients: Duration,
    /// CPU of the server.
    pub server: Duration,
    /// From the first check to the last.
    pub wall: Duration,
    /// Members found on the list.
    pub found: usize,
    /// Bytes of the index, which every insurer fetches.
    pub index: u64,
    /// Bytes of what all insurers keep of it.
    pub disk: u64,
    /// Bytes of all datagrams to the server.
    pub up: u64,
    /// Bytes of all datagrams from the server.
    pub down: u64,
}

impl Measured {
    /// CPU of everything that the peers do too: enrolment they have none.
    pub fn cpu(&self) -> Duration {
        self.seal + self.clients + self.server
    }

    /// The same in millions of V.
    pub fn in_v(&self, v: f64) -> f64 {
        self.cpu().as_secs_f64() / v
    }

    /// What it took, as Markdown. `v` is V in µs.
    pub fn table(&self, campaign: &Campaign, v: f64) -> String {
        let (n, everybody, insurers) = (campaign.listed, campaign.everybody() as f64, campaign.insurers() as u64);
        let cpu = |spent: Duration, items: f64, item: &str| {
            let each = spent.as_secs_f64() * 1e6 / items;
            format!("{:.2} s | {each:.1} µs {item}, {:.2} V", spent.as_secs_f64(), each / v)
        };
        let fetched = self.index * insurers;
        let each = |bytes: u64| format!("{} MB | {:.1} bytes a member", bytes / 1_000_000, bytes as f64 / everybody);
        let rows = [
            ("operator: seal, CPU", cpu(self.seal, n.into(), "an entry")),
            ("operator: server, CPU", cpu(self.server, everybody, "a member, index served")),
            ("insurers: all clients, CPU", cpu(self.clients, everybody, "a member, index fetched")),
            ("seal, server and clients, CPU", cpu(self.cpu(), everybody, "a member")),
            ("enrolment, both sides, CPU", cpu(self.enrolment, insurers as f64, "an insurer")),
            (
                "index, fetched by all",
                format!("{} MB | {:.2} bytes an entry", fetched / 1_000_000, self.index as f64 / f64::from(n)),
            ),
            ("to the server: requests and all else", each(self.up)),
            ("from the server: responses and all else but indexes", each(self.down.saturating_sub(fetched))),
            (
                "on insurers' disks",
                format!(
                    "{} MB | {:.2} bytes an entry for each",
                    self.disk / 1_000_000,
                    (self.disk / insurers) as f64 / f64::from(n)
                ),
            ),
        ];
        let rows: String = rows.iter().map(|(name, cells)| format!("| {name} | {cells} |\n")).collect();
        format!(
            "Blindlist, measured: {} affected members found, none missed, nobody else, twice. V = {v:.1} µs. All checks took {:.0} s.\n\n| | all | each |\n|---|---:|---:|\n{rows}",
            grouped(self.found as u64),
            self.wall.as_secs_f64(),
        )
    }
}

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

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_a_member_of_one_insurer() {
        let campaign = Campaign::new(3_300, 6_500, 40);
        let mut everybody: Vec<u32> = (0..40).flat_map(|i| campaign.members(i).to_vec()).collect();
        everybody.sort_unstable();
        assert!(everybody.into_iter().eq(300..6_800));
        assert_eq!((0..40).map(|i| campaign.affected(i).count()).sum::<usize>(), 3_000);
    }

    #[test]
    fn insurers_look_like_those_there_are() {
        let sizes: Vec<_> = sizes(650_000, 400).collect();
        assert!(sizes.is_sorted_by(|one, next| one >= next));
        assert_eq!(sizes.iter().sum::<usize>(), 650_000);
        let (largest, twenty) = (sizes[0], sizes.iter().take(20).sum::<usize>());
        assert!((40_000..60_000).contains(&largest) && (350_000..420_000).contains(&twenty), "{largest} {twenty}");
        assert!((30..100).contains(&sizes[399]), "{}", sizes[399]);
    }

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
