"""The peers: SecretFlow SPU and OpenMined PSI from their packages, the crate `voprf` from this workspace."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import meter
from meter import Failed
from people import People
from relay import TcpRelay, free_port

HERE = Path(__file__).parent


def require(system: str, found: int, expected: int) -> None:
    """A system that is wrong is not compared with."""
    if found != expected:
        raise Failed(f"{system} found {found} members, {expected} are on the list")


class Spu:
    """Both sides of SPU in processes of their own, stage by stage."""

    def __init__(self, python: Path, folder: Path, protocol: str, relayed: bool) -> None:
        self.python, self.folder, self.protocol, self.relayed = python, folder, protocol, relayed
        self.key = folder / "key"
        self.key.write_bytes(os.urandom(32))
        self.up = self.down = 0

    def job(self, rank: int, mode: str, source: Path) -> dict[str, object]:
        side = self.folder / ("server", "client")[rank]
        side.mkdir(exist_ok=True)
        # It writes next to its input.
        copy = side / source.name
        copy.write_bytes(source.read_bytes())
        report = side / f"report-{mode}-{source.stem}"
        paths = {"input": copy, "output": side / "output.csv", "cache": side / "cache", "key": self.key, "report": report}
        return {"protocol": self.protocol, "mode": mode, "rank": rank} | {name: str(path) for name, path in paths.items()}

    def alone(self, mode: str, source: Path) -> float:
        """CPU-s of a stage that the server has for itself."""
        job = self.job(0, mode, source) | {"ports": [free_port()]}
        meter.finish(self._start(job))
        return self._report(job)[0]

    def both(self, mode: str, entries: Path, members: Path) -> tuple[float, float, int]:
        """CPU-s of the server and of the client, and what the client found."""
        server, client = self.job(0, mode, entries), self.job(1, mode, members)
        ports = [free_port(), free_port()]
        relays = [TcpRelay(port) for port in ports] if self.relayed else []
        # Each side listens on its own port and goes to the other's through the relay before it.
        seen = [relay.port for relay in relays] or ports
        started = [
            self._start(server | {"ports": [ports[0], seen[1]]}),
            self._start(client | {"ports": [seen[0], ports[1]]}),
        ]
        try:
            for one in started:
                meter.finish(one)
        finally:
            for one in started:
                one.stop()
        for before_server, relay in zip((True, False), relays):
            relay.close()
            self.up += relay.to if before_server else relay.back
            self.down += relay.back if before_server else relay.to
        (server_cpu, _), (client_cpu, found) = self._report(server), self._report(client)
        return server_cpu, client_cpu, found

    def carried(self) -> tuple[int, int]:
        """Bytes from and to the client since the last time."""
        carried, self.up, self.down = (self.up, self.down), 0, 0
        return carried

    def _start(self, job: dict[str, object]) -> meter.Program:
        return meter.start([self.python, HERE / "spu_worker.py", json.dumps(job)], self.folder)

    @staticmethod
    def _report(job: dict[str, object]) -> tuple[float, int]:
        report = json.loads(Path(str(job["report"])).read_text())
        return report["cpu_s"], report["found"]


@dataclass(frozen=True)
class SpuUnbalanced:
    """ECDH-OPRF on FourQ: the server prepares its list once, the client keeps it."""

    python: Path
    key = "spu-unbalanced"
    title = "SPU unbalanced (FourQ)"
    every = 1
    relayed = True

    def measure(self, people: People, folder: Path, wire: bool) -> dict[str, float]:
        spu = Spu(self.python, folder, "unbalanced", wire)
        n, m = people.count_entries, people.count_members
        prepare = spu.alone("MODE_OFFLINE_GEN_CACHE", people.entries)
        sent, fetched, _ = spu.both("MODE_OFFLINE_TRANSFER_CACHE", people.entries, people.members)
        transfer = sum(spu.carried())
        disk = meter.disk_bytes(folder / "client" / "cache")
        server, client, found = spu.both("MODE_ONLINE", people.entries, people.members)
        require(self.title, found, people.affected)
        if wire:
            up, down = spu.carried()
            return {"transfer": transfer / n, "up": up / m, "down": down / m}
        few_server, few_client, found = spu.both("MODE_ONLINE", people.entries, people.few)
        require(self.title, found, people.few_affected)
        return {
            "prepare": prepare / n * 1e6,
            "transfer_server": sent / n * 1e6,
            "transfer_client": fetched / n * 1e6,
            "server": server / m * 1e6,
            "client": client / m * 1e6,
            "few_server": few_server * 1e6,
            "few_client": few_client * 1e6,
            "disk": disk / n,
        }


@dataclass(frozen=True)
class SpuBalanced:
    """A protocol in which both sides work on both sets every time: nothing is prepared, nothing is kept."""

    python: Path
    key: str
    title: str
    protocol: str
    every = 1
    relayed = True

    def measure(self, people: People, folder: Path, wire: bool) -> dict[str, float]:
        spu = Spu(self.python, folder, self.protocol, wire)
        server, client, found = spu.both("once", people.entries, people.members)
        require(self.title, found, people.affected)
        both = people.count_entries + people.count_members
        if wire:
            up, down = spu.carried()
            return {"pair_up": up / both, "pair_down": down / both}
        return {"pair_server": server / both * 1e6, "pair_client": client / both * 1e6}


@dataclass(frozen=True)
class OpenMined:
    """ECDH on P-256 with a Golomb-compressed set; messages without a network."""

    python: Path
    key = "openmined"
    title = "OpenMined PSI (P-256, GCS)"
    every = 3
    relayed = False

    def measure(self, people: People, folder: Path, wire: bool) -> dict[str, float]:
        ran = meter.run([self.python, HERE / "openmined_worker.py", people.entries, people.members], folder)
        return messages(self.title, json.loads(ran.stdout), people)


@dataclass(frozen=True)
class Voprf:
    """RFC 9497 on ristretto255, 1,024 elements with one proof; messages without a network, and no index."""

    program: Path
    key = "voprf"
    title = "voprf (RFC 9497)"
    every = 3
    relayed = False

    def measure(self, people: People, folder: Path, wire: bool) -> dict[str, float]:
        ran = meter.run([self.program, people.entries, people.members], folder)
        return messages(self.title, json.loads(ran.stdout), people)


def messages(title: str, figures: dict[str, float], people: People) -> dict[str, float]:
    """What a peer without a network of its own says: the index is what its client keeps."""
    require(title, int(figures.pop("found")), people.affected)
    setup = figures.pop("setup", None)
    return figures if setup is None else figures | {"transfer": setup, "disk": setup}
