//! One datagram to an address, to find out why no connection comes about: UDP tells nothing by itself.
//!
//! It is for a person who looks for a fault. Nobody may rely on what comes back: anyone on the way can make it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, time::timeout};

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Something that speaks QUIC.
    Quic,
    /// Something else.
    Other,
    /// The machine says that nothing listens on that port.
    Refused,
    /// There is no way there from this machine.
    NoWay,
    /// Nothing.
    Silence,
}

/// How often it is sent: datagrams get lost.
const TIMES: u32 = 3;
/// The least length at which a server says which versions it speaks (RFC 9000, section 14.1).
const LENGTH: usize = 1_200;
/// A long header of a version that is reserved for being unknown (RFC 9000, section 15), and two connection ids of eight bytes.
const UNKNOWN_VERSION: &[u8] = b"\xc0\x1a\x2a\x3a\x4a\x08whoisit?\x08blindlst";

/// Sends a datagram that any QUIC server answers, and says what came back within `patience`.
///
/// Must be called inside a `tokio` runtime.
pub async fn probe(remote: SocketAddr, patience: Duration) -> Echo {
    match exchange(remote, patience).await {
        Ok(echo) => echo,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Echo::Refused,
        Err(_) => Echo::NoWay,
    }
}

async fn exchange(remote: SocketAddr, patience: Duration) -> io::Result<Echo> {
    let local: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
    // Only a socket that is connected hears of a port that is closed.
    socket.connect(remote).await?;
    let mut datagram = UNKNOWN_VERSION.to_vec();
    datagram.resize(LENGTH, 0);
    let mut buffer = [0; 64];
    for _ in 0..TIMES {
        socket.send(&datagram).await?;
        if let Ok(received) = timeout(patience / TIMES, socket.recv(&mut buffer)).await {
            let length = received?;
            return Ok(if is_version_negotiation(buffer.get(..length).unwrap_or_default()) {
                Echo::Quic
            } else {
                Echo::Other
            });
        }
    }
    Ok(Echo::Silence)
}

/// A long header with version 0 (RFC 9000, section 17.2.1).
fn is_version_negotiation(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 0, 0, 0, 0, ..] if first & 0x80 != 0)
}
