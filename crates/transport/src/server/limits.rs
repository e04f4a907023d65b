//! How much of everything the server gives to its callers.

use std::time::Duration;

/// How much of everything the server gives to its callers.
///
/// Memory follows from it: messages under way hold at most twice [`max_bytes`](Self::max_bytes), and what has come but
/// is not read yet at most 32 KiB for each stream that a connection may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest request, in bytes.
    pub max_request: usize,
    /// Bytes of all requests that are being read or answered, and again of all responses until they are delivered. What
    /// finds no room waits at the caller's. One caller has at most an eighth. Fixed when the server starts.
    pub max_bytes: usize,
    /// Requests that one connection may have under way; more of them wait at the caller's.
    pub max_streams_per_connection: u32,
    /// Connections, those in handshake included; more of them are told to come back.
    pub max_connections: usize,
    /// Connections from one address, or from one /64 network of IPv6. Only those count that have proven their address.
    pub max_connections_per_address: usize,
    /// Connections with one certificate.
    pub max_connections_per_caller: usize,
    /// For a handshake.
    pub handshake_timeout: Duration,
    /// Without a sign of the caller, after which a connection counts as lost.
    pub idle_timeout: Duration,
    /// For a caller to send one whole request, from when there is room for it.
    pub request_timeout: Duration,
    /// For a caller to receive one whole response.
    pub response_timeout: Duration,
    /// For the requests under way when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request: 512 << 10,
            max_bytes: 64 << 20,
            max_streams_per_connection: 4,
            max_connections: 1_024,
            max_connections_per_address: 64,
            max_connections_per_caller: 16,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            response_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(20),
        }
    }
}
