"""SPEC.md section 17: the operator's side of an Evaluate request, without enrolment and ledger (steps 1, 4 and 5)."""

from __future__ import annotations

from typing import Any

from . import epoch, proofs, ristretto255
from .chunks import Chunk, is_chunk
from .errors import Refused


def evaluate(
    record: dict[str, Any], holder: int, share: bytes, signing_key: bytes, asked: dict[str, Any], random: bytes
) -> tuple[list[bytes], bytes]:
    """(elements, proof) of a holder's answer to the fields of an Evaluate request, in the order of section 17."""
    if asked["epoch"] != record["epoch"]:
        raise Refused("evaluation", "unknown-epoch")  # [EVA-2]
    _check_holders(record, holder, asked["holders"])
    _check_chunk(record, signing_key, asked)
    holders = asked["holders"]
    part = epoch.secret_part(holders, holder, share)
    question = proofs.Asked(record["key"], record["epoch"], holders, holder, epoch.public_part(record, holders, holder))
    elements = proofs.evaluate(part, asked["elements"])
    return elements, proofs.prove(question, part, asked["elements"], elements, random)


def _check_holders(record: dict[str, Any], holder: int, holders: bytes) -> None:
    try:
        epoch.check_set(record, holders)
    except Refused as error:
        raise Refused("evaluation", "wrong-holders") from error
    if holder not in holders:
        raise Refused("evaluation", "wrong-holders")


def _check_chunk(record: dict[str, Any], signing_key: bytes, asked: dict[str, Any]) -> None:
    """[EVA-3]"""
    if not is_chunk(asked["elements"]):
        raise Refused("evaluation", "invalid-chunk")
    chunk = Chunk(record["operator_key"], record["epoch"], record["key"], asked["job"], asked["number"], asked["elements"])
    try:
        chunk.verify(signing_key, asked["signature"])
    except Refused as error:
        raise Refused("evaluation", "invalid-signature") from error
    try:
        for element in asked["elements"]:
            ristretto255.element(element)
    except Refused as error:
        raise Refused("evaluation", "invalid-element") from error
