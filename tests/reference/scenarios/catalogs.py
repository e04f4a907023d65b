"""SPEC.md section 12: catalog snapshots."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from blindlist.catalog import CATALOG, audience
from blindlist.manifest import MANIFEST
from blindlist.objects import digest, sign_object

from .common import Scenario, bytes_for, refused
from .fixtures import (
    CREATED, DAY, INSURER, INSURER_ID, OF_THREE, ONE, OPERATOR, OPERATOR_KEY, OPERATOR_SEED, OTHER_SEED, SPRING,
    Release, epoch_of, hex_of, release_of,
)  # fmt: skip
from .opening import broken, kept

ISSUED = CREATED + 7 * DAY
NOW = ISSUED + DAY
ELM_ID = bytes_for("id of another insurer", 16)

ADDRESSED = release_of("addressed", ONE, ["contact"], {}, audience=["elm", INSURER])
FOR_ELM = release_of("for-elm", ONE, ["contact"], {}, audience=["elm"])
SHARED = release_of("shared-key", OF_THREE, ["contact", "health"], {})


def snapshot_of(
    records: Sequence[bytes], releases: Sequence[Release], addressed: dict[str, list[bytes]] | None = None, **changes: Any
) -> dict[str, Any]:
    """The fields of a snapshot; `addressed` are the ids of the insurers that a list goes to, when it does not go to all."""
    manifests: list[dict[str, Any]] = [
        {"manifest": r.digest, "audience": sorted(audience(r.digest, id) for id in (addressed or {}).get(r.fields["list"], []))}
        for r in releases
    ]
    fields = {
        "operator": OPERATOR,
        "operator_key": OPERATOR_KEY,
        "sequence": 7,
        "issued": ISSUED,
        "expires": ISSUED + 30 * DAY,
        "epochs": sorted(digest(record) for record in records),
        "manifests": sorted(manifests, key=lambda named: named["manifest"]),
        "checkpoints": [],
    }
    return fields | changes


ADDRESSEES = {"addressed": [INSURER_ID, ELM_ID], "for-elm": [ELM_ID]}
WHOLE = snapshot_of([ONE.record, OF_THREE.record], [SPRING, ADDRESSED, FOR_ELM, SHARED], ADDRESSEES)
GIVEN = [SPRING, ADDRESSED, SHARED]  # what a server gives the insurer of it


def scenarios() -> Iterator[Scenario]:
    yield from kept(CATALOG, WHOLE, OPERATOR_SEED, edges())
    yield from broken(CATALOG, WHOLE, OPERATOR_SEED, broken_rules())
    yield from audiences()
    yield from accepted()
    yield from refused_by_time()
    yield from refused_by_what_came()
    yield from refused_by_what_is_named()


def checkpoint(name: str) -> dict[str, Any]:
    return {
        "ledger": bytes_for(f"ledger {name}", 16),
        "size": 12,
        "root": bytes_for(f"root {name}", 32),
        "time": ISSUED,
        "signature": bytes_for(f"signature {name}", 64),
    }


def edges() -> list:
    checkpoints = sorted((checkpoint(name) for name in "ab"), key=lambda c: c["ledger"])
    return [
        ("whole", "Two epochs, four manifests, two of them addressed.", {}, "CAT-1"),
        ("empty", "Nothing is live; sequence 1; one second.", {"sequence": 1, "expires": ISSUED + 1, "epochs": [], "manifests": []}, "CAT-1"),
        ("checkpoints", "With two checkpoints.", {"checkpoints": checkpoints}, "CAT-1"),
    ]  # fmt: skip


def broken_rules() -> list:
    epochs, manifests = WHOLE["epochs"], WHOLE["manifests"]
    hidden = sorted([bytes_for("one", 32), bytes_for("two", 32)])
    checkpoints = sorted((checkpoint(name) for name in "ab"), key=lambda c: c["ledger"])

    def addressed(to: list[bytes]) -> dict:
        return {"manifests": [manifests[0] | {"audience": to}, *manifests[1:]]}

    return [
        ("sequence-0", "A sequence of 0.", {"sequence": 0}, "CAT-1"),
        ("expires-when-issued", "It expires when it is issued.", {"expires": ISSUED}, "CAT-1"),
        ("expires-before-issued", "It expires before it is issued.", {"expires": ISSUED - 1}, "CAT-1"),
        ("epochs-descending", "The epochs are not in order.", {"epochs": epochs[::-1]}, "OBJ-3"),
        ("epochs-doubled", "An epoch record twice.", {"epochs": [epochs[0], epochs[0]]}, "OBJ-3"),
        ("manifests-descending", "The manifests are not in order.", {"manifests": manifests[::-1]}, "OBJ-3"),
        ("manifests-doubled", "A manifest twice.", {"manifests": [manifests[0], *manifests]}, "OBJ-3"),
        ("audience-descending", "An audience that is not in order.", addressed(hidden[::-1]), "OBJ-3"),
        ("audience-doubled", "An insurer twice in an audience.", addressed([hidden[0], hidden[0]]), "OBJ-3"),
        ("checkpoints-descending", "The checkpoints are not in order.", {"checkpoints": checkpoints[::-1]}, "OBJ-3"),
        ("checkpoints-doubled", "A ledger with two checkpoints.", {"checkpoints": [checkpoints[0], checkpoints[0] | {"size": 13}]}, "OBJ-3"),
    ]  # fmt: skip


def audiences() -> Iterator[Scenario]:
    for name, id in [("one-insurer", INSURER_ID), ("another-insurer", ELM_ID)]:
        input = {"manifest": SPRING.digest.hex(), "insurer_id": id.hex()}
        yield Scenario("audience", name, "How a snapshot names an insurer.", ["CAT-5", "CAT-6"], input)


def accept(
    name: str,
    about: str,
    rules: list[str],
    fields: dict[str, Any] = WHOLE,
    records: Sequence[bytes] = (ONE.record, OF_THREE.record),
    releases: Sequence[Release | bytes] = GIVEN,
    seen: tuple[int, bytes] | None = None,
    now: int = NOW,
    seed: bytes = OPERATOR_SEED,
    expect: dict[str, Any] | None = None,
) -> Scenario:
    input = {
        "catalog": sign_object(CATALOG, fields, seed).hex(),
        "records": hex_of(list(records)),
        "manifests": [(r if isinstance(r, bytes) else r.manifest).hex() for r in releases],
        "pinned": OPERATOR_KEY.hex(),
        "insurer": INSURER,
        "insurer_id": INSURER_ID.hex(),
        "seen": seen and {"sequence": seen[0], "digest": seen[1].hex()},
        "now": now,
    }
    return Scenario("catalog-accept", name, about, rules, input, expect)


def accepted() -> Iterator[Scenario]:
    before = (6, bytes_for("digest of the snapshot before", 32))
    again = (7, digest(sign_object(CATALOG, WHOLE, OPERATOR_SEED)))
    old = release_of("spring-2026", ONE, ["contact"], {}, title="Replaced")
    yield accept("first", "The first snapshot that a client sees. One list is addressed to another insurer.", ["CAT-5", "CAT-6"])
    yield accept("higher-sequence", "A snapshot after another.", ["CAT-2"], seen=before)
    yield accept("same-again", "The snapshot that was seen last.", ["CAT-2"], seen=again)
    yield accept("last-second", "A second before it expires.", ["CAT-3"], now=WHOLE["expires"] - 1)
    yield accept("empty", "No epochs and no manifests.", ["CAT-5"], snapshot_of([], []), [], [])
    yield accept(
        "one-list", "One list, addressed to all.", ["CAT-5"], snapshot_of([ONE.record], [SPRING]), [ONE.record], [SPRING]
    )
    surplus = "Objects that the snapshot does not name, a replaced release of a list among them, are not looked at."
    yield accept("surplus-objects", surplus, ["CAT-4", "OBJ-4"], releases=[*GIVEN, old, b"no manifest at all"])
    given = "A manifest that is addressed to another insurer was given out too."
    yield accept("manifest-of-another-insurer", given, ["CAT-5"], releases=[*GIVEN, FOR_ELM])


def refused_by_time() -> Iterator[Scenario]:
    old = refused("catalog", "CAT-2")
    other = bytes_for("digest of another snapshot", 32)
    yield accept("lower-sequence", "A sequence below the highest seen.", ["CAT-2"], seen=(8, other), expect=old)
    yield accept(
        "same-sequence-another-digest",
        "The sequence seen last, but another snapshot.",
        ["CAT-2", "CAT-4"],
        seen=(7, other),
        expect=old,
    )
    expired = refused("catalog", "CAT-3")
    yield accept("expired", "A snapshot that expired a second ago.", ["CAT-3"], now=WHOLE["expires"] + 1, expect=expired)
    yield accept("forged", "Signed by another key.", ["OBJ-2"], seed=OTHER_SEED, expect=refused("object", "signature"))


def refused_by_what_came() -> Iterator[Scenario]:
    missing = refused("catalog", "CAT-5")
    yield accept("record-missing", "An epoch record that is named did not come.", ["CAT-5"], records=[ONE.record], expect=missing)
    hidden = "A server keeps back a manifest that is addressed to the insurer."
    yield accept("manifest-hidden", hidden, ["CAT-5"], releases=[SPRING, SHARED], expect=missing)
    kept_back = "A server keeps back a manifest that is addressed to all."
    yield accept("manifest-to-all-hidden", kept_back, ["CAT-5"], releases=[ADDRESSED, SHARED], expect=missing)
    longer = "A manifest came with a byte more: it is not the one with that digest."
    yield accept(
        "another-digest", longer, ["CAT-5", "OBJ-4"], releases=[SPRING.manifest + b"\0", ADDRESSED, SHARED], expect=missing
    )
    forged = Forged(SPRING.fields, SPRING.index, SPRING.rows)
    by_another = "The snapshot names a manifest that another key signed."
    fields = snapshot_of([ONE.record], [forged])
    yield accept(
        "manifest-forged", by_another, ["CAT-5", "OBJ-2"], fields, [ONE.record], [forged], expect=refused("object", "signature")
    )


class Forged(Release):
    """A release whose manifest is signed by another key."""

    @property
    def manifest(self) -> bytes:
        return sign_object(MANIFEST, self.fields, OTHER_SEED)


def refused_by_what_is_named() -> Iterator[Scenario]:
    """Snapshots, rightly signed, that name what does not go together."""
    one, both = [ONE.record], [ONE.record, OF_THREE.record]

    def named(
        name: str, about: str, rule: str, records: list[bytes], releases: list[Release], **addressed: list[bytes]
    ) -> Scenario:
        fields = snapshot_of(records, releases, addressed)
        return accept(name, about, [rule], fields, records, releases, expect=refused("catalog", rule))

    yield named("unknown-epoch", "A manifest of an epoch that is not in the snapshot.", "MAN-4", one, [SPRING, SHARED])
    renamed = release_of("renamed", ONE, ["contact"], {}, operator="tulip")
    yield named(
        "another-operator-name",
        "A manifest that names another operator than its epoch's record.",
        "MAN-4",
        both,
        [SPRING, renamed],
    )
    later = epoch_of("the epoch of one holder", ONE.coefficients, [1], version=2)
    yield named("two-records-of-one-epoch", "Two versions of one epoch's record.", "EPO-6", [ONE.record, later.record], [SPRING])
    second = release_of("spring", ONE, ["contact"], {}, list="spring-2026", sequence=2, previous=SPRING.digest)
    yield named("two-releases-of-one-list", "Two live releases of one list.", "CAT-4", both, [SPRING, second])
    copy = release_of("summer", ONE, ["contact"], {}, release=SPRING.fields["release"])
    yield named("one-release-id-twice", "Two lists with one release id.", "CAT-4", both, [SPRING, copy])
    addressed = "The snapshot addresses the insurer, the manifest does not."
    yield named("addressed-by-the-snapshot-only", addressed, "CAT-6", both, [SPRING, FOR_ELM], **{"for-elm": [INSURER_ID]})
    to_all = "The snapshot addresses all insurers, the manifest another one."
    yield named("addressed-to-all-by-the-snapshot", to_all, "CAT-6", both, [SPRING, FOR_ELM])
