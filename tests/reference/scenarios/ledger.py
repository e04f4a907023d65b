"""What the scenarios of the audit log share: entries, receipts, and the log of the ledger of `ONE`'s holder."""

from __future__ import annotations

from typing import Any, Sequence

from blindlist import chunks, log, receipts
from blindlist.chunks import Chunk
from blindlist.messages import OVER_BUDGET
from blindlist.objects import digest

from .common import bytes_for
from .fixtures import (
    CREATED, DAY, INSURER, INSURER_ID, ONE, OPERATOR_KEY, SIGNING_KEY, SIGNING_SEED, SPRING, Epoch, key_of, public, scalar_for, seed_of,
)  # fmt: skip

TIME = CREATED + 8 * DAY
LEDGER = ONE.holder(1)["ledger"]
RECEIPT_SEED = ONE.receipt_seed(1)
RECEIPT_KEY = ONE.holder(1)["receipt_key"]

ELM_ID = bytes_for("id of another insurer", 16)
ELM_SEED = seed_of("another insurer's request-signing key")
CERTIFICATE = bytes_for("SHA-256 of a certificate", 32)


Event = tuple[str, dict[str, Any]]


def entry(number: int, event: Event) -> bytes:
    """An entry of the log, a minute after the one before."""
    return log.entry(TIME + 60 * number, *event)


def charge_fields(chunk: Chunk, spent: int, holders: bytes = b"\1", seed: bytes = SIGNING_SEED, **changes: Any) -> dict[str, Any]:
    fields = {
        "insurer": INSURER_ID,
        "epoch": chunk.epoch,
        "holders": holders,
        "job": chunk.job,
        "number": chunk.number,
        "count": len(chunk.elements),
        "digest": chunks.digest(chunk.elements),
        "signature": chunk.sign(seed),
        "spent": spent,
    }
    return fields | changes


def receipt(owner: Epoch, holder: int, index: int, entry: bytes) -> dict[str, Any]:
    """The receipt for an entry, signed by the holder."""
    signature = receipts.sign(owner.receipt_seed(holder), owner.holder(holder)["ledger"], index, entry)
    return {"index": index, "entry": entry, "signature": signature}


def elements(label: str, n: int) -> list[bytes]:
    """n elements as in a chunk."""
    return sorted(public(scalar_for(f"{label} {i}")) for i in range(n))


def chunk(number: int, n: int, owner: Epoch = ONE, job: bytes = bytes_for("job of the log", 16)) -> Chunk:
    """A chunk of n elements that nobody has asked before."""
    return Chunk(OPERATOR_KEY, owner.id, owner.key, job, number, elements(f"element of chunk {number}", n))


EPOCH = {"epoch": ONE.id, "operator_key": OPERATOR_KEY, "key": ONE.key, "record": digest(ONE.record)}
ENROLMENT = {"insurer": INSURER_ID, "name": INSURER, "signing_key": SIGNING_KEY, "certificate": CERTIFICATE}
ELM = {
    "insurer": ELM_ID,
    "name": "elm",
    "signing_key": key_of("another insurer's request-signing key"),
    "certificate": bytes_for("SHA-256 of another certificate", 32),
}
RELEASE = {"epoch": ONE.id, "manifest": SPRING.digest}


def budget(granted: int, insurer: bytes = INSURER_ID, epoch: bytes = ONE.id) -> dict[str, Any]:
    return {"insurer": insurer, "epoch": epoch, "granted": granted}


def log_of(events: Sequence[Event]) -> list[bytes]:
    return [entry(number, event) for number, event in enumerate(events)]


def opening() -> list[Event]:
    """How the log of `ONE`'s ledger begins: an insurer may ask 128 times."""
    return [("Epoch", EPOCH), ("Enrolment", ENROLMENT), ("Budget", budget(128)), ("Release", RELEASE)]


def charge(of: Chunk, spent: int, **changes: Any) -> Event:
    return "Charge", charge_fields(of, spent, **changes)


def refusal(code: int = OVER_BUDGET, value: int = 62, insurer: bytes = INSURER_ID, epoch: bytes = ONE.id) -> Event:
    return "Refusal", {"insurer": insurer, "epoch": epoch, "code": code, "value": value}
