"""Makes ../vectors: every scenario of scenarios/, run through the operations, one file each.

    make.py            writes all files again and removes those that no scenario makes
    make.py --check    writes nothing; fails on any difference, missing or surplus file

A scenario whose outcome is not the one that it expects stops it: nothing is written that this implementation does not do.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any, Iterator

import scenarios
from blindlist.errors import Refused
from operations import OPERATIONS, run
from scenarios.common import Scenario

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    files = made()
    there = {path.relative_to(VECTORS).as_posix() for path in VECTORS.glob("*/*")}
    different = sorted(name for name in files if name not in there or (VECTORS / name).read_text() != files[name])
    surplus = sorted(there - files.keys())
    if not arguments:
        for name in different:
            (VECTORS / name).parent.mkdir(parents=True, exist_ok=True)
            (VECTORS / name).write_text(files[name])
        for name in surplus:
            (VECTORS / name).unlink()
        print(f"{len(files)} files, {len(different)} written, {len(surplus)} removed")
        return 0
    for name in different:
        print(f"{name}: {'differs' if name in there else 'is missing'}")
    for name in surplus:
        print(f"{name}: no scenario makes it")
    print(f"{len(files)} files, {len(different) + len(surplus)} wrong")
    return 1 if different or surplus else 0


def made() -> dict[str, str]:
    """The contents of every file, by its name in the folder."""
    files: dict[str, str] = {}
    for scenario in all_scenarios():
        name = f"{scenario.operation}/{scenario.name}.json"
        if name in files:
            raise ValueError(f"two scenarios are called {name}")
        files[name] = json.dumps(file_of(scenario), indent=2, ensure_ascii=True) + "\n"
    unseen = OPERATIONS.keys() - {name.split("/")[0] for name in files}
    if unseen:
        raise ValueError(f"no scenario for {sorted(unseen)}")
    return files


def all_scenarios() -> Iterator[Scenario]:
    for module in sorted(found.name for found in pkgutil.iter_modules(scenarios.__path__)):
        loaded = importlib.import_module(f"scenarios.{module}")
        if hasattr(loaded, "scenarios"):
            yield from loaded.scenarios()


def file_of(scenario: Scenario) -> dict[str, Any]:
    """The members of a file, in the order of ../vectors/README.md, after the scenario has been run."""
    name = f"{scenario.operation}/{scenario.name}"
    try:
        output = run(scenario.operation, scenario.input)
    except Refused as refused:
        expect = scenario.expect or {}
        if refused.layer != expect.get("layer") or refused.error not in expect["errors"]:
            raise ValueError(f"{name} is refused at {refused}, not at {expect}") from refused
    else:
        if scenario.expect not in (None, {"output": output}):
            raise ValueError(f"{name} gives {output}, not {scenario.expect}")
        expect = {"output": output}
    return {
        "about": scenario.about,
        "requirements": scenario.requirements,
        "operation": scenario.operation,
        "input": scenario.input,
        "expect": expect,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
