"""Section 9: indexes as they should be. Those that a reader must refuse are in index_faults.py."""

from __future__ import annotations

from typing import Iterator

from blindlist import index

from .common import Scenario, bytes_for

RELEASE = bytes_for("index release", 16)
Entries = list[tuple[bytes, bytes]]


def scenarios() -> Iterator[Scenario]:
    yield from encoded()
    yield from read()
    yield from looked_up()


def entries_of(label: str, count: int, L: int) -> Entries:
    """Tags in ascending order, as they come of hashing, with hidden labels."""
    tags = sorted((bytes_for(f"{label} tag {i}", 16) for i in range(count)), key=number)
    return [(tag, bytes_for(f"{label} label {i}", L)) for i, tag in enumerate(tags)]


def encoded() -> Iterator[Scenario]:
    for name, count, f, L, about in [
        ("1-entry", 1, 32, 1, "one entry: a block of a first value alone"),
        ("2-entries", 2, 56, 8, "the largest f and L"),
        ("3-entries", 3, 40, 2, "a block of two codes"),
        ("65-entries", 65, 33, 1, "an odd f"),
        ("1025-entries", 1025, 32, 1, "a second block of one entry"),
    ]:
        yield encode(name, about, f, L, entries_of(name, count, L))
    near = [(tag(1, 0), b"a"), (tag(1, 1), b"b"), (tag(1, 2), b"c"), (tag(1, 3), b"d")]
    yield encode("adjacent-values", "gaps of 0, at f = 32, as they come of tags that are alike", 32, 1, near)
    ends = [(bytes(16), b"a"), (bytes([255]) * 16, b"b")]
    yield encode("first-and-last-value", "the tags of all zero and all one bits: v = 0 and R - 1", 32, 1, ends)
    crowd = [((i << 96).to_bytes(16, "little"), bytes([i])) for i in range(40)] + [(bytes([255]) * 16, b"z")]
    yield encode("long-run", "40 values crowd at the beginning and one is at the end: a run of many zero bits", 32, 1, crowd)
    for taken in (33, 56):
        # R = 2^(f + 1): two tags that agree in all but the lowest of their first f + 1 bits.
        low, high = (1 << 127) + 5, (1 << 127) + 5 + (1 << 127 - taken)
        twins = [(tag_of.to_bytes(16, "little"), label) for tag_of, label in ((low, b"a"), (high, b"b"))]
        about = f"two values that fall together below f = {taken}, which is taken instead of 32"
        yield encode(f"collision-{taken}", about, 32, 1, twins)


def read() -> Iterator[Scenario]:
    for name, count, f, L in [("1-entry", 1, 32, 8), ("3-entries", 3, 40, 1), ("65-entries", 65, 56, 2), ("1025-entries", 1025, 48, 1)]:
        data = file_of(f"read {name}", count, f, L)
        about = f"{count} entries at f = {f} with labels of {L} bytes"
        yield Scenario("index-read", name, about, ["IDX-2", "IDX-3", "IDX-4", "IDX-5"], {"index": data.hex()})
    data = index.write(RELEASE, 32, 1, [0, 1, 2, (3 << 31) + 3, (5 << 32) - 1], [b"a"] * 5)
    about = "values from 0 to R - 1 with gaps of 0, of a multiple of 2^k, and with a run of zero bits"
    yield Scenario("index-read", "edges", about, ["IDX-4"], {"index": data.hex()})
    data = index.write(RELEASE, 32, 1, [(1 << 32) - 1], [b"a"])
    yield Scenario("index-read", "last-value-alone", "one entry of the value R - 1", ["IDX-4"], {"index": data.hex()})


def looked_up() -> Iterator[Scenario]:
    entries = entries_of("look-up", 2100, 1)
    _, data = index.encode(RELEASE, 32, 1, entries)
    known = [entries[i][0] for i in (1025, 0, 1023, 1024, 2047, 2048, 2099, 77, 77)]
    unknown = [bytes_for(f"not in the index {i}", 16) for i in range(6)] + [bytes(16), bytes([255]) * 16]
    about = "the first and the last entries of blocks, tags asked twice, and tags that are not there"
    yield look_up("2100-entries", about, data, known + unknown)
    entries = entries_of("one block", 1024, 1)
    _, data = index.encode(RELEASE, 33, 1, entries)
    about = "one whole block: its first and last entries, and somebody who is not there"
    yield look_up("1024-entries", about, data, [entries[1023][0], bytes(16), entries[0][0]])
    yield look_up("nobody", "no tags", file_of("nobody", 1, 32, 1), [])
    (entry,) = entries_of("alone", 1, 8)
    _, data = index.encode(RELEASE, 56, 8, [entry])
    yield look_up("1-entry", "the only entry, and another tag", data, [entry[0], bytes_for("other", 16)])
    values = [tag(9, 0, 3), tag(9, 1, 3), tag(9, 3, 3)]
    _, data = index.encode(RELEASE, 32, 1, [(t, bytes([i])) for i, t in enumerate(values)])
    about = "values side by side, and the value between them that is not there"
    yield look_up("neighbours", about, data, [tag(9, i, 3) for i in range(5)])
    twin = (number(values[0]) + 1).to_bytes(16, "little")
    about = "another tag with the value of an entry is found: a false positive"
    yield look_up("same-value", about, data, [twin, values[0]])


def tag(block: int, step: int, count: int = 4) -> bytes:
    """A tag whose value in an index of `count` entries at f = 32 is `block` · 2^20 + `step`."""
    R = count << 32
    least = -(-(((block << 20) + step) << 128) // R)
    return least.to_bytes(16, "little")


def number(tag: bytes) -> int:
    return int.from_bytes(tag, "little")


def file_of(label: str, count: int, f: int, L: int) -> bytes:
    return index.encode(RELEASE, f, L, entries_of(label, count, L))[1]


def encode(name: str, about: str, f: int, L: int, entries: Entries) -> Scenario:
    members = {
        "release": RELEASE.hex(),
        "false_positive_bits": f,
        "label_length": L,
        "entries": [[tag.hex(), hidden.hex()] for tag, hidden in entries],
    }
    return Scenario("index-encode", name, about, ["IDX-1"], members)


def look_up(name: str, about: str, data: bytes, tags: list[bytes]) -> Scenario:
    members = {"index": data.hex(), "tags": [tag.hex() for tag in tags]}
    return Scenario("index-look-up", name, about, ["MAT-1"], members)
