//! Bad input to both programs: one sentence, the documented exit code, nothing published and nothing written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use blindlist_tests::people::{number, numbers};
use blindlist_tests::programs::{Ran, blindlist, blindlistd, run};
use blindlist_tests::{Insurer, Operator, Serving};

/// Files that are no table of people, with what the sentence about each must say.
fn bad_files(folder: &Path) -> Vec<(PathBuf, Vec<&'static str>)> {
    let file = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let unreadable = file("unreadable.csv", b"nir\n1850578006084\n");
    fs::set_permissions(&unreadable, Permissions::from_mode(0o000)).unwrap();
    // Text in UTF-8 as far as anybody looks before the first row is read.
    let late = [&b"nir\n"[..], &b"1850578006084\n".repeat(80_000), b"Zo\xe9\n"].concat();
    let mut files = vec![
        (folder.join("missing.csv"), vec!["missing.csv"]),
        (folder.to_owned(), vec![]),
        (file("empty.csv", b""), vec!["empty.csv", "looked for", "found"]),
        (file("blank.csv", b"\n\r\n \n"), vec!["blank.csv"]),
        (file("header.csv", b"nir\n"), vec!["header.csv"]),
        (
            file("columns.csv", b"nom;contrat\nx;y\n"),
            vec!["columns.csv", "nir", "known by themselves", "found \"nom\", \"contrat\""],
        ),
        (file("hostile.csv", b"nom;\x1b[31mrouge\nx;y\n"), vec!["hostile.csv", "found"]),
        (file("page850.csv", b"nir;pr\x82nom\n1850578006084;x\n"), vec!["page850.csv", "encoding", "--encoding"]),
        (file("late.csv", &late), vec!["late.csv", "windows-1252"]),
        (file("book.xlsx", b"PK\x03\x04rest"), vec!["book.xlsx", "Excel"]),
        (file("quote.csv", b"nir;nom\n1850578006084;\"Dupont\n"), vec!["quote.csv", "quote"]),
        (file("twice.csv", b"nir;N\xc2\xb0 NIR\n1;2\n"), vec!["twice.csv", "more than one column for nir"]),
    ];
    // Whoever may read everything can read this too.
    if fs::read(&unreadable).is_err() {
        files.push((unreadable, vec!["unreadable.csv", "ermission"]));
    } else {
        eprintln!("SKIPPED: an unreadable file, because this user can read everything");
    }
    files
}

#[test]
fn seal_refuses_what_is_no_breach_list() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let before = state(&operator);
    for (file, said) in bad_files(&operator.path("")) {
        operator.seal(&file, "new", "identity", &[]).ends(65).complains(&said).is_silent_about(&["1850578006084"]);
        operator.seal(&file, "new", "identity", &["--dry-run"]).ends(65);
    }
    assert_eq!(state(&operator), before);
}

#[test]
fn check_refuses_what_is_no_member_file() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    for (file, said) in bad_files(&insurer.path("")) {
        let ran = insurer.check(&file, &server, "out", &[]).ends(65);
        ran.complains(&said).is_silent_about(&["1850578006084"]);
        insurer.results("out").are_none();
    }
    assert_eq!(operator.spent("mutuelle"), 0);
}

#[test]
fn too_many_rejected_rows_stop_a_seal() {
    let operator = Operator::new("op");
    let before = state(&operator);
    // 2 of 100 are more than one in a hundred, 1 of 100 is not.
    let rows = |bad: usize| {
        let good = numbers(0, 100 - u32::try_from(bad).unwrap());
        format!("nir\n{}\n{}", good.join("\n"), "123\n".repeat(bad))
    };
    let two = operator.file("two.csv", rows(2));
    let ran = operator.seal(&two, "list-a", "identity", &[]).ends(65).complains(&[
        "2",
        "100",
        "rejected",
        "--accept-rejects",
    ]);
    assert_eq!(state(&operator), before, "{ran}");
    let rejected = fs::read_to_string(operator.home().join("rejected/list-a.csv")).unwrap();
    let reason = "\"nir-length: a social security number has 13 characters, or 15 with its key\"";
    let file = two.to_str().unwrap();
    let expected = format!("file,line,row,column,reason\n{file},100,99,nir,{reason}\n{file},101,100,nir,{reason}\n");
    assert_eq!(rejected, expected);
    operator.seal(&two, "list-a", "identity", &["--accept-rejects"]).ends(0);
    let one = operator.file("one.csv", rows(1));
    operator.seal(&one, "list-b", "identity", &[]).ends(0);
    operator.run(&["lists"]).ends(0).prints(&["list-a", "list-b", "98", "99"]);
    let none = operator.file("none.csv", "nir\n123\n");
    operator.seal(&none, "list-c", "identity", &["--accept-rejects"]).ends(65);
}

#[test]
fn a_category_that_was_not_declared_rejects_its_row() {
    let operator = Operator::new("op");
    let rows = format!(
        "nir,categories\n{},identity\n{},iban\n{},\n{},identity|\n",
        number(0),
        number(1),
        number(2),
        number(3)
    );
    let input = operator.file("b.csv", rows);
    operator.seal(&input, "list-a", "identity", &[]).ends(65).complains(&["rejected"]);
    let rejected = fs::read_to_string(operator.home().join("rejected/list-a.csv")).unwrap();
    let lines: Vec<_> =
        rejected.lines().map(|line| line.split(',').skip(1).take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(lines, ["line,row,column", "3,2,categories", "4,3,categories", "5,4,categories"]);
    assert!(!rejected.contains("iban"), "no cell is in it:\n{rejected}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let operator = Operator::new("op");
    let before = state(&operator);
    let input = operator.file("b.csv", format!("N° SS;x\n{}\n123;\n", numbers(0, 5).join(";\n") + ";"));
    let ran = operator.seal(&input, "list-a", "identity", &["--dry-run"]);
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("N° SS"), "the column chosen is named: {ran}");
    assert_eq!(state(&operator), before);
    assert!(!operator.home().join("rejected/list-a.csv").exists());
}

/// [TEXT-1], [TEXT-2]
#[test]
fn text_that_could_harm_a_terminal_is_refused() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let before = state(&operator);
    let input = operator.path("breach.csv");
    for title in ["a\u{1b}[2Jb", "a\nb", "a\u{202e}b", "a\u{200b}b", &"é".repeat(101)] {
        operator.seal(&input, "new", "identity", &["--title", title]).ends(2);
    }
    for name in ["../x", "a/b", "A", "", ".", "-", "é", "a b", &"a".repeat(65)] {
        operator.seal(&input, name, "identity", &[]).ends(2).is_printable();
        operator.seal(&input, "new", name, &[]).ends(2).is_printable();
        run(blindlistd(["init", "--home", "h", "--operator", name])).ends(2).is_printable();
        run(blindlist(["enroll", "--profile", "p", "--name", name])).ends(2).is_printable();
    }
    operator.seal(&input, "new", "identity,identity", &[]).complains(&[]);
    assert_eq!(state(&operator), before);
    // A file's own name is not ours to choose.
    let hostile = operator.file("b\u{1b}[31m.csv", "x\n1\n");
    operator.seal(&hostile, "new", "identity", &[]).ends(65).is_printable();
}

#[test]
fn a_plan_gives_the_same_bytes_again() {
    let operator = Operator::new("op");
    run_quietly(Command::new("cp").arg("-a").arg(operator.home()).arg(operator.path("before")));
    let input = operator.file("breach.csv", format!("nir\n{}\n", numbers(0, 2_000).join("\n")));
    operator.seal(&input, "list-a", "identity,contract", &["--title", "T", "--incident-date", "2026-01-02"]).ends(0);
    let release = releases(&operator).remove(0);
    let whole = |folder: &Path| ["manifest", "index", "plan.json"].map(|name| fs::read(folder.join(name)).unwrap());
    let (first, before) = (whole(&release), state(&operator));
    let plan = operator.path("plan.json");
    fs::copy(release.join("plan.json"), &plan).unwrap();
    let replay = |input: &Path| operator.run(&["seal", input.to_str().unwrap(), "--plan", plan.to_str().unwrap()]);

    replay(&input).ends(0);
    assert_eq!(state(&operator), before, "an identical release changes nothing");
    // Published anew, in a copy of the home that has never seen it.
    let elsewhere = operator.path("elsewhere");
    run_quietly(Command::new("cp").arg("-a").arg(operator.path("before")).arg(&elsewhere));
    let seal = blindlistd(["seal", input.to_str().unwrap(), "--plan", plan.to_str().unwrap(), "--home"]);
    run(with(seal, &elsewhere)).ends(0);
    let again = elsewhere.join("releases").join(release.file_name().unwrap());
    assert_eq!(whole(&again), first);

    let content = fs::read_to_string(&input).unwrap();
    let changed = operator.file("changed.csv", content.replacen(&number(0), &number(9_999), 1));
    replay(&changed).ends(65).complains(&["changed.csv"]);
    let mut plan_text = fs::read_to_string(&plan).unwrap();
    plan_text = plan_text.replacen('{', "{\"surprise\": 1,", 1);
    fs::write(&plan, plan_text).unwrap();
    replay(&input).ends(65).complains(&["plan.json"]);
    assert_eq!(whole(&release), first);
}

#[test]
fn a_full_disk_leaves_no_half_result() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 3_000);
    let Some(_small) = small_disk(&insurer.path("small"), "64k") else { return };
    let server = operator.serve();
    let row = format!("{};{}\n", number(1), "x".repeat(500));
    let members = insurer.file("m.csv", format!("nir;x\n{}", row.repeat(1_000)));
    insurer.check(&members, &server, "small", &[]).ends(1).complains(&["full"]);
    assert_eq!(insurer.results("small").names(), Vec::<String>::new());
    // What was paid for is still there.
    insurer.check(&members, &server, "out", &["--resume"]).ends(0).prints(&["1,000 of 1,000 checked members"]);
    assert_eq!(operator.spent("mutuelle"), 64);
}

#[test]
fn a_full_disk_leaves_earlier_releases_whole() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let small = operator.path("small");
    let Some(_small) = small_disk(&small, "1200k") else { return };
    run_quietly(Command::new("cp").arg("-a").arg(operator.home()).arg(&small));
    let home = small.join("home");
    let lists = || run(with(blindlistd(["lists", "--home"]), &home)).ends(0).stdout;
    let before = lists();
    let free = 64 << 10;
    let filled = rustix::fs::statvfs(&small).unwrap();
    let filler = usize::try_from(filled.f_bavail * filled.f_bsize).unwrap().saturating_sub(free);
    fs::write(small.join("filler"), vec![0; filler]).unwrap();

    let large = operator.file("large.csv", format!("nir\n{}\n", numbers(0, 20_000).join("\n")));
    let seal = |input: &Path| {
        let seal = ["seal", input.to_str().unwrap(), "--list", "list-a", "--categories", "identity", "--home"];
        run(with(blindlistd(seal), &home))
    };
    seal(&large).ends(1).complains(&["full"]);
    assert_eq!(lists(), before);
    fs::remove_file(small.join("filler")).unwrap();
    seal(&large).ends(0);
    assert!(lists().contains("20,000"));
}

/// Mounts a small disk, if this user may.
fn small_disk(folder: &Path, size: &str) -> Option<Unmount> {
    fs::create_dir(folder).unwrap();
    let options = format!("size={size},mode=700");
    let mut mount = Command::new("mount");
    let mounted = mount.args(["-t", "tmpfs", "-o", &options, "blindlist-test"]).arg(folder).output();
    if mounted.as_ref().is_ok_and(|output| output.status.success()) {
        Some(Unmount(folder.to_owned()))
    } else {
        eprintln!("SKIPPED: a full disk, because this user cannot mount a small one: {mounted:?}");
        None
    }
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        // A folder that stays mounted stays until the machine restarts: nothing else depends on it.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_server_that_is_not_there_is_said_so() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let members = insurer.file("m.csv", format!("nir\n{}\n", number(1)));
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    for (server, code) in
        [(silent.as_str(), 69), ("server.invalid:4433", 69), ("localhost", 2), ("::1:4433", 2), ("x:0", 2)]
    {
        let ran = run(insurer.check_command(&members, server, "out", &[])).ends(code);
        assert!(ran.stderr.contains(server), "{ran}");
        insurer.results("out").are_none();
    }
    insurer.run(&["lists", "--server", &silent]).ends(69);
    // Two servers cannot have one address.
    let first = operator.serve();
    assert!(Serving::try_start(&operator, &first.address()).unwrap_err().contains(&first.address()));
}

#[test]
fn commands_out_of_order_are_explained() {
    let operator = Operator::new("op");
    let insurer = Insurer::new("mutuelle");
    insurer.run(&["enroll", "--name", "mutuelle"]).ends(1).complains(&["keys already"]);
    operator.run(&["init", "--operator", "op"]).ends(1).complains(&["home"]);
    insurer.run(&["lists"]).ends(1).complains(&["blindlist join"]);
    let missing = operator.path("nowhere");
    let missing = missing.to_str().unwrap();
    for arguments in [vec!["lists"], vec!["serve"], vec!["insurer", "list"]] {
        run(blindlistd(arguments.iter().chain(&["--home", missing]))).ends(1).complains(&["nowhere"]);
    }
    run(blindlist(["lists", "--profile", missing])).ends(1).complains(&["nowhere"]);
    run(blindlist(["fingerprint", missing])).ends(65).complains(&["nowhere"]);
    let approve = ["insurer", "approve", missing, "--name", "a", "--budget", "1", "--out", "bundle"];
    operator.run(&approve).ends(65).complains(&["nowhere"]);
    // Nothing is published yet.
    let insurer = Insurer::enrolled("early", &operator, 60);
    let server = operator.serve();
    let members = insurer.file("m.csv", format!("nir\n{}\n", number(1)));
    insurer.check(&members, &server, "out", &[]).ends(1).complains(&["no live list"]);
    insurer.results("out").are_none();
}

#[test]
fn a_result_never_replaces_the_members() {
    let operator = Operator::with_numbers("op", &numbers(0, 3));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let content = format!("nir\n{}\n", number(1));
    fs::create_dir(insurer.path("out")).unwrap();
    let members = insurer.file("out/affected.csv", &content);
    insurer.check(&members, &server, "out", &[]).ends(2).complains(&["affected.csv"]);
    assert_eq!(fs::read_to_string(&members).unwrap(), content);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    type Program = fn(Vec<&'static str>) -> Command;
    let lines: [(Program, &str); 14] = [
        (blindlistd, ""),
        (blindlistd, "nonsense"),
        (blindlistd, "seal"),
        (blindlistd, "seal x --home h --list l"),
        (blindlistd, "seal x --home h --list l --categories a --scheme x"),
        (blindlistd, "seal x --home h --list l --categories a --false-positive-bits 20"),
        (blindlistd, "seal x --home h --list l --categories a --column nir"),
        (blindlistd, "seal x --home h --list l --categories a --incident-date 31/12/2025"),
        (blindlistd, "insurer approve r --home h --name n --budget -1 --out o"),
        (blindlistd, "serve --home h --listen here"),
        (blindlist, ""),
        (blindlist, "check"),
        (blindlist, "check m --profile p --out o --surprise"),
        (blindlist, "join b --profile p --fingerprint 123"),
    ];
    for (program, line) in lines {
        let ran = run(program(line.split_whitespace().collect())).ends(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran}");
    }
}

#[test]
fn a_fingerprint_is_printed_alone() {
    let insurer = Insurer::new("mutuelle");
    let ran = run(blindlist(["fingerprint", insurer.request().to_str().unwrap()])).ends(0);
    let groups: Vec<_> = ran.stdout.trim_end().split('-').collect();
    assert_eq!((groups.len(), ran.stdout.len()), (8, 72), "{ran}");
    assert!(groups.iter().all(|group| group.len() == 8 && group.bytes().all(|b| b.is_ascii_hexdigit())));
    let expected = blindlist_protocol::enrolment::Fingerprint::of(&fs::read(insurer.request()).unwrap());
    assert_eq!(ran.stdout, format!("{expected}\n"));
    assert_eq!(ran.stderr, "");
}

fn run_quietly(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn with(mut command: Command, argument: &Path) -> Command {
    command.arg(argument);
    command
}

/// The release folders of an operator.
fn releases(operator: &Operator) -> Vec<PathBuf> {
    let entries = fs::read_dir(operator.home().join("releases")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    // The lock stays when a seal is over.
    paths.filter(|path| !path.ends_with(".lock")).collect()
}

/// What is published: the catalog's bytes, and the names of the releases.
fn state(operator: &Operator) -> (Vec<u8>, Vec<PathBuf>) {
    let mut releases = releases(operator);
    releases.sort();
    (fs::read(operator.home().join("catalog")).unwrap(), releases)
}

/// The words of a help text that must stay: commands and options that scripts rely on.
const HELP: &str = include_str!("help.txt");

#[test]
fn help_names_every_command_and_option() {
    for block in HELP.trim().split("\n\n") {
        let (line, words) = block.split_once('\n').unwrap();
        let mut command = line.split_whitespace();
        let program = command.next().unwrap();
        let arguments = command.chain(["--help"]);
        let ran: Ran = match program {
            "blindlistd" => run(blindlistd(arguments)),
            "blindlist" => run(blindlist(arguments)),
            other => panic!("no program {other}"),
        };
        let ran = ran.ends(0).is_printable();
        let shown: Vec<&str> = ran.stdout.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
        for word in words.split_whitespace() {
            assert!(shown.contains(&word), "{line} --help does not name {word}:\n{ran}");
        }
        // Nothing that is not in the list either: then the list is to be changed, on purpose.
        for option in shown.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
            let listed = words.split_whitespace().chain(["--help", "--version", "--log", "--log-format"]);
            assert!(listed.into_iter().any(|word| word == *option), "{line} --help names {option}, help.txt does not");
        }
    }
}
