//! blindlistd: the operator's side.
