"""SPEC.md section 18, with the refusals of section 19: what goes over the wire."""

from __future__ import annotations

from typing import Any

from .checkpoints import CHECKPOINT
from .encoding import U16, U32, U64, Bytes, Checked, Choice, Fixed, List, Struct, decode
from .epoch import Holders
from .receipts import RECEIPT

REQUEST_LIMIT = 263_168
RESPONSE_LIMIT = 2_098_176
MOST_HASHES = 128

MALFORMED, TOO_LARGE, INVALID_ELEMENT, INVALID_CHUNK, INVALID_SIGNATURE, UNKNOWN_INSURER = 1, 2, 3, 4, 5, 6
SUSPENDED, UNKNOWN_EPOCH, RETIRED_EPOCH, WRONG_HOLDERS, OVER_BUDGET, RATE_LIMITED = 7, 8, 9, 10, 11, 12
BUSY, UNKNOWN_OBJECT, INTERNAL = 13, 14, 15
RESUMABLE = {OVER_BUDGET, RATE_LIMITED, BUSY, INTERNAL}

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
        ("Checkpoint", Struct("Checkpoint", [("ledger", Fixed(16))])),
        ("Consistency", Struct("Consistency", [("ledger", Fixed(16)), ("from", U64), ("to", U64)])),
        ("Inclusion", Struct("Inclusion", [("ledger", Fixed(16)), ("index", U64), ("size", U64)])),
        ("Succession", Struct("Succession", [("key", Fixed(32))])),
    ]
)

ACCOUNT = Struct("account", [("granted", U64), ("spent", U64)])
EVALUATED = Struct(
    "Evaluated", [("elements", List(Fixed(32))), ("proof", Fixed(64)), ("account", ACCOUNT), ("receipt", RECEIPT)]
)
PATH = Checked(List(Fixed(32)), lambda path: len(path) <= MOST_HASHES)  # [MSG-2]
RESPONSE = Choice(
    [
        ("Catalog", Bytes),
        ("Object", Bytes),
        ("Segment", Bytes),
        ("Account", ACCOUNT),
        ("Evaluated", EVALUATED),
        ("Refused", Struct("Refused", [("code", U16), ("value", U64)])),
        ("Checkpoint", CHECKPOINT),
        ("Path", PATH),
    ]
)


def read_request(data: bytes) -> tuple[str, Any]:
    """(alternative, fields) of a request."""
    return decode(REQUEST, data, REQUEST_LIMIT)


def read_response(data: bytes) -> tuple[str, Any]:
    """(alternative, fields) of a response."""
    return decode(RESPONSE, data, RESPONSE_LIMIT)
