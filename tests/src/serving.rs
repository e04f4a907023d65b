//! `blindlistd serve` as a process that is stopped, killed and started again.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Operator;
use crate::measure::{peak_memory, processor_time};
use crate::programs::{PATIENCE, hang_up, terminate, until};

/// What the server says when it is ready, before its address.
const READY: &str = "blindlistd: listening on ";

/// A running server; killed when it is dropped. It must not have logged a failure.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
    /// It was made to fail on purpose.
    forgiven: bool,
}

impl Serving {
    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it ends before that, with what it said.
    pub fn start(operator: &Operator, listen: &str) -> Self {
        Self::try_start(operator, listen).unwrap_or_else(|log| panic!("the server did not come up:\n{log}"))
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// What it said, when it ended before that.
    pub fn try_start(operator: &Operator, listen: &str) -> Result<Self, String> {
        Self::try_start_as(operator.command(&["serve", "--listen", listen]))
    }

    /// Starts it as this command says and waits until it listens.
    ///
    /// # Errors
    /// What it said, when it ended before that.
    pub fn try_start_as(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (send, receive) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        let listener = thread::spawn({
            let log = Arc::clone(&log);
            move || listen_to(stderr, &log, &send)
        });
        match receive.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Self { child, address, log, listener: Some(listener), forgiven: false }),
            Err(reason @ (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("{reason}\n{}", log.lock().unwrap()))
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Where its admin page is, if it was started with one.
    ///
    /// # Panics
    /// When it was not.
    pub fn admin(&self) -> String {
        let log = self.log();
        let (_, rest) = log.split_once("status page at http://").unwrap_or_else(|| panic!("no admin page:\n{log}"));
        rest.split_once('/').unwrap().0.to_owned()
    }

    /// Kills it (SIGKILL) and says what it had said.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end()
    }

    /// Asks it to stop (SIGTERM), waits until it has, and says what it had said.
    ///
    /// # Panics
    /// When it does not end in order.
    pub fn stop(mut self) -> String {
        self.ask_to_stop();
        let status = self.child.wait().unwrap();
        let log = self.end();
        assert!(status.success(), "{status}:\n{log}");
        log
    }

    /// Asks it to stop (SIGTERM), and does not wait.
    pub fn ask_to_stop(&self) {
        terminate(&self.child);
    }

    /// Has it read its configuration again (SIGHUP), and waits until it has.
    pub fn reload(&self) {
        let said = |log: &str| {
            log.matches("SIGHUP: blindlistd.toml was read").count() + log.matches("SIGHUP: nothing").count()
        };
        let before = said(&self.log());
        hang_up(&self.child);
        until("the configuration is read again", || said(&self.log()) > before);
    }

    /// From now on it may have logged a failure.
    pub fn forgive(&mut self) {
        self.forgiven = true;
    }

    /// What the kernel says about its process: a file in /proc.
    pub fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// The most memory that it has had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        peak_memory(&self.proc("status")).unwrap()
    }

    /// Processor time that it has taken, exact to 10 ms.
    pub fn cpu(&self) -> Duration {
        processor_time(&self.proc("stat")).unwrap().own
    }

    /// How many file descriptors it has.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    fn end(&mut self) -> String {
        self.child.wait().unwrap();
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        self.log()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let log = self.end();
        // Whatever insurers send, nothing in the server may fail because of it.
        let failed = log.contains("ERROR") || log.contains("panicked");
        assert!(!failed || self.forgiven || thread::panicking(), "the server failed:\n{log}");
    }
}

fn listen_to(stderr: ChildStderr, log: &Mutex<String>, ready: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(address) = line.strip_prefix(READY) {
            // Nobody waits any more when the server was too slow.
            let _ = ready.send(address.trim().parse().unwrap());
        }
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}
