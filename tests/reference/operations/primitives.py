"""The operations on the primitives: sections 4 to 9 and 16."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Sequence

from blindlist import curve, entries, identifiers, oprf, proofs, ristretto255, signatures
from blindlist import index as indexes
from blindlist.encoding import U8, U32, Bytes, Fixed, List, Option, Text, Tuple
from blindlist.errors import Refused
from blindlist.text import Scheme, check

from .registry import Json, operation

Element = Fixed(32)
Scalar = Fixed(32)
Texts = List(Text())
Values = dict[str, Any]

ASKED = {"key": Element, "epoch": Fixed(32), "holders": Bytes, "holder": U8}
ANSWERED = ASKED | {
    "public_part": Element,
    "blinded": List(Element),
    "evaluated": List(Element),
    "proof": Fixed(64),
}


@operation("text", {"type": Text(), "text": Text()}, {})
def check_text(type: str, text: str) -> None:
    check(type, text)


@operation("signature", {"key": Fixed(32), "message": Bytes, "signature": Fixed(64)}, {})
def signature(key: bytes, message: bytes, signature: bytes) -> None:
    signatures.verify(key, message, signature)


@operation("secret-key", {"key": Scalar}, {"public_key": Element})
def secret_key(key: bytes) -> Values:
    return {"public_key": oprf.public_key_of(oprf.secret_key(key))}


@operation("public-key", {"key": Element}, {})
def public_key(key: bytes) -> None:
    oprf.public_key(key)


@operation("element", {"element": Element}, {})
def element(element: bytes) -> None:
    ristretto255.element(element)


@operation("hash-to-group", {"input": Bytes}, {"element": Element})
def hash_to_group(input: bytes) -> Values:
    return {"element": ristretto255.encode(oprf.hash_to_group(input))}


@operation("prf", {"key": Scalar, "input": Bytes}, {"evaluation": Fixed(64)})
def prf(key: bytes, input: bytes) -> Values:
    return {"evaluation": oprf.prf(oprf.secret_key(key), input)}


@operation(
    "blinding",
    {"key": Scalar, "input": Bytes, "blinding": Text(), "r": Scalar, "random": Fixed(64)},
    {"blinded": Element, "evaluated": Element, "proof": Fixed(64), "evaluation": Fixed(64)},
)
def blinding(key: bytes, input: bytes, blinding: str, r: bytes, random: bytes) -> Values:
    k, scalar = oprf.secret_key(key), curve.scalar_from(r)
    if scalar is None or blinding not in ("additive", "multiplicative"):
        raise ValueError("r is no scalar, or this is no way of blinding")
    additive = blinding == "additive"
    blinded = ristretto255.encode(oprf.blind(input, scalar) if additive else oprf.blind_multiplicatively(input, scalar))
    P = oprf.public_key_of(k)
    asked = proofs.Asked(P, bytes(32), bytes([1]), 1, P)  # the RFC's proof of one element knows of P alone
    (evaluated,) = proofs.evaluate(k, [blinded])
    proof = proofs.prove(asked, k, [blinded], [evaluated], random)
    proofs.verify(asked, [blinded], [evaluated], proof)
    Z = ristretto255.element(evaluated)
    N = oprf.unblind(Z, scalar, oprf.public_key(P)) if additive else oprf.unblind_multiplicatively(Z, scalar)
    return {"blinded": blinded, "evaluated": evaluated, "proof": proof, "evaluation": oprf.finalize(input, N)}


@operation("identifier", {"scheme": Scheme, "fields": Json}, {"identifier": Bytes})
def identifier(scheme: int, fields: Any) -> Values:
    kinds = {column: Option(Text()) if column == "birth_rank" else Text() for column in identifiers.COLUMNS[scheme]}
    if not isinstance(fields, dict) or fields.keys() != kinds.keys():
        raise ValueError(f"the columns of this scheme are {list(kinds)}")
    values = {column: kind.from_json(fields[column]) for column, kind in kinds.items()}
    return {"identifier": identifiers.identifier(scheme, values)}


@operation("canary", {"scheme": Scheme, "value": Fixed(16)}, {"identifier": Bytes})
def canary(scheme: int, value: bytes) -> Values:
    return {"identifier": identifiers.canary(scheme, value)}


@operation("dictionary", {"categories": Texts}, {"label_length": U8, "canary_labels": List(Texts)})
def dictionary(categories: list[str]) -> Values:
    entries.check_dictionary(categories)
    labels = [entries.canary_categories(categories, i) for i in range(4)]
    return {"label_length": entries.label_length(categories), "canary_labels": labels}


@operation(
    "entry",
    {"release": Fixed(16), "evaluation": Fixed(64), "dictionary": Texts, "categories": Texts},
    {"tag": Fixed(16), "pad": Fixed(16), "hidden": Bytes},
)
def entry(release: bytes, evaluation: bytes, dictionary: list[str], categories: list[str]) -> Values:
    entries.check_dictionary(dictionary)
    tag, pad = entries.entry(release, evaluation)
    return {"tag": tag, "pad": pad, "hidden": entries.hide(entries.label(dictionary, categories), pad)}


@operation(
    "label",
    {"release": Fixed(16), "evaluation": Fixed(64), "dictionary": Texts, "hidden": Bytes},
    {"categories": Texts},
)
def label(release: bytes, evaluation: bytes, dictionary: list[str], hidden: bytes) -> Values:
    entries.check_dictionary(dictionary)
    if len(hidden) != entries.label_length(dictionary):
        raise ValueError("a hidden label of another length than the dictionary's")
    _, pad = entries.entry(release, evaluation)
    return {"categories": entries.categories_of(dictionary, entries.hide(hidden, pad))}


@operation(
    "index-encode",
    {"release": Fixed(16), "false_positive_bits": U8, "label_length": U8, "entries": List(Tuple(Fixed(16), Bytes))},
    {"false_positive_bits": U8, "index": Bytes},
)
def index_encode(release: bytes, false_positive_bits: int, label_length: int, entries: Sequence[tuple[bytes, bytes]]) -> Values:
    if any(len(hidden) != label_length for _, hidden in entries):
        raise ValueError("a hidden label of another length than the index's")
    f, data = indexes.encode(release, false_positive_bits, label_length, entries)
    return {"false_positive_bits": f, "index": data}


@operation(
    "index-read",
    {"index": Bytes},
    {
        "release": Fixed(16),
        "entries": U32,
        "false_positive_bits": U8,
        "label_length": U8,
        "values": List(Fixed(indexes.FIRST)),
        "labels": List(Bytes),
    },
)
def index_read(index: bytes) -> Values:
    read = indexes.read(index)
    return {
        "release": read.release,
        "entries": len(read.values),
        "false_positive_bits": read.f,
        "label_length": read.label_length,
        "values": [v.to_bytes(indexes.FIRST, "little") for v in read.values],
        "labels": read.labels,
    }


@operation("index-look-up", {"index": Bytes, "tags": List(Fixed(16))}, {"hidden": List(Option(Bytes))})
def index_look_up(index: bytes, tags: list[bytes]) -> Values:
    read = indexes.read(index)
    return {"hidden": [read.look_up(tag) for tag in tags]}


@operation(
    "prove",
    ASKED | {"part": Scalar, "blinded": List(Element), "random": Fixed(64)},
    {"public_part": Element, "evaluated": List(Element), "proof": Fixed(64)},
)
def prove(key: bytes, epoch: bytes, holders: bytes, holder: int, part: bytes, blinded: list[bytes], random: bytes) -> Values:
    k = oprf.secret_key(part)
    asked = proofs.Asked(key, epoch, holders, holder, oprf.public_key_of(k))
    evaluated = proofs.evaluate(k, blinded)
    proof = proofs.prove(asked, k, blinded, evaluated, random)
    proofs.verify(asked, blinded, evaluated, proof)
    return {"public_part": asked.public_part, "evaluated": evaluated, "proof": proof}


@operation("verify", ANSWERED, {})
def verify(blinded: list[bytes], evaluated: list[bytes], proof: bytes, **asked: Any) -> None:
    proofs.verify(proofs.Asked(**asked), blinded, evaluated, proof)


@operation(
    "composites-forgery",
    {"key": Scalar, "deltas": Bytes, "composites_proof": Fixed(64), "random": Fixed(64)},
    {"elements": Fixed(32), "own_proof": Fixed(64)},
)
def composites_forgery(key: bytes, deltas: bytes, composites_proof: bytes, random: bytes) -> Values:
    """Answers that are all wrong, whose errors cancel for RFC 9497's coefficients. ../../vectors/README.md says how they were made."""
    k, K = oprf.secret_key(key), oprf.public_key_of(oprf.secret_key(key))
    blinded, evaluated = forged_answers(k, deltas)
    oprf.verify_proof(K, blinded, evaluated, composites_proof)

    question = proofs.Asked(K, bytes(32), bytes([1]), 1, K)
    own_proof = proofs.prove(question, k, blinded, evaluated, random)
    try:
        proofs.verify(question, blinded, evaluated, own_proof)
    except Refused as refused:
        if (refused.layer, refused.error) != ("proof", "invalid"):
            raise
    else:
        raise ValueError("section 16 accepts wrong answers")
    elements = hashlib.sha256(b"".join(blinded) + b"".join(evaluated)).digest()
    return {"elements": elements, "own_proof": own_proof}


@lru_cache(maxsize=1)  # slow, and make.py wants it twice
def forged_answers(k: int, deltas: bytes) -> tuple[list[bytes], list[bytes]]:
    """C_i and D_i = k*C_i + δ_i*G, no δ_i being 0."""
    errors = [int.from_bytes(deltas[i : i + 2], "little") for i in range(0, len(deltas), 2)]
    if not all(errors):
        raise ValueError("an answer is right")
    asked = [curve.wide(hashlib.sha512(b"composites forgery blinded" + U32.encode(i)).digest()) for i in range(len(errors))]
    blinded = [oprf.public_key_of(c) for c in asked]
    return blinded, [oprf.public_key_of((k * c + delta) % curve.ORDER) for c, delta in zip(asked, errors)]


@operation("verify-composites", ANSWERED, {})
def verify_composites(public_part: bytes, blinded: list[bytes], evaluated: list[bytes], proof: bytes, **_: Any) -> None:
    """What Blindlist must never do with more than one element. [PRF-4]"""
    oprf.verify_proof(public_part, blinded, evaluated, proof)
