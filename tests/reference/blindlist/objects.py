"""SPEC.md section 5: signed objects, `line ‖ body ‖ signature`. Sections 10 to 13 say what the bodies are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Callable, Sequence

from . import signatures
from .encoding import Struct, decode
from .errors import Refused

OBJECT_LIMIT = 2_097_152
ENROLMENT_LIMIT = 65_536
SIGNATURE_LENGTH = 64


@dataclass(frozen=True)
class Kind:
    """A row of section 5's table. `signer` is the field that names the signing key; `self_signed` kinds hold the only word
    on who signs them, the others are held against a pinned key. `rules` refuses fields that break a rule between them."""

    name: str
    line: bytes
    body: Struct
    limit: int
    signer: str
    self_signed: bool
    rules: Callable[[dict[str, Any]], None]


def sign_object(kind: Kind, fields: dict[str, Any], seed: bytes) -> bytes:
    """The object that holds these fields, signed whether they keep the rules or not."""
    signed = kind.line + kind.body.encode(fields)
    return signed + signatures.sign(seed, signed)


def open_object(kind: Kind, data: bytes, pinned: bytes | None) -> dict[str, Any]:
    """The fields of an object, when nothing is wrong with it. `pinned` is None exactly for the self-signed kinds."""
    if kind.self_signed != (pinned is None):
        raise ValueError(f"a key is pinned for every kind but the self-signed ones: {kind.name}")
    if len(data) > kind.limit:
        raise Refused("encoding", "too-large")  # [ENC-2]
    if not data.startswith(kind.line):
        raise Refused("object", "kind")  # [OBJ-1]
    if len(data) < len(kind.line) + SIGNATURE_LENGTH:
        raise Refused("encoding", "malformed")  # [ENC-1]
    body = data[len(kind.line) : -SIGNATURE_LENGTH]
    if pinned is not None:
        _verify(pinned, data)  # [OBJ-2], before anything of the body is looked at
    fields = decode(kind.body, body, kind.limit)
    if pinned is None:
        _verify(fields[kind.signer], data)
    elif fields[kind.signer] != pinned:
        raise Refused("object", "signer")  # [OBJ-2]
    kind.rules(fields)  # [OBJ-3]
    return fields


def digest(data: bytes) -> bytes:
    """The digest by which catalogs and requests name an object: of all its bytes."""
    return hashlib.sha256(data).digest()


def require(holds: bool, rule: str) -> None:
    """Refuses fields that break a rule. [OBJ-3]"""
    if not holds:
        raise Refused("fields", rule)


def strictly_ascending(items: Sequence[Any]) -> bool:
    """Sorted, and none twice."""
    return all(a < b for a, b in zip(items, items[1:]))


def _verify(key: bytes, data: bytes) -> None:
    try:
        signatures.verify(key, data[:-SIGNATURE_LENGTH], data[-SIGNATURE_LENGTH:])
    except Refused as error:
        raise Refused("object", "signature") from error
