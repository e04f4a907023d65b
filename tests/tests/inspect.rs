//! `blindlist inspect` on real files, on damaged ones, and on files that are none of the protocol's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::message::{Account, Request, Response};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Ran, blindlist, run};
use blindlist_tests::{Insurer, Operator};

fn inspect(file: &Path, more: &[&str]) -> Ran {
    run(blindlist([&["inspect", file.to_str().unwrap()], more].concat()))
}

/// The one file of this name, one folder below.
fn below(folder: &Path, name: &str) -> PathBuf {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join(name));
    folders.into_iter().find(|path| path.exists()).unwrap()
}

/// The fields that a report names, in order.
fn fields(ran: &Ran) -> Vec<&str> {
    let rows = ran.stdout.lines().filter_map(|line| {
        let mut cells = line.split_whitespace();
        let numbers = [cells.next()?, cells.next()?];
        numbers.iter().all(|cell| cell.parse::<u64>().is_ok()).then(|| cells.next())?
    });
    rows.collect()
}

#[test]
fn every_file_of_an_operator_and_an_insurer_is_shown() {
    let operator = Operator::with_numbers("op", &numbers(0, 20));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);

    let ran = inspect(&insurer.request(), &[]).ends(0).is_printable();
    assert_eq!(fields(&ran), ["line", "name", "tls_key", "signing_key", "tls_proof", "signature"]);
    let fingerprint = Fingerprint::of(&fs::read(insurer.request()).unwrap()).to_string();
    ran.prints(&["enrolment request (SPEC.md section 13)", "\"mutuelle\"", &fingerprint, "it holds under signing_key"]);

    let bundle =
        inspect(&insurer.path("bundle"), &[]).ends(0).prints(&["bundle (SPEC.md section 13)", "\"op\"", "ENR-2"]);
    assert_eq!(fields(&bundle).last(), Some(&"signature"));
    let key = insurer.bundle().operator_key.to_string();

    let catalog = operator.home().join("catalog");
    inspect(&catalog, &[]).ends(0).prints(&[
        "catalog snapshot",
        &key,
        "expires",
        "Z\n",
        "whose key that is, it does not say",
    ]);
    let record = below(&operator.home().join("epochs"), "record");
    inspect(&record, &[]).ends(0).prints(&["epoch record", &key, "holders[0].share", "canaries[3]", "0 optional"]);
    let manifest = below(&operator.home().join("releases"), "manifest");
    inspect(&manifest, &[]).ends(0).prints(&["manifest", &key, "\"list-a\"", "1 nir", "segments[0]", "dictionary[1]"]);

    let index = below(&operator.home().join("releases"), "index");
    let few =
        inspect(&index, &[]).ends(0).prints(&["24 entries, first v", "v[7]", "labels[7]", "16 more", "one encoding"]);
    assert!(!few.stdout.contains("v[8]") && !few.stdout.contains("labels[8]"), "{few}");
    let all = inspect(&index, &["--all"]).ends(0).prints(&["v[23]", "labels[23]"]);
    assert!(!all.stdout.contains("more"), "{all}");
    for ran in [few, all] {
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 120), "{ran}");
    }
}

#[test]
fn messages_need_no_line() {
    let insurer = Insurer::new("mutuelle");
    let show = |name: &str, bytes: Vec<u8>, more: &[&str]| inspect(&insurer.file(name, bytes), more).ends(0);
    show("catalog", Request::Catalog.encode(), &[]).prints(&["request (SPEC.md section 18), 4 bytes", "0 Catalog"]);
    let refused = Response::Refused(Refusal::with(RefusalCode::OverBudget, 7)).encode();
    show("refused", refused, &[]).prints(&["response", "11 OverBudget", "7 evaluations are missing"]);
    let account = Response::Account(Account { granted: 100, spent: 64 }).encode();
    show("account", account, &["--as", "response"]).prints(&["granted", "100", "spent", "64"]);
}

#[test]
fn standard_input_is_read() {
    let insurer = Insurer::new("mutuelle");
    let mut command = blindlist(["inspect", "-"]);
    let output = command.stdin(fs::File::open(insurer.request()).unwrap()).stderr(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), inspect(&insurer.request(), &[]).stdout);
    let empty = run(blindlist(["inspect", "-"])).ends(65).complains(&["standard input", "empty"]);
    assert_eq!(empty.stdout, "");
}

#[test]
fn damage_is_explained() {
    let operator = Operator::with_numbers("op", &numbers(0, 20));
    let insurer = Insurer::new("mutuelle");
    let manifest = fs::read(below(&operator.home().join("releases"), "manifest")).unwrap();
    let index = fs::read(below(&operator.home().join("releases"), "index")).unwrap();
    let request = fs::read(insurer.request()).unwrap();
    let patched = |bytes: &[u8], place: usize| {
        let mut bytes = bytes.to_vec();
        bytes[place] ^= 0xff;
        bytes
    };
    let explained = |name: &str, bytes: Vec<u8>, said: &[&str]| {
        inspect(&operator.file(name, bytes), &[]).ends(65).complains(&[&[name], said].concat())
    };
    let cut =
        explained("cut.manifest", manifest[..180].to_vec(), &["not a valid manifest", "offset", "SPEC.md section 3"]);
    cut.prints(&["\"blindlist/1 manifest\\n\"", "operator_key", "stopped"]);
    explained("signed.manifest", patched(&manifest, manifest.len() - 1), &["signature", "does not hold", "section 5"])
        .prints(&["segments[0]", "wrong: it does not hold"]);
    explained("name.csr", patched(&request, 38), &["reading name", "offset 30", "section"]);
    explained("cut.csr", request[..request.len() - 1].to_vec(), &["tls_proof", "cut short", "64 bytes are needed, 63"]);
    explained("long.csr", [&request[..], &[0]].concat(), &["1 byte is left over", "section 3"]);
    explained("large.csr", [&request[..], &[0; 70_000]].concat(), &["65536 bytes", "section 26"]);
    explained("cut.index", index[..50].to_vec(), &["not a valid index", "offset 50", "section 9"]).prints(&["N", "24"]);
    explained("f.index", patched(&index, 38), &["reading f", "offset 38", "from 32 to 56"]);
    let refused = Response::Refused(RefusalCode::Busy.into()).encode();
    explained("refused", refused[..9].to_vec(), &["as a request", "as a response", "reading value", "--as"]);
}

#[test]
fn foreign_files_are_refused_and_not_shown() {
    let insurer = Insurer::new("mutuelle");
    let csv = insurer.file("members.csv", format!("{}\n{}\n", number(1), number(2)));
    let secrets = [number(1), number(2), u32::from_le_bytes(*b"2510").to_string()];
    for more in
        [&[][..], &["--as", "request"], &["--as", "response"], &["--as", "manifest"], &["--as", "index", "--all"]]
    {
        let ran = inspect(&csv, more).ends(65).complains(&["members.csv", "SPEC.md", "section"]);
        ran.is_silent_about(&secrets);
    }
    assert_eq!(number(1).get(..4), Some("2510"), "the number that must not be shown is this one");
    let key = insurer.profile().join("keys/signing.key");
    assert_eq!(inspect(&key, &[]).ends(65).complains(&["signing.key"]).stdout, "");

    let empty = insurer.file("empty", "");
    inspect(&empty, &[]).ends(65).complains(&["empty", "it is empty"]);
    inspect(&empty, &["--as", "catalog"]).ends(65).complains(&["not a valid catalog snapshot", "section 5"]);
    inspect(&insurer.path("missing"), &[]).ends(65).complains(&["missing"]);
    inspect(&insurer.profile(), &[]).ends(65).complains(&["profile"]);
    let later = insurer.file("later", "blindlist/1 succession\x1b[2J\n");
    inspect(&later, &[]).ends(65).complains(&["succession", "nothing that can be inspected"]).is_printable();
    inspect(&later, &["--as", "letter"]).ends(2);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let operator = Operator::with_numbers("op", &numbers(0, 3_000));
    let index = below(&operator.home().join("releases"), "index");
    let mut command: Command = blindlist(["inspect", "--all", index.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}
