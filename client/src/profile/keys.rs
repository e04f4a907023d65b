//! An insurer's two keys: one for TLS, one that signs its chunks.

use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest};
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::text::Slug;
use blindlist_transport::TlsKey;

use crate::ClientError;

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
        let keys = Self::new(SigningKey::from_seed(signing), TlsKey::from_seed(tls)?);
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
