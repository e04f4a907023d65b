"""Section 16: proofs that hold and proofs that do not. RFC 9497's batched proof is in composites.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterator, Sequence

from blindlist import curve, epoch, oprf, proofs, ristretto255
from blindlist.curve import ORDER
from blindlist.proofs import Asked

from .common import Scenario, bytes_for, refused

KEY = curve.wide(bytes_for("proof key", 64))
SLOPE = curve.wide(bytes_for("proof polynomial", 64))  # holder i's share is KEY + SLOPE·i: any two holders suffice
K = oprf.public_key_of(KEY)
EPOCH = bytes_for("proof epoch", 32)
ALONE = bytes([1])


@dataclass(frozen=True)
class Answer:
    """A whole scenario of `verify`: what was asked, and what came."""

    asked: Asked
    blinded: Sequence[bytes]
    evaluated: Sequence[bytes]
    proof: bytes


def scenarios() -> Iterator[Scenario]:
    for m in (1, 2, 3, 65):
        members = question("alone", m)
        about = "one element: the proof is RFC 9497's" if m == 1 else f"{m} elements"
        yield Scenario("prove", f"{m}-elements", about, ["PRF-3"], prover(*members))
        yield verify(f"{m}-elements", about, answer(*members))
    for name, m, holders, holder in [
        ("two-holders-first", 3, b"\1\3", 1),
        ("two-holders-second", 3, b"\1\3", 3),
        ("two-holders-one-element", 1, b"\2\3", 2),
    ]:
        members = question(name, m, holders, holder)
        yield Scenario("prove", name, "one of two holders, proven against its part", ["PRF-3"], prover(*members))
        yield verify(name, "one of two holders, proven against its part", answer(*members))
    yield from bad_questions()
    yield from wrong_context()
    yield from wrong_answers()
    yield from wrong_shapes()
    yield from wrong_proofs()
    yield from cancelling_errors()


def bad_questions() -> Iterator[Scenario]:
    """What a prover refuses to work on."""
    asked, part, blinded, random = question("alone", 3)
    for name, part_bytes in [("zero-part", bytes(32)), ("part-not-canonical", ORDER.to_bytes(32, "little"))]:
        members = {**prover(asked, part, blinded, random), "part": part_bytes.hex()}
        yield Scenario("prove", name, "a part that is no secret key", ["OPRF-1"], members, refused("key", "secret"))
    for name, element, error in bad_elements():
        members = prover(asked, part, [blinded[0], element, blinded[2]], random)
        yield Scenario("prove", f"{name}-element", "a blinded element that is none", ["OPRF-2"], members, refused("element", error))


def wrong_context() -> Iterator[Scenario]:
    """A proof that holds, for another question. [PRF-2]"""
    good = answer(*question("two holders", 3, b"\1\3", 3))
    asked, elsewhere = good.asked, oprf.public_key_of(KEY + 1)
    first_part = question("", 1, b"\1\3", 1)[0].public_part
    for name, about, changed in [
        ("another-key", "K of another epoch", replace(asked, key=elsewhere)),
        ("another-epoch", "the id of another epoch", replace(asked, epoch=bytes_for("another epoch", 32))),
        ("another-set", "another set of holders, of the same number", replace(asked, holders=b"\2\3")),
        ("another-number-of-holders", "a set of another number of holders", replace(asked, holders=b"\1\2\3")),
        ("another-holder", "another holder of the same set", replace(asked, holder=1)),
        ("another-part", "the public part of another holder", replace(asked, public_part=first_part)),
    ]:
        yield invalid(name, f"a good proof, but for {about}", replace(good, asked=changed), "PRF-2")
    alone = answer(*question("alone", 1))
    other = replace(alone.asked, public_part=elsewhere)
    yield invalid("one-element-another-key", "one element, and another public key", replace(alone, asked=other), "PRF-2")
    other_chunk = answer(*question("another chunk", 3, b"\1\3", 3))
    yield invalid("proof-of-another-chunk", "the proof of another chunk", replace(good, proof=other_chunk.proof), "PRF-2")
    about = "answers and proof of another chunk"
    replayed = replace(good, evaluated=other_chunk.evaluated, proof=other_chunk.proof)
    yield invalid("answer-of-another-chunk", about, replayed, "PRF-2")
    wrong = KEY + 5
    lied = replace(good.asked, holders=ALONE, holder=1, public_part=K)
    evaluated = proofs.evaluate(wrong, good.blinded)
    proof = proofs.prove(lied, wrong, good.blinded, evaluated, bytes_for("wrong key", 64))
    about = "answers by another key, with that key's proof for K"
    yield invalid("answered-with-another-key", about, Answer(lied, good.blinded, evaluated, proof), "PRF-2")


def wrong_answers() -> Iterator[Scenario]:
    for m in (1, 2, 65):
        good = answer(*question("alone", m))
        about = f"one wrong answer of {m}"
        yield invalid(f"wrong-answer-of-{m}", about, with_answer(good, m // 2, shifted(good.evaluated[m // 2], 1)))
    good = answer(*question("alone", 3))
    (b0, b1, b2), (e0, e1, e2) = good.blinded, good.evaluated
    yield invalid("evaluated-swapped", "two answers are swapped", replace(good, evaluated=[e1, e0, e2]))
    yield invalid("blinded-swapped", "two blinded elements are swapped", replace(good, blinded=[b1, b0, b2]))
    about = "elements and answers are swapped alike: right answers, in another order than was proven"
    yield invalid("both-swapped", about, replace(good, blinded=[b1, b0, b2], evaluated=[e1, e0, e2]))
    yield invalid("answers-are-the-question", "the blinded elements come back", replace(good, evaluated=[b0, b1, b2]))
    yield invalid("blinded-replaced", "another blinded element", replace(good, blinded=[b0, b1, shifted(b2, 1)]))
    yield invalid("negated", "all answers are negated", replace(good, evaluated=[negated(e) for e in good.evaluated]))
    for m in (1, 3):
        good = answer(*question("alone", m))
        for name, element, error in bad_elements():
            about = f"an answer that is no element, of {m}"
            members = fields(with_answer(good, m - 1, element))
            yield Scenario("verify", f"{name}-answer-of-{m}", about, ["PRF-1", "OPRF-2"], members, refused("element", error))
    for name, element, error in bad_elements():
        members = fields(replace(good, blinded=[*good.blinded[:2], element]))
        about = "a blinded element that is none"
        yield Scenario("verify", f"{name}-blinded", about, ["PRF-1", "OPRF-2"], members, refused("element", error))


def wrong_shapes() -> Iterator[Scenario]:
    good, alone = answer(*question("alone", 3)), answer(*question("alone", 1))
    more = shifted(good.evaluated[0], 9)
    for name, about, changed in [
        ("too-few-answers", "an answer is missing", replace(good, evaluated=good.evaluated[:2])),
        ("too-many-answers", "an answer too many", replace(good, evaluated=[*good.evaluated, more])),
        ("no-answers", "no answers at all", replace(good, evaluated=[])),
        ("one-answer-of-three", "the answer of the first element only", replace(good, evaluated=good.evaluated[:1])),
        ("two-answers-of-one", "one element, and two answers", replace(alone, evaluated=[*alone.evaluated, more])),
        ("no-answer-of-one", "one element, and no answer", replace(alone, evaluated=[])),
        ("nothing-asked", "no elements and no answers", replace(good, blinded=[], evaluated=[])),
    ]:
        yield Scenario("verify", name, about, ["PRF-1"], fields(changed), refused("proof", "shape"))


def wrong_proofs() -> Iterator[Scenario]:
    for m in (1, 3):
        good = answer(*question("alone", m))
        c, s = (int.from_bytes(good.proof[i : i + 32], "little") for i in (0, 32))
        for name, about, c2, s2 in [
            ("c-plus-order", "c + ℓ instead of c", c + ORDER, s),
            ("s-plus-order", "s + ℓ instead of s", c, s + ORDER),
            ("c-is-order", "c = ℓ", ORDER, s),
            ("s-is-order", "s = ℓ", c, ORDER),
            ("s-largest", "s = 2^256 - 1", c, (1 << 256) - 1),
            ("c-high-bit", "c with its highest bit set", c | 1 << 255, s),
        ]:
            members = fields(replace(good, proof=le(c2) + le(s2)))
            yield Scenario("verify", f"{name}-of-{m}", f"{about}; m = {m}", ["PRF-1"], members, refused("proof", "not-canonical"))
        for name, about, c2, s2 in [
            ("c-flipped", "the lowest bit of c is another", c ^ 1, s),
            ("s-flipped", "the lowest bit of s is another", c, s ^ 1),
            ("swapped-scalars", "s ‖ c", s, c),
            ("all-zero", "64 zero bytes", 0, 0),
            ("negated-s", "-s instead of s", c, ORDER - s),
            ("zero-c", "c = 0", 0, s),
        ]:
            yield invalid(f"{name}-of-{m}", f"{about}; m = {m}", replace(good, proof=le(c2) + le(s2)))


def cancelling_errors() -> Iterator[Scenario]:
    """Errors δ_i·G that cancel in Σ d_i·δ_i for the coefficients of the *honest* answers.

    That is linear algebra: δ_1 and δ_2 are free and δ_3 follows. With coefficients that stayed what they were, M and Z would
    be those of the honest answers and the honest proof would hold. Section 16's coefficients move with every answer, so it fails, and so
    does a proof that the prover makes anew for the answers that it sends.
    """
    asked, part, blinded, random = question("alone", 3)
    good = answer(asked, part, blinded, random)
    d = proofs.coefficients(asked.seed(blinded, good.evaluated), 3)
    deltas = [5, 7, -(5 * d[0] + 7 * d[1]) * pow(d[2], -1, ORDER) % ORDER]
    assert sum(x * y for x, y in zip(d, deltas)) % ORDER == 0
    evaluated = [shifted(D, delta) for D, delta in zip(good.evaluated, deltas)]
    wrong = replace(good, evaluated=evaluated)
    about = "errors that cancel for the coefficients of the honest answers"
    yield invalid("cancelling-errors-honest-proof", f"{about}, with their proof", wrong)
    anew = proofs.prove(asked, part, blinded, evaluated, random)  # with Z = k·M, as an honest prover computes it
    yield invalid("cancelling-errors-proof-anew", f"{about}, with a proof made for what was sent", replace(wrong, proof=anew))


def question(label: str, m: int, holders: bytes = ALONE, holder: int = 1) -> tuple[Asked, int, list[bytes], bytes]:
    """What is asked of a holder, its secret part, the elements in the order of a chunk, and bytes for the nonce."""
    share = KEY if len(holders) == 1 else KEY + SLOPE * holder
    part = share * epoch.lagrange(holder, holders) % ORDER
    asked = Asked(K, EPOCH, holders, holder, oprf.public_key_of(part))
    blinded = [curve.multiply_base(curve.wide(bytes_for(f"{label} element {i} of {m}", 64))) for i in range(m)]
    return asked, part, sorted(map(ristretto255.encode, blinded)), bytes_for(f"{label} nonce {m}", 64)


def answer(asked: Asked, part: int, blinded: Sequence[bytes], random: bytes) -> Answer:
    """An honest one."""
    evaluated = proofs.evaluate(part, blinded)
    return Answer(asked, blinded, evaluated, proofs.prove(asked, part, blinded, evaluated, random))


def with_answer(good: Answer, position: int, element: bytes) -> Answer:
    evaluated = list(good.evaluated)
    evaluated[position] = element
    return replace(good, evaluated=evaluated)


def bad_elements() -> list[tuple[str, bytes, str]]:
    odd = (1).to_bytes(32, "little")
    return [("identity", bytes(32), "identity"), ("not-canonical", odd, "not-canonical")]


def shifted(element: bytes, scalar: int) -> bytes:
    """element + scalar*G."""
    return ristretto255.encode(curve.add(ristretto255.element(element), curve.multiply_base(scalar)))


def negated(element: bytes) -> bytes:
    return ristretto255.encode(curve.negate(ristretto255.element(element)))


def le(value: int) -> bytes:
    return value.to_bytes(32, "little")


def verify(name: str, about: str, given: Answer) -> Scenario:
    return Scenario("verify", name, about, ["PRF-1", "PRF-2"], fields(given))


def invalid(name: str, about: str, given: Answer, rule: str = "PRF-1") -> Scenario:
    return Scenario("verify", name, about, [rule], fields(given), refused("proof", "invalid"))


def prover(asked: Asked, part: int, blinded: Sequence[bytes], random: bytes) -> dict[str, Any]:
    members = about_asked(asked) | {"part": curve.scalar_bytes(part).hex(), "blinded": hexes(blinded), "random": random.hex()}
    del members["public_part"]
    return members


def fields(given: Answer) -> dict[str, Any]:
    """The input of `verify`."""
    elements = {"blinded": hexes(given.blinded), "evaluated": hexes(given.evaluated), "proof": given.proof.hex()}
    return about_asked(given.asked) | elements


def about_asked(asked: Asked) -> dict[str, Any]:
    return {
        "key": asked.key.hex(),
        "epoch": asked.epoch.hex(),
        "holders": asked.holders.hex(),
        "holder": asked.holder,
        "public_part": asked.public_part.hex(),
    }


def hexes(elements: Sequence[bytes]) -> list[str]:
    return [element.hex() for element in elements]
