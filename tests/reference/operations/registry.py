"""The table of operations and the one place where their JSON is turned into values and back.

    @operation("epoch-id", {"operator_key": Fixed(32), "key": Fixed(32)}, {"epoch": Fixed(32)})
    def epoch_id(operator_key: bytes, key: bytes) -> dict:
        return {"epoch": ...}

Inputs and outputs are types of encoding.py (or `Json`, as it stands); a missing, an unknown or a wrongly typed member
is an error of the vector file (`ValueError`), never a `Refused`.
"""

from __future__ import annotations

from typing import Any, Callable

from blindlist.encoding import from_json, to_json

Json = object()
"""A member that the operation reads or writes by itself."""

OPERATIONS: dict[str, Callable[[dict], dict]] = {}


def operation(name: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> Callable:
    """Registers a function that takes the inputs as keyword arguments and returns the outputs as a dictionary."""

    def register(function: Callable[..., dict | None]) -> Callable[..., dict | None]:
        def run_json(members: dict) -> dict:
            return _write(outputs, function(**_read(inputs, members)) or {})

        if name in OPERATIONS:
            raise ValueError(f"two operations are called {name}")
        OPERATIONS[name] = run_json
        return function

    return register


def run(name: str, members: dict) -> dict:
    """Runs an operation on the `input` of a vector file and returns its `output`."""
    if name not in OPERATIONS:
        raise ValueError(f"there is no operation {name}")
    return OPERATIONS[name](members)


def _read(types: dict[str, Any], members: dict) -> dict:
    if not isinstance(members, dict) or members.keys() != types.keys():
        raise ValueError(f"input has the members {sorted(members)}, not {sorted(types)}")
    return {name: members[name] if type_ is Json else from_json(type_, members[name]) for name, type_ in types.items()}


def _write(types: dict[str, Any], values: dict) -> dict:
    if values.keys() != types.keys():
        raise ValueError(f"output has the members {sorted(values)}, not {sorted(types)}")
    return {name: values[name] if type_ is Json else to_json(type_, values[name]) for name, type_ in types.items()}
