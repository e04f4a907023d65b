//! What can go wrong between the two sides, sorted by what the caller can do about it.
//!
//! A peer's own words (close reasons, alert texts) never get into a message: only numbers that both sides know are read.

use std::{fmt, io, net::SocketAddr};

use quinn::{ConnectError, ConnectionError, ReadError, ReadToEndError, TransportErrorCode, WriteError};

use crate::CLOSE_COME_BACK;

/// Why no answer came, or why one side could not start.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A configured server address is not of the form that we take.
    #[error("the server address {address:?} is not HOST:PORT (an IPv6 address goes in brackets: [::1]:4433)")]
    BadAddress {
        /// The address as it was given.
        address: String,
    },
    /// A server's name could not be turned into an address.
    #[error("the server name in {address:?} could not be resolved: check the name and this computer's DNS")]
    Resolve {
        /// The address as it was given.
        address: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// Nothing answered in time.
    #[error("no server answered at {address:?}: check the address and that UDP to this port is let through")]
    Unreachable {
        /// The address as it was given.
        address: String,
    },
    /// A server answered, but it is not the operator's.
    #[error("the server's certificate was not trusted: {fault}; expected one of the pinned operator's servers")]
    PeerNotTrusted {
        /// What is wrong with the server's certificate.
        fault: CertificateFault,
    },
    /// The server does not accept our certificate. In TLS 1.3 this may first be seen by a request.
    #[error("the server did not accept this certificate: {fault}; ask the operator for a new one")]
    NotAccepted {
        /// What the server found wrong with our certificate.
        fault: CertificateFault,
    },
    /// The other side speaks another protocol, or another version of it.
    #[error("the other side does not speak blindlist/1 over QUIC version 1 and TLS 1.3: update the older program")]
    NoCommonProtocol,
    /// The server is stopping, or has too many connections.
    #[error("the server is stopping or full: try again later")]
    ComeBack,
    /// The connection or the server failed before the whole answer came.
    #[error("the connection was lost before the whole answer came")]
    Lost,
    /// The answer did not come within the time that the caller gave.
    #[error("the answer did not come in time")]
    Deadline,
    /// The answer is longer than the caller allows.
    #[error("the answer is longer than the {limit} bytes allowed")]
    ResponseTooLarge {
        /// The most bytes that the caller allowed.
        limit: usize,
    },
    /// A certificate or key is unusable.
    #[error("{problem}")]
    Pki {
        /// What was found, and what would be right.
        problem: &'static str,
    },
    /// The server's socket could not be opened.
    #[error("could not listen on UDP {address}: is another program using it, and may this user?")]
    Bind {
        /// The address that was configured.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system failed us otherwise.
    #[error("a network socket could not be used")]
    Io(#[from] io::Error),
}

impl TransportError {
    /// Whether the same request may well succeed later, with nothing changed on this side.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Unreachable { .. } | Self::ComeBack | Self::Lost | Self::Deadline => true,
            Self::BadAddress { .. }
            | Self::PeerNotTrusted { .. }
            | Self::NotAccepted { .. }
            | Self::NoCommonProtocol
            | Self::ResponseTooLarge { .. }
            | Self::Pki { .. }
            | Self::Bind { .. }
            | Self::Io(_) => false,
        }
    }

    /// Why a connection that was under way to `address` did not come about.
    pub(crate) fn connecting(address: &str, reason: &ConnectionError) -> Self {
        if matches!(reason, ConnectionError::TimedOut) {
            return Self::Unreachable { address: address.to_owned() };
        }
        reason.into()
    }

    /// Why a connection to `address` could not even be begun.
    pub(crate) fn starting(address: &str, reason: &ConnectError) -> Self {
        match reason {
            ConnectError::InvalidRemoteAddress(_) => Self::BadAddress { address: address.to_owned() },
            ConnectError::UnsupportedVersion => Self::NoCommonProtocol,
            ConnectError::EndpointStopping
            | ConnectError::CidsExhausted
            | ConnectError::InvalidServerName(_)
            | ConnectError::NoDefaultClientConfig => Self::Lost,
        }
    }

    /// Why a whole answer of at most `limit` bytes did not come.
    pub(crate) fn reading(limit: usize, reason: &ReadToEndError) -> Self {
        match reason {
            ReadToEndError::TooLong => Self::ResponseTooLarge { limit },
            ReadToEndError::Read(ReadError::ConnectionLost(reason)) => reason.into(),
            ReadToEndError::Read(
                ReadError::Reset(_)
                | ReadError::ClosedStream
                | ReadError::IllegalOrderedRead
                | ReadError::ZeroRttRejected,
            ) => Self::Lost,
        }
    }

    /// Why a request could not be written.
    pub(crate) fn writing(reason: &WriteError) -> Self {
        match reason {
            WriteError::ConnectionLost(reason) => reason.into(),
            WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => Self::Lost,
        }
    }
}

impl From<&ConnectionError> for TransportError {
    fn from(reason: &ConnectionError) -> Self {
        match reason {
            ConnectionError::VersionMismatch => Self::NoCommonProtocol,
            ConnectionError::TransportError(found_here) => classify(found_here.code, Side::Ours),
            ConnectionError::ConnectionClosed(by_peer) => classify(by_peer.error_code, Side::Theirs),
            ConnectionError::ApplicationClosed(close) if close.error_code == CLOSE_COME_BACK.into() => Self::ComeBack,
            ConnectionError::ApplicationClosed(_)
            | ConnectionError::Reset
            | ConnectionError::TimedOut
            | ConnectionError::LocallyClosed
            | ConnectionError::CidsExhausted => Self::Lost,
        }
    }
}

/// What is wrong with a certificate, as far as a TLS alert tells (RFC 8446, section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// None was shown.
    Missing,
    /// It has ended or not begun, by the clock of the side that checks.
    Expired,
    /// Another authority issued it.
    UnknownAuthority,
    /// It was issued for another purpose: an insurer's is not a server's.
    WrongPurpose,
    /// It was withdrawn.
    Revoked,
    /// It is for another name, its holder could not prove that it has the key, or it is not acceptable otherwise.
    Unacceptable,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there was none",
            Self::Expired => "it is not valid at this time (or the clock of one side is wrong)",
            Self::UnknownAuthority => "another authority issued it",
            Self::WrongPurpose => "it was issued for another purpose",
            Self::Revoked => "it was withdrawn",
            Self::Unacceptable => "its name, its key or its form is not acceptable",
        })
    }
}

/// Which side found the fault.
#[derive(Clone, Copy)]
enum Side {
    Ours,
    Theirs,
}

fn classify(code: TransportErrorCode, found_by: Side) -> TransportError {
    // While a handshake is under way, a server that stops can only say that its application did (RFC 9000, section 10.2.3).
    if code == TransportErrorCode::CONNECTION_REFUSED || code == TransportErrorCode::APPLICATION_ERROR {
        return TransportError::ComeBack;
    }
    match (alert(code).map(Alert::from), found_by) {
        (Some(Alert::Certificate(fault)), Side::Ours) => TransportError::PeerNotTrusted { fault },
        (Some(Alert::Certificate(fault)), Side::Theirs) => TransportError::NotAccepted { fault },
        (Some(Alert::NoCommonProtocol), Side::Ours | Side::Theirs) => TransportError::NoCommonProtocol,
        (Some(Alert::Other) | None, Side::Ours | Side::Theirs) => TransportError::Lost,
    }
}

/// The TLS alert in a QUIC error code: 0x100 plus the alert (RFC 9001, section 4.8).
fn alert(code: TransportErrorCode) -> Option<u8> {
    u64::from(code).checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok())
}

enum Alert {
    Certificate(CertificateFault),
    NoCommonProtocol,
    Other,
}

impl From<u8> for Alert {
    fn from(number: u8) -> Self {
        match number {
            // handshake_failure, protocol_version, insufficient_security, no_application_protocol
            40 | 70 | 71 | 120 => Self::NoCommonProtocol,
            // bad_certificate, certificate_unknown, access_denied, decrypt_error
            42 | 46 | 49 | 51 => Self::Certificate(CertificateFault::Unacceptable),
            // unsupported_certificate
            43 => Self::Certificate(CertificateFault::WrongPurpose),
            44 => Self::Certificate(CertificateFault::Revoked),
            45 => Self::Certificate(CertificateFault::Expired),
            48 => Self::Certificate(CertificateFault::UnknownAuthority),
            116 => Self::Certificate(CertificateFault::Missing),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_blames_the_side_that_did_not_find_it() {
        let unknown_ca = TransportErrorCode::crypto(48);
        let fault = CertificateFault::UnknownAuthority;
        assert!(matches!(classify(unknown_ca, Side::Ours), TransportError::PeerNotTrusted { fault: f } if f == fault));
        assert!(matches!(classify(unknown_ca, Side::Theirs), TransportError::NotAccepted { fault: f } if f == fault));
    }

    #[test]
    fn codes_outside_the_alerts_are_not_taken_for_alerts() {
        assert!(matches!(classify(TransportErrorCode::INTERNAL_ERROR, Side::Theirs), TransportError::Lost));
        assert!(matches!(classify(TransportErrorCode::crypto(80), Side::Theirs), TransportError::Lost));
        assert!(matches!(classify(TransportErrorCode::CONNECTION_REFUSED, Side::Theirs), TransportError::ComeBack));
    }

    #[test]
    fn only_what_may_pass_by_itself_is_worth_a_retry() {
        assert!(TransportError::ComeBack.retryable());
        assert!(TransportError::Unreachable { address: "a:1".to_owned() }.retryable());
        assert!(!TransportError::NotAccepted { fault: CertificateFault::Expired }.retryable());
        assert!(!TransportError::ResponseTooLarge { limit: 1 }.retryable());
    }
}
