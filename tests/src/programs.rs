//! The programs under test: built once for each test process, run to their end or killed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before it counts as hanging. Far beyond what a slow machine needs.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The environment variable with the folder of the programs to test, when they are not to be built from this tree.
const PROGRAMS: &str = "BLINDLIST_PROGRAMS";

/// The operator's program with these arguments.
pub fn blindlistd<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    program(PATH.get_or_init(|| build("blindlist-server", "blindlistd")), arguments)
}

/// The insurer's program with these arguments.
pub fn blindlist<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    program(PATH.get_or_init(|| build("blindlist-client", "blindlist")), arguments)
}

/// The top of the repository.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn program<S: AsRef<std::ffi::OsStr>>(path: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(path);
    // Logs of a developer's liking must not get among what the tests compare.
    command.args(arguments).env_remove("BLINDLIST_LOG").env_remove("RUST_LOG");
    command
}

fn build(package: &str, name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(PROGRAMS) {
        return Path::new(&folder).join(name);
    }
    let manifest = root().join("Cargo.toml");
    let build = escargot::CargoBuild::new().manifest_path(manifest).package(package).bin(name).current_release();
    match build.run() {
        Ok(run) => run.path().to_owned(),
        Err(error) => panic!("building {name}: {error}"),
    }
}

/// Runs a program to its end, without a terminal.
pub fn run(command: Command) -> Ran {
    Running::start(command).wait()
}

/// A program under way; killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    shown: String,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts it, without a terminal.
    pub fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("starting {shown}: {error}"));
        let stdout = gather(child.stdout.take().unwrap());
        let stderr = gather(child.stderr.take().unwrap());
        Self { child, shown, stdout, stderr }
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// When it hangs.
    pub fn wait(mut self) -> Ran {
        let (stdout, stderr) = match (self.stdout.recv_timeout(PATIENCE), self.stderr.recv_timeout(PATIENCE)) {
            (Ok(stdout), Ok(stderr)) => (stdout, stderr),
            (stdout, stderr) => panic!("{} hangs: {stdout:?} {stderr:?}", self.shown),
        };
        let status = self.child.wait().unwrap();
        Ran { shown: std::mem::take(&mut self.shown), code: status.code(), stdout, stderr }
    }

    /// Kills it (SIGKILL): it has no chance to tidy up. Whether it had ended before that.
    pub fn kill(mut self) -> bool {
        let ended = self.has_ended();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        ended
    }

    /// Asks it to end, as Ctrl-C does (SIGINT).
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        terminate(&self.child);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that a pipe says, once it is closed.
fn gather(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks has said what it had to say.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}

/// Asks a process to end (SIGTERM).
pub fn terminate(child: &Child) {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
}

/// Tells a process to read its configuration again (SIGHUP).
pub fn hang_up(child: &Child) {
    kill_process(Pid::from_child(child), Signal::HUP).unwrap();
}

/// Waits until `happened`, looking again and again.
///
/// # Panics
/// When it never does.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    shown: String,
    code: Option<i32>,
    /// All that it wrote to standard output.
    pub stdout: String,
    /// All that it wrote to standard error.
    pub stderr: String,
}

impl Ran {
    /// Requires that it ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Requires that its last line on standard error is one sentence of the program that holds all of these.
    #[track_caller]
    pub fn complains(self, about: &[&str]) -> Self {
        let last = self.stderr.trim_end().lines().last().unwrap_or_default();
        assert!(last.starts_with("blindlist: ") || last.starts_with("blindlistd: "), "no sentence: {self}");
        for word in about {
            assert!(last.contains(word), "{word:?} is missing in the last line of {self}");
        }
        self.is_printable()
    }

    /// Requires that standard output holds all of these.
    #[track_caller]
    pub fn prints(self, what: &[&str]) -> Self {
        for word in what {
            assert!(self.stdout.contains(word), "{word:?} is missing in standard output of {self}");
        }
        self.is_printable()
    }

    /// Requires that nothing of it could do anything to a terminal.
    #[track_caller]
    pub fn is_printable(self) -> Self {
        let hostile =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
        assert!(!self.stdout.contains(hostile) && !self.stderr.contains(hostile), "control characters in {self:?}");
        self
    }

    /// Requires that none of these is anywhere in its output.
    #[track_caller]
    pub fn is_silent_about<S: AsRef<str>>(self, secrets: &[S]) -> Self {
        for secret in secrets {
            let secret = secret.as_ref();
            assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret), "{secret:?} is in {self}");
        }
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shown, code, stdout, stderr } = self;
        write!(f, "{shown}\nended with {code:?}\n--- standard output\n{stdout}--- standard error\n{stderr}---")
    }
}
