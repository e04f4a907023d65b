"""SPEC.md section 5, Ed25519: RFC 8032, section 5.1, with the strictness of [SIG-1]."""

from __future__ import annotations

import hashlib

from . import curve
from .curve import ORDER, Point, p
from .errors import Refused


def public_key(seed: bytes) -> bytes:
    """The 32-byte key of a 32-byte seed (RFC 8032, section 5.1.5)."""
    return encode_point(curve.multiply_base(_expand(seed)[0]))


def sign(seed: bytes, message: bytes) -> bytes:
    """64 bytes: R ‖ S (RFC 8032, section 5.1.6)."""
    secret, prefix = _expand(seed)
    key = encode_point(curve.multiply_base(secret))
    nonce = _hash(prefix, message)
    R = encode_point(curve.multiply_base(nonce))
    S = (nonce + _hash(R, key, message) * secret) % ORDER
    return R + S.to_bytes(32, "little")


def verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Refuses a signature that does not hold, without the cofactor, and every encoding that [SIG-1] does not want."""
    A, R = decode_point(key), decode_point(signature[:32])
    S = curve.scalar_from(signature[32:])
    if A is None or R is None or S is None or is_small_order(A) or is_small_order(R):
        raise Refused("signature", "invalid")
    challenge = _hash(signature[:32], key, message)
    if not curve.equal(curve.multiply_base(S), curve.add(R, curve.multiply(challenge, A))):
        raise Refused("signature", "invalid")


def encode_point(point: Point) -> bytes:
    """y, with the lowest bit of x in its highest bit (RFC 8032, section 5.1.2)."""
    inverse = pow(point[2], -1, p)
    x, y = point[0] * inverse % p, point[1] * inverse % p
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode_point(data: bytes) -> Point | None:
    """The point of a canonical encoding, None for any other 32 bytes (RFC 8032, section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(data) != 32 or y >= p:
        return None
    u, v = (y * y - 1) % p, (curve.d * y * y + 1) % p
    x = u * pow(v, 3, p) * pow(u * pow(v, 7, p), (p - 5) // 8, p) % p
    if (v * x * x + u) % p == 0:
        x = x * curve.SQRT_M1 % p
    if (v * x * x - u) % p or (x == 0 and sign):
        return None
    if x % 2 != sign:
        x = p - x
    return x, y, 1, x * y % p


def is_small_order(point: Point) -> bool:
    """Whether 8 times the point is the identity."""
    return curve.equal(curve.multiply(8, point), curve.IDENTITY)


def _expand(seed: bytes) -> tuple[int, bytes]:
    """The secret scalar, clamped, and the prefix of the nonce's hash."""
    if len(seed) != 32:
        raise ValueError("a seed has 32 bytes")
    h = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar % ORDER, h[32:]


def _hash(*parts: bytes) -> int:
    return curve.wide(hashlib.sha512(b"".join(parts)).digest())
