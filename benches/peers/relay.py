"""Relays on loopback that count what is carried: payloads of TCP or of UDP, in each direction."""

import selectors
import socket
import threading

HOST = "127.0.0.1"
# More than any datagram has, and room for as many as come while the relay is busy.
BUFFER = 1 << 16
SOCKET_BUFFER = 8 << 20


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Relay:
    """Counts bytes `to` the one behind it and `back`."""

    def __init__(self) -> None:
        self.to = 0
        self.back = 0


class UdpRelay(Relay):
    """Before a server that speaks UDP: every client has a socket of its own to it."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__()
        self.target = target
        self.front = self._socket()
        self.front.bind((HOST, 0))
        self.address = f"{HOST}:{self.front.getsockname()[1]}"
        self.ways: dict[tuple[str, int], socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.front, selectors.EVENT_READ, None)
        self.open = True
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        made.setblocking(False)
        return made

    def _carry(self) -> None:
        while self.open:
            for key, _ in self.selector.select(0.1):
                try:
                    while True:
                        self._one(key.fileobj, key.data)  # type: ignore[arg-type]
                except (BlockingIOError, ConnectionRefusedError):
                    continue

    def _one(self, readable: socket.socket, client: tuple[str, int] | None) -> None:
        if client is None:
            datagram, client = readable.recvfrom(BUFFER)
            self.to += len(datagram)
            self._way(client).send(datagram)
        else:
            datagram = readable.recv(BUFFER)
            self.back += len(datagram)
            self.front.sendto(datagram, client)

    def _way(self, client: tuple[str, int]) -> socket.socket:
        if client not in self.ways:
            way = self._socket()
            way.connect(self.target)
            self.selector.register(way, selectors.EVENT_READ, client)
            self.ways[client] = way
        return self.ways[client]

    def close(self) -> None:
        """Carries nothing more."""
        self.open = False
        self.thread.join()
        for one in (self.front, *self.ways.values()):
            one.close()


class TcpRelay(Relay):
    """Before somebody who listens on a TCP port, perhaps only later: peers try again until both are there."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.target = (HOST, port)
        self.front = socket.create_server((HOST, 0))
        self.port: int = self.front.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.front.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, to: bool) -> None:
        try:
            while piece := source.recv(BUFFER):
                if to:
                    self.to += len(piece)
                else:
                    self.back += len(piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()

    def close(self) -> None:
        """Accepts nobody any more."""
        self.front.close()
