"""SPEC.md section 22.1: entries of the audit log, alone, and bytes that are none; section 22.2: signatures of receipts."""

from __future__ import annotations

from typing import Any, Iterator

from blindlist import log
from blindlist.encoding import U32, U64

from .common import Scenario, bytes_for, refused
from .epochs import NOT_CANONICAL
from .fixtures import INSURER_ID, ONE, OPERATOR_KEY, OTHER_KEY, OTHER_SEED
from .ledger import ENROLMENT, EPOCH, LEDGER, RECEIPT_SEED, RELEASE, TIME, budget, charge, charge_fields, chunk, refusal
from .walk_through import ENTRY

MALFORMED = refused("encoding", "malformed")
MOST = 2**64 - 1


def scenarios() -> Iterator[Scenario]:
    for name, about, (event, fields) in events():
        yield read(name, about, log.entry(TIME, event, fields))
    yield read("time-0", "The lowest time.", log.entry(0, "Retirement", {"epoch": ONE.id}))
    yield read("time-highest", "The highest time.", log.entry(MOST, "Retirement", {"epoch": ONE.id}))
    yield from truncated()
    yield from values()
    yield from other_bytes()
    yield from receipts()


def read(name: str, about: str, data: bytes, rules: list[str] | None = None, expect: Any = None) -> Scenario:
    return Scenario("log-entry", name, about, rules or (["ENC-1"] if expect else []), {"entry": data.hex()}, expect)


def events() -> list[tuple[str, str, tuple[str, dict[str, Any]]]]:
    """Each event, the edges of its fields included."""
    holders = bytes(range(224, 256))
    return [
        ("charge", "A chunk was charged.", charge(chunk(0, 3), 67)),
        ("charge-32-holders", "A chunk for as many holders as there may be.", charge(chunk(0, 1), 1, holders=holders)),
        ("charge-of-nothing", "A count of 0 and a spent of 0 are well-formed: a log may not have them.", charge(chunk(0, 1), 0, count=0)),
        ("charge-highest", "The highest numbers.", charge(chunk(0, 1), MOST, count=2**32 - 1, number=2**32 - 1)),
        ("refusal", "A chunk was over budget.", refusal()),
        ("refusal-unknown-code", "A refusal with the highest code, which nobody knows.", refusal(65535, MOST)),
        ("enrolment", "An insurer was enrolled.", ("Enrolment", ENROLMENT)),
        ("enrolment-64-characters", "The longest name.", ("Enrolment", ENROLMENT | {"name": "z" * 64})),
        ("keys", "An insurer's keys were replaced.", ("Keys", keys())),
        ("status-active", "An insurer is active again.", status(log.ACTIVE)),
        ("status-suspended", "An insurer was suspended.", status(log.SUSPENDED)),
        ("status-revoked", "An insurer was revoked.", status(log.REVOKED)),
        ("budget", "An insurer's budget.", ("Budget", budget(5_000_064))),
        ("budget-highest", "The highest budget.", ("Budget", budget(MOST))),
        ("epoch", "An epoch was opened.", ("Epoch", EPOCH)),
        ("release", "A snapshot names a manifest.", ("Release", RELEASE)),
        ("retirement", "An epoch's key was destroyed.", ("Retirement", {"epoch": ONE.id})),
        ("succession", "The manifest key was succeeded.", ("Succession", succession())),
        ("continuation", "A log goes on from another.", ("Continuation", continuation(12))),
    ]  # fmt: skip


def keys() -> dict[str, Any]:
    return {"insurer": INSURER_ID, "signing_key": OTHER_KEY, "certificate": bytes_for("SHA-256 of a later certificate", 32)}


def status(of: int) -> tuple[str, dict[str, Any]]:
    return "Status", {"insurer": INSURER_ID, "status": of}


def succession() -> dict[str, Any]:
    return {"old_key": OPERATOR_KEY, "new_key": OTHER_KEY}


def continuation(size: int) -> dict[str, Any]:
    return {"ledger": bytes_for("a lost ledger", 16), "size": size, "root": bytes_for("root of a lost ledger", 32)}


def truncated() -> Iterator[Scenario]:
    """Each event, cut short within each of its fields."""
    seen = set()
    for _, _, (event, fields) in events():
        if event in seen or event in ("Keys", "Release", "Retirement", "Succession"):  # fields like others'
            continue
        seen.add(event)
        data, at = log.entry(TIME, event, fields), 12
        for field, kind in dict(log.EVENT.alternatives)[event].fields:
            at += len(kind.encode(fields[field]))
            name = f"{event.lower()}-cut-in-{field.replace('_', '-')}"
            yield read(name, f"{event}, cut short in `{field}`.", data[: at - 1], ["ENC-1"], MALFORMED)


def values() -> Iterator[Scenario]:
    """Values that their types do not allow."""
    for name, about, event, rule in [
        ("status-3", "A status that is none.", status(3), "ENC-1"),
        ("status-255", "A status that is none.", status(255), "ENC-1"),
        ("holders-empty", "A charge without holders.", charge(chunk(0, 1), 1, holders=b""), "ENC-1"),
        ("holders-0", "A charge with a holder 0.", charge(chunk(0, 1), 1, holders=b"\0\1"), "ENC-1"),
        ("holders-descending", "A charge whose holders descend.", charge(chunk(0, 1), 1, holders=b"\2\1"), "ENC-1"),
        ("holders-doubled", "A charge with a holder twice.", charge(chunk(0, 1), 1, holders=b"\2\2"), "ENC-1"),
        ("holders-33", "A charge with 33 holders.", charge(chunk(0, 1), 1, holders=bytes(range(1, 34))), "ENC-1"),
        ("name-empty", "An insurer without a name.", ("Enrolment", ENROLMENT | {"name": ""}), "TEXT-1"),
        ("name-upper-case", "A name that is no slug.", ("Enrolment", ENROLMENT | {"name": "Willow"}), "TEXT-1"),
        ("name-65-characters", "A name that is too long.", ("Enrolment", ENROLMENT | {"name": "z" * 65}), "TEXT-1"),
        ("epoch-key-identity", "K is the identity.", ("Epoch", EPOCH | {"key": bytes(32)}), "OPRF-1"),
        ("epoch-key-not-canonical", "K is no canonical encoding.", ("Epoch", EPOCH | {"key": NOT_CANONICAL}), "OPRF-1"),
    ]:
        yield read(name, about, log.entry(TIME, *event), sorted({"ENC-1", rule}), MALFORMED)


def other_bytes() -> Iterator[Scenario]:
    time = U64.encode(TIME)
    yield read("empty", "No bytes.", b"", ["ENC-1"], MALFORMED)
    yield read("cut-in-time", "A time of seven bytes.", time[:7], ["ENC-1"], MALFORMED)
    yield read("cut-in-number", "The number of an event is four bytes.", time + bytes(2), ["ENC-1"], MALFORMED)
    for number in (11, 256, 2**32 - 1):
        data = time + U32.encode(number) + bytes(200)
        yield read(f"event-{number}", "An event that there is not.", data, ["ENC-1"], MALFORMED)
    for _, _, (event, fields) in (row for row in events() if row[0] in ("charge", "enrolment", "retirement")):
        data = log.entry(TIME, event, fields) + b"\0"
        yield read(f"{event.lower()}-trailing-byte", f"{event}, and a byte after it.", data, ["ENC-1"], refused("encoding", "trailing"))
    retirement = log.entry(TIME, "Retirement", {"epoch": ONE.id})
    long = retirement + bytes(1024 - len(retirement))
    yield read("1024-bytes", "As many bytes as an entry may have, most of them after its end.", long, ["ENC-1"], refused("encoding", "trailing"))
    yield read("1025-bytes", "More bytes than an entry may have.", long + b"\0", ["ENC-2"], refused("encoding", "too-large"))
    text = log.entry(TIME, "Enrolment", ENROLMENT)
    at = 12 + 16
    beyond = text[:at] + U64.encode(2**63) + text[at + 8 :]
    yield read("name-beyond-memory", "A name with fewer bytes than it says.", beyond, ["ENC-1", "ENC-3"], MALFORMED)
    listed = log.entry(TIME, "Charge", charge_fields(chunk(0, 1), 1))
    at = 12 + 16 + 32
    beyond = listed[:at] + U64.encode(MOST) + listed[at + 8 :]
    yield read("holders-beyond-memory", "A list with fewer bytes than it says.", beyond, ["ENC-1", "ENC-3"], MALFORMED)


def receipts() -> Iterator[Scenario]:
    for name, about, changes in [
        ("index-0", "A receipt for the first entry.", {"index": 0}),
        ("index-highest", "A receipt for the last entry that there can be.", {"index": MOST}),
        ("another-ledger", "A receipt of another ledger.", {"ledger": bytes_for("another ledger", 16)}),
        ("another-seed", "A receipt of another key.", {"seed": OTHER_SEED}),
        ("another-entry", "A receipt for another entry.", {"entry": log.entry(TIME, *charge(chunk(0, 3), 3))}),
    ]:
        input = {"ledger": LEDGER, "index": 4, "entry": ENTRY, "seed": RECEIPT_SEED} | changes
        given = {member: value if isinstance(value, int) else value.hex() for member, value in input.items()}
        yield Scenario("receipt-sign", name, about, [], given)
