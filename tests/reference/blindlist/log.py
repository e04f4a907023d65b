"""SPEC.md section 22: a ledger's audit log: its entries (22.1), the Merkle tree over them, and who verifies a log.

The tree and its proofs are RFC 9162's, section 2.1, whose names are kept: PATH, PROOF, SUBPROOF, MTH (here `root`). All of them
are over the hashes of the leaves, so that nobody needs the entries for them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Sequence

from . import chunks, signatures
from .encoding import U8, U16, U32, U64, Checked, Choice, Fixed, Struct, decode
from .epoch import Holders, epoch_id
from .errors import Refused
from .oprf import Key
from .text import Slug

ENTRY_LIMIT = 1_024
ACTIVE, SUSPENDED, REVOKED = 0, 1, 2
REFUSALS = {3, 4, 5, 7, 9, 10, 11}  # [AUD-1]

CHARGE = Struct(
    "Charge",
    [
        ("insurer", Fixed(16)),
        ("epoch", Fixed(32)),
        ("holders", Holders),
        ("job", Fixed(16)),
        ("number", U32),
        ("count", U32),
        ("digest", Fixed(32)),
        ("signature", Fixed(64)),
        ("spent", U64),
    ],
)
INSURER, EPOCH = ("insurer", Fixed(16)), ("epoch", Fixed(32))
KEYS = [("signing_key", Fixed(32)), ("certificate", Fixed(32))]
EVENT = Choice(
    [
        ("Charge", CHARGE),
        ("Refusal", Struct("Refusal", [INSURER, EPOCH, ("code", U16), ("value", U64)])),
        ("Enrolment", Struct("Enrolment", [INSURER, ("name", Slug), *KEYS])),
        ("Keys", Struct("Keys", [INSURER, *KEYS])),
        ("Status", Struct("Status", [INSURER, ("status", Checked(U8, lambda status: status <= REVOKED))])),
        ("Budget", Struct("Budget", [INSURER, EPOCH, ("granted", U64)])),
        ("Epoch", Struct("Epoch", [EPOCH, ("operator_key", Fixed(32)), ("key", Key), ("record", Fixed(32))])),
        ("Release", Struct("Release", [EPOCH, ("manifest", Fixed(32))])),
        ("Retirement", Struct("Retirement", [EPOCH])),
        ("Succession", Struct("Succession", [("old_key", Fixed(32)), ("new_key", Fixed(32))])),
        ("Continuation", Struct("Continuation", [("ledger", Fixed(16)), ("size", U64), ("root", Fixed(32))])),
    ]
)
ENTRY = Struct("entry", [("time", U64), ("event", EVENT)])


def entry(time: int, event: str, fields: dict[str, Any]) -> bytes:
    """The bytes of an entry."""
    return ENTRY.encode({"time": time, "event": (event, fields)})


def read_entry(data: bytes) -> dict[str, Any]:
    """`time` and `event` of an entry."""
    return decode(ENTRY, data, ENTRY_LIMIT)


# The tree: RFC 9162, section 2.1.


def leaf(data: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH, by the algorithm of section 2.1.2: after i leaves the stack holds the roots of the whole trees that i is the sum of."""
    stack: list[bytes] = []
    for number, hashed in enumerate(leaves):
        stack.append(hashed)
        while number & 1:
            right, left = stack.pop(), stack.pop()
            stack.append(node(left, right))
            number >>= 1
    while len(stack) > 1:
        right, left = stack.pop(), stack.pop()
        stack.append(node(left, right))
    return stack[0] if stack else hashlib.sha256().digest()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves), section 2.1.3.1."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no entry {index} of {len(leaves)}")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_path(leaves[:k], index), root(leaves[k:])]
    return [*inclusion_path(leaves[k:], index - k), root(leaves[:k])]


def verify_inclusion(hashed: bytes, index: int, size: int, expected: bytes, path: Sequence[bytes]) -> None:
    """Refuses a path that does not lead from a leaf's hash to the root of the tree of this size (section 2.1.3.2)."""
    require_path(index < size)
    fn, sn, r = index, size - 1, hashed
    for p in path:
        require_path(sn > 0)
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    require_path(sn == 0 and r == expected)


def consistency_path(leaves: Sequence[bytes], start: int) -> list[bytes]:
    """PROOF(start, leaves), section 2.1.4.1: that the first `start` leaves are the beginning of all."""
    if not 1 <= start <= len(leaves):
        raise ValueError(f"{start} is not from 1 to {len(leaves)}")
    return _subproof(start, leaves, True)


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> None:
    """Refuses a path that does not show the tree of `first` leaves to be the beginning of the one of `second` (section 2.1.4.2)."""
    require_path(1 <= first <= second)
    if first == second:
        require_path(not path and first_root == second_root)
        return
    require_path(len(path) > 0)
    if first & first - 1 == 0:  # a whole tree: its root is not in the path
        path = [first_root, *path]
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        require_path(sn > 0)
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    require_path(sn == 0 and fr == first_root and sr == second_root)


def require_path(holds: bool) -> None:
    if not holds:
        raise Refused("log", "path")


def _subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF: `whole` while the m leaves are all that the verifier's old tree has."""
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole), root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), root(leaves[:k])]


def _split(n: int) -> int:
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


# Verification of a whole log. [AUD-2]


def verify(entries: Sequence[bytes], before: Sequence[bytes] = ()) -> bytes:
    """The root of a log in which every entry keeps the rules; otherwise the first that does not is named by its number.
    `before` are the entries of another ledger that the log goes on from, when its first entry is a Continuation."""
    _replay(entries, before)
    return root([leaf(data) for data in entries])


def _replay(entries: Sequence[bytes], before: Sequence[bytes] = ()) -> _Books:
    books = _Books()
    for number, data in enumerate(entries):
        try:
            event, fields = read_entry(data)["event"]
            if event == "Continuation":
                _require(number == 0)
                _require((len(before), root([leaf(earlier) for earlier in before])) == (fields["size"], fields["root"]))
                books = _replay(before)
            else:
                books.enter(event, fields)
        except Refused as error:
            raise Refused("log", str(number)) from error
    return books


@dataclass
class _Books:
    """What the entries so far add up to."""

    keys: dict[bytes, bytes] = field(default_factory=dict)  # the signing key of each insurer
    status: dict[bytes, int] = field(default_factory=dict)
    epochs: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)  # operator key and K
    retired: set[bytes] = field(default_factory=set)
    granted: dict[tuple[bytes, bytes], int] = field(default_factory=dict)  # by insurer and epoch
    spent: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    charged: set[tuple[bytes, bytes, bytes]] = field(default_factory=set)  # insurer, epoch, digest

    def enter(self, event: str, fields: dict[str, Any]) -> None:
        insurer, epoch = fields.get("insurer"), fields.get("epoch")
        if insurer is not None:
            _require((insurer in self.keys) != (event == "Enrolment"))
        if event in ("Charge", "Release", "Retirement"):
            _require(epoch in self.epochs and epoch not in self.retired)
        if event == "Charge":
            self._charge(fields)
        elif event == "Refusal":
            _require(fields["code"] in REFUSALS)  # its epoch is whatever the request named
        elif event == "Enrolment":
            self.keys[insurer], self.status[insurer] = fields["signing_key"], ACTIVE
        elif event == "Keys":
            self.keys[insurer] = fields["signing_key"]
        elif event == "Status":
            self.status[insurer] = fields["status"]
        elif event == "Budget":
            _require(epoch in self.epochs)
            self.granted[insurer, epoch] = fields["granted"]
        elif event == "Epoch":
            _require(epoch == epoch_id(fields["operator_key"], fields["key"]) and epoch not in self.retired)
            self.epochs[epoch] = fields["operator_key"], fields["key"]
        elif event == "Retirement":
            self.retired.add(epoch)
        elif event == "Succession":
            _require(fields["old_key"] != fields["new_key"])
            self.retired |= {epoch for epoch, (operator_key, _) in self.epochs.items() if operator_key == fields["old_key"]}

    def _charge(self, fields: dict[str, Any]) -> None:
        insurer, epoch, count, digest = (fields[name] for name in ("insurer", "epoch", "count", "digest"))
        _require(self.status[insurer] == ACTIVE)
        _require(1 <= count <= chunks.MOST_ELEMENTS)
        asked = chunks.statement(*self.epochs[epoch], epoch, fields["job"], fields["number"], count, digest)
        signatures.verify(self.keys[insurer], asked, fields["signature"])
        _require((insurer, epoch, digest) not in self.charged)
        spent = self.spent.get((insurer, epoch), 0) + count
        _require(fields["spent"] == spent <= self.granted.get((insurer, epoch), 0))
        self.charged.add((insurer, epoch, digest))
        self.spent[insurer, epoch] = spent


def _require(holds: bool) -> None:
    if not holds:
        raise Refused("log", "rule")  # `_replay` says which entry it is
