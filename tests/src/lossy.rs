//! A bad network: a UDP proxy between clients and a server that loses, doubles and delays datagrams, whose address in
//! the server's eyes may change at any moment, and that may be cut for a while.
//!
//! It knows nothing of QUIC. Every client has a way of its own to the server, with a socket of its own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Serving;
use crate::draw::Draw;

/// More than any datagram has.
const DATAGRAM: usize = 65_536;

/// What happens to datagrams, in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Of a hundred, so many are lost.
    pub lost: u64,
    /// Of a hundred, so many come twice.
    pub doubled: u64,
    /// Each is late by up to so many milliseconds, for each another number: they overtake one another.
    pub late: u64,
}

/// A proxy under way in this process; it ends when it is dropped.
#[derive(Debug)]
pub struct Lossy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Runtime,
}

#[derive(Debug)]
struct Shared {
    front: UdpSocket,
    server: SocketAddr,
    weather: Weather,
    draw: Mutex<Draw>,
    cut: AtomicBool,
    ways: Mutex<HashMap<SocketAddr, Way>>,
    lost: AtomicU64,
    doubled: AtomicU64,
    carried: AtomicU64,
}

/// One client's way to the server.
#[derive(Debug)]
struct Way {
    back: Arc<UdpSocket>,
    /// Carries what the server sends to this address.
    returning: JoinHandle<()>,
}

impl Lossy {
    /// A proxy before a server. What is drawn follows from the seed, and from the order in which datagrams come.
    pub fn before(server: &Serving, weather: Weather, seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let front = runtime.block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = front.local_addr().unwrap();
        let shared = Arc::new(Shared {
            front,
            server: server.address().parse().unwrap(),
            weather,
            draw: Mutex::new(Draw::new(seed)),
            cut: AtomicBool::new(false),
            ways: Mutex::default(),
            lost: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
            carried: AtomicU64::new(0),
        });
        runtime.spawn(Shared::listen(Arc::clone(&shared)));
        Self { address, shared, runtime }
    }

    /// Where clients find it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Datagrams that were lost, doubled, carried.
    pub fn counts(&self) -> [u64; 3] {
        let Shared { lost, doubled, carried, .. } = &*self.shared;
        [lost, doubled, carried].map(|count| count.load(Ordering::Relaxed))
    }

    /// From now on the server sees every client at another IP address and another port, as after a change of network.
    /// What it sends to the old ones is lost.
    pub fn rebind(&self) {
        let _inside = self.runtime.enter();
        let mut ways = self.shared.ways.lock().unwrap();
        for (client, way) in ways.iter_mut() {
            way.returning.abort();
            let IpAddr::V4(old) = way.back.local_addr().unwrap().ip() else { continue };
            *way = Shared::way(&self.shared, *client, Ipv4Addr::from_bits(old.to_bits() + 1));
        }
    }

    /// Loses everything from now on, or nothing more than before.
    pub fn cut(&self, cut: bool) {
        self.shared.cut.store(cut, Ordering::SeqCst);
    }
}

impl Shared {
    async fn listen(self: Arc<Self>) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let Ok((length, client)) = self.front.recv_from(&mut buffer).await else { continue };
            let back = {
                let mut ways = self.ways.lock().unwrap();
                let way = ways.entry(client).or_insert_with(|| Self::way(&self, client, Ipv4Addr::LOCALHOST));
                Arc::clone(&way.back)
            };
            let datagram = buffer.get(..length).unwrap_or_default();
            let server = self.server;
            self.carry(datagram, move |datagram| {
                let back = Arc::clone(&back);
                // A socket may refuse a datagram: then it is lost, like others.
                async move { drop(back.send_to(&datagram, server).await) }
            });
        }
    }

    /// A new way for a client, that the server sees at `address`.
    fn way(shared: &Arc<Self>, client: SocketAddr, address: Ipv4Addr) -> Way {
        let back = std::net::UdpSocket::bind((address, 0)).unwrap();
        back.set_nonblocking(true).unwrap();
        let back = Arc::new(UdpSocket::from_std(back).unwrap());
        let returning = tokio::spawn(Arc::clone(shared).bring_back(Arc::clone(&back), client));
        Way { back, returning }
    }

    async fn bring_back(self: Arc<Self>, back: Arc<UdpSocket>, client: SocketAddr) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let Ok((length, _)) = back.recv_from(&mut buffer).await else { continue };
            let datagram = buffer.get(..length).unwrap_or_default();
            let front = Arc::clone(&self);
            self.carry(datagram, move |datagram| {
                let front = Arc::clone(&front);
                async move { drop(front.front.send_to(&datagram, client).await) }
            });
        }
    }

    /// Sends a datagram as the weather has it: never, once or twice, each in its own time.
    fn carry<F: Future<Output = ()> + Send>(
        &self,
        datagram: &[u8],
        send: impl Fn(Vec<u8>) -> F + Send + Sync + 'static,
    ) {
        let Weather { lost, doubled, late } = self.weather;
        let mut draw = self.draw.lock().unwrap();
        if self.cut.load(Ordering::SeqCst) || draw.happens(lost) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let copies = 1 + u64::from(draw.happens(doubled));
        self.doubled.fetch_add(copies - 1, Ordering::Relaxed);
        self.carried.fetch_add(1, Ordering::Relaxed);
        let send = Arc::new(send);
        for _ in 0..copies {
            let delay = Duration::from_micros(draw.below(1_000 * late + 1));
            let (datagram, send) = (datagram.to_vec(), Arc::clone(&send));
            tokio::spawn(async move {
                sleep(delay).await;
                send(datagram).await;
            });
        }
    }
}
