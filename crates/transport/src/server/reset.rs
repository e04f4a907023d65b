//! Stateless resets (RFC 9000, section 10.3): a server that was killed and is there again says at once that it knows
//! nothing of a connection, so that its caller need not wait until that counts as lost.
//!
//! What marks such a reset follows from the server's TLS key, so it outlives the process, and nobody else can end a
//! connection with it. Whoever gets a packet of a connection to another server with the same TLS key, such as by changing
//! its way through a load balancer, can have that connection reset: its caller connects again.

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use quinn::{
    ConnectionId, ConnectionIdGenerator, EndpointConfig,
    crypto::{CryptoError, HmacKey},
};
use rustls::crypto::SecureRandom;
use sha2::Sha256;
use std::time::Duration;

use crate::{Identity, tls};

/// What the key of resets is derived with.
const PURPOSE: &[u8] = b"blindlist stateless reset";
/// Bytes of a connection id.
const ID: usize = 8;
/// Bytes of HMAC-SHA-256.
const MAC: usize = 32;

/// An endpoint whose resets are those of every endpoint of this server, before and after.
pub(super) fn endpoint_config(identity: &Identity) -> EndpointConfig {
    let key = ResetKey(keyed(identity.key().pkcs8()).chain_update(PURPOSE).finalize().into_bytes().into());
    let random = tls::provider().secure_random;
    let mut config = EndpointConfig::new(Arc::new(key));
    // quinn's own ids are recognised by a key of the process: what another process gave out would be passed over.
    config.cid_generator(move || Box::new(Ids(random)));
    config
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The key from which the token of each connection id follows.
struct ResetKey([u8; MAC]);

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature: &mut [u8]) {
        signature.copy_from_slice(&keyed(&self.0).chain_update(data).finalize().into_bytes());
    }

    fn signature_len(&self) -> usize {
        MAC
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        keyed(&self.0).chain_update(data).verify_slice(signature).map_err(|_| CryptoError)
    }
}

impl Drop for ResetKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// Random connection ids, of which none is known as this process's own.
struct Ids(&'static dyn SecureRandom);

impl ConnectionIdGenerator for Ids {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID];
        self.0.fill(&mut id).expect("TLS needs the system's randomness as well");
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey(redacted)")
    }
}
