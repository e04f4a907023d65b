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
use crate::Error;

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
        let path = self.online("manifest.pub")?;
        let bytes = file::read_limited(&path, LIMIT)?;
        let bytes = bytes.try_into().map_err(|_| Error::Key { path, problem: "a manifest key has 32 bytes" })?;
        Ok(VerifyingKey::from_bytes(bytes))
    }

    /// The manifest key, which signs epochs, releases, catalogs and bundles.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Key`], also when it is not the key that `keys/online/manifest.pub` holds.
    pub fn manifest_key(&self) -> Result<SigningKey, Error> {
        let path = self.offline("manifest.key")?;
        let key = self.signing_key(&path)?;
        if key.verifying() == self.operator_key()? {
            return Ok(key);
        }
        Err(Error::Key { path, problem: "it is not the key whose public half is in keys/online/manifest.pub" })
    }

    /// The hash that pins the key which may replace the manifest key.
    pub(crate) fn successor_hash(&self) -> Result<Digest, Error> {
        let key = self.signing_key(&self.offline("successor.key")?)?;
        Ok(successor_hash(&key.verifying()))
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
        ] {
            file::write_new(path, bytes)?;
        }
        Ok(())
    }

    /// The signing key whose 32-byte seed a file holds.
    fn signing_key(&self, path: &Path) -> Result<SigningKey, Error> {
        Ok(SigningKey::from_seed(&self.passphrases.read_exact(path)?.0))
    }

    fn tls_key(&self, path: &Path) -> Result<TlsKey, Error> {
        Ok(TlsKey::from_pkcs8(self.passphrases.read(path, LIMIT)?.0)?)
    }

    fn offline(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.part("keys/offline")?.join(name))
    }

    fn online(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.part("keys/online")?.join(name))
    }
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, Error> {
    Ok(CertificateDer::from(file::read_limited(path, LIMIT)?))
}
