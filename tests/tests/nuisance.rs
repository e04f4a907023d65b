//! A server on the internet: while strangers and insurers do what they like, an honest check ends right, memory and file
//! descriptors stay within bounds, and the server ends when it is told to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_tests::draw::Draw;
use blindlist_tests::nuisance::{Bore, Stranger, corrupted, garbage, hellos};
use blindlist_tests::people::numbers;
use blindlist_tests::programs::until;
use blindlist_tests::raw::{RawInsurer, elements};
use blindlist_tests::{Insurer, Operator, Serving};
use tokio::runtime::Runtime;

const MEMBERS: u32 = 3_000;
/// With 4 canaries, in 64s.
const COST: u64 = 3_008;
/// On the list besides others.
const AFFECTED: u32 = 700;
/// Of the figure of benches/BENCHMARKING.md.
const MEMORY: u64 = 300 << 20;
/// File descriptors that a ledger may come to need: of its four connections that read, three each.
const OF_THE_LEDGER: usize = 12;
/// Repetitions of what is repeated for as long as the honest check runs.
const ROUNDS: usize = 50;

/// An operator whose server has patience with everything but its own end.
struct Scene {
    operator: Operator,
    honest: Insurer,
    members: PathBuf,
    hostile: RawInsurer,
    server: Serving,
    runtime: Runtime,
    files: usize,
}

impl Scene {
    /// With so many people on the list.
    fn new(listed: u32) -> Self {
        let first = MEMBERS - AFFECTED;
        let operator = Operator::with_numbers("op", &numbers(first, first + listed));
        let path = operator.home().join("blindlistd.toml");
        let original = fs::read_to_string(&path).unwrap();
        let patience = "[limits]\nrequest_seconds = 3600\nresponse_seconds = 3600\nstop_seconds = 1\n";
        fs::write(&path, original + patience).unwrap();
        let honest = Insurer::enrolled("honest", &operator, 10 * u64::from(MEMBERS));
        let members = honest.file("m.csv", format!("nir\n{}\n", numbers(0, MEMBERS).join("\n")));
        let hostile = RawInsurer::enrolled("hostile", &operator, 1_000_000);
        let server = operator.serve();
        let runtime = Runtime::new().unwrap();
        let scene = Self { operator, honest, members, hostile, server, runtime, files: 0 };
        // What a server opens once it keeps: files are counted from here on.
        scene.check_beside(|| {});
        let files = scene.server.files();
        Self { files, ..scene }
    }

    /// A whole check, while something is repeated until it ends. It must be right, and paid for once.
    fn check_beside(&self, mut repeat: impl FnMut()) {
        let before = self.operator.spent("honest");
        let mut check = self.honest.start_check(&self.members, &self.server.address(), "out", &[]);
        for _ in 0..ROUNDS {
            if check.has_ended() {
                break;
            }
            repeat();
        }
        check.wait().ends(0).prints(&["700 of 3,000 checked members"]);
        let found: Vec<_> = self.honest.results("out").affected(b',').into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, numbers(MEMBERS - AFFECTED, MEMBERS));
        assert_eq!(self.operator.spent("honest") - before, COST);
    }

    /// Requires that nothing of it is left behind and that the server ends, whoever is connected still.
    fn ends_well(self) {
        let peak = self.server.peak_memory();
        assert!(peak < MEMORY, "{peak} bytes");
        until("no more files are open than before", || self.server.files() <= self.files + OF_THE_LEDGER);
        println!("{} MB at most, {} files after {}", peak >> 20, self.server.files(), self.files);
        self.check_beside(|| {});
        self.server.stop();
    }
}

#[test]
fn slow_readers_hold_nobody_up() {
    let scene = Scene::new(30_000);
    let (server, hostile) = (&scene.server, &scene.hostile);
    let _bore = scene.runtime.block_on(async {
        let line = hostile.connect(server).await;
        let listed = Request::Object(line.catalog.manifests[0].manifest);
        let Response::Object(manifest) = line.ask(&listed).await else { panic!("no manifest") };
        let manifest: Manifest = object::open(&manifest, &hostile.bundle.operator_key).unwrap();
        assert!(manifest.index_length > 150_000);
        let mut bore = Bore::of(hostile, server, 15, 1_000).await;
        bore.ask_and_not_read(&Request::Segment { release: manifest.release, number: 0 }).await;
        assert!(bore.streams() >= 15 * 4, "{}", bore.streams());
        bore
    });
    scene.check_beside(|| {});
    scene.ends_well();
}

#[test]
fn half_open_streams_hold_nobody_up() {
    let scene = Scene::new(1_000);
    let (server, hostile) = (&scene.server, &scene.hostile);
    let _bore = scene.runtime.block_on(async {
        let line = hostile.connect(server).await;
        let mut bore = Bore::of(hostile, server, 15, 1_000).await;
        bore.begin_and_not_end(&Request::Evaluate(line.chunk(elements(1, 1_000)))).await;
        assert!(bore.streams() >= 15 * 4, "{}", bore.streams());
        bore
    });
    scene.check_beside(|| {});
    assert_eq!(scene.operator.spent("hostile"), 0);
    scene.ends_well();
}

#[test]
fn streams_of_garbage_hold_nobody_up() {
    let scene = Scene::new(1_000);
    let mut draw = Draw::new(1);
    let mut bore = scene.runtime.block_on(Bore::of(&scene.hostile, &scene.server, 4, 1_000));
    scene.check_beside(|| scene.runtime.block_on(bore.babble(&mut draw, 100)));
    assert_eq!(scene.operator.spent("hostile"), 0);
    scene.ends_well();
}

#[test]
fn datagrams_of_garbage_hold_nobody_up() {
    let scene = Scene::new(1_000);
    let mut draw = Draw::new(2);
    let stranger = scene.runtime.block_on(Stranger::of(&scene.server));
    scene.check_beside(|| scene.runtime.block_on(stranger.send(garbage(&mut draw, 200))));
    scene.ends_well();
}

#[test]
fn corrupted_hellos_hold_nobody_up() {
    let scene = Scene::new(1_000);
    let mut draw = Draw::new(3);
    let (stranger, hellos) =
        scene.runtime.block_on(async { (Stranger::of(&scene.server).await, hellos(&scene.hostile, 100).await) });
    scene.check_beside(|| scene.runtime.block_on(stranger.send(corrupted(&mut draw, &hellos))));
    scene.ends_well();
}

/// [NET-4]
#[test]
fn a_flood_of_handshakes_that_never_end_holds_nobody_up() {
    let scene = Scene::new(1_000);
    let (stranger, first) =
        scene.runtime.block_on(async { (Stranger::of(&scene.server).await, hellos(&scene.hostile, 2_000).await) });
    // More than half of all places at once: then addresses must be proven, and the honest insurer's is.
    let (before, beside) = first.split_at(1_000);
    scene.runtime.block_on(stranger.hello(before));
    let mut beside = beside.chunks(50);
    scene.check_beside(|| beside.next().into_iter().for_each(|hellos| scene.runtime.block_on(stranger.hello(hellos))));
    // A machine with other work loses some of the datagrams: then there are more.
    let mut asked = scene.runtime.block_on(async { stranger.retries() });
    for _ in 0..10 {
        if asked > 100 {
            break;
        }
        let more = scene.runtime.block_on(hellos(&scene.hostile, 1_000));
        asked += scene.runtime.block_on(async {
            stranger.hello(&more).await;
            stranger.retries()
        });
    }
    assert!(asked > 100, "{asked} were asked to prove their address");
    scene.ends_well();
}
