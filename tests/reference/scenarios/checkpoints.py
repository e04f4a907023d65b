"""SPEC.md section 22.3: what a client holds a checkpoint against: its receipts, and the checkpoints seen before."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from blindlist import checkpoints, log
from blindlist.checkpoints import CHECKPOINT

from .common import Scenario, bytes_for, refused
from .fixtures import OTHER_KEY, OTHER_SEED, hex_of, json_of
from .ledger import LEDGER, RECEIPT_KEY, RECEIPT_SEED, TIME, log_of
from .logs import whole

ENTRIES = log_of(whole())
LEAVES = [log.leaf(entry) for entry in ENTRIES]
SIZE = 18
CHARGES = 4, 7  # of the insurer, in the log of SIZE entries

RULE, AUD_8 = refused("log", "AUD-7"), refused("log", "AUD-8")
SIGNATURE = refused("signature", "invalid")


def scenarios() -> Iterator[Scenario]:
    yield from accepted()
    yield from refused_checkpoints()
    yield from refused_receipts()
    yield from refused_histories()


def signed(size: int = SIZE, leaves: Sequence[bytes] = LEAVES, seed: bytes = RECEIPT_SEED, **changes: Any) -> dict[str, Any]:
    given = {"ledger": LEDGER, "size": size, "root": log.root(leaves[:size]), "time": TIME + 3600} | changes
    return checkpoints.sign(seed, **given)


def receipt(index: int, size: int = SIZE, leaves: Sequence[bytes] = LEAVES, **changes: Any) -> dict[str, Any]:
    path = log.inclusion_path(leaves[:size], index) if index < size else []
    given = {"index": index, "entry": ENTRIES[index], "path": path} | changes
    return given | {"entry": given["entry"].hex(), "path": hex_of(given["path"])}


def earlier(size: int, of: int = SIZE, leaves: Sequence[bytes] = LEAVES, **changes: Any) -> dict[str, Any]:
    """A checkpoint of `size`, with the path between it and the one of the size `of`."""
    first, last = sorted((size, of))
    given = {"size": size, "root": log.root(leaves[:size]), "path": log.consistency_path(leaves[:last], first)} | changes
    return given | {"root": given["root"].hex(), "path": hex_of(given["path"])}


def accept(
    name: str,
    about: str,
    checkpoint: dict[str, Any],
    receipts: Sequence[dict[str, Any]],
    before: Sequence[dict[str, Any]],
    expect: dict[str, Any] | None = None,
    rules: Sequence[str] = ("AUD-7",),
    **changes: Any,
) -> Scenario:
    input = {
        "ledger": LEDGER.hex(),
        "key": RECEIPT_KEY.hex(),
        "checkpoint": json_of(CHECKPOINT, checkpoint),
        "receipts": list(receipts),
        "earlier": list(before),
    }
    return Scenario("checkpoint-accept", name, about, list(rules), input | changes, expect)


def accepted() -> Iterator[Scenario]:
    two = [receipt(index) for index in CHARGES]
    for name, about, checkpoint, receipts, before in [
        ("first", "The first checkpoint that a client sees, with its receipts.", signed(), two, []),
        ("one-entry", "A log of one entry, which is the receipt's.", signed(1), [receipt(0, 1)], []),
        ("last-entry", "The receipt's entry is the last.", signed(8), [receipt(7, 8)], []),
        ("remembered-and-catalog", "One remembered, and the catalog's of an earlier moment.", signed(), two, [earlier(12), earlier(5)]),
        ("the-same", "The log is as large as it was.", signed(), two, [earlier(SIZE)]),
        ("the-same-later", "The same size and root at an earlier time: times are not held against each other.", signed(time=0), [], [earlier(SIZE)]),
    ]:  # fmt: skip
        yield accept(name, about, checkpoint, receipts, before, rules=["AUD-7", "AUD-8"])


def refused_checkpoints() -> Iterator[Scenario]:
    right = signed()
    flipped = right["signature"][:32] + bytes([right["signature"][32] ^ 1]) + right["signature"][33:]
    for name, about, checkpoint, expect in [
        ("signature-flipped", "A bit of the signature is another.", right | {"signature": flipped}, SIGNATURE),
        ("signed-by-another-key", "Another key signed it.", signed(seed=OTHER_SEED), SIGNATURE),
        ("signature-of-another-size", "The signature is of another size.", right | {"signature": signed(17)["signature"]}, SIGNATURE),
        ("another-ledger", "The checkpoint is of another ledger than the one asked.", signed(ledger=bytes(16)), RULE),
    ]:  # fmt: skip
        yield accept(name, about, checkpoint, [receipt(4)], [earlier(5)], expect)
    yield accept("under-another-key", "It is held against another key.", right, [], [], SIGNATURE, key=OTHER_KEY.hex())


def refused_receipts() -> Iterator[Scenario]:
    """What does not cover a receipt."""
    for name, about, size, index in [
        ("size-is-the-index", "The checkpoint ends right before a receipt's entry.", 7, 7),
    ]:
        yield accept(name, about, signed(size), [receipt(4, size), receipt(index, size)], [], RULE)
    yield accept("size-0", "A checkpoint of a log without entries.", signed(0), [receipt(0, 0)], [], RULE)
    for name, about, wrong in [
        ("entry-another", "The log has another entry at a receipt's index.", receipt(4, entry=ENTRIES[7])),
        ("path-extended", "A receipt's path has a hash too many.", receipt(4, path=[*log.inclusion_path(LEAVES[:SIZE], 4), bytes(32)])),
    ]:  # fmt: skip
        yield accept(f"receipt-{name}", about, signed(), [receipt(7), wrong], [], RULE)


def refused_histories() -> Iterator[Scenario]:
    forked = [*LEAVES[:3], log.leaf(b"another entry"), *LEAVES[4:]]
    rules = ["AUD-7", "AUD-8"]
    for name, about, before, expect in [
        ("shrank", "It is smaller than the one remembered.", [earlier(SIZE + 2, path=[])], AUD_8),
        ("shrank-with-a-path", "It is a beginning of the one remembered, as after a ledger was rolled back.", [earlier(SIZE + 2)], AUD_8),
        ("same-size-another-root", "It is as large as the one remembered, with another root.", [earlier(SIZE, root=bytes_for("another root", 32), path=[])], AUD_8),
        ("forked", "The one remembered is the beginning of another log.", [earlier(5, root=log.root(forked[:5]))], RULE),
        ("forked-path", "The path is another log's.", [earlier(5, leaves=forked)], RULE),
        ("path-extended", "The path has a hash too many.", [earlier(5, path=[*log.consistency_path(LEAVES[:SIZE], 5), bytes(32)])], RULE),
        ("path-of-the-same", "The size and the root are the same, and there is a path.", [earlier(SIZE, path=[bytes(32)])], RULE),
    ]:  # fmt: skip
        yield accept(f"earlier-{name}", about, signed(), [receipt(4)], before, expect, rules)
