"""SPEC.md section 22.3: checkpoints of a log, the notes that hold them as files, cosignatures; what a client holds them against.

A note is C2SP's signed-note, its text C2SP's tlog-checkpoint with one extension line, a witness's line C2SP's tlog-cosignature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from . import log, signatures
from .encoding import U64, Fixed, Struct
from .errors import Refused

CHECKPOINT = Struct(
    "checkpoint", [("ledger", Fixed(16)), ("size", U64), ("root", Fixed(32)), ("time", U64), ("signature", Fixed(64))]
)
MOST_NOTE = 16_384
MOST_SIGNATURES = 16
ED25519, COSIGNATURE = b"\1", b"\4"  # C2SP's signature types

NUMBER = "(0|[1-9][0-9]{0,19})"
TEXT = re.compile(f"blindlist/1/checkpoint/([0-9a-f]{{32}})\n{NUMBER}\n([A-Za-z0-9+/=]{{44}})\nblindlist time {NUMBER}\n")
MALFORMED = ("note", "malformed")


def sign(seed: bytes, ledger: bytes, size: int, root: bytes, time: int) -> dict[str, Any]:
    """A checkpoint, signed by the receipt key."""
    fields = {"ledger": ledger, "size": size, "root": root, "time": time}
    return fields | {"signature": signatures.sign(seed, text(fields).encode())}


def text(fields: dict[str, Any]) -> str:
    """What is signed."""
    root = base64.b64encode(fields["root"]).decode()
    return f"{origin(fields['ledger'])}\n{fields['size']}\n{root}\nblindlist time {fields['time']}\n"


def verify(key: bytes, fields: dict[str, Any]) -> None:
    signatures.verify(key, text(fields).encode(), fields["signature"])


# Notes.


@dataclass(frozen=True)
class Line:
    """A line of a signature: whose it says that it is, and what it holds."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"\u2014 {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


def note(key: bytes, fields: dict[str, Any]) -> str:
    """A checkpoint as a file, with the log's own signature."""
    name = origin(fields["ledger"])
    return f"{text(fields)}\n{Line(name, key_id(name, ED25519, key), fields['signature'])}"


def open_note(data: str, key: bytes) -> dict[str, Any]:
    """The checkpoint in a note that the log's key signed once. [AUD-5]"""
    fields, lines = read_note(data)
    name = origin(fields["ledger"])
    own = [line.signature for line in lines if (line.name, line.key_id) == (name, key_id(name, ED25519, key))]
    if len(own) != 1 or len(own[0]) != 64:
        raise Refused("note", "signature")
    fields["signature"] = own[0]
    try:
        verify(key, fields)
    except Refused as error:
        raise Refused("note", "signature") from error
    return fields


def read_note(data: str) -> tuple[dict[str, Any], list[Line]]:
    """The text's fields and the lines of signatures, of whomever; no signature is looked at."""
    if len(data.encode()) > MOST_NOTE:
        raise Refused(*MALFORMED)
    head, empty, tail = data.partition("\n\n")
    found = TEXT.fullmatch(head + "\n")
    if not empty or not found or not tail.endswith("\n"):
        raise Refused(*MALFORMED)
    ledger, size, root, time = found.groups()
    fields = {"ledger": bytes.fromhex(ledger), "size": int(size), "root": _base64(root), "time": int(time)}
    if max(fields["size"], fields["time"]) >= 1 << 64 or len(fields["root"]) != 32:
        raise Refused(*MALFORMED)
    lines = [_line(line) for line in tail[:-1].split("\n")]
    if len(lines) > MOST_SIGNATURES:
        raise Refused(*MALFORMED)
    return fields, lines


def cosign(data: str, key: bytes, name: str, time: int, seed: bytes) -> str:
    """The note of the log of `key` with one more line: the witness `name` has seen it at this time. That the checkpoint is
    consistent with the last one that it signed is for the witness to know. [AUD-9]"""
    signed = f"cosignature/v1\ntime {time}\n{text(open_note(data, key))}".encode()
    signature = time.to_bytes(8, "big") + signatures.sign(seed, signed)
    return data + str(Line(name, key_id(name, COSIGNATURE, signatures.public_key(seed)), signature))


def origin(ledger: bytes) -> str:
    """The first line, which is the key's name too."""
    return f"blindlist/1/checkpoint/{ledger.hex()}"


def key_id(name: str, kind: bytes, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:4]


def _line(line: str) -> Line:
    """signed-note: a name without white space, control characters and `+`; a key id and at least a byte of signature."""
    dash, name, data = [*line.split(" "), "", ""][:3]
    if line != f"{dash} {name} {data}" or dash != "\u2014" or not name or re.search(r"[\s+\x00-\x1f]", name):
        raise Refused(*MALFORMED)
    signature = _base64(data)
    if len(signature) < 5:
        raise Refused(*MALFORMED)
    return Line(name, signature[:4], signature[4:])


def _base64(data: str) -> bytes:
    """RFC 4648, section 4, in its one canonical form."""
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(*MALFORMED) from error
    if base64.b64encode(decoded).decode() != data:
        raise Refused(*MALFORMED)
    return decoded


# What a client holds a checkpoint against. [AUD-7] [AUD-8]


@dataclass(frozen=True)
class Held:
    """A receipt that was sent, with the path from its entry to the checkpoint's root."""

    index: int
    entry: bytes
    path: Sequence[bytes]


@dataclass(frozen=True)
class Earlier:
    """A checkpoint that is remembered, or the catalog's, with the path that shows it to be a beginning of the new one. (One of
    no entries is a beginning of every log, and there is no path.)"""

    size: int
    root: bytes
    path: Sequence[bytes]


def accept(ledger: bytes, key: bytes, fields: dict[str, Any], held: Sequence[Held], earlier: Sequence[Earlier]) -> None:
    """Refuses a checkpoint, of the ledger and receipt key of an epoch record, that does not stand up to what was seen before."""
    check_signed(ledger, key, fields)
    for last in earlier:
        check_consistent(fields, last)
    for receipt in held:
        check_covers(fields, receipt)


def check_signed(ledger: bytes, key: bytes, fields: dict[str, Any]) -> None:
    verify(key, fields)
    if fields["ledger"] != ledger:
        raise Refused("log", "AUD-7")


def check_consistent(fields: dict[str, Any], last: Earlier) -> None:
    """Refuses a checkpoint that an earlier one is not a beginning of. [AUD-8]"""
    if fields["size"] < last.size or (fields["size"] == last.size and fields["root"] != last.root):
        raise Refused("log", "AUD-8")
    if last.size == 0 and last.root == log.root([]):
        return
    with shown():
        log.verify_consistency(last.size, last.root, fields["size"], fields["root"], last.path)


def check_covers(fields: dict[str, Any], receipt: Held) -> None:
    if receipt.index >= fields["size"]:
        raise Refused("log", "AUD-7")
    with shown():
        log.verify_inclusion(log.leaf(receipt.entry), receipt.index, fields["size"], fields["root"], receipt.path)


@contextmanager
def shown() -> Iterator[None]:
    """A path that does not hold shows nothing: the checkpoint is refused for it. [AUD-7]"""
    try:
        yield
    except Refused as error:
        raise Refused("log", "AUD-7") from error
