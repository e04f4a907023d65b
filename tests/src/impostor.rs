//! A server with the operator's real certificate that answers what it likes.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blindlist_protocol::message::{Request, Response};
use blindlist_transport::{CertificateDer, Handler, Identity, Incoming, Limits, Peer, Server, TlsKey};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::Operator;

/// A server under way in this process; it stops when it is dropped.
#[derive(Debug)]
pub struct Impostor {
    address: SocketAddr,
    evaluations: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
    _runtime: Runtime,
}

impl Impostor {
    /// Serves on a free port. Every request is answered by `answer`: whatever bytes it returns are sent.
    pub fn start(operator: &Operator, answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (identity, authority) = identity(operator);
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let evaluations = Arc::default();
        let handler = Arc::new(Answering { answer, evaluations: Arc::clone(&evaluations) });
        let server = runtime.block_on(async {
            Server::bind("127.0.0.1:0".parse().unwrap(), &identity, &authority, Limits::default()).unwrap()
        });
        let address = server.local_addr().unwrap();
        runtime.spawn(server.run(handler, async {
            // Dropping the sender stops it as well.
            let _ = stopped.await;
        }));
        Self { address, evaluations, _stop: stop, _runtime: runtime }
    }

    /// Serves what `honest` answers, after `tamper` has had its way with it.
    pub fn tampering(
        operator: &Operator,
        honest: impl Fn(&Request) -> Response + Send + Sync + 'static,
        tamper: impl Fn(&Request, Response) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(operator, move |request| tamper(request, honest(request)).encode())
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// How many chunks it was asked to evaluate.
    pub fn evaluations(&self) -> usize {
        self.evaluations.load(Ordering::SeqCst)
    }
}

struct Answering<F> {
    answer: F,
    evaluations: Arc<AtomicUsize>,
}

impl<F: Fn(&Request) -> Vec<u8> + Send + Sync + 'static> Handler for Answering<F> {
    async fn answer(&self, _: Peer, request: Incoming) -> Vec<u8> {
        let Incoming::Whole(bytes) = request else { panic!("a client must not send too much") };
        let request = Request::decode(&bytes).expect("a client's requests are well-formed");
        if matches!(request, Request::Evaluate(_)) {
            self.evaluations.fetch_add(1, Ordering::SeqCst);
        }
        (self.answer)(&request)
    }
}

/// The server's certificate and key, and the authority, out of an operator's home.
fn identity(operator: &Operator) -> (Identity, CertificateDer<'static>) {
    let read = |name: &str| fs::read(operator.home().join("keys/online").join(name)).unwrap();
    let key = TlsKey::from_pkcs8(Zeroizing::new(read("tls.key"))).unwrap();
    (Identity::new(read("tls.crt").into(), key).unwrap(), read("ca.crt").into())
}
