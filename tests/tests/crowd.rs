//! A small crowd of the example `insurers`: see there, and [`blindlist_tests::crowd`].

use blindlist_tests::crowd::{Size, run};

#[test]
fn many_insurers_at_once_are_answered_right_and_in_fair_turns() {
    let size = Size { insurers: 40, members: 200, chunk: 50, giant: 12 };
    let counted = run(size);
    counted.is_fair(size);
    assert!(counted.peak <= 300 << 20, "{counted:?}");
}
