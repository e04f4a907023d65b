"""SPEC.md sections 18 and 19: every message, and bytes that are none."""

from __future__ import annotations

from typing import Any, Iterator

from blindlist.encoding import U16, U32, U64, Bytes, Choice
from blindlist.messages import INTERNAL, OVER_BUDGET, REQUEST, RESPONSE, read_response

from . import ledger
from .chunks import chunk_of, elements
from .common import Scenario, bytes_for, refused
from .fixtures import ONE, OPERATOR_KEY, SIGNING_SEED, SPRING
from .walk_through import ELEMENTS
from .walk_through import request as walked_request
from .walk_through import response as walked_response

MALFORMED = refused("encoding", "malformed")
TRAILING = refused("encoding", "trailing")


def scenarios() -> Iterator[Scenario]:
    for name, about, value in requests():
        yield message("request", name, about, REQUEST.encode(value))
    for name, about, value in responses():
        yield message("response", name, about, RESPONSE.encode(value))
    yield from numbers()
    yield from truncated("request", REQUEST, {name: value for name, _, value in requests()})
    yield from truncated("response", RESPONSE, {name: value for name, _, value in responses()})
    yield from trailing()
    yield from lengths()
    yield from holders()
    yield from receipts()


def message(operation: str, name: str, about: str, data: bytes, rules: list[str] | None = None, expect: Any = None) -> Scenario:
    return Scenario(operation, name, about, rules or (["ENC-1"] if expect else []), {"message": data.hex()}, expect)


def evaluate_fields(n: int, holders: bytes = b"\1") -> dict[str, Any]:
    chunk = chunk_of(ONE, elements(n))
    return {
        "epoch": ONE.id,
        "holders": holders,
        "job": chunk.job,
        "number": chunk.number,
        "elements": elements(n),
        "signature": chunk.sign(SIGNING_SEED),
    }


def requests() -> list[tuple[str, str, Any]]:
    most = bytes(range(224, 256))
    return [
        ("catalog", "The catalog snapshot.", ("Catalog", None)),
        ("object", "An object by its digest.", ("Object", {"digest": SPRING.digest})),
        ("segment", "A segment of an index.", ("Segment", {"release": SPRING.fields["release"], "number": 2**32 - 1})),
        ("account", "The account in an epoch.", ("Account", {"epoch": ONE.id})),
        ("evaluate-3", "A chunk of three elements.", ("Evaluate", evaluate_fields(3))),
        ("evaluate-empty", "A chunk without elements is well-formed: it is refused later.", ("Evaluate", evaluate_fields(0))),
        ("evaluate-two-holders", "A set of two.", ("Evaluate", evaluate_fields(1, b"\2\5"))),
        ("evaluate-32-holders", "As many holders as there may be.", ("Evaluate", evaluate_fields(1, most))),
        ("checkpoint", "A checkpoint of a ledger.", ("Checkpoint", {"ledger": ledger.LEDGER})),
        ("consistency", "A consistency proof.", ("Consistency", {"ledger": ledger.LEDGER, "from": 5, "to": 12})),
        ("consistency-odd", "Numbers that no log has are well-formed.", ("Consistency", {"ledger": ledger.LEDGER, "from": 2**64 - 1, "to": 0})),
        ("inclusion", "An inclusion proof.", ("Inclusion", {"ledger": ledger.LEDGER, "index": 4, "size": 12})),
        ("inclusion-odd", "Numbers that no log has are well-formed.", ("Inclusion", {"ledger": ledger.LEDGER, "index": 2**64 - 1, "size": 0})),
        ("succession", "The succession of a manifest key.", ("Succession", {"key": OPERATOR_KEY})),
    ]


def evaluated(n: int, receipt: dict[str, Any]) -> tuple[str, Any]:
    fields = {
        "elements": elements(n),
        "proof": bytes_for("some proof", 64),
        "account": {"granted": 2**64 - 1, "spent": 2**63},
        "receipt": receipt,
    }
    return "Evaluated", fields


def receipt_of(length: int) -> dict[str, Any]:
    return {"index": 7, "entry": bytes_for("entry", length), "signature": bytes_for("receipt's signature", 64)}


def path(n: int) -> list[bytes]:
    return [bytes_for(f"hash {i}", 32) for i in range(n)]


def responses() -> list[tuple[str, str, Any]]:
    most = 2**64 - 1
    checkpoint = {
        "ledger": ledger.LEDGER,
        "size": 12,
        "root": bytes_for("a root", 32),
        "time": ledger.TIME,
        "signature": bytes_for("a signature", 64),
    }
    return [
        ("catalog", "A catalog snapshot.", ("Catalog", bytes_for("a snapshot", 20))),
        ("object", "A signed object.", ("Object", bytes_for("an object", 20))),
        ("segment", "A segment.", ("Segment", SPRING.index)),
        ("segment-empty", "A segment without bytes.", ("Segment", b"")),
        ("account", "An account.", ("Account", {"granted": 5_000_064, "spent": 64})),
        ("evaluated-3", "An answer.", evaluated(3, receipt_of(200))),
        ("evaluated-empty", "An answer without elements is well-formed.", evaluated(0, receipt_of(200))),
        ("evaluated-receipt-1024", "A receipt's entry of 1,024 bytes.", evaluated(1, receipt_of(1024))),
        ("evaluated-receipt-empty", "A receipt's entry without bytes.", evaluated(1, receipt_of(0))),
        ("refused-internal", "A refusal without a value.", ("Refused", {"code": INTERNAL, "value": 0})),
        ("refused-over-budget", "A refusal with a value.", ("Refused", {"code": OVER_BUDGET, "value": 4096})),
        ("refused-0", "A code that nobody knows is a refusal too.", ("Refused", {"code": 0, "value": 2**64 - 1})),
        ("refused-65535", "The highest code.", ("Refused", {"code": 65535, "value": 1})),
        ("checkpoint", "A checkpoint.", ("Checkpoint", checkpoint)),
        ("checkpoint-highest", "A checkpoint with the highest numbers.", ("Checkpoint", checkpoint | {"size": most, "time": most})),
        ("path", "A path of three hashes.", ("Path", path(3))),
        ("path-empty", "A path without hashes.", ("Path", [])),
    ]


def numbers() -> Iterator[Scenario]:
    """Alternatives that there are not."""
    for operation, first, rest in [("request", 9, bytes(32)), ("response", 8, U64.encode(0))]:
        for number in (first, first + 1, 256, 2**32 - 1):
            data = U32.encode(number) + rest
            yield message(operation, f"alternative-{number}", "An alternative that is unknown.", data, ["ENC-1"], MALFORMED)
    short = U16.encode(0)
    yield message(
        "request", "number-of-two-bytes", "The number of an alternative is four bytes.", short, ["ENC-1", "REF-1"], MALFORMED
    )
    yield message("request", "empty", "No bytes.", b"", ["ENC-1", "REF-1"], MALFORMED)
    yield message("response", "empty", "No bytes.", b"", ["ENC-1"], MALFORMED)


def truncated(operation: str, choice: Choice, values: dict[str, tuple[str, Any]]) -> Iterator[Scenario]:
    """Each alternative with fields, cut short within each of them."""
    longest = {"Evaluate": "evaluate-3"}
    for alternative, kind in choice.alternatives:
        if kind is None:
            continue
        fields = values[longest.get(alternative, next(n for n, (a, _) in values.items() if a == alternative))][1]
        end = 4
        for name, field in getattr(kind, "fields", [("bytes" if kind is Bytes else "hashes", kind)]):
            end += len(field.encode(fields[name] if isinstance(fields, dict) else fields))
            data = choice.encode((alternative, fields))[: end - 1]
            about = f"{alternative}, cut short in `{name}`."
            yield message(operation, f"{alternative.lower()}-cut-in-{name.replace('_', '-')}", about, data, ["ENC-1"], MALFORMED)


def trailing() -> Iterator[Scenario]:
    """A byte after the value."""
    seen = set()
    for operation, choice, values in [("request", REQUEST, requests()), ("response", RESPONSE, responses())]:
        for _, _, value in values:
            name = f"{value[0].lower()}-trailing-byte"
            if (operation, name) not in seen:
                seen.add((operation, name))
                yield message(
                    operation, name, f"{value[0]}, and a byte after it.", choice.encode(value) + b"\0", ["ENC-1"], TRAILING
                )


def lengths() -> Iterator[Scenario]:
    """Lengths beyond the bytes that are there."""
    for operation, data, listed in [
        ("request", walked_request(), ELEMENTS),
        ("response", walked_response(), evaluated_elements()),
    ]:
        at = data.index(listed[0]) - 8
        for name, length in [("one-more", len(listed) + 1), ("beyond-memory", 2**64 - 1), ("times-32-is-0", 2**59)]:
            changed = data[:at] + U64.encode(length) + data[at + 8 :]
            about = f"A list of {length} elements, where bytes for {len(listed)} follow."
            yield message(operation, f"elements-{name}", about, changed, ["ENC-1", "ENC-3"], MALFORMED)
    listed = RESPONSE.encode(("Path", path(3)))
    for name, length in [("one-more", 4), ("beyond-memory", 2**64 - 1), ("times-32-is-0", 2**59)]:
        changed = listed[:4] + U64.encode(length) + listed[12:]
        yield message("response", f"path-{name}", "A path with fewer hashes than it says.", changed, ["ENC-1", "ENC-3"], MALFORMED)
    segment = RESPONSE.encode(("Segment", SPRING.index))
    for name, length in [("one-more", len(SPRING.index) + 1), ("beyond-memory", 2**63)]:
        changed = segment[:4] + U64.encode(length) + segment[12:]
        yield message(
            "response", f"segment-{name}", "A segment with fewer bytes than it says.", changed, ["ENC-1", "ENC-3"], MALFORMED
        )


def evaluated_elements() -> list[bytes]:
    """The elements of the walk-through's answer."""
    return read_response(walked_response())[1]["elements"]


def holders() -> Iterator[Scenario]:
    """Section 17: what is no list of 1 to 32 indices, each at least 1, strictly ascending."""
    for name, about, of in [
        ("empty", "No holders.", b""),
        ("0", "A holder 0.", b"\0"),
        ("0-and-1", "A holder 0 among others.", b"\0\1"),
        ("descending", "Holders that descend.", b"\2\1"),
        ("doubled", "A holder twice.", b"\1\1"),
        ("33", "33 holders.", bytes(range(1, 34))),
    ]:
        data = REQUEST.encode(("Evaluate", evaluate_fields(1, of)))
        yield message("request", f"holders-{name}", about, data, ["ENC-1", "EVA-2"], MALFORMED)


def receipts() -> Iterator[Scenario]:
    long = RESPONSE.encode(evaluated(1, receipt_of(1025)))
    yield message("response", "evaluated-receipt-1025", "A receipt's entry of 1,025 bytes.", long, ["MSG-2"], MALFORMED)
    right = RESPONSE.encode(evaluated(1, receipt_of(200)))
    without = right[: -(8 + 8 + 200 + 64)]
    yield message("response", "evaluated-no-receipt", "An answer without a receipt.", without, ["ENC-1"], MALFORMED)
    option = "A receipt may not be absent, so nothing says whether it is there."
    yield message("response", "evaluated-receipt-absent", option, without + b"\0", ["ENC-1"], MALFORMED)
    at = len(without) + 8
    beyond = right[:at] + U64.encode(2**63) + right[at + 8 :]
    yield message("response", "evaluated-entry-beyond-memory", "An entry with fewer bytes than it says.", beyond, ["ENC-1", "ENC-3"], MALFORMED)
    long = RESPONSE.encode(("Path", path(129)))
    yield message("response", "path-129", "A path of 129 hashes.", long, ["MSG-2"], MALFORMED)
