"""SPEC.md section 22.4: exports of a log."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator

from blindlist import checkpoints, exports, log

from .common import Scenario, bytes_for, refused
from .fixtures import OTHER_KEY, OTHER_SEED
from .ledger import LEDGER, RECEIPT_KEY, RECEIPT_SEED, TIME, log_of
from .logs import whole
from .notes import WITNESS, WITNESS_SEED

ENTRIES = log_of(whole()[:4])
MALFORMED, RULE, SIGNATURE = refused("export", "malformed"), refused("export", "AUD-10"), refused("note", "signature")

Line = dict[str, Any]
Lines = list[Line]


def scenarios() -> Iterator[Scenario]:
    yield from accepted()
    yield from refused_entries()
    yield from refused_checkpoints()
    yield from malformed()


def note(entries: list[bytes] = ENTRIES, seed: bytes = RECEIPT_SEED, key: bytes = RECEIPT_KEY, **changes: Any) -> str:
    fields = {"ledger": LEDGER, "size": len(entries), "root": log.root([log.leaf(entry) for entry in entries]), "time": TIME} | changes
    return checkpoints.note(key, checkpoints.sign(seed, **fields))


def lines() -> Lines:
    return [json.loads(line) for line in exports.write(LEDGER, ENTRIES, note()).splitlines()]


def text(of: Lines) -> str:
    return "".join(json.dumps(line) + "\n" for line in of)


def read(name: str, about: str, data: str, expect: Any = None, key: bytes = RECEIPT_KEY) -> Scenario:
    return Scenario("export-read", name, about, ["AUD-10"], {"export": data, "key": key.hex()}, expect)


def accepted() -> Iterator[Scenario]:
    yield read("four-entries", "An export of four entries.", exports.write(LEDGER, ENTRIES, note()))
    yield read("no-entries", "An export of a log without entries.", exports.write(LEDGER, [], note([])))
    yield read("one-entry", "An export of one entry.", exports.write(LEDGER, ENTRIES[:1], note(ENTRIES[:1])))
    cosigned = checkpoints.cosign(note(), RECEIPT_KEY, WITNESS, TIME + 60, WITNESS_SEED)
    yield read("cosigned", "A witness has signed the checkpoint.", exports.write(LEDGER, ENTRIES, cosigned))
    first, *entries, last = lines()
    explained = [line | {"event": "something", "time": {"year": 2026}, "list": [None, 1.5, "\u00e9"]} for line in entries]
    about = "Other members, which are ignored, even when they say something else than the bytes."
    yield read("other-members", about, text([first | {"software": "x"}, *explained, last | {"note": ""}]))
    escaped = text(lines()).replace('"entry"', '"\\u0065ntry"')
    yield read("escaped", "A member's name with an escaped letter.", escaped)


def changed(name: str, about: str, change: Callable[[Lines], Any], expect: Any) -> Scenario:
    """The export after a change of its lines."""
    given = lines()
    change(given)
    return read(name, about, text(given), expect)


def refused_entries() -> Iterator[Scenario]:
    def swap_entries(of: Lines) -> None:
        of[2]["entry"], of[3]["entry"] = of[3]["entry"], of[2]["entry"]

    other = log.entry(TIME, "Retirement", {"epoch": bytes(32)}).hex()
    for name, about, change in [
        ("entry-changed", "An entry is another.", lambda of: of[3].update(entry=other)),
        ("entry-missing", "An entry is missing in the middle.", lambda of: of.pop(3)),
        ("entry-missing-renumbered", "An entry is missing, and the others are numbered anew.", lambda of: renumber(of, of.pop(3))),
        ("last-missing", "The last entry is missing.", lambda of: of.pop(-2)),
        ("entries-exchanged", "Two entries are exchanged, the numbers are not.", swap_entries),
    ]:
        yield changed(name, about, change, RULE)


def renumber(of: Lines, _: Line) -> None:
    for number, line in enumerate(of[1:-1]):
        line["index"] = number


def refused_checkpoints() -> Iterator[Scenario]:
    def given(data: str) -> Callable[[Lines], None]:
        return lambda of: of[-1].update(checkpoint=data)

    for name, about, data, expect in [
        ("another-root", "The checkpoint has another root.", note(root=bytes_for("another root", 32)), RULE),
        ("earlier-checkpoint", "The checkpoint is of an earlier moment: then the export must end there.", note(ENTRIES[:3]), RULE),
        ("note-malformed", "The note lacks its last newline.", note()[:-1], refused("note", "malformed")),
        ("note-flipped", "The note's signature is of another time.", note().replace(str(TIME), str(TIME + 1)), SIGNATURE),
        ("note-by-another-key", "Another key signed the note.", note(seed=OTHER_SEED, key=OTHER_KEY), SIGNATURE),
        ("note-by-another-key-as-its-own", "Another key signed the note under the log's id.", note(seed=OTHER_SEED), SIGNATURE),
    ]:
        yield changed(name, about, given(data), expect)
    either = refused("export", "malformed", "AUD-10")
    about = "The first line names another ledger than the checkpoint."
    yield changed("another-ledger", about, lambda of: of[0].update(ledger=bytes(16).hex()), either)
    yield changed("checkpoint-of-another-ledger", "The checkpoint is of another ledger.", given(note(ledger=bytes(16))), either)


def malformed() -> Iterator[Scenario]:
    for name, about, change in [
        ("blindlist-missing", "The first line does not say what it is.", lambda of: of[0].pop("blindlist")),
        ("blindlist-audit-2", "Another version.", lambda of: of[0].update(blindlist="audit 2")),
        ("entry-upper-case", "An entry is in capitals.", lambda of: of[2].update(entry=of[2]["entry"].upper())),
        ("entry-member-missing", "A line has no entry.", lambda of: of[2].pop("entry")),
        ("checkpoint-missing", "The last line is missing.", lambda of: of.pop()),
        ("first-missing-line", "The first line is missing.", lambda of: of.pop(0)),
        ("line-after", "A line follows the checkpoint.", lambda of: of.append({"index": 4, "entry": ""})),
    ]:
        yield changed(name, about, change, MALFORMED)
    right = text(lines())
    for name, about, data in [
        ("empty", "Nothing.", ""),
        ("not-json", "A line is no JSON.", right.replace('"index": 2', "index: 2")),
        ("empty-line", "An empty line.", right.replace("\n", "\n\n", 1)),
    ]:
        yield read(name, about, data, MALFORMED)
