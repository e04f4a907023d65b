"""SPEC.md section 15: chunks, their digests, and what an insurer signs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Sequence

from . import signatures
from .encoding import U32
from .objects import strictly_ascending

MOST_ELEMENTS = 8_192


@dataclass(frozen=True)
class Chunk:
    """What a signature of a chunk is about."""

    operator_key: bytes
    epoch: bytes
    key: bytes
    job: bytes
    number: int
    elements: Sequence[bytes]

    def statement(self) -> bytes:
        """The message that the insurer signs."""
        count, summed = len(self.elements), digest(self.elements)
        return statement(self.operator_key, self.key, self.epoch, self.job, self.number, count, summed)

    def sign(self, signing_seed: bytes) -> bytes:
        return signatures.sign(signing_seed, self.statement())

    def verify(self, signing_key: bytes, signature: bytes) -> None:
        signatures.verify(signing_key, self.statement(), signature)


def statement(operator_key: bytes, key: bytes, epoch: bytes, job: bytes, number: int, count: int, digest: bytes) -> bytes:
    """The message that an insurer signs, for who has no more than the chunk's digest, such as a log."""
    numbers = U32.encode(number) + U32.encode(count)
    return b"blindlist/1 chunk\n" + operator_key + epoch + key + job + numbers + digest


def is_chunk(elements: Sequence[bytes]) -> bool:
    """1 to 8,192 elements, strictly ascending by their bytes."""
    return 1 <= len(elements) <= MOST_ELEMENTS and strictly_ascending(elements)


def digest(elements: Sequence[bytes]) -> bytes:
    """A chunk's digest, by which it is charged once."""
    return hashlib.sha256(b"blindlist/1 chunk digest\n" + U32.encode(len(elements)) + b"".join(elements)).digest()
