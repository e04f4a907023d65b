//! QUIC with mutual TLS for both sides: one request, one stream.
//!
//! The client opens a bidirectional stream, writes one request and finishes; the server writes one response and finishes.
//! Both are opaque bytes here: what they mean, who may ask and what an answer costs is decided above.
//! - [`pki`]: the operator's certificate authority and the certificates that it issues.
//! - [`server`]: accepts connections of certified insurers and hands each request to a [`Handler`].
//! - [`client`]: one connection to one operator.
//!
//! TLS is 1.3 only, both sides show a certificate of the operator's own authority, the hybrid post-quantum key exchange
//! X25519MLKEM768 is offered first but not required, and there is neither 0-RTT nor resumption: each connection
//! authenticates both sides anew. This crate must not parse requests, log their contents or put a peer's text into an error.

pub mod client;
mod error;
pub mod pki;
mod probe;
pub mod server;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod validity;

pub use client::{Connection, Timeouts, resolve};
pub use error::{CertificateFault, TransportError};
pub use pki::{CertificateAuthority, Identity, TlsKey, certificate_digest};
pub use probe::{Echo, probe};
pub use rustls::pki_types::CertificateDer;
pub use server::{Connections, Control, Handler, Incoming, Limits, Peer, Server};
pub use validity::{certificate_begin, certificate_end};

/// The application protocol that both sides must name in the handshake (RFC 7301).
pub const ALPN: &[u8] = ALPN_NAME.as_bytes();

/// The same, as text.
pub const ALPN_NAME: &str = "blindlist/1";

/// The name in every server certificate, of every operator.
///
/// The authority is the operator's own, so the name only tells a server's certificate from an insurer's. Addresses may
/// change without new certificates. `.invalid` never resolves (RFC 6761).
pub const SERVER_NAME: &str = "server.blindlist.invalid";

/// The application code with which a server that stops closes a connection: come back later.
const CLOSE_COME_BACK: u32 = 1;
