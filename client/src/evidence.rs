//! Evidence: what an insurer keeps of a job so that it can show whom it asked about (SPEC.md, "Evidence").
//!
//! ```text
//! evidence/JOB/seed.age        the job's seed under a passphrase, in the age format
//! evidence/JOB/epoch-record    the signed epoch record
//! evidence/JOB/asked           whom it asked about, if not everybody: 16 bytes each, which tell nothing without the seed
//! evidence/JOB/evidence.json   the rest; written last, so that a folder without it is no evidence
//! evidence/JOB/receipts        the receipts, once every chunk is answered: see [`crate::receipts`]
//! ```
//!
//! The first four are on the disk before anything of the job is sent. Members are not in it: their file is.
//!
//! # Security
//! Whoever has the seed and guesses the members, or has their file, can tell what every element of the job meant.

use std::fs;
use std::path::{Path, PathBuf};

use blindlist_protocol::epoch::Holder;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::{InsurerId, JobId};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::job::JobSeed;
use blindlist_protocol::params::MAX_OBJECT;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_records::{Column, TableOptions, parse_override};
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::passphrases::Passphrases;
use blindlist_store::{StoreError, sealed};
use serde::{Deserialize, Serialize};

use crate::check::input::table_options;
use crate::passphrases;
use crate::profile::jobs::{self, asked::AskedPeople};
use crate::receipts::{self, JobReceipts};
use crate::{ClientError, EvidenceError};

/// Bytes that `evidence.json` may have.
const MAX_FILE: u64 = 64 << 10;
/// The version of `evidence.json`.
const VERSION: u32 = 2;

/// What a job was about.
#[derive(Clone, Debug)]
pub struct About {
    /// The job.
    pub job: JobId,
    /// The insurer's id.
    pub insurer: InsurerId,
    /// The key that signed its chunks.
    pub signing_key: VerifyingKey,
    /// The index of the holder that was asked.
    pub holder: u8,
    /// How rows became identifiers.
    pub scheme: Scheme,
    /// The columns chosen.
    pub columns: Vec<(Column, String)>,
    /// How the member file was read.
    pub options: TableOptions,
    /// The member file.
    pub members: PathBuf,
    /// SHA-256 of the member file.
    pub members_sha256: String,
    /// How many elements, canaries and padding included.
    pub elements: u64,
    /// When it was begun, RFC 3339.
    pub created: String,
}

impl About {
    /// How many chunks.
    pub fn chunks(&self) -> u32 {
        jobs::chunks(self.elements)
    }
}

/// The evidence of a job.
#[derive(Debug)]
pub struct Evidence {
    folder: PathBuf,
    about: About,
    epoch: Epoch,
    holder: Holder,
    asked: Option<AskedPeople>,
    receipts: Option<JobReceipts>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    job: String,
    operator_key: String,
    insurer: String,
    signing_key: String,
    holder: u8,
    scheme: String,
    columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sheet: Option<String>,
    members: PathBuf,
    members_sha256: String,
    elements: u64,
    created: String,
}

/// Whether the evidence of a job is in this folder.
pub fn is_kept(evidence: &Path, job: &JobId) -> bool {
    evidence.join(job.to_string()).join("evidence.json").exists()
}

/// Keeps the evidence of a job that is about to be begun, in the folder of all evidence. When it returns, it is on the disk.
///
/// # Errors
/// [`ClientError::Store`].
pub(crate) fn keep(
    evidence: &Path,
    about: &About,
    epoch: &Epoch,
    (seed, asked): (&JobSeed, Option<&AskedPeople>),
    passphrase: &Passphrase,
) -> Result<(), ClientError> {
    let folder = PrivateFolder::create(evidence)?.join(about.job.to_string());
    let folder = PrivateFolder::create(folder)?;
    let file = File {
        version: VERSION,
        job: about.job.to_string(),
        operator_key: epoch.record().operator_key.to_string(),
        insurer: about.insurer.to_string(),
        signing_key: about.signing_key.to_string(),
        holder: about.holder,
        scheme: about.scheme.to_string(),
        columns: about.columns.iter().map(|(column, header)| format!("{column}={header}")).collect(),
        encoding: about.options.encoding.map(|encoding| encoding.to_string()),
        sheet: about.options.sheet.clone(),
        members: about.members.clone(),
        members_sha256: about.members_sha256.clone(),
        elements: about.elements,
        created: about.created.clone(),
    };
    let json = serde_json::to_vec_pretty(&file).map_err(|_| ClientError::Internal("a path that is no text"))?;
    write_atomic(folder.join("seed.age"), &sealed::seal(seed.as_bytes(), passphrase))?;
    write_atomic(folder.join("epoch-record"), epoch.object())?;
    if let Some(asked) = asked {
        write_atomic(folder.join("asked"), &asked.to_bytes())?;
    }
    write_atomic(folder.join("evidence.json"), &json)?;
    Ok(())
}

/// Adds a job's receipts to its evidence, if there is any.
///
/// # Errors
/// [`ClientError::Store`].
pub fn add_receipts(evidence: &Path, receipts: &JobReceipts) -> Result<(), ClientError> {
    if is_kept(evidence, &receipts.job) {
        receipts.write(&evidence.join(receipts.job.to_string()).join("receipts"))?;
    }
    Ok(())
}

impl Evidence {
    /// All evidence in a folder, in the order in which the jobs were begun.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`EvidenceError::Damaged`], [`EvidenceError::None`] when there is none.
    pub fn all(evidence: &Path) -> Result<Vec<Self>, ClientError> {
        let none = || ClientError::from(EvidenceError::None(evidence.to_owned()));
        if !evidence.exists() {
            return Err(none());
        }
        let failed = |source| StoreError::io("list the folder", evidence, source);
        let mut all = Vec::new();
        for entry in fs::read_dir(evidence).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(job) = name.to_str().and_then(|name| name.parse().ok()).filter(|job| is_kept(evidence, job)) {
                all.push(Self::open(evidence, job)?);
            }
        }
        all.sort_by(|a, b| (&a.about.created, a.about.job).cmp(&(&b.about.created, b.about.job)));
        if all.is_empty() { Err(none()) } else { Ok(all) }
    }

    /// The evidence of a job in a folder.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`EvidenceError::Damaged`], [`EvidenceError::NoJob`].
    pub fn open(evidence: &Path, job: JobId) -> Result<Self, ClientError> {
        if !is_kept(evidence, &job) {
            return Err(EvidenceError::NoJob { job, folder: evidence.to_owned() }.into());
        }
        let folder = PrivateFolder::open(evidence.join(job.to_string()))?;
        let (path, record) = (folder.join("evidence.json"), folder.join("epoch-record"));
        let file: Option<File> = serde_json::from_slice(&read_limited(&path, MAX_FILE)?).ok();
        let about = file.filter(|file| file.version == VERSION).and_then(|file| Some((about(&file)?, file)));
        let damaged = |path: &Path, problem| EvidenceError::Damaged { path: path.to_owned(), problem };
        let (about, file) = about
            .filter(|(about, _)| about.job == job)
            .ok_or_else(|| damaged(&path, "it should say what the job was about"))?;
        let bytes = read_limited(&record, MAX_OBJECT as u64)?;
        let epoch = receipts::key(&file.operator_key).and_then(|key| Epoch::open(&bytes, &key).ok());
        let holder = epoch.as_ref().and_then(|epoch| epoch.record().holder(about.holder).cloned());
        let (Some(epoch), Some(holder)) = (epoch, holder) else {
            return Err(damaged(&record, "it should be the signed record of the job's epoch").into());
        };
        let path = folder.join("receipts");
        let receipts = if path.exists() { Some(JobReceipts::read(&path)?) } else { None };
        let asked = AskedPeople::read(&folder.join("asked"), |path| {
            damaged(path, "it should be the places of those who were asked about").into()
        })?;
        Ok(Self { folder: folder.path().to_owned(), about, epoch, holder, asked, receipts })
    }

    /// What the job was about.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The epoch.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The holder that was asked.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Whom it asked about, if not about everybody.
    pub(crate) fn asked(&self) -> Option<&AskedPeople> {
        self.asked.as_ref()
    }

    /// The receipts, if every chunk was answered.
    pub fn receipts(&self) -> Option<&JobReceipts> {
        self.receipts.as_ref()
    }

    /// The seed.
    pub(crate) fn seed(&self, known: &Passphrases) -> Result<JobSeed, ClientError> {
        Ok(JobSeed::from_bytes(*passphrases::open(known, &self.folder.join("seed.age"))?))
    }
}

fn about(file: &File) -> Option<About> {
    let columns = file.columns.iter().map(|text| parse_override(text).ok());
    Some(About {
        job: file.job.parse().ok()?,
        insurer: file.insurer.parse().ok()?,
        signing_key: receipts::key(&file.signing_key)?,
        holder: file.holder,
        scheme: file.scheme.parse().ok()?,
        columns: columns.collect::<Option<Vec<_>>>()?,
        options: table_options(file.encoding.as_deref(), file.sheet.as_deref())?,
        members: file.members.clone(),
        members_sha256: file.members_sha256.clone(),
        elements: file.elements,
        created: file.created.clone(),
    })
}
