"""SPEC.md section 22.1: whole logs, and logs whose entry with the number given breaks a rule of [AUD-2]."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator, Sequence

from blindlist import log
from blindlist.epoch import epoch_id

from .common import Scenario, bytes_for, refused
from .fixtures import INSURER_ID, OF_THREE, ONE, OPERATOR_KEY, OTHER_KEY, OTHER_SEED, SIGNING_SEED, hex_of
from .ledger import (
    CERTIFICATE, ELM, ELM_ID, ELM_SEED, EPOCH, RELEASE, Event, budget, charge, chunk, entry, log_of, opening, refusal,
)  # fmt: skip
from .walk_through import ASKED, CHARGE

STRANGER = bytes_for("id of nobody", 16)
NO_EPOCH = bytes_for("id of no epoch", 32)
SUSPENDED = ("Status", {"insurer": INSURER_ID, "status": log.SUSPENDED})
ACTIVE = ("Status", {"insurer": INSURER_ID, "status": log.ACTIVE})
RETIRED = ("Retirement", {"epoch": ONE.id})
NEW_KEYS = ("Keys", {"insurer": INSURER_ID, "signing_key": OTHER_KEY, "certificate": CERTIFICATE})
SECOND_EPOCH = ("Epoch", EPOCH | {"epoch": OF_THREE.id, "key": OF_THREE.key})
BEGIN = opening()[:3]  # without the Release, which no rule needs


def scenarios() -> Iterator[Scenario]:
    yield from sound()
    yield from refused_charges()
    yield from refused_accounts()
    yield from refused_events()
    yield from refused_bytes()


def verified(name: str, about: str, entries: Sequence[bytes], bad: int | None = None) -> Scenario:
    expect = None if bad is None else refused("log", str(bad))
    return Scenario("log-verify", name, about, ["AUD-2"], {"entries": hex_of(list(entries))}, expect)


def whole() -> list[Event]:
    """A log of two insurers and two epochs, with every event but a Continuation."""
    elm = {"insurer": ELM_ID, "seed": ELM_SEED}
    return [
        *opening(),
        CHARGE,  # of the walk-through
        ("Enrolment", ELM),
        ("Budget", budget(64, ELM_ID)),
        charge(chunk(0, 3), 5),
        charge(chunk(0, 3), 3, **elm),  # the same elements, of another insurer
        refusal(),
        SUSPENDED,
        refusal(7, 0),
        ACTIVE,
        SECOND_EPOCH,
        ("Budget", budget(64, epoch=OF_THREE.id)),
        charge(chunk(0, 3, OF_THREE), 3, holders=b"\1\5"),
        NEW_KEYS,
        charge(chunk(1, 1), 6, seed=OTHER_SEED),
        RETIRED,
        refusal(9, 0),
        charge(chunk(1, 2, OF_THREE), 5, holders=b"\2\5", seed=OTHER_SEED),
        ("Succession", {"old_key": OPERATOR_KEY, "new_key": OTHER_KEY}),
    ]


def sound() -> Iterator[Scenario]:
    yield verified("empty", "A log without entries.", [])
    for n in (1, 3):
        yield verified(f"first-{n}", f"The first {n} entries of a log.", log_of(whole()[:n]))
    yield verified("whole", "Every event but a Continuation.", log_of(whole()))
    for name, about, more in [
        ("at-the-budget", "The last charge takes all that was granted.", [charge(chunk(0, 128), 128)]),
        ("digest-in-another-epoch", "A digest that was charged in another epoch.", [
            SECOND_EPOCH, ("Budget", budget(64, epoch=OF_THREE.id)), CHARGE, in_second_epoch(),
        ]),
        ("budget-of-retired-epoch", "A budget in an epoch that was retired.", [RETIRED, ("Budget", budget(64))]),
        ("refusal-unknown-epoch", "A refusal in an epoch that there is not: it is whatever the request named.", [refusal(9, 0, epoch=NO_EPOCH)]),
        ("refusal-suspended", "Refusals of an insurer that is suspended.", [SUSPENDED, refusal(7, 0)]),
        ("succeeded", "A key is succeeded: its epoch ends, and another with the same K takes its place.", after_succession()),
        ("epoch-again", "An epoch has a new record.", [("Epoch", EPOCH | {"record": bytes_for("a later record", 32)}), CHARGE]),
        ("time-back", "Time goes back: nothing is said of it.", [CHARGE, RETIRED]),
    ]:  # fmt: skip
        entries = log_of([*BEGIN, *more])
        if name == "time-back":
            entries[-1] = entry(0, RETIRED)
        yield verified(name, about, entries)
    nothing = ("Continuation", {"ledger": bytes_for("a lost ledger", 16), "size": 0, "root": log.root([])})
    about = "A log that goes on from the first 0 entries of another."
    yield verified("continuation-of-nothing", about, log_of([nothing, *BEGIN, CHARGE]))


def after_succession() -> list[Event]:
    """What follows on a succession: a new epoch, what is left of the account, a charge of elements that were charged before."""
    epoch = epoch_id(OTHER_KEY, ONE.key)
    return [
        CHARGE,
        ("Succession", {"old_key": OPERATOR_KEY, "new_key": OTHER_KEY}),
        ("Epoch", EPOCH | {"epoch": epoch, "operator_key": OTHER_KEY}),
        ("Budget", budget(126, epoch=epoch)),
        charge(replace(ASKED, epoch=epoch, operator_key=OTHER_KEY), 2),
    ]


def in_second_epoch() -> Event:
    """The elements of the walk-through, asked in the other epoch."""
    return charge(replace(ASKED, epoch=OF_THREE.id, key=OF_THREE.key), 2)


def refused_charges() -> Iterator[Scenario]:
    at = len(BEGIN)
    three = chunk(0, 3)
    signed_otherwise = [
        ("another-operator", "for another operator", {"operator_key": OTHER_KEY}),
        ("another-epoch", "for another epoch", {"epoch": OF_THREE.id}),
        ("another-job", "for another job", {"job": bytes_for("another job", 16)}),
        ("other-elements", "for other elements", {"elements": chunk(0, 4).elements}),
    ]
    cases: list[tuple[str, str, Event]] = [
        (f"signed-for-{name}", f"A charge is signed {what}.", charge(three, 3, signature=replace(three, **changes).sign(SIGNING_SEED)))
        for name, what, changes in signed_otherwise
    ]
    cases += [
        ("unknown-insurer", "A charge is of an insurer that was not enrolled.", charge(three, 3, insurer=STRANGER)),
        ("unknown-epoch", "A charge is in an epoch that there is not.", charge(three, 3, epoch=NO_EPOCH)),
        ("count-0", "A charge is of no elements.", charge(three, 0, count=0)),
        ("count-8193", "A charge is of 8,193 elements.", charge(three, 8193, count=8193)),
        ("count-other", "A charge is of an element more than was signed for.", charge(three, 4, count=4)),
        ("signed-by-another-key", "A charge is signed by a key of nobody.", charge(three, 3, seed=OTHER_SEED)),
    ]
    for name, about, event in cases:
        more = [("Budget", budget(10_000))] if name == "count-8193" else []
        yield verified(f"charge-{name}", about, log_of([*BEGIN, *more, event]), at + len(more))
    for name, about, before in [
        ("suspended", "A charge is of an insurer that is suspended.", [SUSPENDED]),
        ("retired-epoch", "A charge is in an epoch whose key was destroyed.", [RETIRED]),
        ("old-keys", "A charge is signed by a key that was replaced.", [NEW_KEYS]),
    ]:
        yield verified(f"charge-{name}", about, log_of([*BEGIN, *before, charge(three, 3)]), at + len(before))
    early = log_of([*BEGIN, charge(three, 3, seed=OTHER_SEED), NEW_KEYS])
    yield verified("charge-new-keys-too-early", "A charge is signed by a key that comes later.", early, at)
    about = "A charge is of an insurer that is enrolled and granted later."
    yield verified("charge-before-enrolment", about, log_of([BEGIN[0], CHARGE, *BEGIN[1:3]]), 1)
    about = "A charge is signed by another insurer's key."
    elm = charge(three, 3, seed=ELM_SEED)
    yield verified("charge-by-another-insurer", about, log_of([*BEGIN, ("Enrolment", ELM), elm]), at + 1)


def refused_accounts() -> Iterator[Scenario]:
    at = len(BEGIN)
    elm = [("Enrolment", ELM), ("Budget", budget(64, ELM_ID))]
    second = [SECOND_EPOCH, ("Budget", budget(64, epoch=OF_THREE.id))]
    for name, about, events, bad in [
        ("spent-more", "The account is more than the sum of the charges.", [charge(chunk(0, 3), 4)], 0),
        ("spent-less", "The account is less than the sum of the charges.", [CHARGE, charge(chunk(0, 3), 3)], 1),
        ("spent-of-another-insurer", "The account counts another insurer's charge.", [*elm, CHARGE, charge(chunk(0, 3), 5, insurer=ELM_ID, seed=ELM_SEED)], 3),
        ("spent-of-another-epoch", "The account counts a charge in another epoch.", [*second, CHARGE, charge(chunk(0, 3, OF_THREE), 5)], 3),
        ("over-budget", "The account is above what was granted.", [charge(chunk(0, 128), 128), charge(chunk(1, 1), 129)], 1),
        ("over-lowered-budget", "The budget was lowered before.", [CHARGE, ("Budget", budget(4)), charge(chunk(0, 3), 5)], 2),
        ("digest-twice", "A chunk was charged twice.", [CHARGE, charge(ASKED, 4)], 1),
    ]:  # fmt: skip
        yield verified(f"account-{name}", about, log_of([*BEGIN, *events]), at + bad)


def refused_events() -> Iterator[Scenario]:
    at = len(BEGIN)
    going_on = ("Continuation", {"ledger": bytes_for("a lost ledger", 16), "size": 0, "root": log.root([])})
    cases: list[tuple[str, str, Event]] = [
        ("refusal-unknown-insurer", "A refusal is of an insurer that there is not.", refusal(insurer=STRANGER)),
        ("refusal-code-0", "A refusal has a code that there is not.", refusal(0, 0)),
        ("refusal-code-8", "A refusal has a code that is not entered: UnknownEpoch.", refusal(8, 0)),
        ("refusal-code-12", "A refusal has a code that is not entered: RateLimited.", refusal(12, 100)),
        ("enrolment-again", "An insurer is enrolled that there is.", BEGIN[1]),
        ("epoch-of-another-hash", "An epoch's id is not the hash of its keys.", ("Epoch", EPOCH | {"epoch": NO_EPOCH})),
        ("epoch-of-another-operator", "An open epoch has a record of another operator key.", ("Epoch", EPOCH | {"operator_key": OTHER_KEY})),
        ("succession-to-itself", "A succession's keys are one.", ("Succession", {"old_key": OTHER_KEY, "new_key": OTHER_KEY})),
        ("keys-unknown-insurer", "The keys of an insurer that there is not were replaced.", ("Keys", NEW_KEYS[1] | {"insurer": STRANGER})),
        ("budget-unknown-insurer", "A budget is of an insurer that there is not.", ("Budget", budget(64, STRANGER))),
        ("release-unknown-epoch", "A release is of an epoch that there is not.", ("Release", RELEASE | {"epoch": NO_EPOCH})),
        ("continuation-later", "A Continuation after other entries.", going_on),
    ]  # fmt: skip
    for name, about, event in cases:
        yield verified(name, about, log_of([*BEGIN, event]), at)
    succeeded = ("Succession", {"old_key": OPERATOR_KEY, "new_key": OTHER_KEY})
    for name, about, events in [
        ("release-retired-epoch", "A release is of an epoch that was retired.", [RETIRED, ("Release", RELEASE)]),
        ("retirement-twice", "The key of an epoch was destroyed twice.", [RETIRED, RETIRED]),
        ("epoch-retired", "A retired epoch has a new record.", [RETIRED, BEGIN[0]]),
        ("charge-after-succession", "A charge is in an epoch of a key that was succeeded.", [succeeded, CHARGE]),
        ("epoch-after-succession", "An epoch that ended with its key has a new record.", [succeeded, BEGIN[0]]),
    ]:
        yield verified(name, about, log_of([*BEGIN, *events]), at + 1)
    both = log_of([*BEGIN, charge(chunk(0, 3), 4), refusal(insurer=STRANGER)])
    yield verified("two-faults", "Two entries are bad: the first is named.", both, at)


def refused_bytes() -> Iterator[Scenario]:
    entries = log_of([*BEGIN, CHARGE])
    for name, about, number, data in [
        ("empty", "An entry has no bytes.", 2, b""),
        ("trailing-byte", "A byte follows an entry.", 1, entries[1] + b"\0"),
        ("status-3", "A status that is none.", 3, entry(3, ("Status", {"insurer": INSURER_ID, "status": 3}))),
        ("epoch-key", "K is the identity.", 0, entry(0, ("Epoch", EPOCH | {"key": bytes(32)}))),
    ]:
        yield verified(f"entry-{name}", about, [*entries[:number], data, *entries[number + 1 :]], number)
    moved = [entries[1], entries[0], *entries[2:]]
    yield verified("entries-exchanged", "Two entries are exchanged, neither of which needs the other.", moved)
