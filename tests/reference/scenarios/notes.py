"""SPEC.md section 22.3: checkpoints as signed notes, and witnesses' cosignatures."""

from __future__ import annotations

import base64
from typing import Any, Iterator

from blindlist import checkpoints, log, signatures
from blindlist.checkpoints import COSIGNATURE, ED25519, Line

from .common import Scenario, bytes_for, refused
from .fixtures import OTHER_KEY, OTHER_SEED, key_of, seed_of
from .ledger import LEDGER, RECEIPT_KEY, RECEIPT_SEED, TIME

MALFORMED, SIGNATURE = refused("note", "malformed"), refused("note", "signature")
MOST = 2**64 - 1
ROOT = log.root([log.leaf(b"entry")])
NAME = f"blindlist/1/checkpoint/{LEDGER.hex()}"
WITNESS, WITNESS_SEED = "witness.example.org/oak", seed_of("a witness")

FIELDS = checkpoints.sign(RECEIPT_SEED, LEDGER, 7, ROOT, TIME)
NOTE = checkpoints.note(RECEIPT_KEY, FIELDS)
TEXT, OWN = NOTE.split("\n\n")
COSIGNED = checkpoints.cosign(NOTE, RECEIPT_KEY, WITNESS, TIME + 60, WITNESS_SEED)


def scenarios() -> Iterator[Scenario]:
    yield from signed()
    yield from opened()
    yield from refused_texts()
    yield from refused_lines()
    yield from refused_signatures()
    yield from cosigned()


def signed() -> Iterator[Scenario]:
    for name, about, changes in [
        ("checkpoint", "A checkpoint of seven entries.", {}),
        ("size-0", "A log without entries.", {"size": 0, "root": log.root([])}),
        ("highest", "The highest numbers.", {"size": MOST, "time": MOST}),
        ("root-of-zeros", "A root whose base64 is all A.", {"root": bytes(32)}),
        ("root-with-plus", "A root whose base64 has a plus.", {"root": b"\xfb\xef\xbe" * 10 + b"\xfb\xef"}),
        ("another-ledger", "Another ledger.", {"ledger": bytes(16)}),
    ]:
        input = {"ledger": LEDGER, "size": 7, "root": ROOT, "time": TIME, "seed": RECEIPT_SEED} | changes
        given = {member: value if isinstance(value, int) else value.hex() for member, value in input.items()}
        yield Scenario("checkpoint-sign", name, about, [], given)


def note(name: str, about: str, data: str, expect: Any = None, key: bytes = RECEIPT_KEY) -> Scenario:
    return Scenario("note-open", name, about, ["AUD-5"], {"note": data, "key": key.hex()}, expect)


def opened() -> Iterator[Scenario]:
    unknown = Line("elm.example.org", b"\1\2\3\4", b"\5")
    same_id = Line("elm.example.org", checkpoints.key_id(NAME, ED25519, RECEIPT_KEY), bytes(64))
    same_name = Line(NAME, checkpoints.key_id(NAME, ED25519, OTHER_KEY), signatures.sign(OTHER_SEED, TEXT.encode()))
    as_witness = Line(NAME, checkpoints.key_id(NAME, COSIGNATURE, RECEIPT_KEY), bytes(72))
    sixteen = [Line(f"witness-{i}", bytes_for(f"id {i}", 4), bytes_for(f"signature {i}", 72)) for i in range(15)]
    for name, about, data in [
        ("checkpoint", "A checkpoint with the log's signature.", NOTE),
        ("size-0", "A log without entries.", note_of(size=0, root=log.root([]))),
        ("highest", "The highest numbers.", note_of(size=MOST, time=MOST)),
        ("cosigned", "A witness's line after the log's.", COSIGNED),
        ("cosigned-before", "A witness's line before the log's.", with_lines(COSIGNED.split("\n\n")[1].split("\n")[1] + "\n" + OWN)),
        ("unknown-line", "The shortest signature of a key that nobody knows.", with_lines(f"{OWN}{unknown}")),
        ("unknown-same-id", "Another name with the id of the log's key is another key.", with_lines(f"{same_id}{OWN}")),
        ("unknown-same-name", "The log's name with another id is another key.", with_lines(f"{same_name}{OWN}")),
        ("unknown-same-key", "The log's name with its key's id as a witness is another key.", with_lines(f"{OWN}{as_witness}")),
        ("16-lines", "16 lines of signatures, the log's last.", with_lines("".join(map(str, sixteen)) + OWN)),
    ]:
        yield note(name, about, data)


def note_of(**changes: Any) -> str:
    fields = {"ledger": LEDGER, "size": 7, "root": ROOT, "time": TIME} | changes
    return checkpoints.note(RECEIPT_KEY, checkpoints.sign(RECEIPT_SEED, **fields))


def with_lines(lines: str) -> str:
    return f"{TEXT}\n\n{lines}"


def raw(text: str, lines: str | None = None) -> str:
    """A note with any text, whose signature by the log holds."""
    signature = signatures.sign(RECEIPT_SEED, text.encode())
    return f"{text}\n{lines or Line(NAME, checkpoints.key_id(NAME, ED25519, RECEIPT_KEY), signature)}"


def refused_texts() -> Iterator[Scenario]:
    """Texts of another form, each rightly signed."""
    origin, size, root, time = TEXT.split("\n")
    ledger = LEDGER.hex()
    bit = root[:42] + chr(ord(root[42]) + 1) + "="
    assert base64.b64decode(bit) == base64.b64decode(root)
    for name, about, lines in [
        ("origin-version-2", "Another version.", [origin.replace("/1/", "/2/"), size, root, time]),
        ("origin-upper-case", "The ledger in capitals.", [origin.replace(ledger, ledger.upper()), size, root, time]),
        ("origin-with-space", "A space after the origin.", [origin + " ", size, root, time]),
        ("size-with-plus", "A size with a sign.", [origin, "+7", root, time]),
        ("size-leading-zero", "A size with a leading zero.", [origin, "07", root, time]),
        ("size-empty", "No size.", [origin, "", root, time]),
        ("size-other-digits", "A size in digits that are not ASCII.", [origin, "\uff17", root, time]),
        ("size-2-to-the-64", "A size of 2^64.", [origin, str(MOST + 1), root, time]),
        ("root-unpadded", "Base64 without its padding.", [origin, size, root[:-1], time]),
        ("root-trailing-bits", "Base64 with a bit after the last byte: the same root.", [origin, size, bit, time]),
        ("root-url-alphabet", "Base64 in the alphabet for addresses.", [origin, size, base64.urlsafe_b64encode(b"\xff" * 32).decode(), time]),
        ("time-missing", "No line of the time.", [origin, size, root]),
        ("time-other-word", "Another word before the time.", [origin, size, root, "blindlist date 7"]),
        ("lines-exchanged", "The root stands before the size.", [origin, root, size, time]),
        ("carriage-returns", "Lines that end as in some files.", [f"{origin}\r", f"{size}\r", f"{root}\r", f"{time}\r"]),
    ]:
        yield note(f"text-{name}", about, raw("\n".join(lines) + "\n"), MALFORMED)
    for name, about, data in [
        ("empty-line-first", "An empty line before the text.", raw(f"\n{TEXT}\n")),
        ("byte-order-mark", "A byte order mark before the text.", raw(f"\ufeff{TEXT}\n")),
    ]:
        yield note(f"text-{name}", about, data, MALFORMED)


def refused_lines() -> Iterator[Scenario]:
    dash, name, data = OWN.rstrip("\n").split(" ")
    seventeen = "".join(str(Line(f"w{i}", bytes(4), bytes(72))) for i in range(16))
    for called, about, given in [
        ("no-signatures", "The text and an empty line.", with_lines("")),
        ("no-empty-line", "No empty line between text and signatures.", f"{TEXT}\n{OWN}"),
        ("two-empty-lines", "Two empty lines between text and signatures.", f"{TEXT}\n\n\n{OWN}"),
        ("empty-line-last", "An empty line at the end.", f"{NOTE}\n"),
        ("no-last-newline", "The last line does not end.", NOTE[:-1]),
        ("hyphen", "A hyphen instead of the dash.", with_lines(f"- {name} {data}\n")),
        ("two-spaces", "Two spaces after the name.", with_lines(f"{dash} {name}  {data}\n")),
        ("space-at-end", "A space at the end of a line.", with_lines(f"{dash} {name} {data} \n")),
        ("carriage-return", "A carriage return at the end of a line.", with_lines(f"{dash} {name} {data}\r\n")),
        ("no-break-space", "A no-break space after the dash.", with_lines(f"{dash}\u00a0{name} {data}\n")),
        ("name-with-plus", "A name with a plus.", with_lines(f"{OWN}{dash} elm+oak {data}\n")),
        ("name-with-unicode-space", "A name with a space that is not ASCII.", with_lines(f"{OWN}{dash} elm\u2003oak {data}\n")),
        ("data-unpadded", "The log's signature without padding.", with_lines(f"{dash} {name} {data.rstrip('=')}\n")),
        ("data-padded-more", "The log's signature with more padding.", with_lines(f"{dash} {name} {data}=\n")),
        ("data-of-unknown-unpadded", "An unknown signature without padding.", with_lines(f"{OWN}{dash} elm AQIDBAU\n")),
        ("data-of-unknown-trailing-bits", "An unknown signature with a bit after its last byte.", with_lines(f"{OWN}{dash} elm AQIDBAV=\n")),
        ("data-of-unknown-id-alone", "An unknown signature of four bytes: an id alone.", with_lines(f"{OWN}{dash} elm AQIDBA==\n")),
        ("text-after", "Text after the signatures.", f"{NOTE}text\n"),
        ("17-lines", "17 lines of signatures.", with_lines(seventeen + OWN)),
    ]:
        yield note(f"line-{called}", about, given, MALFORMED)


def refused_signatures() -> Iterator[Scenario]:
    own = checkpoints.key_id(NAME, ED25519, RECEIPT_KEY)
    right = FIELDS["signature"]
    flipped = Line(NAME, own, right[:32] + bytes([right[32] ^ 1]) + right[33:])
    for name, about, data in [
        ("doubled", "The log's signature stands twice.", with_lines(OWN + OWN)),
        ("and-a-wrong-one", "A signature of the log that holds, and one that does not.", with_lines(f"{OWN}{flipped}")),
        ("a-wrong-one-first", "A signature of the log that does not hold, and one that does.", with_lines(f"{flipped}{OWN}")),
        ("flipped", "A bit of the signature is another.", with_lines(str(flipped))),
        ("of-another-text", "The signature of another size.", NOTE.replace("\n7\n", "\n8\n")),
        ("of-another-ledger", "The signature of another ledger.", NOTE.replace(LEDGER.hex(), bytes(16).hex())),
        ("by-another-key", "Another key's signature under the log's id.", with_lines(str(Line(NAME, own, signatures.sign(OTHER_SEED, TEXT.encode() + b"\n"))))),
        ("under-another-name", "The log's signature under another name.", with_lines(OWN.replace(NAME, "elm"))),
        ("witness-alone", "A witness's line alone.", with_lines(COSIGNED.split("\n\n")[1].split("\n")[1] + "\n")),
    ]:  # fmt: skip
        yield note(f"signature-{name}", about, data, SIGNATURE)
    yield note("signature-under-another-key", "It is held against another key.", NOTE, SIGNATURE, OTHER_KEY)
    either = refused("note", "malformed", "signature")
    for length in (63, 65):
        about = f"The log's signature has {length} bytes."
        line = Line(NAME, own, (right + b"\0")[:length])
        yield note(f"signature-of-{length}-bytes", about, with_lines(str(line)), either)


def cosigned() -> Iterator[Scenario]:
    def scenario(name: str, about: str, changes: dict[str, Any] = {}, expect: Any = None) -> Scenario:
        input = {"note": NOTE, "key": RECEIPT_KEY.hex(), "name": WITNESS, "time": TIME + 60, "seed": WITNESS_SEED.hex()}
        return Scenario("cosign", name, about, ["AUD-5"] if expect else [], input | changes, expect)

    yield scenario("witness", "A witness signs a checkpoint.")
    second = {"note": COSIGNED, "name": "elm.example.org", "seed": seed_of("a second witness").hex()}
    yield scenario("second-witness", "A second witness signs it.", second)
    yield scenario("time-0", "The lowest time.", {"time": 0})
    yield scenario("another-key", "The note is of another log's key.", {"key": key_of("a witness").hex()}, SIGNATURE)
    yield scenario("not-signed", "The note's signature does not hold.", {"note": NOTE.replace("\n7\n", "\n8\n")}, SIGNATURE)
    yield scenario("malformed", "The note is malformed.", {"note": NOTE[:-1]}, MALFORMED)
