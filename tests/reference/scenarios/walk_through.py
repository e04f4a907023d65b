"""What SPEC.md goes through byte by byte: one release, a chunk of a member and a canary, its request, its answer.

The manifest is `object-sign/walk-through`, its index `index-encode/walk-through`, then come `chunk-sign`, `request`, `evaluate`
and `response/walk-through`.
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

JOB = bytes_for("job of the walk-through", 16)
SEED = bytes_for("seed of the walk-through's job", 32)
RANDOM = bytes_for("random of walk-through", 64)
HOLDERS = b"\1"

S = jobs.secret(SEED, OPERATOR_KEY, ONE.key)
BLINDED = sorted((jobs.person(S, x) for x in (member(1), ONE.canaries()[0])), key=lambda blinded: blinded.element)
ELEMENTS = [blinded.element for blinded in BLINDED]
ASKED = Chunk(OPERATOR_KEY, ONE.id, ONE.key, JOB, 0, ELEMENTS)


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
    """The Evaluated response, with the elements and the proof of `evaluate/walk-through`."""
    part = secret_part(HOLDERS, 1, ONE.share(1))
    elements = evaluate(part, ELEMENTS)
    asked = Asked(ONE.key, ONE.id, HOLDERS, 1, public_part(ONE.fields, HOLDERS, 1))
    fields = {
        "elements": elements,
        "proof": prove(asked, part, ELEMENTS, elements, RANDOM),
        "account": {"granted": 128, "spent": 2},
        "receipt": None,
    }
    return messages.RESPONSE.encode(("Evaluated", fields))
