"""Blindlist, by its real programs over loopback: `blindlistd seal` and `serve`, `blindlist check`."""

import time
from dataclasses import dataclass
from pathlib import Path

import meter
from meter import Failed
from people import People
from relay import UdpRelay

# Six categories make a label of one byte.
CATEGORIES = "nir,birth-date,civil-status,contract,coverage-dates,insurer"
READY = "blindlistd: listening on "
HEAD_OF_AFFECTED = 1


@dataclass
class Insurer:
    """A profile that an operator has approved."""

    program: Path
    folder: Path
    server: str

    def run(self, *words: str | Path) -> meter.Ran:
        return meter.run([self.program, *words, "--profile", self.folder / "profile"], self.folder)

    def check(self, members: Path, found: int) -> float:
        """CPU-s of a check, which must find so many."""
        out = self.folder / f"out-{members.stem}"
        ran = self.run("check", members, "--server", self.server, "--out", out, "--quiet")
        rows = len((out / "affected.csv").read_text().splitlines()) - HEAD_OF_AFFECTED
        if rows != found:
            raise Failed(f"blindlist found {rows} members, {found} are on the list")
        return ran.cpu_s

    def disk(self) -> int:
        return meter.disk_bytes(self.folder / "profile")


@dataclass(frozen=True)
class Blindlist:
    """Both programs, built."""

    blindlistd: Path
    blindlist: Path
    key = "blindlist"
    title = "Blindlist"
    every = 1
    relayed = True

    def measure(self, people: People, folder: Path, wire: bool) -> dict[str, float]:
        """One seal and one insurer, from nothing. With `wire` a relay counts bytes; it disturbs CPU, which then is left out."""
        home = folder / "home"
        operator = ["--home", home]
        meter.run([self.blindlistd, "init", *operator, "--operator", "peers", "--host", "127.0.0.1:9"])
        seal = ["seal", people.entries, *operator, "--list", "breach", "--categories", CATEGORIES]
        sealed = meter.run([self.blindlistd, *seal])
        insurer = self._enrol(folder, home, 4 * people.count_members + 1_000)
        server = meter.start([self.blindlistd, "serve", *operator, "--listen", "127.0.0.1:0"])
        try:
            address = listening(server)
            if wire:
                return self._bytes(people, insurer, address)
            insurer.server = address
            figures = self._check(people, insurer, server)
        finally:
            server.stop()
        n = people.count_entries
        return {"prepare": sealed.cpu_s / n * 1e6, "index": published(home) / n, **figures}

    def _enrol(self, folder: Path, home: Path, budget: int) -> Insurer:
        """The members of `one` and `few` and all of them are asked about, and canaries and padding."""
        insurer = Insurer(self.blindlist, folder, "")
        insurer.run("enroll", "--name", "mutuelle")
        request, bundle = folder / "profile" / "request.csr", folder / "bundle"
        approve = ["insurer", "approve", request, "--home", home, "--name", "mutuelle", "--budget", str(budget)]
        meter.run([self.blindlistd, *approve, "--out", bundle, "--fingerprint", self._fingerprint(request)])
        insurer.run("join", bundle, "--fingerprint", self._fingerprint(bundle))
        return insurer

    def _fingerprint(self, file: Path) -> str:
        return meter.run([self.blindlist, "fingerprint", file]).stdout.strip()

    def _check(self, people: People, insurer: Insurer, server: meter.Program) -> dict[str, float]:
        """A check of one person fetches the index; then all members are checked, then few."""
        n, m = people.count_entries, people.count_members
        disk, before = insurer.disk(), server.cpu_s()
        fetch = insurer.check(people.one, 0)
        fetched, disk = server.cpu_s(), insurer.disk() - disk
        check = insurer.check(people.members, people.affected)
        checked = server.cpu_s()
        few = insurer.check(people.few, people.few_affected)
        return {
            "transfer_server": (fetched - before) / n * 1e6,
            "transfer_client": fetch / n * 1e6,
            "server": (checked - fetched) / m * 1e6,
            "client": check / m * 1e6,
            "few_client": few * 1e6,
            "few_server": (server.cpu_s() - checked) * 1e6,
            "disk": disk / n,
        }

    def _bytes(self, people: People, insurer: Insurer, address: str) -> dict[str, float]:
        host, port = address.rsplit(":", 1)
        relay = UdpRelay((host, int(port)))
        insurer.server = relay.address
        insurer.check(people.one, 0)
        fetched_up, fetched_down = relay.to, relay.back
        insurer.check(people.members, people.affected)
        relay.close()
        return {
            "transfer": (fetched_up + fetched_down) / people.count_entries,
            "up": (relay.to - fetched_up) / people.count_members,
            "down": (relay.back - fetched_down) / people.count_members,
        }


def published(home: Path) -> int:
    """Bytes of the manifest and the index of the only release."""
    return sum(path.stat().st_size for name in ("manifest", "index") for path in (home / "releases").glob(f"*/{name}"))


def listening(server: meter.Program) -> str:
    """Waits until the server says where it listens."""
    for _ in range(3_000):
        for line in server.said().splitlines():
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
        if server.process.poll() is not None:
            break
        time.sleep(0.02)
    raise Failed(f"blindlistd serve did not come up: {server.said().strip()[-300:]}")
