//! The profile folder: all that an insurer keeps for one operator.
//!
//! ```text
//! keys/tls.key  keys/signing.key    its own keys: PKCS #8, and a seed of 32 bytes
//! request.csr                       what it sent to the operator
//! new-keys/  new-request.csr        keys that are to take their place: see `renewal`
//! former-keys                       signing keys of before, as those know them who verify
//! bundle                            what the operator sent back
//! pins.json                         the operator's manifest key and its successor's hash: see `pins`
//! seen.json                         the highest catalog sequence seen
//! indexes/RELEASE-DIGEST            whole indexes, verified when they were fetched, and where they are used: see [`indexes`]
//! live.json                         which indexes the catalog that was seen last names
//! requests/DIGEST                   what a file of questions asked about, until its answers are read: see [`requests`]
//! jobs/JOB/                         unfinished checks: see [`jobs`]
//! checkpoints/  receipts/           what is remembered of the audit log: see [`logs`]
//! contradictions/                   what in it contradicts itself
//! evidence/JOB/                     whom a job asked about: see [`crate::evidence`]
//! remembered/EPOCH                  evaluations already paid for, under a passphrase: see `remembered`
//! ```
//!
//! Nothing else reads or writes in this folder but [`crate::evidence`] in `evidence/`. Every folder in it is 0700, every
//! file 0600.

pub mod indexes;
pub mod jobs;
mod keys;
pub mod logs;
mod pins;
pub(crate) mod remembered;
mod renewal;
pub mod requests;

use std::path::{Path, PathBuf};

use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::live::Seen;
use blindlist_protocol::object;
use blindlist_protocol::params::MAX_ENROLMENT;
use blindlist_protocol::signature::VerifyingKey;
use blindlist_protocol::succession::Pins;
use blindlist_store::file::{read_limited, write_atomic};
use blindlist_store::folder::{FolderLock, PrivateFolder};
use blindlist_store::{StoreError, text};
use blindlist_transport::{CertificateDer, Identity, TlsKey, certificate_end};
use serde::{Deserialize, Serialize};

pub use keys::Keys;

use crate::ClientError;
use crate::show::moment;
use jobs::Jobs;

/// Bytes that a key file may have.
const MAX_KEY: u64 = 1_024;
/// Bytes that `seen.json` may have.
const MAX_SEEN: u64 = 4_096;

/// Seconds before the certificate's end from which on a person is told: 60 days.
pub(crate) const NEAR_END: u64 = 60 * 86_400;

/// A profile folder.
#[derive(Debug)]
pub struct Profile {
    folder: PrivateFolder,
}

impl Profile {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// [`ClientError::Store`] when it is open to others or cannot be made.
    pub fn create(path: &Path) -> Result<Self, ClientError> {
        let folder = match PrivateFolder::create_new(path) {
            Err(StoreError::NotEmpty { .. }) => PrivateFolder::open(path)?,
            made => made?,
        };
        Ok(Self { folder })
    }

    /// Opens the folder, which must exist.
    ///
    /// # Errors
    /// [`ClientError::Store`] when it is missing or open to others.
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        let folder = PrivateFolder::open(path)?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps other processes from changing keys, bundle and what was seen.
    ///
    /// # Errors
    /// [`ClientError::Store`] when another process holds it.
    pub fn lock(&self) -> Result<FolderLock, ClientError> {
        Ok(self.folder.lock()?)
    }

    /// Where the enrolment request is.
    pub fn request_path(&self) -> PathBuf {
        self.folder.join("request.csr")
    }

    /// The operator's bundle, if one was installed.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::NotAnObject`].
    pub fn bundle(&self) -> Result<Option<Bundle>, ClientError> {
        let path = self.folder.join("bundle");
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_limited(&path, MAX_ENROLMENT as u64)?;
        match object::open_self_signed(&bytes) {
            Ok(bundle) => Ok(Some(bundle)),
            Err(source) => Err(ClientError::NotAnObject { path, expected: "a bundle", source }),
        }
    }

    /// Installs a bundle, which was checked and confirmed, and puts the keys that it was made for in use; what is pinned
    /// stays. The caller holds the lock.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn install(&self, bundle: &Bundle, bytes: &[u8]) -> Result<(), ClientError> {
        if let Some(joined) = self.bundle()? {
            self.pin(&self.pins(&joined)?)?;
            self.keep_former_key(&joined, bundle)?;
        }
        write_atomic(self.folder.join("bundle"), bytes)?;
        self.settle_keys(bundle)
    }

    /// The keys and the bundle made for them.
    ///
    /// # Errors
    /// [`ClientError::NotEnrolled`], [`ClientError::NotJoined`], those of reading them.
    pub fn enrolled(&self) -> Result<Enrolled, ClientError> {
        if !self.has_keys() {
            return Err(ClientError::NotEnrolled(self.path().to_owned()));
        }
        let bundle = self.bundle()?;
        let bundle = bundle.ok_or_else(|| ClientError::NotJoined(self.path().to_owned()))?;
        let (keys, pins) = (self.keys_of(&bundle)?, self.pins(&bundle)?);
        Ok(Enrolled { keys, bundle, pins, request: self.request_path() })
    }

    /// The highest catalog seen that this manifest key signed, if any was: what another key said counts for nothing.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn seen(&self, operator_key: &VerifyingKey) -> Result<Option<Seen>, ClientError> {
        let path = self.folder.join("seen.json");
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_limited(&path, MAX_SEEN)?;
        let damaged = || ClientError::Damaged {
            path: path.clone(),
            problem: "it should hold the highest catalog sequence seen; restore it from a backup",
        };
        let file: SeenFile = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let digest = file.digest.parse().map_err(|_| damaged())?;
        let signed = file.operator_key == operator_key.to_string();
        Ok(signed.then_some(Seen { sequence: file.sequence, digest }))
    }

    /// Remembers a catalog that this manifest key signed, which must not be lower than the one seen. The caller holds the
    /// lock.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn remember(&self, seen: Seen, operator_key: &VerifyingKey) -> Result<(), ClientError> {
        let (operator_key, digest) = (operator_key.to_string(), seen.digest.to_string());
        let file = SeenFile { operator_key, sequence: seen.sequence, digest };
        let json = serde_json::to_vec_pretty(&file).expect("a number and a text are JSON");
        Ok(write_atomic(self.folder.join("seen.json"), &json)?)
    }

    /// Where the evidence of jobs is.
    pub fn evidence_path(&self) -> PathBuf {
        self.folder.join("evidence")
    }

    /// Where the unfinished jobs are.
    pub fn jobs_path(&self) -> PathBuf {
        self.folder.join("jobs")
    }

    /// Where it is noted what files of questions asked.
    pub fn requests_path(&self) -> PathBuf {
        self.folder.join("requests")
    }

    /// Where remembered evaluations are.
    pub fn remembered_path(&self) -> PathBuf {
        self.folder.join("remembered")
    }

    /// The unfinished jobs, for this process alone.
    ///
    /// # Errors
    /// [`ClientError::Store`], also when another check is running.
    pub fn jobs(&self) -> Result<Jobs, ClientError> {
        Jobs::open(PrivateFolder::create(self.jobs_path())?)
    }
}

/// An insurer that has keys and knows its operator.
#[derive(Debug)]
pub struct Enrolled {
    keys: Keys,
    bundle: Bundle,
    pins: Pins,
    request: PathBuf,
}

impl Enrolled {
    /// Its keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What it knows of the operator.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What is pinned of the operator.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The enrolment request, which the operator renews.
    pub fn request(&self) -> &Path {
        &self.request
    }

    /// What to tell a person when the certificate ends soon, or has ended. `now` is in seconds since 1970.
    pub fn certificate_warning(&self, now: u64) -> Option<String> {
        let end = certificate_end(&CertificateDer::from(self.bundle.certificate.as_slice()))?;
        let verb = if end <= now { "ended" } else { "ends" };
        (end.saturating_sub(NEAR_END) <= now).then(|| {
            let (end, request) = (moment(end), text::path(&self.request));
            format!(
                "warning: your certificate {verb} at {end}: send {request} to the operator, who renews it, and `blindlist \
                 join` the new bundle"
            )
        })
    }

    /// What it shows in the TLS handshake.
    ///
    /// # Errors
    /// [`ClientError::ForeignCertificate`] when the bundle's certificate is not for the TLS key.
    pub fn identity(&self) -> Result<Identity, ClientError> {
        self.keys.identity(&self.bundle)
    }
}

impl Keys {
    /// The TLS key with the bundle's certificate.
    ///
    /// # Errors
    /// [`ClientError::ForeignCertificate`] when they do not belong together.
    pub fn identity(&self, bundle: &Bundle) -> Result<Identity, ClientError> {
        let certificate = CertificateDer::from(bundle.certificate.clone());
        let tls = TlsKey::from_pkcs8(self.tls().pkcs8().clone())?;
        Identity::new(certificate, tls).map_err(|_| ClientError::ForeignCertificate)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenFile {
    operator_key: String,
    sequence: u64,
    digest: String,
}
