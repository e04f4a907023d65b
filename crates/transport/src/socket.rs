//! The UDP socket of either side.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use rustix::net::sockopt::set_socket_recv_buffer_size;

/// Bytes that may arrive while the program is busy: what does not fit is lost, and sent again. Linux's usual 208 KiB take some
/// ninety datagrams.
const ARRIVING: usize = 4 << 20;

/// A socket at an address, with as large a buffer as the system allows.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    if let Err(error) = set_socket_recv_buffer_size(&socket, ARRIVING) {
        tracing::debug!(%error, "the system gives no larger receive buffer");
    }
    Ok(socket)
}
