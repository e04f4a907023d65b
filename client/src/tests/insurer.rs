//! An insurer's computer, where checks are run against an operator in this process.

use std::path::{Path, PathBuf};

use blindlist_protocol::enrolment::Fingerprint;
use blindlist_protocol::live::Live;
use blindlist_protocol::object;
use blindlist_records::TableOptions;

use super::operator::{NOW, Operator, run, slug};
use crate::check::{self, CheckOptions, MemberFile, Summary};
use crate::profile::Profile;
use crate::room::Room;
use crate::{ClientError, Stop, enroll, live};

/// An insurer's computer.
pub(super) struct Insurer {
    pub(super) home: tempfile::TempDir,
}

impl Insurer {
    /// An insurer enrolled with the operator.
    pub(super) fn joined(operator: &mut Operator) -> Self {
        let insurer = Self { home: tempfile::tempdir().unwrap() };
        enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
        insurer.join(operator).unwrap();
        insurer
    }

    /// Has the operator approve the request, and installs the bundle.
    pub(super) fn join(&self, operator: &mut Operator) -> Result<(), ClientError> {
        let request = object::open_self_signed(&self.read("profile/request.csr")).unwrap();
        let bundle = operator.approve(&request);
        std::fs::write(self.path("bundle"), &bundle).unwrap();
        enroll::join(&self.path("bundle"), &self.profile(), Some(Fingerprint::of(&bundle)))?;
        Ok(())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(super) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.home.path().join(name)).unwrap()
    }

    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(super) fn profile(&self) -> Profile {
        Profile::open(&self.path("profile")).unwrap()
    }

    /// Writes the member file.
    pub(super) fn has(&self, members: impl AsRef<[u8]>) {
        std::fs::write(self.path("members.csv"), members).unwrap();
    }

    pub(super) fn options(&self) -> CheckOptions {
        CheckOptions {
            members: MemberFile::new(self.path("members.csv"), TableOptions::default()),
            out: self.path("out"),
            list: None,
            scheme: None,
            columns: vec![],
            resume: false,
            evidence: None,
            room: Room::new(&self.path("profile"), None, Room::MEMORY),
        }
    }

    /// Checks the member file.
    pub(super) fn check(&self, operator: &Operator) -> Result<Summary, ClientError> {
        self.check_with(operator, &self.options())
    }

    pub(super) fn check_with(&self, operator: &Operator, options: &CheckOptions) -> Result<Summary, ClientError> {
        self.check_until(operator, options, &Stop::never())
    }

    /// A check that Ctrl-C may end.
    pub(super) fn check_until(
        &self,
        operator: &Operator,
        options: &CheckOptions,
        stop: &Stop,
    ) -> Result<Summary, ClientError> {
        run(check::ask(&self.profile(), operator, options, stop, NOW))?.conclude(|| NOW)
    }

    /// Goes on with a check.
    pub(super) fn resume(&self, operator: &Operator) -> Result<Summary, ClientError> {
        self.check_with(operator, &CheckOptions { resume: true, ..self.options() })
    }

    /// What is live at a time.
    pub(super) fn refresh(&self, operator: &Operator, now: u64) -> Result<Live, ClientError> {
        let profile = self.profile();
        run(live::refresh(&profile, &profile.enrolled().unwrap(), operator, now))
    }

    /// The ids of unfinished jobs.
    pub(super) fn unfinished(&self) -> usize {
        self.profile().jobs().unwrap().unfinished().unwrap().len()
    }

    /// Whether no result and no temporary file is there.
    pub(super) fn has_no_result(&self) -> bool {
        std::fs::read_dir(self.path("out")).unwrap().next().is_none()
    }
}
