//! What there is of unfinished jobs, for somebody who only looks: without the lock, and without touching a seed.

use std::fs;
use std::path::{Path, PathBuf};

use blindlist_protocol::ids::JobId;
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::{StoreError, text};
use serde::{Deserialize, Serialize};

use super::{Jobs, MAX_JOB_FILE, Unfinished, read};
use crate::ClientError;
use crate::profile::Profile;

/// The file of the command line that began a job.
const COMMAND: &str = "command.json";

/// The unfinished jobs of a profile.
#[derive(Debug)]
pub struct Looked {
    /// In the order in which they were begun.
    pub jobs: Vec<Look>,
    /// Whether a check is under way now, to which one of them may belong.
    pub busy: bool,
}

/// An unfinished job.
#[derive(Debug)]
pub struct Look {
    /// Its id.
    pub id: JobId,
    /// What it is about; none when that is damaged, or what another version wrote.
    pub about: Option<Unfinished>,
    /// Chunks whose answers are here.
    pub answered: u32,
    /// The command line that began it, if it is known.
    pub command: Option<CommandLine>,
}

/// A command line, and the folder in which it was entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandLine {
    folder: PathBuf,
    words: Vec<String>,
}

impl Profile {
    /// Looks at the unfinished jobs.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn look_at_jobs(&self) -> Result<Looked, ClientError> {
        let path = self.jobs_path();
        if !path.exists() {
            return Ok(Looked { jobs: Vec::new(), busy: false });
        }
        let failed = |source| StoreError::io("list the folder", &path, source);
        let mut jobs = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                jobs.extend(look(id, &entry.path()));
            }
        }
        let begun = |job: &Look| job.about.as_ref().map(|about| about.created.clone());
        jobs.sort_by_key(|job| (begun(job), job.id));
        let busy = matches!(self.jobs(), Err(ClientError::Store(StoreError::Locked { .. })));
        Ok(Looked { jobs, busy })
    }
}

/// A job in its folder; none when it is being made or removed.
fn look(id: JobId, folder: &Path) -> Option<Look> {
    let about = match read(folder, id) {
        Ok(None) => return None,
        Ok(about) => about,
        Err(_) => None,
    };
    let count = about.as_ref().map_or(0, Unfinished::chunks);
    let command = read_limited(folder.join(COMMAND), MAX_JOB_FILE).ok();
    let command = command.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Some(Look { id, about, answered: answered(folder, count), command })
}

/// Answers that are in a job's folder.
pub(super) fn answered(folder: &Path, chunks: u32) -> u32 {
    let Ok(entries) = fs::read_dir(folder.join("answers")) else { return 0 };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let here = entries.filter_map(|entry| number(entry.ok()?)).filter(|number| *number < chunks).count();
    u32::try_from(here).unwrap_or(u32::MAX)
}

impl Jobs {
    /// Keeps the command line that began a job, or goes on with it, so that it can be shown how to go on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_command(&self, id: JobId, command: &CommandLine) -> Result<(), StoreError> {
        let Ok(json) = serde_json::to_vec_pretty(command) else { return Ok(()) };
        write_atomic(self.folder.join(id.to_string()).join(COMMAND), &json)
    }
}

impl CommandLine {
    /// A command line of these words, the program's name first, entered in a folder.
    pub fn new(folder: PathBuf, words: Vec<String>) -> Self {
        Self { folder, words }
    }

    /// The one that this process was begun with, if all of it is text.
    pub(crate) fn of_this_process() -> Option<Self> {
        let words = std::env::args_os().map(|word| word.into_string().ok());
        Some(Self { folder: std::env::current_dir().ok()?, words: words.collect::<Option<_>>()? })
    }

    /// How to go on from that folder, ready to be entered in a shell.
    pub fn to_resume_here(&self) -> String {
        let words = self.words.iter().filter(|word| *word != "--resume");
        let quoted: Vec<String> = words.map(|word| text::word(Path::new(word))).collect();
        format!("{} --resume", quoted.join(" "))
    }

    /// How to go on from any folder.
    pub fn to_resume(&self) -> String {
        format!("cd {} && {}", text::word(&self.folder), self.to_resume_here())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_ready_to_be_entered_and_resumes_once() {
        let words = ["blindlist", "check", "my members.csv", "--resume", "--out", "r", "--column", "nir=N° $"];
        let command = CommandLine::new("/home/it's".into(), words.map(str::to_owned).to_vec());
        let here = "blindlist check 'my members.csv' --out r --column 'nir=N° $' --resume";
        assert_eq!(command.to_resume_here(), here);
        assert_eq!(command.to_resume(), format!(r"cd '/home/it'\''s' && {here}"));
        let read: CommandLine = serde_json::from_slice(&serde_json::to_vec(&command).unwrap()).unwrap();
        assert_eq!(read, command);
    }
}
