"""How the makers of objects, epochs, manifests … write a scenario of `object-open`."""

from __future__ import annotations

from typing import Any, Iterable, Iterator

from blindlist import signatures
from blindlist.objects import Kind, sign_object

from .common import Scenario, refused
from .fixtures import OPERATOR_KEY

Change = tuple[str, str, dict[str, Any], str]
"""(name, about, fields that are others, the rule that this breaks)"""


def opened(
    kind: Kind, name: str, about: str, data: bytes, requirements: list[str] | None = None, expect: dict | None = None
) -> Scenario:
    """An object opened under the operator's key, or under the key in it."""
    pinned = None if kind.self_signed else OPERATOR_KEY.hex()
    rules = requirements_of(kind) if requirements is None else requirements
    return Scenario("object-open", name, about, rules, {"kind": kind.name, "object": data.hex(), "pinned": pinned}, expect)


def broken(kind: Kind, fields: dict[str, Any], seed: bytes, changes: Iterable[Change]) -> Iterator[Scenario]:
    """Objects, rightly signed, each of which breaks a rule between its fields."""
    for name, about, changed, rule in changes:
        data = sign_object(kind, fields | changed, seed)
        requirements = [rule] if rule == "OBJ-3" else [rule, "OBJ-3"]
        yield opened(kind, f"{prefix(kind)}-{name}", about, data, requirements, refused("fields", rule))


def kept(kind: Kind, fields: dict[str, Any], seed: bytes, changes: Iterable[Change]) -> Iterator[Scenario]:
    """Objects at the edge of a rule, which they keep."""
    for name, about, changed, rule in changes:
        yield opened(kind, f"{prefix(kind)}-{name}", about, sign_object(kind, fields | changed, seed), [rule])


def malformed(kind: Kind, fields: dict[str, Any], seed: bytes, changes: Iterable[Change]) -> Iterator[Scenario]:
    """Objects, rightly signed, with a value that its type does not allow."""
    for name, about, changed, rule in changes:
        data = sign_object(kind, fields | changed, seed)
        yield opened(kind, f"{prefix(kind)}-{name}", about, data, ["ENC-1", rule], refused("encoding", "malformed"))


def patched(kind: Kind, fields: dict[str, Any], seed: bytes, before: bytes, after: bytes) -> bytes:
    """A rightly signed object in whose body the one occurrence of `before` has become `after`."""
    body = kind.body.encode(fields)
    if body.count(before) != 1:
        raise ValueError(f"{before.hex()} is not there once")
    return raw(kind.line, body.replace(before, after), seed)


def raw(line: bytes, body: bytes, seed: bytes) -> bytes:
    """Line and body, rightly signed, whatever they are."""
    return line + body + signatures.sign(seed, line + body)


def prefix(kind: Kind) -> str:
    return kind.name.replace(" ", "-")


def requirements_of(kind: Kind) -> list[str]:
    """What makes a receiver look at the signature: a pinned key, or the key in the object alone."""
    return ["SIG-1"] if kind.self_signed else ["OBJ-2"]
