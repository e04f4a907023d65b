"""SPEC.md section 22.2: answers with a receipt that is wrong in one thing, and otherwise honest."""

from __future__ import annotations

import hashlib
from typing import Any, Iterator

from blindlist import chunks, curve, receipts, signatures

from . import ledger
from .common import Scenario, bytes_for, refused
from .fixtures import OF_THREE, ONE, OTHER_SEED, SIGNING_SEED
from .jobs import HONEST, INDEX, answer, asked, response

RULE = refused("receipt", "AUD-4")
CHUNK = asked("one", (1,)).chunk()


def scenarios() -> Iterator[Scenario]:
    yield from kept()
    yield from other_charges()
    yield from other_entries()
    yield from other_signatures()


def charge(**changes: Any) -> bytes:
    """The entry of the charge of the chunk that was asked."""
    return ledger.entry(INDEX, ("Charge", ledger.charge_fields(CHUNK, 64) | changes))


def receipt(entry: bytes, index: int = INDEX) -> dict[str, Any]:
    return ledger.receipt(ONE, 1, index, entry)


def received(name: str, about: str, given: dict[str, Any], expect: dict[str, Any] | None = RULE) -> Scenario:
    return answer(f"receipt-{name}", about, ["AUD-4"], [(1, response(HONEST, receipt=given))], expect)


def kept() -> Iterator[Scenario]:
    """What a receipt may be."""
    for name, about, given in [
        ("other-nonce", "The insurer's signature in the entry holds, and is another than the one sent.", receipt(charge(signature=other_nonce()))),
    ]:  # fmt: skip
        yield received(name, about, given, None)


def other_nonce() -> bytes:
    """A signature of the chunk by the insurer's key with another nonce than RFC 8032's."""
    digest = hashlib.sha512(SIGNING_SEED).digest()
    secret = (int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254) % curve.ORDER
    nonce = curve.wide(bytes_for("another nonce", 64))
    R = signatures.encode_point(curve.multiply_base(nonce))
    challenge = curve.wide(hashlib.sha512(R + signatures.public_key(SIGNING_SEED) + CHUNK.statement()).digest())
    return R + curve.scalar_bytes(nonce + challenge * secret)


def other_charges() -> Iterator[Scenario]:
    """A field of the Charge disagrees with what was sent."""
    fewer = chunks.digest(CHUNK.elements[:-1])
    for name, about, changes in [
        ("another-insurer", "The charge is another insurer's.", {"insurer": ledger.ELM_ID}),
        ("another-epoch", "The charge is in another epoch.", {"epoch": OF_THREE.id}),
        ("another-set", "The charge is for another set.", {"holders": b"\2"}),
        ("another-job", "The charge is of another job.", {"job": bytes_for("another job", 16)}),
        ("another-number", "The charge is of another chunk of the job.", {"number": 1}),
        ("count-more", "The charge is of an element more.", {"count": 65, "spent": 65}),
        ("another-digest", "The charge is of other elements.", {"digest": fewer}),
        ("signature-by-another", "The insurer's signature is by another key.", {"signature": CHUNK.sign(OTHER_SEED)}),
        ("spent-below-count", "The account after the charge is less than the charge.", {"spent": 63}),
    ]:
        yield received(name, about, receipt(charge(**changes)))


def other_entries() -> Iterator[Scenario]:
    """The entry is no charge, or none at all."""
    right = charge()
    for name, about, entry in [
        ("of-a-refusal", "The entry is a Refusal.", ledger.entry(INDEX, ledger.refusal())),
        ("entry-trailing-byte", "A byte follows the entry.", right + b"\0"),
    ]:
        yield received(name, about, receipt(entry))


def other_signatures() -> Iterator[Scenario]:
    entry = charge()
    right = receipt(entry)
    of = {"index": INDEX, "entry": entry}
    other_ledger = receipts.sign(ledger.RECEIPT_SEED, bytes_for("another ledger", 16), INDEX, entry)
    for name, about, given in [
        ("by-another-key", "Another key signed the receipt.", of | {"signature": receipts.sign(OTHER_SEED, ledger.LEDGER, INDEX, entry)}),
        ("for-another-ledger", "It is signed for another ledger.", of | {"signature": other_ledger}),
        ("for-another-index", "It is signed for another index.", right | {"index": INDEX + 1}),
        ("for-another-entry", "It is signed for another entry, a charge of the same chunk.", right | {"entry": charge(spent=128)}),
    ]:  # fmt: skip
        yield received(name, about, given)
