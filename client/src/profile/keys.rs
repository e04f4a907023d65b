//! An insurer's two keys: one for TLS, one that signs its chunks.

use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest};
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::text::Slug;
use blindlist_transport::TlsKey;
use zeroize::Zeroizing;

use crate::ClientError;

/// PKCS #8 of an Ed25519 key up to its seed of 32 bytes (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The keys. Both are wiped when dropped and redacted in `Debug`.
#[derive(Debug)]
pub struct Keys {
    signing: SigningKey,
    tls: TlsKey,
}

impl Keys {
    /// Keys that belong to one profile.
    pub(super) fn new(signing: SigningKey, tls: TlsKey) -> Self {
        Self { signing, tls }
    }

    /// The keys of two seeds of 32 random bytes, and the request to be enrolled with them.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when TLS cannot use such a key.
    pub fn from_seeds(name: Slug, signing: &[u8; 32], tls: &[u8; 32]) -> Result<(Self, EnrolmentRequest), ClientError> {
        let mut pkcs8 = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + tls.len()));
        pkcs8.extend_from_slice(&PKCS8_HEAD);
        pkcs8.extend_from_slice(tls);
        let keys = Self::new(SigningKey::from_seed(signing), TlsKey::from_pkcs8(pkcs8)?);
        let request = EnrolmentRequest::new(name, &SigningKey::from_seed(tls), keys.signing.verifying());
        Ok((keys, request))
    }

    /// The key that signs chunks.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The key for TLS.
    pub fn tls(&self) -> &TlsKey {
        &self.tls
    }

    /// Whether a bundle was made for these keys.
    pub fn are_in(&self, bundle: &Bundle) -> bool {
        bundle.signing_key == self.signing.verifying() && bundle.tls_key.as_bytes() == self.tls.public_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_and_the_request_use_one_key() {
        let (keys, request) = Keys::from_seeds("a".parse().unwrap(), &[1; 32], &[2; 32]).unwrap();
        assert_eq!(request.tls_key.as_bytes(), keys.tls().public_key());
        assert_eq!(request.signing_key, keys.signing().verifying());
        assert_ne!(request.tls_key, request.signing_key);
    }

    #[test]
    fn debug_shows_no_key() {
        let (keys, _) = Keys::from_seeds("a".parse().unwrap(), &[0x77; 32], &[0x66; 32]).unwrap();
        let shown = format!("{keys:?}");
        assert!(!shown.contains("7777") && !shown.contains("6666") && !shown.contains("119"), "{shown}");
    }
}
