//! What the page says of a status, and that nothing of it is taken for HTML.

use blindlist_protocol::ids::{Digest, EpochId, JobId, ReleaseId};
use blindlist_protocol::message::Account;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_transport::Connections;

use super::super::status::{CatalogStatus, Disk, Log, Refusals, Trouble};
use super::*;
use crate::service::NotReady;

const DAY: u64 = 86_400;
const NOW: u64 = 1_800_000_000;

/// A server with one list, one insurer and one job, and nothing to be warned about.
fn status() -> Status {
    let epoch = EpochId::from_bytes([0xe0; 32]);
    Status {
        now: NOW,
        since: NOW - 3 * DAY,
        operator: "acme-tp".to_owned(),
        operator_key: "ab".repeat(32),
        address: "0.0.0.0:4433".parse().unwrap(),
        ready: Ok(()),
        connections: Connections { open: 3, accepted: 1_234, refused: 0 },
        queued: (2, 16_384),
        catalog: CatalogStatus {
            digest: Digest::from_bytes([0xca; 32]),
            sequence: 7,
            issued: NOW - DAY,
            expires: NOW + 365 * DAY,
        },
        lists: vec![List {
            name: "acme-2026".to_owned(),
            title: "Fuite de janvier".to_owned(),
            people: 1_234_567,
            scheme: "nir".to_owned(),
            audience: vec![],
            release: ReleaseId::from_bytes([0x1e; 16]),
            manifest: Digest::from_bytes([0x3a; 32]),
            epoch,
            created: NOW - DAY,
            index_length: 6 << 20,
        }],
        epochs: vec![Epoch { id: epoch, created: Some(NOW - 9 * DAY), lists: 1, retired: None }],
        insurers: vec![insurer("mutuelle-x", 250)],
        jobs: vec![JobStatus {
            id: JobId::from_bytes([0x10; 16]),
            insurer: "mutuelle-x".to_owned(),
            chunks: 12,
            evaluations: 98_304,
            repeats: 1,
            began: NOW - 90,
            last: NOW - 2,
        }],
        certificate_end: Some(NOW + 900 * DAY),
        log: Some(Log { entries: 4_321, root: Digest::from_bytes([0x70; 32]), checkpoint: Some((4_320, NOW - 50)) }),
        disk: Some(Disk { free: 60 << 30, size: 100 << 30 }),
        trouble: Trouble::default(),
    }
}

/// One that may ask for 1,000 evaluations.
fn insurer(name: &str, spent: u64) -> InsurerStatus {
    InsurerStatus {
        name: name.to_owned(),
        standing: "active".to_owned(),
        certificate_end: NOW + 800 * DAY,
        accounts: vec![(EpochId::from_bytes([0xe0; 32]), Account { granted: 1_000, spent })],
        last: Some(NOW - 2),
        refused: None,
    }
}

/// One that asked for more than it may, so often that another refusal would be told by itself.
fn over_budget(name: &str, last: u64) -> InsurerStatus {
    let refused = Refusals { times: 9, code: RefusalCode::OverBudget, last };
    InsurerStatus { refused: Some(refused), ..insurer(name, 1_000) }
}

fn shown(status: &Status) -> String {
    page(status).into_string()
}

/// What a status is warned about; the grave ones begin with `!`.
fn warned(change: impl FnOnce(&mut Status)) -> Vec<String> {
    let mut status = status();
    change(&mut status);
    let mark = |warning: &Warning| format!("{}{}", if warning.grave { "!" } else { "" }, warning.text);
    status.warnings().iter().map(mark).collect()
}

#[test]
fn everything_is_on_the_page() {
    let page = shown(&status());
    for said in [
        "acme-tp",
        ">ready<",
        "acme-2026",
        "Fuite de janvier",
        "1,234,567",
        "all insurers",
        "mutuelle-x",
        "250 of 1,000",
        "25 % used",
        "98,304",
        "1 min ago",
        "2 s ago",
        "16,384 elements",
        &"3a".repeat(32),
        &"1e".repeat(16),
        &"e0".repeat(32),
        &"10".repeat(16),
        &"ab".repeat(32),
        &"70".repeat(32),
        "4,321 entries",
        "4,320 entries",
        "2027-01-12 08:00:00 UTC",
        "Seen at 08:00:00 UTC",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    assert!(!page.contains("<ul"), "nothing to be warned about: {page}");
}

#[test]
fn nothing_is_taken_for_html() {
    let hostile = "<script>alert(1)</script><img src=x onerror='a'>\"&\u{202e}\u{1b}";
    let mut status = status();
    status.operator = hostile.to_owned();
    status.lists[0].name = hostile.to_owned();
    status.lists[0].title = hostile.to_owned();
    status.lists[0].audience = vec![hostile.to_owned()];
    status.insurers[0].name = hostile.to_owned();
    status.insurers[0].accounts[0].1.spent = 999;
    status.jobs[0].insurer = hostile.to_owned();
    status.trouble.ledger = Some(hostile.to_owned());
    let with_trouble = shown(&status);
    status.trouble.ledger = None;
    for page in [with_trouble, shown(&status)] {
        assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0), "{page}");
        assert!(page.matches("&lt;script&gt;").count() >= 4, "{page}");
        assert!(!page.contains("\"&\u{202e}"), "no attribute is left: {page}");
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let (page, policy) = (shown(&status()), policy());
    for outside in ["http:", "https:", "//", "@import", "url(", " style=", " onclick"] {
        let mentions = page.replace("// Fetches", "").matches(outside).count();
        assert_eq!(mentions, 0, "{outside} in {page}");
    }
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_server_that_is_well_warns_of_nothing() {
    assert_eq!(warned(|_| ()), [""; 0]);
}

#[test]
fn what_hurts_comes_first() {
    let warnings = warned(|status| {
        status.insurers.push(over_budget("lately", NOW - 3_599));
        status.insurers.push(over_budget("long-ago", NOW - 3_600));
        status.insurers.push(insurer("one-check", 1_000));
        status.catalog.expires = NOW;
    });
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].starts_with("!The catalog expired on 2027-01-15"), "{warnings:?}");
    assert!(warnings[1].starts_with("Refused for their budget within the hour: lately."), "{warnings:?}");
}

#[test]
fn each_trouble_has_its_warning() {
    type Change = fn(&mut Status);
    let cases: [(Change, &str); 14] = [
        (|status| status.ready = Err(NotReady::Log), "!The audit log contradicts the checkpoint"),
        (|status| status.catalog.expires = NOW + 30 * DAY, "The catalog expires on"),
        (|status| status.trouble.ledger = Some("it is away".to_owned()), "!The ledger cannot be read: it is away."),
        (|status| status.trouble.later_catalog = true, "!The home has a later catalog"),
        (|status| status.trouble.lacking = 2, "!The home lacks files of 2 of the live epochs and releases"),
        (
            |status| status.trouble.half_retired = vec![EpochId::from_bytes([0xe1; 32])],
            "The epoch e1e1e1e1 is retired, but",
        ),
        (|status| status.ready = Err(NotReady::Draining), "The server is stopping"),
        (|status| status.certificate_end = Some(NOW), "!The certificate of this server ended on"),
        (|status| status.certificate_end = Some(NOW + 60 * DAY), "The certificate of this server ends on"),
        (|status| status.disk = Some(Disk { free: 4 << 30, size: 100 << 30 }), "The disk of the home is nearly full"),
        (|status| status.disk = Some(Disk { free: 1 << 20, size: 1 << 30 }), "!The disk of the home is nearly full"),
        (
            |status| status.insurers[0].certificate_end = NOW + 60 * DAY,
            "Certificates end within 60 days, or have ended: mutuelle-x.",
        ),
        (
            |status| {
                let code = RefusalCode::InvalidSignature;
                status.insurers[0].refused = Some(Refusals { times: 5, code, last: NOW - 60 });
            },
            "mutuelle-x was refused 5 times in a row, last because the chunk's signature does not hold (invalid_signature).",
        ),
        (
            |status| status.insurers = (0..9).map(|n| over_budget(&format!("m{n}"), NOW)).collect(),
            "Refused for their budget within the hour: m0, m1, m2, m3, m4 and 4 more.",
        ),
    ];
    for (change, expected) in cases {
        let warnings = warned(change);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
    }
}

#[test]
fn who_is_not_answered_any_more_is_not_warned_about() {
    let quiet = warned(|status| {
        let code = RefusalCode::Suspended;
        for standing in ["suspended", "revoked"] {
            let mut gone = insurer("gone", 1_000);
            gone.standing = standing.to_owned();
            gone.certificate_end = NOW;
            gone.refused = Some(Refusals { times: 99, code, last: NOW });
            status.insurers.push(gone);
        }
        status.insurers[0].refused = Some(Refusals { times: 99, code, last: NOW - 2 * DAY });
    });
    assert_eq!(quiet, [""; 0], "and an old story is over");
}

#[test]
fn a_time_ago_is_in_the_largest_unit_that_fits() {
    let shown = |seconds: u64| ago(NOW - seconds, NOW).into_string();
    for (seconds, said) in
        [(0, ">0 s ago<"), (59, ">59 s ago<"), (60, ">1 min ago<"), (7_200, ">2 h ago<"), (3 * DAY, ">3 days ago<")]
    {
        assert!(shown(seconds).contains(said), "{}", shown(seconds));
    }
    assert!(ago(NOW + 5, NOW).into_string().contains(">0 s ago<"), "another machine's clock");
}
