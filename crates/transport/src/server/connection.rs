//! One caller's connection and its streams, from the handshake to the goodbye.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use quinn::{ReadToEndError, RecvStream, SendStream, VarInt};
use rustls::pki_types::CertificateDer;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{AddressPlace, CLOSING, Handler, Incoming, Limits, Peer, Places, Room, network, report};
use crate::{
    CLOSE_COME_BACK, certificate_digest,
    stream::{Arriving, Outgoing, TOO_SLOW},
};

/// What every connection of one server has in common.
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) limits: watch::Receiver<Limits>,
    /// Once the server stops: until when the requests under way may run.
    pub(super) stopping: watch::Receiver<Option<Instant>>,
    /// Connections by network.
    pub(super) addresses: Arc<Places<IpAddr, ()>>,
    /// Connections by certificate, and the share of the room that each caller's connections have together.
    pub(super) callers: Arc<Places<[u8; 32], Arc<Room>>>,
    /// Room for all messages under way.
    pub(super) room: Room,
}

impl<H> Shared<H> {
    fn limits(&self) -> Limits {
        *self.limits.borrow()
    }

    /// A place in the count of an address that is proven; none when it has too many.
    pub(super) fn address_place(&self, address: SocketAddr) -> Option<AddressPlace> {
        let limit = self.limits().max_connections_per_address;
        let place = self.addresses.take(network(address.ip()), limit, || ());
        if place.is_none() {
            tracing::warn!(limit, "a connection was refused: too many are open from its address");
        }
        place
    }
}

/// Serves one connection until it is lost, closed by the caller, or the server stops.
pub(super) async fn serve<H: Handler>(shared: Arc<Shared<H>>, incoming: quinn::Incoming, place: Option<AddressPlace>) {
    let mut stopping = shared.stopping.clone();
    let connection = tokio::select! {
        connection = shake_hands(shared.limits(), incoming) => connection,
        // quinn cannot say why it drops a handshake, so one that is nearly done gets to its end and is told to come back.
        () = async {
            let _ = stopping.wait_for(Option::is_some).await;
            sleep(CLOSING).await;
        } => None,
    };
    let Some(connection) = connection else { return };
    let Some(certificate_digest) = peer_certificate_digest(&connection) else {
        // TLS lets nobody through without a certificate; without one there is nobody to answer.
        tracing::error!("a caller without a certificate got through the handshake and was turned away");
        return;
    };
    // A handshake that is over has proven the address.
    let Some(_place) = place.or_else(|| shared.address_place(connection.remote_address())) else {
        return connection.close(VarInt::from_u32(CLOSE_COME_BACK), b"");
    };
    let limit = shared.limits().max_connections_per_caller;
    let Some(caller) = shared.callers.take(certificate_digest, limit, || Arc::new(shared.room.share())) else {
        tracing::warn!(limit, "a connection was closed: too many are open with its certificate");
        return connection.close(VarInt::from_u32(CLOSE_COME_BACK), b"");
    };

    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopping.wait_for(Option::is_some) => break,
            Some(ended) = streams.join_next() => report(ended),
            accepted = connection.accept_bi() => match accepted {
                Ok((send, receive)) => {
                    let peer = Peer { certificate_digest, address: connection.remote_address() };
                    let share = Arc::clone(&caller.share);
                    streams.spawn(serve_stream(Arc::clone(&shared), share, peer, send, receive));
                }
                Err(_) => break,
            },
        }
    }
    finish(streams, stopping).await;
    connection.close(VarInt::from_u32(CLOSE_COME_BACK), b"");
}

async fn shake_hands(limits: Limits, incoming: quinn::Incoming) -> Option<quinn::Connection> {
    let handshake = async { incoming.accept()?.await };
    match timeout(limits.handshake_timeout, handshake).await {
        Ok(Ok(connection)) => Some(connection),
        Ok(Err(_)) => {
            tracing::debug!("a handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!("a handshake took too long");
            None
        }
    }
}

fn peer_certificate_digest(connection: &quinn::Connection) -> Option<[u8; 32]> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    chain.first().map(certificate_digest)
}

/// Lets the streams under way finish: whatever the handler began, it gets to end, unless the server's grace is over.
async fn finish(mut streams: JoinSet<()>, mut stopping: watch::Receiver<Option<Instant>>) {
    let all_ended = async {
        while let Some(ended) = streams.join_next().await {
            report(ended);
        }
    };
    let grace_over = async {
        let deadline = stopping.wait_for(Option::is_some).await.ok().and_then(|deadline| *deadline);
        // No deadline: the server was dropped without being stopped, and there is no grace.
        if let Some(deadline) = deadline {
            sleep_until(deadline).await;
        }
    };
    tokio::select! {
        () = all_ended => {}
        () = grace_over => tracing::warn!("requests were still running when the server's grace was over"),
    }
}

async fn serve_stream<H: Handler>(
    shared: Arc<Shared<H>>,
    share: Arc<Room>,
    peer: Peer,
    send: SendStream,
    receive: RecvStream,
) {
    let (mut response, mut arriving) = (Outgoing::new(send), Arriving::new(receive));
    let limits = shared.limits();
    // Until there is room nothing is read, and the caller can send no more than the stream's window.
    let mut request_room = shared.room.for_request(&share, limits.max_request).await;
    let request = match timeout(limits.request_timeout, arriving.read_whole(limits.max_request)).await {
        Ok(Ok(bytes)) => Incoming::Whole(bytes),
        Ok(Err(ReadToEndError::TooLong)) => Incoming::TooLarge,
        // The caller took the request back, or is gone.
        Ok(Err(ReadToEndError::Read(_))) => return,
        Err(_) => {
            tracing::debug!("a request did not come whole in time");
            arriving.stop(TOO_SLOW);
            response.reset(TOO_SLOW);
            return;
        }
    };

    request_room.shrink_to(request.len());
    let longest = shared.handler.longest_answer(&request);
    let mut response_room = shared.room.for_response(&share, longest).await;
    let answer = shared.handler.answer(peer, request).await;
    drop(request_room);
    response_room.shrink_to(answer.len());

    let delivery = async {
        response.hand_over(answer).await?;
        // Closing the connection would discard what is still on its way.
        response.delivered().await;
        Ok::<(), quinn::WriteError>(())
    };
    match timeout(limits.response_timeout, delivery).await {
        Ok(Ok(())) => response.settle(),
        // The caller wants no answer any more, or is gone.
        Ok(Err(_)) => {}
        Err(_) => {
            tracing::debug!("a response was not taken whole in time");
            response.reset(TOO_SLOW);
        }
    }
}
