"""SPEC.md section 10: epoch ids, epoch records, sets of holders."""

from __future__ import annotations

from typing import Any, Iterator

from blindlist import curve
from blindlist.encoding import U32, U64
from blindlist.epoch import EPOCH_RECORD, epoch_id
from blindlist.objects import sign_object

from .common import Scenario, refused
from .fixtures import OF_THREE, ONE, OPERATOR_KEY, OPERATOR_SEED, epoch_of, holder_of, public, scalar_for
from .opening import broken, kept, malformed, opened, patched

NOT_CANONICAL = bytes.fromhex("01" + "00" * 31)  # negative: RFC 9496, section 4.3.1, step 2
REPLICAS = epoch_of("the epoch of two replicas", [scalar_for("k of replicas")], [7, 255])


def scenarios() -> Iterator[Scenario]:
    yield from ids()
    yield from records()
    yield from broken(EPOCH_RECORD, ONE.fields, OPERATOR_SEED, broken_with_one_holder())
    yield from broken(EPOCH_RECORD, OF_THREE.fields, OPERATOR_SEED, broken_sets())
    yield from broken(EPOCH_RECORD, OF_THREE.fields, OPERATOR_SEED, broken_polynomials())
    yield from malformed(EPOCH_RECORD, ONE.fields, OPERATOR_SEED, malformed_texts())
    yield from malformed_values()
    yield from bad_elements()
    yield from parts()


def ids() -> Iterator[Scenario]:
    for name, epoch in [("one-holder", ONE), ("two-of-three", OF_THREE)]:
        input = {"operator_key": OPERATOR_KEY.hex(), "key": epoch.key.hex()}
        yield Scenario("epoch-id", name, "The id of an epoch.", ["EPO-1"], input)


def records() -> Iterator[Scenario]:
    holders = ONE.fields["holders"]
    sixteen = [f"h{i}.example.org:4433" for i in range(16)]
    yield from kept(
        EPOCH_RECORD,
        ONE.fields,
        OPERATOR_SEED,
        [
            ("later-version", "A later version of a record.", {"version": 2**32 - 1}, "EPO-1"),
            ("no-addresses", "A holder without an address.", {"holders": [holders[0] | {"addresses": []}]}, "EPO-2"),
            ("16-addresses", "A holder with 16 addresses.", {"holders": [holders[0] | {"addresses": sixteen}]}, "EPO-2"),
        ],
    )
    for name, about, epoch in [
        ("two-of-three", "Three holders, of which two answer together; indices with a gap.", OF_THREE),
        ("replicas", "Two holders, of which one answers: both have the key itself; the highest index.", REPLICAS),
        (
            "three-of-three",
            "All of three holders answer.",
            epoch_of("all three", [scalar_for(f"all {i}") for i in range(3)], [1, 2, 3]),
        ),
        ("32-holders", "As many holders as there may be.", many_holders(32)),
    ]:
        yield opened(EPOCH_RECORD, f"epoch-record-{name}", about, epoch.record, ["EPO-2", "EPO-3"])


def many_holders(n: int) -> Any:
    return epoch_of(f"{n} holders", [scalar_for(f"k of {n} holders")], range(1, n + 1))


def broken_with_one_holder() -> list:
    holder = ONE.fields["holders"][0]
    other_key = public(scalar_for("another key"))
    seventeen = [f"h{i}.example.org:4433" for i in range(17)]
    canaries = ONE.fields["canaries"]
    replicas = REPLICAS.fields
    first, second = replicas["holders"]
    one_ledger = replicas | {"holders": [first, second | {"ledger": first["ledger"]}]}
    one_receipt_key = replicas | {"holders": [first, second | {"receipt_key": first["receipt_key"]}]}
    return [
        ("version-0", "Versions begin with 1.", {"version": 0}, "EPO-1"),
        ("id-of-another-key", "The epoch is the hash of other keys.", {"epoch": epoch_id(OPERATOR_KEY, other_key)}, "EPO-1"),
        ("no-holders", "Nobody holds the key.", {"holders": []}, "EPO-2"),
        ("33-holders", "One holder more than there may be.", many_holders(33).fields, "EPO-2"),
        ("index-0", "A holder with index 0, where the key itself would lie.", {"holders": [holder | {"index": 0}]}, "EPO-2"),
        ("17-addresses", "A holder with 17 addresses.", {"holders": [holder | {"addresses": seventeen}]}, "EPO-2"),
        ("t-0", "A threshold of 0.", {"threshold": 0}, "EPO-2"),
        ("t-above-n", "A threshold of 2 with one holder.", {"threshold": 2}, "EPO-2"),
        ("share-of-another-key", "One holder, whose share is not K.", {"holders": [holder | {"share": other_key}]}, "EPO-3"),
        ("equal-canaries", "Two canaries are the same.", {"canaries": [*canaries[:3], canaries[0]]}, "EPO-4"),
        ("one-ledger-twice", "Two holders share a ledger.", one_ledger, "EPO-4"),
        ("one-receipt-key-twice", "Two holders share a receipt key.", one_receipt_key, "EPO-4"),
    ]  # fmt: skip


def broken_sets() -> list:
    one, two, five = OF_THREE.fields["holders"]
    again = holder_of("once more", 2, two["share"])
    return [
        ("indices-descending", "The holders are not in the order of their indices.", {"holders": [two, one, five]}, "EPO-2"),
        ("index-twice", "Two holders with one index and one share.", {"holders": [one, two, again]}, "EPO-2"),
        ("t-4-of-3", "A threshold above the number of holders.", {"threshold": 4}, "EPO-2"),
    ]


def broken_polynomials() -> list:
    one, two, five = OF_THREE.fields["holders"]
    off = public(scalar_for("off the polynomial"))
    other_key = public(scalar_for("another key"))
    curved = epoch_of("a parabola", [*OF_THREE.coefficients, scalar_for("bend")], [1, 2, 5]).fields["holders"]
    swapped = [one | {"share": two["share"]}, two | {"share": one["share"]}, five]
    return [
        ("third-share-off", "The share after the first t lies off the polynomial.", {"holders": [one, two, five | {"share": off}]}, "EPO-3"),
        ("first-share-off", "One of the first t shares lies off the polynomial.", {"holders": [one | {"share": off}, two, five]}, "EPO-3"),
        ("shares-swapped", "Two holders' shares are exchanged.", {"holders": swapped}, "EPO-3"),
        ("key-off", "The shares fit one another, but not K.", {"key": other_key, "epoch": epoch_id(OPERATOR_KEY, other_key)}, "EPO-3"),
        ("degree-too-high", "The shares lie on a polynomial of degree t.", {"holders": curved}, "EPO-3"),
        ("threshold-too-low", "Shares of a 2-of-3 epoch under a threshold of 1.", {"threshold": 1}, "EPO-3"),
    ]  # fmt: skip


def malformed_texts() -> list:
    holder = ONE.fields["holders"][0]

    def address(text: str) -> dict[str, Any]:
        return {"holders": [holder | {"addresses": [text]}]}

    return [
        ("operator-upper-case", "A slug with a capital letter.", {"operator": "Rosewood"}, "TEXT-1"),
        ("operator-empty", "An empty slug.", {"operator": ""}, "TEXT-1"),
        ("operator-65-characters", "A slug of 65 characters.", {"operator": "a" * 65}, "TEXT-1"),
        ("address-without-port", "An address without a port.", address("example.org"), "TEXT-1"),
        ("address-port-0", "An address with port 0.", address("example.org:0"), "TEXT-1"),
        ("address-port-65536", "An address with port 65536.", address("example.org:65536"), "TEXT-1"),
        ("address-with-zone", "An IPv6 address with a zone.", address("[fe80::1%eth0]:4433"), "TEXT-1"),
    ]


def malformed_values() -> Iterator[Scenario]:
    created = U64.encode(ONE.fields["created"])
    length = U64.encode(1) + b"\1" + ONE.fields["holders"][0]["share"]  # of the list of holders
    for name, about, before, after in [
        ("evidence-2", "A choice with a number that is no alternative.", U32.encode(0) + created, U32.encode(2) + created),
        ("evidence-256", "A choice is four bytes, of which all count.", U32.encode(0) + created, U32.encode(256) + created),
        ("more-holders-than-bytes", "A list that says that it has 2 holders, where bytes for one follow.", length, U64.encode(2) + length[8:]),
        ("holders-beyond-memory", "A list that says that it has 2^64 - 1 holders.", length, U64.encode(2**64 - 1) + length[8:]),
    ]:  # fmt: skip
        data = patched(EPOCH_RECORD, ONE.fields, OPERATOR_SEED, before, after)
        rules = ["ENC-1", "ENC-3"] if "holders" in name else ["ENC-1"]
        yield opened(EPOCH_RECORD, f"epoch-record-{name}", about, data, rules, refused("encoding", "malformed"))


def bad_elements() -> Iterator[Scenario]:
    """K and shares that are no elements, on a polynomial where that can be."""
    slope = scalar_for("slope through the identity")
    at_zero = epoch_of("k is 0", [0, slope], [1, 2, 5])
    at_two = epoch_of("the share of 2 is 0", [-2 * slope % curve.ORDER, slope], [1, 2, 5])
    no_key = ONE.fields | {"key": NOT_CANONICAL, "epoch": epoch_id(OPERATOR_KEY, NOT_CANONICAL)}
    no_share = ONE.fields | {"holders": [ONE.fields["holders"][0] | {"share": NOT_CANONICAL}]}
    for name, about, fields in [
        ("key-identity", "K is the identity, on one polynomial with the shares.", at_zero.fields),
        ("key-not-canonical", "K is no canonical encoding.", no_key),
        ("share-identity", "A share is the identity, on one polynomial with K and the others.", at_two.fields),
        ("share-not-canonical", "A share is no canonical encoding.", no_share),
    ]:  # fmt: skip
        data = sign_object(EPOCH_RECORD, fields, OPERATOR_SEED)
        yield opened(EPOCH_RECORD, f"epoch-record-{name}", about, data, ["OPRF-1"], refused("encoding", "malformed"))


def parts() -> Iterator[Scenario]:
    """λ of several sets. A holder's own share is all that it needs."""

    def part(
        name: str, about: str, holders: list[int], index: int, share: bytes, expect: dict | None = None, rule: str = "EPO-3"
    ):
        input = {"holders": bytes(holders).hex(), "index": index, "share": share.hex()}
        return Scenario("holder-part", name, about, [rule], input, expect)

    yield part("alone", "With one holder the part is the share: λ is 1.", [1], 1, ONE.share(1))
    for holders in ([1, 2], [1, 5], [2, 5]):
        for index in holders:
            name = f"{index}-of-{holders[0]}-and-{holders[1]}"
            yield part(name, f"Holder {index} of the set {holders}.", holders, index, OF_THREE.share(index))
    wide = list(range(1, 32)) + [255]
    yield part("of-32", "A set of 32 holders, with the highest index.", wide, 255, curve.scalar_bytes(scalar_for("share of 255")))
    no_set = refused("holders", "set")
    for name, about, holders, index in [
        ("set-empty", "An empty set.", [], 1),
        ("set-descending", "A set that descends.", [2, 1], 1),
        ("set-doubled", "A set with an index twice.", [1, 1], 1),
        ("set-with-0", "A set with the index 0.", [0, 1], 1),
        ("not-in-the-set", "The holder is not one of the set.", [1, 2], 5),
        ("set-of-33", "A set of 33.", list(range(1, 34)), 1),
    ]:
        yield part(name, about, holders, index, OF_THREE.share(index), no_set, "EVA-2")
    yield part("share-0", "A share that is 0.", [1, 2], 1, bytes(32), refused("key", "secret"), "OPRF-1")
    ell = curve.ORDER.to_bytes(32, "little")
    yield part("share-not-canonical", "A share that is ℓ.", [1, 2], 1, ell, refused("key", "secret"), "OPRF-1")
