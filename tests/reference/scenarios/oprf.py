"""Section 6: keys, elements, and F."""

from __future__ import annotations

from typing import Iterator

from blindlist import curve, identifiers, ristretto255
from blindlist.curve import ORDER, p
from blindlist.text import NIR

from .common import Scenario, bytes_for, refused

KEY = curve.scalar_bytes(curve.wide(bytes_for("oprf key", 64)))
PERSON = identifiers.identifier(NIR, {"nir": "1850506234567"})
INPUTS = [("one-byte", b"\0"), ("identifier", PERSON), ("300-bytes", bytes_for("a long input", 300))]

# RFC 9496, appendix A.2, and SPEC.md: no canonical encoding, one for each reason.
NOT_CANONICAL: list[tuple[str, str, int | str]] = [
    ("s-not-below-p", "s is p itself, another zero", p),
    ("s-p-plus-generator", "s + p for an s that is small: the field element 6 + p", p + 6),
    ("s-largest", "s is 2^255 - 1", (1 << 255) - 1),
    ("high-bit", "the highest bit, which is no part of s, is set", 1 << 255),
    ("s-negative", "s is odd, that is, negative", 1),
    ("x-squared-not-a-square", "no x belongs to s", "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    ("xy-negative", "x*y is negative", "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e"),
    ("y-zero", "s = -1, which gives y = 0", p - 1),
]  # fmt: skip


def scenarios() -> Iterator[Scenario]:
    yield from secret_keys()
    yield from elements("public-key", "OPRF-1", ("key", "public"), ("key", "public"))
    yield from elements("element", "OPRF-2", ("element", "not-canonical"), ("element", "identity"))
    for name, data in [("empty", b""), *INPUTS]:
        yield Scenario("hash-to-group", name, "HashToGroup of RFC 9497", [], {"input": data.hex()})
    for name, data in INPUTS:
        yield Scenario("prf", name, "F(k, x)", ["OPRF-1"], {"key": KEY.hex(), "input": data.hex()})
    for name, key in [("zero-key", 0), ("key-not-canonical", ORDER)]:
        members = {"key": le(key), "input": PERSON.hex()}
        yield Scenario("prf", name, "a key that is no secret key", ["OPRF-1"], members, refused("key", "secret"))
    yield from blindings()


def secret_keys() -> Iterator[Scenario]:
    some = int.from_bytes(KEY, "little")
    for name, key in [("one", 1), ("largest", ORDER - 1), ("some", some)]:
        yield Scenario("secret-key", name, "a secret key and its public key", ["OPRF-1"], {"key": le(key)})
    for name, about, key in [
        ("zero", "0 is no key", 0),
        ("order", "ℓ, which is 0 again", ORDER),
        ("order-plus-one", "ℓ + 1, which is 1 again", ORDER + 1),
        ("high-bit", "a key with the highest bit set", some | 1 << 255),
        ("largest-bytes", "2^256 - 1", (1 << 256) - 1),
    ]:
        yield Scenario("secret-key", name, about, ["OPRF-1"], {"key": le(key)}, refused("key", "secret"))


def elements(operation: str, rule: str, not_canonical: tuple[str, str], identity: tuple[str, str]) -> Iterator[Scenario]:
    """The same for a public key and for an element; the member is called after the operation."""
    member = "key" if operation == "public-key" else "element"
    for name, scalar in [("generator", 1), ("twice-the-generator", 2), ("minus-the-generator", ORDER - 1)]:
        encoding = ristretto255.encode(curve.multiply_base(scalar)).hex()
        yield Scenario(operation, name, "a good one", [rule], {member: encoding})
    yield Scenario(operation, "identity", "the identity", [rule], {member: bytes(32).hex()}, refused(*identity))
    for name, about, value in NOT_CANONICAL:
        data = value if isinstance(value, str) else le(value)
        yield Scenario(operation, name, f"not canonical: {about}", [rule], {member: data}, refused(*not_canonical))
    generator = int.from_bytes(ristretto255.encode(curve.BASE), "little")
    beyond = {member: le(generator | 1 << 255)}
    about = "not canonical: a good encoding with the highest bit set"
    yield Scenario(operation, "good-but-for-the-high-bit", about, [rule], beyond, refused(*not_canonical))


def blindings() -> Iterator[Scenario]:
    random_r = curve.wide(bytes_for("blinding r", 64))
    for kind, requirements in [("additive", ["JOB-3", "PRF-3"]), ("multiplicative", ["JOB-4", "PRF-3"])]:
        for name, r, data in [("person", random_r, PERSON), ("r-is-one", 1, PERSON), ("r-is-largest", ORDER - 1, b"\x5a" * 17)]:
            members = {
                "key": KEY.hex(),
                "input": data.hex(),
                "blinding": kind,
                "r": le(r),
                "random": bytes_for(f"blinding {kind} {name}", 64).hex(),
            }
            about = f"{kind} blinding of one element, with the RFC's proof; the evaluation is F(k, x) either way"
            yield Scenario("blinding", f"{kind}-{name}", about, requirements, members)
        zero = {**members, "key": le(0)}
        yield Scenario("blinding", f"{kind}-zero-key", "a key that is no secret key", ["OPRF-1"], zero, refused("key", "secret"))


def le(value: int) -> str:
    return value.to_bytes(32, "little").hex()
