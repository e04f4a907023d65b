//! A UDP relay between clients and a server that counts bytes: what a measurement calls bytes on the wire. It loses, doubles
//! and delays nothing; see [`crate::lossy`] for one that does.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::Serving;

/// More than any datagram has.
const DATAGRAM: usize = 65_536;
/// Bytes that may wait at a socket.
const ARRIVING: usize = 4 << 20;
/// How long a way waits before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);
/// A client that has been silent for so many looks has gone.
const SILENT: u32 = 300;

/// A relay under way in threads of this process; it ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    ended: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
}

impl Relay {
    /// A relay before a server.
    pub fn before(server: &Serving) -> Self {
        let front = socket();
        front.set_read_timeout(Some(LOOK)).unwrap();
        let address = front.local_addr().unwrap();
        let server = server.address().parse().unwrap();
        let (ended, up, down) = Default::default();
        let shared = Arc::new(Shared { front, server, ended, up, down });
        let listening = Some(thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.listen()
        }));
        Self { address, shared, listening }
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Bytes of all datagrams so far, to the server and from it.
    pub fn carried(&self) -> [u64; 2] {
        [&self.shared.up, &self.shared.down].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(listening) = self.listening.take() {
            // A relay that panicked has shown it.
            let _ = listening.join();
        }
    }
}

/// A socket with room for what comes while the relay is busy: what is lost would be sent again, and counted.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    set_socket_recv_buffer_size(&socket, ARRIVING).unwrap();
    socket
}

impl Shared {
    fn listen(self: Arc<Self>) {
        let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut buffer = vec![0; DATAGRAM];
        while !self.ended.load(Ordering::Relaxed) {
            let Ok((length, client)) = self.front.recv_from(&mut buffer) else { continue };
            self.up.fetch_add(length as u64, Ordering::Relaxed);
            let way = ways.entry(client).or_insert_with(|| self.way(client));
            // A socket may refuse a datagram: then it is lost, and QUIC sends it again.
            let _ = way.send(buffer.get(..length).unwrap_or_default());
        }
    }

    /// A socket of this client's own towards the server, and a thread that brings back what comes.
    fn way(self: &Arc<Self>, client: SocketAddr) -> Arc<UdpSocket> {
        let way = socket();
        way.connect(self.server).unwrap();
        way.set_read_timeout(Some(LOOK)).unwrap();
        let way = Arc::new(way);
        let (shared, back) = (Arc::clone(self), Arc::clone(&way));
        thread::spawn(move || shared.bring_back(&back, client));
        way
    }

    fn bring_back(&self, way: &UdpSocket, client: SocketAddr) {
        let mut buffer = vec![0; DATAGRAM];
        let mut silent = 0;
        while silent < SILENT && !self.ended.load(Ordering::Relaxed) {
            let Ok(length) = way.recv(&mut buffer) else {
                silent += 1;
                continue;
            };
            silent = 0;
            self.down.fetch_add(length as u64, Ordering::Relaxed);
            let _ = self.front.send_to(buffer.get(..length).unwrap_or_default(), client);
        }
    }
}
