//! A campaign for real, with the real programs over loopback.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Campaign, grouped};
use crate::measure::spent_by_programs;
use crate::people::number;
use crate::relay::Relay;
use crate::{Insurer, Operator};

/// Insurers at work at any time.
const AT_ONCE: usize = 4;

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
            "Blindlist, measured: {} affected members found, none missed, nobody else, twice. V = {v:.1} µs. All checks \
             took {:.0} s.\n\n| | all | each |\n|---|---:|---:|\n{rows}",
            grouped(self.found as u64),
            self.wall.as_secs_f64(),
        )
    }
}

/// Runs a campaign, twice: for CPU, and for bytes. Every result is compared with the truth. `between` is called before,
/// between and after what is measured.
///
/// # Panics
/// When anything is wrong.
pub fn run(campaign: &Campaign, between: &mut impl FnMut()) -> Measured {
    let operator = Operator::new("op");
    let list = campaign.listed().map(number).collect::<Vec<_>>().join("\n");
    let breach = operator.file("breach.csv", format!("nir\n{list}\n"));
    between();
    let (_, seal) = taken(|| {
        let categories = "nir,birth-date,civil-status,contract,coverage-dates,insurer";
        operator.seal(&breach, "list-a", categories, &[]).ends(0)
    });
    between();
    // Twice their members, twice canaries and padding.
    let budget = |size: usize| 2 * size as u64 + 256;
    let (insurers, enrolment) = taken(|| {
        in_turns(campaign.insurers(), |i| {
            let insurer = Insurer::enrolled(&format!("mutuelle-{i}"), &operator, budget(campaign.members(i).len()));
            let members: Vec<String> = campaign.members(i).iter().map(|person| number(*person)).collect();
            insurer.file("members.csv", format!("nir\n{}\n", members.join("\n")));
            insurer
        })
    });

    between();
    let server = operator.serve();
    let (idle, began) = (server.cpu(), Instant::now());
    let (found, clients) = taken(|| check(campaign, &insurers, &server.address()));
    let (served, wall) = (server.cpu() - idle, began.elapsed());
    between();
    let disk = insurers.iter().map(|insurer| insurer.disk("indexes")).sum();

    in_turns(insurers.len(), |i| insurers[i].run(&["forget", "--indexes", "--yes"]).ends(0));
    let relay = Relay::before(&server);
    assert_eq!(check(campaign, &insurers, &relay.address()), found);
    let [up, down] = relay.carried();
    server.stop();
    Measured { seal, enrolment, clients, server: served, wall, found, index: operator.index_length(), disk, up, down }
}

/// Every insurer checks its members, the largest first, and finds the right ones: how many in all.
fn check(campaign: &Campaign, insurers: &[Insurer], server: &str) -> usize {
    let found = in_turns(insurers.len(), |i| {
        let insurer = &insurers[i];
        let out = format!("out-{server}").replace(':', "-");
        insurer.start_check(&insurer.path("members.csv"), server, &out, &["--quiet"]).wait().ends(0);
        let rows = insurer.results(&out).affected(b',').into_iter();
        // The member file has one column.
        let mut affected: Vec<_> = rows.filter_map(|row| row.into_iter().next()).collect();
        affected.sort_unstable();
        let mut truth: Vec<_> = campaign.affected(i).map(number).collect();
        truth.sort_unstable();
        assert!(affected == truth, "insurer {i}: {} found, {} are on the list", affected.len(), truth.len());
        affected.len()
    });
    found.into_iter().sum()
}

/// What something returned, and the CPU of all programs that it started and waited for.
fn taken<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = spent_by_programs();
    (work(), spent_by_programs() - before)
}

/// Does something for each number below `count`, a few at a time; results in their order.
fn in_turns<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let turns = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|turn| *turn < count);
        turns.map(|turn| (turn, work(turn))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().map(|(_, result)| result).collect()
}
