//! Nothing about a person, nothing that an element is made of, and no key gets into any output, log, metric or into the
//! operator's home, whatever happens and however much is logged. (In the clear, as an identifier is encoded, as bytes in
//! hexadecimal, base64 or as Rust's `Debug` shows them.)
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use blindlist_protocol::identifier::{BirthDate, BirthRank, GivenName, Identifier, Name, Nir};
use blindlist_protocol::message::{Request, Response};
use blindlist_tests::http::get;
use blindlist_tests::impostor::{Impostor, Reply};
use blindlist_tests::insurer::approve;
use blindlist_tests::people::{spaced, with_key};
use blindlist_tests::programs::{Ran, run};
use blindlist_tests::{Insurer, Operator, Serving};

/// Somebody invented, with nothing that could be in a log by chance.
struct Person {
    nir: &'static str,
    /// Year, month, day.
    born: [&'static str; 3],
    name: &'static str,
    given: &'static str,
}

const PEOPLE: [Person; 6] = [
    Person { nir: "1870975314159", born: ["1887", "09", "23"], name: "Quetzalvern", given: "Ysoline" },
    Person { nir: "2860475926535", born: ["1886", "04", "29"], name: "Brumerault", given: "Théoxène" },
    Person { nir: "260042A111222", born: ["1860", "11", "17"], name: "Ornanucci", given: "Ghjuvanna" },
    Person { nir: "1881275897932", born: ["1888", "12", "13"], name: "Kervarzhin", given: "Gwenvred" },
    Person { nir: "2890175384626", born: ["1889", "01", "19"], name: "Zwingelstein", given: "Aurélindre" },
    Person { nir: "1850575433832", born: ["1885", "05", "28"], name: "D’Hautecombrelle", given: "Philiberte" },
];

/// Rows that cannot be read, each in its own way, with what of them must not be seen.
const BROKEN: [(&str, &str); 4] = [
    ("1870975314159XY;1887-09-23;Xantrailles;Odilonne", "1870975314159XY"),
    ("99999;1884-02-30;Vraisemblard;Zéphyrine", "1884-02-30"),
    ("1,87E+14;14/07/1789x;Mac-Gillicuddy42;Ulphace", "Mac-Gillicuddy42"),
    ("1690275271828;;Poutrincourt9;", "Poutrincourt9"),
];

/// The file of an insurer or of the operator.
fn table() -> String {
    let row = |(place, person): (usize, &Person)| {
        let [year, month, day] = person.born;
        let (number, born) = match place % 3 {
            0 => (person.nir.to_owned(), format!("{year}-{month}-{day}")),
            1 => (spaced(&with_key(person.nir)), format!("{day}/{month}/{year}")),
            _ => (with_key(person.nir), format!("{year}-{month}-{day}")),
        };
        format!("{number};{born};{};{}\n", person.name, person.given)
    };
    let good: String = PEOPLE.iter().enumerate().map(row).collect();
    let broken: String = BROKEN.iter().map(|(row, _)| format!("{row}\n")).collect();
    format!("nir;birth_date;birth_name;given_name\n{good}{broken}")
}

/// What must be nowhere.
#[derive(Default)]
struct Secrets {
    /// As people write it; in any case of letters.
    words: BTreeSet<String>,
    /// As bytes.
    bytes: Vec<Vec<u8>>,
}

impl Secrets {
    fn planted() -> Self {
        let mut secrets = Self::default();
        for person in &PEOPLE {
            let [year, month, day] = person.born;
            let with_key = with_key(person.nir);
            let dates =
                [format!("{year}-{month}-{day}"), format!("{day}/{month}/{year}"), format!("{year}{month}{day}")];
            let plain = |text: &str| text.replace(['é', 'è'], "e").replace('’', " ");
            let names = [person.name, person.given].map(|name| [name.to_owned(), plain(name)]);
            let numbers = [person.nir.to_owned(), spaced(&with_key), with_key];
            for word in numbers.into_iter().chain(dates).chain(names.into_iter().flatten()) {
                secrets.bytes.push(word.clone().into_bytes());
                secrets.words.insert(word.to_lowercase());
            }
            secrets.bytes.extend(identifiers(person).iter().map(|identifier| identifier.as_bytes().to_vec()));
        }
        secrets.words.extend(
            BROKEN
                .iter()
                .flat_map(|(row, word)| row.split(';').chain([*word]))
                .filter(|cell| cell.len() > 6)
                .map(str::to_lowercase),
        );
        secrets
    }

    /// Whatever of it a text or a file holds, in any form.
    fn in_bytes(&self, hay: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(hay);
        let lower = text.to_lowercase();
        if let Some(word) = self.words.iter().find(|word| lower.contains(word.as_str())) {
            return Some(word.clone());
        }
        let found = |bytes: &&Vec<u8>| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let debug = format!("{bytes:?}");
            lower.contains(&hex)
                || text.contains(debug.trim_matches(['[', ']']))
                || in_base64(bytes)
                    .iter()
                    .any(|form| text.contains(form) || text.contains(&form.replace('+', "-").replace('/', "_")))
                || (bytes.len() >= 13 && hay.windows(bytes.len()).any(|window| window == bytes.as_slice()))
        };
        self.bytes.iter().find(found).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    #[track_caller]
    fn are_not_in(&self, what: &str, hay: &[u8]) {
        if let Some(found) = self.in_bytes(hay) {
            panic!("{found:?} is in {what}:\n{}", String::from_utf8_lossy(hay));
        }
    }

    #[track_caller]
    fn are_not_in_files(&self, folder: &Path) {
        for path in files(folder) {
            self.are_not_in(&path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
}

fn identifiers(person: &Person) -> [Identifier; 3] {
    let (nir, born) = (Nir::parse(person.nir).unwrap(), BirthDate::parse(&person.born.join("-")).unwrap());
    let (name, given) = (Name::parse(person.name).unwrap(), GivenName::parse(person.given).unwrap());
    let beneficiary = Identifier::beneficiary(&nir, &born, BirthRank::parse("1").unwrap());
    [Identifier::nir(&nir), beneficiary, Identifier::person(&name, &given, &born).unwrap()]
}

/// Base64 of bytes wherever they begin in what is encoded: without the characters that hold bits of their neighbours.
fn in_base64(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|before| {
        let encoded = STANDARD_NO_PAD.encode([&vec![0; before], bytes].concat());
        let (begin, end) = ((before * 8_usize).div_ceil(6), (before + bytes.len()) * 8 / 6);
        encoded.get(begin..end).unwrap_or_default().to_owned()
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The secret keys in a folder, as bytes.
fn keys(folder: &Path) -> Vec<Vec<u8>> {
    let is_key = |path: &PathBuf| path.extension().is_some_and(|end| end == "key");
    files(folder).into_iter().filter(is_key).map(|path| fs::read(path).unwrap()).collect()
}

/// Everything is logged, by every part.
fn loud(mut command: Command) -> Command {
    command.env("BLINDLIST_LOG", "trace");
    command
}

/// What was said by whom.
#[derive(Default)]
struct Heard(Vec<(String, String)>);

impl Heard {
    fn ran(&mut self, ran: &Ran) {
        self.0.push((
            ran.to_string().lines().next().unwrap_or_default().to_owned(),
            format!("{}{}", ran.stdout, ran.stderr),
        ));
    }

    fn insurer(&mut self, insurer: &Insurer, arguments: &[&str], code: i32) {
        self.ran(&run(loud(insurer.command(arguments))).ends(code));
    }

    fn operator(&mut self, operator: &Operator, arguments: &[&str], code: i32) {
        self.ran(&run(loud(operator.command(arguments))).ends(code));
    }
}

/// Checks with every kind of outcome.
fn check_in_every_way(heard: &mut Heard, operator: &Operator, insurer: &Insurer, server: &Serving, spy: &str) {
    let members = insurer.file("membres.csv", table()).to_str().unwrap().to_owned();
    let address = server.address();
    let mut check = |more: &[&str], out: &str, code: i32| {
        heard.insurer(insurer, &[&["check", members.as_str(), "--out", out], more].concat(), code);
    };
    for scheme in ["nir", "beneficiary", "person"] {
        check(&["--server", spy, "--scheme", scheme, "--accept-rejects"], scheme, 0);
    }
    let accepted = ["--server", &address, "--scheme", "nir", "--accept-rejects"];
    let words = insurer.passphrase();
    let remember = ["--remember", "--keep-evidence", "--passphrase-file", words.to_str().unwrap()];
    check(&["--server", &address, "--scheme", "nir"], "rejects", 65);
    check(&[&accepted[..], &["--log", "trace", "--log-format", "json"]].concat(), "json", 0);
    check(&[&accepted[..], &["--json", "--format", "jsonl"]].concat(), "events", 0);
    check(&[&accepted[..], &["--dry-run"]].concat(), "dry", 0);
    check(&[&accepted[..], &remember].concat(), "first", 0);
    check(&[&accepted[..], &remember, &["--pad-to", "round"]].concat(), "again", 0);
    check(&["--server", "127.0.0.1:9", "--scheme", "nir"], "unreachable", 69);
    check(&["--server", &address], "no-scheme", 2);
    check(&["--server", &address, "--scheme", "nir", "--column", "nir=birth_name"], "wrong-column", 65);
    check(&["--server", &address, "--scheme", "nir", "--column", "nir=Ailleurs"], "no-column", 65);
    let broken = [
        ("latin-1", &b"nir\n18709753\xe914159\n"[..]),
        ("empty", b""),
        ("headless", b"1870975314159\n2860475926535\n"),
    ];
    for (name, content) in broken {
        let members = insurer.file(name, content).to_str().unwrap().to_owned();
        heard.insurer(insurer, &["check", &members, "--server", &address, "--scheme", "nir", "--out", "broken"], 65);
    }
    let forged = Impostor::between(insurer, operator, server, |_, response| match response {
        Response::Evaluated(mut answer) => {
            answer.elements.swap(0, 1);
            Reply::from(Response::Evaluated(answer))
        }
        other => other.into(),
    });
    let mut lied_to = vec!["check", &members, "--scheme", "person", "--accept-rejects", "--out", "lied-to", "--server"];
    let forged_address = forged.address();
    lied_to.push(&forged_address);
    heard.insurer(insurer, &lied_to, 76);
    drop(forged);
    heard.operator(operator, &["insurer", "suspend", insurer.name()], 0);
    heard.insurer(insurer, &["check", &members, "--server", &address, "--scheme", "nir", "--out", "suspended"], 77);
    heard.operator(operator, &["insurer", "resume", insurer.name()], 0);
    heard.operator(operator, &["insurer", "set-budget", insurer.name(), "1"], 0);
    let poor = ["check", &members, "--server", &address, "--scheme", "nir", "--accept-rejects", "--out", "poor"];
    heard.insurer(insurer, &poor, 77);
    heard.insurer(insurer, &["doctor", "--server", &address], 77);
    for command in [&["jobs"][..], &["forget"], &["cache", "list"]] {
        heard.insurer(insurer, command, 0);
    }
}

#[test]
fn nothing_about_a_person_and_no_secret_is_said_kept_or_counted() {
    let mut heard = Heard::default();
    let operator = Operator::new("op");
    let breach = operator.file("breach.csv", table()).to_str().unwrap().to_owned();
    for scheme in ["nir", "beneficiary", "person"] {
        let list = format!("list-{scheme}");
        let seal = ["seal", &breach, "--list", &list, "--scheme", scheme, "--categories", "identity,contract"];
        heard.operator(&operator, &[&seal[..], &["--dry-run"]].concat(), 65);
        heard.operator(&operator, &seal, 65);
        heard.operator(&operator, &[&seal[..], &["--accept-rejects"]].concat(), 0);
    }
    let insurer = Insurer::new("mutuelle");
    let bundle = insurer.path("bundle");
    let (fingerprint, request) = (blindlist_tests::insurer::fingerprint(&insurer.request()), insurer.request());
    heard.ran(&approve(&operator, &request, "mutuelle", 10_000, &bundle, Some(&fingerprint)).ends(0));
    let fingerprint = blindlist_tests::insurer::fingerprint(&bundle);
    heard.insurer(&insurer, &["join", bundle.to_str().unwrap(), "--fingerprint", &fingerprint], 0);

    let mut server =
        Serving::try_start_as(loud(operator.command(&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])))
            .unwrap();
    let elements: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let seen = Arc::clone(&elements);
    let spy = Impostor::between(&insurer, &operator, &server, move |request, response| {
        let mut seen = seen.lock().unwrap();
        if let Request::Evaluate(evaluate) = request {
            seen.extend(evaluate.elements.iter().map(|element| element.as_bytes().to_vec()));
        }
        if let Response::Evaluated(answer) = &response {
            seen.extend(answer.elements.iter().map(|element| element.as_bytes().to_vec()));
        }
        response
    });
    check_in_every_way(&mut heard, &operator, &insurer, &server, &spy.address());
    drop(spy);
    for path in ["/", "/metrics", "/readyz"] {
        heard.0.push((path.to_owned(), get(&server.admin(), path, &[]).body));
    }
    // What libraries log of errors that they were made to have is no failure of the server.
    server.forgive();
    let log = server.stop();
    assert!(log.contains("TRACE") && log.contains("a chunk is charged"), "everything was logged:\n{log}");
    heard.0.push(("the server".to_owned(), log));

    let mut secrets = Secrets::planted();
    secrets.are_not_in_files(&operator.home());
    secrets.are_not_in_files(&insurer.profile());
    for out in ["nir", "beneficiary", "person", "events", "again"] {
        for file in ["report.html", "summary.json"] {
            secrets.are_not_in(file, insurer.results(out).text(file).as_bytes());
        }
    }
    secrets.bytes.extend(keys(&operator.home()).into_iter().chain(keys(&insurer.profile())));
    let elements = elements.lock().unwrap();
    assert!(elements.len() >= 3 * 2 * 64, "{} elements", elements.len());
    // As many as can be looked for in megabytes of logs.
    secrets.bytes.extend(elements.iter().step_by(16).cloned());
    for (who, said) in &heard.0 {
        secrets.are_not_in(who, said.as_bytes());
    }
    let said: usize = heard.0.iter().map(|(_, said)| said.len()).sum();
    assert!(heard.0.len() > 25 && said > 100_000, "{} of {said} bytes", heard.0.len());
}

/// The search itself finds what it is to find.
#[test]
fn what_is_planted_would_be_found() {
    let secrets = Secrets::planted();
    let [number, .., person] = identifiers(&PEOPLE[1]);
    let hex: String = person.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = |before: usize| STANDARD_NO_PAD.encode([&vec![7; before], number.as_bytes(), b"after"].concat());
    let hays = [
        "row 2: 2860475926535 is".to_owned(),
        spaced(&with_key("2860475926535")),
        "born 29/04/1886".to_owned(),
        "BRUMERAULT".to_owned(),
        "THEOXENE".to_owned(),
        format!("x{hex}x"),
        format!("{:?}", number.as_bytes()),
        base64(0),
        base64(1),
        base64(2),
        "mac-gillicuddy42".to_owned(),
    ];
    for hay in hays {
        assert!(secrets.in_bytes(hay.as_bytes()).is_some(), "{hay}");
    }
    assert!(secrets.in_bytes(&[b"\xff\x00", number.as_bytes(), b"\xff"].concat()).is_some());
    assert_eq!(secrets.in_bytes(b"2026-01-31T04:05:06Z INFO a chunk is charged insurer=mutuelle count=64"), None);
}
