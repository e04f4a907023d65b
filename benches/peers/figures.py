"""What was measured, round by round, and what follows from it: medians, spreads, ratios to V and to another system."""

from dataclasses import dataclass, field
from statistics import median

# The figures that are CPU-µs, and so have a ratio to V.
TIMES = ("prepare", "transfer_server", "transfer_client", "server", "client", "pair_server", "pair_client")


@dataclass
class Measured:
    """One system: its figures, each with one value a round."""

    key: str
    title: str
    rounds: dict[str, dict[int, float]] = field(default_factory=dict)
    v: dict[int, float] = field(default_factory=dict)
    error: str | None = None

    def add(self, number: int, v: float, figures: dict[str, float]) -> None:
        """A round's figures, and V right before and after it."""
        self.v[number] = v
        for name, value in figures.items():
            self.rounds.setdefault(name, {})[number] = value

    def has(self, name: str) -> bool:
        return name in self.rounds

    def median(self, name: str) -> float:
        return median(self.rounds[name].values())

    def spread(self, name: str) -> tuple[float, float]:
        return min(self.rounds[name].values()), max(self.rounds[name].values())

    def in_v(self, name: str) -> float:
        """The median of the rounds' ratios to V."""
        return median(value / self.v[number] for number, value in self.rounds[name].items())

    def over(self, other: "Measured", name: str) -> float | None:
        """The median of the rounds' ratios to another system; nothing without a round in which both were measured."""
        mine, others = self.rounds.get(name, {}), other.rounds.get(name, {})
        ratios = [value / others[number] for number, value in mine.items() if others.get(number)]
        return median(ratios) if ratios else None

    def split(self, side: str, few: int, members: int) -> tuple[float, float] | None:
        """CPU-µs that a check takes on this side for each member, and whatever their number: a line through two checks."""
        if not self.has(f"few_{side}"):
            return None
        all_of_them, some = self.median(side) * members, self.median(f"few_{side}")
        slope = max(all_of_them - some, 0.0) / (members - few)
        return slope, max(some - slope * few, 0.0)

    def as_json(self, few: int, members: int) -> dict[str, object]:
        """What results.json says of it."""
        figures: dict[str, dict[str, object]] = {}
        for name, values in self.rounds.items():
            least, most = self.spread(name)
            figures[name] = {"median": self.median(name), "least": least, "most": most, "rounds": list(values.values())}
            if name in TIMES:
                figures[name]["in_v"] = self.in_v(name)
        for side in ("server", "client"):
            if line := self.split(side, few, members):
                figures[f"{side}_each"], figures[f"{side}_check"] = {"median": line[0]}, {"median": line[1]}
        return {"title": self.title, "error": self.error, "figures": figures}


@dataclass(frozen=True)
class Whole:
    """One insurer from nothing to its result."""

    prepare_s: float
    server_s: float
    client_s: float
    megabytes: float

    @property
    def cpu_s(self) -> float:
        return self.prepare_s + self.server_s + self.client_s


def whole(system: Measured, n: int, m: int) -> Whole | None:
    """What one insurer takes: the list prepared, once, and fetched; all members checked. Nothing for half a protocol."""
    if system.has("pair_server"):
        server, client = (system.median(f"pair_{side}") * (n + m) / 1e6 for side in ("server", "client"))
        carried = (system.median("pair_up") + system.median("pair_down")) * (n + m) / 1e6
        return Whole(0.0, server, client, carried)
    if not all(system.has(name) for name in ("prepare", "server", "client", "transfer")):
        return None
    send, fetch = (system.median(name) if system.has(name) else 0.0 for name in ("transfer_server", "transfer_client"))
    carried = n * system.median("transfer") + m * (system.median("up") + system.median("down"))
    return Whole(
        n * system.median("prepare") / 1e6,
        (n * send + m * system.median("server")) / 1e6,
        (n * fetch + m * system.median("client")) / 1e6,
        carried / 1e6,
    )


@dataclass(frozen=True)
class Wanted:
    """A figure that the project promises."""

    name: str
    most: float
    measured: float | None

    @property
    def met(self) -> bool:
        return self.measured is not None and self.measured <= self.most


def wanted(ours: Measured, spu: Measured) -> list[Wanted]:
    """What is promised of Blindlist beside SPU's unbalanced protocol."""
    index = ours.median("index") if ours.has("index") else None
    return [
        Wanted("CPU to prepare an entry / SPU unbalanced", 1.0, ours.over(spu, "prepare")),
        Wanted("CPU of the server for a member / SPU unbalanced", 1.1, ours.over(spu, "server")),
        Wanted("CPU of the client for a member / SPU unbalanced", 1.0, ours.over(spu, "client")),
        Wanted("bytes published for an entry, label of 8 bits", 6.3, index),
        Wanted("bytes on the wire for an entry / SPU unbalanced", 1.0, ours.over(spu, "transfer")),
        Wanted("bytes on the client's disk for an entry / SPU unbalanced", 1.0, ours.over(spu, "disk")),
    ]
