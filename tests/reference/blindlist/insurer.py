"""SPEC.md sections 14 to 18, and 22.2, as an insurer goes through them, without any transport: it gives and takes bytes.

Asked  -- a chunk; `request` are the bytes for each holder of the set
  | proven(answers, insurer)    verifies every answer and its receipt, adds the answers up
Proven -- the chunk with k*B for each of its elements; `receipts` are to be kept, and held against a checkpoint
  | unblind()                   only here: what is not proven is never unblinded [JOB-3]
Answered -- y of each person in the chunk
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from . import curve, epoch, jobs, proofs, receipts, ristretto255
from .chunks import Chunk
from .curve import Point
from .errors import Refused
from .messages import REQUEST, read_response
from .receipts import Insurer


@dataclass(frozen=True)
class Job:
    """A job: the epoch record (its fields), the set of holders to ask, the secret seed, the id."""

    record: dict[str, Any]
    holders: bytes
    seed: bytes
    id: bytes

    def ask(self, identifiers: Iterable[bytes]) -> list[Asked]:
        """The chunks of the job, for its identifiers: members and canaries. [CAN-2]"""
        epoch.check_set(self.record, self.holders)
        chunks = jobs.layout(self.seed, self.record["operator_key"], self.record["key"], identifiers)
        return [Asked(self, number, tuple(blinded)) for number, blinded in enumerate(chunks)]


@dataclass(frozen=True)
class Asked:
    """A chunk that waits for its answers."""

    job: Job
    number: int
    blinded: tuple[jobs.Blinded, ...]

    def elements(self) -> list[bytes]:
        return [blinded.element for blinded in self.blinded]

    def chunk(self) -> Chunk:
        record = self.job.record
        return Chunk(record["operator_key"], record["epoch"], record["key"], self.job.id, self.number, self.elements())

    def request(self, signing_seed: bytes) -> bytes:
        """The Evaluate request, the same for each holder."""
        chunk = self.chunk()
        fields = {
            "epoch": chunk.epoch,
            "holders": self.job.holders,
            "job": chunk.job,
            "number": chunk.number,
            "elements": chunk.elements,
            "signature": chunk.sign(signing_seed),
        }
        return REQUEST.encode(("Evaluate", fields))

    def proven(self, answers: Sequence[tuple[int, bytes]], insurer: Insurer) -> Proven:
        """Verifies the answers: (holder, its response), one from each holder of the set."""
        if sorted(holder for holder, _ in answers) != list(self.job.holders):
            raise Refused("answer", "answers")
        verified = [self._verified(holder, response, insurer) for holder, response in answers]
        evaluated = [elements for elements, _ in verified]
        return Proven(self, tuple(curve.total(column) for column in zip(*evaluated)), tuple(receipt for _, receipt in verified))

    def _verified(self, holder: int, response: bytes, insurer: Insurer) -> tuple[list[Point], dict[str, Any]]:
        """Elements and receipt of one holder's answer, by the K, epoch and set that were asked about. [PRF-2] [AUD-4]"""
        alternative, fields = read_response(response)
        if alternative != "Evaluated":
            raise Refused("answer", "answers")  # [MSG-1]
        record, holders = self.job.record, self.job.holders
        part = epoch.public_part(record, holders, holder)
        asked = proofs.Asked(record["key"], record["epoch"], holders, holder, part)
        proofs.verify(asked, self.elements(), fields["elements"], fields["proof"])
        receipts.check(fields["receipt"], epoch.holder_of(record, holder), self.chunk(), holders, insurer)
        return [ristretto255.element(data) for data in fields["elements"]], fields["receipt"]


@dataclass(frozen=True)
class Proven:
    """A chunk with the evaluated elements, which are k*B, and the receipts, in the order of the answers."""

    asked: Asked
    evaluated: tuple[Point, ...]
    receipts: tuple[dict[str, Any], ...]

    def unblind(self) -> Answered:
        key = self.asked.job.record["key"]
        pairs = zip(self.asked.blinded, self.evaluated)
        return Answered({b.identifier: jobs.unblind(b, z, key) for b, z in pairs if b.identifier is not None})


@dataclass(frozen=True)
class Answered:
    """y of each identifier in the chunk."""

    evaluations: dict[bytes, bytes]
