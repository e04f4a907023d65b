"""SPEC.md section 11: the manifest of a release, and what a client holds an index against."""

from __future__ import annotations

import hashlib
from typing import Any, Sequence

from . import epoch, index
from .encoding import U8, U32, U64, Fixed, List, Option, Struct
from .entries import Dictionary, label_length
from .errors import Refused
from .objects import OBJECT_LIMIT, Kind, require, strictly_ascending
from .oprf import Key
from .text import Date, Scheme, Slug, Title

SEGMENT_LENGTH = 1_048_576
MOST_INSURERS = 1_024

BODY = Struct(
    "manifest",
    [
        ("operator", Slug),
        ("operator_key", Fixed(32)),
        ("list", Slug),
        ("title", Title),
        ("incident", Option(Struct("incident", [("first", Date), ("last", Date)]))),
        ("audience", List(Slug)),
        ("release", Fixed(16)),
        ("sequence", U64),
        ("previous", Option(Fixed(32))),
        ("created", U64),
        ("epoch", Fixed(32)),
        ("key", Key),
        ("scheme", Scheme),
        ("entries", U32),
        ("false_positive_bits", U8),
        ("dictionary", Dictionary),
        ("source", Fixed(32)),
        ("index_length", U64),
        ("segment_length", U32),
        ("segments", List(Fixed(32))),
    ],
)


def source(salt: bytes, inputs: Sequence[bytes]) -> bytes:
    """The field `source`; `inputs` are the SHA-256 of each input file, in order."""
    return hashlib.sha256(b"blindlist/1 source\n" + salt + U32.encode(len(inputs)) + b"".join(inputs)).digest()


def segments(data: bytes) -> list[bytes]:
    """The segments of an index."""
    return [data[i : i + SEGMENT_LENGTH] for i in range(0, len(data), SEGMENT_LENGTH)]


def segment_digests(data: bytes) -> list[bytes]:
    """The field `segments`."""
    return [hashlib.sha256(segment).digest() for segment in segments(data)]


def accept_release(manifest: dict[str, Any], came: Sequence[bytes]) -> index.Index:
    """The index of a release, from the segments that came for its numbers. [MAN-5] [IDX-6]"""
    length, digests = manifest["index_length"], manifest["segments"]
    lengths = [min(SEGMENT_LENGTH, length - start) for start in range(0, length, SEGMENT_LENGTH)]
    if [(len(segment), hashlib.sha256(segment).digest()) for segment in came] != list(zip(lengths, digests)):
        raise Refused("release", "MAN-5")
    data = b"".join(came)
    found = index.read(data)
    named = (manifest["release"], manifest["entries"], manifest["false_positive_bits"], label_length(manifest["dictionary"]))
    if (found.release, len(found.values), found.f, found.label_length) != named:
        raise Refused("release", "IDX-6")
    return found


def _rules(fields: dict[str, Any]) -> None:
    incident = fields["incident"]
    require(incident is None or _day(incident["first"]) <= _day(incident["last"]), "OBJ-3")
    require(len(fields["audience"]) <= MOST_INSURERS and strictly_ascending(fields["audience"]), "OBJ-3")
    require(fields["segment_length"] == SEGMENT_LENGTH and fields["index_length"] >= 1, "MAN-1")
    require(len(fields["segments"]) == -(-fields["index_length"] // SEGMENT_LENGTH), "MAN-1")
    require(fields["entries"] >= 4 and 32 <= fields["false_positive_bits"] <= 56, "MAN-2")
    require(fields["sequence"] >= 1 and (fields["previous"] is None) == (fields["sequence"] == 1), "MAN-3")
    require(fields["epoch"] == epoch.epoch_id(fields["operator_key"], fields["key"]), "MAN-4")


def _day(date: dict[str, int]) -> tuple[int, int, int]:
    return date["year"], date["month"], date["day"]


MANIFEST = Kind("manifest", b"blindlist/1 manifest\n", BODY, OBJECT_LIMIT, "operator_key", False, _rules)
