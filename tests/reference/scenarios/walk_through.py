"""What SPEC.md goes through byte by byte: one release, a chunk of a member and a canary, its request, its answer.

The manifest is `object-sign/walk-through`, its index `index-encode/walk-through`, then come `chunk-sign`, `request`, `evaluate`
and `response/walk-through`, whose receipt's entry and signature are `log-entry` and `receipt-sign/walk-through`.
"""

from __future__ import annotations

from typing import Iterator

from blindlist import jobs, messages
from blindlist.chunks import Chunk
from blindlist.entries import label_length
from blindlist.epoch import public_part, secret_part
from blindlist.proofs import Asked, evaluate, prove

from .common import Scenario, bytes_for
from .fixtures import DICTIONARY, ONE, OPERATOR_KEY, SIGNING_SEED, SPRING, hex_of, member
from .ledger import LEDGER, RECEIPT_SEED, charge, entry, receipt

JOB = bytes_for("job of the walk-through", 16)
SEED = bytes_for("seed of the walk-through's job", 32)
RANDOM = bytes_for("random of walk-through", 64)
HOLDERS = b"\1"

S = jobs.secret(SEED, OPERATOR_KEY, ONE.key)
BLINDED = sorted((jobs.person(S, x) for x in (member(1), ONE.canaries()[0])), key=lambda blinded: blinded.element)
ELEMENTS = [blinded.element for blinded in BLINDED]
ASKED = Chunk(OPERATOR_KEY, ONE.id, ONE.key, JOB, 0, ELEMENTS)

CHARGE = charge(ASKED, 2)
INDEX = 4  # in the log, after `ledger.opening`
ENTRY = entry(INDEX, CHARGE)


def scenarios() -> Iterator[Scenario]:
    input = {
        "release": SPRING.fields["release"].hex(),
        "false_positive_bits": 40,
        "label_length": label_length(DICTIONARY),
        "entries": hex_of(SPRING.rows),
    }
    yield Scenario("index-encode", "walk-through", "The index that SPEC.md goes through byte by byte.", ["IDX-1"], input)
    for operation, message in [("request", request()), ("response", response())]:
        about = f"The {operation} that SPEC.md goes through byte by byte."
        yield Scenario(operation, "walk-through", about, [], {"message": message.hex()})
    about = "The entry that the answer of SPEC.md's walk-through was charged with."
    yield Scenario("log-entry", "walk-through", about, [], {"entry": ENTRY.hex()})
    signed = {"ledger": LEDGER.hex(), "index": INDEX, "entry": ENTRY.hex(), "seed": RECEIPT_SEED.hex()}
    yield Scenario("receipt-sign", "walk-through", "The receipt in that answer.", [], signed)


def request() -> bytes:
    """The Evaluate request."""
    fields = {
        "epoch": ONE.id,
        "holders": HOLDERS,
        "job": JOB,
        "number": 0,
        "elements": ELEMENTS,
        "signature": ASKED.sign(SIGNING_SEED),
    }
    return messages.REQUEST.encode(("Evaluate", fields))


def response() -> bytes:
    """The Evaluated response, with the elements and the proof of `evaluate/walk-through`, and a receipt."""
    part = secret_part(HOLDERS, 1, ONE.share(1))
    elements = evaluate(part, ELEMENTS)
    asked = Asked(ONE.key, ONE.id, HOLDERS, 1, public_part(ONE.fields, HOLDERS, 1))
    fields = {
        "elements": elements,
        "proof": prove(asked, part, ELEMENTS, elements, RANDOM),
        "account": {"granted": 128, "spent": 2},
        "receipt": receipt(ONE, 1, INDEX, ENTRY),
    }
    return messages.RESPONSE.encode(("Evaluated", fields))
