"""An insurer's client on the reference implementation: sections 12 to 18, 21, 22 and 24 over the transport of section 20.

    client.py enroll --profile DIR --name NAME                      makes the keys and DIR/request.csr; prints its fingerprint
    client.py join BUNDLE --profile DIR --fingerprint F             installs the operator's bundle
    client.py check MEMBERS.csv --profile DIR [--server HOST:PORT]  prints as JSON who is on which list, and the account

A member file is CSV with one header line; its columns are found by section 7's names, or by `--column nir="Numéro"`. Rows are
numbered from 1, the first after the header. It asks one holder, so it refuses epochs in which several answer together, and it
keeps no jobs: a check that is interrupted is begun, and paid, again, and epochs that require evidence are refused. It is for
tests; nothing in it takes constant time. profiles.py says what it keeps.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blindlist import catalog, checkpoints, enrolment, identifiers, insurer, manifest, matching, messages
from blindlist import signatures, succession, text
from blindlist.epoch import REQUIRED, holder_of
from blindlist.errors import Refused
from blindlist.index import Index
from blindlist.objects import open_object, sign_object
from profiles import Profile, write
from transport import Broken, Connection

SCHEMES = {name: scheme for scheme, name in text.SCHEMES.items()}
TRIES = 10  # for a server that is busy
ANSWERS = {"Consistency": "Path", "Inclusion": "Path", "Succession": "Object"}  # the others are called as what asks for them


class Failed(Exception):
    """Why there is no result: a sentence."""


def main() -> int:
    arguments = _arguments()
    try:
        result = arguments.command(arguments)
    except Refused as refused:
        print(f"client.py: refused what the other side sent: {refused}", file=sys.stderr)
        return 1
    except (Failed, Broken) as failed:
        print(f"client.py: {failed}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2, ensure_ascii=True))
    return 0


# Section 13.


def enroll(arguments: argparse.Namespace) -> dict[str, Any]:
    folder, name = arguments.profile, arguments.name
    if not text.is_slug(name):
        raise Failed("a name is 1 to 64 of a-z, 0-9, _ and -")
    folder.mkdir(mode=0o700)
    tls_seed, signing_seed = os.urandom(32), os.urandom(32)
    signing_key = signatures.public_key(signing_seed)
    fields = {
        "name": name,
        "tls_key": signatures.public_key(tls_seed),
        "signing_key": signing_key,
        "tls_proof": enrolment.tls_proof(tls_seed, signing_key, name),
    }
    request = sign_object(enrolment.ENROLMENT_REQUEST, fields, signing_seed)
    for file, content in [("tls.seed", tls_seed), ("signing.seed", signing_seed), ("request.csr", request)]:
        write(folder / file, content)
    return {"request": str(folder / "request.csr"), "fingerprint": enrolment.fingerprint(request)}


def join(arguments: argparse.Namespace) -> dict[str, Any]:
    folder, bundle = arguments.profile, arguments.bundle.read_bytes()
    if not enrolment.same_fingerprint(arguments.fingerprint, bundle):
        raise Failed("the bundle has another fingerprint: ask the operator")  # [ENR-2]
    fields = open_object(enrolment.BUNDLE, bundle, None)
    seeds = {"tls_key": "tls.seed", "signing_key": "signing.seed"}
    if any(fields[key] != signatures.public_key((folder / seed).read_bytes()) for key, seed in seeds.items()):
        raise Failed("the bundle was not made for the keys of this profile")  # [ENR-3]
    installed = Profile.of(folder)
    if installed and installed.pins().key != fields["operator_key"]:
        raise Failed("this profile belongs to another operator key")  # [ENR-5]
    write(folder / "bundle", bundle)
    return {"operator": fields["operator"], "insurer": fields["insurer"]}


def _profile(folder: Path) -> Profile:
    profile = Profile.of(folder)
    if profile is None:
        raise Failed("this profile has no bundle yet: join first")
    return profile


def connect(profile: Profile, server: str | None) -> Server:
    """A connection to a server, or to the first of the bundle's that can be reached."""
    failures = []
    for address in [server] if server else profile.bundle["addresses"]:
        try:
            return Server(Connection(address, profile.identity, profile.bundle["authority"]))
        except Broken as broken:
            failures.append(f"{address}: {broken}")
    raise Failed("; ".join(failures))


# Section 18.


class Server:
    """Asks and is answered, by section 18; refusals by section 19."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, request: bytes) -> bytes:
        """The response to a request, when it is none of the refusals that are final."""
        for _ in range(TRIES):
            response = self.connection.request(request, messages.RESPONSE_LIMIT)
            alternative, fields = messages.read_response(response)
            if alternative != "Refused":
                return response
            code, value = fields["code"], fields["value"]
            if code not in (messages.BUSY, messages.RATE_LIMITED):
                raise Failed(f"the server refused with {_name_of(code)}, {value}")
            time.sleep(value / 1000)
        raise Failed(f"the server is busy after {TRIES} tries")

    def ask(self, alternative: str, fields: Any = None) -> Any:
        """What was asked for. [MSG-1]"""
        answered, value = messages.read_response(self.send(messages.REQUEST.encode((alternative, fields))))
        if answered != ANSWERS.get(alternative, alternative):
            raise Failed(f"the server answered {answered} to {alternative}")
        return value


def _name_of(code: int) -> str:
    """A refusal's name in messages.py, whose other numbers are limits."""
    names = [name for name, number in vars(messages).items() if number == code and code <= messages.INTERNAL]
    return f"{names[0] if names else 'a code without a name'} ({code})"


# Sections 11 and 12.


@dataclass(frozen=True)
class Release:
    manifest: dict[str, Any]
    index: Index


def fetch(profile: Profile, server: Server, scheme: int) -> tuple[catalog.Accepted, list[Release]]:
    """The catalog with all that it names, and the releases of one scheme, verified."""
    bundle = profile.bundle
    me = catalog.Insurer(bundle["insurer"], bundle["insurer_id"])
    snapshot = server.ask("Catalog")
    fields = _open_snapshot(profile, server, snapshot)
    pinned = profile.pins().key
    epochs, manifests = catalog.wanted(fields, me)
    objects = [server.ask("Object", {"digest": name}) for name in [*epochs, *manifests]]
    accepted = catalog.accept(fields, objects, pinned, me)
    profile.remember(fields["sequence"], snapshot)
    live = [found for found in accepted.manifests if found["scheme"] == scheme]
    return accepted, [Release(found, _fetch_index(server, found)) for found in live]


def _open_snapshot(profile: Profile, server: Server, snapshot: bytes) -> dict[str, Any]:
    """The snapshot under the pinned key, which successions may move. [SUC-2]"""
    for _ in range(succession.MOST_STEPS):
        try:
            return catalog.open_snapshot(snapshot, profile.pins().key, profile.seen(), int(time.time()))
        except Refused as refused:
            if (refused.layer, refused.error) != ("object", "signature"):
                raise
            _follow(profile, server, refused)
    return catalog.open_snapshot(snapshot, profile.pins().key, profile.seen(), int(time.time()))


def _follow(profile: Profile, server: Server, why: Refused) -> None:
    """Pins the key that succeeds the pinned one; without a succession the snapshot is refused as it was."""
    try:
        found = server.ask("Succession", {"key": profile.pins().key})
    except Failed as failed:
        raise why from failed
    profile.pin(succession.follow(profile.pins(), found))


def _fetch_index(server: Server, found: dict[str, Any]) -> Index:
    """The whole index. [IDX-7]"""
    numbers = range(len(found["segments"]))
    segments = [server.ask("Segment", {"release": found["release"], "number": number}) for number in numbers]
    return manifest.accept_release(found, segments)


# Sections 7, 14 and 21.


@dataclass
class Members:
    """The rows of a member file: identifiers by row number, and what was rejected."""

    accepted: dict[int, bytes]
    rejected: list[dict[str, Any]]


def read_members(file: Path, scheme: int, delimiter: str, renamed: dict[str, str]) -> Members:
    members = Members({}, [])
    with file.open(newline="", encoding="utf-8-sig") as lines:
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        header = next(table, [])
        wanted = {column: renamed.get(column, column) for column in identifiers.COLUMNS[scheme]}
        missing = [name for column, name in wanted.items() if name not in header and column != "birth_rank"]
        if missing:
            raise Failed(f"the member file has no column {', '.join(missing)}")
        # `csv` gives an empty line as a row without cells.
        for number, cells in enumerate(filter(None, table), 1):
            if len(cells) != len(header):
                raise Failed(f"row {number} has {len(cells)} cells, the header has {len(header)}")
            row = dict(zip(header, cells))
            _read_row(members, number, scheme, {column: row.get(name) for column, name in wanted.items()})
    return members


def _read_row(members: Members, number: int, scheme: int, values: dict[str, str | None]) -> None:
    try:
        members.accepted[number] = identifiers.identifier(scheme, values)
    except Refused as refused:
        column = next(column for column in values if _is_rejected(scheme, column, values[column]))
        members.rejected.append({"row": number, "column": column, "reason": refused.error})


def _is_rejected(scheme: int, column: str, value: str | None) -> bool:
    rules = {
        "nir": identifiers.nir,
        "birth_date": identifiers.whole_date if scheme == text.PERSON else identifiers.birth_date,
        "birth_rank": identifiers.birth_rank,
        "birth_name": identifiers.name,
        "given_name": identifiers.given_name,
    }
    try:
        rules[column](value)
    except Refused:
        return True
    return False


def check(arguments: argparse.Namespace) -> dict[str, Any]:
    profile, scheme = _profile(arguments.profile), SCHEMES[arguments.scheme]
    members = read_members(arguments.members, scheme, arguments.delimiter, dict(arguments.column))
    with connect(profile, arguments.server) as server:
        accepted, releases = fetch(profile, server, scheme)
    if not releases:
        raise Failed(f"the operator has no list of scheme {arguments.scheme} for this insurer")

    # A job for each epoch; everything is blinded before anything is sent.
    questions = []
    for epoch in dict.fromkeys(release.manifest["epoch"] for release in releases):
        record = accepted.records[epoch]
        if record["threshold"] != 1:
            raise Failed("several holders answer together in this epoch; this client asks one")
        if record["evidence"] == REQUIRED:
            raise Failed("this epoch requires evidence, and this client keeps no seeds")  # [EVI-1]
        job = insurer.Job(record, bytes([record["holders"][0]["index"]]), os.urandom(32), os.urandom(16))
        canaries = [identifiers.canary(scheme, value) for value in record["canaries"]]
        questions += [(asked, asked.request(profile.signing_seed)) for asked in job.ask([*members.accepted.values(), *canaries])]

    with connect(profile, arguments.server) as server:
        answers = [(asked, server.send(request)) for asked, request in questions]
        epochs = dict.fromkeys(asked.job.record["epoch"] for asked, _ in answers)
        accounts = [server.ask("Account", {"epoch": epoch}) for epoch in epochs]

    me = profile.insurer()
    proven = [asked.proven([(asked.job.holders[0], response)], me) for asked, response in answers]
    ledgers = _receipts(profile, proven)
    with connect(profile, arguments.server) as server:
        audit(profile, server, accepted.fields["checkpoints"], ledgers)

    # From here on nothing is sent any more [MAT-3].
    evaluations: dict[bytes, dict[bytes, bytes]] = {}
    for chunk in proven:
        evaluations.setdefault(chunk.asked.job.record["epoch"], {}).update(chunk.unblind().evaluations)
    return {
        "scheme": arguments.scheme,
        "rows": len(members.accepted) + len(members.rejected),
        "affected": report(members, scheme, releases, accepted, evaluations),
        "rejected": members.rejected,
        "asked": sum(len(asked.elements()) for asked, _ in answers),
        "chunks": len(answers),
        "accounts": accounts,
    }


# Section 22.

Ledgers = dict[tuple[bytes, bytes], list[dict[str, Any]]]
"""Receipts by ledger and receipt key."""


def _receipts(profile: Profile, proven: list[insurer.Proven]) -> Ledgers:
    """The receipts that came, which are kept by their jobs."""
    ledgers: Ledgers = {}
    jobs: dict[bytes, list[dict[str, Any]]] = {}
    for chunk in proven:
        job, (receipt,) = chunk.asked.job, chunk.receipts
        holder = holder_of(job.record, job.holders[0])
        ledgers.setdefault((holder["ledger"], holder["receipt_key"]), []).append(receipt)
        jobs.setdefault(job.id, []).append({"ledger": holder["ledger"], "receipt": receipt})
    for id, receipts in jobs.items():
        profile.keep_receipts(id, receipts)
    return ledgers


def audit(profile: Profile, server: Server, in_catalog: list[dict[str, Any]], ledgers: Ledgers) -> None:
    """Holds a new checkpoint of each ledger against its receipts and against what was seen before. [AUD-7]"""
    for (ledger, key), receipts in ledgers.items():
        checkpoint = server.ask("Checkpoint", {"ledger": ledger})
        size = checkpoint["size"]
        remembered = profile.checkpoint(ledger)
        before = [last for last in [remembered, *in_catalog] if last and last["ledger"] == ledger]
        held = [checkpoints.Held(r["index"], r["entry"], _inclusion(server, ledger, r["index"], size)) for r in receipts]
        earlier = [checkpoints.Earlier(c["size"], c["root"], _consistency(server, ledger, c["size"], size)) for c in before]
        checkpoints.check_signed(ledger, key, checkpoint)
        for last, shown in zip(before, earlier):
            try:
                checkpoints.check_consistent(checkpoint, shown)
            except Refused:
                profile.keep_contradiction(ledger, [checkpoint, last])
                raise
        for receipt in held:
            checkpoints.check_covers(checkpoint, receipt)
        profile.remember_checkpoint(checkpoint)


def _inclusion(server: Server, ledger: bytes, index: int, size: int) -> list[bytes]:
    """The path of a receipt's entry; none is asked for where there can be none."""
    return server.ask("Inclusion", {"ledger": ledger, "index": index, "size": size}) if index < size else []


def _consistency(server: Server, ledger: bytes, start: int, end: int) -> list[bytes]:
    return server.ask("Consistency", {"ledger": ledger, "from": start, "to": end}) if 1 <= start < end else []


def report(
    members: Members,
    scheme: int,
    releases: list[Release],
    accepted: catalog.Accepted,
    evaluations: dict[bytes, dict[bytes, bytes]],
) -> list[dict[str, Any]]:
    """For each row of an affected member the lists that it is on, by name, each with its categories."""
    lists: dict[int, list[dict[str, Any]]] = {}
    for release in sorted(releases, key=lambda release: release.manifest["list"]):
        epoch = release.manifest["epoch"]
        of = evaluations[epoch]
        canaries = [of[identifiers.canary(scheme, value)] for value in accepted.records[epoch]["canaries"]]
        people = [of[identifier] for identifier in members.accepted.values()]
        found = matching.match(release.manifest, release.index, people, canaries)
        for row, categories in zip(members.accepted, found):
            if categories is not None:
                lists.setdefault(row, []).append({"list": release.manifest["list"], "categories": categories})
    return [{"row": row, "lists": lists[row]} for row in sorted(lists)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="client.py", description="An insurer's client, for tests.")
    commands = parser.add_subparsers(required=True)
    enrolling, joining, checking = (commands.add_parser(name) for name in ("enroll", "join", "check"))
    for command, function in [(enrolling, enroll), (joining, join), (checking, check)]:
        command.add_argument("--profile", type=Path, required=True)
        command.set_defaults(command=function)
    enrolling.add_argument("--name", required=True)
    joining.add_argument("bundle", type=Path)
    joining.add_argument("--fingerprint", required=True)
    checking.add_argument("members", type=Path)
    checking.add_argument("--server", help="HOST:PORT instead of the bundle's addresses")
    checking.add_argument("--scheme", choices=SCHEMES, default="nir")
    checking.add_argument("--delimiter", default=",")
    checking.add_argument("--column", action="append", default=[], type=lambda pair: pair.split("=", 1), metavar="COLUMN=NAME")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
