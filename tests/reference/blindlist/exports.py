"""SPEC.md section 22.4: exports of a log, as lines of JSON with a note at the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import checkpoints, log
from .encoding import bytes_from_hex
from .errors import Refused

NAME = "audit 1"


@dataclass(frozen=True)
class Export:
    entries: list[bytes]
    checkpoint: dict[str, Any]


def write(ledger: bytes, entries: list[bytes], note: str) -> str:
    """An export without the members that say in words what is in an entry."""
    lines: list[dict[str, Any]] = [{"blindlist": NAME, "ledger": ledger.hex()}]
    lines += [{"index": index, "entry": entry.hex()} for index, entry in enumerate(entries)]
    return "".join(json.dumps(line) + "\n" for line in [*lines, {"checkpoint": note}])


def read(data: str, key: bytes) -> Export:
    """The entries and the checkpoint that the log's key signed over them. Whether the entries keep the rules is for
    `log.verify`. [AUD-10]"""
    first, *lines = [_object(line) for line in data.removesuffix("\n").split("\n")]
    if len(lines) < 1 or first.get("blindlist") != NAME:
        raise Refused("export", "malformed")
    ledger = _bytes(first, "ledger")
    if len(ledger) != 16:
        raise Refused("export", "malformed")
    entries = []
    for number, line in enumerate(lines[:-1]):
        entries.append(_bytes(line, "entry"))
        if type(line.get("index")) is not int:
            raise Refused("export", "malformed")
        if line["index"] != number:
            raise Refused("export", "AUD-10")
    note = lines[-1].get("checkpoint")
    if type(note) is not str:
        raise Refused("export", "malformed")
    checkpoint = checkpoints.open_note(note, key)
    root = log.root([log.leaf(entry) for entry in entries])
    if (checkpoint["ledger"], checkpoint["size"], checkpoint["root"]) != (ledger, len(entries), root):
        raise Refused("export", "AUD-10")
    return Export(entries, checkpoint)


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_constant=_no_number)
    except ValueError as error:
        raise Refused("export", "malformed") from error
    if type(found) is not dict:
        raise Refused("export", "malformed")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _bytes(line: dict[str, Any], member: str) -> bytes:
    try:
        return bytes_from_hex(line.get(member))
    except ValueError as error:
        raise Refused("export", "malformed") from error
