"""Section 8: dictionaries, entries and labels; the canaries' labels of section 10."""

from __future__ import annotations

from typing import Iterator

from blindlist.entries import entry, hide

from .common import Scenario, bytes_for, refused

RELEASE = bytes_for("entries release", 16)
EVALUATION = bytes_for("entries evaluation", 64)
WORDS = ["identity", "address", "iban"]


def slugs(count: int) -> list[str]:
    return [f"category-{i}" for i in range(count)]


def scenarios() -> Iterator[Scenario]:
    yield from dictionaries()
    yield from entries()
    yield from labels()


def dictionaries() -> Iterator[Scenario]:
    for name, categories in [
        ("one", ["identity"]),
        ("two", WORDS[:2]),
        ("three", WORDS),
        ("eight", slugs(8)),
        ("nine", slugs(9)),
        ("64", slugs(64)),
        ("longest-slugs", ["a" * 64, "b" * 64]),
    ]:
        about = "a dictionary, the length of its labels and the labels of its canaries"
        yield Scenario("dictionary", name, about, ["CAN-1", "LAB-1"], {"categories": categories})
    for name, about, categories in [
        ("empty", "no category", []),
        ("65", "one category too many", slugs(65)),
        ("doubled", "one category twice", ["iban", "identity", "iban"]),
        ("no-slug", "a category that is no slug", ["identity", "IBAN"]),
        ("empty-slug", "a category without a name", ["identity", ""]),
        ("long-slug", "a category of 65 characters", ["a" * 65]),
    ]:
        expect = refused("dictionary", "invalid")
        yield Scenario("dictionary", name, about, ["LAB-1"], {"categories": categories}, expect)


def entries() -> Iterator[Scenario]:
    for name, about, dictionary, categories in [
        ("one-category", "a label of one bit in one byte", WORDS, ["identity"]),
        ("last-category", "the highest bit of a dictionary", WORDS, ["iban"]),
        ("all-categories", "a label of all bits", WORDS, WORDS),
        ("any-order", "a label is a set: order and repetition do not matter", WORDS, ["iban", "identity", "iban"]),
        ("two-bytes", "a label of two bytes with bits in both", slugs(9), ["category-0", "category-8"]),
        ("eight-bytes", "a label of eight bytes with its first and last bit", slugs(64), ["category-0", "category-63"]),
        ("eight-bytes-all", "all 64 bits", slugs(64), slugs(64)),
    ]:
        members = {"release": RELEASE.hex(), "evaluation": EVALUATION.hex(), "dictionary": dictionary, "categories": categories}
        yield Scenario("entry", name, about, ["LAB-3"], members)
    members = {**members, "release": bytes_for("another release", 16).hex(), "dictionary": WORDS, "categories": ["identity"]}
    yield Scenario("entry", "another-release", "another release gives another tag and pad", ["LAB-4"], members)


def labels() -> Iterator[Scenario]:
    for name, about, dictionary, bits in [
        ("one-bit", "a label of one bit", WORDS, 0b010),
        ("all-bits", "all bits of three", WORDS, 0b111),
        ("two-bytes", "a label in its second byte only", slugs(9), 1 << 8),
        ("eight-bytes", "all 64 bits", slugs(64), (1 << 64) - 1),
        ("last-of-64", "the 64th bit", slugs(64), 1 << 63),
    ]:
        yield Scenario("label", name, about, ["LAB-2"], label_members(dictionary, bits))
    for name, about, dictionary, bits in [
        ("no-bit", "no category at all", WORDS, 0),
        ("no-bit-of-64", "no category in eight bytes", slugs(64), 0),
        ("bit-at-n", "the first bit that no category has", WORDS, 0b1001),
        ("bit-at-n-alone", "only a bit that no category has", WORDS, 0b1000),
        ("highest-bit", "the highest bit of the label's last byte", slugs(9), 1 << 15 | 1),
        ("all-bits-of-the-bytes", "what a false positive may look like", WORDS, 0xFF),
    ]:
        yield Scenario("label", name, about, ["LAB-2"], label_members(dictionary, bits), refused("label", "inconsistent"))


def label_members(dictionary: list[str], bits: int) -> dict[str, object]:
    _, pad = entry(RELEASE, EVALUATION)
    hidden = hide(bits.to_bytes(-(-len(dictionary) // 8), "little"), pad)
    return {"release": RELEASE.hex(), "evaluation": EVALUATION.hex(), "dictionary": dictionary, "hidden": hidden.hex()}
