//! Unfinished jobs: `jobs/JOB/` holds one check's share in one epoch until its results are written.
//!
//! ```text
//! seed            32 random bytes: whoever has them can open every element of the job; removed first
//! job.json        what the job is about; written last, so that a folder without both is no job
//! asked           whom it asks about, if the others' evaluations are remembered: 16 bytes each, which tell nothing without the
//!                 seed
//! sent            how many chunks, from 0, may have been sent
//! command.json    the command line that began it, to be shown: see [`look`]
//! answers/N       the answer to chunk N, as it came, proven before it was written
//! ```

pub(crate) mod asked;
pub mod look;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::JobId;
use blindlist_protocol::job::JobSeed;
use blindlist_protocol::message::{Evaluated, Response};
use blindlist_protocol::object;
use blindlist_protocol::params::{MAX_CHUNK, MAX_RESPONSE};
use blindlist_protocol::receipt::Receipt;
use blindlist_records::TableOptions;
use blindlist_store::StoreError;
use blindlist_store::file::{destroy, read_limited, read_secret_exact, write_atomic};
use blindlist_store::folder::{FolderLock, PrivateFolder};
use serde::{Deserialize, Serialize};

use crate::{Caller, ClientError};
use asked::AskedPeople;

/// Bytes that `job.json` may have.
const MAX_JOB_FILE: u64 = 64 << 10;
/// The version of `job.json`.
const VERSION: u32 = 2;

/// What a job is about, as `job.json` holds it. A job goes on only when all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The operator's manifest key.
    pub operator_key: String,
    /// The epoch.
    pub epoch: String,
    /// SHA-256 of the epoch's canaries, which are evaluated among the members.
    pub canaries: String,
    /// The scheme.
    pub scheme: String,
    /// The member file, as an absolute path.
    pub members: String,
    /// SHA-256 of the member file.
    pub members_sha256: String,
    /// The columns chosen, as `NAME=HEADER`.
    pub columns: Vec<String>,
    /// The encoding chosen, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The sheet chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
}

impl Subject {
    /// The subject of a check of a member file in an epoch.
    pub fn new(
        record: &EpochRecord,
        scheme: Scheme,
        members: String,
        sha256: &str,
        (columns, options): (&[String], &TableOptions),
    ) -> Self {
        Self {
            operator_key: record.operator_key.to_string(),
            epoch: record.epoch.to_string(),
            canaries: object::digest(record.canaries.as_flattened()).to_string(),
            scheme: scheme.to_string(),
            members,
            members_sha256: sha256.to_owned(),
            columns: columns.to_vec(),
            encoding: options.encoding.map(|encoding| encoding.to_string()),
            sheet: options.sheet.clone(),
        }
    }

    /// Whether both are about the same people in the same epoch. The file may have moved.
    pub fn agrees(&self, other: &Self) -> bool {
        let moved = Self { members: other.members.clone(), ..self.clone() };
        moved == *other
    }

    /// Whether both are about the same file in the same epoch, which they read in different ways: other people may be meant.
    pub fn is_read_otherwise(&self, other: &Self) -> bool {
        let (columns, encoding, sheet) = (other.columns.clone(), other.encoding.clone(), other.sheet.clone());
        !self.agrees(other) && Self { columns, encoding, sheet, ..self.clone() }.agrees(other)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobFile {
    version: u32,
    job: String,
    created: String,
    elements: u64,
    /// The digest of `asked`, which must be there then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    subject: Subject,
}

/// The folder of the jobs, locked.
#[derive(Debug)]
pub struct Jobs {
    folder: PrivateFolder,
    _lock: FolderLock,
}

impl Jobs {
    pub(super) fn open(folder: PrivateFolder) -> Result<Self, ClientError> {
        let lock = folder.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    /// All unfinished jobs, in the order of their ids. What is left of those that were being made or removed when the
    /// program ended is removed.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, ClientError> {
        let failed = |source| StoreError::io("list the folder", self.folder.path(), source);
        let mut jobs = Vec::new();
        for entry in fs::read_dir(self.folder.path()).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
                match self.read(id)? {
                    Some(job) => jobs.push(job),
                    None => self.remove(id)?,
                }
            }
        }
        jobs.sort_unstable_by_key(|job: &Unfinished| job.id);
        Ok(jobs)
    }

    fn read(&self, id: JobId) -> Result<Option<Unfinished>, ClientError> {
        read(&self.folder.join(id.to_string()), id)
    }

    /// Makes a job of `elements` elements, which asks about everybody unless it is said about whom.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub(crate) fn begin(
        &self,
        (id, seed): (JobId, &JobSeed),
        subject: &Subject,
        elements: u64,
        asked: Option<&AskedPeople>,
        created: String,
    ) -> Result<Job, ClientError> {
        let folder = PrivateFolder::create_new(self.folder.join(id.to_string()))?;
        PrivateFolder::create(folder.join("answers"))?;
        write_atomic(folder.join("seed"), seed.as_bytes())?;
        if let Some(asked) = asked {
            write_atomic(folder.join("asked"), &asked.to_bytes())?;
        }
        let (job, asked, subject) = (id.to_string(), asked.map(AskedPeople::digest), subject.clone());
        let file = JobFile { version: VERSION, job, created, elements, asked, subject };
        let json = serde_json::to_vec_pretty(&file).expect("texts and numbers are JSON");
        write_atomic(folder.join("job.json"), &json)?;
        self.open_job(id)
    }

    /// Opens a job to go on with it.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn open_job(&self, id: JobId) -> Result<Job, ClientError> {
        let damaged = |path| ClientError::Damaged {
            path,
            problem: "it does not fit its job; remove the job's folder to forget the job",
        };
        let folder = PrivateFolder::open(self.folder.join(id.to_string()))?;
        let file = self.read(id)?.ok_or_else(|| damaged(folder.join("job.json")))?;
        let seed = JobSeed::from_bytes(*read_secret_exact(folder.join("seed"))?);
        let path = folder.join("sent");
        let sent = if path.exists() {
            let bytes = read_limited(&path, 16)?;
            let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
            number.ok_or_else(|| damaged(path))?
        } else {
            0
        };
        let asked = AskedPeople::read(&folder.join("asked"), |path| damaged(path.to_owned()))?;
        // Without it the job would be about everybody, and its chunks others than those that were paid.
        if asked.as_ref().map(AskedPeople::digest) != file.asked {
            return Err(damaged(folder.join("asked")));
        }
        Ok(Job { folder, id, seed, elements: file.elements, asked, sent: Mutex::new(sent) })
    }

    /// How many of a job's answers are here.
    pub fn answers(&self, job: &Unfinished) -> usize {
        look::answered(&self.folder.join(job.id.to_string()), job.chunks()) as usize
    }

    /// The receipts in the answers of an unfinished job, those that can be read.
    pub fn receipts(&self, id: JobId) -> Vec<Receipt> {
        let Ok(Some(job)) = self.read(id) else { return Vec::new() };
        let Ok(opened) = self.open_job(id) else { return Vec::new() };
        (0..job.chunks()).filter_map(|chunk| Some(opened.answer(chunk).ok()??.receipt)).collect()
    }

    /// Removes a job that is no longer needed, its seed first.
    ///
    /// # Errors
    /// [`StoreError`]: its seed may be there still, which can open what was sent.
    pub fn remove(&self, id: JobId) -> Result<(), StoreError> {
        let path = self.folder.join(id.to_string());
        let failed = |source| StoreError::io("remove the finished job", &path, source);
        destroy(path.join("seed"))?;
        fs::remove_dir_all(&path).map_err(failed)
    }

    /// Removes a job that is no longer needed. A failure is said, and no more: nobody waits for it.
    pub(crate) fn remove_or_say(&self, id: JobId, caller: &Caller) {
        if let Err(error) = self.remove(id) {
            caller.warn(format!("{error}; its seed can open what was sent: remove the folder"));
        }
    }
}

/// A job that was begun and whose results were not written.
#[derive(Debug)]
pub struct Unfinished {
    /// Its id.
    pub id: JobId,
    /// When it was begun, RFC 3339.
    pub created: String,
    /// How many elements it has, canaries and padding included.
    pub elements: u64,
    /// The digest of whom it asks about, if not about everybody.
    asked: Option<String>,
    /// What it is about.
    pub subject: Subject,
}

impl Unfinished {
    /// How many chunks it has.
    pub fn chunks(&self) -> u32 {
        chunks(self.elements)
    }
}

/// What a job's folder says of it; none when the job is being made or removed.
fn read(folder: &Path, id: JobId) -> Result<Option<Unfinished>, ClientError> {
    let path = folder.join("job.json");
    if !path.exists() || !folder.join("seed").exists() {
        return Ok(None);
    }
    let file: Option<JobFile> = serde_json::from_slice(&read_limited(&path, MAX_JOB_FILE)?).ok();
    match file.filter(|file| file.version == VERSION && file.job == id.to_string()) {
        Some(JobFile { created, elements, asked, subject, .. }) => {
            Ok(Some(Unfinished { id, created, elements, asked, subject }))
        }
        None => Err(ClientError::Damaged {
            path,
            problem: "it does not describe a job; remove its folder to forget the job",
        }),
    }
}

/// How many chunks so many elements are.
pub(crate) fn chunks(elements: u64) -> u32 {
    u32::try_from(elements.div_ceil(MAX_CHUNK as u64)).unwrap_or(u32::MAX)
}

/// A job under way.
#[derive(Debug)]
pub struct Job {
    folder: PrivateFolder,
    id: JobId,
    seed: JobSeed,
    elements: u64,
    asked: Option<AskedPeople>,
    sent: Mutex<u32>,
}

impl Job {
    /// Its id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Its seed.
    pub fn seed(&self) -> &JobSeed {
        &self.seed
    }

    /// How many elements it has, canaries and padding included.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// Whom it asks about, if not about everybody.
    pub(crate) fn asked(&self) -> Option<&AskedPeople> {
        self.asked.as_ref()
    }

    /// Whether the answer to a chunk is here.
    pub fn has_answer(&self, chunk: u32) -> bool {
        self.answer_path(chunk).exists()
    }

    /// The answer to a chunk, if it is here and can be read. It is to be verified like a fresh one.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn answer(&self, chunk: u32) -> Result<Option<Evaluated>, ClientError> {
        if !self.has_answer(chunk) {
            return Ok(None);
        }
        let bytes = read_limited(self.answer_path(chunk), MAX_RESPONSE as u64)?;
        match Response::decode(&bytes) {
            Ok(Response::Evaluated(evaluated)) => Ok(Some(evaluated)),
            // A repeated question costs nothing.
            Ok(
                Response::Catalog(_)
                | Response::Object(_)
                | Response::Segment(_)
                | Response::Account(_)
                | Response::Refused(_)
                | Response::Checkpoint(_)
                | Response::Path(_),
            )
            | Err(_) => Ok(None),
        }
    }

    /// Keeps the answer to a chunk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_answer(&self, chunk: u32, answer: Evaluated) -> Result<(), StoreError> {
        let bytes = Response::Evaluated(answer).encode();
        write_atomic(self.answer_path(chunk), &bytes)
    }

    /// Whether a chunk may have been sent, and so charged, although its answer is not here.
    pub fn may_be_charged(&self, chunk: u32) -> bool {
        chunk < *self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a chunk is about to be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mark_sent(&self, chunk: u32) -> Result<(), StoreError> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let after = chunk.saturating_add(1);
        if *sent < after {
            write_atomic(self.folder.join("sent"), after.to_string().as_bytes())?;
            *sent = after;
        }
        Ok(())
    }

    fn answer_path(&self, chunk: u32) -> PathBuf {
        self.folder.join("answers").join(chunk.to_string())
    }
}
