"""SPEC.md section 10: epoch ids, epoch records, canaries, sets of holders."""

from __future__ import annotations

import hashlib
from typing import Any, Sequence

from . import curve, oprf, ristretto255
from .curve import ORDER
from .encoding import U8, U32, U64, Array, Bytes, Checked, Fixed, List, Named, Struct
from .errors import Refused
from .objects import OBJECT_LIMIT, Kind, require, strictly_ascending
from .oprf import Key
from .text import Address, Slug

MOST_HOLDERS = 32
MOST_ADDRESSES = 16
OPTIONAL, REQUIRED = 0, 1

HOLDER = Struct(
    "holder",
    [("index", U8), ("share", Key), ("receipt_key", Fixed(32)), ("ledger", Fixed(16)), ("addresses", List(Address))],
)
BODY = Struct(
    "epoch record",
    [
        ("version", U32),
        ("operator", Slug),
        ("operator_key", Fixed(32)),
        ("epoch", Fixed(32)),
        ("key", Key),
        ("threshold", U8),
        ("holders", List(HOLDER)),
        ("canaries", Array(4, Fixed(16))),
        ("evidence", Named(U32, {OPTIONAL: "optional", REQUIRED: "required"})),  # a choice without fields
        ("created", U64),
    ],
)


def epoch_id(operator_key: bytes, key: bytes) -> bytes:
    """The id of the epoch of K."""
    return hashlib.sha256(b"blindlist/1 epoch id\n" + operator_key + key).digest()


def lagrange(index: int, indices: Sequence[int], at: int = 0) -> int:
    """The coefficient of the share of `index` in the value, at `at`, of the polynomial through the shares of `indices`."""
    numerator, denominator = 1, 1
    for j in indices:
        if j != index:
            numerator = numerator * (j - at) % ORDER
            denominator = denominator * (j - index) % ORDER
    return numerator * pow(denominator, -1, ORDER) % ORDER


def is_set(holders: Sequence[int]) -> bool:
    """Whether the indices are a set at all: 1 to 32 of them, each at least 1, strictly ascending (section 17)."""
    return 1 <= len(holders) <= MOST_HOLDERS and holders[0] >= 1 and strictly_ascending(holders)


Holders = Checked(Bytes, is_set)
"""`list of u8`, as requests and entries of the log have it; anything else is malformed."""


def check_set(record: dict[str, Any], holders: Sequence[int]) -> None:
    """Refuses a set that is not exactly t of the epoch's holders."""
    known = {holder["index"] for holder in record["holders"]}
    if not is_set(holders) or len(holders) != record["threshold"] or not known.issuperset(holders):
        raise Refused("holders", "set")


def secret_part(holders: Sequence[int], index: int, share: bytes) -> int:
    """λ·k_i: the key that a holder answers with, as one of this set."""
    if not is_set(holders) or index not in holders:
        raise Refused("holders", "set")
    return oprf.secret_key(share) * lagrange(index, holders) % ORDER


def public_part(record: dict[str, Any], holders: Sequence[int], index: int) -> bytes:
    """λ·share_i: the key that a holder's answer is proven against."""
    check_set(record, holders)
    share = holder_of(record, index)["share"]
    return ristretto255.encode(curve.multiply(lagrange(index, holders), ristretto255.element(share)))


def holder_of(record: dict[str, Any], index: int) -> dict[str, Any]:
    """What the record says of a holder that it has."""
    return next(holder for holder in record["holders"] if holder["index"] == index)


def _rules(fields: dict[str, Any]) -> None:
    holders, threshold = fields["holders"], fields["threshold"]
    require(fields["version"] >= 1, "EPO-1")
    require(fields["epoch"] == epoch_id(fields["operator_key"], fields["key"]), "EPO-1")
    require(is_set([holder["index"] for holder in holders]), "EPO-2")
    require(all(len(holder["addresses"]) <= MOST_ADDRESSES for holder in holders), "EPO-2")
    require(1 <= threshold <= len(holders), "EPO-2")
    require(_on_one_polynomial(fields), "EPO-3")
    require(len(set(fields["canaries"])) == len(fields["canaries"]), "EPO-4")
    require(len({holder["ledger"] for holder in holders}) == len(holders), "EPO-4")
    require(len({holder["receipt_key"] for holder in holders}) == len(holders), "EPO-4")


def _on_one_polynomial(fields: dict[str, Any]) -> bool:
    """Whether K and the shares are of one polynomial of degree below t. [EPO-3]"""
    key = oprf.public_key(fields["key"])
    shares = {holder["index"]: ristretto255.element(holder["share"]) for holder in fields["holders"]}
    first = sorted(shares)[: fields["threshold"]]
    points = {0: key} | {index: share for index, share in shares.items() if index not in first}
    return all(
        ristretto255.equal(curve.total(curve.multiply(lagrange(i, first, at), shares[i]) for i in first), point)
        for at, point in points.items()
    )


EPOCH_RECORD = Kind("epoch record", b"blindlist/1 epoch\n", BODY, OBJECT_LIMIT, "operator_key", False, _rules)
