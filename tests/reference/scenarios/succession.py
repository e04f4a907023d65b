"""SPEC.md section 24: successions of the manifest key."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from blindlist.enrolment import successor
from blindlist.objects import sign_object
from blindlist.succession import SUCCESSION

from .common import Scenario, refused
from .enrolment import NEXT_KEY
from .fixtures import CREATED, DAY, OPERATOR, OPERATOR_KEY, OTHER_KEY, OTHER_SEED, key_of, seed_of
from .opening import broken, malformed

NEXT_SEED = seed_of("the manifest key that will follow")
RULE = refused("succession", "SUC-2")


def name_of(step: int) -> str:
    """Whose the manifest key is after so many successions."""
    names = "the operator's manifest key", "the manifest key that will follow"
    return names[step] if step < 2 else f"manifest key {step}"


def fields_of(step: int, **changes: Any) -> dict[str, Any]:
    """The succession from key `step` to the next."""
    fields = {
        "operator": OPERATOR,
        "old_key": key_of(name_of(step)),
        "new_key": key_of(name_of(step + 1)),
        "successor": successor(key_of(name_of(step + 2))),
        "time": CREATED + (30 + step) * DAY,
    }
    return fields | changes


def object_of(step: int, **changes: Any) -> bytes:
    return sign_object(SUCCESSION, fields_of(step, **changes), seed_of(name_of(step + 1)))


FIELDS = fields_of(0)


def scenarios() -> Iterator[Scenario]:
    yield from broken(SUCCESSION, FIELDS, NEXT_SEED, broken_rules())
    name = [("operator-upper-case", "A slug with a capital letter.", {"operator": "Rosewood"}, "TEXT-1")]
    yield from malformed(SUCCESSION, FIELDS, NEXT_SEED, name)
    yield from accepted()
    yield from refused_steps()
    yield from refused_objects()


def broken_rules() -> list:
    return [
        ("same-key", "The new key is the old one.", {"old_key": NEXT_KEY}, "SUC-1"),
        ("successor-is-old", "The key after the new one is the old one.", {"successor": successor(OPERATOR_KEY)}, "SUC-1"),
        ("successor-is-new", "The key after the new one is itself.", {"successor": successor(NEXT_KEY)}, "SUC-1"),
    ]


def accept(name: str, about: str, objects: Sequence[bytes], expect: Any = None, rules: Sequence[str] = ("SUC-2",), step: int = 0) -> Scenario:
    input = {
        "pinned": key_of(name_of(step)).hex(),
        "successor": successor(key_of(name_of(step + 1))).hex(),
        "successions": [data.hex() for data in objects],
    }
    return Scenario("succession-accept", name, about, list(rules), input, expect)


def accepted() -> Iterator[Scenario]:
    yield accept("none", "No succession came: the pins stay.", [])
    yield accept("one", "One succession.", [object_of(0)])
    yield accept("one-of-a-later-key", "One succession, of a key that is a successor itself.", [object_of(1)], step=1)
    yield accept("two", "Two successions.", [object_of(0), object_of(1)])
    yield accept("sixteen", "As many successions as a client follows.", [object_of(step) for step in range(16)])
    back = [object_of(0, time=CREATED + 60 * DAY), object_of(1, time=CREATED)]
    yield accept("times-back", "The second is older than the first: times are not held against each other.", back)


def refused_steps() -> Iterator[Scenario]:
    """Successions, each of them sound, that do not lead on from what is pinned."""
    to_other = sign_object(SUCCESSION, FIELDS | {"new_key": OTHER_KEY}, OTHER_SEED)
    for name, about, objects in [
        ("another-key", "The new key is not the one whose hash is pinned.", [to_other]),
        ("of-another-key", "The old key is not the pinned one.", [object_of(0, old_key=OTHER_KEY)]),
        ("of-a-later-key", "The first succession is missing.", [object_of(1)]),
        ("twice", "The same succession twice.", [object_of(0), object_of(0)]),
        ("reversed", "Two successions in the wrong order.", [object_of(1), object_of(0)]),
        ("second-to-another-key", "The second one's key is not the one that the first named.", [object_of(0, successor=successor(OTHER_KEY)), object_of(1)]),
        ("gap", "The second of three is missing.", [object_of(0), object_of(2)]),
        ("seventeen", "One more than a client follows.", [object_of(step) for step in range(17)]),
    ]:  # fmt: skip
        yield accept(name, about, objects, RULE)


def refused_objects() -> Iterator[Scenario]:
    right = object_of(0)
    by_old = sign_object(SUCCESSION, FIELDS, seed_of(name_of(0)))
    itself = sign_object(SUCCESSION, FIELDS | {"successor": successor(NEXT_KEY)}, NEXT_SEED)
    for name, about, data, expect, rules in [
        ("signed-by-the-old-key", "The old key signed it.", by_old, refused("object", "signature"), ["SIG-1"]),
        ("flipped", "A bit of the signature is another.", right[:-1] + bytes([right[-1] ^ 1]), refused("object", "signature"), ["SIG-1"]),
        ("another-kind", "Another kind of object.", right.replace(b"succession", b"manifest"), refused("object", "kind"), ["OBJ-1"]),
        ("truncated", "It lacks its last byte.", right[:-1], refused("encoding", "malformed"), ["ENC-1"]),
        ("successor-is-new", "It names itself as the key after it.", itself, refused("fields", "SUC-1"), ["SUC-1", "OBJ-3"]),
    ]:
        yield accept(name, about, [data], expect, rules)
    about = "The second of two is signed by another key: nothing is pinned of either."
    second = sign_object(SUCCESSION, fields_of(1), OTHER_SEED)
    yield accept("second-by-another-key", about, [object_of(0), second], refused("object", "signature"), ["SIG-1"])
