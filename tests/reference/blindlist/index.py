"""SPEC.md section 9: the index. Bits are counted from the least significant of a block's first byte, so a block's bits are one
little-endian integer, and that is how they are read and written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from .errors import Refused

LINE = b"blindlist/1 index\n"
HEADER = 40
BLOCK = 1024
FIRST = 12  # bytes of a block's first value
F_MIN, F_MAX = 32, 56


@dataclass(frozen=True)
class Index:
    """An index that was read: entries in ascending order of v."""

    release: bytes
    f: int
    label_length: int
    values: list[int]
    labels: list[bytes]  # hidden

    def look_up(self, tag: bytes) -> bytes | None:
        """The hidden label of an entry with the tag's value, if there is one."""
        v = value(tag, len(self.values), self.f)
        return self.labels[self.values.index(v)] if v in self.values else None


def value(tag: bytes, N: int, f: int) -> int:
    """v(t)."""
    return int.from_bytes(tag, "little") * (N << f) >> 128


def encode(release: bytes, f: int, label_length: int, entries: Sequence[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """The f taken and the file, for (tag, hidden label) in ascending order of the tags. [IDX-1]"""
    for taken in range(f, F_MAX + 1):
        values = [value(tag, len(entries), taken) for tag, _ in entries]
        if len(set(values)) == len(values):
            return taken, write(release, taken, label_length, values, [hidden for _, hidden in entries])
    raise ValueError("no f will do: take another release id")


def write(release: bytes, f: int, label_length: int, values: Sequence[int], labels: Sequence[bytes]) -> bytes:
    """The file of these values, which are not checked: so that bad files can be written too."""
    blocks = [write_block(values[start : start + BLOCK], f) for start in range(0, len(values), BLOCK)]
    header = LINE + release + len(values).to_bytes(4, "little") + bytes([f, label_length])
    return header + b"".join(blocks) + directory_of(blocks) + b"".join(labels)


def write_block(values: Sequence[int], f: int) -> bytes:
    """The first value, then the Rice codes of the gaps."""
    k, bits, length = f - 1, 0, 0
    for last, v in zip(values, values[1:]):
        g = v - last - 1
        zeros, low = g >> k, g & (1 << k) - 1
        bits |= (1 | low << 1) << length + zeros
        length += zeros + 1 + k
    return values[0].to_bytes(FIRST, "little") + bits.to_bytes(-(-length // 8), "little")


def directory_of(blocks: Sequence[bytes]) -> bytes:
    """The end of each block."""
    ends = [sum(map(len, blocks[: b + 1])) for b in range(len(blocks))]
    return b"".join(end.to_bytes(8, "little") for end in ends)


def read(data: bytes) -> Index:
    """The index of a file; refuses every fault of [IDX-2] to [IDX-5]."""
    release, N, f, L = _read_header(data)
    count = -(-N // BLOCK)
    blocks_length = len(data) - HEADER - 8 * count - N * L
    if blocks_length < FIRST * count:
        raise Refused("index", "header")
    directory = data[HEADER + blocks_length :][: 8 * count]
    blocks = _cut(data[HEADER : HEADER + blocks_length], directory)
    values: list[int] = []
    for b, block in enumerate(blocks):
        values += _read_block(block, min(BLOCK, N - b * BLOCK), f, N << f, values[-1] if values else -1)
    labels = data[HEADER + blocks_length + 8 * count :]
    return Index(release, f, L, values, [labels[i * L : (i + 1) * L] for i in range(N)])


def _read_header(data: bytes) -> tuple[bytes, int, int, int]:
    """Release id, N, f and L. [IDX-2]"""
    line, release = data[: len(LINE)], data[len(LINE) : len(LINE) + 16]
    if len(data) < HEADER or line != LINE:
        raise Refused("index", "header")
    N, f, L = int.from_bytes(data[34:38], "little"), data[38], data[39]
    if N == 0 or not F_MIN <= f <= F_MAX or not 1 <= L <= 8:
        raise Refused("index", "header")
    return release, N, f, L


def _cut(data: bytes, directory: bytes) -> list[bytes]:
    """The blocks, by the directory. [IDX-3]"""
    ends = [int.from_bytes(directory[i : i + 8], "little") for i in range(0, len(directory), 8)]
    starts = [0, *ends[:-1]]
    if ends[-1] != len(data) or any(end - start < FIRST for start, end in zip(starts, ends)):
        raise Refused("index", "directory")
    return [data[start:end] for start, end in zip(starts, ends)]


def _read_block(block: bytes, count: int, f: int, R: int, before: int) -> list[int]:
    """A block's values, above `before` and below R. [IDX-4] [IDX-5]"""
    k, v = f - 1, int.from_bytes(block[:FIRST], "little")
    if not before < v < R:
        raise Refused("index", "value")
    values, bits, left = [v], int.from_bytes(block[FIRST:], "little"), 8 * (len(block) - FIRST)
    while len(values) < count:
        zeros = (bits & -bits).bit_length() - 1 if bits else left
        if v + 1 + (zeros << k) >= R:
            raise Refused("index", "value")
        if left < zeros + 1 + k:
            raise Refused("index", "block")
        low = bits >> zeros + 1 & (1 << k) - 1
        v += 1 + (zeros << k) + low
        if v >= R:
            raise Refused("index", "value")
        values.append(v)
        bits, left = bits >> zeros + 1 + k, left - (zeros + 1 + k)
    if left >= 8 or bits:
        raise Refused("index", "block")
    return values
