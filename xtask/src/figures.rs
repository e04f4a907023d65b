//! `cargo xtask figures`: measures what benches/BENCHMARKING.md promises, with the real programs, and compares.
//!
//! Times are processor times, so that other work on the machine disturbs them little. Linux only: it reads `/proc`.

use crate::process::{CATEGORIES, bold, cargo, fresh_folder, program, run as execute, shown, wrong_option};
use lexopt::{Arg, ValueExt};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// The benchmarks that are the steps of the protocol, for one record and for one member.
const RECORD: [&str; 1] = ["seal/evaluate and derive"];
const SERVER: [&str; 2] = ["operator/validate", "operator/answer"];
const CLIENT: [&str; 3] = ["insurer/ask", "insurer/prove", "insurer/finish"];
/// Elements of the largest chunk.
const CHUNK: &str = "8192";
/// The most that one operation of the fastest path may take, in V.
const OPERATIONS: [(&str, f64); 4] =
    [("variable base", 0.66), ("decode", 0.08), ("hash to group", 0.17), ("multi-scalar, 128 bits", 0.05)];
/// Seals, each between two measurements of the steps: on a machine whose speed drifts, one pair alone may say anything.
const ROUNDS: usize = 3;
/// Settings of Criterion that are long enough for a ratio.
const SHORT: [&str; 7] = ["--warm-up-time", "0.5", "--measurement-time", "3", "--sample-size", "20", "--noplot"];

/// A promise, what was measured, and the most that it may be.
struct Figure {
    name: &'static str,
    measured: f64,
    bound: f64,
    unit: &'static str,
}

impl Figure {
    /// Nothing that is not a number meets a bound.
    fn met(&self) -> bool {
        self.measured <= self.bound
    }
}

/// Measures, prints the table, and fails when a figure is not met.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let records = parse(arguments)?;
    let place = Place { folder: fresh_folder("figures")? };
    build()?;
    place.make_operator(records)?;
    place.bench("blinding", "")?;
    place.bench("index", "look up")?;
    place.bench("primitives", &format!("/V$|/{CHUNK}$"))?;
    let seals = place.seals(records)?;
    let figures = place.figures(&seals, records)?;
    print_table(&figures);
    let missed: Vec<&str> = figures.iter().filter(|figure| !figure.met()).map(|figure| figure.name).collect();
    if missed.is_empty() { Ok(()) } else { Err(format!("not met: {}", missed.join("; "))) }
}

fn parse(arguments: &[String]) -> Result<u64, String> {
    let mut records = 1_000_000;
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(wrong_option)? {
        match argument {
            Arg::Long("records") => records = parser.value().and_then(|v| v.parse()).map_err(wrong_option)?,
            other @ (Arg::Short(_) | Arg::Long(_) | Arg::Value(_)) => return Err(wrong_option(other.unexpected())),
        }
    }
    if records == 0 { Err("--records must be at least 1".into()) } else { Ok(records) }
}

/// Builds everything first, so that no compiler runs between two measurements.
fn build() -> Result<(), String> {
    execute(cargo().args(["build", "--release", "--locked", "-p", "blindlist-server"]))?;
    execute(cargo().args(["bench", "--no-run", "--locked", "-p", "blindlist-benches"]))
}

/// One home for each seal.
const HOMES: [&str; ROUNDS] = ["home-1", "home-2", "home-3"];

/// What the seals came to.
struct Seals {
    /// The median of CPU for a record over CPU for its evaluation.
    ratio: f64,
    /// The highest peak.
    peak_bytes: u64,
    /// The steps, as measured before, between and after.
    steps: Vec<Steps>,
}

/// What the steps cost, in nanoseconds.
struct Steps {
    v: f64,
    record: f64,
    server: f64,
    client: f64,
}

/// The folder of the sample, the operator's homes and the benchmarks' estimates.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn make_operator(&self, records: u64) -> Result<(), String> {
        let records = records.to_string();
        let sample = ["sample", "--out", ".", "--records", &records, "--members", "100000", "--overlap", "0.05"];
        execute(&mut self.blindlistd(&sample))?;
        HOMES
            .iter()
            .try_for_each(|home| execute(&mut self.blindlistd(&["init", "--home", home, "--operator", "figures"])))
    }

    fn bench(&self, name: &str, filter: &str) -> Result<(), String> {
        let mut command = cargo();
        command.args(["bench", "--locked", "-p", "blindlist-benches", "--bench", name, "--", filter]);
        command.args(SHORT).env("CRITERION_HOME", self.criterion());
        execute(&mut command)
    }

    /// Seals once in each home, between measurements of the steps.
    fn seals(&self, records: u64) -> Result<Seals, String> {
        let mut steps = vec![self.steps()?];
        let (mut ratios, mut peak_bytes) = (Vec::new(), 0);
        for home in HOMES {
            let before = steps.last().ok_or("nothing was measured")?;
            let usage = self.seal(home)?;
            let after = self.steps()?;
            let record = usage.cpu.as_secs_f64() * 1e9 / records as f64;
            let evaluation = (before.record + after.record) / 2.0;
            println!(
                "\nSealing a record took {:.2} µs of CPU, {:.2} µs evaluating it.",
                record / 1e3,
                evaluation / 1e3
            );
            ratios.push(record / evaluation);
            peak_bytes = peak_bytes.max(usage.peak_bytes);
            steps.push(after);
        }
        println!("\nSeal / evaluation: {ratios:.3?}");
        Ok(Seals { ratio: median(ratios), peak_bytes, steps })
    }

    /// What the steps cost now.
    fn steps(&self) -> Result<Steps, String> {
        self.bench("steps", &format!("/V$|/{CHUNK}$"))?;
        let step = |parts: &[&str]| -> Result<f64, String> {
            parts.iter().map(|part| nanoseconds(&self.criterion().join(part).join(CHUNK))).sum()
        };
        let v = nanoseconds(&self.criterion().join("steps/V"))?;
        Ok(Steps { v, record: step(&RECORD)?, server: step(&SERVER)?, client: step(&CLIENT)? })
    }

    /// What an operation costs on the fastest path, in V.
    fn operation(&self, name: &str) -> Result<f64, String> {
        let folder = self.criterion().join("primitives");
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("reading {}: {error}", folder.display()))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let paths = names.filter(|found| found.strip_prefix(name).is_some_and(|rest| rest.starts_with(", ")));
        let costs: Result<Vec<f64>, String> = paths.map(|path| nanoseconds(&folder.join(path).join(CHUNK))).collect();
        let fastest = costs?.into_iter().min_by(f64::total_cmp).ok_or_else(|| format!("{name} was not measured"))?;
        Ok(fastest / nanoseconds(&folder.join("V"))?)
    }

    fn seal(&self, home: &str) -> Result<Usage, String> {
        let seal = ["seal", "breach.csv", "--home", home, "--list", "figures", "--categories", CATEGORIES];
        let mut command = self.blindlistd(&seal);
        println!("$ {}", shown(&command));
        let (status, usage) = measure(&mut command)?;
        if status.success() { Ok(usage) } else { Err(format!("`{}` failed: {status}", shown(&command))) }
    }

    fn figures(&self, seals: &Seals, records: u64) -> Result<Vec<Figure>, String> {
        let estimates = self.criterion();
        let blinding = |name| nanoseconds(&estimates.join("blinding").join(name));
        let additive = blinding("additive")?;
        let look_up = nanoseconds(&estimates.join("index").join("look up"))? * 1e6;
        let figure = |name, measured, bound, unit| Figure { name, measured, bound, unit };
        let bits = 8.0 * self.published_bytes()? as f64 / records as f64;
        let memory = seals.peak_bytes as f64 / 1e6;
        let step = |of: fn(&Steps) -> f64| median(seals.steps.iter().map(|steps| of(steps) / steps.v).collect());
        let mut figures = vec![
            figure("bytes published for a record", bits, 49.8, "bits"),
            figure("a record, identifier to entry", step(|steps| steps.record), 0.86, "V"),
            figure("a member, request to proven answer", step(|steps| steps.server), 0.80, "V"),
            figure("a member, identifier to evaluation", step(|steps| steps.client), 0.90, "V"),
            figure("CPU to seal a record / the first", seals.ratio, 1.2, ""),
            figure("peak memory of the seal", memory, 400.0, "MB"),
            figure("additive / batched blinding", additive / blinding("multiplicative batched")?, 0.82, ""),
            figure("additive / unbatched blinding", additive / blinding("multiplicative")?, 0.65, ""),
            figure("CPU of a million look-ups", look_up / 1e9, 0.3, "s"),
        ];
        for (name, most) in OPERATIONS {
            figures.push(figure(name, self.operation(name)?, most, "V"));
        }
        Ok(figures)
    }

    /// Bytes of the manifest and the index of the only release in the first home.
    fn published_bytes(&self) -> Result<u64, String> {
        let releases = self.folder.join(HOMES[0]).join("releases");
        let failed = |error: std::io::Error| format!("reading the release in {}: {error}", releases.display());
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(&releases).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Beside the releases there is the folder's lock.
            if path.is_dir() {
                folders.push(path);
            }
        }
        let [release] = folders.as_slice() else {
            return Err(format!("{} holds {} releases instead of one", releases.display(), folders.len()));
        };
        let length = |name: &str| std::fs::metadata(release.join(name)).map(|file| file.len()).map_err(failed);
        Ok(length("manifest")? + length("index")?)
    }

    fn blindlistd(&self, arguments: &[&str]) -> Command {
        program("blindlistd", arguments, &self.folder)
    }

    fn criterion(&self) -> PathBuf {
        self.folder.join("criterion")
    }
}

/// The middle one; not a number when there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What Criterion found for a benchmark: the median in nanoseconds, for one element when it works on several.
fn nanoseconds(benchmark: &Path) -> Result<f64, String> {
    let read = |name: &str| -> Result<Value, String> {
        let path = benchmark.join("new").join(name);
        let failed = |error: &dyn std::fmt::Display| format!("reading {}: {error}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
        serde_json::from_str(&text).map_err(|error| failed(&error))
    };
    let (estimates, about) = (read("estimates.json")?, read("benchmark.json")?);
    let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
    let elements = about.pointer("/throughput/Elements").and_then(Value::as_f64).unwrap_or(1.0);
    let median = median.ok_or_else(|| format!("{} has no median", benchmark.display()))?;
    Ok(median / elements)
}

/// What a program used.
struct Usage {
    /// User and system time of all its threads.
    cpu: Duration,
    peak_bytes: u64,
}

/// Runs a program to its end. Its CPU time is what the kernel adds to this process's account when it is waited for, exact
/// to 10 ms; its peak memory is the kernel's own mark, last read at most 20 ms before the end.
fn measure(command: &mut Command) -> Result<(ExitStatus, Usage), String> {
    let name = shown(command);
    let failed = |error: std::io::Error| format!("measuring `{name}`: {error}");
    let account = || {
        let text = std::fs::read_to_string("/proc/self/stat").map_err(failed)?;
        children_cpu(&text).ok_or_else(|| "/proc/self/stat is not as proc(5) says".to_owned())
    };
    let before = account()?;
    let mut child = command.stdin(Stdio::null()).spawn().map_err(failed)?;
    let status_path = format!("/proc/{}/status", child.id());
    let mut peak_bytes = 0;
    let status = loop {
        // Gone once the program has ended: the last mark stands.
        let mark = std::fs::read_to_string(&status_path).ok().as_deref().and_then(peak);
        peak_bytes = mark.map_or(peak_bytes, |mark| peak_bytes.max(mark));
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let cpu = account()?.saturating_sub(before);
    Ok((status, Usage { cpu, peak_bytes }))
}

/// cutime + cstime of `/proc/self/stat`, proc(5): fields 16 and 17, in hundredths of a second on every Linux that Rust
/// runs on but Alpha.
fn children_cpu(stat: &str) -> Option<Duration> {
    // The name of the program, in parentheses, may hold spaces; the state behind it is field 3.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split_ascii_whitespace().skip(13).map(|field| field.parse::<u64>().ok());
    let ticks = fields.next()?? + fields.next()??;
    Some(Duration::from_millis(10 * ticks))
}

/// `VmHWM` of `/proc/PID/status`, in bytes.
fn peak(status: &str) -> Option<u64> {
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = mark.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// The table as Markdown, so that it can be pasted into BENCHMARKING.md.
fn print_table(figures: &[Figure]) {
    println!("\n{}\n", bold("Figures"));
    println!("| {:<35} | {:>13} | {:>13} | ok  |", "figure", "measured", "at most");
    println!("|{:-<37}|{:->15}|{:->15}|-----|", "", ":", ":");
    for figure in figures {
        let (measured, bound) = (format!("{:.3}", figure.measured), format!("{}", figure.bound));
        let cell = |value: String| format!("{value} {}", figure.unit).trim_end().to_owned();
        let ok = if figure.met() { "yes" } else { "NO" };
        println!("| {:<35} | {:>13} | {:>13} | {ok:<3} |", figure.name, cell(measured), cell(bound));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_cpu_is_read_behind_a_name_with_parentheses() {
        let stat = "7 (x) (y z) S 1 2 3 4 5 6 7 8 9 10 900 901 150 25 20 0";
        assert_eq!(children_cpu(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(children_cpu("7 (x) S 1 2"), None);
    }

    #[test]
    fn peak_is_the_high_water_mark() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t   123 kB\nVmRSS:\t 100 kB\n";
        assert_eq!(peak(status), Some(123 * 1024));
        assert_eq!(peak("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_program_is_measured() {
        let work = "x=0; while [ $x -lt 100000 ]; do x=$((x+1)); done; exit 3";
        let (status, usage) = measure(Command::new("sh").args(["-c", work])).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(usage.cpu > Duration::ZERO);
        assert!(usage.peak_bytes > 100_000, "{}", usage.peak_bytes);
    }

    #[test]
    fn estimates_are_for_one_element() {
        let folder = std::env::temp_dir().join(format!("figures-{}", std::process::id()));
        let new = folder.join("new");
        std::fs::create_dir_all(&new).unwrap();
        std::fs::write(new.join("estimates.json"), r#"{"median":{"point_estimate":2048.0}}"#).unwrap();
        for (about, expected) in [(r#"{"throughput":null}"#, 2048.0), (r#"{"throughput":{"Elements":1024}}"#, 2.0)] {
            std::fs::write(new.join("benchmark.json"), about).unwrap();
            assert!((nanoseconds(&folder).unwrap() - expected).abs() < 1e-9);
        }
        std::fs::write(new.join("estimates.json"), "{}").unwrap();
        assert!(nanoseconds(&folder).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn figures_are_met_up_to_their_bound() {
        let met = |measured| Figure { name: "x", measured, bound: 1.2, unit: "" }.met();
        assert!(met(1.2));
        assert!(!met(1.21));
        assert!(!met(f64::NAN));
    }

    #[test]
    fn records_default_to_a_million() {
        let parse = |words: &[&str]| parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(parse(&[]), Ok(1_000_000));
        assert_eq!(parse(&["--records", "5"]), Ok(5));
        for wrong in [&["--records", "0"][..], &["--records", "x"], &["--members", "5"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
