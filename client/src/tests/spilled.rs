//! Checks that have too little memory to hold their members, and member files that come in other ways.

use std::sync::Arc;

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::JobId;
use blindlist_protocol::insurer::{Asker, Epoch};
use blindlist_protocol::job::{JobSeed, cost, layout};
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::MAX_CHUNK;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_records::{Format, TableOptions};
use blindlist_store::memory::Memory;

use super::operator::{Insurer, Operator, nir, person, run};
use crate::ClientError;
use crate::channel::{Channel, ChannelError};
use crate::check::{CheckOptions, MemberFile};
use crate::profile::jobs::Subject;
use crate::room::Room;

/// Everything but the findings is spilled.
fn little_memory(insurer: &Insurer) -> CheckOptions {
    CheckOptions { room: Room::new(&insurer.path("profile"), None, Memory::from_bytes(1 << 12)), ..insurer.options() }
}

fn results(insurer: &Insurer) -> [String; 3] {
    ["affected.csv", "rejected.csv", "summary.json"].map(|name| insurer.text(&format!("out/{name}")))
}

/// The results with much memory and with little; the summary without what belongs to one check only.
fn both(insurer: &Insurer, operator: &Operator) -> [[String; 3]; 2] {
    [insurer.options(), little_memory(insurer)].map(|options| {
        insurer.check_with(operator, &options).unwrap();
        let [affected, rejected, summary] = results(insurer);
        let mut summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        for of_one_check in ["remaining", "logs", "epochs"] {
            summary["operators"][0][of_one_check].take();
        }
        [affected, rejected, summary.to_string()]
    })
}

#[test]
fn results_do_not_depend_on_memory() {
    let mut operator = Operator::new(1);
    let people: Vec<_> = (0..500).map(|n| (person(7 * n), u64::from(n % 7) + 1)).collect();
    operator.seal("a-list", &people);
    operator.seal("b-list", &people[300..]);
    let insurer = Insurer::joined(&mut operator);
    // Everybody twice, far apart; some rows of nobody.
    let row = |n: u32| if n.is_multiple_of(101) { format!("{n},x\n") } else { format!("{n},{}\n", nir(n % 5_000)) };
    insurer.has((0..10_000).fold("row,nir\n".to_owned(), |text, n| text + &row(n)));
    let [much, little] = both(&insurer, &operator);
    assert!(much == little);
    assert!(much[0].lines().count() > 900 && much[1].lines().count() == 101);
    assert!(std::fs::read_dir(insurer.path("profile")).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.starts_with('.') || name == ".lock"
    }));
}

#[test]
fn nobody_and_everybody_may_be_affected() {
    let mut operator = Operator::new(1);
    operator.seal("none", &[(person(90_000), 1)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has((0..300).fold("nir\n".to_owned(), |text, n| text + &nir(n) + "\n"));
    let [much, little] = both(&insurer, &operator);
    assert_eq!((&much, little[0].as_str()), (&little, "nir,list,categories,incident_date,exposure\n"));

    operator.seal("all", &(0..300).map(|n| (person(n), 1)).collect::<Vec<_>>());
    let [much, little] = both(&insurer, &operator);
    assert_eq!(much, little);
    assert_eq!(little[0].lines().count(), 301);
    assert!(little[2].contains(r#""affected":{"people":300,"rows":300}"#), "{}", little[2]);
}

/// A job that was begun and answered by a version that laid jobs out in memory: nothing is asked again. [JOB-2]
#[test]
fn jobs_of_before_go_on() {
    const MEMBERS: u32 = 9_000;
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1), (person(8_999), 2)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has((0..MEMBERS).fold("nir\n".to_owned(), |text, n| text + &nir(n) + "\n"));

    let (profile, seed, id) = (insurer.profile(), JobSeed::from_bytes([7; 32]), JobId::from_bytes([8; 16]));
    let live = insurer.refresh(&operator, super::operator::NOW).unwrap();
    let epoch: Arc<Epoch> = Arc::new(live.epochs.into_values().next().unwrap());
    let file = insurer.options().members;
    let (sha256, options) = (file.sha256().unwrap(), TableOptions::default());
    let subject = Subject::new(epoch.record(), Scheme::Nir, "elsewhere".into(), &sha256, (&[], &options));
    let jobs = profile.jobs().unwrap();
    let job = jobs.begin((id, &seed), &subject, cost((MEMBERS + 4).into()), None, "long ago".into()).unwrap();
    let identifiers = (0..MEMBERS).map(person).chain(epoch.record().canaries(Scheme::Nir)).collect();
    let (secret, enrolled) = (epoch.blinding(&seed), profile.enrolled().unwrap());
    let asker = Asker { insurer: enrolled.bundle().insurer_id, signer: enrolled.keys().signing().clone() };
    for (number, items) in (0..).zip(layout(&secret, identifiers).chunks(MAX_CHUNK)) {
        let holders = epoch.record().first_set().unwrap();
        let asked = epoch.ask(holders, id, number, items, &secret, &asker).unwrap();
        job.mark_sent(number).unwrap();
        let answer = run(operator.call(Request::Evaluate(asked.request().clone()))).unwrap();
        let Response::Evaluated(answer) = answer else { panic!("it is answered") };
        job.keep_answer(number, answer).unwrap();
    }
    drop((jobs, job));

    let spent = operator.spent();
    assert_eq!(operator.take_asked(), [0, 1]);
    let summary = insurer.check_with(&operator, &CheckOptions { resume: true, ..little_memory(&insurer) }).unwrap();
    assert_eq!((summary.affected.rows, operator.spent(), operator.take_asked()), (2, spent, vec![]));
}

#[test]
fn members_may_come_from_a_stream() {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1)]);
    let insurer = Insurer::joined(&mut operator);
    let text = format!("nir\n{}\n{}\n", nir(3), nir(4));
    insurer.has(&text);
    insurer.check(&operator).unwrap();
    let expected = results(&insurer);
    let room = Room::new(&insurer.path("profile"), None, Memory::mebibytes(1));
    let members = MemberFile::from_stream(text.as_bytes(), TableOptions::default(), &room).unwrap();
    let options = CheckOptions { members, ..insurer.options() };
    insurer.check_with(&operator, &options).unwrap();
    let found = results(&insurer);
    assert_eq!(found[..2], expected[..2]);
    let bytes = insurer.read("members.csv");
    let same = MemberFile::from_stream(bytes.as_slice(), TableOptions::default(), &room).unwrap();
    assert_eq!(same.sha256().unwrap(), insurer.options().members.sha256().unwrap());
    assert!(!format!("{same:?}").contains(&nir(3)));
}

/// Read in another way, a file may be other people: it goes on as it began.
#[test]
fn the_encoding_of_the_job_is_used_again() {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(3), 1)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir;pr\u{e9}nom\n{};Zo\u{e9}\n", nir(3)));
    operator.tamper = Some(Box::new(|request, response| {
        let lost = matches!(request, Request::Evaluate(_));
        if lost { Err(ChannelError::Refused(Refusal::from(RefusalCode::Busy))) } else { Ok(response) }
    }));
    let options = TableOptions { encoding: Some("windows-1252".parse().unwrap()), sheet: None };
    let chosen = CheckOptions { members: insurer.options().members.read_with(options), ..insurer.options() };
    insurer.check_with(&operator, &chosen).unwrap_err();
    operator.tamper = None;
    let resumed = CheckOptions { resume: true, format: Format::JsonLines, ..insurer.options() };
    let error = insurer.check_with(&operator, &resumed);
    assert_eq!(error.map_err(|error: ClientError| error.to_string()).unwrap().affected.rows, 1);
    assert_eq!((operator.spent(), insurer.unfinished()), (64, 0), "the job went on");
    assert!(insurer.text("out/affected.jsonl").contains("Zo\u{c3}\u{a9}"), "as windows-1252 has it");
}
