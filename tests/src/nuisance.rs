//! What anybody may do to a server on the internet, and an insurer with a certificate may do besides: all of it bounded,
//! and none of it beyond this machine.
//!
//! [`Stranger`] has nothing but the server's address; [`Bore`] has a certificate, and keeps what it is given.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use blindlist_protocol::message::Request;
use blindlist_transport::{ALPN, SERVER_NAME};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, TransportConfig, VarInt};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use crate::Serving;
use crate::draw::Draw;
use crate::programs::PATIENCE;
use crate::raw::RawInsurer;

/// Sockets that a stranger sends from, each with an address and a port of its own.
const SOCKETS: u8 = 200;
/// Datagrams that are sent before the others on this machine get a turn: a burst is lost where it is received.
const BURST: usize = 20;
/// The shortest datagram that a connection may begin with (RFC 9000, section 14.1).
const INITIAL: usize = 1_200;
/// Datagrams in which a client says hello: its share of a post-quantum key exchange does not fit in one.
const HELLO: usize = 2;

/// Somebody without a certificate.
#[derive(Debug)]
pub struct Stranger {
    sockets: Vec<UdpSocket>,
    server: SocketAddr,
}

impl Stranger {
    /// Finds the server.
    pub async fn of(server: &Serving) -> Self {
        let mut sockets = Vec::new();
        for host in 0..SOCKETS {
            sockets.push(UdpSocket::bind((Ipv4Addr::new(127, 1, 0, host + 1), 0)).await.unwrap());
        }
        Self { sockets, server: server.address().parse().unwrap() }
    }

    /// Sends each of these from the next socket.
    pub async fn send(&self, datagrams: impl IntoIterator<Item = Vec<u8>>) {
        for (number, datagram) in datagrams.into_iter().enumerate() {
            let socket = self.sockets.get(number % self.sockets.len()).unwrap();
            // One that the system does not take is lost, like others.
            let _ = socket.send_to(&datagram, self.server).await;
            if number % BURST == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// Says hello so many times, each time as another client, and hears nothing of what the server answers.
    pub async fn hello(&self, hellos: &[Vec<Vec<u8>>]) {
        for (number, hello) in hellos.iter().enumerate() {
            let socket = self.sockets.get(number % self.sockets.len()).unwrap();
            for datagram in hello {
                let _ = socket.send_to(datagram, self.server).await;
            }
            if number % BURST == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// How many times the server has asked it to prove its address, since this was asked last.
    pub fn retries(&self) -> usize {
        let mut buffer = [0; 2_048];
        let mut retries = 0;
        for socket in &self.sockets {
            while socket.try_recv(&mut buffer).is_ok() {
                // A long header, the type Retry (RFC 9000, section 17.2.5).
                retries += usize::from(buffer[0] & 0xf0 == 0xf0);
            }
        }
        retries
    }
}

/// Datagrams of random bytes and of any length; half of them look as if they began a connection.
pub fn garbage(draw: &mut Draw, count: usize) -> Vec<Vec<u8>> {
    let mut datagram = || {
        let begins = draw.happens(50);
        let length = draw.below(1_500);
        let length =
            if begins { INITIAL.max(usize::try_from(length).unwrap()) } else { usize::try_from(length).unwrap() };
        let mut bytes = draw.bytes(length);
        if begins {
            // A long header, the type Initial, version 1, an identifier of eight bytes.
            bytes.splice(0..6, [0xc0 | bytes[0] & 0x0f, 0, 0, 0, 1, 8]);
        }
        bytes
    };
    (0..count).map(|_| datagram()).collect()
}

/// Hellos with some bits changed anywhere behind the version.
pub fn corrupted(draw: &mut Draw, hellos: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    let mut datagrams: Vec<_> = hellos.iter().flatten().cloned().collect();
    for datagram in &mut datagrams {
        for _ in 0..=draw.below(8) {
            let at = 5 + draw.below(datagram.len() as u64 - 5);
            datagram[usize::try_from(at).unwrap()] ^= 1 << draw.below(8);
        }
    }
    datagrams
}

/// The first datagrams of so many connections, none of which was begun with the server.
pub async fn hellos(insurer: &RawInsurer, count: usize) -> Vec<Vec<Vec<u8>>> {
    let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = nobody.local_addr().unwrap();
    let client = endpoint(insurer, TransportConfig::default());
    let mut heard: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    let mut buffer = [0; 2_048];
    while heard.values().filter(|hello| hello.len() >= HELLO).count() < count {
        let connecting = client.connect(address, SERVER_NAME).unwrap();
        for _ in 0..HELLO {
            let length = timeout(PATIENCE, nobody.recv(&mut buffer)).await.expect("a client says hello").unwrap();
            let datagram = buffer[..length].to_vec();
            // The client's choice of the server's connection id tells connections apart: its length and its bytes.
            let id = datagram[6..6 + usize::from(datagram[5])].to_vec();
            heard.entry(id).or_default().push(datagram);
        }
        drop(connecting);
    }
    let whole = heard.into_values().filter(|hello| hello.len() >= HELLO);
    whole.take(count).map(|mut hello| hello.drain(..HELLO).collect()).collect()
}

/// An insurer that keeps everything open, and what it keeps.
#[derive(Debug)]
pub struct Bore {
    connections: Vec<Connection>,
    streams: Vec<(SendStream, RecvStream)>,
    _endpoint: Endpoint,
}

impl Bore {
    /// Makes so many connections, which take `window` bytes of an answer before somebody reads it.
    pub async fn of(insurer: &RawInsurer, server: &Serving, connections: usize, window: u32) -> Self {
        let mut transport = TransportConfig::default();
        transport
            .stream_receive_window(VarInt::from_u32(window))
            // Whoever says nothing is soon forgotten.
            .keep_alive_interval(Some(Duration::from_secs(1)));
        let endpoint = endpoint(insurer, transport);
        let mut bore = Self { connections: Vec::new(), streams: Vec::new(), _endpoint: endpoint.clone() };
        for _ in 0..connections {
            let connecting = endpoint.connect(server.address().parse().unwrap(), SERVER_NAME).unwrap();
            bore.connections.push(connecting.await.unwrap());
        }
        bore
    }

    /// Asks for something on as many streams of each connection as it may have, and never reads the answers.
    pub async fn ask_and_not_read(&mut self, request: &Request) {
        for connection in &self.connections {
            while let Ok(Ok((mut send, receive))) = timeout(GRANTED, connection.open_bi()).await {
                send.write_all(&request.encode()).await.unwrap();
                send.finish().unwrap();
                self.streams.push((send, receive));
            }
        }
    }

    /// Begins a request on as many streams of each connection as it may have, and never ends it.
    pub async fn begin_and_not_end(&mut self, request: &Request) {
        let bytes = request.encode();
        for connection in &self.connections {
            while let Ok(Ok((mut send, receive))) = timeout(GRANTED, connection.open_bi()).await {
                send.write_all(&bytes[..bytes.len() / 2]).await.unwrap();
                self.streams.push((send, receive));
            }
        }
    }

    /// How many streams it keeps.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Sends `count` streams of random bytes; a third is finished, a third reset, a third left as it is. What is answered
    /// is not looked at.
    pub async fn babble(&mut self, draw: &mut Draw, count: usize) {
        for number in 0..count {
            let connection = &self.connections[number % self.connections.len()];
            // When all that may be open are, the oldest is given up.
            let stream = timeout(GRANTED, connection.open_bi()).await;
            let Ok((mut send, receive)) = (match stream {
                Ok(stream) => stream,
                Err(_) => {
                    self.streams.clear();
                    connection.open_bi().await
                }
            }) else {
                panic!("the server closed a connection because of a stream")
            };
            let length = draw.below(2_000);
            // The server may want no more of it.
            let _ = send.write_all(&draw.bytes(usize::try_from(length).unwrap())).await;
            match draw.below(3) {
                0 => drop(send.finish()),
                1 => drop(send.reset(VarInt::from_u32(7))),
                _ => self.streams.push((send, receive)),
            }
        }
    }
}

/// A stream that the server grants is there sooner than this.
const GRANTED: Duration = Duration::from_millis(300);

/// A QUIC endpoint with an insurer's certificate that behaves as it likes.
fn endpoint(insurer: &RawInsurer, transport: TransportConfig) -> Endpoint {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(insurer.authority()).unwrap();
    let identity = insurer.identity();
    let key = PrivatePkcs8KeyDer::from(identity.key().pkcs8().to_vec());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let tls = tls.unwrap().with_root_certificates(roots);
    let mut tls = tls.with_client_auth_cert(vec![identity.certificate().clone()], key.into()).unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    config.transport_config(Arc::new(transport));
    let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    endpoint.set_default_client_config(config);
    endpoint
}
