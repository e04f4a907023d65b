"""What all makers of scenarios share: Scenario itself, and the bytes that stand for randomness.

Nothing here is random: `bytes_for(label, n)` is the only source, so that making the files again gives the same files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """One vector file. `expect` is None when the operation succeeds: make.py then writes the output that the reference
    computes. Otherwise it is what `refused` returns."""

    operation: str
    name: str
    about: str
    requirements: list[str]
    input: dict[str, Any]
    expect: dict[str, Any] | None = None


def refused(layer: str, *errors: str) -> dict[str, Any]:
    """The expectation that an operation is refused at a layer, with one of the errors."""
    return {"layer": layer, "errors": list(errors)}


def bytes_for(label: str, n: int) -> bytes:
    """n bytes that depend on the label alone: SHA-512 in counter mode."""
    blocks = range((n + 63) // 64)
    return b"".join(hashlib.sha512(f"{label}/{i}".encode()).digest() for i in blocks)[:n]
