//! A PostgreSQL server for the tests: its data and its socket in a temporary folder, and gone with the process that
//! started it, however that ends. The unit tests of the ledger use this file too, so it needs the standard library alone.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the server, says so, waits until standard input is closed, and removes everything. $1 is the folder, $2 where
/// PostgreSQL's programs are.
const SCRIPT: &str = r#"
cd "$1" && PATH="$2:$PATH" || exit 1
initdb -D data -U blindlist -A trust -E UTF8 --locale=C --no-sync >log 2>&1 &&
printf '%s\n' "unix_socket_directories = '$1'" "listen_addresses = ''" "fsync = off" "max_connections = 300" \
    "shared_buffers = 32MB" >>data/postgresql.conf &&
pg_ctl -D data -w -l log start >/dev/null && echo ready || cat log
cat >/dev/null
pg_ctl -D data -m immediate stop >/dev/null
rm -rf "$1"
"#;

/// A server of this process.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    _script: Child,
    /// Closed with the process, which ends the script.
    _alive: ChildStdin,
}

/// The server that the tests of this process share.
///
/// # Panics
/// When there is no PostgreSQL.
pub fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no PostgreSQL, or it does not start.
    pub fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let programs = programs();
        let name = format!("blindlist-pg-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a new folder");
        if is_root() {
            let owned = Command::new("chown").arg("postgres:").arg(&folder).status();
            assert!(owned.is_ok_and(|status| status.success()), "there is no user postgres: {MISSING}");
        }
        let mut script = as_somebody("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&folder).arg(&programs);
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let alive = script.stdin.take().expect("a pipe");
        let mut said = BufReader::new(script.stdout.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("text");
        if line != "ready\n" {
            drop(alive);
            said.read_to_string(&mut line).expect("text");
            panic!("PostgreSQL did not start:\n{line}");
        }
        Self { folder, programs, _script: script, _alive: alive }
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        format!("postgres:///{name}?host={}&user=blindlist", self.folder.display())
    }

    /// Runs a statement in the database of an address, and says what it answered: cells parted by `|`.
    pub fn sql(&self, address: &str, statement: &str) -> String {
        let name = address.trim_start_matches("postgres:///").split('?').next().expect("a name");
        self.run(name, statement)
    }

    /// Stops it at once: every connection is lost.
    pub fn stop(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// Starts it again.
    pub fn start_again(&self) {
        self.control(&["-w", "-l", "log", "start"]);
    }

    fn control(&self, what: &[&str]) {
        let mut command = as_somebody(self.programs.join("pg_ctl"));
        command.args(["-D", "data"]).args(what).current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        assert!(command.status().is_ok_and(|status| status.success()), "pg_ctl {what:?}");
    }

    fn run(&self, database: &str, statement: &str) -> String {
        let mut command = Command::new(self.programs.join("psql"));
        command.arg("-h").arg(&self.folder).args(["-U", "blindlist", "-d", database, "-XAtqc", statement]);
        let output = command.stdin(Stdio::null()).output().expect("psql");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }
}

const MISSING: &str = "PostgreSQL is missing; `cargo xtask test --install` installs it";

/// Debian keeps them out of the PATH, by version.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map_while(Result::ok);
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = folders.into_iter().rev().chain(std::env::split_paths(&path));
    all.find(|folder| folder.join("initdb").exists()).expect(MISSING)
}

fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|found| found.uid() == 0)
}

/// A program as another user when we are root, which PostgreSQL refuses to run as.
fn as_somebody(program: impl AsRef<OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}
