"""SPEC.md sections 14, 16 and 18 as an insurer sees them: a job's requests, and the answers to a chunk. What may be wrong with
their receipts is in receipts.py."""

from __future__ import annotations

from functools import cache
from typing import Any, Iterator, Sequence

from blindlist import proofs
from blindlist.curve import ORDER
from blindlist.epoch import EPOCH_RECORD
from blindlist.evaluation import evaluate
from blindlist.insurer import Asked, Job
from blindlist.messages import BUSY, RESPONSE, read_request
from blindlist.objects import sign_object

from . import ledger
from .common import Scenario, bytes_for, refused
from .epochs import NOT_CANONICAL
from .fixtures import (
    INSURER_ID,
    OF_THREE,
    ONE,
    OPERATOR_KEY,
    OTHER_SEED,
    SIGNING_KEY,
    SIGNING_SEED,
    Epoch,
    epoch_of,
    hex_of,
    member,
    public,
    scalar_for,
)

ID = bytes_for("id of the job", 16)
SEED = bytes_for("seed of the job", 32)
INDEX = 7  # of the receipts
OTHER = epoch_of("another epoch", [scalar_for("k of another epoch")], [1])

Answers = list[tuple[int, bytes]]


def people(count: int, epoch: Epoch) -> list[bytes]:
    """The identifiers of a job: members and the canaries."""
    return [member(i) for i in range(count)] + epoch.canaries()


def scenarios() -> Iterator[Scenario]:
    yield from jobs()
    yield from refused_jobs()
    yield from answered()
    yield from refused_answers()
    yield from replayed_answers()
    yield from refused_sets()


def job(
    name: str, about: str, rules: list[str], epoch: Epoch, holders: Sequence[int], of: list[bytes], **changes: Any
) -> Scenario:
    expect = changes.pop("expect", None)
    return Scenario("job", name, about, rules, job_input(epoch, holders, of) | changes, expect)


def job_input(epoch: Epoch, holders: Sequence[int], of: list[bytes]) -> dict[str, Any]:
    return {
        "record": epoch.record.hex(),
        "pinned": OPERATOR_KEY.hex(),
        "holders": bytes(holders).hex(),
        "seed": SEED.hex(),
        "job": ID.hex(),
        "signing_seed": SIGNING_SEED.hex(),
        "identifiers": hex_of(of),
    }


def jobs() -> Iterator[Scenario]:
    seven = people(3, ONE)
    yield job("canaries-alone", "The four canaries and 60 elements of padding.", ["JOB-1"], ONE, [1], ONE.canaries())
    yield job("three-members", "Three members and the canaries.", ["JOB-1"], ONE, [1], seven)
    again = "The same identifiers in another order, some of them twice: the same requests."
    yield job("three-members-again", again, ["JOB-1", "JOB-2"], ONE, [1], seven[::-1] + seven[1:5])
    yield job("one-member", "One identifier, without canaries.", ["JOB-1"], ONE, [1], [member(1)])
    yield job("no-padding", "60 members and the canaries: no padding.", ["JOB-1"], ONE, [1], people(60, ONE))
    yield job("65-identifiers", "65 identifiers, 63 elements of padding.", ["JOB-1"], ONE, [1], people(61, ONE))
    for holders in ([1, 2], [2, 5]):
        name = f"holders-{holders[0]}-and-{holders[1]}"
        yield job(name, "Two of three holders.", ["JOB-1"], OF_THREE, holders, people(1, OF_THREE))
    seed = bytes_for("another seed", 32).hex()
    yield job("another-seed", "The same members, another seed: nothing is alike.", ["JOB-1"], ONE, [1], seven, seed=seed)
    yield job("another-epoch", "The same members and seed in another epoch: nothing is alike.", ["JOB-1"], OTHER, [1], seven)


def refused_jobs() -> Iterator[Scenario]:
    for name, about, epoch, holders in [
        ("set-empty", "No holder.", ONE, []),
        ("set-of-another", "A holder that the epoch has not.", ONE, [2]),
        ("set-too-small", "One holder, where two answer together.", OF_THREE, [1]),
        ("set-too-large", "Three holders, where two answer together.", OF_THREE, [1, 2, 5]),
        ("set-descending", "Holders that descend.", OF_THREE, [2, 1]),
        ("set-doubled", "A holder twice.", OF_THREE, [1, 1]),
        ("set-with-0", "A holder 0.", OF_THREE, [0, 1]),
    ]:
        yield job(name, about, ["EVA-2"], epoch, holders, people(1, epoch), expect=refused("holders", "set"))
    forged = sign_object(EPOCH_RECORD, ONE.fields, OTHER_SEED).hex()
    yield job(
        "record-forged",
        "The epoch record is signed by another key.",
        ["OBJ-2"],
        ONE,
        [1],
        people(1, ONE),
        record=forged,
        expect=refused("object", "signature"),
    )


@cache
def asked(epoch_name: str, holders: tuple[int, ...], members: int = 3, id: bytes = ID, seed: bytes = SEED) -> Asked:
    """The one chunk of a job."""
    epoch = EPOCHS[epoch_name]
    (chunk,) = Job(epoch.fields, bytes(holders), seed, id).ask(people(members, epoch))
    return chunk


EPOCHS = {"one": ONE, "three": OF_THREE, "other": OTHER}


def parts(chunk: Asked, epoch: Epoch, holder: int) -> dict[str, Any]:
    """The fields of a holder's honest answer."""
    question = read_request(chunk.request(SIGNING_SEED))[1]
    random = bytes_for(f"random of holder {holder}", 64)
    elements, proof = evaluate(epoch.fields, holder, epoch.share(holder), SIGNING_KEY, question, random)
    return {
        "elements": elements,
        "proof": proof,
        "account": {"granted": 128, "spent": 64},
        "receipt": receipt_for(chunk, epoch, holder),
    }


def receipt_for(chunk: Asked, epoch: Epoch, holder: int) -> dict[str, Any]:
    """The receipt of an honest answer."""
    entry = ledger.entry(INDEX, ledger.charge(chunk.chunk(), 64, holders=chunk.job.holders))
    return ledger.receipt(epoch, holder, INDEX, entry)


def response(fields: dict[str, Any], **changes: Any) -> bytes:
    return RESPONSE.encode(("Evaluated", fields | changes))


def answer(
    name: str,
    about: str,
    rules: list[str],
    answers: Answers,
    expect: dict[str, Any] | None = None,
    epoch: Epoch = ONE,
    holders: Sequence[int] = (1,),
    members: int = 3,
) -> Scenario:
    input = job_input(epoch, holders, people(members, epoch))
    given = [[holder, data.hex()] for holder, data in answers]
    about_answer = {"insurer_id": INSURER_ID.hex(), "chunk": 0, "answers": given}
    return Scenario("answer", name, about, rules, input | about_answer, expect)


HONEST = parts(asked("one", (1,)), ONE, 1)
TWO = {i: parts(asked("three", (1, 5), 1), OF_THREE, i) for i in (1, 5)}


def answered() -> Iterator[Scenario]:
    yield answer("one-holder", "An honest answer.", ["JOB-3", "AUD-4"], [(1, response(HONEST))])
    alone = parts(asked("one", (1,), 0), ONE, 1)
    yield answer("canaries-alone", "The canaries and padding.", ["JOB-3"], [(1, response(alone))], members=0)
    both = [(i, response(TWO[i])) for i in (1, 5)]
    yield answer("two-holders", "Two of three holders; their answers are added.", ["JOB-3"], both, None, OF_THREE, (1, 5), 1)
    yield answer("two-holders-reversed", "The answers came in another order.", ["JOB-3"], both[::-1], None, OF_THREE, (1, 5), 1)


def refused_answers() -> Iterator[Scenario]:
    """Answers to the right question with something wrong in them."""
    elements, proof = HONEST["elements"], HONEST["proof"]
    swapped = [elements[1], elements[0], *elements[2:]]
    other_list = [elements[1], *elements[1:]]
    no_element, first_identity = [NOT_CANONICAL, *elements[1:]], [bytes(32), *elements[1:]]
    not_canonical, identity = refused("element", "not-canonical"), refused("element", "identity")
    shape, invalid = refused("proof", "shape"), refused("proof", "invalid")
    ell = ORDER.to_bytes(32, "little")
    for name, about, changes, rules, expect in [
        ("element-less", "An element is missing.", {"elements": elements[:-1]}, ["PRF-1"], shape),
        ("element-more", "An element too many.", {"elements": [*elements, elements[0]]}, ["PRF-1"], shape),
        ("no-elements", "No elements.", {"elements": []}, ["PRF-1"], shape),
        ("elements-swapped", "Two elements are exchanged.", {"elements": swapped}, ["JOB-3"], invalid),
        ("element-replaced", "An element stands in another's place.", {"elements": other_list}, ["JOB-3"], invalid),
        ("element-not-canonical", "An element is no canonical encoding.", {"elements": no_element}, ["PRF-1", "OPRF-2"], not_canonical),
        ("element-identity", "An element is the identity.", {"elements": first_identity}, ["PRF-1", "OPRF-2"], identity),
        ("proof-flipped", "A bit of the proof is another.", {"proof": bytes([proof[0] ^ 1]) + proof[1:]}, ["JOB-3"], invalid),
        ("proof-not-canonical", "The proof's s is ℓ.", {"proof": proof[:32] + ell}, ["PRF-1"], refused("proof", "not-canonical")),
        ("proof-of-zeros", "A proof of zeros.", {"proof": bytes(64)}, ["JOB-3"], invalid),
    ]:  # fmt: skip
        yield answer(name, about, rules, [(1, response(HONEST, **changes))], expect)
    data, malformed = response(HONEST), refused("encoding", "malformed")
    yield answer("truncated", "An answer without its last byte.", ["ENC-1"], [(1, data[:-1])], malformed)
    yield answer("trailing-byte", "A byte after the answer.", ["ENC-1"], [(1, data + b"\0")], refused("encoding", "trailing"))
    yield answer("empty", "An answer without bytes.", ["ENC-1"], [(1, b"")], malformed)


def replayed_answers() -> Iterator[Scenario]:
    """Answers, honest and proven, to other questions; with the receipt for the right one, so that nothing else is wrong."""
    invalid = refused("proof", "invalid")
    for name, about, chunk, epoch in [
        ("of-another-chunk", "The answer to another chunk, as long.", asked("one", (1,), 4), ONE),
        ("of-another-seed", "The answer to the same members under another seed.", asked("one", (1,), 3, ID, bytes(32)), ONE),
        ("of-another-epoch", "The answer to the same members in another epoch.", asked("other", (1,)), OTHER),
    ]:
        given = response(parts(chunk, epoch, 1), receipt=HONEST["receipt"])
        yield answer(name, about, ["PRF-2", "JOB-3"], [(1, given)], invalid)
    elements, proof = answer_with(scalar_for("another key"))
    about = "The right question, answered with another key, and proven with it."
    yield answer("with-another-key", about, ["JOB-3"], [(1, response(HONEST, elements=elements, proof=proof))], invalid)
    other_half = "One of the holders answered as one of another set."
    mixed = parts(asked("three", (1, 2), 1), OF_THREE, 1)
    answers = [(1, response(mixed, receipt=TWO[1]["receipt"])), (5, response(TWO[5]))]
    yield answer("of-another-set", other_half, ["PRF-2"], answers, invalid, OF_THREE, (1, 5), 1)


def answer_with(k: int) -> tuple[list[bytes], bytes]:
    """Elements and proof that are right but for the key."""
    blinded = asked("one", (1,)).elements()
    elements = proofs.evaluate(k, blinded)
    question = proofs.Asked(ONE.key, ONE.id, b"\1", 1, public(k))
    return elements, proofs.prove(question, k, blinded, elements, bytes_for("random of another key", 64))


def refused_sets() -> Iterator[Scenario]:
    wrong = refused("answer", "answers")
    first, fifth = (1, response(TWO[1])), (5, response(TWO[5]))
    for name, about, answers in [
        ("holder-missing", "One of two holders has not answered.", [first]),
        ("holder-doubled", "One holder's answer came twice, the other's not.", [first, first]),
        ("holder-too-many", "One holder's answer came twice, and the other's.", [first, first, fifth]),
        ("holder-not-asked", "A holder that was not asked answered in another's place.", [first, (2, fifth[1])]),
        ("nobody", "Nobody has answered.", []),
    ]:
        yield answer(name, about, ["JOB-3"], answers, wrong, OF_THREE, (1, 5), 1)
    exchanged = [(1, response(TWO[5], receipt=TWO[1]["receipt"])), (5, response(TWO[1], receipt=TWO[5]["receipt"]))]
    yield answer(
        "holders-exchanged",
        "Each holder's elements and proof are given for the other's.",
        ["PRF-2"],
        exchanged,
        refused("proof", "invalid"),
        OF_THREE,
        (1, 5),
        1,
    )
    twice = [first, (5, response(TWO[1], receipt=TWO[5]["receipt"]))]
    yield answer(
        "one-for-both",
        "One holder's elements and proof are given for both.",
        ["PRF-2"],
        twice,
        refused("proof", "invalid"),
        OF_THREE,
        (1, 5),
        1,
    )
    busy = RESPONSE.encode(("Refused", {"code": BUSY, "value": 100}))
    yield answer("refused", "A refusal is no answer.", ["MSG-1"], [(1, busy)], wrong)
    account = RESPONSE.encode(("Account", {"granted": 1, "spent": 1}))
    yield answer("another-alternative", "A response to another request is no answer.", ["MSG-1"], [(1, account)], wrong)
