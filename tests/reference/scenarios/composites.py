"""RFC 9497's batched proof, which Blindlist does not use for more than one element (section 16, [PRF-4]).

There, d_i depends on the public key, i, C_i and D_i, and on no other pair. A prover that wants D_i = k·C_i + δ_i·G with not all δ_i
zero needs Σ d_i·δ_i = 0 modulo ℓ; then Z = k·M, and the proof that an honest prover would make for M and Z holds. For each i it can
try many δ_i, each with its own d_i·δ_i: it has m lists of numbers and looks for one number in each so that their sum is 0, the
k-list problem. Linear algebra does not do, as each d_i moves with its δ_i; and with few elements no search does: of three
elements each would need 2^84 candidates. With m = 8,192 lists Wagner's tree needs about a thousand candidates a list, some millions of
hashes, and minutes; every answer of the chunk is then wrong and the proof holds.

For section 16 the same search is worthless: another candidate for one answer is another seed, and so other coefficients for all.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Iterator

from blindlist import curve, oprf
from blindlist.curve import ORDER

from operations.primitives import forged_answers

from .common import Scenario, bytes_for, refused
from .proofs import Answer, answer, fields, invalid, le, question, shifted


def scenarios() -> Iterator[Scenario]:
    for m in (1, 2, 3):
        yield composites(f"{m}-elements", f"an honest batch of {m} with RFC 9497's proof", honest(m))
    yield composites("two-holders", "an honest batch of 3 for the part of a holder", honest(3, b"\1\3", 3))
    for m in (2, 3):
        about = f"an honest batch of {m} with RFC 9497's proof, which this protocol does not accept"
        yield invalid(f"composites-proof-of-{m}", about, honest(m), "PRF-4")
    yield composites("blindlist-proof", "section 16's proof is not RFC 9497's", answer(*question("alone", 3)), ("proof", "invalid"))
    good = honest(3)
    (b0, b1, b2), (e0, e1, e2) = good.blinded, good.evaluated
    other = replace(good.asked, public_part=oprf.public_key_of(77))
    c, s = (int.from_bytes(good.proof[i : i + 32], "little") for i in (0, 32))
    for name, about, changed in [
        ("wrong-answer", "one wrong answer", replace(good, evaluated=[e0, shifted(e1, 1), e2])),
        ("evaluated-swapped", "two answers are swapped", replace(good, evaluated=[e1, e0, e2])),
        ("blinded-swapped", "two blinded elements are swapped", replace(good, blinded=[b1, b0, b2])),
        ("another-key", "another public key", replace(good, asked=other)),
        ("s-flipped", "the lowest bit of s is another", replace(good, proof=le(c) + le(s ^ 1))),
        ("cancelling-errors", "errors that cancel for the coefficients of the honest answers", cancelling(good)),
    ]:
        yield composites(name, about, changed, ("proof", "invalid"))


    yield forgery()


def forgery() -> Scenario:
    """The δ_i that such a search found, for k = wide(SHA-512("composites forgery key"))."""
    deltas = (Path(__file__).parent / "forgery.hex").read_text().strip()
    k = curve.wide(hashlib.sha512(b"composites forgery key").digest())
    blinded, evaluated = forged_answers(k, bytes.fromhex(deltas))
    nonce = curve.wide(bytes_for("composites forgery nonce", 64))
    proof = oprf.generate_proof(k, oprf.public_key_of(k), blinded, evaluated, nonce)
    random = bytes_for("composites forgery", 64)
    members = {"key": le(k).hex(), "deltas": deltas, "composites_proof": proof.hex(), "random": random.hex()}
    return Scenario("composites-forgery", "8192-elements", "8,192 wrong answers that RFC 9497's batched proof accepts", ["PRF-4"], members)


def honest(m: int, holders: bytes = b"\1", holder: int = 1) -> Answer:
    asked, part, blinded, random = question("alone", m, holders, holder)
    good = answer(asked, part, blinded, random)
    proof = oprf.generate_proof(part, asked.public_part, blinded, good.evaluated, curve.wide(random))
    return replace(good, proof=proof)


def cancelling(good: Answer) -> Answer:
    """As in proofs.py: one solution of Σ d_i·δ_i = 0 for the d_i of the honest answers, which are not those of the wrong ones."""
    d = oprf.composites(good.asked.public_part, good.blinded, good.evaluated)
    deltas = [5, 7, -(5 * d[0] + 7 * d[1]) * pow(d[2], -1, ORDER) % ORDER]
    return replace(good, evaluated=[shifted(D, delta) for D, delta in zip(good.evaluated, deltas)])


def composites(name: str, about: str, given: Answer, error: tuple[str, str] | None = None) -> Scenario:
    return Scenario("verify-composites", name, about, ["PRF-4"], fields(given), refused(*error) if error else None)
