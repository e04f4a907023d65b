"""Section 5: Ed25519 signatures by themselves. Most of the bad ones would hold for a verifier that is less strict than [SIG-1]."""

from __future__ import annotations

import hashlib
from typing import Iterator

from blindlist import curve
from blindlist.curve import IDENTITY, ORDER, Point, p
from blindlist.signatures import decode_point, encode_point, public_key, sign

from .common import Scenario, bytes_for, refused

SEED = bytes_for("signature seed", 32)
MESSAGE = b"blindlist/1 chunk\n" + bytes_for("signature message", 40)
SECRET = curve.wide(bytes_for("signature secret", 64))


def scenarios() -> Iterator[Scenario]:
    key, signature = public_key(SEED), sign(SEED, MESSAGE)
    yield good("message", "an honest signature", key, MESSAGE, signature)
    yield good("empty-message", "a message of no bytes", key, b"", sign(SEED, b""))
    long = b"blindlist/1 catalog\n" + bytes_for("long message", 3000)
    yield good("long-message", "a message of several blocks of SHA-512", key, long, sign(SEED, long))
    yield good("key-of-mixed-order", "a key with a part of small order is not of small order", *mixed_order_key(True))
    yield from ordinary_faults(key, signature)
    yield from encodings(key, signature)
    yield from small_orders()
    yield bad("cofactor-needed-for-the-key", "holds when both sides are multiplied by 8 only", *mixed_order_key(False))
    yield bad("cofactor-needed-for-r", "holds when both sides are multiplied by 8 only", *mixed_order_r())


def ordinary_faults(key: bytes, signature: bytes) -> Iterator[Scenario]:
    other = public_key(bytes_for("another signature seed", 32))
    yield bad("another-message", "one bit of the message is another", key, flipped(MESSAGE, 20), signature)
    yield bad("shorter-message", "the message without its last byte", key, MESSAGE[:-1], signature)
    yield bad("another-key", "the key of somebody else", other, MESSAGE, signature)
    yield bad("flipped-bit-in-r", "one bit of R is another", key, MESSAGE, flipped(signature, 3))
    yield bad("flipped-bit-in-s", "one bit of S is another", key, MESSAGE, flipped(signature, 40))
    yield bad("all-zero", "64 zero bytes", key, MESSAGE, bytes(64))


def encodings(key: bytes, signature: bytes) -> Iterator[Scenario]:
    """Second encodings of the same values. The identity's has y = p + 1; x = 0 has no sign."""
    R, S = signature[:32], int.from_bytes(signature[32:], "little")
    yield bad("s-plus-order", "S + ℓ instead of S", key, MESSAGE, R + le(S + ORDER))
    yield bad("s-is-order", "S = ℓ", key, MESSAGE, R + le(ORDER))
    yield bad("s-largest", "S = 2^256 - 1", key, MESSAGE, R + le((1 << 256) - 1))
    off_curve = next(le(y) for y in range(2, 50) if decode_point(le(y)) is None)
    yield bad("key-off-the-curve", "the key is no point", off_curve, MESSAGE, signature)
    yield bad("r-off-the-curve", "R is no point", key, MESSAGE, off_curve + signature[32:])
    large = next(y for y in range(2, 19) if decode_point(le(y)) is not None)
    yield bad("key-not-canonical", "a key whose y is not below p, of a point of large order", le(p + large), MESSAGE, signature)
    for name, encoding in [("p-plus-1", le(p + 1)), ("sign-of-zero", le(1 | 1 << 255))]:
        about = "is the identity in another encoding"
        own = encode_point(curve.multiply_base(SECRET))
        yield bad(f"key-{name}", f"the key {about}", encoding, MESSAGE, own + le(SECRET))  # R = S*B fits
        yield bad(f"r-{name}", f"R {about}", own, MESSAGE, encoding + le(hashed(encoding, own) * SECRET % ORDER))


def small_orders() -> Iterator[Scenario]:
    """A key of small order makes S = r fit R = r*B - h*A for some r; R of small order hides that the signer chose no nonce."""
    for order in (1, 2, 4, 8):
        A = curve.multiply(8 // order, torsion())
        key = encode_point(A)
        for r in range(1, 1000):
            R = encode_point(curve.add(curve.multiply_base(r), curve.negate(curve.multiply(r % order, A))))
            if hashed(R, key) % order == r % order:
                break
        yield bad(f"key-of-order-{order}", "a key of small order, for which the equation holds", key, MESSAGE, R + le(r))
    own = encode_point(curve.multiply_base(SECRET))
    R = encode_point(IDENTITY)
    yield bad("r-of-order-1", "R is the identity, for which the equation holds", own, MESSAGE, R + le(hashed(R, own) * SECRET % ORDER))
    R = encode_point(torsion())
    yield bad("r-of-order-8", "R has order 8", own, MESSAGE, R + le(hashed(R, own) * SECRET % ORDER))


def mixed_order_key(holds: bool) -> tuple[bytes, bytes, bytes]:
    """Key, message and signature for A = a*B + T with T of order 8; without the cofactor it holds when 8 divides the challenge."""
    key = encode_point(curve.add(curve.multiply_base(SECRET), torsion()))
    for nonce in range(1, 1000):
        R = encode_point(curve.multiply_base(nonce))
        if (hashed(R, key) % 8 == 0) == holds:
            return key, MESSAGE, R + le((nonce + hashed(R, key) * SECRET) % ORDER)
    raise AssertionError("one challenge of 8 is a multiple of 8")


def mixed_order_r() -> tuple[bytes, bytes, bytes]:
    key = encode_point(curve.multiply_base(SECRET))
    R = encode_point(curve.add(curve.multiply_base(77), torsion()))
    return key, MESSAGE, R + le((77 + hashed(R, key) * SECRET) % ORDER)


def torsion() -> Point:
    """A point of order 8: ℓ times one whose order is 8ℓ."""
    for y in range(2, 100):
        point = decode_point(le(y))
        if point:
            small = curve.multiply(ORDER, point)
            if not curve.equal(curve.multiply(4, small), IDENTITY):
                return small
    raise AssertionError("half of all points have such a part")


def hashed(R: bytes, key: bytes) -> int:
    """The challenge of a signature of MESSAGE."""
    return curve.wide(hashlib.sha512(R + key + MESSAGE).digest())


def le(value: int) -> bytes:
    return value.to_bytes(32, "little")


def flipped(data: bytes, position: int) -> bytes:
    """The data with the lowest bit of one byte changed."""
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def good(name: str, about: str, key: bytes, message: bytes, signature: bytes) -> Scenario:
    return Scenario("signature", name, about, ["SIG-1"], fields(key, message, signature))


def bad(name: str, about: str, key: bytes, message: bytes, signature: bytes) -> Scenario:
    return Scenario("signature", name, about, ["SIG-1"], fields(key, message, signature), refused("signature", "invalid"))


def fields(key: bytes, message: bytes, signature: bytes) -> dict[str, str]:
    return {"key": key.hex(), "message": message.hex(), "signature": signature.hex()}
