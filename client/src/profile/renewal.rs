//! New keys beside those in use, until the operator's bundle for them is joined.
//!
//! Which keys are in use is what the bundle says: it is replaced in one step, and with it the keys. Before it the old ones
//! are whole, from then on the new ones; what is left to do gives them their place and destroys the old ones.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::params::MAX_ENROLMENT;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_store::StoreError;
use blindlist_store::file::{destroy, read_limited, read_secret, read_secret_exact, write_atomic};
use blindlist_store::folder::PrivateFolder;
use blindlist_transport::TlsKey;

use super::{Keys, MAX_KEY, Profile};
use crate::ClientError;
use crate::receipts::key;

/// The folder of the keys.
const KEYS: &str = "keys";
/// The folder of keys that are to take their place.
const NEW_KEYS: &str = "new-keys";
/// The file of the signing keys of before: their public halves.
const FORMER: &str = "former-keys";
/// Bytes that it may have.
const MAX_FORMER: u64 = 64 << 10;

impl Profile {
    /// Where the request for new keys is.
    pub fn new_request_path(&self) -> PathBuf {
        self.folder.join("new-request.csr")
    }

    /// Whether there are keys.
    pub fn has_keys(&self) -> bool {
        [NEW_KEYS, KEYS].iter().any(|folder| self.holds_keys(folder))
    }

    /// Writes an insurer's first keys and the request made with them.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn write_enrolment(&self, keys: &Keys, request: &[u8]) -> Result<(), ClientError> {
        write_atomic(self.request_path(), request)?;
        self.write_keys(KEYS, keys)
    }

    /// Writes new keys beside those in use, and the request made with them.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn write_new_keys(&self, keys: &Keys, request: &[u8]) -> Result<(), ClientError> {
        write_atomic(self.new_request_path(), request)?;
        self.write_keys(NEW_KEYS, keys)
    }

    /// The request for new keys that were made before and wait for their bundle.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn waiting_request(&self) -> Result<Option<Vec<u8>>, ClientError> {
        let path = self.new_request_path();
        if !self.holds_keys(NEW_KEYS) || !path.exists() {
            return Ok(None);
        }
        Ok(Some(read_limited(&path, MAX_ENROLMENT as u64)?))
    }

    /// The keys that a bundle was made for.
    ///
    /// # Errors
    /// [`ClientError::NotEnrolled`], [`ClientError::ForeignBundle`], [`ClientError::Store`], [`ClientError::Transport`].
    pub fn keys_of(&self, bundle: &Bundle) -> Result<Keys, ClientError> {
        // The old ones may be half destroyed when the new ones are in use.
        for folder in [NEW_KEYS, KEYS] {
            if self.holds_keys(folder) {
                let keys = self.read_keys(folder)?;
                if keys.are_in(bundle) {
                    return Ok(keys);
                }
            }
        }
        let path = self.path().to_owned();
        Err(if self.has_keys() { ClientError::ForeignBundle(path) } else { ClientError::NotEnrolled(path) })
    }

    /// The signing keys, as those know them who verify, that this insurer had before: what was asked with them is its own.
    ///
    /// # Errors
    /// [`ClientError::Store`], [`ClientError::Damaged`].
    pub fn former_keys(&self) -> Result<Vec<VerifyingKey>, ClientError> {
        let path = self.folder.join(FORMER);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = read_limited(&path, MAX_FORMER)?;
        let keys = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().map(key).collect());
        keys.ok_or(ClientError::Damaged {
            path,
            problem: "it should hold a key on each line; remove it, or restore it",
        })
    }

    /// Notes that the keys in use are about to give way to those that a bundle was made for.
    pub(super) fn keep_former_key(&self, joined: &Bundle, next: &Bundle) -> Result<(), ClientError> {
        let mut former = self.former_keys()?;
        if joined.signing_key == next.signing_key || former.contains(&joined.signing_key) {
            return Ok(());
        }
        former.push(joined.signing_key);
        let text: String = former.iter().map(|key| format!("{key}\n")).collect();
        Ok(write_atomic(self.folder.join(FORMER), text.as_bytes())?)
    }

    /// Gives new keys that the installed bundle was made for their place. The caller holds the lock.
    ///
    /// # Errors
    /// [`ClientError::Store`].
    pub fn settle_keys(&self, installed: &Bundle) -> Result<(), ClientError> {
        if !self.holds_keys(NEW_KEYS) || !self.read_keys(NEW_KEYS)?.are_in(installed) {
            return Ok(());
        }
        if self.new_request_path().exists() {
            self.rename(&self.new_request_path(), &self.request_path())?;
        }
        let old = self.folder.join(KEYS);
        if old.exists() {
            destroy(old.join("tls.key"))?;
            destroy(old.join("signing.key"))?;
            fs::remove_dir_all(&old).map_err(|source| StoreError::io("remove the old keys in", &old, source))?;
        }
        self.rename(&self.folder.join(NEW_KEYS), &old)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), ClientError> {
        let renamed = fs::rename(from, to).and_then(|()| File::open(self.path())?.sync_all());
        Ok(renamed.map_err(|source| StoreError::io("give its place to", to, source))?)
    }

    fn holds_keys(&self, folder: &str) -> bool {
        // It is written last.
        self.folder.join(folder).join("tls.key").exists()
    }

    fn write_keys(&self, folder: &str, keys: &Keys) -> Result<(), ClientError> {
        let folder = PrivateFolder::create(self.folder.join(folder))?;
        write_atomic(folder.join("signing.key"), &*keys.signing().seed())?;
        write_atomic(folder.join("tls.key"), keys.tls().pkcs8())?;
        Ok(())
    }

    fn read_keys(&self, folder: &str) -> Result<Keys, ClientError> {
        let folder = PrivateFolder::open(self.folder.join(folder))?;
        let tls = TlsKey::from_pkcs8(read_secret(folder.join("tls.key"), MAX_KEY)?)?;
        let seed = read_secret_exact(folder.join("signing.key"))?;
        Ok(Keys::new(SigningKey::from_seed(&seed), tls))
    }
}
