"""SPEC.md section 5: what is the same for signed objects of every kind. Their own rules are in epochs.py, manifests.py,
catalogs.py, enrolment.py and succession.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

from blindlist.catalog import CATALOG
from blindlist.enrolment import BUNDLE, ENROLMENT_REQUEST
from blindlist.epoch import EPOCH_RECORD
from blindlist.manifest import MANIFEST
from blindlist.objects import Kind, sign_object
from blindlist.succession import SUCCESSION

from . import succession
from .catalogs import snapshot_of
from .common import Scenario, refused
from .enrolment import BUNDLE_FIELDS, REQUEST_FIELDS
from .fixtures import ONE, OPERATOR_SEED, OTHER_KEY, OTHER_SEED, SIGNING_SEED, SPRING, json_of
from .opening import opened, raw, requirements_of


@dataclass(frozen=True)
class Case:
    """A kind with an object of it; `flipped` is a field in which a bit may be turned without breaking the encoding."""

    kind: Kind
    fields: dict[str, Any]
    seed: bytes
    flipped: str

    @property
    def name(self) -> str:
        return self.kind.name.replace(" ", "-")

    @property
    def data(self) -> bytes:
        return sign_object(self.kind, self.fields, self.seed)

    @property
    def body(self) -> bytes:
        return self.kind.body.encode(self.fields)


CASES = [
    Case(EPOCH_RECORD, ONE.fields, OPERATOR_SEED, "epoch"),
    Case(MANIFEST, SPRING.fields, OPERATOR_SEED, "source"),
    Case(CATALOG, snapshot_of([ONE.record], [SPRING]), OPERATOR_SEED, "operator_key"),
    Case(ENROLMENT_REQUEST, REQUEST_FIELDS, SIGNING_SEED, "tls_proof"),
    Case(BUNDLE, BUNDLE_FIELDS, OPERATOR_SEED, "insurer_id"),
    Case(SUCCESSION, succession.FIELDS, succession.NEXT_SEED, "old_key"),
]


def scenarios() -> Iterator[Scenario]:
    for case in CASES:
        yield signed(case.kind, case.name, f"An object of the kind `{case.kind.name}`.", case.fields, case.seed)
        yield opened(case.kind, case.name, f"An object of the kind `{case.kind.name}`.", case.data)
        yield from other_bytes(case)
        yield from other_bodies(case)
        yield from other_signers(case)
    yield from too_large()
    yield signed(MANIFEST, "walk-through", "The manifest that SPEC.md goes through byte by byte.", SPRING.fields, OPERATOR_SEED)


def signed(kind: Kind, name: str, about: str, fields: dict[str, Any], seed: bytes) -> Scenario:
    input = {"kind": kind.name, "fields": json_of(kind.body, fields), "seed": seed.hex()}
    return Scenario("object-sign", name, about, [], input)


def other_bytes(case: Case) -> Iterator[Scenario]:
    """Changes of which no signer knows."""
    kind, data, at = case.kind, case.data, case.data.index(case.fields[case.flipped])
    bit = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    cut, longer = ("encoding", "malformed"), ("encoding", "trailing")
    if not kind.self_signed:  # the signature is looked at before the body
        cut = longer = ("object", "signature")
    rules = [*requirements_of(kind), "ENC-1"]
    for name, about, changed, layer in [
        ("truncated", "Without its last byte.", data[:-1], cut),
        ("trailing-byte", "With a byte after the signature.", data + b"\0", longer),
        ("flipped-body-bit", "One bit of the body is another.", bit, ("object", "signature")),
        (
            "flipped-signature-bit",
            "One bit of the signature is another.",
            data[:-1] + bytes([data[-1] ^ 1]),
            ("object", "signature"),
        ),
        ("line-only", "The line alone.", kind.line, ("encoding", "malformed")),
        ("no-bytes", "No bytes at all.", b"", ("object", "kind")),
    ]:
        yield opened(kind, f"{case.name}-{name}", about, changed, rules, refused(*layer))


def other_bodies(case: Case) -> Iterator[Scenario]:
    """Objects that are signed as they should be, with another line or a body that is no encoding."""
    kind, body = case.kind, case.body
    another = MANIFEST.line if kind is not MANIFEST else CATALOG.line
    version = kind.line.replace(b"blindlist/1", b"blindlist/2")
    malformed, wrong_kind = refused("encoding", "malformed"), refused("object", "kind")
    for name, about, data, rule, expect in [
        ("line-of-another-kind", "The line of another kind, rightly signed.", raw(another, body, case.seed), "OBJ-1", wrong_kind),
        (
            "line-of-another-version",
            "The line of a later version, rightly signed.",
            raw(version, body, case.seed),
            "OBJ-1",
            wrong_kind,
        ),
        (
            "body-cut-short",
            "A body without its last byte, rightly signed.",
            raw(kind.line, body[:-1], case.seed),
            "ENC-1",
            malformed,
        ),
        (
            "body-goes-on",
            "A byte after the body, rightly signed.",
            raw(kind.line, body + b"\0", case.seed),
            "ENC-1",
            refused("encoding", "trailing"),
        ),
    ]:
        yield opened(kind, f"{case.name}-{name}", about, data, [rule], expect)


def other_signers(case: Case) -> Iterator[Scenario]:
    kind = case.kind
    forged = sign_object(kind, case.fields, OTHER_SEED)
    about = "Signed by another key than the one in it." if kind.self_signed else "Signed by another key than the pinned one."
    yield opened(kind, f"{case.name}-signed-by-another", about, forged, requirements_of(kind), refused("object", "signature"))
    if kind.self_signed:
        return
    named = sign_object(kind, case.fields | {kind.signer: OTHER_KEY}, case.seed)
    about = "The pinned key signed it, but it names another operator key."
    yield opened(kind, f"{case.name}-names-another-signer", about, named, ["OBJ-2"], refused("object", "signer"))
    another = sign_object(kind, case.fields | {kind.signer: OTHER_KEY}, OTHER_SEED)
    about = "Another operator's object, sound under that operator's key."
    yield opened(kind, f"{case.name}-of-another-operator", about, another, ["OBJ-2"], refused("object", "signature"))


def too_large() -> Iterator[Scenario]:
    """The limits of the other kinds are alike, but would make large files."""
    data = sign_object(BUNDLE, BUNDLE_FIELDS | {"authority": bytes(65_000)}, OPERATOR_SEED)
    data = sign_object(BUNDLE, BUNDLE_FIELDS | {"authority": bytes(65_000 + 65_537 - len(data))}, OPERATOR_SEED)
    about = "65,537 bytes: one more than an enrolment file may have."
    yield opened(BUNDLE, "bundle-too-large", about, data, ["ENC-2"], refused("encoding", "too-large"))
