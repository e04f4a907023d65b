"""SPEC.md section 12: catalog snapshots, and what a client holds one against."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Callable, Iterable

from .checkpoints import CHECKPOINT
from .encoding import U64, Fixed, List, Struct
from .epoch import EPOCH_RECORD
from .errors import Refused
from .manifest import MANIFEST
from .objects import OBJECT_LIMIT, Kind, digest, open_object, require, strictly_ascending
from .text import Slug

MOST_OBJECTS = 4_096
MOST_ADDRESSED = 1_024

BODY = Struct(
    "catalog",
    [
        ("operator", Slug),
        ("operator_key", Fixed(32)),
        ("sequence", U64),
        ("issued", U64),
        ("expires", U64),
        ("epochs", List(Fixed(32))),
        ("manifests", List(Struct("named manifest", [("manifest", Fixed(32)), ("audience", List(Fixed(32)))]))),
        ("checkpoints", List(CHECKPOINT)),
    ],
)


@dataclass(frozen=True)
class Insurer:
    """Who looks at a catalog: what its bundle says."""

    name: str
    id: bytes


@dataclass(frozen=True)
class Accepted:
    """A snapshot with all that it names for one insurer."""

    fields: dict[str, Any]
    records: dict[bytes, dict[str, Any]]  # by epoch
    manifests: list[dict[str, Any]]


def audience(manifest: bytes, insurer_id: bytes) -> bytes:
    """How a snapshot names an insurer, given the manifest's digest: only that insurer recognises it."""
    return hashlib.sha256(b"blindlist/1 audience\n" + manifest + insurer_id).digest()


def open_snapshot(data: bytes, pinned: bytes, seen: tuple[int, bytes] | None, now: int) -> dict[str, Any]:
    """A snapshot that may follow the one `seen` before (sequence, digest) and holds at `now`."""
    fields = open_object(CATALOG, data, pinned)
    if seen is not None:
        sequence, last = seen
        if fields["sequence"] < sequence or (fields["sequence"] == sequence and digest(data) != last):
            raise Refused("catalog", "CAT-2")
    if fields["expires"] <= now:
        raise Refused("catalog", "CAT-3")
    return fields


def wanted(fields: dict[str, Any], insurer: Insurer) -> tuple[list[bytes], list[bytes]]:
    """The digests of the epoch records and of the manifests that the insurer must fetch. [CAT-5]"""
    manifests = [
        named["manifest"]
        for named in fields["manifests"]
        if not named["audience"] or audience(named["manifest"], insurer.id) in named["audience"]
    ]
    return fields["epochs"], manifests


def accept(fields: dict[str, Any], objects: Iterable[bytes], pinned: bytes, insurer: Insurer) -> Accepted:
    """Holds the objects that came for the digests `wanted` against an opened snapshot and against each other."""
    by_digest = {digest(data): data for data in objects}  # so that no other than those asked for is used [OBJ-4]
    epochs, named = wanted(fields, insurer)
    if not by_digest.keys() >= {*epochs, *named}:
        raise Refused("catalog", "CAT-5")
    records: dict[bytes, dict[str, Any]] = {}
    for record in (open_object(EPOCH_RECORD, by_digest[name], pinned) for name in epochs):
        if record["epoch"] in records:
            raise Refused("catalog", "EPO-6")
        records[record["epoch"]] = record
    manifests = [open_object(MANIFEST, by_digest[name], pinned) for name in named]
    for manifest in manifests:
        check_epoch(manifest, records.get(manifest["epoch"]))
        if manifest["audience"] and insurer.name not in manifest["audience"]:
            raise Refused("catalog", "CAT-6")
    if not (_distinct(manifests, lambda m: m["list"]) and _distinct(manifests, lambda m: m["release"])):
        raise Refused("catalog", "CAT-4")
    return Accepted(fields, records, manifests)


def check_epoch(manifest: dict[str, Any], record: dict[str, Any] | None) -> None:
    """Holds a manifest against the record of its epoch. [MAN-4]"""
    same = ("epoch", "operator", "operator_key", "key")
    if record is None or any(manifest[field] != record[field] for field in same):
        raise Refused("catalog", "MAN-4")


def _distinct(items: list[dict[str, Any]], of: Callable[[dict[str, Any]], Any]) -> bool:
    return len({of(item) for item in items}) == len(items)


def _rules(fields: dict[str, Any]) -> None:
    require(fields["sequence"] >= 1 and fields["expires"] > fields["issued"], "CAT-1")
    manifests = fields["manifests"]
    for names in (fields["epochs"], [m["manifest"] for m in manifests], [c["ledger"] for c in fields["checkpoints"]]):
        require(len(names) <= MOST_OBJECTS and strictly_ascending(names), "OBJ-3")
    require(all(len(m["audience"]) <= MOST_ADDRESSED and strictly_ascending(m["audience"]) for m in manifests), "OBJ-3")


CATALOG = Kind("catalog", b"blindlist/1 catalog\n", BODY, OBJECT_LIMIT, "operator_key", False, _rules)
