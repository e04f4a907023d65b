"""SPEC.md section 16: the proof that all answers of a chunk were made with one key.

One element has RFC 9497's proof (oprf.py). More have Blindlist's own, whose coefficients depend on every element: were each to
depend on its own pair only, as RFC 9497's do, a k-list search would find wrong answers whose errors cancel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Sequence

from . import curve, oprf, ristretto255
from .curve import Point
from .errors import Refused


@dataclass(frozen=True)
class Asked:
    """What a question is about. A verifier takes it from what it asked, never from the answer. [PRF-2]"""

    key: bytes  # K
    epoch: bytes
    holders: bytes  # S, one byte for each index; t is their number
    holder: int  # who answers
    public_part: bytes  # P, K itself with one holder

    def seed(self, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> bytes:
        return hashlib.sha512(
            b"blindlist/1 proof seed\n"
            + self.key
            + self.epoch
            + bytes([len(self.holders)])
            + self.holders
            + bytes([self.holder])
            + self.public_part
            + len(blinded).to_bytes(4, "little")
            + b"".join(blinded)
            + b"".join(evaluated)
        ).digest()


def evaluate(part: int, blinded: Sequence[bytes]) -> list[bytes]:
    """D_i = k*C_i, k being the holder's part."""
    return [ristretto255.encode(curve.multiply(part, ristretto255.element(C))) for C in blinded]


def prove(asked: Asked, part: int, blinded: Sequence[bytes], evaluated: Sequence[bytes], random: bytes) -> bytes:
    """A proof for honest answers; `random` is 64 fresh bytes. [PRF-3]"""
    P = asked.public_part
    if len(blinded) == 1:
        M, Z = oprf.statement(part, P, blinded, evaluated)
        return oprf.generate_proof(part, P, blinded, evaluated, nonce(part, random, P + M + Z))
    seed = asked.seed(blinded, evaluated)
    M_point = curve.multi_multiply(coefficients(seed, len(blinded)), [ristretto255.element(C) for C in blinded])
    Z_point = curve.multiply(part, M_point)
    M, Z = ristretto255.encode(M_point), ristretto255.encode(Z_point)
    n = nonce(part, random, seed + P + M + Z)
    c = challenge(seed, P, M_point, Z_point, curve.multiply_base(n), curve.multiply(n, M_point))
    return curve.scalar_bytes(c) + curve.scalar_bytes(n - c * part)


def verify(asked: Asked, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    """Refuses all but a proof that log_G(P) = log_C_i(D_i) for every i. [PRF-1]"""
    if len(blinded) < 2 or len(blinded) != len(evaluated):
        return oprf.verify_proof(asked.public_part, blinded, evaluated, proof)  # one element, or the wrong number
    P = oprf.public_key(asked.public_part)
    C, D = [ristretto255.element(data) for data in blinded], [ristretto255.element(data) for data in evaluated]
    c, s = oprf.proof_scalars(proof)
    seed = asked.seed(blinded, evaluated)
    d = coefficients(seed, len(blinded))
    M, Z = curve.multi_multiply(d, C), curve.multi_multiply(d, D)
    t2 = curve.add(curve.multiply_base(s), curve.multiply(c, P))
    t3 = curve.add(curve.multiply(s, M), curve.multiply(c, Z))
    if challenge(seed, asked.public_part, M, Z, t2, t3) != c:
        raise Refused("proof", "invalid")
    return None


def coefficients(seed: bytes, count: int) -> list[int]:
    """d_1 … d_m."""
    return [
        int.from_bytes(hashlib.sha512(b"blindlist/1 proof coefficient\n" + seed + i.to_bytes(4, "little")).digest()[:16], "little")
        for i in range(count)
    ]


def challenge(seed: bytes, P: bytes, M: Point, Z: Point, t2: Point, t3: Point) -> int:
    points = b"".join(ristretto255.encode(point) for point in (M, Z, t2, t3))
    return curve.wide(hashlib.sha512(b"blindlist/1 proof challenge\n" + seed + P + points).digest())


def nonce(k: int, random: bytes, statement: bytes) -> int:
    """n of [PRF-3]: neither a repeated statement nor bad randomness alone reveals k."""
    if len(random) != 64:
        raise ValueError("the random bytes of a proof are 64")
    return curve.wide(hashlib.sha512(b"blindlist/1 proof nonce\n" + curve.scalar_bytes(k) + random + statement).digest())
