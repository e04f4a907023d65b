"""Runs every file of ../vectors through this implementation, as any other implementation would.

run.py                       all files
run.py OPERATION/NAME.json … these
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from blindlist.errors import Refused
from operations import OPERATIONS, run

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
MEMBERS = ["about", "requirements", "operation", "input", "expect"]


def main(arguments: list[str]) -> int:
    files = [VECTORS / name for name in arguments] or sorted(VECTORS.glob("*/*"))
    faults = [f"{path.relative_to(VECTORS)}: {fault}" for path in files if (fault := fault_of(path))]
    if not arguments:
        seen = {path.parent.name for path in files}
        faults += [f"{name}: an operation without any file" for name in OPERATIONS if name not in seen]
    for fault in faults:
        print(fault)
    print(f"{len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


def fault_of(path: Path) -> str | None:
    """What is wrong with a file or its outcome, or None."""
    try:
        scenario = json.loads(path.read_text())
        if list(scenario) != MEMBERS or scenario["operation"] != path.parent.name or path.suffix != ".json":
            return "is not a vector file, or not in its operation's folder"
        found = outcome(scenario)
    except (ValueError, LookupError) as error:
        return f"cannot be run: {error}"
    expected = scenario["expect"]
    if list(found) == ["output"]:
        return None if found == expected else f"found {found}, expected {expected}"
    fits = list(expected) == ["layer", "errors"] and found["layer"] == expected["layer"] and found["error"] in expected["errors"]
    return None if fits else f"found {found}, expected {expected}"


def outcome(scenario: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"output": run(scenario["operation"], scenario["input"])}
    except Refused as refused:
        return {"layer": refused.layer, "error": refused.error}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
