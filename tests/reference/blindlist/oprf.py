"""SPEC.md section 6: the VOPRF of RFC 9497, ristretto255-SHA512, modeVOPRF; names in capitals are that RFC's.

`generate_proof` and `verify_proof` serve Blindlist for one element only; for more there is proofs.py. ([PRF-4])
"""

from __future__ import annotations

import hashlib
from typing import Sequence

from . import curve, ristretto255
from .curve import ORDER, Point
from .encoding import Checked, Fixed
from .errors import Refused

CONTEXT = b"OPRFV1-" + b"\x01" + b"-ristretto255-SHA512"


def secret_key(data: bytes) -> int:
    """k of 32 bytes: canonical, and not 0. [OPRF-1]"""
    k = curve.scalar_from(data)
    if not k:
        raise Refused("key", "secret")
    return k


def public_key(data: bytes) -> Point:
    """K of 32 bytes: canonical, and not the identity. [OPRF-1]"""
    try:
        return ristretto255.element(data)
    except Refused as refused:
        raise Refused("key", "public") from refused


def is_key(data: bytes) -> bool:
    """Whether the bytes of K, or of a share of it, are allowed in a signed object. (section 3)"""
    try:
        public_key(data)
    except Refused:
        return False
    return True


Key = Checked(Fixed(32), is_key)


def public_key_of(k: int) -> bytes:
    """K = k*G."""
    return ristretto255.encode(curve.multiply_base(k))


def hash_to_group(data: bytes) -> Point:
    """H(x) (RFC 9497, section 4.1)."""
    return ristretto255.from_uniform_bytes(expand_message_xmd(data, b"HashToGroup-" + CONTEXT, 64))


def hash_to_scalar(data: bytes) -> int:
    """HashToScalar (RFC 9497, section 4.1)."""
    return curve.wide(expand_message_xmd(data, b"HashToScalar-" + CONTEXT, 64))


def prf(k: int, data: bytes) -> bytes:
    """F(k, x), by who knows k."""
    return finalize(data, curve.multiply(k, hash_to_group(data)))


def finalize(data: bytes, unblinded: Point) -> bytes:
    """y = F(k, x), from k*H(x)."""
    return hashlib.sha512(_prefixed(data) + _prefixed(ristretto255.encode(unblinded)) + b"Finalize").digest()


def blind(data: bytes, r: int) -> Point:
    """Additive blinding, section 14: B = H(x) + r*G."""
    return curve.add(hash_to_group(data), curve.multiply_base(r))


def unblind(evaluated: Point, r: int, K: Point) -> Point:
    """N = Z - r*K. Sound only when the proof for Z held. [JOB-3]"""
    return curve.add(evaluated, curve.negate(curve.multiply_often(r, K)))


def blind_multiplicatively(data: bytes, r: int) -> Point:
    """RFC 9497's blinding: B = r*H(x). [JOB-4]"""
    if not 1 <= r < ORDER:
        raise ValueError("r is from [1, ℓ)")
    return curve.multiply(r, hash_to_group(data))


def unblind_multiplicatively(evaluated: Point, r: int) -> Point:
    """N = r⁻¹*Z."""
    return curve.multiply(pow(r, -1, ORDER), evaluated)


def composites(P: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> list[int]:
    """The coefficients d_i of ComputeComposites (RFC 9497, section 2.2.1). Each depends on P, i and *one* pair (C_i, D_i) only."""
    seed = hashlib.sha512(_prefixed(P) + _prefixed(b"Seed-" + CONTEXT)).digest()
    return [
        hash_to_scalar(_prefixed(seed) + i.to_bytes(2, "big") + _prefixed(C) + _prefixed(D) + b"Composite")
        for i, (C, D) in enumerate(zip(blinded, evaluated, strict=True))
    ]


def statement(k: int, P: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> tuple[bytes, bytes]:
    """M and Z = k*M, of ComputeCompositesFast."""
    coefficients = composites(P, blinded, evaluated)
    M = curve.multi_multiply(coefficients, [ristretto255.element(C) for C in blinded])
    return ristretto255.encode(M), ristretto255.encode(curve.multiply(k, M))


def generate_proof(k: int, P: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], nonce: int) -> bytes:
    """GenerateProof (RFC 9497, section 2.2.1), with A = G and B = P; `nonce` is its random scalar r."""
    M, Z = statement(k, P, blinded, evaluated)
    t2 = curve.multiply_base(nonce)
    t3 = curve.multiply(nonce, ristretto255.element(M))
    c = _challenge(P, M, Z, t2, t3)
    return curve.scalar_bytes(c) + curve.scalar_bytes(nonce - c * k)


def verify_proof(P: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    """VerifyProof (RFC 9497, section 2.2.2), with A = G and B = P, on one or more pairs."""
    if not blinded or len(blinded) != len(evaluated):
        raise Refused("proof", "shape")
    pkS = public_key(P)
    C, D = [ristretto255.element(data) for data in blinded], [ristretto255.element(data) for data in evaluated]
    c, s = proof_scalars(proof)
    coefficients = composites(P, blinded, evaluated)
    M, Z = curve.multi_multiply(coefficients, C), curve.multi_multiply(coefficients, D)
    t2 = curve.add(curve.multiply_base(s), curve.multiply(c, pkS))
    t3 = curve.add(curve.multiply(s, M), curve.multiply(c, Z))
    if _challenge(P, ristretto255.encode(M), ristretto255.encode(Z), t2, t3) != c:
        raise Refused("proof", "invalid")


def proof_scalars(proof: bytes) -> tuple[int, int]:
    """c and s of a proof, both canonical. [PRF-1]"""
    c, s = curve.scalar_from(proof[:32]), curve.scalar_from(proof[32:])
    if c is None or s is None:
        raise Refused("proof", "not-canonical")
    return c, s


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """expand_message_xmd with SHA-512 (RFC 9380, section 5.3.1)."""
    blocks = -(-length // 64)
    dst_prime = dst + bytes([len(dst)])
    b0 = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + dst_prime).digest()
    block, output = bytes(64), b""
    for i in range(1, blocks + 1):
        mixed = bytes(x ^ y for x, y in zip(b0, block))
        block = hashlib.sha512(mixed + bytes([i]) + dst_prime).digest()
        output += block
    return output[:length]


def _challenge(P: bytes, M: bytes, Z: bytes, t2: Point, t3: Point) -> int:
    parts = [P, M, Z, ristretto255.encode(t2), ristretto255.encode(t3)]
    return hash_to_scalar(b"".join(map(_prefixed, parts)) + b"Challenge")


def _prefixed(data: bytes) -> bytes:
    """I2OSP(len(data), 2) ‖ data."""
    return len(data).to_bytes(2, "big") + data
