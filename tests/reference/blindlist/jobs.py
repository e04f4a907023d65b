"""SPEC.md section 14: what a job draws from its seed, and how its elements are laid out in chunks."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterable

from . import curve, oprf, ristretto255
from .chunks import MOST_ELEMENTS
from .curve import Point
from .encoding import U32

MULTIPLE = 64


@dataclass(frozen=True)
class Blinded:
    """An element of a job: B = H(x) + r*G for a person x, B = r*G for padding (then `identifier` is None)."""

    identifier: bytes | None
    r: int
    order: int
    element: bytes


def layout(seed: bytes, operator_key: bytes, key: bytes, identifiers: Iterable[bytes]) -> list[list[Blinded]]:
    """The chunks of a job. The identifiers come in any order, doubles allowed. [JOB-1] [JOB-2]"""
    s = secret(seed, operator_key, key)
    distinct = set(identifiers)
    elements = [person(s, x) for x in distinct]
    elements += [padding(s, j) for j in range(-len(distinct) % MULTIPLE)]
    elements.sort(key=lambda blinded: blinded.order)
    runs = [elements[i : i + MOST_ELEMENTS] for i in range(0, len(elements), MOST_ELEMENTS)]
    return [sorted(run, key=lambda blinded: blinded.element) for run in runs]


def unblind(blinded: Blinded, evaluated: Point, key: bytes) -> bytes:
    """y of a person, from Z = k*B. Sound only when a proof has shown that Z is k*B. [JOB-3]"""
    if blinded.identifier is None:
        raise ValueError("padding is nobody")
    return oprf.finalize(blinded.identifier, oprf.unblind(evaluated, blinded.r, oprf.public_key(key)))


def secret(seed: bytes, operator_key: bytes, key: bytes) -> bytes:
    """s, which r and order of everything in the job come from."""
    return hmac.digest(seed, operator_key + key, "sha512")


@lru_cache(maxsize=1024)  # the vectors ask a few jobs again and again
def person(s: bytes, x: bytes) -> Blinded:
    """A member or a canary, blinded."""
    r = _blind(s, b"person", x)
    return Blinded(x, r, _order(s, b"person", x), ristretto255.encode(oprf.blind(x, r)))


@lru_cache(maxsize=1024)  # the vectors ask a few jobs again and again
def padding(s: bytes, j: int) -> Blinded:
    number = U32.encode(j)
    r = _blind(s, b"padding", number)
    return Blinded(None, r, _order(s, b"padding", number), ristretto255.encode(curve.multiply_base(r)))


def _blind(s: bytes, what: bytes, of: bytes) -> int:
    return curve.wide(hmac.digest(s, b"blind " + what + of, "sha512"))


def _order(s: bytes, what: bytes, of: bytes) -> int:
    return int.from_bytes(hmac.digest(s, b"order " + what + of, "sha512")[:16], "little")
