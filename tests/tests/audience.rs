//! Lists that are addressed to some insurers, with both programs over real QUIC: the others find nothing, and no name.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use blindlist_protocol::catalog::{Catalog, Listed, audience_tag};
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Ran, Running, until};
use blindlist_tests::raw::{Line, RawInsurer};
use blindlist_tests::{Insurer, Operator, Serving};

/// A breach list with a column of codes: the person and the code of each row.
fn coded(rows: &[(u32, &str)]) -> String {
    let rows = rows.iter().map(|(person, code)| format!("{},{code}\n", number(*person)));
    std::iter::once("nir,Caisse\n".to_owned()).chain(rows).collect()
}

fn split(operator: &Operator, input: &str, map: &str, list: &str, more: &[&str]) -> Ran {
    let input = operator.file("coded.csv", input);
    let map = operator.file("map.csv", map);
    let by = ["--split-by", "Caisse", "--audience-map", map.to_str().unwrap()];
    operator.seal(&input, list, "identity", &[&by, more].concat())
}

/// The live manifests by list, each with its signed bytes.
fn manifests(operator: &Operator, key: &VerifyingKey) -> BTreeMap<String, (Manifest, Vec<u8>)> {
    let releases = fs::read_dir(operator.home().join("releases")).unwrap();
    let live = catalog(operator, key);
    let stored = releases.filter_map(|entry| fs::read(entry.unwrap().path().join("manifest")).ok());
    let is_live = |bytes: &[u8]| live.manifests.iter().any(|listed| listed.manifest == object::digest(bytes));
    let live = stored.filter(|bytes| is_live(bytes)).map(|bytes| {
        let manifest: Manifest = object::open(&bytes, key).unwrap();
        (manifest.list.to_string(), (manifest, bytes))
    });
    live.collect()
}

fn catalog(operator: &Operator, key: &VerifyingKey) -> Catalog {
    object::open(&fs::read(operator.home().join("catalog")).unwrap(), key).unwrap()
}

/// Requires that an insurer gets neither the manifest nor a segment of a release, in the words for what does not exist.
async fn is_hidden(line: &Line<'_>, (manifest, bytes): &(Manifest, Vec<u8>)) {
    let unknown = Response::Refused(RefusalCode::UnknownObject.into());
    assert_eq!(line.ask(&Request::Object(object::digest(bytes))).await, unknown);
    assert_eq!(line.ask(&Request::Segment { release: manifest.release, number: 0 }).await, unknown);
    let nothing = ReleaseId::from_bytes([9; 16]);
    assert_eq!(line.ask(&Request::Segment { release: nothing, number: 0 }).await, unknown);
}

async fn is_shown(line: &Line<'_>, (manifest, bytes): &(Manifest, Vec<u8>)) {
    assert_eq!(line.ask(&Request::Object(object::digest(bytes))).await, Response::Object(bytes.clone()));
    let segment = line.ask(&Request::Segment { release: manifest.release, number: 0 }).await;
    assert!(matches!(segment, Response::Segment(_)));
}

/// Who of the insurer's members is found: rows of `affected.csv` without the category.
fn found(insurer: &Insurer, server: &Serving, out: &str) -> Vec<[String; 2]> {
    let file = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, 10).join("\n")));
    insurer.check(&file, server, out, &[]).ends(0);
    let rows = insurer.results(out).affected(b',');
    rows.into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect()
}

fn on(people: &[u32], list: &str) -> Vec<[String; 2]> {
    people.iter().map(|person| [number(*person), list.to_owned()]).collect()
}

/// [MAN-6], [CAT-5], [CAT-6]
#[tokio::test(flavor = "multi_thread")]
async fn each_insurer_sees_what_is_addressed_to_it_and_nothing_else() {
    let operator = Operator::new("op");
    let insurers = ["a", "x-a", "b"].map(|name| Insurer::enrolled(name, &operator, 1_000));
    let raw = RawInsurer::enrolled("stranger", &operator, 1_000);
    let [a, xa, b] = &insurers;
    let rows = [(1, "01"), (2, "02"), (3, "03"), (4, "01"), (1, "02")];
    let map = "insurer;code\na;01\nx-a;02\na;3\nb;03\n";
    split(&operator, &coded(&rows), map, "x", &[]).ends(0).prints(&["x-a ", "x-x-a ", "x-b ", "3 lists went live"]);
    let input = operator.file("two.csv", format!("nir\n{}\n{}\n", number(5), number(6)));
    operator.seal(&input, "two", "identity", &["--audience", "b,x-a"]).ends(0).prints(&["audience    b, x-a"]);
    operator.run(&["lists"]).ends(0).prints(&["2 insurers", "x-x-a"]);
    let server = operator.serve();

    assert_eq!(found(a, &server, "out"), on(&[1, 4], "x-a"));
    assert_eq!(found(xa, &server, "out"), [on(&[1, 2], "x-x-a"), on(&[5, 6], "two")].concat());
    assert_eq!(found(b, &server, "out"), [on(&[3], "x-b"), on(&[5, 6], "two")].concat());
    for (insurer, shown, hidden) in
        [(a, &["x-a"][..], &["x-x-a", "x-b", "two"][..]), (b, &["x-b", "two"], &["x-x-a", "x-a"])]
    {
        let ran = insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(shown);
        let cells: Vec<&str> = ran.stdout.split_whitespace().collect();
        assert!(hidden.iter().all(|list| !cells.contains(list)), "{ran}");
    }

    let key = raw.bundle.operator_key;
    let stored = manifests(&operator, &key);
    assert_eq!(stored.keys().collect::<Vec<_>>(), ["two", "x-a", "x-b", "x-x-a"]);
    let line = raw.connect(&server).await;
    for release in stored.values() {
        is_hidden(&line, release).await;
    }
    the_snapshot_tells_nothing(&operator, &line.catalog, &insurers, &stored);
    let named = RawInsurer::enrolled("x-", &operator, 1_000);
    operator.seal(&input, "three", "identity", &["--audience", "stranger"]).ends(0);
    let three = &manifests(&operator, &key)["three"];
    is_shown(&raw.connect(&server).await, three).await;
    is_hidden(&named.connect(&server).await, three).await;
}

/// Who is addressed is recognised by the insurer's own id, and by nothing that anybody else has.
fn the_snapshot_tells_nothing(
    operator: &Operator,
    catalog: &Catalog,
    insurers: &[Insurer],
    stored: &BTreeMap<String, (Manifest, Vec<u8>)>,
) {
    let bytes = fs::read(operator.home().join("catalog")).unwrap();
    let contains = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    for word in ["x-x-a", "x-b", "x-a", "two"] {
        assert!(!contains(word.as_bytes()), "{word} is in the snapshot");
    }
    let hashes: Vec<_> = catalog.manifests.iter().flat_map(|listed| listed.audience.iter().copied()).collect();
    assert_eq!(hashes.len(), 5, "one for each list of the split, two for the other");
    let mut expected = Vec::new();
    for insurer in insurers {
        let id = insurer.bundle().insurer_id;
        assert!(!contains(id.as_bytes()));
        for (manifest, signed) in stored.values() {
            let name = insurer.name().parse().unwrap();
            if manifest.audience.contains(&name) {
                expected.push(audience_tag(&object::digest(signed), &id));
            }
        }
    }
    assert!(expected.iter().all(|tag| hashes.contains(tag)) && expected.len() == 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_is_those_who_were_enrolled() {
    let operator = Operator::new("op");
    let insurer = Insurer::enrolled("a", &operator, 1_000);
    let input = operator.file("in.csv", format!("nir\n{}\n", number(1)));
    for (names, nearest) in [("a,mutuele", "nearest is a"), ("b", "nearest is a")] {
        let ran = operator.seal(&input, "list", "identity", &["--audience", names]).ends(1);
        ran.complains(&["--audience", "no insurer of the name", nearest]);
    }
    operator.seal(&input, "list", "identity", &["--audience", "a"]).ends(0);
    let late = Insurer::enrolled("late", &operator, 1_000);
    let server = operator.serve();
    assert_eq!(found(&insurer, &server, "1"), on(&[1], "list"));
    let ran = late.run(&["lists", "--server", &server.address()]).ends(0);
    assert!(ran.stdout.contains("no live list for this insurer"), "{ran}");

    operator.seal(&input, "list", "identity", &[]).ends(2).complains(&["addressed to a alone", "--to-all"]);
    let ran = operator.seal(&input, "list", "identity", &["--audience", "late"]).ends(0);
    assert!(ran.stderr.contains("addressed to late too, and is not going to be addressed to a any more"), "{ran}");
    assert_eq!(found(&late, &server, "1"), on(&[1], "list"));
    let ran = insurer.run(&["lists", "--server", &server.address()]).ends(0);
    assert!(ran.stdout.contains("no live list for this insurer"), "{ran}");
    let ran = operator.seal(&input, "list", "identity", &["--to-all"]).ends(0).prints(&["all insurers"]);
    assert!(ran.stderr.contains("is going to be open to all insurers"), "{ran}");
    assert_eq!(found(&insurer, &server, "2"), on(&[1], "list"));
}

#[test]
fn a_suspended_insurer_stays_in_the_audience_and_gets_nothing() {
    let operator = Operator::new("op");
    let insurers = ["a", "b"].map(|name| Insurer::enrolled(name, &operator, 1_000));
    operator.run(&["insurer", "suspend", "a"]).ends(0);
    split(&operator, &coded(&[(1, "01"), (2, "02")]), "code,insurer\n01,a\n02,b\n", "x", &[]).ends(0);
    let server = operator.serve();
    insurers[0].run(&["lists", "--server", &server.address()]).ends(77);
    assert_eq!(found(&insurers[1], &server, "out"), on(&[2], "x-b"));
    operator.run(&["insurer", "resume", "a"]).ends(0);
    assert_eq!(found(&insurers[0], &server, "out"), on(&[1], "x-a"));
}

#[test]
fn a_map_that_is_wrong_is_told_in_one_sentence() {
    let operator = Operator::new("op");
    let _insurers = ["mutuelle", "autre"].map(|name| Insurer::enrolled(name, &operator, 60));
    let before = fs::read(operator.home().join("catalog")).unwrap();
    let input = coded(&[(1, "01")]);
    for (map, told) in [
        ("code,nom\n01,mutuelle\n", "\"insurer\""),
        ("code,insurer\n01,mutuele\n", "the nearest is mutuelle"),
        ("code,insurer\n01,mutuelle\n01,autre\n", "rows 1 and 2"),
        ("code,insurer\n", "column headers alone"),
        ("", "is empty"),
    ] {
        split(&operator, &input, map, "x", &[]).ends(65).complains(&["map.csv", told]).is_silent_about(&[number(1)]);
        split(&operator, &input, map, "x", &["--dry-run"]).ends(65).complains(&["map.csv", told]);
    }
    let map = "code,insurer\n01,mutuelle\n";
    split(&operator, "nir,caisse\n1,1\n", map, "x", &[]).ends(65).complains(&["coded.csv", "--split-by", "\"Caisse\""]);
    let rows = coded(&[(1, "01"), (2, "2")]);
    split(&operator, &rows, map, "x", &[]).ends(65).complains(&["1 of 2 rows", "rejected", "x.csv"]);
    assert_eq!(fs::read(operator.home().join("catalog")).unwrap(), before);
    let ran = split(&operator, &rows, map, "x", &["--accept-rejects"]).ends(0);
    ran.prints(&["1 split_by: the code is empty or is not in the audience map"]);
}

#[test]
fn a_killed_split_is_published_whole_or_not_at_all() {
    let operator = Operator::new("op");
    let names: Vec<String> = (0..12).map(|i| format!("i{i:02}")).collect();
    let insurer = Insurer::enrolled("i07", &operator, 60);
    for name in names.iter().filter(|name| *name != "i07") {
        RawInsurer::enrolled(name, &operator, 60);
    }
    let rows = (0..60_000).map(|i| format!("{},{}\n", number(i), i % 12));
    let input = operator.file("coded.csv", std::iter::once("nir,Caisse\n".to_owned()).chain(rows).collect::<String>());
    let map = names.iter().enumerate().map(|(code, name)| format!("{code},{name}\n"));
    let map = operator.file("map.csv", std::iter::once("code,insurer\n".to_owned()).chain(map).collect::<String>());
    let arguments =
        ["seal", input.to_str().unwrap(), "--list", "x", "--categories", "identity", "--split-by", "Caisse"];
    let arguments = [&arguments[..], &["--audience-map", map.to_str().unwrap()]].concat();

    let releases = operator.home().join("releases");
    let key = insurer.bundle().operator_key;
    let sequence = || catalog(&operator, &key).sequence;
    let before = sequence();
    let whole =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map_while(Result::ok).map(|entry| entry.path());
    let written = || {
        let staged = whole(releases.clone()).filter(|path| path.extension().is_some_and(|end| end == "tmp"));
        staged.flat_map(whole).filter(|path| path.join("index").exists()).count()
    };
    // Killed while it reads, while it writes the sixth index, and as soon as the first release has its name.
    let named = || whole(releases.clone()).filter(|path| path.join("manifest").exists()).count();
    let moments: [(&str, &dyn Fn() -> bool); 3] = [
        ("a folder is made", &|| whole(releases.clone()).any(|path| path.extension().is_some_and(|end| end == "tmp"))),
        ("six indexes are written", &|| written() >= 6 || named() > 0),
        ("a release is moved", &|| named() > 0),
    ];
    for (moment, reached) in moments {
        let mut sealing = Running::start(operator.command(&arguments));
        until(moment, || reached() || sealing.has_ended());
        sealing.kill();
        let live = catalog(&operator, &key).manifests.len();
        assert!(live == if sequence() == before { 0 } else { 12 }, "{moment}: {live} of 12");
        if sequence() == before {
            let left = whole(releases.clone()).filter(|path| path.extension().is_some_and(|end| end == "tmp"));
            for folder in left.collect::<Vec<_>>() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }
    // Killed after it was published and before it tidied up, it says so.
    operator.run(&arguments).ends(0).prints(&["12 lists"]);
    let live = catalog(&operator, &key);
    assert!(live.manifests.len() == 12 && live.manifests.iter().all(|Listed { audience, .. }| audience.len() == 1));
    let server = operator.serve();
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(0, 24).join("\n")));
    insurer.check(&members, &server, "out", &[]).ends(0).prints(&["2 of 24 checked members"]);
}

#[test]
fn a_killed_split_is_finished_by_its_plan() {
    let operator = Operator::new("op");
    let insurers = ["a", "b"].map(|name| Insurer::enrolled(name, &operator, 60));
    let rows = (0..60_000).map(|i| format!("{},{}\n", number(i), i % 2));
    let input = operator.file("coded.csv", std::iter::once("nir,Caisse\n".to_owned()).chain(rows).collect::<String>());
    let map = operator.file("map.csv", "code,insurer\n0,a\n1,b\n");
    let arguments =
        ["seal", input.to_str().unwrap(), "--list", "x", "--categories", "identity", "--split-by", "Caisse"];
    let arguments = [&arguments[..], &["--audience-map", map.to_str().unwrap()]].concat();
    let left = || {
        let folders = fs::read_dir(operator.home().join("releases")).unwrap().map(|entry| entry.unwrap().path());
        folders.map(|folder| folder.join("plan.json")).find(|plan| plan.exists())
    };
    let mut sealing = Running::start(operator.command(&arguments));
    until("the plan is kept", || left().is_some() || sealing.has_ended());
    sealing.kill();
    let plan = left().unwrap();
    operator
        .run(&["seal", input.to_str().unwrap(), "--plan", plan.to_str().unwrap()])
        .ends(0)
        .prints(&["2 lists went live"]);
    let server = operator.serve();
    for (place, insurer) in insurers.iter().enumerate() {
        let list = format!("x-{}", insurer.name());
        let people: Vec<u32> = (0..10).filter(|person| *person as usize % 2 == place).collect();
        assert_eq!(found(insurer, &server, "out"), on(&people, &list));
    }
}
