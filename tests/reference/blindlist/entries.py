"""SPEC.md section 8: what an evaluation becomes in a release, and the labels; with the canaries' labels of section 10."""

from __future__ import annotations

import hashlib
from typing import Sequence

from .encoding import Checked, List
from .errors import Refused
from .text import Slug, is_slug


def entry(release: bytes, evaluation: bytes) -> tuple[bytes, bytes]:
    """(tag, pad), 16 bytes each."""
    h = hashlib.sha512(b"blindlist/1 entry\n" + release + evaluation).digest()
    return h[:16], h[16:32]


def check_dictionary(categories: Sequence[str]) -> None:
    """1 to 64 distinct slugs."""
    distinct = len(set(categories)) == len(categories)
    if not 1 <= len(categories) <= 64 or not distinct or not all(map(is_slug, categories)):
        raise Refused("dictionary", "invalid")


def is_dictionary(categories: Sequence[str]) -> bool:
    try:
        check_dictionary(categories)
    except Refused:
        return False
    return True


Dictionary = Checked(List(Slug), is_dictionary)


def label_length(dictionary: Sequence[str]) -> int:
    """L: a bit for each category, in whole bytes."""
    return -(-len(dictionary) // 8)


def label(dictionary: Sequence[str], categories: Sequence[str]) -> bytes:
    """The label, not hidden, of a set of categories. [LAB-1]"""
    bits = sum(1 << dictionary.index(category) for category in set(categories))
    return bits.to_bytes(label_length(dictionary), "little")


def hide(plain: bytes, pad: bytes) -> bytes:
    """Hides a label and reveals a hidden one."""
    return bytes(x ^ y for x, y in zip(plain, pad))


def categories_of(dictionary: Sequence[str], plain: bytes) -> list[str]:
    """The categories of a label that was decrypted, in the dictionary's order. [LAB-2]"""
    bits = int.from_bytes(plain, "little")
    if bits == 0 or bits >> len(dictionary):
        raise Refused("label", "inconsistent")
    return [category for i, category in enumerate(dictionary) if bits >> i & 1]


def canary_categories(dictionary: Sequence[str], i: int) -> list[str]:
    """The categories of the i-th canary, from 0: all for the first, then one each."""
    return list(dictionary) if i == 0 else [dictionary[(i - 1) % len(dictionary)]]
