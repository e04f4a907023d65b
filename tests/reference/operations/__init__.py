"""The operations of ../../vectors/README.md, one function each: input (JSON) -> output (JSON), raising Refused.

A module of this folder declares its operations with `registry.operation`.
"""

from . import audit, exchange, files, primitives  # noqa: F401  (each registers its operations)
from .registry import OPERATIONS, run

__all__ = ["OPERATIONS", "run"]
