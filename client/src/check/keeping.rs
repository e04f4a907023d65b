//! Evidence of a check's jobs, kept before anything of them is sent: [`crate::evidence`].

use std::path::{Path, PathBuf};

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{InsurerId, JobId};
use blindlist_protocol::job::JobSeed;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_records::{Column, TableOptions};
use blindlist_store::passphrase::Passphrase;

use super::CheckOptions;
use super::plan::Part;
use super::reading::Reading;
use super::select::Selection;
use crate::ClientError;
use crate::evidence::{self, About};
use crate::profile::{Enrolled, Profile};

/// Where and how evidence is kept, if it is.
pub(super) struct Keeping<'a> {
    folder: PathBuf,
    passphrase: Option<&'a Passphrase>,
    insurer: InsurerId,
    signing_key: VerifyingKey,
    members: PathBuf,
    members_sha256: String,
    columns: Vec<(Column, String)>,
    options: TableOptions,
    scheme: Scheme,
}

impl<'a> Keeping<'a> {
    /// As the command line says it.
    pub(super) fn new(profile: &Profile, enrolled: &Enrolled, options: &'a CheckOptions, reading: &Reading) -> Self {
        Self {
            folder: profile.evidence_path(),
            passphrase: options.evidence.as_ref(),
            insurer: enrolled.bundle().insurer_id,
            signing_key: enrolled.keys().signing().verifying(),
            members: options.members.full_path(),
            members_sha256: reading.sha256.clone(),
            columns: reading.columns.clone(),
            options: reading.members.options().clone(),
            scheme: reading.scheme,
        }
    }

    /// The folder of all evidence.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether evidence was asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Whether there is, or will be, evidence of the job to go on with, or of a new one.
    pub(super) fn keeps(&self, job: Option<JobId>) -> bool {
        self.is_wanted() || job.is_some_and(|job| evidence::is_kept(&self.folder, &job))
    }

    /// Keeps the evidence of a job, if it is wanted and not there.
    pub(super) fn keep(
        &self,
        part: &Part,
        (job, seed): (JobId, &JobSeed),
        selection: &Selection,
        created: &str,
    ) -> Result<(), ClientError> {
        let Some(passphrase) = self.passphrase.filter(|_| !evidence::is_kept(&self.folder, &job)) else {
            return Ok(());
        };
        let about = About {
            job,
            insurer: self.insurer,
            signing_key: self.signing_key,
            holder: part.holder,
            scheme: self.scheme,
            columns: self.columns.clone(),
            options: self.options.clone(),
            members: self.members.clone(),
            members_sha256: self.members_sha256.clone(),
            elements: selection.elements,
            created: created.to_owned(),
        };
        evidence::keep(&self.folder, &about, &part.epoch, (seed, selection.asked.as_ref()), passphrase)
    }
}
