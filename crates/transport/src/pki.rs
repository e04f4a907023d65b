//! The operator's certificate authority, and the certificates that it issues to its servers and its insurers.
//!
//! Every key is Ed25519 (RFC 8410), every certificate X.509 version 3 (RFC 5280). An insurer's certificate is issued
//! for its public key alone: its private key never travels. Nothing here reads the clock or a file; times are
//! arguments, in seconds since 1970.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, TrustAnchor},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{SERVER_NAME, TransportError, tls};

/// Days for which an authority's certificate is valid: ten years.
///
/// The TLS stack does not check the dates of a pinned authority; they tell the operator when to plan its successor.
const AUTHORITY_DAYS: u32 = 3_653;

/// Days for which a server's certificate is valid unless the operator says otherwise: five years.
pub const SERVER_DAYS: u32 = 1_826;

/// Days for which an insurer's certificate is valid unless the operator says otherwise.
pub const CLIENT_DAYS: u32 = 825;

/// Seconds by which a certificate begins before it is issued, for peers whose clocks are behind.
const BACKDATE_SECONDS: u64 = 3_600;

const SECONDS_PER_DAY: u64 = 86_400;

/// PKCS #8 of an Ed25519 key without its public key, up to its seed of 32 bytes (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The operator's certificate authority: its certificate and the key that signs the others.
pub struct CertificateAuthority {
    operator: String,
    certificate: CertificateDer<'static>,
    key: TlsKey,
}

impl CertificateAuthority {
    /// Makes a new authority for `operator` with a fresh key, valid for ten years from `now` (unix seconds).
    ///
    /// # Errors
    /// [`TransportError::Pki`] if `now` is not a date that a certificate can carry.
    pub fn generate(operator: &str, now: u64) -> Result<Self, TransportError> {
        let key = TlsKey::generate()?;
        let certificate = self_signed(operator, &key, now)?;
        Ok(Self { operator: operator.to_owned(), certificate, key })
    }

    /// Puts a stored authority together again.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if name, certificate and key do not belong together.
    pub fn from_parts(
        operator: &str,
        certificate: CertificateDer<'static>,
        key: TlsKey,
    ) -> Result<Self, TransportError> {
        // Peers compare nothing but the subject and the key, so a certificate remade from the parts must agree in both.
        let remade = self_signed(operator, &key, BACKDATE_SECONDS)?;
        if trust_anchor(&certificate)? != trust_anchor(&remade)? {
            return Err(pki_error("the certificate authority's name, certificate and key do not belong together"));
        }
        Ok(Self { operator: operator.to_owned(), certificate, key })
    }

    /// The authority's own certificate, which both sides pin.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The authority's key, to be stored where only the operator reads it.
    #[must_use]
    pub fn key(&self) -> &TlsKey {
        &self.key
    }

    /// Issues a certificate for a server, with a fresh key, valid for `days` from `now` (unix seconds).
    ///
    /// # Errors
    /// [`TransportError::Pki`] if the dates do not fit into a certificate.
    pub fn issue_server(&self, now: u64, days: u32) -> Result<Identity, TransportError> {
        let key = TlsKey::generate()?;
        let name =
            SERVER_NAME.try_into().map_err(|_| pki_error("the server's name does not fit into a certificate"))?;
        let role = Role {
            unit: "Blindlist server",
            purpose: ExtendedKeyUsagePurpose::ServerAuth,
            names: vec![SanType::DnsName(name)],
        };
        let certificate = self.issue(&self.operator, role, &key.public_key, now, days)?;
        Identity::new(certificate, key)
    }

    /// Issues a certificate for an insurer's Ed25519 public key (32 bytes), valid for `days` from `now` (unix seconds).
    ///
    /// The caller has checked that the insurer holds the private key: the certificate is useless to anyone else.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if the dates do not fit into a certificate.
    pub fn issue_client(
        &self,
        insurer: &str,
        public_key: &[u8; 32],
        now: u64,
        days: u32,
    ) -> Result<CertificateDer<'static>, TransportError> {
        let role = Role { unit: "Blindlist insurer", purpose: ExtendedKeyUsagePurpose::ClientAuth, names: Vec::new() };
        self.issue(insurer, role, public_key, now, days)
    }

    fn issue(
        &self,
        holder: &str,
        role: Role,
        public_key: &[u8; 32],
        now: u64,
        days: u32,
    ) -> Result<CertificateDer<'static>, TransportError> {
        let mut params = dated_params(holder, role.unit, public_key, now, days)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![role.purpose];
        params.subject_alt_names = role.names;
        params.use_authority_key_identifier_extension = true;

        let signing_key = self.key.key_pair()?;
        let authority = authority_params(&self.operator, &self.key, BACKDATE_SECONDS)?;
        let issuer = Issuer::from_params(&authority, &*signing_key);
        let certificate = params
            .signed_by(&RawPublicKey(*public_key), &issuer)
            .map_err(|_| pki_error("the certificate authority's key could not sign a certificate"))?;
        Ok(certificate.into())
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").finish_non_exhaustive()
    }
}

/// What one side shows in the handshake: its certificate and the key that belongs to it.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: TlsKey,
}

impl Identity {
    /// Joins a certificate with its key.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if the certificate cannot be read or was issued for another key.
    pub fn new(certificate: CertificateDer<'static>, key: TlsKey) -> Result<Self, TransportError> {
        let identity = Self { certificate, key };
        tls::certified_key(&identity)?;
        Ok(identity)
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The key, to be stored where only its owner reads it.
    #[must_use]
    pub fn key(&self) -> &TlsKey {
        &self.key
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// An Ed25519 key for TLS. Its bytes are wiped when it is dropped.
pub struct TlsKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public_key: [u8; 32],
}

impl TlsKey {
    /// Makes a fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if there is no randomness to be had.
    pub fn generate() -> Result<Self, TransportError> {
        let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(|_| pki_error("a fresh TLS key could not be made"))?;
        let pair = Zeroizing::new(pair);
        Self::from_pkcs8(Zeroizing::new(pair.serialized_der().to_vec()))
    }

    /// The key of an Ed25519 seed: 32 random bytes (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`TransportError::Pki`] if TLS cannot use it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, TransportError> {
        // Its whole length at once: a vector that grew would leave a copy behind.
        let mut pkcs8 = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + seed.len()));
        pkcs8.extend_from_slice(&PKCS8_HEAD);
        pkcs8.extend_from_slice(seed);
        Self::from_pkcs8(pkcs8)
    }

    /// Reads a stored key: PKCS #8 DER (RFC 5958), with or without the public key in it.
    ///
    /// # Errors
    /// [`TransportError::Pki`] if these bytes are not one Ed25519 key.
    pub fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, TransportError> {
        let pair = read_key_pair(&pkcs8)?;
        let public_key =
            pair.public_key_raw().try_into().map_err(|_| pki_error("the TLS key is not an Ed25519 key"))?;
        Ok(Self { pkcs8, public_key })
    }

    /// The private key as PKCS #8 DER, to be stored where only its owner reads it.
    #[must_use]
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    fn key_pair(&self) -> Result<Zeroizing<KeyPair>, TransportError> {
        read_key_pair(&self.pkcs8)
    }
}

impl fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsKey").finish_non_exhaustive()
    }
}

/// SHA-256 of a certificate's DER bytes: by this the server knows which insurer is calling.
#[must_use]
pub fn certificate_digest(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate.as_ref()).into()
}

/// What tells a server's certificate from an insurer's.
struct Role {
    unit: &'static str,
    purpose: ExtendedKeyUsagePurpose,
    names: Vec<SanType>,
}

/// A public key of which nobody here holds the private half.
struct RawPublicKey([u8; 32]);

impl PublicKeyData for RawPublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

fn self_signed(operator: &str, key: &TlsKey, now: u64) -> Result<CertificateDer<'static>, TransportError> {
    let params = authority_params(operator, key, now)?;
    let certificate = params
        .self_signed(&*key.key_pair()?)
        .map_err(|_| pki_error("the certificate authority's key could not sign its own certificate"))?;
    Ok(certificate.into())
}

fn authority_params(operator: &str, key: &TlsKey, now: u64) -> Result<CertificateParams, TransportError> {
    let mut params = dated_params(operator, "Blindlist authority", &key.public_key, now, AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

/// The unit keeps an operator's server apart from its authority, whose name it shares: a certificate
/// whose subject is its issuer's would count as self-issued (RFC 5280, section 3.2).
fn dated_params(
    holder: &str,
    unit: &str,
    public_key: &[u8; 32],
    now: u64,
    days: u32,
) -> Result<CertificateParams, TransportError> {
    let begin = now.saturating_sub(BACKDATE_SECONDS);
    let end = u64::from(days).checked_mul(SECONDS_PER_DAY).and_then(|seconds| now.checked_add(seconds));
    let end = end.ok_or(pki_error("a certificate's end must lie before the year 10000"))?;

    let mut params = CertificateParams::default();
    params.not_before = date(begin)?;
    params.not_after = date(end)?;
    params.serial_number = Some(serial_number(public_key, begin, end));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, holder);
    params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
    Ok(params)
}

fn date(seconds: u64) -> Result<OffsetDateTime, TransportError> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(pki_error("a certificate's dates must lie before the year 10000"))
}

/// An authority must never use one serial number twice (RFC 5280, section 4.1.2.2), not even when it renews a
/// certificate for the same key.
fn serial_number(public_key: &[u8; 32], begin: u64, end: u64) -> SerialNumber {
    let digest =
        Sha256::new().chain_update(public_key).chain_update(begin.to_be_bytes()).chain_update(end.to_be_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    let mut serial: Vec<u8> = digest.into_iter().take(16).collect();
    if let Some(first) = serial.first_mut() {
        // Positive, and of one length whatever the digest.
        *first = (*first & 0x7f) | 0x40;
    }
    SerialNumber::from(serial)
}

fn read_key_pair(pkcs8: &[u8]) -> Result<Zeroizing<KeyPair>, TransportError> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_ED25519)
        .map(Zeroizing::new)
        .map_err(|_| pki_error("the TLS key must be an Ed25519 key in PKCS #8 DER"))
}

fn trust_anchor(certificate: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, TransportError> {
    let store: RootCertStore = tls::roots(certificate)?;
    store
        .roots
        .into_iter()
        .next()
        .ok_or(pki_error("the certificate authority's certificate is not an X.509 certificate"))
}

fn pki_error(problem: &'static str) -> TransportError {
    TransportError::Pki { problem }
}

#[cfg(test)]
mod tests;
