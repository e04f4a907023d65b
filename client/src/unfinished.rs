//! `blindlist jobs`: which checks are unfinished, and how to go on with them.
//!
//! It changes nothing, and shows nothing of a member.

use std::fmt;
use std::path::{Path, PathBuf};

use blindlist_store::text;
use serde::Serialize;

use crate::ClientError;
use crate::profile::Profile;
use crate::profile::jobs::look::{Look, Looked};

/// The unfinished checks of a profile, by its `Display` or as JSON.
#[derive(Debug, Serialize)]
pub struct UnfinishedJobs {
    jobs: Vec<Shown>,
    /// Whether a check is under way now.
    busy: bool,
    #[serde(skip)]
    profile: PathBuf,
}

#[derive(Debug, Serialize)]
struct Shown {
    job: String,
    begun: Option<String>,
    members: Option<String>,
    scheme: Option<String>,
    epoch: Option<String>,
    chunks: Option<u32>,
    answered: u32,
    /// The command line that goes on.
    resume: Option<String>,
}

/// Looks at a profile.
///
/// # Errors
/// [`ClientError::Store`].
pub fn unfinished(profile: &Profile) -> Result<UnfinishedJobs, ClientError> {
    let Looked { jobs, busy } = profile.look_at_jobs()?;
    let jobs = jobs.into_iter().map(|job| Shown::new(job, profile.path())).collect();
    Ok(UnfinishedJobs { jobs, busy, profile: profile.path().to_owned() })
}

impl Shown {
    fn new(job: Look, profile: &Path) -> Self {
        let Look { id, about, answered, command } = job;
        let job = id.to_string();
        let Some(about) = about else {
            let (begun, members, scheme, epoch) = (None, None, None, None);
            return Self { job, begun, members, scheme, epoch, chunks: None, answered, resume: None };
        };
        let chunks = about.chunks();
        let subject = about.subject;
        let (members, profile) = (text::word(Path::new(&subject.members)), text::word(profile));
        let usual = || format!("blindlist check {members} --profile {profile} --out DIR --resume");
        Self {
            job,
            begun: Some(about.created),
            scheme: Some(subject.scheme),
            epoch: Some(subject.epoch),
            chunks: Some(chunks),
            answered,
            resume: Some(command.map_or_else(usual, |command| command.to_resume())),
            members: Some(subject.members),
        }
    }
}

impl fmt::Display for UnfinishedJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.jobs.is_empty() {
            f.write_str("no check is unfinished\n")?;
        }
        for job in &self.jobs {
            write!(f, "{job}\n\n")?;
        }
        if self.busy {
            f.write_str("a check is under way now\n")?;
        } else if !self.jobs.is_empty() {
            let profile = text::word(&self.profile);
            writeln!(f, "what is not wanted any more is removed by: blindlist forget --profile {profile} --job JOB")?;
        }
        Ok(())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job       {}", self.job)?;
        let (Some(begun), Some(members), Some(chunks)) = (&self.begun, &self.members, self.chunks) else {
            return f.write_str("\nproblem   it is damaged, or another version of this program began it");
        };
        let escape = |text: &str| text::path(Path::new(text));
        write!(f, "\nbegun     {}\nmembers   {}", escape(begun), escape(members))?;
        for (name, value) in [("scheme    ", &self.scheme), ("epoch     ", &self.epoch)] {
            write!(f, "\n{name}{}", value.as_deref().map(escape).unwrap_or_default())?;
        }
        write!(f, "\nanswered  {} of {chunks} chunks", self.answered)?;
        write!(f, "\ngo on     {}", self.resume.as_deref().unwrap_or_default())
    }
}
