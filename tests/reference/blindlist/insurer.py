"""SPEC.md sections 14 to 18 as an insurer goes through them, without any transport: it gives and takes bytes.

Asked  -- a chunk; `request` are the bytes for each holder of the set
  | proven(answers)      verifies every answer, adds them up
Proven -- the chunk with k*B for each of its elements
  | unblind()            only here: what is not proven is never unblinded [JOB-3]
Answered -- y of each person in the chunk
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from . import curve, epoch, jobs, proofs, ristretto255
from .chunks import Chunk
from .curve import Point
from .errors import Refused
from .messages import REQUEST, read_response


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

    def request(self, signing_seed: bytes) -> bytes:
        """The Evaluate request, the same for each holder."""
        record, job, elements = self.job.record, self.job, self.elements()
        chunk = Chunk(record["operator_key"], record["epoch"], record["key"], job.id, self.number, elements)
        fields = {
            "epoch": record["epoch"],
            "holders": job.holders,
            "job": job.id,
            "number": self.number,
            "elements": elements,
            "signature": chunk.sign(signing_seed),
        }
        return REQUEST.encode(("Evaluate", fields))

    def proven(self, answers: Sequence[tuple[int, bytes]]) -> Proven:
        """Verifies the answers: (holder, its response), one from each holder of the set."""
        if sorted(holder for holder, _ in answers) != list(self.job.holders):
            raise Refused("answer", "answers")
        evaluated = [self._verified(holder, response) for holder, response in answers]
        return Proven(self, tuple(curve.total(column) for column in zip(*evaluated)))

    def _verified(self, holder: int, response: bytes) -> list[Point]:
        """The elements of one holder's answer, by the K, epoch and set that were asked about. [PRF-2]"""
        alternative, fields = read_response(response)
        if alternative != "Evaluated":
            raise Refused("answer", "answers")  # [MSG-1]
        record, holders = self.job.record, self.job.holders
        part = epoch.public_part(record, holders, holder)
        asked = proofs.Asked(record["key"], record["epoch"], holders, holder, part)
        proofs.verify(asked, self.elements(), fields["elements"], fields["proof"])
        return [ristretto255.element(data) for data in fields["elements"]]


@dataclass(frozen=True)
class Proven:
    """A chunk with the evaluated elements: they are k*B."""

    asked: Asked
    evaluated: tuple[Point, ...]

    def unblind(self) -> Answered:
        key = self.asked.job.record["key"]
        pairs = zip(self.asked.blinded, self.evaluated)
        return Answered({b.identifier: jobs.unblind(b, z, key) for b, z in pairs if b.identifier is not None})


@dataclass(frozen=True)
class Answered:
    """y of each identifier in the chunk."""

    evaluations: dict[bytes, bytes]
