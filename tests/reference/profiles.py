"""What an insurer's client keeps in a folder: its keys and bundle, what it has pinned, and what it has seen of an operator.

    tls.seed, signing.seed, request.csr, bundle    section 13
    pins.json                  the manifest key and the hash of its successor, as successions left them [SUC-2]
    seen.json                  the last snapshot that was accepted [CAT-2]
    checkpoint-LEDGER.json     the greatest checkpoint that was accepted of a ledger [AUD-7]
    contradiction-LEDGER.json  checkpoints that contradict each other, to be shown to others
    receipts-JOB.json          a job's receipts [AUD-4]
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blindlist import enrolment, signatures
from blindlist.checkpoints import CHECKPOINT
from blindlist.encoding import Fixed, List, Struct, from_json, to_json
from blindlist.objects import digest, open_object
from blindlist.receipts import RECEIPT, Insurer
from blindlist.succession import Pins
from transport import Identity

Receipts = List(Struct("kept receipt", [("ledger", Fixed(16)), ("receipt", RECEIPT)]))


@dataclass(frozen=True)
class Profile:
    """What `join` left in a folder, and what `check` adds to it."""

    folder: Path
    bundle: dict[str, Any]
    identity: Identity
    signing_seed: bytes

    @staticmethod
    def of(folder: Path) -> Profile | None:
        """None before a bundle is installed."""
        if not (folder / "bundle").exists():
            return None
        bundle = open_object(enrolment.BUNDLE, (folder / "bundle").read_bytes(), None)
        identity = Identity(bundle["certificate"], (folder / "tls.seed").read_bytes())
        return Profile(folder, bundle, identity, (folder / "signing.seed").read_bytes())

    def insurer(self) -> Insurer:
        return Insurer(self.bundle["insurer_id"], signatures.public_key(self.signing_seed))

    def pins(self) -> Pins:
        found = self._read("pins.json")
        if found is None:
            return Pins(self.bundle["operator_key"], self.bundle["successor"])
        return Pins(bytes.fromhex(found["key"]), bytes.fromhex(found["successor"]))

    def pin(self, pins: Pins) -> None:
        self._write("pins.json", {"key": pins.key.hex(), "successor": pins.successor.hex()})

    def seen(self) -> tuple[int, bytes] | None:
        """Sequence and digest of the last snapshot that was accepted of the pinned key. [SUC-3]"""
        seen = self._read("seen.json")
        return (seen["sequence"], bytes.fromhex(seen["digest"])) if seen and seen["key"] == self.pins().key.hex() else None

    def remember(self, sequence: int, snapshot: bytes) -> None:
        seen = {"key": self.pins().key.hex(), "sequence": sequence, "digest": digest(snapshot).hex()}
        self._write("seen.json", seen)

    def checkpoint(self, ledger: bytes) -> dict[str, Any] | None:
        found = self._read(f"checkpoint-{ledger.hex()}.json")
        return found and from_json(CHECKPOINT, found)

    def remember_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._write(f"checkpoint-{checkpoint['ledger'].hex()}.json", to_json(CHECKPOINT, checkpoint))

    def keep_contradiction(self, ledger: bytes, checkpoints: list[dict[str, Any]]) -> None:
        self._write(f"contradiction-{ledger.hex()}.json", to_json(List(CHECKPOINT), checkpoints))

    def keep_receipts(self, job: bytes, receipts: list[dict[str, Any]]) -> None:
        self._write(f"receipts-{job.hex()}.json", to_json(Receipts, receipts))

    def _read(self, name: str) -> Any:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else None

    def _write(self, name: str, content: Any) -> None:
        write(self.folder / name, json.dumps(content).encode())


def write(file: Path, content: bytes) -> None:
    """Writes a file that nobody else may read, whole or not at all."""
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.replace(file)
