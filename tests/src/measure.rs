//! What a program took: for measurements, which wait as long as it takes.

use std::fs;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// From its start to its end.
    pub wall: Duration,
    /// The most memory that it had, in bytes (`VmHWM`), last read at most 20 ms before its end.
    pub peak: u64,
}

/// Runs a program to its end, in silence; it must end with 0.
pub fn measure(mut command: Command) -> Usage {
    let shown = format!("{command:?}");
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        peak = peak.max(fs::read_to_string(&status).ok().as_deref().and_then(peak_memory).unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(0), "{shown}");
    Usage { wall: began.elapsed(), peak }
}

/// What each of several elements took beside its cryptography, in V, when all took so many seconds of all cores, and their
/// cryptography alone takes `alone`. `v` is V in µs.
pub fn beside(took: f64, alone: f64, elements: f64, v: f64) -> f64 {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get) as f64;
    (took - alone) * cores * 1e6 / elements / v
}

/// The numbers that a measurement was started with, by the names of their options; those here where it was told nothing.
///
/// # Panics
/// For anything else on its command line.
pub fn numbers<const N: usize>(options: [(&str, u64); N]) -> [u64; N] {
    let mut numbers = options.map(|(_, number)| number);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let place = options.iter().position(|(known, _)| *known == name);
        let names = options.map(|(known, _)| known).join(" N or ");
        let place = place.unwrap_or_else(|| panic!("looked for {names} N, found {name}"));
        numbers[place] = arguments.next().unwrap().parse().unwrap();
    }
    numbers
}

/// `VmHWM` of `/proc/PID/status`, in bytes; nothing once the process has ended.
pub fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// User and system time of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Of all its threads.
    pub own: Duration,
    /// Of its children that ended and were waited for.
    pub children: Duration,
}

/// The processor time that `/proc/PID/stat` tells: proc(5), fields 14 to 17, in hundredths of a second.
pub fn processor_time(stat: &str) -> Option<ProcessorTime> {
    // The name of the program, in parentheses, may hold spaces; the state behind it is field 3.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split_ascii_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    let mut both = || Some(Duration::from_millis(10 * (ticks.next()? + ticks.next()?)));
    Some(ProcessorTime { own: both()?, children: both()? })
}

/// What the programs took that this process has started and waited for.
pub fn spent_by_programs() -> Duration {
    processor_time(&fs::read_to_string("/proc/self/stat").unwrap()).unwrap().children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_name_with_parentheses() {
        let stat = "7 (x) (y z) S 1 2 3 4 5 6 7 8 9 10 900 901 150 25 20 0";
        let (own, children) = (Duration::from_millis(18_010), Duration::from_millis(1_750));
        assert_eq!(processor_time(stat), Some(ProcessorTime { own, children }));
        assert_eq!(processor_time("7 (x) S 1 2"), None);
    }
}
