"""Blindlist's reference implementation: one module for each section of SPEC.md, from which alone it was written."""
