//! Every operation, on every path of this processor, gives for any bytes what curve25519-dalek gives.
#![no_main]

#[allow(dead_code, reason = "the tests of the crate use more of it")]
#[path = "../../src/tests/compare.rs"]
mod compare;

use blindlist_lanes::{Path, Point, fixed_base_all};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for path in Path::all() {
        compare::everything(path, data);
    }
});
