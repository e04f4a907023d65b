//! A small version of `examples/campaign.rs`: everybody finds the right members, directly and through the relay, and the
//! bytes are counted.
#![allow(clippy::unwrap_used, reason = "tests")]

use blindlist_tests::campaign::{Campaign, run};

#[test]
fn every_insurer_finds_its_members_and_nobody_else() {
    let campaign = Campaign::new(2_200, 4_000, 8);
    let measured = run(&campaign, &mut || ());
    assert_eq!(measured.found, 2_000);
    let sent = 32 * campaign.everybody() as u64;
    assert!(measured.up > sent, "{measured:?}");
    assert!(measured.down > sent + 8 * measured.index, "{measured:?}");
    assert!(measured.disk >= 8 * measured.index, "{measured:?}");
}
