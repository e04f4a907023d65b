"""SPEC.md section 6: the group ristretto255 (RFC 9496, section 4).

An element is a point of edwards25519 that stands for its whole coset: compare with `equal` or by encodings, never by coordinates.
"""

from __future__ import annotations

from functools import lru_cache

from . import curve
from .curve import IDENTITY, SQRT_M1, Point, d, p
from .errors import Refused

G = curve.BASE


def element(data: bytes) -> Point:
    """An element that came from the other side: canonical, and not the identity. [OPRF-2]"""
    point = decode(data)
    if point is None:
        raise Refused("element", "not-canonical")
    if equal(point, IDENTITY):
        raise Refused("element", "identity")
    return point


@lru_cache(maxsize=1 << 15)  # the vectors show the same elements again and again
def decode(data: bytes) -> Point | None:
    """RFC 9496, section 4.3.1. None for bytes that are no canonical encoding."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= p or s & 1:
        return None
    ss = s * s % p
    u1, u2 = (1 - ss) % p, (1 + ss) % p
    u2_sqr = u2 * u2 % p
    v = (-d * u1 * u1 - u2_sqr) % p
    was_square, invsqrt = sqrt_ratio_m1(1, v * u2_sqr % p)
    den_x = invsqrt * u2 % p
    den_y = invsqrt * den_x * v % p
    x = _abs(2 * s * den_x % p)
    y = u1 * den_y % p
    t = x * y % p
    if not was_square or t & 1 or y == 0:
        return None
    return x, y, 1, t


def encode(point: Point) -> bytes:
    """RFC 9496, section 4.3.2."""
    x0, y0, z0, t0 = point
    u1 = (z0 + y0) * (z0 - y0) % p
    u2 = x0 * y0 % p
    _, invsqrt = sqrt_ratio_m1(1, u1 * u2 * u2 % p)
    den1, den2 = invsqrt * u1 % p, invsqrt * u2 % p
    z_inv = den1 * den2 * t0 % p
    if t0 * z_inv % p & 1:  # rotate
        x, y, den_inv = y0 * SQRT_M1 % p, x0 * SQRT_M1 % p, den1 * INVSQRT_A_MINUS_D % p
    else:
        x, y, den_inv = x0, y0, den2
    if x * z_inv % p & 1:
        y = -y % p
    return _abs(den_inv * (z0 - y) % p).to_bytes(32, "little")


def equal(a: Point, b: Point) -> bool:
    """RFC 9496, section 4.3.3."""
    x1, y1, _, _ = a
    x2, y2, _, _ = b
    return (x1 * y2 - y1 * x2) % p == 0 or (y1 * y2 - x1 * x2) % p == 0


def from_uniform_bytes(data: bytes) -> Point:
    """The element derivation function of RFC 9496, section 4.3.4, from 64 bytes."""
    if len(data) != 64:
        raise ValueError(f"{len(data)} bytes where there should be 64")
    halves = data[:32], data[32:]
    first, second = (int.from_bytes(half, "little") & (1 << 255) - 1 for half in halves)
    return curve.add(_map(first % p), _map(second % p))


def sqrt_ratio_m1(u: int, v: int) -> tuple[bool, int]:
    """RFC 9496, section 4.2: (u/v is square, the root of u/v or of SQRT_M1*u/v that is not negative)."""
    r = u * pow(v, 3, p) * pow(u * pow(v, 7, p), (p - 5) // 8, p) % p
    check = v * r * r % p
    correct_sign = check == u % p
    flipped_sign = check == -u % p
    flipped_sign_i = check == -u * SQRT_M1 % p
    if flipped_sign or flipped_sign_i:
        r = r * SQRT_M1 % p
    return correct_sign or flipped_sign, _abs(r)


def _map(t: int) -> Point:
    """MAP of RFC 9496, section 4.3.4."""
    r = SQRT_M1 * t * t % p
    u = (r + 1) * ONE_MINUS_D_SQ % p
    v = (-1 - r * d) * (r + d) % p
    was_square, s = sqrt_ratio_m1(u, v)
    if was_square:
        c = p - 1
    else:
        s, c = -_abs(s * t % p) % p, r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % p
    w0, w1 = 2 * s * v % p, n * SQRT_AD_MINUS_ONE % p
    w2, w3 = (1 - s * s) % p, (1 + s * s) % p
    return w0 * w3 % p, w2 * w1 % p, w1 * w3 % p, w0 * w2 % p


def _abs(x: int) -> int:
    """The one of x and -x that is not negative, that is, even (RFC 9496, section 4.1)."""
    return p - x if x & 1 else x


# RFC 9496, section 4.1. Its square roots are constants; `test_reference.py` holds these against their squares.
ONE_MINUS_D_SQ = (1 - d * d) % p
D_MINUS_ONE_SQ = (d - 1) * (d - 1) % p
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
