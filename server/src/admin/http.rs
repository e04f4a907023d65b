//! HTTP/1.1: one request a connection, few connections at a time, small requests, and little patience.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use hyper::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::guard::{Denied, Guard};
use super::status::Sight;
use super::{metrics, page};

/// Connections at a time; more of them wait.
const CONNECTIONS: usize = 32;
/// For a request to come.
const REQUEST: Duration = Duration::from_secs(5);
/// For all of a connection.
const CONNECTION: Duration = Duration::from_secs(30);
/// Bytes of a request's head, and its headers.
const HEAD: (usize, usize) = (8 << 10, 64);
/// After the system has refused a connection: it may be out of files.
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type Answer = Response<Full<Bytes>>;

/// Answers until it is dropped.
pub(super) async fn run(listener: TcpListener, guard: Arc<Guard>, sight: Arc<Sight>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, place, Arc::clone(&guard), Arc::clone(&sight)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the admin page could not be accepted");
                sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, _place: OwnedSemaphorePermit, guard: Arc<Guard>, sight: Arc<Sight>) {
    let service = service_fn(|request| {
        let (guard, sight) = (Arc::clone(&guard), Arc::clone(&sight));
        async move { Ok::<_, Infallible>(secured(answer(&request, &guard, &sight).await)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .keep_alive(false)
        .max_header_size(HEAD.0)
        .max_buf_size(2 * HEAD.0)
        .max_headers(HEAD.1)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => tracing::debug!("a request to the admin page did not come whole, or its answer was not taken"),
        Err(_) => tracing::debug!("a connection to the admin page took too long"),
    }
}

async fn answer(request: &Request<Incoming>, guard: &Guard, sight: &Sight) -> Answer {
    let path = request.uri().path();
    match guard.admit(request, path == "/healthz") {
        Ok(()) => {}
        Err(denied) => return denial(denied),
    }
    match path {
        "/" => html(page::page(&*sight.status().await).into_string()),
        "/healthz" => text(StatusCode::OK, "ok"),
        "/readyz" => match sight.readiness().await {
            Ok(()) => text(StatusCode::OK, "ready"),
            Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string()),
        },
        "/metrics" => match metrics::text(sight).await {
            Ok(metrics) => with_type(StatusCode::OK, OPEN_METRICS, metrics),
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written"),
        },
        _ => text(StatusCode::NOT_FOUND, "there are /, /healthz, /readyz and /metrics"),
    }
}

fn denial(denied: Denied) -> Answer {
    match denied {
        Denied::Method => {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are all there is");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        }
        Denied::Host => {
            tracing::info!("a request to the admin page was refused: it names another host");
            text(StatusCode::MISDIRECTED_REQUEST, "this page is at an address of this machine: name that, or localhost")
        }
        Denied::Token => {
            tracing::info!("a request to the admin page was refused: it has not the token");
            let mut answer =
                text(StatusCode::UNAUTHORIZED, "the token is wanted: as a bearer token, or as the password");
            let realm = HeaderValue::from_static("Basic realm=\"blindlistd\", charset=\"UTF-8\"");
            answer.headers_mut().insert(WWW_AUTHENTICATE, realm);
            answer
        }
    }
}

fn text(status: StatusCode, line: &str) -> Answer {
    with_type(status, TEXT, format!("{line}\n"))
}

fn html(page: String) -> Answer {
    let mut answer = with_type(StatusCode::OK, HTML, page);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, page::policy());
    answer
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// What a browser is to make of any answer: nothing that it was not meant for, and no copy.
fn secured(mut answer: Answer) -> Answer {
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    answer.headers_mut().entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
