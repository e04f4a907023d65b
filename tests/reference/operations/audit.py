"""The operations of sections 22 to 24: the audit log, receipts, checkpoints, exports, evidence, successions."""

from __future__ import annotations

from typing import Any

from blindlist import checkpoints, evidence, exports, log, receipts, succession
from blindlist.encoding import U32, U64, Bytes, Fixed, List, Struct, Text
from blindlist.signatures import public_key

from .exchange import JOB, ask
from .registry import operation

Path = List(Fixed(32))
Entries = List(Bytes)


@operation("log-entry", {"entry": Bytes}, {"fields": log.ENTRY, "leaf": Fixed(32)})
def log_entry(entry: bytes) -> dict:
    return {"fields": log.read_entry(entry), "leaf": log.leaf(entry)}


@operation("log-verify", {"entries": Entries}, {"root": Fixed(32)})
def log_verify(entries: list[bytes]) -> dict:
    return {"root": log.verify(entries)}


@operation("inclusion-prove", {"entries": Entries, "index": U64, "size": U64}, {"root": Fixed(32), "path": Path})
def inclusion_prove(entries: list[bytes], index: int, size: int) -> dict:
    leaves = _first(entries, size)
    return {"root": log.root(leaves), "path": log.inclusion_path(leaves, index)}


@operation("inclusion-verify", {"entry": Bytes, "index": U64, "size": U64, "root": Fixed(32), "path": Path}, {})
def inclusion_verify(entry: bytes, index: int, size: int, root: bytes, path: list[bytes]) -> None:
    log.verify_inclusion(log.leaf(entry), index, size, root, path)


@operation(
    "consistency-prove",
    {"entries": Entries, "from": U64, "to": U64},
    {"from_root": Fixed(32), "to_root": Fixed(32), "path": Path},
)
def consistency_prove(entries: list[bytes], to: int, **given: int) -> dict:
    leaves, start = _first(entries, to), given["from"]
    return {"from_root": log.root(leaves[:start]), "to_root": log.root(leaves), "path": log.consistency_path(leaves, start)}


@operation("consistency-verify", {"from": U64, "from_root": Fixed(32), "to": U64, "to_root": Fixed(32), "path": Path}, {})
def consistency_verify(from_root: bytes, to: int, to_root: bytes, path: list[bytes], **given: int) -> None:
    log.verify_consistency(given["from"], from_root, to, to_root, path)


def _first(entries: list[bytes], size: int) -> list[bytes]:
    """The leaves of the tree over the first `size` entries."""
    if size > len(entries):
        raise ValueError(f"there are no {size} entries")
    return [log.leaf(entry) for entry in entries[:size]]


@operation(
    "receipt-sign", {"ledger": Fixed(16), "index": U64, "entry": Bytes, "seed": Fixed(32)}, {"signature": Fixed(64)}
)
def receipt_sign(ledger: bytes, index: int, entry: bytes, seed: bytes) -> dict:
    return {"signature": receipts.sign(seed, ledger, index, entry)}


@operation(
    "checkpoint-sign",
    {"ledger": Fixed(16), "size": U64, "root": Fixed(32), "time": U64, "seed": Fixed(32)},
    {"signature": Fixed(64), "note": Text()},
)
def checkpoint_sign(ledger: bytes, size: int, root: bytes, time: int, seed: bytes) -> dict:
    fields = checkpoints.sign(seed, ledger, size, root, time)
    return {"signature": fields["signature"], "note": checkpoints.note(public_key(seed), fields)}


@operation("note-open", {"note": Text(), "key": Fixed(32)}, dict(checkpoints.CHECKPOINT.fields))
def note_open(note: str, key: bytes) -> dict:
    return checkpoints.open_note(note, key)


@operation(
    "cosign",
    {"note": Text(), "key": Fixed(32), "name": Text(), "time": U64, "seed": Fixed(32)},
    {"note": Text()},
)
def cosign(note: str, key: bytes, name: str, time: int, seed: bytes) -> dict:
    return {"note": checkpoints.cosign(note, key, name, time, seed)}


Held = Struct("receipt", [("index", U64), ("entry", Bytes), ("path", Path)])
Earlier = Struct("earlier", [("size", U64), ("root", Fixed(32)), ("path", Path)])


@operation(
    "checkpoint-accept",
    {
        "ledger": Fixed(16),
        "key": Fixed(32),
        "checkpoint": checkpoints.CHECKPOINT,
        "receipts": List(Held),
        "earlier": List(Earlier),
    },
    {"size": U64},
)
def checkpoint_accept(ledger: bytes, key: bytes, checkpoint: dict, receipts: list[dict], earlier: list[dict]) -> dict:
    held = [checkpoints.Held(**receipt) for receipt in receipts]
    checkpoints.accept(ledger, key, checkpoint, held, [checkpoints.Earlier(**last) for last in earlier])
    return {"size": checkpoint["size"]}


@operation("export-read", {"export": Text(), "key": Fixed(32)}, {"ledger": Fixed(16), "size": U64, "root": Fixed(32)})
def export_read(export: str, key: bytes) -> dict:
    checkpoint = exports.read(export, key).checkpoint
    return {name: checkpoint[name] for name in ("ledger", "size", "root")}


@operation("openings-make", JOB | {"chunk": U32, "sample": U32, "challenge": Bytes}, {"openings": Bytes})
def openings_make(signing_seed: bytes, chunk: int, sample: int, challenge: bytes, **asked: Any) -> dict:
    return {"openings": evidence.make(ask(**asked)[chunk], sample, challenge)}


@operation(
    "openings-verify",
    {"openings": Bytes, "sample": U32, "challenge": Bytes, "digest": Fixed(32)},
    {"identifiers": List(Bytes)},
)
def openings_verify(openings: bytes, sample: int, challenge: bytes, digest: bytes) -> dict:
    return {"identifiers": evidence.verify(openings, sample, challenge, digest)}


@operation(
    "succession-accept",
    {"pinned": Fixed(32), "successor": Fixed(32), "successions": List(Bytes)},
    {"pinned": Fixed(32), "successor": Fixed(32)},
)
def succession_accept(pinned: bytes, successor: bytes, successions: list[bytes]) -> dict:
    pins = succession.accept(succession.Pins(pinned, successor), successions)
    return {"pinned": pins.key, "successor": pins.successor}
