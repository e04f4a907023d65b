//! cargo demo, cargo xtask test.
