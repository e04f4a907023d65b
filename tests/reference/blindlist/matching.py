"""SPEC.md section 21: what a client reports of a release, from the evaluations of its members and of the canaries."""

from __future__ import annotations

from typing import Any, Sequence

from . import entries
from .errors import Refused
from .index import Index


def match(manifest: dict[str, Any], index: Index, members: Sequence[bytes], canaries: Sequence[bytes]) -> list[list[str] | None]:
    """For each member's evaluation None or the categories of its label. `index` is one that `accept_release` gave for the
    manifest; `canaries` are the evaluations of the epoch's four, in their order. [MAT-1]"""
    for number, evaluation in enumerate(canaries):
        if _find(manifest, index, evaluation) != entries.canary_categories(manifest["dictionary"], number):
            raise Refused("canary", "CAN-2")
    return [_find(manifest, index, evaluation) for evaluation in members]


def _find(manifest: dict[str, Any], index: Index, evaluation: bytes) -> list[str] | None:
    tag, pad = entries.entry(manifest["release"], evaluation)
    hidden = index.look_up(tag)
    return None if hidden is None else entries.categories_of(manifest["dictionary"], entries.hide(hidden, pad))
