"""SPEC.md section 18, with the refusals of section 19: what goes over the wire."""

from __future__ import annotations

from typing import Any

from .encoding import U16, U32, U64, Bytes, Checked, Choice, Fixed, List, Option, Struct, decode
from .epoch import is_set

REQUEST_LIMIT = 263_168
RESPONSE_LIMIT = 2_098_176
MOST_RECEIPT_ENTRY = 1_024

MALFORMED, TOO_LARGE, INVALID_ELEMENT, INVALID_CHUNK, INVALID_SIGNATURE, UNKNOWN_INSURER = 1, 2, 3, 4, 5, 6
SUSPENDED, UNKNOWN_EPOCH, RETIRED_EPOCH, WRONG_HOLDERS, OVER_BUDGET, RATE_LIMITED = 7, 8, 9, 10, 11, 12
BUSY, UNKNOWN_OBJECT, INTERNAL = 13, 14, 15
RESUMABLE = {OVER_BUDGET, RATE_LIMITED, BUSY, INTERNAL}

Holders = Checked(Bytes, is_set)  # section 17: anything else is Malformed

EVALUATE = Struct(
    "Evaluate",
    [
        ("epoch", Fixed(32)),
        ("holders", Holders),
        ("job", Fixed(16)),
        ("number", U32),
        ("elements", List(Fixed(32))),
        ("signature", Fixed(64)),
    ],
)
REQUEST = Choice(
    [
        ("Catalog", None),
        ("Object", Struct("Object", [("digest", Fixed(32))])),
        ("Segment", Struct("Segment", [("release", Fixed(16)), ("number", U32)])),
        ("Account", Struct("Account", [("epoch", Fixed(32))])),
        ("Evaluate", EVALUATE),
    ]
)

ACCOUNT = Struct("account", [("granted", U64), ("spent", U64)])
RECEIPT = Struct(
    "receipt",
    [("index", U64), ("entry", Checked(Bytes, lambda entry: len(entry) <= MOST_RECEIPT_ENTRY)), ("signature", Fixed(64))],
)  # [MSG-2]
EVALUATED = Struct(
    "Evaluated", [("elements", List(Fixed(32))), ("proof", Fixed(64)), ("account", ACCOUNT), ("receipt", Option(RECEIPT))]
)
RESPONSE = Choice(
    [
        ("Catalog", Bytes),
        ("Object", Bytes),
        ("Segment", Bytes),
        ("Account", ACCOUNT),
        ("Evaluated", EVALUATED),
        ("Refused", Struct("Refused", [("code", U16), ("value", U64)])),
    ]
)


def read_request(data: bytes) -> tuple[str, Any]:
    """(alternative, fields) of a request."""
    return decode(REQUEST, data, REQUEST_LIMIT)


def read_response(data: bytes) -> tuple[str, Any]:
    """(alternative, fields) of a response."""
    return decode(RESPONSE, data, RESPONSE_LIMIT)
