"""SPEC.md section 11: manifests, sources, segments, and indexes held against a manifest."""

from __future__ import annotations

import hashlib
from typing import Iterator

from blindlist import index
from blindlist.encoding import U8, U64
from blindlist.epoch import epoch_id
from blindlist.manifest import MANIFEST, SEGMENT_LENGTH
from blindlist.objects import sign_object

from .common import Scenario, bytes_for, refused
from .epochs import NOT_CANONICAL
from .fixtures import OF_THREE, ONE, OPERATOR_KEY, OPERATOR_SEED, OTHER_SEED, SPRING, Release, date, hex_of, release_of
from .opening import broken, kept, malformed, opened, patched

IDENTITY = bytes(32)
ANY_FAULT = refused("index", "header", "directory", "value", "block")


def scenarios() -> Iterator[Scenario]:
    fields = SPRING.fields
    yield from kept(MANIFEST, fields, OPERATOR_SEED, edges())
    yield from broken(MANIFEST, fields, OPERATOR_SEED, broken_rules())
    yield from malformed(MANIFEST, fields, OPERATOR_SEED, malformed_texts())
    yield from malformed_values()
    yield from bad_keys()
    yield from sources()
    yield from segment_lists()
    yield from releases()


def edges() -> list:
    slugs = [f"c{i}" for i in range(64)]
    day = date(2024, 2, 29)
    whole_range = {"first": date(1900, 1, 1), "last": date(2199, 12, 31)}
    two = {"index_length": SEGMENT_LENGTH + 1, "segments": [bytes_for(f"segment {i}", 32) for i in range(2)]}
    return [
        ("no-incident", "Nobody knows when it happened.", {"incident": None}, "MAN-2"),
        ("incident-of-one-day", "An incident of one day, a leap day.", {"incident": {"first": day, "last": day}}, "TEXT-1"),
        ("first-and-last-year", "The first and the last day that a date may be.", {"incident": whole_range}, "TEXT-1"),
        ("audience-of-two", "Addressed to two insurers.", {"audience": ["elm", "willow-mutual"]}, "MAN-6"),
        ("later-release", "The second release of a list names the first.", {"sequence": 2, "previous": SPRING.digest}, "MAN-3"),
        ("title-empty", "An empty title.", {"title": ""}, "TEXT-1"),
        ("title-200-bytes", "A title of 200 bytes, 100 characters.", {"title": "é" * 100}, "TEXT-1"),
        ("dictionary-of-1", "One category.", {"dictionary": ["contact"]}, "TEXT-1"),
        ("dictionary-of-64", "64 categories.", {"dictionary": slugs}, "TEXT-1"),
        ("f-32", "The smallest f.", {"false_positive_bits": 32}, "MAN-2"),
        ("f-56", "The largest f.", {"false_positive_bits": 56}, "MAN-2"),
        ("four-entries", "The canaries alone.", {"entries": 4}, "MAN-2"),
        ("one-full-segment", "An index of one segment, to the last byte.", {"index_length": SEGMENT_LENGTH}, "MAN-1"),
        ("two-segments", "An index of one byte more than a segment.", two, "MAN-1"),
        ("scheme-beneficiary", "The scheme `beneficiary`.", {"scheme": 2}, "TEXT-1"),
        ("scheme-person", "The scheme `person`.", {"scheme": 3}, "TEXT-1"),
    ]  # fmt: skip


def broken_rules() -> list:
    segment = SPRING.fields["segments"][0]
    slugs = [f"c{i}" for i in range(65)]
    backwards = {"first": date(2026, 3, 20), "last": date(2026, 3, 19)}
    thousand = [f"i{i:04}" for i in range(1025)]
    return [
        ("incident-backwards", "An incident that ends the day before it begins.", {"incident": backwards}, "OBJ-3"),
        ("audience-descending", "An audience that is not in order.", {"audience": ["willow-mutual", "elm"]}, "OBJ-3"),
        ("audience-doubled", "An insurer twice in the audience.", {"audience": ["elm", "elm"]}, "OBJ-3"),
        ("audience-of-1025", "One insurer more than an audience may have.", {"audience": thousand}, "OBJ-3"),
        ("segment-length-less", "Segments one byte shorter.", {"segment_length": SEGMENT_LENGTH - 1}, "MAN-1"),
        ("segment-length-0", "Segments without bytes.", {"segment_length": 0}, "MAN-1"),
        ("index-without-bytes", "An index of no bytes in no segments.", {"index_length": 0, "segments": []}, "MAN-1"),
        ("segment-missing", "An index with bytes, and no segment.", {"segments": []}, "MAN-1"),
        ("segment-doubled", "The one segment's digest twice.", {"segments": [segment, segment]}, "MAN-1"),
        ("segment-surplus", "A digest more than the index has segments.", {"segments": [segment, bytes_for("surplus", 32)]}, "MAN-1"),
        ("segment-missing-of-two", "An index of one byte more than the segment named.", {"index_length": SEGMENT_LENGTH + 1}, "MAN-1"),
        ("three-entries", "Fewer entries than canaries.", {"entries": 3}, "MAN-2"),
        ("f-31", "An f of 31.", {"false_positive_bits": 31}, "MAN-2"),
        ("f-57", "An f of 57.", {"false_positive_bits": 57}, "MAN-2"),
        ("previous-of-the-first", "The first release of a list, which replaces another.", {"previous": SPRING.digest}, "MAN-3"),
        ("no-previous", "The second release of a list, which replaces none.", {"sequence": 2}, "MAN-3"),
        ("sequence-0", "A release with number 0.", {"sequence": 0}, "MAN-3"),
        ("epoch-of-another-key", "The epoch is not the hash of the keys.", {"epoch": OF_THREE.id}, "MAN-4"),
        ("key-of-another-epoch", "K is not that of the epoch.", {"key": OF_THREE.key}, "MAN-4"),
    ]  # fmt: skip


def malformed_texts() -> list:
    def on(year: int, month: int, day: int) -> dict:
        return {"incident": {"first": date(year, month, day), "last": date(2199, 12, 31)}}

    return [
        ("list-with-a-dot", "A slug with a full stop.", {"list": "spring.2026"}, "TEXT-1"),
        ("list-begins-with-a-hyphen", "A slug that begins with a hyphen.", {"list": "-spring"}, "TEXT-1"),
        ("dictionary-empty", "No categories.", {"dictionary": []}, "TEXT-1"),
        ("dictionary-of-65", "65 categories.", {"dictionary": [f"c{i}" for i in range(65)]}, "TEXT-1"),
        ("dictionary-doubled", "A category twice.", {"dictionary": ["contact", "contact"]}, "TEXT-1"),
        ("category-upper-case", "A category that is no slug.", {"dictionary": ["Contact"]}, "TEXT-1"),
        ("insurer-with-a-space", "An insurer that is no slug.", {"audience": ["willow mutual"]}, "TEXT-1"),
        ("title-201-bytes", "A title of 201 bytes.", {"title": "a" * 201}, "TEXT-1"),
        ("title-with-a-line-feed", "A title with a control character.", {"title": "one\ntwo"}, "TEXT-1"),
        ("title-right-to-left", "A title with U+202E.", {"title": "one\u202etwo"}, "TEXT-1"),
        ("title-with-a-tag", "A title with U+E0041.", {"title": "one\U000e0041two"}, "TEXT-1"),
        ("date-30-february", "A day that February has not.", on(2024, 2, 30), "TEXT-1"),
        ("date-29-february-1900", "1900 was no leap year.", on(1900, 2, 29), "TEXT-1"),
        ("date-month-0", "A month 0.", on(2026, 0, 1), "TEXT-1"),
        ("date-month-13", "A month 13.", on(2026, 13, 1), "TEXT-1"),
        ("date-day-0", "A day 0.", on(2026, 1, 0), "TEXT-1"),
        ("date-1899", "A year before 1900.", on(1899, 12, 31), "TEXT-1"),
        ("date-2200", "A year after 2199.", on(2200, 1, 1), "TEXT-1"),
        ("scheme-0", "A scheme 0.", {"scheme": 0}, "TEXT-1"),
        ("scheme-4", "A scheme 4.", {"scheme": 4}, "TEXT-1"),
        ("scheme-of-canaries", "A scheme with the bit of canaries.", {"scheme": 0x81}, "TEXT-1"),
    ]  # fmt: skip


def malformed_values() -> Iterator[Scenario]:
    fields = SPRING.fields
    title = fields["title"].encode()
    first = MANIFEST.body.fields[4][1].encode(fields["incident"])
    segments = U64.encode(1) + fields["segments"][0]
    for name, about, before, after in [
        ("option-tag-2", "An option whose byte is 2.", first, U8.encode(2) + first[1:]),
        ("option-tag-255", "An option whose byte is 255.", first, U8.encode(255) + first[1:]),
        ("title-not-utf-8", "A title that is not UTF-8.", title, b"\xff" + title[1:]),
        ("title-surrogate", "A title with the bytes of a surrogate.", title, b"\xed\xa0\x80" + title[3:]),
        ("title-overlong", "A title with an overlong encoding.", title, b"\xc1\xa1" + title[2:]),
        ("title-beyond-the-bytes", "A text longer than all bytes that follow.", U64.encode(len(title)) + title, U64.encode(2**40) + title),
        ("segments-beyond-the-bytes", "A list of 2^59 digests, as many as 2^64 bytes hold.", segments, U64.encode(2**59) + segments[8:]),
    ]:  # fmt: skip
        data = patched(MANIFEST, fields, OPERATOR_SEED, before, after)
        rules = ["ENC-1", "ENC-3"] if "beyond" in name else ["ENC-1"]
        yield opened(MANIFEST, f"manifest-{name}", about, data, rules, refused("encoding", "malformed"))


def bad_keys() -> Iterator[Scenario]:
    for name, key in [("identity", IDENTITY), ("not-canonical", NOT_CANONICAL)]:
        fields = SPRING.fields | {"key": key, "epoch": epoch_id(OPERATOR_KEY, key)}
        data = sign_object(MANIFEST, fields, OPERATOR_SEED)
        yield opened(
            MANIFEST, f"manifest-key-{name}", f"K is {name}.".replace("-", " "), data, ["OPRF-1"], refused("encoding", "malformed")
        )


def sources() -> Iterator[Scenario]:
    for count, name in [(0, "no-inputs"), (1, "one-input"), (3, "three-inputs")]:
        inputs = [bytes_for(f"input {i}", 32) for i in range(count)]
        yield Scenario(
            "source", name, f"{count} input files.", [], {"salt": bytes_for("salt", 32).hex(), "inputs": hex_of(inputs)}
        )


def segment_lists() -> Iterator[Scenario]:
    for name, length in [
        ("one-byte", 1),
        ("full", SEGMENT_LENGTH),
        ("one-more", SEGMENT_LENGTH + 1),
        ("three", 3 * SEGMENT_LENGTH - 1),
    ]:
        yield Scenario("segments", name, f"The segments of an index of {length} bytes.", ["MAN-1"], {"length": length})


def releases() -> Iterator[Scenario]:
    yield accepted("one-segment", "An index that is what its manifest says.", SPRING, [SPRING.index], [])
    wide = release_of("many-categories", ONE, [f"c{i}" for i in range(17)], {})
    yield accepted("canaries-alone", "Nobody but the canaries, with labels of three bytes.", wide, [wide.index], [])
    yield from wrong_segments()
    yield from wrong_headers()
    unsound = segments_of(SPRING, [SPRING.index[:-1]])
    yield accepted(
        "index-cut-short", "The manifest names an index that is no index.", unsound, [SPRING.index[:-1]], ["IDX-2"], ANY_FAULT
    )
    forged = sign_object(MANIFEST, SPRING.fields, OTHER_SEED).hex()
    input = {"manifest": forged, "pinned": OPERATOR_KEY.hex(), "segments": [SPRING.index.hex()]}
    yield Scenario(
        "release-accept",
        "manifest-forged",
        "The manifest is signed by another key.",
        ["OBJ-2"],
        input,
        refused("object", "signature"),
    )


def accepted(
    name: str, about: str, release: Release, came: list[bytes], rules: list[str], expect: dict | None = None
) -> Scenario:
    input = {"manifest": release.manifest.hex(), "pinned": OPERATOR_KEY.hex(), "segments": hex_of(came)}
    return Scenario("release-accept", name, about, rules or ["IDX-6", "MAN-5"], input, expect)


def wrong_segments() -> Iterator[Scenario]:
    """Of releases whose segments are short, so that the files are; what comes for a number is refused for its digest."""
    data, other = SPRING.index, bytes([*SPRING.index[:-1], SPRING.index[-1] ^ 1])
    first, second = bytes_for("first segment", 40), bytes_for("second segment", 40)
    two = segments_of(SPRING, [first, second], index_length=SEGMENT_LENGTH + len(second))
    for name, about, release, came in [
        ("bit-flipped", "One bit of the index is another.", SPRING, [other]),
        ("byte-more", "A byte follows the index.", SPRING, [data + b"\0"]),
        ("byte-less", "The last byte of the index is missing.", SPRING, [data[:-1]]),
        ("empty", "The segment that came has no bytes.", SPRING, [b""]),
        ("missing", "No segment came.", SPRING, []),
        ("surplus", "The one segment came twice.", SPRING, [data, data]),
        ("swapped", "Two segments came for one another's number.", two, [second, first]),
        ("doubled", "The first segment came for both numbers.", two, [first, first]),
        ("second-missing", "The second of two segments is missing.", two, [first]),
    ]:
        yield accepted(f"segment-{name}", about, release, came, ["MAN-5"], refused("release", "MAN-5"))


def segments_of(release: Release, came: list[bytes], **changes: object) -> Release:
    """A release whose manifest names the segments that came."""
    digests = [hashlib.sha256(segment).digest() for segment in came]
    length = sum(map(len, came))
    return Release(release.fields | {"index_length": length, "segments": digests} | changes, b"".join(came), release.rows)


def wrong_headers() -> Iterator[Scenario]:
    """Sound indexes that are what the manifest says, byte for byte, but in their header."""
    fields, rows = SPRING.fields, SPRING.rows
    release, f = fields["release"], fields["false_positive_bits"]
    longer = [(tag, hidden + b"\0") for tag, hidden in rows]
    for name, about, data in [
        ("release-id", "The index names another release.", index.encode(bytes_for("another release", 16), f, 1, rows)[1]),
        ("entries", "The index has an entry less than the manifest says.", index.encode(release, f, 1, rows[1:])[1]),
        ("f", "The index has another f than the manifest says.", index.encode(release, f + 1, 1, rows)[1]),
        ("label-length", "The labels of the index are longer than the dictionary wants.", index.encode(release, f, 2, longer)[1]),
    ]:  # fmt: skip
        wrong = segments_of(SPRING, [data])
        yield accepted(f"another-{name}", about, wrong, [data], ["IDX-6"], refused("release", "IDX-6"))
    wrong = segments_of(SPRING, [SPRING.index], index_length=len(SPRING.index) + 1)
    yield accepted(
        "another-length",
        "The index is a byte shorter than the manifest says.",
        wrong,
        [SPRING.index],
        ["MAN-5"],
        refused("release", "MAN-5"),
    )
