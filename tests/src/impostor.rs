//! A server with the operator's real certificate that answers what it likes.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::params::MAX_RESPONSE;
use blindlist_transport::{
    CertificateDer, Connection, Handler, Identity, Incoming, Limits, Peer, Server, Timeouts, TlsKey,
};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::programs::PATIENCE;
use crate::{Insurer, Operator, Serving};

/// What to send back.
#[derive(Debug)]
pub enum Reply {
    /// A response.
    Response(Response),
    /// Whatever these bytes are.
    Bytes(Vec<u8>),
    /// Nothing: the stream is reset.
    Nothing,
    /// Nothing, for as long as anybody waits.
    Silence,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// A server under way in this process; it stops when it is dropped.
#[derive(Debug)]
pub struct Impostor {
    address: SocketAddr,
    evaluations: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
    /// To the real server.
    relay: Option<Arc<Connection>>,
    runtime: Runtime,
}

impl Drop for Impostor {
    fn drop(&mut self) {
        // The real server counts an insurer's connections, and would count this one until it is idle too long.
        if let Some(relay) = &self.relay {
            self.runtime.block_on(relay.close());
        }
    }
}

impl Impostor {
    /// Stands between an insurer and the real server: it passes requests on in the insurer's name, and answers what
    /// `tamper` makes of the real answers.
    pub fn between<R: Into<Reply>>(
        insurer: &Insurer,
        operator: &Operator,
        server: &Serving,
        tamper: impl Fn(&Request, Response) -> R + Send + Sync + 'static,
    ) -> Self {
        let (identity, authority) = client_identity(insurer, operator);
        let address = server.address();
        let runtime = Runtime::new().unwrap();
        let connection =
            runtime.block_on(Connection::connect(&[address], &identity, &authority, Timeouts::default())).unwrap();
        let honest = Arc::new(connection);
        let relay = Arc::clone(&honest);
        let forward = move |request: Request| {
            let honest = Arc::clone(&honest);
            async move {
                let bytes = honest.request(&request.encode(), MAX_RESPONSE, PATIENCE).await.unwrap();
                Response::decode(&bytes).unwrap()
            }
        };
        let mut impostor = Self::start(runtime, operator, forward, tamper);
        impostor.relay = Some(relay);
        impostor
    }

    /// Answers all by itself.
    pub fn alone<R: Into<Reply>>(
        operator: &Operator,
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
        tamper: impl Fn(&Request, Response) -> R + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        let scripted = move |request: Request| {
            let answer = Arc::clone(&answer);
            async move { answer(&request) }
        };
        Self::start(Runtime::new().unwrap(), operator, scripted, tamper)
    }

    fn start<R: Into<Reply>, F: Future<Output = Response> + Send>(
        runtime: Runtime,
        operator: &Operator,
        answer: impl Fn(Request) -> F + Send + Sync + 'static,
        tamper: impl Fn(&Request, Response) -> R + Send + Sync + 'static,
    ) -> Self {
        let (identity, authority) = server_identity(operator);
        let (stop, stopped) = oneshot::channel::<()>();
        let evaluations = Arc::default();
        let tamper = move |request: &Request, response| tamper(request, response).into();
        let handler = Arc::new(Answering { answer, tamper, evaluations: Arc::clone(&evaluations) });
        let server = runtime.block_on(async {
            Server::bind("127.0.0.1:0".parse().unwrap(), &identity, &authority, Limits::default()).unwrap()
        });
        let address = server.local_addr().unwrap();
        runtime.spawn(server.run(handler, async {
            // Dropping the sender stops it as well.
            let _ = stopped.await;
        }));
        Self { address, evaluations, _stop: stop, relay: None, runtime }
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

struct Answering<A, T> {
    answer: A,
    tamper: T,
    evaluations: Arc<AtomicUsize>,
}

impl<A, T, F> Handler for Answering<A, T>
where
    A: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send,
    T: Fn(&Request, Response) -> Reply + Send + Sync + 'static,
{
    async fn answer(&self, _: Peer, request: Incoming) -> Vec<u8> {
        let Incoming::Whole(bytes) = request else { panic!("a client must not send too much") };
        let request = Request::decode(&bytes).expect("a client's requests are well-formed");
        if matches!(request, Request::Evaluate(_)) {
            self.evaluations.fetch_add(1, Ordering::SeqCst);
        }
        let response = (self.answer)(request.clone()).await;
        match (self.tamper)(&request, response) {
            Reply::Response(response) => response.encode(),
            Reply::Bytes(bytes) => bytes,
            Reply::Nothing => panic!("on purpose: an answer is lost"),
            Reply::Silence => std::future::pending().await,
        }
    }

    fn longest_answer(&self, _: &Incoming) -> usize {
        // Answers that never come must not hold up the others.
        0
    }
}

/// The server's certificate and key, and the authority, out of an operator's home.
fn server_identity(operator: &Operator) -> (Identity, CertificateDer<'static>) {
    let read = |name: &str| fs::read(operator.home().join("keys/online").join(name)).unwrap();
    let key = TlsKey::from_pkcs8(Zeroizing::new(read("tls.key"))).unwrap();
    (Identity::new(read("tls.crt").into(), key).unwrap(), read("ca.crt").into())
}

/// The insurer's certificate and key, and the authority, out of its profile.
fn client_identity(insurer: &Insurer, operator: &Operator) -> (Identity, CertificateDer<'static>) {
    let key = fs::read(insurer.profile().join("keys/tls.key")).unwrap();
    let key = TlsKey::from_pkcs8(Zeroizing::new(key)).unwrap();
    let (_, authority) = server_identity(operator);
    (Identity::new(insurer.bundle().certificate.into(), key).unwrap(), authority)
}
