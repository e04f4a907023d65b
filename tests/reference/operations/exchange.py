"""The operations of sections 5 and 10 to 21, but for the audit log's: signed objects, jobs, chunks, answers, messages, matching."""

from __future__ import annotations

from typing import Any

from blindlist import catalog, chunks, curve, enrolment, epoch, evaluation, manifest, matching, messages
from blindlist import objects, receipts, ristretto255, signatures, succession
from blindlist.encoding import U8, U32, U64, Bytes, Fixed, List, Option, Struct, Text, Tuple, from_json, to_json
from blindlist.insurer import Asked, Job

from .registry import Json, operation

KINDS = {
    kind.name: kind
    for kind in (
        epoch.EPOCH_RECORD,
        manifest.MANIFEST,
        catalog.CATALOG,
        enrolment.ENROLMENT_REQUEST,
        enrolment.BUNDLE,
        succession.SUCCESSION,
    )
}
Seen = Option(Struct("seen", [("sequence", U64), ("digest", Fixed(32))]))


@operation("object-sign", {"kind": Text(), "fields": Json, "seed": Fixed(32)}, {"object": Bytes, "digest": Fixed(32)})
def object_sign(kind: str, fields: Any, seed: bytes) -> dict:
    data = objects.sign_object(KINDS[kind], from_json(KINDS[kind].body, fields), seed)
    return {"object": data, "digest": objects.digest(data)}


@operation("object-open", {"kind": Text(), "object": Bytes, "pinned": Option(Fixed(32))}, {"fields": Json})
def object_open(kind: str, object: bytes, pinned: bytes | None) -> dict:
    return {"fields": to_json(KINDS[kind].body, objects.open_object(KINDS[kind], object, pinned))}


@operation("epoch-id", {"operator_key": Fixed(32), "key": Fixed(32)}, {"epoch": Fixed(32)})
def epoch_id(operator_key: bytes, key: bytes) -> dict:
    return {"epoch": epoch.epoch_id(operator_key, key)}


@operation("holder-part", {"holders": Bytes, "index": U8, "share": Fixed(32)}, {"part": Fixed(32), "public_part": Fixed(32)})
def holder_part(holders: bytes, index: int, share: bytes) -> dict:
    part = epoch.secret_part(holders, index, share)
    return {"part": curve.scalar_bytes(part), "public_part": ristretto255.encode(curve.multiply_base(part))}


@operation("source", {"salt": Fixed(32), "inputs": List(Fixed(32))}, {"source": Fixed(32)})
def source(salt: bytes, inputs: list[bytes]) -> dict:
    return {"source": manifest.source(salt, inputs)}


@operation("segments", {"length": U64}, {"segments": List(Fixed(32))})
def segments(length: int) -> dict:
    return {"segments": manifest.segment_digests((bytes(range(251)) * (length // 251 + 1))[:length])}


@operation("audience", {"manifest": Fixed(32), "insurer_id": Fixed(16)}, {"audience": Fixed(32)})
def audience(manifest: bytes, insurer_id: bytes) -> dict:
    return {"audience": catalog.audience(manifest, insurer_id)}


@operation(
    "catalog-accept",
    {
        "catalog": Bytes,
        "records": List(Bytes),
        "manifests": List(Bytes),
        "pinned": Fixed(32),
        "insurer": Text(),
        "insurer_id": Fixed(16),
        "seen": Seen,
        "now": U64,
    },
    {"lists": List(Text())},
)
def catalog_accept(records, manifests, pinned, insurer, insurer_id, seen, now, **snapshot) -> dict:
    last = seen and (seen["sequence"], seen["digest"])
    fields = catalog.open_snapshot(snapshot["catalog"], pinned, last, now)
    accepted = catalog.accept(fields, [*records, *manifests], pinned, catalog.Insurer(insurer, insurer_id))
    return {"lists": sorted(found["list"] for found in accepted.manifests)}


@operation("successor", {"key": Fixed(32)}, {"successor": Fixed(32)})
def successor(key: bytes) -> dict:
    return {"successor": enrolment.successor(key)}


@operation("fingerprint", {"file": Bytes}, {"fingerprint": Text()})
def fingerprint(file: bytes) -> dict:
    return {"fingerprint": enrolment.fingerprint(file)}


@operation("fingerprint-parse", {"text": Text(), "file": Bytes}, {"same": Json})
def fingerprint_parse(text: str, file: bytes) -> dict:
    return {"same": enrolment.same_fingerprint(text, file)}


JOB = {
    "record": Bytes,
    "pinned": Fixed(32),
    "holders": Bytes,
    "seed": Fixed(32),
    "job": Fixed(16),
    "signing_seed": Fixed(32),
    "identifiers": List(Bytes),
}


@operation("job", JOB, {"requests": List(Bytes)})
def job(signing_seed: bytes, **asked: Any) -> dict:
    return {"requests": [chunk.request(signing_seed) for chunk in ask(**asked)]}


@operation(
    "answer",
    JOB | {"insurer_id": Fixed(16), "chunk": U32, "answers": List(Tuple(U8, Bytes))},
    {"evaluations": List(Tuple(Bytes, Fixed(64)))},
)
def answer(signing_seed: bytes, insurer_id: bytes, chunk: int, answers: list[tuple[int, bytes]], **asked: Any) -> dict:
    insurer = receipts.Insurer(insurer_id, signatures.public_key(signing_seed))
    answered = ask(**asked)[chunk].proven(answers, insurer).unblind()
    return {"evaluations": sorted(answered.evaluations.items())}


def ask(record: bytes, pinned: bytes, holders: bytes, seed: bytes, job: bytes, identifiers: list[bytes]) -> list[Asked]:
    return Job(objects.open_object(epoch.EPOCH_RECORD, record, pinned), holders, seed, job).ask(identifiers)


CHUNK = {
    "operator_key": Fixed(32),
    "epoch": Fixed(32),
    "key": Fixed(32),
    "job": Fixed(16),
    "number": U32,
    "elements": List(Fixed(32)),
}


@operation("chunk-sign", CHUNK | {"signing_seed": Fixed(32)}, {"digest": Fixed(32), "signature": Fixed(64)})
def chunk_sign(signing_seed: bytes, **chunk: Any) -> dict:
    return {"digest": chunks.digest(chunk["elements"]), "signature": chunks.Chunk(**chunk).sign(signing_seed)}


@operation("chunk-verify", CHUNK | {"signing_key": Fixed(32), "signature": Fixed(64)}, {})
def chunk_verify(signing_key: bytes, signature: bytes, **chunk: Any) -> None:
    chunks.Chunk(**chunk).verify(signing_key, signature)


@operation(
    "evaluate",
    {
        "record": Bytes,
        "pinned": Fixed(32),
        "holder": U8,
        "share": Fixed(32),
        "signing_key": Fixed(32),
        "request": Bytes,
        "random": Fixed(64),
    },
    {"elements": List(Fixed(32)), "proof": Fixed(64)},
)
def evaluate(record: bytes, pinned: bytes, request: bytes, **operator: Any) -> dict:
    alternative, asked = messages.read_request(request)
    if alternative != "Evaluate":
        raise ValueError(f"{alternative} is no request to evaluate")
    fields = objects.open_object(epoch.EPOCH_RECORD, record, pinned)
    elements, proof = evaluation.evaluate(fields, asked=asked, **operator)
    return {"elements": elements, "proof": proof}


@operation("request", {"message": Bytes}, {"fields": messages.REQUEST})
def request(message: bytes) -> dict:
    return {"fields": messages.read_request(message)}


@operation("response", {"message": Bytes}, {"fields": messages.RESPONSE})
def response(message: bytes) -> dict:
    return {"fields": messages.read_response(message)}


@operation("release-accept", {"manifest": Bytes, "pinned": Fixed(32), "segments": List(Bytes)}, {"values": U64})
def release_accept(pinned: bytes, segments: list[bytes], **signed: bytes) -> dict:
    fields = objects.open_object(manifest.MANIFEST, signed["manifest"], pinned)
    return {"values": len(manifest.accept_release(fields, segments).values)}


@operation(
    "match",
    {
        "manifest": Bytes,
        "record": Bytes,
        "pinned": Fixed(32),
        "index": Bytes,
        "members": List(Fixed(64)),
        "canaries": List(Fixed(64)),
    },
    {"labels": List(Option(List(Text())))},
)
def match(record: bytes, pinned: bytes, index: bytes, members: list[bytes], canaries: list[bytes], **signed: bytes) -> dict:
    fields = objects.open_object(manifest.MANIFEST, signed["manifest"], pinned)
    objects.open_object(epoch.EPOCH_RECORD, record, pinned)
    verified = manifest.accept_release(fields, manifest.segments(index))
    return {"labels": matching.match(fields, verified, members, canaries)}
