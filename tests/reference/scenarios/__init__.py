"""Makers of the test vectors: every module but `common` has a function `scenarios()` that yields its Scenarios."""
