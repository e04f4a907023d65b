"""SPEC.md section 25.1: exchange files. Files are read and made whole here; programs do it piece by piece."""

from __future__ import annotations

import hashlib
from typing import Any, Callable

from . import signatures
from .encoding import U32, U64, Checked, Fixed, List, Option, Reader, Struct, Type, decode
from .errors import Refused
from .messages import REQUEST_LIMIT, RESPONSE_LIMIT, read_request, read_response

HEADER_LIMIT = 4_096
MOST_LOGS = 32
DIGEST = 32
MALFORMED = ("encoding", "malformed")

LOG = Struct("log", [("ledger", Fixed(16)), ("size", U64)])


def _are_logs(logs: list[dict[str, Any]]) -> bool:
    ledgers = [log["ledger"] for log in logs]
    ascending = all(a < b for a, b in zip(ledgers, ledgers[1:]))
    return ascending and len(logs) <= MOST_LOGS and all(log["size"] > 0 for log in logs)


class Kind:
    """Questions, or answers: what is different about them."""

    def __init__(self, name: str, header: Type, limit: int, count: tuple[int, int], read: Callable[[bytes], bytes]) -> None:
        self.line = f"blindlist/1 {name}\n".encode()
        self.domain = f"blindlist/1 {name} digest\n".encode()
        self.header, self.limit, self.count, self.question_of = header, limit, count, read


def question(request: bytes) -> bytes:
    """What an answer names its question by."""
    return hashlib.sha256(request).digest()


def _asked(content: bytes) -> bytes:
    if read_request(content)[0] != "Evaluate":
        raise Refused(*MALFORMED)
    return question(content)


def _answered(content: bytes) -> bytes:
    if len(content) < DIGEST:
        raise Refused(*MALFORMED)
    read_response(content[DIGEST:])
    return content[:DIGEST]


QUESTIONS = Kind(
    "questions",
    Struct("header", [("operator_key", Fixed(32)), ("insurer", Fixed(16)), ("logs", Checked(List(LOG), _are_logs))]),
    REQUEST_LIMIT,
    (1, 65_536),
    _asked,
)
ANSWERS = Kind(
    "answers",
    Struct(
        "header",
        [("operator_key", Fixed(32)), ("insurer", Fixed(16)), ("ledger", Fixed(16)), ("questions", Option(Fixed(32)))],
    ),
    DIGEST + RESPONSE_LIMIT,
    (0, 262_144),
    _answered,
)


def make(kind: Kind, header: dict[str, Any], contents: list[bytes], seed: bytes) -> bytes:
    """A file of these frames, whatever they hold."""
    frames = [kind.header.encode(header), *contents]
    before = kind.line + b"".join(U32.encode(len(frame)) + frame for frame in frames) + U32.encode(0)
    return before + signatures.sign(seed, kind.domain + hashlib.sha256(before).digest())


def read(kind: Kind, data: bytes, key: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Header and contents of a file that this key signed. [EXC-1]"""
    if not data.startswith(kind.line):
        raise Refused(*MALFORMED)
    reader = Reader(data)
    reader.take(len(kind.line))
    header = decode(kind.header, _frame(reader, HEADER_LIMIT) or _no_header(), HEADER_LIMIT)
    contents, questions = [], set()
    while (content := _frame(reader, kind.limit)) is not None:
        if len(contents) == kind.count[1]:
            raise Refused(*MALFORMED)
        asked = kind.question_of(content)
        if asked in questions:
            raise Refused(*MALFORMED)
        questions.add(asked)
        contents.append(content)
    if len(contents) < kind.count[0]:
        raise Refused(*MALFORMED)
    before = data[: reader.position]
    signature = reader.take(64)
    if reader.left():
        raise Refused("encoding", "trailing")
    signatures.verify(key, kind.domain + hashlib.sha256(before).digest(), signature)
    return header, contents


def _frame(reader: Reader, limit: int) -> bytes | None:
    """The next frame's content; None for the end."""
    length = reader.integer(4)
    if length > limit:
        raise Refused("encoding", "too-large")
    return reader.take(length) if length else None


def _no_header() -> bytes:
    raise Refused(*MALFORMED)
