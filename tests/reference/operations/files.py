"""The operations of section 25.1: exchange files."""

from __future__ import annotations

from blindlist import exchange
from blindlist.encoding import Bytes, Fixed, List, Option, Tuple

from .registry import operation

Logs = List(exchange.LOG)
Answer = Tuple(Fixed(32), Bytes)


@operation(
    "questions-make",
    {"operator_key": Fixed(32), "insurer": Fixed(16), "logs": Logs, "requests": List(Bytes), "seed": Fixed(32)},
    {"file": Bytes, "digest": Fixed(32)},
)
def questions_make(requests: list[bytes], seed: bytes, **header: object) -> dict:
    file = exchange.make(exchange.QUESTIONS, header, requests, seed)
    return {"file": file, "digest": exchange.question(file)}


@operation(
    "questions-read",
    {"file": Bytes, "key": Fixed(32)},
    {"operator_key": Fixed(32), "insurer": Fixed(16), "logs": Logs, "requests": List(Bytes)},
)
def questions_read(file: bytes, key: bytes) -> dict:
    header, requests = exchange.read(exchange.QUESTIONS, file, key)
    return header | {"requests": requests}


@operation(
    "answers-make",
    {
        "operator_key": Fixed(32),
        "insurer": Fixed(16),
        "ledger": Fixed(16),
        "questions": Option(Fixed(32)),
        "answers": List(Tuple(Bytes, Bytes)),
        "seed": Fixed(32),
    },
    {"file": Bytes},
)
def answers_make(answers: list[tuple[bytes, bytes]], seed: bytes, **header: object) -> dict:
    contents = [exchange.question(request) + response for request, response in answers]
    return {"file": exchange.make(exchange.ANSWERS, header, contents, seed)}


@operation(
    "answers-read",
    {"file": Bytes, "key": Fixed(32)},
    {
        "operator_key": Fixed(32),
        "insurer": Fixed(16),
        "ledger": Fixed(16),
        "questions": Option(Fixed(32)),
        "answers": List(Answer),
    },
)
def answers_read(file: bytes, key: bytes) -> dict:
    header, contents = exchange.read(exchange.ANSWERS, file, key)
    split = exchange.DIGEST
    return header | {"answers": [(content[:split], content[split:]) for content in contents]}
