"""SPEC.md section 25.1: files of questions and of answers."""

from __future__ import annotations

from typing import Any, Iterator

from blindlist import exchange
from blindlist.encoding import U32, to_json
from blindlist.exchange import ANSWERS, QUESTIONS, Kind
from blindlist.messages import OVER_BUDGET, REQUEST, RESPONSE

from .common import Scenario, bytes_for, refused
from .fixtures import INSURER_ID, ONE, OPERATOR_KEY, OTHER_KEY, SIGNING_KEY, SIGNING_SEED, SPRING
from .messages import evaluate_fields, evaluated, receipt_of
from .walk_through import request as walked_request

MALFORMED, TRAILING = refused("encoding", "malformed"), refused("encoding", "trailing")
TOO_LARGE, SIGNATURE = refused("encoding", "too-large"), refused("signature", "invalid")

LEDGER = ONE.holder(1)["ledger"]
RECEIPT_SEED, RECEIPT_KEY = ONE.receipt_seed(1), ONE.holder(1)["receipt_key"]
LOGS = [{"ledger": bytes([i]) * 16, "size": size} for i, size in [(1, 12), (3, 2**64 - 1)]]
ASKING: dict[str, Any] = {"operator_key": OPERATOR_KEY, "insurer": INSURER_ID, "logs": LOGS}
CHUNKS = [REQUEST.encode(("Evaluate", evaluate_fields(n))) for n in (3, 1)]
QUESTIONS_FILE = exchange.make(QUESTIONS, ASKING, CHUNKS, SIGNING_SEED)
DIGEST = exchange.question(QUESTIONS_FILE)
ANSWERING = {"operator_key": OPERATOR_KEY, "insurer": INSURER_ID, "ledger": LEDGER, "questions": DIGEST}
ANSWERED = [
    (CHUNKS[0], RESPONSE.encode(evaluated(3, receipt_of(200)))),
    (CHUNKS[1], RESPONSE.encode(("Refused", {"code": OVER_BUDGET, "value": 1}))),
    (REQUEST.encode(("Account", {"epoch": ONE.id})), RESPONSE.encode(("Account", {"granted": 64, "spent": 63}))),
]
PUBLISHED = [
    (REQUEST.encode(("Catalog", None)), RESPONSE.encode(("Catalog", bytes_for("a snapshot", 20)))),
    (REQUEST.encode(("Segment", {"release": SPRING.fields["release"], "number": 0})), RESPONSE.encode(("Segment", SPRING.index))),
]


def scenarios() -> Iterator[Scenario]:
    yield from questions()
    yield from answers()
    yield from refused_questions()
    yield from refused_answers()
    yield from refused_bytes("questions", QUESTIONS, QUESTIONS_FILE, SIGNING_KEY)
    yield from refused_bytes("answers", ANSWERS, answers_file(), RECEIPT_KEY)


def contents(answered: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [exchange.question(request) + response for request, response in answered]


def answers_file(header: dict[str, Any] = ANSWERING, answered: list[tuple[bytes, bytes]] = ANSWERED) -> bytes:
    return exchange.make(ANSWERS, header, contents(answered), RECEIPT_SEED)


def json_of(kind: Kind, header: dict[str, Any]) -> dict[str, Any]:
    return to_json(kind.header, header)


def read(kind: str, name: str, about: str, data: bytes, key: bytes, expect: Any = None) -> Scenario:
    return Scenario(f"{kind}-read", name, about, ["EXC-1"], {"file": data.hex(), "key": key.hex()}, expect)


def questions() -> Iterator[Scenario]:
    most = [{"ledger": bytes([i]) * 16, "size": 1} for i in range(32)]
    for name, about, logs, requests in [
        ("two-chunks", "Two chunks, and two logs that are remembered.", LOGS, CHUNKS),
        ("no-logs", "One chunk, and no log.", [], [walked_request()]),
        ("32-logs", "As many logs as there may be.", most, CHUNKS[:1]),
    ]:
        header = ASKING | {"logs": logs}
        made = {"requests": [request.hex() for request in requests], "seed": SIGNING_SEED.hex()}
        yield Scenario("questions-make", name, about, ["EXC-1"], json_of(QUESTIONS, header) | made)
        yield read("questions", name, about, exchange.make(QUESTIONS, header, requests, SIGNING_SEED), SIGNING_KEY)


def answers() -> Iterator[Scenario]:
    for name, about, asked, answered in [
        ("to-questions", "Answers to questions, one of them a refusal, and to what the operator adds.", DIGEST, ANSWERED),
        ("publication", "Answers to no questions.", None, PUBLISHED),
        ("no-answers", "No answers.", None, []),
    ]:
        header = ANSWERING | {"questions": asked}
        pairs = [[request.hex(), response.hex()] for request, response in answered]
        made = {"answers": pairs, "seed": RECEIPT_SEED.hex()}
        yield Scenario("answers-make", name, about, ["EXC-1"], json_of(ANSWERS, header) | made)
        yield read("answers", name, about, answers_file(header, answered), RECEIPT_KEY)


def refused_questions() -> Iterator[Scenario]:
    def asked(header: dict[str, Any] = ASKING, requests: list[bytes] = CHUNKS) -> bytes:
        return exchange.make(QUESTIONS, header, requests, SIGNING_SEED)

    catalog = REQUEST.encode(("Catalog", None))
    many = [{"ledger": bytes([i]) * 16, "size": 1} for i in range(33)]
    for name, about, data, expect in [
        ("no-question", "No question.", asked(requests=[]), MALFORMED),
        ("twice", "The same question twice.", asked(requests=[*CHUNKS, CHUNKS[0]]), MALFORMED),
        ("catalog", "A question for something else than evaluations.", asked(requests=[*CHUNKS, catalog]), MALFORMED),
        ("no-request", "A frame that is no request.", asked(requests=[CHUNKS[0][:-1]]), MALFORMED),
        ("request-and-more", "A request and a byte in a frame.", asked(requests=[CHUNKS[0] + b"\0"]), TRAILING),
        ("logs-descending", "Logs that descend.", asked(ASKING | {"logs": LOGS[::-1]}), MALFORMED),
        ("log-twice", "A log twice.", asked(ASKING | {"logs": [LOGS[0], LOGS[0]]}), MALFORMED),
        ("log-of-nothing", "A log of which nothing is remembered.", asked(ASKING | {"logs": [LOGS[0] | {"size": 0}]}), MALFORMED),
        ("33-logs", "More logs than there may be.", asked(ASKING | {"logs": many}), MALFORMED),
        ("answers", "A file of answers.", answers_file(), MALFORMED),
    ]:
        yield read("questions", name, about, data, SIGNING_KEY, expect)


def refused_answers() -> Iterator[Scenario]:
    answer = contents(ANSWERED)[0]
    for name, about, frames, expect in [
        ("twice", "Two answers to one question.", [answer, answer[:32] + ANSWERED[1][1]], MALFORMED),
        ("no-response", "A digest, and no response.", [answer[:32]], MALFORMED),
        ("no-digest", "A frame shorter than a digest.", [answer[:31]], MALFORMED),
        ("response-and-more", "A response and a byte in a frame.", [answer + b"\0"], TRAILING),
    ]:
        yield read("answers", name, about, exchange.make(ANSWERS, ANSWERING, frames, RECEIPT_SEED), RECEIPT_KEY, expect)
    yield read("answers", "questions", "A file of questions.", QUESTIONS_FILE, RECEIPT_KEY, MALFORMED)


def refused_bytes(name: str, kind: Kind, right: bytes, key: bytes) -> Iterator[Scenario]:
    line = len(kind.line)
    header = int.from_bytes(right[line : line + 4], "little")
    first = line + 4 + header

    def with_length(at: int, length: int) -> bytes:
        return right[:at] + U32.encode(length) + right[at + 4 :]

    for what, about, data, expect in [
        ("empty", "No bytes.", b"", MALFORMED),
        ("line-alone", "The line, and nothing else.", kind.line, MALFORMED),
        ("no-header", "The end where the header should be.", with_length(line, 0), MALFORMED),
        ("header-too-long", "A header that is longer than it may be.", with_length(line, 4_097), TOO_LARGE),
        ("frame-too-long", "A frame that is longer than it may be.", with_length(first, kind.limit + 1), TOO_LARGE),
        ("frame-beyond-memory", "A frame of 4 GiB.", with_length(first, 2**32 - 1), TOO_LARGE),
        ("cut-in-header", "Cut short in the header.", right[: first - 1], MALFORMED),
        ("cut-in-frame", "Cut short in a frame.", right[: first + 40], MALFORMED),
        ("cut-before-end", "Cut short before its end.", right[:-68], MALFORMED),
        ("cut-in-signature", "Cut short in the signature.", right[:-1], MALFORMED),
        ("trailing-byte", "A byte after the signature.", right + b"\0", TRAILING),
        ("another-signature", "A bit of the signature is another.", right[:-1] + bytes([right[-1] ^ 1]), SIGNATURE),
        ("another-operator", "A bit of the header is another.", right[: line + 4] + bytes([right[line + 4] ^ 1]) + right[line + 5 :], SIGNATURE),
    ]:
        yield read(name, what, about, data, key, expect)
    yield read(name, "another-key", "Another key signed it.", right, OTHER_KEY, SIGNATURE)
