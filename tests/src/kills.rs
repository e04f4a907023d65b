//! The server killed (SIGKILL) at moments that a seed draws, while three insurers check; everything that is left behind
//! is compared with the truth.
//!
//! A scene is an operator with a list, a server on one port, and three insurers whose members overlap. In each round all
//! three check anew, and the server is killed once or twice and started again. Of the insurers some wait until they are
//! answered again, others are killed as well and go on with `--resume`.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use blindlist_protocol::job;
use blindlist_protocol::params::{CANARIES, MAX_CHUNK};

use crate::draw::Draw;
use crate::programs::{Running, blindlistd, run, until};
use crate::results::{FILES, rows};
use crate::{Insurer, Operator, Serving};

/// Members of each insurer: the first rows of one file, for each as many as it has.
pub type Members = [usize; 3];
/// Three chunks, two, and one.
pub const MANY: Members = [17_500, 9_000, 1_500];
/// Two chunks, one, and one.
pub const FEW: Members = [8_500, 1_500, 500];
/// Of the members, so many in a hundred are on the list.
const OVERLAP: usize = 5;
/// How often each insurer can be answered in whole.
const CHECKS: usize = 1_000;
/// Of insurers whose server was killed, so many in a hundred are killed too and resume.
const IMPATIENT: u64 = 40;
/// The longest time from the event to the kill, in microseconds: a chunk takes less from its charge to its answer.
const LATER: u64 = 500_000;

/// What has to happen before the server is killed, a little later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The checks begin.
    Begun,
    /// An insurer sends its first chunk, or is about to.
    Sent,
    /// The server charges, or recognises, the n-th chunk of this round, or of those since it was killed last.
    Charged(usize),
    /// The insurers together keep their n-th answer of this round.
    Kept(usize),
}

/// One kill, and what was found right afterwards.
#[derive(Debug)]
pub struct Kill {
    /// The round in which it happened.
    pub round: u32,
    /// What it came after.
    pub event: Event,
    /// How long after.
    pub later: Duration,
    /// Checks under way.
    pub checking: usize,
    /// Chunks of the round that were charged, and answers that the insurers had kept.
    pub charged: usize,
    /// See above.
    pub kept: usize,
    /// Insurers that were killed too, and resumed.
    pub impatient: usize,
}

/// How checks ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// By themselves.
    pub alone: usize,
    /// Told to resume, or killed; and with `--resume`.
    pub resumed: usize,
}

/// An operator, its server, and three insurers.
#[derive(Debug)]
pub struct Scene {
    operator: Operator,
    server: Option<Serving>,
    insurers: Vec<Party>,
    draw: Draw,
    rounds: u32,
    /// How all checks have ended so far.
    pub ends: Ends,
}

/// An insurer with what is true of it.
#[derive(Debug)]
struct Party {
    insurer: Insurer,
    members: PathBuf,
    /// What `affected.csv` must say: the member's own columns, and the categories.
    truth: Vec<(Vec<String>, String)>,
    /// What a check costs.
    cost: u64,
    /// What all finished checks have cost.
    spent: u64,
}

/// A check that was begun in this round.
struct Check {
    /// None when it was killed, until it goes on.
    client: Option<Running>,
    resumed: bool,
}

impl Scene {
    /// Makes it, with synthetic people that follow from the seed.
    pub fn new(seed: u64, members: Members) -> Self {
        let operator = Operator::new("op");
        let sample = operator.path("sample");
        let [most, _, _] = members;
        let (records, rows, overlap) = ((most / 5).to_string(), most.to_string(), format!("0.{OVERLAP:02}"));
        let options = ["sample", "--records", &records, "--members", &rows, "--overlap", &overlap, "--seed"];
        let mut command = blindlistd(options);
        command.arg(seed.to_string()).arg("--out").arg(&sample);
        run(command).ends(0);
        let categories = "nir,civil-status,birth-date,insurer,contract,coverage-dates";
        operator.seal(&sample.join("breach.csv"), "list-a", categories, &[]).ends(0);
        let insurers = members.into_iter().zip(["one", "two", "three"]);
        let insurers = insurers.map(|(count, name)| Party::new(name, count, &operator, &sample)).collect();
        let server = Some(operator.serve());
        Self { operator, server, insurers, draw: Draw::new(seed), rounds: 0, ends: Ends::default() }
    }

    /// Requires that the operator's audit log is whole, and agrees with its ledger.
    #[track_caller]
    fn check_log(&self) {
        self.operator.run(&["audit", "verify"]).ends(0);
    }

    /// A whole round: the kills that happened in it, before the checks were over.
    ///
    /// # Panics
    /// When anything that is left behind is not as it must be.
    pub fn round(&mut self) -> Vec<Kill> {
        self.rounds += 1;
        let address = self.server().address();
        let mut checks: Vec<_> = self.insurers.iter().map(|party| party.begin(&address, false)).collect();
        let mut kills = Vec::new();
        for strike in 0..=self.draw.below(2) {
            let (event, later) = self.moment(strike == 0);
            // The server may have served earlier rounds.
            let before = self.answering();
            until("the moment came", || self.has_come(event, before) || checks.iter_mut().all(Check::has_ended));
            sleep(later);
            let checking = checks.iter_mut().map(|check| usize::from(!check.has_ended())).sum();
            if checking == 0 {
                break;
            }
            kills.push(self.strike(event, later, checking, &mut checks));
        }
        for (check, party) in checks.into_iter().zip(&mut self.insurers) {
            let resumed = party.finish(check, &address);
            self.ends.resumed += usize::from(resumed);
            self.ends.alone += usize::from(!resumed);
            party.spent += party.cost;
            party.is_right(&self.operator);
        }
        self.check_log();
        kills
    }

    /// Draws what to wait for, and how much longer.
    fn moment(&mut self, first: bool) -> (Event, Duration) {
        let chunks: usize = self.insurers.iter().map(Party::chunks).sum();
        let mut number = |most: usize| usize::try_from(self.draw.below(most as u64)).unwrap() + 1;
        let event = match (number(10), first) {
            (1, true) => Event::Begun,
            (2 | 3, true) => Event::Sent,
            (4..=7, true) => Event::Charged(number(chunks)),
            (_, true) => Event::Kept(number(chunks - 1)),
            // Who has lost the server comes again in its own time.
            (_, false) => Event::Charged(number(2)),
        };
        (event, Duration::from_micros(self.draw.below(LATER)))
    }

    fn has_come(&self, event: Event, before: usize) -> bool {
        match event {
            Event::Begun => true,
            Event::Sent => self.insurers.iter().any(|party| party.insurer.has_sent()),
            Event::Charged(number) => self.answering() >= before + number,
            // What a finished check kept is gone with its job.
            Event::Kept(number) => self.kept() >= number,
        }
    }

    /// Chunks that the server has charged or recognised since it was started.
    fn answering(&self) -> usize {
        let log = self.server().log();
        log.matches("a chunk is charged").count() + log.matches("a chunk is repeated").count()
    }

    fn kept(&self) -> usize {
        self.insurers.iter().map(|party| party.insurer.answers_kept()).sum()
    }

    fn strike(&mut self, event: Event, later: Duration, checking: usize, checks: &mut [Check]) -> Kill {
        let address = self.server().address();
        self.server.take().into_iter().for_each(|server| drop(server.kill()));
        let kept = self.kept();
        let charged = self.insurers.iter().map(|party| party.charged(&self.operator)).sum();
        self.check_log();
        let mut impatient = 0;
        for (check, party) in checks.iter_mut().zip(&self.insurers) {
            if self.draw.happens(IMPATIENT) && !check.has_ended() {
                drop(check.client.take());
                impatient += 1;
                check.resumed = true;
            }
            party.has_no_half_result();
        }
        self.server = Some(Serving::start(&self.operator, &address));
        for (check, party) in checks.iter_mut().zip(&self.insurers) {
            if check.client.is_none() && !party.is_done() {
                check.client = party.begin(&address, true).client;
            }
        }
        Kill { round: self.rounds, event, later, checking, charged, kept, impatient }
    }

    fn server(&self) -> &Serving {
        self.server.as_ref().expect("it is started again at once")
    }
}

impl Party {
    fn new(name: &str, count: usize, operator: &Operator, sample: &Path) -> Self {
        let cost = job::cost((count + CANARIES) as u64);
        let insurer = Insurer::enrolled(name, operator, cost * CHECKS as u64);
        let all = std::fs::read_to_string(sample.join("members.csv")).unwrap();
        let lines: Vec<_> = all.lines().take(count + 1).collect();
        let members = insurer.file("members.csv", lines.join("\n"));
        let people = rows(&members, b';');
        let truth = rows(&sample.join("truth.csv"), b',').into_iter().filter_map(|row| {
            let [number, categories] = <[String; 2]>::try_from(row).unwrap();
            let person = people.get(number.parse::<usize>().unwrap() - 1)?;
            Some((person.clone(), categories))
        });
        Self { members, truth: truth.collect(), cost, spent: 0, insurer }
    }

    fn begin(&self, address: &str, resume: bool) -> Check {
        let more: &[&str] = if resume { &["--resume"] } else { &[] };
        Check { client: Some(self.insurer.start_check(&self.members, address, "out", more)), resumed: resume }
    }

    /// Chunks of a check.
    fn chunks(&self) -> usize {
        usize::try_from(self.cost).unwrap().div_ceil(MAX_CHUNK)
    }

    /// How many chunks of this round are charged, as the ledger has it. Each is charged whole, and what was kept is.
    #[track_caller]
    fn charged(&self, operator: &Operator) -> usize {
        // Whatever is kept was there before the ledger is asked: its server is dead.
        let kept = self.insurer.answers_kept();
        let spent = operator.spent(self.insurer.name()).checked_sub(self.spent).expect("a charge is lost");
        assert!(spent <= self.cost, "{spent} of {} were charged: a chunk is charged twice", self.cost);
        let (full, last) = (MAX_CHUNK as u64, (self.cost - 1) % MAX_CHUNK as u64 + 1);
        let chunks = match spent % full {
            0 => spent / full,
            rest if rest == last => spent / full + 1,
            rest => panic!("{rest} evaluations beside whole chunks were charged"),
        };
        let chunks = usize::try_from(chunks).unwrap();
        assert!(kept <= chunks, "{kept} answers are there, {chunks} chunks are charged");
        chunks
    }

    /// Has a check end, with `--resume` when it ends otherwise. Whether that was needed.
    #[track_caller]
    fn finish(&self, check: Check, address: &str) -> bool {
        let mut resumed = check.resumed;
        let Some(client) = check.client else { return resumed };
        let mut ran = client.wait();
        if ran.stdout.is_empty() {
            assert!(ran.stderr.contains("--resume"), "{ran}");
            self.has_no_half_result();
            resumed = true;
            ran = self.begin(address, true).client.expect("it was begun").wait();
        }
        ran.ends(0);
        resumed
    }

    /// Whether the results of this round are there and their job is gone: nothing is left to resume.
    fn is_done(&self) -> bool {
        self.insurer.results("out").names().iter().any(|name| name == "summary.json") && !self.insurer.has_sent()
    }

    /// Requires that nothing in the results could be taken for a result unless all of it is there.
    #[track_caller]
    fn has_no_half_result(&self) {
        let names = self.insurer.results("out").names();
        let visible: Vec<_> = names.iter().filter(|name| !name.starts_with('.')).collect();
        assert!(visible.is_empty() || visible == FILES, "{visible:?}");
    }

    /// Requires a right and whole result, paid for once, and nothing left of the job.
    #[track_caller]
    fn is_right(&self, operator: &Operator) {
        let results = self.insurer.results("out");
        let found = results.affected(b';').into_iter().map(|mut row| {
            let categories = row.pop().unwrap_or_default();
            assert_eq!(row.pop().as_deref(), Some("list-a"));
            (row, categories)
        });
        assert!(found.eq(self.truth.iter().cloned()), "affected.csv is not the truth");
        assert_eq!(results.number("/affected/people"), self.truth.len() as u64);
        assert_eq!(operator.spent(self.insurer.name()), self.spent, "evaluations charged");
        assert_eq!(self.insurer.answers_kept(), 0, "a finished job is removed");
        std::fs::remove_dir_all(results.folder()).unwrap();
    }
}

impl Check {
    fn has_ended(&mut self) -> bool {
        self.client.as_mut().is_none_or(Running::has_ended)
    }
}
