//! `cargo demo`: the main job from end to end on this machine, with the real programs, compared with the truth.

use crate::process::{
    CATEGORIES, bold, cargo, first_line, fresh_folder, given_programs, program, run as execute, shown, wrong_option,
};
use lexopt::{Arg, ValueExt};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const LIST: &str = "demo-2026";

struct Options {
    records: u64,
    members: u64,
    overlap: f64,
}

/// Runs the demo.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let options = parse(arguments)?;
    let start = Instant::now();
    println!("{}", bold("Blindlist, the whole way on this machine"));
    println!(
        "{} synthetic people are breached; an insurer with {} members",
        grouped(options.records),
        grouped(options.members)
    );
    println!("asks which of them are on the list, and neither side shows its own.");
    if given_programs().is_none() {
        println!("The first build takes about five minutes on two cores; later ones take seconds.\n");
        let programs = ["--package", "blindlist-server", "--package", "blindlist-client"];
        execute(cargo().args(["build", "--release", "--locked"]).args(programs))?;
    }
    let built = Instant::now();

    let place = Place::fresh()?;
    place.make_operator(&options)?;
    place.enrol_insurer(&options)?;
    let server = place.serve()?;
    place.check()?;
    server.stop()?;
    let affected = place.compare_with_truth()?;

    println!("\n{}", bold("Done"));
    println!("  {} of {} members are on the list.", grouped(affected), grouped(options.members));
    println!("  affected.csv is, row for row, what truth.csv says it must be.");
    println!("  The build took {} s, the rest {} s.", (built - start).as_secs(), built.elapsed().as_secs());
    place.say_where_things_are();
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { records: 100_000, members: 10_000, overlap: 0.05 };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(wrong_option)? {
        match argument {
            Arg::Long("records") => options.records = parser.value().and_then(|v| v.parse()).map_err(wrong_option)?,
            Arg::Long("members") => options.members = parser.value().and_then(|v| v.parse()).map_err(wrong_option)?,
            Arg::Long("overlap") => options.overlap = parser.value().and_then(|v| v.parse()).map_err(wrong_option)?,
            other @ (Arg::Short(_) | Arg::Long(_) | Arg::Value(_)) => return Err(wrong_option(other.unexpected())),
        }
    }
    Ok(options)
}

/// The demo's folder, in which every command runs, and the address that it serves on.
struct Place {
    folder: PathBuf,
    address: String,
}

impl Place {
    /// An empty folder and a free port.
    fn fresh() -> Result<Self, String> {
        let folder = fresh_folder("demo")?;
        let socket = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = socket.map_err(|error| format!("looking for a free UDP port: {error}"))?.to_string();
        Ok(Self { folder, address })
    }

    fn make_operator(&self, options: &Options) -> Result<(), String> {
        step("1. A synthetic breach, and an insurer's members");
        let counts = [options.records.to_string(), options.members.to_string(), options.overlap.to_string()];
        let [records, members, overlap] = counts.each_ref().map(String::as_str);
        let sample = ["sample", "--out", ".", "--records", records, "--members", members, "--overlap", overlap];
        self.run("blindlistd", &sample)?;

        step("2. The operator makes its home and keys");
        let init = ["init", "--home", "operator", "--operator", "demo-operator", "--host", &self.address];
        self.run("blindlistd", &init)?;

        step("3. The operator seals its breach list");
        let seal = ["seal", "breach.csv", "--home", "operator", "--list", LIST, "--categories", CATEGORIES];
        let about = ["--title", "Synthetic breach for the demo", "--incident-date", "2026-01-28"];
        self.run("blindlistd", &[&seal[..], &about].concat())
    }

    fn enrol_insurer(&self, options: &Options) -> Result<(), String> {
        step("4. The insurer makes its keys and a request; both sides compare its fingerprint by telephone");
        self.run("blindlist", &["enroll", "--profile", "insurer", "--name", "demo-mutuelle"])?;
        let request = self.fingerprint("insurer/request.csr")?;

        step("5. The operator approves it, with a budget");
        let budget = options.members.to_string();
        let approve = ["insurer", "approve", "insurer/request.csr", "--home", "operator", "--name", "demo-mutuelle"];
        let terms = ["--budget", &budget, "--out", "bundle", "--fingerprint", &request];
        self.run("blindlistd", &[&approve[..], &terms].concat())?;

        step("6. The insurer installs the operator's bundle, its fingerprint compared likewise");
        let bundle = self.fingerprint("bundle")?;
        self.run("blindlist", &["join", "bundle", "--profile", "insurer", "--fingerprint", &bundle])
    }

    fn serve(&self) -> Result<Server, String> {
        step("7. The operator serves");
        let mut command = self.command("blindlistd", &["serve", "--home", "operator", "--listen", &self.address]);
        println!("$ {}", shown(&command));
        Server::start(&mut command)
    }

    fn check(&self) -> Result<(), String> {
        step("8. The insurer sees what is on offer, and checks its members");
        self.run("blindlist", &["lists", "--profile", "insurer"])?;
        println!();
        self.run("blindlist", &["check", "members.csv", "--profile", "insurer", "--out", "result"])
    }

    /// Compares affected.csv, record by record, with what members.csv and truth.csv make of it; how many there are.
    fn compare_with_truth(&self) -> Result<u64, String> {
        step("9. The answer is compared with the truth");
        let truth: Vec<csv::StringRecord> = self.records("truth.csv", b',')?;
        let members = self.records("members.csv", b';')?;
        let affected = self.records("result/affected.csv", b';')?;
        let mut found = affected.iter();
        for expected in &truth {
            let (row, categories) = (expected.get(0).unwrap_or_default(), expected.get(1).unwrap_or_default());
            let number: usize = row.parse().map_err(|_| "truth.csv has a row without a number".to_owned())?;
            let member = number.checked_sub(1).and_then(|index| members.get(index));
            let member = member.ok_or_else(|| format!("truth.csv names member {number}, who is not in members.csv"))?;
            let wanted: Vec<&str> = member.iter().chain([LIST, categories]).collect();
            if found.next().is_none_or(|record| record.iter().take(wanted.len()).ne(wanted)) {
                return Err(format!("affected.csv does not have member {number} where and as it should"));
            }
        }
        match found.count() {
            0 => Ok(truth.len() as u64),
            more => Err(format!("affected.csv has {more} rows that truth.csv does not have")),
        }
    }

    fn records(&self, name: &str, delimiter: u8) -> Result<Vec<csv::StringRecord>, String> {
        let failed = |error: csv::Error| format!("reading {name}: {error}");
        let reader = csv::ReaderBuilder::new().delimiter(delimiter).from_path(self.folder.join(name));
        reader.map_err(failed)?.into_records().collect::<Result<_, _>>().map_err(failed)
    }

    fn say_where_things_are(&self) {
        println!("\n{} {}", bold("Where the files are:"), self.folder.display());
        for (file, what) in [
            ("breach.csv, members.csv, truth.csv", "the synthetic lists and the right answer"),
            ("operator/", "the operator's home: keys, releases, ledger"),
            ("insurer/", "the insurer's profile: keys, bundle, index"),
            ("bundle", "what the operator gave the insurer"),
            ("result/affected.csv", "the members to notify, and what leaked"),
            ("result/rejected.csv", "rows that could not be read"),
            ("result/report.html", "the same in words and charts, for the register of incidents"),
            ("result/summary.json", "the figures, for programs"),
        ] {
            println!("  {file:<36} {what}");
        }
    }

    fn fingerprint(&self, file: &str) -> Result<String, String> {
        let mut command = self.command("blindlist", &["fingerprint", file]);
        println!("$ {}", shown(&command));
        let fingerprint = first_line(&mut command)?;
        println!("{fingerprint}");
        Ok(fingerprint)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = self.command(program, arguments);
        println!("$ {}", shown(&command));
        execute(&mut command)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        program(name, arguments, &self.folder)
    }
}

/// The running server; killed when it is dropped without having been stopped.
struct Server(Child);

impl Server {
    /// Starts it and waits until it says that it listens; what it says goes on to our standard error.
    fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::piped()).spawn();
        let mut server = Self(child.map_err(|error| format!("starting `{}`: {error}", shown(command)))?);
        let stderr = server.0.stderr.take().ok_or("the server has no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        for line in lines.by_ref() {
            let line = line.map_err(|error| format!("listening to the server: {error}"))?;
            eprintln!("{line}");
            if line.contains("listening on") {
                std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
                return Ok(server);
            }
        }
        Err("the server ended before it listened".to_owned())
    }

    /// Asks it to end, and waits until it has.
    fn stop(mut self) -> Result<(), String> {
        execute(Command::new("kill").args(["-TERM", &self.0.id().to_string()]))?;
        let status = self.0.wait().map_err(|error| format!("waiting for the server: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the server did not end in order: {status}")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless something failed before `stop`; there is nobody left to tell either way.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn step(title: &str) {
    println!("\n{}", bold(title));
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
