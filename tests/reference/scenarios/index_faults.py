"""Section 9: indexes that a reader must refuse. Where a file has one fault, the error is its; where the first fault brings others
with it, SPEC.md leaves free which is found."""

from __future__ import annotations

from typing import Iterator, Sequence

from blindlist import index
from blindlist.index import FIRST, HEADER

from .common import Scenario, refused
from .index import RELEASE

F, L = 32, 1
SMALL = [1 << 20, 5 << 30, 3 << 32]  # three values at f = 32, R = 3 · 2^32 + 2^32 with four entries
R4 = 4 << 32


def scenarios() -> Iterator[Scenario]:
    yield from headers()
    yield from truncations()
    yield from directories()
    yield from values()
    yield from blocks()
    yield from second_blocks()


def headers() -> Iterator[Scenario]:
    """[IDX-2]"""
    good = small()
    yield bad("empty", "no bytes", ["header"], b"")
    yield bad("another-line", "the line of another version", ["header"], b"blindlist/2 index\n" + good[18:])
    yield bad("another-line-ending", "a line that ends otherwise", ["header"], b"blindlist/1 index\r" + good[18:])
    for name, offset, values in [("f", 38, (0, 31, 57, 255)), ("label-length", 39, (0, 9))]:
        for value in values:
            data = good[:offset] + bytes([value]) + good[offset + 1 :]
            yield bad(f"{name}-{value}", "out of its range", ["header"], data)
    yield bad("no-entries", "N = 0, in a file with nothing but a header", ["header"], good[:34] + bytes(4) + bytes([F, L]))
    yield bad("no-entries-but-blocks", "N = 0, before the blocks of four entries", ["header"], good[:34] + bytes(4) + good[38:])
    about = "more entries than any file of this length can hold"
    yield bad("entries-beyond-the-file", about, ["header"], good[:34] + bytes([255]) * 4 + good[38:])


def truncations() -> Iterator[Scenario]:
    good = small()
    blocks = len(good) - HEADER - 8 - 4 * L
    for name, length in [
        ("in-the-line", 7),
        ("in-the-header", HEADER - 1),
        ("after-the-header", HEADER),
        ("in-the-first-value", HEADER + FIRST - 1),
        ("in-the-codes", HEADER + blocks - 3),
    ]:
        yield bad(f"truncated-{name}", "too short for its header, directory, labels and 12 bytes a block", ["header"], good[:length])
    about = "cut short: what is left is read at other places"
    for name, length in [
        ("in-the-directory", HEADER + blocks + 5),
        ("after-the-directory", HEADER + blocks + 8),
        ("in-the-labels", len(good) - 1),
    ]:
        yield bad(f"truncated-{name}", about, ["directory"], good[:length])
    yield bad("trailing-byte", "one byte after the labels", ["directory"], good + b"\0")
    yield bad("trailing-bytes", "eight bytes after the labels", ["directory"], good + bytes(8))
    for name, count in [("more", 5), ("fewer", 3)]:
        about = f"the header alone says one entry {name}: the directory and the labels are read at other places"
        yield bad(f"header-says-one-{name}", about, ["directory"], good[:34] + count.to_bytes(4, "little") + good[38:])
    yield bad("doubled", "the file twice", ["directory"], good + good)


def directories() -> Iterator[Scenario]:
    """[IDX-3]"""
    body = block()
    about = "the directory does not end at the length of the blocks"
    for name, errors, end in [
        ("before", ["directory", "block"], len(body) - 1),
        ("after", ["directory"], len(body) + 1),
        ("at-0", ["directory"], 0),
        ("far-after", ["directory"], (1 << 64) - 1),
    ]:
        yield bad(f"directory-ends-{name}", about, errors, file([body], 4, ends=[end]))
    two = two_blocks()
    first, whole = len(two[0]), sum(map(len, two))
    for name, about, ends in [
        ("directory-descending", "the second block ends before the first", [whole + 12, whole]),
        ("directory-equal", "the second block is empty", [whole, whole]),
        ("directory-first-block-empty", "the first block is empty", [0, whole]),
        ("second-block-of-11-bytes", "a block without a whole first value", [whole - 11, whole]),
        ("first-block-of-11-bytes", "a block without a whole first value", [11, whole]),
        ("directory-ends-before-the-blocks", "the directory does not end at the length of the blocks", [first, whole - 1]),
    ]:
        errors = ["directory"] if ends[0] < FIRST else ["directory", "block"]
        yield bad(name, about, errors, file(two, 1025, ends=ends))


def values() -> Iterator[Scenario]:
    """[IDX-4], in one block. What leads beyond R cannot do so by a wrap-around of 64 or 96 bits either."""
    yield bad("first-value-is-r", "the first value is R", ["value"], file([index.write_block([1 << 32], F)], 1))
    yield bad("first-value-largest", "the first value is 2^96 - 1", ["value"], file([bytes([255]) * FIRST], 1))
    about = "a last value of R, by the low bits of its code"
    yield bad("value-is-r", about, ["value"], file([block([*SMALL, R4])], 4))
    about = "the run of zero bits stays below R, and the low bits lead beyond"
    yield bad("value-beyond-r", about, ["value"], file([block([*SMALL, R4 + 77])], 4))
    about = "a run of zero bits leads beyond R, with a whole code behind it"
    yield bad("run-leads-beyond-r", about, ["value"], file([block([*SMALL, R4 + (3 << 31)])], 4))
    about = "a run of 4,000 zero bits, with a whole code behind it"
    yield bad("run-leads-far-beyond-r", about, ["value"], file([block([*SMALL, 4000 << 31])], 4))
    about = "a value beyond R in the middle of a block"
    yield bad("value-beyond-r-in-the-middle", about, ["value"], file([block([1, R4 + 5, R4 + 9, R4 + 11])], 4))
    about = "a block that ends in zero bits which lead beyond R"
    yield bad("endless-run", about, ["value", "block"], file([index.write_block([0], F) + bytes(64)], 2))


def blocks() -> Iterator[Scenario]:
    """[IDX-5], in one block."""
    body, bits = block(), code_bits()
    yield bad("block-ends-in-low-bits", "the last low bits of the last code are missing", ["block"], file([body[:-1]], 4))
    yield bad("block-ends-before-a-code", "the last code is missing", ["block"], file([block([1, 5, 9])], 4))
    about = "first values only: all codes are missing"
    yield bad("block-without-codes", about, ["block"], file([body[:FIRST]], 4))
    yield bad("left-over-byte", "a zero byte after the last code", ["block"], file([body + b"\0"], 4))
    yield bad("left-over-byte-not-zero", "another byte after the last code", ["block"], file([body + b"\1"], 4))
    about = "a code too many, for an entry that the header does not count"
    yield bad("left-over-code", about, ["block"], file([block([1, 5, 9, 12])], 3))
    spare = 8 * len(body) - bits
    assert spare >= 2
    for name, bit in [("first", bits), ("last", 8 * len(body) - 1)]:
        padded = (int.from_bytes(body, "little") | 1 << bit).to_bytes(len(body), "little")
        yield bad(f"padding-{name}-bit", "a bit of the padding is not zero", ["block"], file([padded], 4))
    one = index.write_block([7], F)
    yield bad("one-entry-left-over-byte", "a byte after a first value without codes", ["block"], file([one + b"\0"], 1))
    about = "the header counts an entry more than the block holds; the labels are there"
    yield bad("one-entry-more", about, ["block"], file([block([1, 5, 9, 12])], 5))


def second_blocks() -> Iterator[Scenario]:
    """What concerns two blocks."""
    first, last = two_blocks()[0], 1023
    for name, value in [("equal", last), ("one-below", last - 1), ("zero", 0)]:
        about = "the first value of a block is not above the last of the block before"
        data = file([first, index.write_block([value], F)], 1025)
        yield bad(f"first-value-not-above-last-{name}", about, ["value"], data)
    about = "the first value of the second block is R"
    yield bad("first-value-of-second-block-is-r", about, ["value"], file([first, index.write_block([1025 << 32], F)], 1025))
    about = "a byte is left over in the first of two blocks"
    yield bad("left-over-byte-in-first-block", about, ["block"], file([first + b"\0", two_blocks()[1]], 1025))
    about = "the blocks are swapped"
    yield bad("blocks-swapped", about, ["block", "value"], file([two_blocks()[1], first], 1025))


def small() -> bytes:
    """A good file of four entries."""
    return file([block()], 4)


def block(values: Sequence[int] = (*SMALL, (3 << 32) + 3)) -> bytes:
    return index.write_block(values, F)


def code_bits() -> int:
    """The bits of `block()` that are no padding."""
    gaps = [b - a - 1 for a, b in zip(SMALL, [*SMALL[1:], (3 << 32) + 3])]
    return 8 * FIRST + sum((gap >> F - 1) + 1 + F - 1 for gap in gaps)


def two_blocks() -> tuple[bytes, bytes]:
    """1,025 values: 0 to 1,023 and another."""
    return index.write_block(range(1024), F), index.write_block([5 << 30], F)


def file(blocks: Sequence[bytes], N: int, ends: Sequence[int] | None = None) -> bytes:
    header = index.LINE + RELEASE + N.to_bytes(4, "little") + bytes([F, L])
    directory = index.directory_of(blocks) if ends is None else b"".join(end.to_bytes(8, "little") for end in ends)
    return header + b"".join(blocks) + directory + bytes(N * L)


def bad(name: str, about: str, errors: list[str], data: bytes) -> Scenario:
    rules = {"header": "IDX-2", "directory": "IDX-3", "value": "IDX-4", "block": "IDX-5"}
    return Scenario("index-read", name, about, [rules[errors[0]]], {"index": data.hex()}, refused("index", *errors))
