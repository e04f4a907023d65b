"""SPEC.md section 23: openings of single elements of a chunk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator

from blindlist import chunks, curve, evidence, jobs
from blindlist.curve import ORDER
from blindlist.insurer import Asked, Job

from .common import Scenario, bytes_for, refused
from .fixtures import OF_THREE, ONE, OPERATOR_KEY, member, public
from .jobs import ID, SEED, job_input, people

CHALLENGE = bytes_for("challenge of an auditor", 32)
MALFORMED, RULE = refused("encoding", "malformed"), refused("openings", "EVI-2")

# A chunk of three persons and two elements of padding: smaller than those of jobs, which a verifier need not know.
S = jobs.secret(SEED, OPERATOR_KEY, ONE.key)
PERSONS = [jobs.person(S, x) for x in [member(1), member(2), ONE.canaries()[0]]]
PADDING = [jobs.padding(S, j) for j in range(2)]
SMALL = Asked(Job(ONE.fields, b"\1", SEED, ID), 0, tuple(sorted([*PERSONS, *PADDING], key=lambda blinded: blinded.element)))
DIGEST = chunks.digest(SMALL.elements())


def scenarios() -> Iterator[Scenario]:
    yield from made()
    yield from verified()
    yield from refused_questions()
    yield from refused_openings()
    yield from refused_fields()
    yield from refused_bytes()


def made() -> Iterator[Scenario]:
    for name, about, epoch, holders, members, sample, challenge in [
        ("eight-of-64", "Eight elements of 64.", ONE, [1], 1, 8, CHALLENGE),
        ("longest-challenge", "A challenge of 64 bytes, in an epoch of three holders.", OF_THREE, [1, 5], 0, 3, bytes(range(64))),
    ]:
        input = job_input(epoch, holders, people(members, epoch)) | {"chunk": 0, "sample": sample, "challenge": challenge.hex()}
        yield Scenario("openings-make", name, about, ["EVI-2"], input)


def verify(
    name: str, about: str, data: bytes, expect: Any = RULE, rules: list[str] | None = None, sample: int = 2, **changes: bytes
) -> Scenario:
    given = {"challenge": CHALLENGE, "digest": DIGEST} | changes
    input = {"openings": data.hex(), "sample": sample} | {member: value.hex() for member, value in given.items()}
    return Scenario("openings-verify", name, about, rules or ["EVI-2"], input, expect)


def verified() -> Iterator[Scenario]:
    for sample in (1, 2, 5, 2**32 - 1):
        about = f"{sample} of the five elements of a chunk." if sample < 6 else "More than a chunk has: all five."
        yield verify(f"{sample}-of-5", about, evidence.make(SMALL, sample, CHALLENGE), None, sample=sample)
    for challenge in (b"", bytes(64)):
        about = f"A challenge of {len(challenge)} bytes."
        yield verify(f"challenge-of-{len(challenge)}", about, evidence.make(SMALL, 2, challenge), None, challenge=challenge)
    one = replace(SMALL, blinded=(PERSONS[0],))
    yield verify("one-element", "A chunk of one element.", evidence.make(one, 1, CHALLENGE), None, sample=1, digest=chunks.digest(one.elements()))
    long = jobs.person(S, bytes(512))
    about = "The longest identifier; that it is nobody's is not the openings' business."
    longest = replace(SMALL, blinded=(long,))
    yield verify("identifier-512-bytes", about, evidence.make(longest, 1, CHALLENGE), None, sample=1, digest=chunks.digest(longest.elements()))


def honest(sample: int = 2) -> dict[str, Any]:
    return evidence.read(evidence.make(SMALL, sample, CHALLENGE))


def file_of(fields: dict[str, Any]) -> bytes:
    return evidence.LINE + evidence.OPENINGS.encode(fields)


def refused_questions() -> Iterator[Scenario]:
    """Openings, each right in itself, that do not answer the auditor."""
    right = evidence.make(SMALL, 2, CHALLENGE)
    other = bytes_for("another challenge", 32)
    yield verify("another-challenge", "They answer another challenge.", evidence.make(SMALL, 2, other))
    claimed = file_of(honest() | {"openings": evidence.read(evidence.make(SMALL, 2, other))["openings"]})
    yield verify("another-challenge-claimed", "They name the auditor's challenge and answer another.", claimed)
    yield verify("fewer", "Fewer are opened than the auditor asked for.", evidence.make(SMALL, 1, CHALLENGE))
    yield verify("fewer-than-all", "All were asked for, and four are opened.", evidence.make(SMALL, 4, CHALLENGE), sample=9)
    yield verify("another-digest", "The log's charge is of another chunk.", right, digest=chunks.digest(SMALL.elements()[:-1]))


def refused_openings() -> Iterator[Scenario]:
    fields = honest(5)
    openings = fields["openings"]
    at = next(i for i, opening in enumerate(openings) if opening["identifier"])
    pad = next(i for i, opening in enumerate(openings) if not opening["identifier"])

    def with_opening(i: int, **changes: Any) -> list[dict[str, Any]]:
        return [*openings[:i], openings[i] | changes, *openings[i + 1 :]]

    r = int.from_bytes(openings[at]["r"], "little")
    above = (r + ORDER).to_bytes(32, "little")
    pad_above = (int.from_bytes(openings[pad]["r"], "little") + ORDER).to_bytes(32, "little")
    for name, about, changed in [
        ("another-person", "An element is said to be another person.", with_opening(at, identifier=member(9))),
        ("person-as-padding", "A person is said to be padding.", with_opening(at, identifier=b"")),
        ("padding-as-person", "Padding is said to be a person.", with_opening(pad, identifier=member(9))),
        ("another-r", "r is another.", with_opening(at, r=curve.scalar_bytes(r + 1))),
        ("r-not-canonical", "r is ℓ too large: the element would be the same.", with_opening(at, r=above)),
        ("r-of-padding-not-canonical", "r of padding is ℓ too large: the element would be the same.", with_opening(pad, r=pad_above)),
        ("another-position", "A position is another element's.", with_opening(at, position=at + 1)),
        ("position-beyond", "A position is beyond the chunk.", with_opening(4, position=5)),
    ]:  # fmt: skip
        yield verify(name, about, file_of(fields | {"openings": changed}), sample=5)
    about = "The chunk has another element in the place of one that is opened."
    replaced = sorted([public(7), *fields["elements"][1:]])
    yield verify("element-replaced", about, file_of(fields | {"elements": replaced}), sample=5, digest=chunks.digest(replaced))


def refused_fields() -> Iterator[Scenario]:
    """Values that the table of section 23 does not allow, in openings that otherwise hold."""
    fields = honest()
    elements = fields["elements"]
    opening = fields["openings"][0]
    long = [opening | {"identifier": bytes(513)}, *fields["openings"][1:]]
    for name, about, changes in [
        ("elements-empty", "A chunk without elements.", {"elements": [], "openings": []}),
        ("elements-descending", "Elements that descend.", {"elements": elements[::-1]}),
        ("challenge-65-bytes", "A challenge of 65 bytes.", {"challenge": bytes(65)}),
        ("identifier-513-bytes", "An identifier of 513 bytes.", {"openings": long}),
    ]:
        changed = fields | changes
        digest, challenge = chunks.digest(changed["elements"]), changed["challenge"]
        yield verify(name, about, file_of(changed), MALFORMED, ["ENC-1"], digest=digest, challenge=challenge)


def refused_bytes() -> Iterator[Scenario]:
    right = evidence.make(SMALL, 2, CHALLENGE)
    at = len(evidence.LINE)
    for name, kind in evidence.OPENINGS.fields:
        at += len(kind.encode(honest()[name]))
        if name in ("epoch", "job", "number", "challenge"):  # like others
            continue
        about = f"The file is cut short in `{name}`."
        yield verify(f"cut-in-{name.replace('_', '-')}", about, right[: at - 1], MALFORMED, ["ENC-1"])
    yield verify("trailing-byte", "A byte after the file.", right + b"\0", refused("encoding", "trailing"), ["ENC-1"])
    yield verify("empty", "No bytes.", b"", MALFORMED, ["ENC-1"])
    yield verify("another-line", "Another line.", right.replace(b"openings", b"opening "), MALFORMED, ["ENC-1"])
    listed = len(evidence.LINE) + 32 + 32 + 32 + 16 + 4
    beyond = right[:listed] + (2**64 - 1).to_bytes(8, "little") + right[listed + 8 :]
    yield verify("elements-beyond-memory", "A list with fewer elements than it says.", beyond, MALFORMED, ["ENC-1", "ENC-3"])
