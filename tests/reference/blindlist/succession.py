"""SPEC.md section 24: how the manifest key that insurers pinned is succeeded by the one whose hash they pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from .encoding import U64, Fixed, Struct
from .enrolment import successor
from .errors import Refused
from .objects import ENROLMENT_LIMIT, Kind, open_object, require
from .text import Slug

MOST_STEPS = 16

BODY = Struct(
    "succession",
    [("operator", Slug), ("old_key", Fixed(32)), ("new_key", Fixed(32)), ("successor", Fixed(32)), ("time", U64)],
)


@dataclass(frozen=True)
class Pins:
    """What an insurer holds an operator to: the manifest key, and the hash of the one that may follow it."""

    key: bytes
    successor: bytes


def accept(pins: Pins, objects: Sequence[bytes]) -> Pins:
    """The pins after the successions that came, one for each key that was asked for. [SUC-2]"""
    if len(objects) > MOST_STEPS:
        raise Refused("succession", "SUC-2")
    for data in objects:
        pins = follow(pins, data)
    return pins


def follow(pins: Pins, data: bytes) -> Pins:
    """The pins after one succession of the pinned key."""
    fields = open_object(SUCCESSION, data, None)
    if fields["old_key"] != pins.key or successor(fields["new_key"]) != pins.successor:
        raise Refused("succession", "SUC-2")
    return Pins(fields["new_key"], fields["successor"])


def _rules(fields: dict[str, Any]) -> None:
    keys = fields["old_key"], fields["new_key"]
    require(keys[0] != keys[1] and fields["successor"] not in map(successor, keys), "SUC-1")


SUCCESSION = Kind("succession", b"blindlist/1 succession\n", BODY, ENROLMENT_LIMIT, "new_key", True, _rules)
