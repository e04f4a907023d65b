//! Many insurers at one server at once, each with members, connections and a job of its own, in this process; one of them
//! is a giant that always has as many full chunks under way as it may.
//!
//! They do what a client does: every answer is proven and unblinded, every member is looked up. Turns are counted in
//! chunks, never in time: while a chunk waits, how many of others are answered?

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::{Identifier, Nir, Scheme};
use blindlist_protocol::ids::JobId;
use blindlist_protocol::index::Index;
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{self, BlindingSecret, Item, JobSeed};
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::matching::{Candidate, Matcher, Who};
use blindlist_protocol::message::{Evaluated, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::params::{CANARIES, MAX_CHUNK};
use blindlist_protocol::refusal::RefusalCode;
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::people::{number, numbers};
use crate::raw::{Line, RawInsurer, kind};
use crate::{Operator, Serving};

/// Every third person is on the list, up to this one; and every thousandth of the giant's members.
const LISTED: (u32, u32) = (3, 1_000);
/// Where the giant's members begin.
const GIANT: u32 = 500_000;
/// Connections of the giant, and requests on each: as many chunks of one insurer as may wait.
const GIANTS_LINES: (usize, usize) = (8, 4);
/// Requests that every second of the other insurers has under way; the rest wait for one answer before they ask again, and
/// it is they for whom turns are counted.
const HURRIED: usize = 4;
/// Handshakes at once: with more of them, the last would outlast its patience.
const AT_THE_DOOR: usize = 8;

/// How large the crowd is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Insurers beside the giant.
    pub insurers: u32,
    /// Members of each.
    pub members: u32,
    /// Elements of each of their chunks.
    pub chunk: usize,
    /// Full chunks of the giant.
    pub giant: u32,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counted {
    /// Chunks answered.
    pub chunks: u64,
    /// Evaluations paid for.
    pub evaluations: u64,
    /// Members found on the list.
    pub found: u64,
    /// How often somebody was told that the server is busy, and the most that this happened to one chunk.
    pub busy: u64,
    /// See above.
    pub busiest: u32,
    /// While the one chunk of somebody waited: the most chunks of all others together that were answered.
    pub ahead: u32,
    /// The most of the giant's among them.
    pub giant_ahead: u32,
    /// The server's peak memory, in bytes.
    pub peak: u64,
}

impl Counted {
    /// How many chunks of all others, and how many of the giant, may be answered while one chunk waits: one turn of each,
    /// and as much as workers do while it is on its way; for that, half as much again. Without turns it would be two and a
    /// half of each, and 32 of the giant.
    pub fn fair(&self, size: Size) -> (u32, u32) {
        let workers = u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap() + 1;
        (size.insurers * 3 / 2 + workers, 1 + 2 * workers)
    }

    /// Requires it.
    ///
    /// # Panics
    /// When somebody waited for more.
    pub fn is_fair(&self, size: Size) {
        let (of_all, of_the_giant) = self.fair(size);
        assert!(self.ahead <= of_all && self.giant_ahead <= of_the_giant, "{self:?}");
        // A client gives up after 30.
        assert!(self.busiest <= 30, "{self:?}");
    }
}

/// Has a crowd check at once. Every result is compared with the truth, and every account with what was asked.
///
/// # Panics
/// When anything is not as it must be.
pub fn run(size: Size) -> Counted {
    let end = size.insurers * size.members / 2 + size.members;
    assert!(end < GIANT, "too many people");
    let giant = GIANT..GIANT + size.giant * u32::try_from(MAX_CHUNK).unwrap() - u32::try_from(CANARIES).unwrap();
    let listed = (0..end).chain(giant.clone()).filter(|n| is_listed(*n)).map(number);
    let operator = Operator::with_numbers("op", &listed.collect::<Vec<_>>());
    let path = operator.home().join("blindlistd.toml");
    let original = std::fs::read_to_string(&path).unwrap();
    // All of them have one address. Everything else is as usual.
    std::fs::write(&path, original + "[limits]\nconnections_per_address = 1000\n").unwrap();

    let enrol = |name: String| RawInsurer::enrolled(&name, &operator, 10_000_000);
    let mut insurers: Vec<_> = (0..size.insurers).map(|i| enrol(format!("i{i}"))).collect();
    insurers.push(enrol("giant".to_owned()));
    let server = operator.serve();
    let runtime = Runtime::new().unwrap();
    let turns = Arc::new(Turns::new(insurers.len()));
    let everybody = Arc::new(Barrier::new(insurers.len()));
    let door = Arc::new(Semaphore::new(AT_THE_DOOR));
    let mut asking = JoinSet::new();
    for (place, insurer) in insurers.into_iter().enumerate() {
        let first = u32::try_from(place).unwrap() * size.members / 2;
        let task = Task {
            place,
            turns: Arc::clone(&turns),
            address: server.address(),
            everybody: Arc::clone(&everybody),
            door: Arc::clone(&door),
            is_giant: place == turns.giant(),
            chunk: if place == turns.giant() { MAX_CHUNK } else { size.chunk },
            members: if place == turns.giant() { giant.clone() } else { first..first + size.members },
        };
        asking.spawn_on(task.run(Arc::new(insurer)), runtime.handle());
    }
    let jobs = runtime.block_on(asking.join_all());
    let spent = spent(&operator);
    for (name, cost, _) in &jobs {
        assert_eq!(spent.get(name), Some(cost), "what the ledger holds for {name}");
    }
    let counted = Counted {
        evaluations: jobs.iter().map(|(_, cost, _)| cost).sum(),
        found: jobs.iter().map(|(_, _, found)| found).sum(),
        ..turns.counted(&server)
    };
    server.stop();
    counted
}

fn is_listed(person: u32) -> bool {
    let (every, of_the_giants) = LISTED;
    person.is_multiple_of(if person < GIANT { every } else { of_the_giants })
}

/// What `insurer list` says that each has spent.
fn spent(operator: &Operator) -> HashMap<String, u64> {
    let table = operator.run(&["insurer", "list"]).ends(0).stdout;
    let line = |line: &str| {
        let name = line.split_whitespace().next()?.to_owned();
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|cell| cell.replace(',', "").parse().ok()).collect();
        // Granted, spent, remaining.
        Some((name, *numbers.get(1)?))
    };
    table.lines().filter_map(line).collect()
}

/// Whose chunks were answered, and what others saw of it while they waited.
struct Turns {
    answered: Vec<AtomicU32>,
    busy: AtomicU64,
    busiest: AtomicU32,
    ahead: AtomicU32,
    giant_ahead: AtomicU32,
}

impl Turns {
    /// The last of so many is the giant.
    fn new(insurers: usize) -> Self {
        Self {
            answered: (0..insurers).map(|_| AtomicU32::new(0)).collect(),
            busy: AtomicU64::new(0),
            busiest: AtomicU32::new(0),
            ahead: AtomicU32::new(0),
            giant_ahead: AtomicU32::new(0),
        }
    }

    fn giant(&self) -> usize {
        self.answered.len() - 1
    }

    fn now(&self) -> Vec<u32> {
        self.answered.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// A chunk was answered that was sent when the counts were these.
    fn count(&self, place: usize, before: &[u32]) {
        let since: Vec<u32> = self.now().iter().zip(before).map(|(now, before)| now - before).collect();
        self.answered[place].fetch_add(1, Ordering::SeqCst);
        let others: u32 = since.iter().sum::<u32>() - since[place];
        if !is_hurried(place) && place != self.giant() {
            self.ahead.fetch_max(others, Ordering::SeqCst);
            self.giant_ahead.fetch_max(since[self.giant()], Ordering::SeqCst);
        }
    }

    fn counted(&self, server: &Serving) -> Counted {
        Counted {
            chunks: self.now().into_iter().map(u64::from).sum(),
            busy: self.busy.load(Ordering::SeqCst),
            busiest: self.busiest.load(Ordering::SeqCst),
            ahead: self.ahead.load(Ordering::SeqCst),
            giant_ahead: self.giant_ahead.load(Ordering::SeqCst),
            peak: server.peak_memory(),
            ..Counted::default()
        }
    }
}

fn is_hurried(place: usize) -> bool {
    place % 2 == 1
}

/// One insurer's check.
struct Task {
    place: usize,
    turns: Arc<Turns>,
    address: String,
    everybody: Arc<Barrier>,
    door: Arc<Semaphore>,
    is_giant: bool,
    chunk: usize,
    members: Range<u32>,
}

/// What an insurer knows once it is connected.
struct Known {
    epoch: Arc<Epoch>,
    manifest: Manifest,
    index: Vec<u8>,
    secret: BlindingSecret,
    items: Vec<Item>,
    insurer: Arc<RawInsurer>,
}

impl Task {
    /// The insurer's name, what it paid, and how many of its members are on the list.
    async fn run(self, insurer: Arc<RawInsurer>) -> (String, u64, u64) {
        let (lines, together) = match self.is_giant {
            true => GIANTS_LINES,
            false if is_hurried(self.place) => (1, HURRIED),
            false => (1, 1),
        };
        let turn = self.door.acquire().await.unwrap();
        let mut connected = Vec::new();
        for _ in 0..lines {
            connected.push(insurer.connect_to(&self.address).await);
        }
        let known = self.get_ready(&connected[0], Arc::clone(&insurer)).await;
        drop(turn);
        self.everybody.wait().await;

        let (next, entries) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let work = connected.iter().flat_map(|line| std::iter::repeat_n(line, together));
        join_all(work.map(|line| self.work(line, &known, &next, &entries))).await;
        let found = self.compare(&known, entries.into_inner().unwrap());
        let spent = connected[0].account().await.spent;
        assert_eq!(spent, known.items.len() as u64);
        for line in &connected {
            line.connection.close().await;
        }
        (known.insurer.name.clone(), spent, found)
    }

    async fn get_ready(&self, line: &Line<'_>, insurer: Arc<RawInsurer>) -> Arc<Known> {
        let operator_key = insurer.bundle.operator_key;
        let get = async |digest| match line.ask(&Request::Object(digest)).await {
            Response::Object(bytes) => bytes,
            response => panic!("{}", kind(&response)),
        };
        let epoch = Epoch::open(&get(line.catalog.epochs[0]).await, &operator_key).unwrap();
        let manifest: Manifest = object::open(&get(line.catalog.manifests[0].manifest).await, &operator_key).unwrap();
        let mut index = Vec::new();
        for number in (0..).take_while(|number| manifest.segment(*number).is_some()) {
            let segment = Request::Segment { release: manifest.release, number };
            let Response::Segment(bytes) = line.ask(&segment).await else { panic!("no segment") };
            manifest.check_segment(number, &bytes).unwrap();
            index.extend(bytes);
        }
        let secret = epoch.blinding(&JobSeed::from_bytes(Sha256::digest(&insurer.name).into()));
        let people = numbers(self.members.start, self.members.end);
        let mut identifiers: Vec<_> =
            people.iter().map(|person| Identifier::nir(&Nir::parse(person).unwrap())).collect();
        identifiers.extend(epoch.record().canaries(Scheme::Nir));
        let items = job::layout(&secret, identifiers);
        Arc::new(Known { epoch: Arc::new(epoch), manifest, index, secret, items, insurer })
    }

    /// Has one chunk after the other answered until none is left.
    async fn work(&self, line: &Line<'_>, known: &Arc<Known>, next: &AtomicU32, entries: &Mutex<Vec<(usize, Entry)>>) {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let first = number as usize * self.chunk;
            if first >= known.items.len() {
                return;
            }
            let range = first..known.items.len().min(first + self.chunk);
            let asked = blocking(known, move |known| known.ask(number, range)).await;
            let answer = self.answer(line, Request::Evaluate(asked.request().clone())).await;
            let derived = blocking(known, move |known| known.derive(asked, answer)).await;
            let places = (first..).zip(derived);
            entries.lock().unwrap().extend(places.filter_map(|(place, entry)| Some((place, entry?))));
        }
    }

    /// Asks until there is an answer.
    async fn answer(&self, line: &Line<'_>, request: Request) -> Evaluated {
        let mut busy = 0;
        loop {
            let before = self.turns.now();
            match line.ask(&request).await {
                Response::Evaluated(answer) => {
                    self.turns.count(self.place, &before);
                    return answer;
                }
                Response::Refused(refusal) if refusal.code == RefusalCode::Busy => {
                    busy += 1;
                    self.turns.busy.fetch_add(1, Ordering::SeqCst);
                    self.turns.busiest.fetch_max(busy, Ordering::SeqCst);
                    sleep(Duration::from_millis(refusal.value)).await;
                }
                response => panic!("{}", kind(&response)),
            }
        }
    }

    /// Requires that exactly those are found who are on the list, with all categories. How many.
    fn compare(&self, known: &Known, entries: Vec<(usize, Entry)>) -> u64 {
        let person = |n: u32| Identifier::nir(&Nir::parse(&number(n)).unwrap());
        let mut whose: HashMap<_, _> = self.members.clone().map(|n| (person(n), Who::Member(n.into()))).collect();
        let canaries = known.epoch.record().canaries(Scheme::Nir).into_iter();
        whose.extend(canaries.zip(0..).map(|(canary, i)| (canary, Who::Canary(i))));
        let candidate = |(place, entry): (usize, Entry)| match &known.items[place] {
            Item::Person(identifier) => Candidate { entry, who: whose[identifier] },
            Item::Padding(_) => panic!("padding has no entry"),
        };
        let mut candidates: Vec<_> = entries.into_iter().map(candidate).collect();
        candidates.sort_unstable_by_key(|candidate| candidate.entry.tag);
        assert_eq!(candidates.len(), self.members.len() + CANARIES, "every member and canary is answered");
        let mut matcher = Matcher::new(&known.manifest);
        matcher.add(matcher.look_up(&candidates, &Index::parse(&known.index).unwrap()).unwrap());
        let on_the_list = matcher.finish().unwrap().map(|(n, label)| {
            assert_eq!(label, known.manifest.dictionary.full());
            u32::try_from(n).unwrap()
        });
        let mut found: Vec<u32> = on_the_list.collect();
        found.sort_unstable();
        assert!(found.iter().copied().eq(self.members.clone().filter(|n| is_listed(*n))), "{}", known.insurer.name);
        found.len() as u64
    }
}

impl Known {
    fn ask(&self, number: u32, range: Range<usize>) -> Asked {
        let (holders, job) = (self.epoch.record().first_set().unwrap(), JobId::from_bytes([7; 16]));
        let asker = Asker { insurer: self.insurer.bundle.insurer_id, signer: self.insurer.signer.clone() };
        self.epoch.ask(holders, job, number, &self.items[range], &self.secret, &asker).unwrap()
    }

    fn derive(&self, asked: Asked, answer: Evaluated) -> Vec<Option<Entry>> {
        let [holder] = asked.request().holders.indices() else { panic!("one holder") };
        let answers = [(*holder, answer)];
        let evaluations = asked.prove(&answers).unwrap().finish();
        let entry = |evaluation: Option<_>| Some(Entry::derive(&self.manifest.release, &evaluation?));
        evaluations.into_iter().map(entry).collect()
    }
}

/// Runs something long where it holds nobody up.
async fn blocking<T: Send + 'static>(known: &Arc<Known>, run: impl FnOnce(&Known) -> T + Send + 'static) -> T {
    let known = Arc::clone(known);
    spawn_blocking(move || run(&known)).await.unwrap()
}
