"""The curve under sections 5 and 6: edwards25519, -x^2 + y^2 = 1 + d x^2 y^2 over the field of p = 2^255 - 19.

Points are in extended coordinates, as in RFC 8032, section 5.1.4: (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z. Nothing here
runs in constant time: a reference that works on test data has no secrets. ([OPRF-3] is for programs that have.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Iterable, Sequence

Point = tuple[int, int, int, int]

p = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493  # ℓ
d = -121665 * pow(121666, -1, p) % p
SQRT_M1 = pow(2, (p - 1) // 4, p)

IDENTITY: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """Complete: right for all pairs of points (RFC 8032, section 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    u = (y1 - x1) * (y2 - x2) % p
    v = (y1 + x1) * (y2 + x2) % p
    c = 2 * d * t1 * t2 % p
    w = 2 * z1 * z2 % p
    e, f, g, h = v - u, w - c, w + c, v + u
    return e * f % p, g * h % p, f * g % p, e * h % p


def double(a: Point) -> Point:
    x1, y1, z1, _ = a
    xx, yy = x1 * x1 % p, y1 * y1 % p
    h = xx + yy
    e = h - (x1 + y1) * (x1 + y1)
    g = xx - yy
    f = 2 * z1 * z1 + g
    return e * f % p, g * h % p, f * g % p, e * h % p


def negate(a: Point) -> Point:
    x, y, z, t = a
    return -x % p, y, z, -t % p


def equal(a: Point, b: Point) -> bool:
    """Equality on the curve; for ristretto255 see ristretto255.equal."""
    return (a[0] * b[2] - b[0] * a[2]) % p == 0 and (a[1] * b[2] - b[1] * a[2]) % p == 0


def multiply(scalar: int, point: Point) -> Point:
    """scalar*point, four bits at a time. The scalar is not reduced: points outside the prime-order group are allowed."""
    table = _multiples(point, 15)
    result = IDENTITY
    for shift in range((scalar.bit_length() + 3) // 4 * 4 - 4, -1, -4):
        result = double(double(double(double(result))))
        result = add(result, table[scalar >> shift & 15])
    return result


def multiply_base(scalar: int) -> Point:
    """scalar*B, with a wider table than other points are worth."""
    return _multiply_by_table(scalar, BASE, 8)


def multiply_often(scalar: int, point: Point) -> Point:
    """scalar*point: for points that are multiplied again and again."""
    return _multiply_by_table(scalar, point, 4)


def multi_multiply(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """The sum of scalars[i]*points[i], with Pippenger's buckets: per window each point is added once, to its digit's bucket."""
    if len(scalars) < 8:
        return total(multiply(scalar, point) for scalar, point in zip(scalars, points, strict=True))
    width = 4 if len(scalars) < 200 else 6 if len(scalars) < 2000 else 9
    windows = -(-max(scalar.bit_length() for scalar in scalars) // width)
    result = IDENTITY
    for window in reversed(range(windows)):
        for _ in range(width):
            result = double(result)
        buckets = [IDENTITY] * (1 << width)
        for scalar, point in zip(scalars, points, strict=True):
            digit = scalar >> window * width & (1 << width) - 1
            buckets[digit] = add(buckets[digit], point)
        running = IDENTITY  # the sum of digit * bucket is the sum of the running sums from above
        for bucket in buckets[:0:-1]:
            running = add(running, bucket)
            result = add(result, running)
    return result


def total(points: Iterable[Point]) -> Point:
    result = IDENTITY
    for point in points:
        result = add(result, point)
    return result


def scalar_from(data: bytes) -> int | None:
    """A canonical scalar: 32 bytes, little-endian, below ℓ; None for any other."""
    scalar = int.from_bytes(data, "little")
    return scalar if len(data) == 32 and scalar < ORDER else None


def scalar_bytes(scalar: int) -> bytes:
    return (scalar % ORDER).to_bytes(32, "little")


def wide(data: bytes) -> int:
    """`wide` of SPEC.md section 2: 64 bytes, little-endian, modulo ℓ."""
    if len(data) != 64:
        raise ValueError(f"{len(data)} bytes where there should be 64")
    return int.from_bytes(data, "little") % ORDER


def _multiply_by_table(scalar: int, point: Point, width: int) -> Point:
    table = _table(point, width)
    result = IDENTITY
    for i, row in enumerate(table):
        result = add(result, row[scalar >> width * i & (1 << width) - 1])
    return result


@lru_cache(maxsize=8)
def _table(point: Point, width: int) -> list[list[Point]]:
    """All j * 2^(width*i) * point, for scalars of 256 bits."""
    table = []
    for _ in range(256 // width):
        table.append(_multiples(point, (1 << width) - 1))
        point = add(table[-1][-1], point)
    return table


def _multiples(point: Point, last: int) -> list[Point]:
    table = [IDENTITY]
    for _ in range(last):
        table.append(add(table[-1], point))
    return table


def _base() -> Point:
    """y = 4/5 and the even x (RFC 8032, section 5.1)."""
    y = 4 * pow(5, -1, p) % p
    x = pow((y * y - 1) * pow(d * y * y + 1, -1, p), (p + 3) // 8, p)
    if (x * x * (d * y * y + 1) - (y * y - 1)) % p:
        x = x * SQRT_M1 % p
    if x % 2:
        x = p - x
    return x, y, 1, x * y % p


BASE = _base()
