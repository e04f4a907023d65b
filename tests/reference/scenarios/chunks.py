"""SPEC.md sections 15 and 17: chunks and their signatures, and the operator's answers to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Sequence

from blindlist.chunks import Chunk
from blindlist.messages import REQUEST

from .common import Scenario, bytes_for, refused
from .epochs import NOT_CANONICAL
from .fixtures import (
    OF_THREE,
    ONE,
    OPERATOR_KEY,
    OTHER_KEY,
    OTHER_SEED,
    SIGNING_KEY,
    SIGNING_SEED,
    Epoch,
    hex_of,
    public,
    scalar_for,
)
from .walk_through import ASKED

JOB = bytes_for("job of the chunks", 16)
OTHER_JOB = bytes_for("another job", 16)


def scenarios() -> Iterator[Scenario]:
    yield from signed()
    yield from verified()
    yield from evaluated()
    yield from refused_questions()
    yield from refused_chunks()
    yield from refused_signatures()


def elements(n: int) -> list[bytes]:
    """n elements as in a chunk: blinded, ascending."""
    return sorted(public(scalar_for(f"element {i}")) for i in range(n))


def chunk_of(owner: Epoch, of: Sequence[bytes], **changes: Any) -> Chunk:
    return replace(Chunk(OPERATOR_KEY, owner.id, owner.key, JOB, 3, of), **changes)


def json_of(chunk: Chunk) -> dict[str, Any]:
    members = ("operator_key", "epoch", "key", "job")
    return {name: getattr(chunk, name).hex() for name in members} | {
        "number": chunk.number,
        "elements": hex_of(list(chunk.elements)),
    }


def signed() -> Iterator[Scenario]:
    for name, about, chunk in [
        ("one-element", "A chunk of one element.", chunk_of(ONE, elements(1), number=0)),
        ("three-elements", "A chunk of three elements, not the job's first.", chunk_of(ONE, elements(3))),
        ("65-elements", "A chunk of 65 elements, of an epoch of three holders.", chunk_of(OF_THREE, elements(65))),
        ("highest-number", "The highest number that a chunk can have.", chunk_of(ONE, elements(1), number=2**32 - 1)),
        ("walk-through", "The chunk that SPEC.md goes through byte by byte.", ASKED),
    ]:
        yield Scenario("chunk-sign", name, about, [], json_of(chunk) | {"signing_seed": SIGNING_SEED.hex()})


def verified() -> Iterator[Scenario]:
    chunk = chunk_of(ONE, elements(3))
    signature = chunk.sign(SIGNING_SEED)

    def verify(
        name: str, about: str, chunk: Chunk, signature: bytes = signature, key: bytes = SIGNING_KEY, fails: bool = True
    ) -> Scenario:
        input = json_of(chunk) | {"signing_key": key.hex(), "signature": signature.hex()}
        return Scenario(
            "chunk-verify", name, about, ["SIG-1", "EVA-3"], input, refused("signature", "invalid") if fails else None
        )

    yield verify("sound", "A signature that holds.", chunk, fails=False)
    one = chunk_of(ONE, elements(1))
    yield verify("one-element", "A signature of one element.", one, one.sign(SIGNING_SEED), fails=False)
    yield verify("by-another-key", "Another key signed it.", chunk, chunk.sign(OTHER_SEED))
    yield verify("under-another-key", "It is held against another key.", chunk, key=OTHER_KEY)
    yield verify("flipped-bit", "A bit of S is another.", chunk, signature[:40] + bytes([signature[40] ^ 4]) + signature[41:])
    other = [*elements(3)[:2], public(scalar_for("another element"))]
    changed: list[tuple[str, str, dict[str, Any]]] = [
        ("another-operator", "It is for another operator.", {"operator_key": OTHER_KEY}),
        ("another-epoch", "It is for another epoch id.", {"epoch": OF_THREE.id}),
        ("another-key", "It is for another K.", {"key": OF_THREE.key}),
        ("another-job", "It is for another job.", {"job": OTHER_JOB}),
        ("another-number", "It is for another chunk of the job.", {"number": 4}),
        ("element-less", "It is for a chunk with one element more.", {"elements": elements(3)[:2]}),
        ("another-element", "It is for a chunk with another element.", {"elements": other}),
        ("another-order", "It is for the same elements in another order.", {"elements": elements(3)[::-1]}),
    ]
    for name, about, changes in changed:
        yield verify(name, about, replace(chunk, **changes))


def question(chunk: Chunk, holders: Sequence[int], signature: bytes | None = None) -> bytes:
    """The Evaluate request for a chunk."""
    fields = {
        "epoch": chunk.epoch,
        "holders": bytes(holders),
        "job": chunk.job,
        "number": chunk.number,
        "elements": chunk.elements,
        "signature": signature or chunk.sign(SIGNING_SEED),
    }
    return REQUEST.encode(("Evaluate", fields))


def evaluate(
    name: str, about: str, rules: list[str], epoch: Epoch, holder: int, request: bytes, expect: dict[str, Any] | None = None
) -> Scenario:
    input = {
        "record": epoch.record.hex(),
        "pinned": OPERATOR_KEY.hex(),
        "holder": holder,
        "share": epoch.share(holder).hex(),
        "signing_key": SIGNING_KEY.hex(),
        "request": request.hex(),
        "random": bytes_for(f"random of {name}", 64).hex(),
    }
    return Scenario("evaluate", name, about, rules, input, expect)


def evaluated() -> Iterator[Scenario]:
    for n, about in [(1, "One element: RFC 9497's proof."), (2, "Two elements."), (3, "Three elements."), (65, "65 elements.")]:
        yield evaluate(f"alone-{n}", about, ["PRF-3"], ONE, 1, question(chunk_of(ONE, elements(n)), [1]))
    for holders in ([1, 2], [1, 5], [2, 5]):
        for holder in holders:
            request = question(chunk_of(OF_THREE, elements(2)), holders)
            name = f"holder-{holder}-of-{holders[0]}-and-{holders[1]}"
            yield evaluate(name, f"Holder {holder} answers in the set {holders}.", ["EPO-3", "PRF-3"], OF_THREE, holder, request)
    one = question(chunk_of(OF_THREE, elements(1)), [2, 5])
    yield evaluate(
        "holder-5-one-element", "One element: RFC 9497's proof, under the holder's part.", ["EPO-3", "PRF-3"], OF_THREE, 5, one
    )
    yield evaluate("walk-through", "The request that SPEC.md goes through byte by byte.", ["PRF-3"], ONE, 1, question(ASKED, [1]))


def refused_questions() -> Iterator[Scenario]:
    unknown = refused("evaluation", "unknown-epoch")
    other = question(chunk_of(OF_THREE, elements(2)), [1])
    yield evaluate("unknown-epoch", "A chunk of another epoch.", ["EVA-2"], ONE, 1, other, unknown)
    before = question(chunk_of(OF_THREE, elements(2)[::-1]), [9], bytes(64))
    yield evaluate("unknown-epoch-first", "Another epoch, and everything else wrong too.", ["EVA-2"], ONE, 1, before, unknown)
    wrong = refused("evaluation", "wrong-holders")
    for name, about, epoch, holder, holders in [
        ("wrong-holder", "A set with another holder than the only one.", ONE, 1, [2]),
        ("surplus-holder", "The only holder, and another.", ONE, 1, [1, 2]),
        ("too-few-holders", "One holder, where two answer together.", OF_THREE, 1, [1]),
        ("too-many-holders", "Three holders, where two answer together.", OF_THREE, 1, [1, 2, 5]),
        ("unknown-holder", "A set with an index that nobody has.", OF_THREE, 1, [1, 3]),
        ("without-itself", "A set of the epoch without the holder that is asked.", OF_THREE, 1, [2, 5]),
    ]:
        request = question(chunk_of(epoch, elements(2)), holders)
        yield evaluate(name, about, ["EVA-2"], epoch, holder, request, wrong)
    unsorted = question(chunk_of(ONE, elements(2)[::-1]), [2])
    yield evaluate(
        "wrong-holder-first",
        "A wrong set and a chunk that descends: the set is looked at first.",
        ["EVA-2"],
        ONE,
        1,
        unsorted,
        wrong,
    )


def refused_chunks() -> Iterator[Scenario]:
    a, b, c = elements(3)
    invalid = refused("evaluation", "invalid-chunk")
    for name, about, of in [
        ("empty-chunk", "No elements.", []),
        ("descending-chunk", "Elements that descend.", [c, b, a]),
        ("one-out-of-order", "The last two of three elements are exchanged.", [a, c, b]),
        ("doubled-element", "An element twice.", [a, b, b]),
        ("doubled-identity", "The identity twice: the order is looked at before the elements.", [bytes(32), bytes(32)]),
    ]:
        yield evaluate(name, about, ["EVA-3"], ONE, 1, question(chunk_of(ONE, of), [1]), invalid)
    order = question(chunk_of(ONE, [b, a]), [1], bytes(64))
    yield evaluate("descending-and-unsigned", "The order is looked at before the signature.", ["EVA-3"], ONE, 1, order, invalid)
    above_p = (2**255 - 18).to_bytes(32, "little")  # p + 1
    for name, about, bad in [
        ("identity-element", "One of the elements is the identity.", bytes(32)),
        ("negative-element", "An element whose s is odd.", NOT_CANONICAL),
        ("element-above-p", "An element whose s is not below p.", above_p),
        ("element-with-high-bit", "An element with its highest bit set.", b[:31] + bytes([b[31] | 0x80])),
    ]:
        request = question(chunk_of(ONE, sorted([a, bad, c])), [1])
        yield evaluate(name, about, ["EVA-3", "OPRF-2"], ONE, 1, request, refused("evaluation", "invalid-element"))
    alone = question(chunk_of(ONE, [bytes(32)]), [1])
    yield evaluate(
        "identity-alone",
        "The only element is the identity.",
        ["EVA-3", "OPRF-2"],
        ONE,
        1,
        alone,
        refused("evaluation", "invalid-element"),
    )


def refused_signatures() -> Iterator[Scenario]:
    chunk = chunk_of(ONE, elements(2))
    another_operator = chunk_of(ONE, elements(2), operator_key=OTHER_KEY)
    for name, about, signature in [
        ("signed-by-another-key", "Another key signed the chunk.", chunk.sign(OTHER_SEED)),
        ("signed-for-another-job", "The signature is for another job.", chunk_of(ONE, elements(2), job=OTHER_JOB).sign(SIGNING_SEED)),
        ("signed-for-another-number", "The signature is for another number.", chunk_of(ONE, elements(2), number=4).sign(SIGNING_SEED)),
        ("signed-for-another-epoch", "The signature is for another epoch.", chunk_of(OF_THREE, elements(2)).sign(SIGNING_SEED)),
        ("signed-for-another-operator", "The signature is for another operator.", another_operator.sign(SIGNING_SEED)),
        ("signed-for-other-elements", "The signature is for other elements.", chunk_of(ONE, elements(3)).sign(SIGNING_SEED)),
        ("unsigned", "A signature of zeros.", bytes(64)),
    ]:  # fmt: skip
        expect = refused("evaluation", "invalid-signature")
        yield evaluate(name, about, ["EVA-3"], ONE, 1, question(chunk, [1], signature), expect)
    bad = question(chunk_of(ONE, [bytes(32), elements(1)[0]]), [1], bytes(64))
    expect = refused("evaluation", "invalid-signature")
    yield evaluate("unsigned-with-identity", "The signature is looked at before the elements.", ["EVA-3"], ONE, 1, bad, expect)
