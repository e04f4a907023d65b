"""SPEC.md section 21: what is found of members in a release, and canaries that are not as they should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Sequence

from blindlist import entries
from blindlist.entries import canary_categories
from blindlist.epoch import EPOCH_RECORD
from blindlist.manifest import MANIFEST
from blindlist.objects import sign_object

from .common import Scenario, refused
from .fixtures import (
    DICTIONARY, OF_THREE, ONE, OPERATOR_KEY, OPERATOR_SEED, OTHER_SEED, SPRING, Epoch, Release, epoch_of, hex_of, member,
    release_of, row_of, scalar_for, sealed,
)  # fmt: skip

WIDE = [f"category-{i}" for i in range(17)]
ON_IT = {member(i): [WIDE[i % 17], WIDE[16]] for i in range(20)}


def scenarios() -> Iterator[Scenario]:
    yield from found()
    yield from wrong_canaries()
    yield from inconsistent_labels()
    yield from not_what_was_signed()


def match(
    name: str,
    about: str,
    rules: list[str],
    release: Release,
    members: Sequence[bytes],
    expect: dict[str, Any] | None = None,
    epoch: Epoch = ONE,
    **changes: Any,
) -> Scenario:
    input = {
        "manifest": release.manifest.hex(),
        "record": epoch.record.hex(),
        "pinned": OPERATOR_KEY.hex(),
        "index": release.index.hex(),
        "members": hex_of([epoch.evaluation(x) for x in members]),
        "canaries": hex_of([epoch.evaluation(x) for x in epoch.canaries()]),
    }
    return Scenario("match", name, about, rules, input | changes, expect)


def found() -> Iterator[Scenario]:
    rules = ["MAT-1", "CAN-2"]
    some = [member(i) for i in (5, 1, 2)]
    yield match("one-of-three", "One of three members is on the release.", rules, SPRING, some)
    yield match("nobody", "No member is on the release.", rules, SPRING, some[::2])
    yield match("no-members", "No members: the canaries alone are held against the release.", rules, SPRING, [])
    yield match("a-member-twice", "A member in two rows.", rules, SPRING, [member(1), member(1)])
    wide = release_of("wide", ONE, WIDE, ON_IT)
    yield match("three-bytes", "Labels of three bytes.", rules, wide, [member(i) for i in range(15, 25)])
    full = release_of("full", ONE, [f"c{i}" for i in range(64)], {member(1): [f"c{i}" for i in range(64)]})
    yield match("64-categories", "All of 64 categories.", rules, full, [member(1), member(2)])
    one = release_of("one", ONE, ["contact"], {member(1): ["contact"]})
    yield match("one-category", "One category: all canaries have the same label.", rules, one, some)
    eight = release_of("eight", ONE, WIDE[:8], {member(1): WIDE[:8:7]})
    yield match("eight-categories", "Eight categories fill a byte.", rules, eight, some)
    shared = release_of("shared", OF_THREE, DICTIONARY, {member(2): ["bank-account"]})
    yield match("two-of-three", "A release of the epoch of three holders.", rules, shared, some, epoch=OF_THREE)


def labelled(changed: dict[int, list[str] | None]) -> Release:
    """SPRING with other labels for some canaries; None leaves one out."""
    id = SPRING.fields["release"]
    labels = {i: canary_categories(DICTIONARY, i) for i in range(4)} | changed
    people = {x: labels[i] for i, x in enumerate(ONE.canaries())} | {member(1): ["contact"], member(2): ["health"]}
    rows = [row_of(id, ONE.evaluation(x), DICTIONARY, label) for x, label in people.items() if label is not None]
    return sealed("spring-2026", ONE, DICTIONARY, id, rows)


def wrong_canaries() -> Iterator[Scenario]:
    wrong, members = refused("canary", "CAN-2"), [member(1)]

    def canary(name: str, about: str, release: Release, members: Sequence[bytes] = members, **changes: Any) -> Scenario:
        return match(f"canary-{name}", about, ["CAN-1", "CAN-2"], release, members, wrong, **changes)

    for i in range(4):
        yield canary(f"{i}-missing", f"Canary {i} is not in the release.", labelled({i: None}))
    yield canary("all-missing", "No canary is in the release.", release_without_canaries())
    yield canary("0-with-less", "Canary 0 has not all categories.", labelled({0: ["contact", "health"]}))
    yield canary("1-with-more", "Canary 1 has a category more.", labelled({1: ["contact", "health"]}))
    yield canary("2-with-another", "Canary 2 has another's label.", labelled({2: ["contact"]}))
    yield canary("missing-without-members", "Canary 3 is missing, and there are no members.", labelled({3: None}), [])
    values = [ONE.evaluation(x) for x in ONE.canaries()]
    exchanged = hex_of([values[1], values[0], *values[2:]])
    yield canary("exchanged", "The evaluations of two canaries are exchanged.", SPRING, canaries=exchanged)
    elsewhere = hex_of([OTHER.evaluation(x) for x in ONE.canaries()])
    yield canary("under-another-key", "The canaries were evaluated with another key.", SPRING, canaries=elsewhere)


OTHER = epoch_of("an epoch of another key", [scalar_for("k of another epoch")], [1])


def release_without_canaries() -> Release:
    id = SPRING.fields["release"]
    rows = [row_of(id, ONE.evaluation(member(i)), DICTIONARY, ["contact"]) for i in range(5)]
    return sealed("spring-2026", ONE, DICTIONARY, id, rows)


def inconsistent_labels() -> Iterator[Scenario]:
    """Entries of members that decrypt to no label. The canaries are sound."""
    for name, about, plain in [
        ("without-bits", "A member's label has no bit.", b"\0"),
        ("bit-above-n", "A member's label has a bit above the dictionary's.", b"\x08"),
        ("bits-on-both-sides", "A member's label has a bit that it may have, and one above.", b"\x81"),
    ]:
        tag, pad = entries.entry(SPRING.fields["release"], ONE.evaluation(member(1)))
        rows = [(tag, entries.hide(plain, pad)) if row[0] == tag else row for row in SPRING.rows]
        release = sealed("spring-2026", ONE, DICTIONARY, SPRING.fields["release"], rows)
        members = [member(2), member(1)]
        yield match(f"label-{name}", about, ["LAB-2"], release, members, refused("label", "inconsistent"))
        if plain == b"\0":
            about = "Nobody asks about the person with the wrong label."
            yield match(f"label-{name}-not-asked", about, ["LAB-2"], release, [member(2)])


def not_what_was_signed() -> Iterator[Scenario]:
    members = [member(1)]
    flipped = SPRING.index[:-1] + bytes([SPRING.index[-1] ^ 1])
    yield match(
        "index-flipped",
        "A bit of the index is another.",
        ["MAT-1", "MAN-5"],
        SPRING,
        members,
        refused("release", "MAN-5"),
        index=flipped.hex(),
    )
    cut = SPRING.index[:-1].hex()
    yield match(
        "index-cut-short", "The index is cut short.", ["MAT-1", "MAN-5"], SPRING, members, refused("release", "MAN-5"), index=cut
    )
    smaller = release_of("spring-2026", ONE, DICTIONARY, {})
    fewer = replace(
        SPRING, fields=SPRING.fields | {n: smaller.fields[n] for n in ("index_length", "segments")}, index=smaller.index
    )
    yield match(
        "another-number-of-entries",
        "The index has an entry less than the manifest says.",
        ["MAT-1", "IDX-6"],
        fewer,
        members,
        refused("release", "IDX-6"),
    )
    forged = sign_object(MANIFEST, SPRING.fields, OTHER_SEED).hex()
    signature = refused("object", "signature")
    yield match(
        "manifest-forged",
        "The manifest is signed by another key.",
        ["MAT-1", "OBJ-2"],
        SPRING,
        members,
        signature,
        manifest=forged,
    )
    forged = sign_object(EPOCH_RECORD, ONE.fields, OTHER_SEED).hex()
    yield match(
        "record-forged",
        "The epoch record is signed by another key.",
        ["MAT-1", "OBJ-2"],
        SPRING,
        members,
        signature,
        record=forged,
    )
