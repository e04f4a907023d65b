//! An insurer: a profile folder, and what is done with it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::object;
use tempfile::TempDir;

use crate::programs::{Ran, Running, blindlist, run};
use crate::{Operator, Results, Serving};

/// An insurer in a folder of its own, which is removed with it.
#[derive(Debug)]
pub struct Insurer {
    folder: TempDir,
    name: String,
}

impl Insurer {
    /// Makes one with `blindlist enroll`.
    pub fn new(name: &str) -> Self {
        let insurer = Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() };
        insurer.run(&["enroll", "--name", name]).ends(0);
        insurer
    }

    /// Makes one that an operator has approved for `budget` members and that has installed the bundle.
    pub fn enrolled(name: &str, operator: &Operator, budget: u64) -> Self {
        let insurer = Self::new(name);
        let bundle = insurer.approved(operator, budget);
        insurer.join(&bundle).ends(0);
        insurer
    }

    /// Has the operator approve this insurer's request: the bundle.
    pub fn approved(&self, operator: &Operator, budget: u64) -> PathBuf {
        let (request, bundle) = (self.request(), self.path("bundle"));
        let fingerprint = fingerprint(&request);
        approve(operator, &request, &self.name, budget, &bundle, Some(&fingerprint)).ends(0);
        bundle
    }

    /// Installs a bundle, whose fingerprint it believes.
    pub fn join(&self, bundle: &Path) -> Ran {
        self.run(&["join", bundle.to_str().unwrap(), "--fingerprint", &fingerprint(bundle)])
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bundle that an operator made for it.
    pub fn bundle(&self) -> Bundle {
        object::open_self_signed(&fs::read(self.path("bundle")).unwrap()).unwrap()
    }

    /// Its profile folder.
    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// Its enrolment request.
    pub fn request(&self) -> PathBuf {
        self.profile().join("request.csr")
    }

    /// A path next to its profile.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Bytes of the files in a folder of its profile.
    pub fn disk(&self, folder: &str) -> u64 {
        let files = fs::read_dir(self.profile().join(folder)).into_iter().flatten().map_while(Result::ok);
        files.map(|file| file.metadata().unwrap().len()).sum()
    }

    /// Writes a file next to its profile.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A file with a passphrase, which the insurer alone can read.
    pub fn passphrase(&self) -> PathBuf {
        let path = self.file("passphrase", "ten words that nobody has said before in this order\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Runs `blindlist` with these arguments and this profile.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments))
    }

    /// `blindlist` with these arguments and this profile, in the folder above the profile.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = blindlist(arguments);
        command.arg("--profile").arg(self.profile()).current_dir(self.folder.path());
        command
    }

    /// `check`, results in the folder `out` next to the profile.
    pub fn check_command(&self, members: &Path, server: &str, out: &str, more: &[&str]) -> Command {
        let members = members.to_str().unwrap();
        self.command(&[&["check", members, "--server", server, "--out", out], more].concat())
    }

    /// Runs `check`, results in the folder `out` next to the profile.
    pub fn check(&self, members: &Path, server: &Serving, out: &str, more: &[&str]) -> Ran {
        run(self.check_command(members, &server.address(), out, more))
    }

    /// Starts `check`.
    pub fn start_check(&self, members: &Path, server: &str, out: &str, more: &[&str]) -> Running {
        Running::start(self.check_command(members, server, out, more))
    }

    /// What a check has left in the folder `out`.
    pub fn results(&self, out: &str) -> Results {
        Results::new(self.path(out))
    }

    /// Whether a chunk of an unfinished job has been sent, or is about to be.
    pub fn has_sent(&self) -> bool {
        let mut jobs = fs::read_dir(self.profile().join("jobs")).into_iter().flatten().map_while(Result::ok);
        jobs.any(|job| job.path().join("sent").exists())
    }

    /// The answers that unfinished jobs have kept so far.
    pub fn answers_kept(&self) -> usize {
        let jobs = fs::read_dir(self.profile().join("jobs")).into_iter().flatten();
        let answers = jobs.map_while(Result::ok).filter_map(|job| fs::read_dir(job.path().join("answers")).ok());
        let named = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        answers.flatten().map_while(Result::ok).filter(|entry| entry.file_name().to_str().is_some_and(named)).count()
    }
}

/// What `blindlist fingerprint` prints for a file.
pub fn fingerprint(file: &Path) -> String {
    run(blindlist(["fingerprint", file.to_str().unwrap()])).ends(0).stdout.trim_end().to_owned()
}

/// Runs `blindlistd insurer approve`.
pub fn approve(
    operator: &Operator,
    request: &Path,
    name: &str,
    budget: u64,
    bundle: &Path,
    fingerprint: Option<&str>,
) -> Ran {
    let budget = budget.to_string();
    let (request, bundle) = (request.to_str().unwrap(), bundle.to_str().unwrap());
    let terms = ["insurer", "approve", request, "--name", name, "--budget", &budget, "--out", bundle];
    let confirmed: &[&str] = match &fingerprint {
        Some(fingerprint) => &["--fingerprint", fingerprint],
        None => &[],
    };
    operator.run(&[&terms, confirmed].concat())
}
