//! The operator's keys in files. Everything of `keys/offline` can be kept off the machine that serves.

use std::path::{Path, PathBuf};

use blindlist_protocol::enrolment::successor_hash;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_store::file;
use blindlist_store::passphrase::Passphrase;
use blindlist_transport::{CertificateAuthority, CertificateDer, Identity, TlsKey};

use super::{Home, write_new};
use crate::{Error, signed};

/// Most bytes of a certificate or of a TLS key.
const LIMIT: u64 = 4_096;

/// All keys of a new operator.
pub(crate) struct NewKeys {
    pub(crate) manifest: SigningKey,
    pub(crate) successor: SigningKey,
    pub(crate) receipt: SigningKey,
    pub(crate) authority: CertificateAuthority,
    pub(crate) server: Identity,
}

impl Home {
    /// The operator's manifest key, as those know it who only verify.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Key`].
    pub fn operator_key(&self) -> Result<VerifyingKey, Error> {
        // In this order: the next one gets the other's name when a succession ends.
        match self.next_key()? {
            Some(next) if self.is_succeeded_by(&next) => Ok(next),
            Some(_) | None => self.settled_key(),
        }
    }

    /// The manifest key of before a succession that is under way, or the only one there is.
    pub(crate) fn settled_key(&self) -> Result<VerifyingKey, Error> {
        const NAME: &str = "manifest.pub";
        let path = self.online(NAME)?;
        self.public_key(NAME)?.ok_or(Error::Key { path, problem: "it is missing: put it back from a backup" })
    }

    /// The public key in a file of `keys/online`, if it is there.
    pub(super) fn public_key(&self, name: &str) -> Result<Option<VerifyingKey>, Error> {
        let path = self.online(name)?;
        let Some(bytes) = signed::read_if_there(&path, LIMIT)? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| Error::Key { path, problem: "a manifest key has 32 bytes" })?;
        Ok(Some(VerifyingKey::from_bytes(bytes)))
    }

    /// The manifest key, which signs epochs, releases, catalogs and bundles.
    ///
    /// # Errors
    /// [`Error::SuccessionBegun`] while another key is taking its place; [`Error::Store`] or [`Error::Key`], also when it is not the key that `keys/online/manifest.pub` holds.
    pub fn manifest_key(&self) -> Result<SigningKey, Error> {
        if self.next_key()?.is_some() {
            return Err(Error::SuccessionBegun);
        }
        let path = self.offline("manifest.key")?;
        let key = self.signing_key(&path)?;
        if key.verifying() == self.operator_key()? {
            return Ok(key);
        }
        Err(Error::Key { path, problem: "it is not the key whose public half is in keys/online/manifest.pub" })
    }

    /// The hash that pins the key which may replace the manifest key. The key itself may be kept elsewhere.
    pub(crate) fn successor_hash(&self) -> Result<Digest, Error> {
        match self.written_successor_hash()? {
            Some(hash) => Ok(hash),
            None => Ok(successor_hash(&self.signing_key(&self.offline("successor.key")?)?.verifying())),
        }
    }

    /// That hash as it was written down; homes of earlier versions have none.
    pub(crate) fn written_successor_hash(&self) -> Result<Option<Digest>, Error> {
        let path = self.offline("successor.hash")?;
        let Some(bytes) = signed::read_if_there(&path, LIMIT)? else { return Ok(None) };
        let bytes =
            bytes.try_into().map_err(|_| Error::Key { path, problem: "the hash of a successor has 32 bytes" })?;
        Ok(Some(Digest::from_bytes(bytes)))
    }

    /// The certificate authority with its key.
    pub(crate) fn authority(&self, operator: &Slug) -> Result<CertificateAuthority, Error> {
        let key = self.tls_key(&self.offline("ca.key")?)?;
        let certificate = certificate(&self.offline("ca.crt")?)?;
        Ok(CertificateAuthority::from_parts(operator.as_str(), certificate, key)?)
    }

    /// The server's certificate and key, and the authority whose certificates it accepts.
    pub(crate) fn server_identity(&self) -> Result<(Identity, CertificateDer<'static>), Error> {
        let key = self.tls_key(&self.online("tls.key")?)?;
        let identity = Identity::new(certificate(&self.online("tls.crt")?)?, key)?;
        Ok((identity, certificate(&self.online("ca.crt")?)?))
    }

    /// The receipt key, which signs receipts and checkpoints.
    pub(crate) fn receipt_signing_key(&self) -> Result<SigningKey, Error> {
        self.signing_key(&self.online("receipt.key")?)
    }

    /// The public half of the receipt key, and the passphrase that the keys which `serve` reads are under.
    pub(crate) fn receipt_key(&self) -> Result<(VerifyingKey, Option<Passphrase>), Error> {
        let path = self.online("receipt.key")?;
        let (seed, passphrase) = self.passphrases.read_exact(&path)?;
        Ok((SigningKey::from_seed(&seed).verifying(), passphrase))
    }

    /// Writes the keys of a new home, those that are secret under the passphrase.
    pub(crate) fn write_keys(&self, keys: &NewKeys, passphrase: Option<&Passphrase>) -> Result<(), Error> {
        for (path, secret) in [
            (self.offline("manifest.key")?, keys.manifest.seed().as_slice()),
            (self.offline("successor.key")?, keys.successor.seed().as_slice()),
            (self.offline("ca.key")?, keys.authority.key().pkcs8().as_slice()),
            (self.online("tls.key")?, keys.server.key().pkcs8().as_slice()),
            (self.online("receipt.key")?, keys.receipt.seed().as_slice()),
        ] {
            write_new(&path, secret, passphrase)?;
        }
        let authority = keys.authority.certificate().as_ref();
        for (path, bytes) in [
            (self.offline("ca.crt")?, authority),
            (self.online("tls.crt")?, keys.server.certificate().as_ref()),
            (self.online("ca.crt")?, authority),
            (self.online("manifest.pub")?, keys.manifest.verifying().as_bytes()),
            (self.offline("successor.hash")?, successor_hash(&keys.successor.verifying()).as_bytes()),
        ] {
            file::write_new(path, bytes)?;
        }
        Ok(())
    }

    /// The signing key whose 32-byte seed a file holds.
    pub(crate) fn signing_key(&self, path: &Path) -> Result<SigningKey, Error> {
        Ok(SigningKey::from_seed(&self.passphrases.read_exact(path)?.0))
    }

    fn tls_key(&self, path: &Path) -> Result<TlsKey, Error> {
        Ok(TlsKey::from_pkcs8(self.passphrases.read(path, LIMIT)?.0)?)
    }

    pub(crate) fn offline(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.part("keys/offline")?.join(name))
    }

    pub(crate) fn online(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.part("keys/online")?.join(name))
    }
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, Error> {
    Ok(CertificateDer::from(file::read_limited(path, LIMIT)?))
}
