"""Section 20: QUIC version 1 with mutual TLS 1.3; one request is one bidirectional stream.

QUIC and TLS are aioquic's, driven here by one blocking socket: aioquic's own asyncio layer takes a connection that broke
for the end of a message, which [NET-6] forbids. What aioquic leaves open and section 20 settles stands in `_Quic`
(Ed25519 and X25519 only) and `_check_server` (the role of the server's certificate, and who issued it).

It takes and gives bytes, and knows nothing of what they mean.
"""

import logging
import select
import socket
import ssl
import time
from dataclasses import dataclass

from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicErrorCode, QuicProtocolVersion
from aioquic.tls import Group, SignatureAlgorithm
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALPN = "blindlist/1"
SERVER_NAME = "server.blindlist.invalid"
DEFAULT_PORT = 4433

# Codes of resets, stops and closes [NET-6].
DONE = 0
COME_BACK = 1
TOO_LARGE = 2

# aioquic's log would show what the other side says, as it is.
logging.getLogger("quic").addHandler(logging.NullHandler())

# How long a server may be silent, in seconds.
PATIENCE = 300


class Broken(Exception):
    """No connection, or no whole response: a sentence."""


@dataclass(frozen=True)
class Identity:
    """What an insurer shows: the certificate of its bundle (DER), and the seed of its TLS key."""

    certificate: bytes
    tls_seed: bytes


class Connection:
    """A connection to the operator's server. To be closed; `with` does it."""

    def __init__(self, address: str, identity: Identity, authority: bytes) -> None:
        family, self._peer = _resolve(address)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.connect(self._peer)
        self._quic = _Quic(configuration=_configuration(identity, authority))
        self._received: dict[int, bytearray] = {}
        self._finished: set[int] = set()
        self._reset: dict[int, int] = {}
        self._connected = False
        self._ended: str | None = None
        try:
            self._quic.connect(self._peer, now=time.monotonic())
            self._drive(lambda: self._connected)
            _check_server(self._quic, x509.load_der_x509_certificate(authority))
        except Broken:
            self.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(self, request: bytes, limit: int) -> bytes:
        """Sends one request and waits for its whole response, of at most `limit` bytes [NET-3]."""
        stream = self._quic.get_next_available_stream_id()
        self._received[stream] = bytearray()
        self._quic.send_stream_data(stream, request, end_stream=True)
        self._drive(lambda: stream in self._finished or stream in self._reset or len(self._received[stream]) > limit)
        response = bytes(self._received.pop(stream))
        if stream in self._reset:
            raise Broken(f"the server gave the response up with code {self._reset[stream]}")
        if len(response) > limit:
            self._quic.stop_stream(stream, TOO_LARGE)
            raise Broken(f"the response has more than {limit} bytes")
        return response

    def close(self) -> None:
        """Tells the server that this client is done."""
        if self._ended is None:
            self._quic.close(error_code=DONE)
            self._send()
            self._ended = "the connection is closed"
        self._socket.close()

    def _drive(self, done) -> None:
        """Sends and receives until something has happened."""
        heard = time.monotonic()
        while not done():
            if self._ended is not None:
                raise Broken(self._ended)
            if time.monotonic() - heard > PATIENCE:
                raise Broken(f"nothing came from the server for {PATIENCE} seconds")
            self._send()
            alarm = self._quic.get_timer()
            delay = 1 if alarm is None else max(0, min(1, alarm - time.monotonic()))
            readable, _, _ = select.select([self._socket], [], [], delay)
            if readable:
                heard = time.monotonic()
                self._receive()
            elif alarm is not None and time.monotonic() >= alarm:
                self._quic.handle_timer(now=time.monotonic())
            self._take_events()
        self._send()

    def _send(self) -> None:
        for datagram, _ in self._quic.datagrams_to_send(now=time.monotonic()):
            try:
                self._socket.send(datagram)
            except ConnectionRefusedError as error:
                raise Broken("nobody listens at the server's address") from error

    def _receive(self) -> None:
        try:
            datagram = self._socket.recv(65536)
        except ConnectionRefusedError as error:
            raise Broken("nobody listens at the server's address") from error
        self._quic.receive_datagram(datagram, self._peer, now=time.monotonic())

    def _take_events(self) -> None:
        while (event := self._quic.next_event()) is not None:
            if isinstance(event, events.HandshakeCompleted):
                self._connected = True
            elif isinstance(event, events.StreamDataReceived):
                if event.stream_id in self._received:
                    self._received[event.stream_id] += event.data
                    if event.end_stream:
                        self._finished.add(event.stream_id)
            elif isinstance(event, events.StreamReset):
                self._reset[event.stream_id] = event.error_code
            elif isinstance(event, events.ConnectionTerminated):
                self._ended = _why(event)


class _Quic(QuicConnection):
    """A QUIC connection whose TLS offers what section 20 uses and nothing else; aioquic has no option for that."""

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        # aioquic knows no X25519MLKEM768 [NET-7].
        self.tls._supported_groups = [Group.X25519]
        self.tls._signature_algorithms = [SignatureAlgorithm.ED25519]


def _configuration(identity: Identity, authority: bytes) -> QuicConfiguration:
    """The operator's authority is the only trust anchor; no session tickets, so no resumption and no 0-RTT [NET-8]."""
    return QuicConfiguration(
        alpn_protocols=[ALPN],
        server_name=SERVER_NAME,
        verify_mode=ssl.CERT_REQUIRED,
        cadata=ssl.DER_cert_to_PEM_cert(authority).encode(),
        certificate=x509.load_der_x509_certificate(identity.certificate),
        private_key=Ed25519PrivateKey.from_private_bytes(identity.tls_seed),
        supported_versions=[QuicProtocolVersion.VERSION_1],
    )


def _check_server(quic: _Quic, authority: x509.Certificate) -> None:
    """What aioquic does not check: its chain and its name hold already [NET-1, NET-2]."""
    if quic.tls.alpn_negotiated != ALPN:
        raise Broken("the server does not speak blindlist/1")
    certificate = quic.tls._peer_certificate
    if not isinstance(certificate.public_key(), Ed25519PublicKey):
        raise Broken("the server's key is not an Ed25519 key")
    try:
        certificate.verify_directly_issued_by(authority)
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise Broken("the server's certificate is not one of the operator's authority for a server") from error
    if x509.ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        raise Broken("the server's certificate is not one for a server")


def _resolve(address: str) -> tuple[socket.AddressFamily, tuple]:
    """An address of section 4, with a port or without."""
    host, colon, port = address.rpartition(":")
    if not colon or host.endswith(":") or port.endswith("]"):
        host, port = address, str(DEFAULT_PORT)
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        raise Broken(f"{address} is no address: {error}") from error
    family, _, _, _, peer = found[0]
    return family, peer


def _why(event: events.ConnectionTerminated) -> str:
    """Why a connection ended: application codes have no frame type. Texts of the server's are not shown (section 19)."""
    if event.frame_type is None and event.error_code == COME_BACK:
        return "the server is stopping; come back"
    if QuicErrorCode.CRYPTO_ERROR <= event.error_code < QuicErrorCode.CRYPTO_ERROR + 0x100:
        return f"TLS failed with alert {event.error_code - QuicErrorCode.CRYPTO_ERROR}"
    return f"the connection ended with code {event.error_code}"
