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
use crate::{Caller, ClientError, enroll, live};

/// An insurer's computer.
pub(crate) struct Insurer {
    pub(crate) home: tempfile::TempDir,
}

impl Insurer {
    /// An insurer enrolled with the operator.
    pub(crate) fn joined(operator: &mut Operator) -> Self {
        let insurer = Self { home: tempfile::tempdir().unwrap() };
        enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
        insurer.join(operator).unwrap();
        insurer
    }

    /// Has the operator approve the request, and installs the bundle.
    pub(crate) fn join(&self, operator: &mut Operator) -> Result<(), ClientError> {
        self.join_as(operator, "profile")
    }

    /// As [`Self::join`], in another profile.
    pub(crate) fn join_as(&self, operator: &mut Operator, profile: &str) -> Result<(), ClientError> {
        let profile = Profile::open(&self.path(profile)).unwrap();
        let request = object::open_self_signed(&std::fs::read(profile.request_path()).unwrap()).unwrap();
        let bundle = operator.approve(&request);
        std::fs::write(self.path("bundle"), &bundle).unwrap();
        enroll::join(&self.path("bundle"), &profile, Some(Fingerprint::of(&bundle)))?;
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.home.path().join(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn profile(&self) -> Profile {
        Profile::open(&self.path("profile")).unwrap()
    }

    /// Writes the member file.
    pub(crate) fn has(&self, members: impl AsRef<[u8]>) {
        std::fs::write(self.path("members.csv"), members).unwrap();
    }

    pub(crate) fn options(&self) -> CheckOptions {
        let members = MemberFile::new(self.path("members.csv"), TableOptions::default());
        CheckOptions::new(members, self.path("out"), Room::new(&self.path("profile"), None, Room::MEMORY))
    }

    /// Checks the member file.
    pub(crate) fn check(&self, operator: &Operator) -> Result<Summary, ClientError> {
        self.check_with(operator, &self.options())
    }

    pub(crate) fn check_with(&self, operator: &Operator, options: &CheckOptions) -> Result<Summary, ClientError> {
        self.check_until(operator, options, &Caller::nobody())
    }

    /// A check that Ctrl-C may end.
    pub(crate) fn check_until(
        &self,
        operator: &Operator,
        options: &CheckOptions,
        caller: &Caller,
    ) -> Result<Summary, ClientError> {
        let profile = self.profile();
        run(check::ask(asked(&profile, operator), options, caller, NOW))?.conclude(|| NOW)
    }

    /// Goes on with a check.
    pub(crate) fn resume(&self, operator: &Operator) -> Result<Summary, ClientError> {
        self.check_with(operator, &CheckOptions { resume: true, ..self.options() })
    }

    /// What is live at a time.
    pub(crate) fn refresh(&self, operator: &Operator, now: u64) -> Result<Live, ClientError> {
        let profile = self.profile();
        run(live::refresh(&profile, &profile.enrolled().unwrap(), operator, &Caller::nobody(), now))
    }

    /// The ids of unfinished jobs.
    pub(crate) fn unfinished(&self) -> usize {
        self.profile().jobs().unwrap().unfinished().unwrap().len()
    }

    /// Whether no result and no temporary file is there.
    pub(crate) fn has_no_result(&self) -> bool {
        std::fs::read_dir(self.path("out")).unwrap().next().is_none()
    }
}

/// One operator to be asked.
pub(crate) fn asked<'a>(profile: &'a Profile, operator: &'a Operator) -> Vec<check::Operator<'a, &'a Operator>> {
    vec![check::Operator { profile, channel: Ok(operator) }]
}
