"""The operator, insurers, epochs and releases that the scenarios share; all made from `bytes_for`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from blindlist import curve, entries, identifiers, index, oprf, ristretto255, signatures
from blindlist.encoding import Struct, to_json
from blindlist.epoch import EPOCH_RECORD, epoch_id
from blindlist.manifest import MANIFEST, SEGMENT_LENGTH, segment_digests, source
from blindlist.objects import digest, sign_object
from blindlist.text import NIR

from .common import bytes_for

CREATED = 1_767_225_600  # 2026-01-01
DAY = 86_400


def seed_of(name: str) -> bytes:
    """The seed of somebody's Ed25519 key."""
    return bytes_for(f"seed of {name}", 32)


def key_of(name: str) -> bytes:
    """The key that belongs to `seed_of`."""
    return signatures.public_key(seed_of(name))


def scalar_for(name: str) -> int:
    return curve.wide(bytes_for(f"scalar {name}", 64))


def hex_of(data: Any) -> Any:
    """Bytes as the vectors write them, inside lists and tuples too."""
    return data.hex() if isinstance(data, bytes) else [hex_of(item) for item in data]


OPERATOR = "rosewood"
OPERATOR_SEED = seed_of("the operator's manifest key")
OPERATOR_KEY = key_of("the operator's manifest key")
OTHER_SEED = seed_of("somebody else")
OTHER_KEY = key_of("somebody else")

INSURER = "willow-mutual"
INSURER_ID = bytes_for("id of the insurer", 16)
SIGNING_SEED = seed_of("the insurer's request-signing key")
SIGNING_KEY = key_of("the insurer's request-signing key")


@dataclass(frozen=True)
class Epoch:
    """An epoch with its secrets. Its polynomial has `coefficients`, k first."""

    fields: dict[str, Any]
    coefficients: Sequence[int]
    name: str

    @property
    def k(self) -> int:
        return self.coefficients[0]

    @property
    def key(self) -> bytes:
        return self.fields["key"]

    @property
    def id(self) -> bytes:
        return self.fields["epoch"]

    @property
    def record(self) -> bytes:
        return sign_object(EPOCH_RECORD, self.fields, OPERATOR_SEED)

    def share(self, holder: int) -> bytes:
        return curve.scalar_bytes(value_at(self.coefficients, holder))

    def holder(self, index: int) -> dict[str, Any]:
        return next(holder for holder in self.fields["holders"] if holder["index"] == index)

    def receipt_seed(self, holder: int) -> bytes:
        return seed_of(receipts_of(self.name, holder))

    def evaluation(self, identifier: bytes) -> bytes:
        return oprf.prf(self.k, identifier)

    def canaries(self, scheme: int = NIR) -> list[bytes]:
        return [identifiers.canary(scheme, value) for value in self.fields["canaries"]]


def value_at(coefficients: Sequence[int], x: int) -> int:
    return sum(c * x**i for i, c in enumerate(coefficients)) % curve.ORDER


def public(scalar: int) -> bytes:
    return ristretto255.encode(curve.multiply_base(scalar))


def epoch_of(name: str, coefficients: Sequence[int], holders: Sequence[int], **changes: Any) -> Epoch:
    """An epoch whose threshold is the number of coefficients."""
    key = public(coefficients[0])
    fields = {
        "version": 1,
        "operator": OPERATOR,
        "operator_key": OPERATOR_KEY,
        "epoch": epoch_id(OPERATOR_KEY, key),
        "key": key,
        "threshold": len(coefficients),
        "holders": [holder_of(name, i, public(value_at(coefficients, i))) for i in holders],
        "canaries": [bytes_for(f"canary {i} of {name}", 16) for i in range(4)],
        "evidence": 0,
        "created": CREATED,
    }
    return Epoch(fields | changes, coefficients, name)


def receipts_of(name: str, holder: int) -> str:
    """Whose seed signs a holder's receipts and checkpoints."""
    return f"the receipts of holder {holder} of {name}"


def holder_of(name: str, index: int, share: bytes) -> dict[str, Any]:
    return {
        "index": index,
        "share": share,
        "receipt_key": key_of(receipts_of(name, index)),
        "ledger": bytes_for(f"ledger {index} of {name}", 16),
        "addresses": [f"holder-{index}.example.org:4433"],
    }


ONE = epoch_of("the epoch of one holder", [scalar_for("k of one holder")], [1])
OF_THREE = epoch_of(
    "the epoch of two of three",
    [scalar_for("k of three holders"), scalar_for("slope of three holders")],
    [1, 2, 5],
    evidence=1,
)


def nir(number: int) -> str:
    """The 13 characters of an invented social security number."""
    return f"1850578{number:06}"


def member(number: int) -> bytes:
    """The identifier of an invented person."""
    return identifiers.identifier(NIR, {"nir": nir(number)})


@dataclass(frozen=True)
class Release:
    """A sealed release: its manifest and its index."""

    fields: dict[str, Any]
    index: bytes
    rows: Sequence[tuple[bytes, bytes]]  # (tag, hidden label), ascending

    @property
    def manifest(self) -> bytes:
        return sign_object(MANIFEST, self.fields, OPERATOR_SEED)

    @property
    def digest(self) -> bytes:
        return digest(self.manifest)


def release_of(name: str, epoch: Epoch, dictionary: Sequence[str], people: dict[bytes, list[str]], **changes: Any) -> Release:
    """Seals people and the canaries; `changes` are fields of the manifest that are to be others."""
    release = bytes_for(f"release {name}", 16)
    canaries = [entries.canary_categories(dictionary, i) for i in range(4)]
    labelled = people | dict(zip(epoch.canaries(), canaries))
    rows = [row_of(release, epoch.evaluation(x), dictionary, labels) for x, labels in labelled.items()]
    return sealed(name, epoch, dictionary, release, rows, **changes)


def row_of(release: bytes, evaluation: bytes, dictionary: Sequence[str], categories: Sequence[str]) -> tuple[bytes, bytes]:
    tag, pad = entries.entry(release, evaluation)
    return tag, entries.hide(entries.label(dictionary, categories), pad)


def sealed(
    name: str, epoch: Epoch, dictionary: Sequence[str], id: bytes, rows: Sequence[tuple[bytes, bytes]], **changes: Any
) -> Release:
    """The release that has these rows, given in any order."""
    rows = sorted(rows, key=lambda row: int.from_bytes(row[0], "little"))
    taken, data = index.encode(id, 40, entries.label_length(dictionary), rows)
    fields = {
        "operator": OPERATOR,
        "operator_key": OPERATOR_KEY,
        "list": name,
        "title": f"The incident of {name}",
        "incident": None,
        "audience": [],
        "release": id,
        "sequence": 1,
        "previous": None,
        "created": CREATED + DAY,
        "epoch": epoch.id,
        "key": epoch.key,
        "scheme": NIR,
        "entries": len(rows),
        "false_positive_bits": taken,
        "dictionary": list(dictionary),
        "source": source(bytes_for(f"salt of {name}", 32), [bytes_for(f"input of {name}", 32)]),
        "index_length": len(data),
        "segment_length": SEGMENT_LENGTH,
        "segments": segment_digests(data),
    }
    return Release(fields | changes, data, rows)


def date(year: int, month: int, day: int) -> dict[str, int]:
    return {"year": year, "month": month, "day": day}


def json_of(body: Struct, fields: dict[str, Any]) -> dict[str, Any]:
    return to_json(body, fields)


DICTIONARY = ["contact", "bank-account", "health"]
SPRING = release_of(
    "spring-2026",
    ONE,
    DICTIONARY,
    {member(1): ["contact", "health"]},
    title="Payment portal, spring 2026",
    incident={"first": date(2026, 3, 14), "last": date(2026, 3, 20)},
)
"""The release of SPEC.md's walk-throughs."""
