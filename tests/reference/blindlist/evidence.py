"""SPEC.md section 23: openings, by which an insurer shows an auditor whom single elements of a chunk meant."""

from __future__ import annotations

import hashlib
from typing import Any

from . import chunks, curve, oprf, ristretto255
from .encoding import U32, Bytes, Checked, Fixed, List, Struct, decode
from .errors import Refused
from .insurer import Asked
from .jobs import Blinded
from .oprf import Key

LINE = b"blindlist/1 openings\n"
LIMIT = 2_097_152
MOST_CHALLENGE = 64
MOST_IDENTIFIER = 512

OPENING = Struct(
    "opening",
    [
        ("position", U32),
        ("identifier", Checked(Bytes, lambda identifier: len(identifier) <= MOST_IDENTIFIER)),  # empty for padding
        ("r", Fixed(32)),
    ],
)
OPENINGS = Struct(
    "openings",
    [
        ("operator_key", Fixed(32)),
        ("epoch", Fixed(32)),
        ("key", Key),
        ("job", Fixed(16)),
        ("number", U32),
        ("elements", Checked(List(Fixed(32)), chunks.is_chunk)),
        ("challenge", Checked(Bytes, lambda challenge: len(challenge) <= MOST_CHALLENGE)),
        ("openings", List(OPENING)),
    ],
)


def positions(digest: bytes, challenge: bytes, sample: int, count: int) -> list[int]:
    """Which of a chunk's `count` elements are to be opened, ascending: the first `sample` different ones that come."""
    if sample >= count:
        return list(range(count))
    found: set[int] = set()
    prefix = b"blindlist/1 sample\n" + digest + U32.encode(len(challenge)) + challenge
    i = 0
    while len(found) < sample:
        drawn = hashlib.sha512(prefix + U32.encode(i)).digest()[:4]
        found.add(int.from_bytes(drawn, "little") % count)
        i += 1
    return sorted(found)


def make(asked: Asked, sample: int, challenge: bytes) -> bytes:
    """The file for the auditor's challenge, by the insurer that asked."""
    record, elements = asked.job.record, asked.elements()
    opened = positions(chunks.digest(elements), challenge, sample, len(elements))
    fields = {
        "operator_key": record["operator_key"],
        "epoch": record["epoch"],
        "key": record["key"],
        "job": asked.job.id,
        "number": asked.number,
        "elements": elements,
        "challenge": challenge,
        "openings": [opening(position, asked.blinded[position]) for position in opened],
    }
    return LINE + OPENINGS.encode(fields)


def opening(position: int, blinded: Blinded) -> dict[str, Any]:
    return {"position": position, "identifier": blinded.identifier or b"", "r": curve.scalar_bytes(blinded.r)}


def read(data: bytes) -> dict[str, Any]:
    """The fields of a file, whether they hold or not."""
    if len(data) > LIMIT:
        raise Refused("encoding", "too-large")  # [ENC-2]
    if not data.startswith(LINE):
        raise Refused("encoding", "malformed")
    return decode(OPENINGS, data[len(LINE) :], LIMIT)


def verify(data: bytes, sample: int, challenge: bytes, digest: bytes) -> list[bytes]:
    """The identifiers of what was opened, for the auditor's challenge and the digest of the log's Charge. [EVI-2]"""
    fields = read(data)
    elements, openings = fields["elements"], fields["openings"]
    _require(chunks.digest(elements) == digest and fields["challenge"] == challenge)
    _require([opening["position"] for opening in openings] == positions(digest, challenge, sample, len(elements)))
    for opening in openings:
        r = curve.scalar_from(opening["r"])
        _require(r is not None and _element(opening["identifier"], r) == elements[opening["position"]])
    return [opening["identifier"] for opening in openings]


def _element(identifier: bytes, r: int) -> bytes:
    """B of a person, or of padding."""
    return ristretto255.encode(oprf.blind(identifier, r) if identifier else curve.multiply_base(r))


def _require(holds: bool) -> None:
    if not holds:
        raise Refused("openings", "EVI-2")
