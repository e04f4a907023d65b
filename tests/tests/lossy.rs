//! Whole checks over a bad network: what is lost, late, doubled or comes from elsewhere changes nothing in the end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use blindlist_protocol::{job, params::CANARIES};
use blindlist_tests::lossy::{Lossy, Weather};
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{Ran, Running, until};
use blindlist_tests::{Insurer, Operator, Serving};

/// Members of two chunks.
const TWO_CHUNKS: u32 = 12_000;
/// The last members are on the list.
const AFFECTED: u32 = 300;

struct Scene {
    operator: Operator,
    insurer: Insurer,
    server: Serving,
    members: PathBuf,
    count: u32,
}

impl Scene {
    /// With so many members, and a server that counts a caller as lost after `idle` seconds without a sign.
    fn new(count: u32, idle: u32) -> Self {
        let operator = Operator::with_numbers("op", &numbers(count - AFFECTED, count + AFFECTED));
        let path = operator.home().join("blindlistd.toml");
        let original = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{original}[limits]\nidle_seconds = {idle}\n")).unwrap();
        let insurer = Insurer::enrolled("mutuelle", &operator, u64::from(count));
        let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, count).join("\n")));
        let server = operator.serve();
        Self { operator, insurer, server, members, count }
    }

    fn before(&self, weather: Weather) -> Lossy {
        Lossy::before(&self.server, weather, 4)
    }

    /// Starts a check through the proxy; its log says when it connects.
    fn check(&self, lossy: &Lossy) -> Running {
        let mut command = self.insurer.check_command(&self.members, &lossy.address(), "out", &[]);
        command.env("BLINDLIST_LOG", "blindlist_client=debug,blindlist_transport=debug");
        Running::start(command)
    }

    /// Requires a right and whole result, paid for once. How often the client had to connect.
    #[track_caller]
    fn is_right(&self, ran: Ran) -> usize {
        let ran = ran.ends(0);
        let results = self.insurer.results("out");
        let found: Vec<_> = results.affected(b',').into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, numbers(self.count - AFFECTED, self.count));
        assert_eq!(self.operator.spent("mutuelle"), job::cost(u64::from(self.count) + CANARIES as u64));
        ran.stderr.lines().filter(|line| line.contains(" connected ")).count()
    }
}

#[test]
fn a_check_through_loss_doubles_and_delays_ends_right() {
    let scene = Scene::new(2_500, 30);
    let lossy = scene.before(Weather { lost: 10, doubled: 5, late: 50 });
    scene.is_right(scene.check(&lossy).wait());
    let [lost, doubled, carried] = lossy.counts();
    assert!(lost * 30 > carried && doubled * 60 > carried, "{lost} lost, {doubled} doubled, {carried} carried");
}

#[test]
fn a_client_whose_address_changes_goes_on_over_the_same_connection() {
    let scene = Scene::new(TWO_CHUNKS, 30);
    let lossy = scene.before(Weather { late: 2, ..Weather::default() });
    let mut client = scene.check(&lossy);
    let charges = || scene.server.log().matches("a chunk is charged").count();
    let mut before = Vec::new();
    // While a chunk is on its way, and again while its answer is.
    for charged in 0..2 {
        until("chunks are on their way", || charges() >= charged && scene.insurer.has_sent() || client.has_ended());
        assert!(!client.has_ended(), "the check was over before the address could change");
        lossy.rebind();
        before.push(lossy.counts()[2]);
    }
    assert_eq!(scene.is_right(client.wait()), 1, "connections");
    let [_, _, carried] = lossy.counts();
    assert!(carried > before[1] + 100, "{before:?} of {carried} datagrams were carried before the address changed");
}

#[test]
fn a_client_without_network_goes_on_by_itself() {
    let scene = Scene::new(TWO_CHUNKS, 2);
    let lossy = scene.before(Weather::default());
    let mut client = scene.check(&lossy);
    until("a chunk is charged", || scene.server.log().contains("a chunk is charged") || client.has_ended());
    lossy.cut(true);
    // Beyond what both sides wait for a sign of the other.
    sleep(Duration::from_secs(4));
    assert!(!client.has_ended(), "the check was over before its network was gone");
    lossy.cut(false);
    assert!(scene.is_right(client.wait()) > 1, "it kept a connection that was lost");
}
