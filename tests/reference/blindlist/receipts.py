"""SPEC.md section 22.2: the receipt that comes with an answer, and what an insurer holds it against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import chunks, log, signatures
from .chunks import Chunk
from .encoding import U64, Bytes, Checked, Fixed, Struct
from .errors import Refused

RECEIPT = Struct(
    "receipt",
    [("index", U64), ("entry", Checked(Bytes, lambda entry: len(entry) <= log.ENTRY_LIMIT)), ("signature", Fixed(64))],
)  # [MSG-2]


@dataclass(frozen=True)
class Insurer:
    """Who was charged: its id, from its bundle, and its request-signing key."""

    id: bytes
    signing_key: bytes


def sign(seed: bytes, ledger: bytes, index: int, entry: bytes) -> bytes:
    """A receipt's signature, by the receipt key."""
    return signatures.sign(seed, _statement(ledger, index, entry))


def check(receipt: dict[str, Any], holder: dict[str, Any], chunk: Chunk, holders: bytes, insurer: Insurer) -> None:
    """Refuses a receipt that is not the holder's (as the epoch record has it) for a chunk that was sent to this set. [AUD-4]"""
    try:
        _check(receipt, holder, chunk, holders, insurer)
    except Refused as error:
        raise Refused("receipt", "AUD-4") from error


def _check(receipt: dict[str, Any], holder: dict[str, Any], chunk: Chunk, holders: bytes, insurer: Insurer) -> None:
    statement = _statement(holder["ledger"], receipt["index"], receipt["entry"])
    signatures.verify(holder["receipt_key"], statement, receipt["signature"])
    event, found = log.read_entry(receipt["entry"])["event"]
    expected = {
        "insurer": insurer.id,
        "epoch": chunk.epoch,
        "holders": holders,
        "job": chunk.job,
        "number": chunk.number,
        "count": len(chunk.elements),
        "digest": chunks.digest(chunk.elements),
    }
    if event != "Charge" or any(found[name] != value for name, value in expected.items()) or found["spent"] < found["count"]:
        raise Refused("receipt", "AUD-4")
    chunk.verify(insurer.signing_key, found["signature"])


def _statement(ledger: bytes, index: int, entry: bytes) -> bytes:
    return b"blindlist/1 receipt\n" + ledger + U64.encode(index) + log.leaf(entry)
