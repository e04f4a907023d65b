"""SPEC.md section 22: the Merkle tree over a log's entries, and its proofs (RFC 9162, section 2.1)."""

from __future__ import annotations

from typing import Any, Iterator

from blindlist import log

from .common import Scenario, bytes_for, refused
from .fixtures import hex_of

PATH = refused("log", "path")
ENTRIES = [bytes([number]) for number in range(100)]  # the tree does not look into them
LEAVES = [log.leaf(entry) for entry in ENTRIES]


def scenarios() -> Iterator[Scenario]:
    yield from proven_inclusions()
    yield from proven_consistencies()
    yield from inclusions()
    yield from refused_inclusions()
    yield from consistencies()
    yield from refused_consistencies()


INCLUDED = [
    (1, 0), (2, 0), (2, 1), (3, 0), (3, 2), (4, 3), (5, 4), (6, 4), (7, 2), (7, 6), (8, 0), (8, 7), (9, 0), (9, 8),
    (64, 33), (65, 0), (65, 64), (100, 70),
]  # fmt: skip
CONSISTENT = [
    (1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (3, 4), (4, 5), (3, 6), (5, 6), (3, 7), (4, 7), (6, 7), (7, 7), (1, 8), (4, 8),
    (6, 8), (7, 8), (8, 9), (5, 9), (63, 64), (64, 65), (33, 65), (65, 100),
]  # fmt: skip


def proven_inclusions() -> Iterator[Scenario]:
    for size, index in [pair for pair in INCLUDED if pair[0] < 10 or pair in ((64, 33), (65, 64), (100, 70))]:
        about = f"The path of entry {index} in the tree of the first {size}."
        input = {"entries": hex_of(ENTRIES[: size + (size < 4)]), "index": index, "size": size}
        yield Scenario("inclusion-prove", f"{index}-of-{size}", about, ["AUD-6"], input)


def proven_consistencies() -> Iterator[Scenario]:
    for start, end in [pair for pair in CONSISTENT if pair[1] < 10 or pair in ((64, 65), (33, 65), (65, 100))]:
        about = f"That the tree of the first {start} entries is a beginning of that of the first {end}."
        input = {"entries": hex_of(ENTRIES[: end + (end < 4)]), "from": start, "to": end}
        yield Scenario("consistency-prove", f"{start}-of-{end}", about, ["AUD-6"], input)


def inclusion(index: int, size: int, changes: dict[str, Any] = {}) -> dict[str, Any]:
    leaves = LEAVES[:size]
    given = {
        "entry": ENTRIES[index],
        "index": index,
        "size": size,
        "root": log.root(leaves),
        "path": log.inclusion_path(leaves, index),
    } | changes
    return {name: value if isinstance(value, int) else hex_of(value) for name, value in given.items()}


def included(name: str, about: str, input: dict[str, Any], expect: Any = None) -> Scenario:
    return Scenario("inclusion-verify", name, about, ["AUD-7"], input, expect)


def inclusions() -> Iterator[Scenario]:
    for size, index in [(1, 0), (2, 1), (3, 2), (6, 4), (7, 2), (9, 8), (65, 64), (100, 70)]:
        yield included(f"{index}-of-{size}", f"Entry {index} of {size}.", inclusion(index, size))
    highest, path = LEAVES[0], [bytes_for(f"left of the last leaf {i}", 32) for i in range(63)]
    for sibling in path:
        highest = log.node(sibling, highest)
    last = {"entry": ENTRIES[0].hex(), "index": 2**64 - 2, "size": 2**64 - 1, "root": highest.hex(), "path": hex_of(path)}
    yield included("last-of-highest", "The last entry of the largest tree: 63 hashes, all on its left.", last)


def refused_inclusions() -> Iterator[Scenario]:
    for size, index in [(7, 2)]:
        right = log.inclusion_path(LEAVES[:size], index)
        of = f"{index}-of-{size}"
        flipped = [right[0][:31] + bytes([right[0][31] ^ 1]), *right[1:]]
        changes: list[tuple[str, str, dict[str, Any]]] = [
            ("another-entry", "The path is another entry's.", {"entry": ENTRIES[99]}),
            ("another-root", "The root is another.", {"root": bytes_for("another root", 32)}),
            ("flipped", "A bit of the path is another.", {"path": flipped}),
            ("truncated", "The path's last hash is missing.", {"path": right[:-1]}),
            ("headless", "The path's first hash is missing.", {"path": right[1:]}),
            ("empty", "The path is empty.", {"path": []}),
            ("extended", "The path has a hash too many.", {"path": [*right, bytes_for("hash too many", 32)]}),
            ("index-is-size", "The index is the size.", {"index": size}),
            ("index-beyond", "The index is beyond the size.", {"index": 2**64 - 1}),
            ("size-0", "A tree without entries.", {"size": 0}),
        ]
        if len(right) > 1:
            changes.append(("swapped", "Two hashes of the path are exchanged.", {"path": [right[1], right[0], *right[2:]]}))
        for name, about, changed in changes:
            yield included(f"{name}-{of}", about, inclusion(index, size, changed), PATH)
    for index, size, changes in [(2, 7, {"index": 3}), (2, 7, {"index": 6}), (7, 8, {"index": 5}), (0, 1, {"index": 1})]:
        name = f"index-{changes['index']}-for-{index}-of-{size}"
        yield included(name, "The path is that of another index.", inclusion(index, size, changes), PATH)
    for index, size, other in [(2, 7, 15), (7, 8, 16), (64, 65, 64), (64, 65, 66), (0, 1, 2), (0, 2, 1)]:
        name = f"size-{other}-for-{index}-of-{size}"
        yield included(name, "The path is that of another size.", inclusion(index, size, {"size": other}), PATH)
    inner = log.node(LEAVES[0], LEAVES[1])
    about = "A node is said to be an entry: leaves and nodes are hashed apart."
    forged = {"entry": LEAVES[0] + LEAVES[1], "index": 0, "size": 2, "root": log.node(inner, LEAVES[2]), "path": [LEAVES[2]]}
    yield included("node-as-entry", about, {k: v if isinstance(v, int) else hex_of(v) for k, v in forged.items()}, PATH)


def consistency(start: int, end: int, changes: dict[str, Any] = {}) -> dict[str, Any]:
    given = {
        "from": start,
        "from_root": log.root(LEAVES[:start]),
        "to": end,
        "to_root": log.root(LEAVES[:end]),
        "path": log.consistency_path(LEAVES[:end], start),
    } | changes
    return {name: value if isinstance(value, int) else hex_of(value) for name, value in given.items()}


def consistent(name: str, about: str, input: dict[str, Any], expect: Any = None) -> Scenario:
    return Scenario("consistency-verify", name, about, ["AUD-7"], input, expect)


def consistencies() -> Iterator[Scenario]:
    for start, end in [(1, 1), (1, 2), (2, 3), (3, 3), (3, 7), (4, 8), (6, 8), (7, 8), (8, 9), (33, 65), (65, 100)]:
        yield consistent(f"{start}-of-{end}", f"{start} entries are a beginning of {end}.", consistency(start, end))


def refused_consistencies() -> Iterator[Scenario]:
    other = bytes_for("another root", 32)
    for start, end in [(3, 7)]:
        right, of = log.consistency_path(LEAVES[:end], start), f"{start}-of-{end}"
        flipped = [*right[:-1], right[-1][:31] + bytes([right[-1][31] ^ 1])]
        forked = log.root([*LEAVES[: start - 1], log.leaf(b"another"), *LEAVES[start:end]])
        changes: list[tuple[str, str, dict[str, Any]]] = [
            ("another-beginning", "The root of the beginning is another.", {"from_root": other}),
            ("another-end", "The root of the whole is another.", {"to_root": other}),
            ("forked", "The whole has another entry within the beginning.", {"to_root": forked}),
            ("roots-swapped", "The roots are exchanged.", {"from_root": log.root(LEAVES[:end]), "to_root": log.root(LEAVES[:start])}),
            ("flipped", "A bit of the path is another.", {"path": flipped}),
            ("truncated", "The path's last hash is missing.", {"path": right[:-1]}),
            ("headless", "The path's first hash is missing.", {"path": right[1:]}),
            ("empty", "The path is empty.", {"path": []}),
            ("extended", "The path has a hash too many.", {"path": [*right, other]}),
            ("shrank", "The whole is smaller than the beginning.", {"from": end, "to": start}),
            ("from-0", "A beginning without entries.", {"from": 0}),
        ]  # fmt: skip
        if len(right) > 1:
            changes.append(("swapped", "Two hashes of the path are exchanged.", {"path": [right[1], right[0], *right[2:]]}))
        for name, about, changed in changes:
            if len(right) != 1 or name not in ("truncated", "headless"):  # then both are `empty`
                yield consistent(f"{name}-{of}", about, consistency(start, end, changed), PATH)
    for start, end, sizes in [(3, 7, {"from": 2}), (3, 7, {"from": 4}), (4, 8, {"to": 16}), (64, 65, {"to": 129})]:
        ((member, value),) = sizes.items()
        yield consistent(f"{member}-{value}-for-{start}-of-{end}", "The path is that of another size.", consistency(start, end, sizes), PATH)
    whole = {"path": [log.root(LEAVES[:4]), *log.consistency_path(LEAVES[:8], 4)]}
    about = "The beginning is a whole tree: its root is not in the path."
    yield consistent("root-in-path-4-of-8", about, consistency(4, 8, whole), PATH)
    yield consistent("empty-4-of-8", "The beginning is a whole tree, and the path is empty.", consistency(4, 8, {"path": []}), PATH)
    for size in (1, 3, 8):
        about = "The same size with another root."
        yield consistent(f"another-root-{size}-of-{size}", about, consistency(size, size, {"to_root": other}), PATH)
        about = "The same size and root; then the path is empty, and this one is not."
        yield consistent(f"path-of-{size}-of-{size}", about, consistency(size, size, {"path": [log.root(LEAVES[:size])]}), PATH)
