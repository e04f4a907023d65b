//! Layouts of entries.

use super::*;
use crate::fixtures::{G, INSURER, JOB, assert_strict, holders, public_key, slug};

const EPOCH: EpochId = EpochId::from_bytes([0x11; 32]);

fn key(byte: u8) -> VerifyingKey {
    VerifyingKey::from_bytes([byte; 32])
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn events() -> Vec<(Event, String)> {
    let (insurer, epoch) = ("1e".repeat(16), "11".repeat(32));
    let charge = Charge {
        insurer: INSURER,
        epoch: EPOCH,
        holders: holders(&[1, 3]),
        job: JOB,
        number: 2,
        count: 0x0102,
        digest: digest(0x22),
        signature: Signature::from_bytes([0x33; 64]),
        spent: 0x0304,
    };
    let charged = [
        "00000000",
        &insurer,
        &epoch,
        "0200000000000000", // holders
        "0103",
        &"10".repeat(16),   // job
        "02000000",         // number
        "02010000",         // count
        &"22".repeat(32),   // digest
        &"33".repeat(64),   // signature
        "0403000000000000", // spent
    ];
    let code = RefusalCode::OverBudget;
    let (signing_key, certificate) = (key(0x44), digest(0x55));
    let keys = ["44".repeat(32), "55".repeat(32)].concat();
    vec![
        (Event::Charge(charge), charged.concat()),
        (
            Event::Refusal { insurer: INSURER, epoch: EPOCH, code, value: 9 },
            ["01000000", &insurer, &epoch, "0b00", "0900000000000000"].concat(),
        ),
        (
            Event::Enrolment { insurer: INSURER, name: slug("ab"), signing_key, certificate },
            ["02000000", &insurer, "0200000000000000", "6162", &keys].concat(),
        ),
        (Event::Keys { insurer: INSURER, signing_key, certificate }, ["03000000", &insurer, &keys].concat()),
        (Event::Status { insurer: INSURER, status: Status::Active }, ["04000000", &insurer, "00"].concat()),
        (Event::Status { insurer: INSURER, status: Status::Suspended }, ["04000000", &insurer, "01"].concat()),
        (Event::Status { insurer: INSURER, status: Status::Revoked }, ["04000000", &insurer, "02"].concat()),
        (
            Event::Budget { insurer: INSURER, epoch: EPOCH, granted: 0x0102 },
            ["05000000", &insurer, &epoch, "0201000000000000"].concat(),
        ),
        (
            Event::Epoch { epoch: EPOCH, operator_key: key(0x44), key: public_key(G), record: digest(0x22) },
            ["06000000", &epoch, &"44".repeat(32), G, &"22".repeat(32)].concat(),
        ),
        (Event::Release { epoch: EPOCH, manifest: digest(0x22) }, ["07000000", &epoch, &"22".repeat(32)].concat()),
        (Event::Retirement { epoch: EPOCH }, ["08000000", &epoch].concat()),
        (Event::Succession { old_key: key(0x44), new_key: key(0x55) }, ["09000000", &keys].concat()),
        (
            Event::Continuation { ledger: LedgerId::from_bytes([0x66; 16]), size: 5, root: digest(0x22) },
            ["0a000000", &"66".repeat(16), "0500000000000000", &"22".repeat(32)].concat(),
        ),
    ]
}

#[test]
fn every_entry_has_its_layout() {
    for (event, layout) in events() {
        let entry = Entry { time: 0x0708, event };
        assert_eq!(hex::encode(entry.encode()), ["0807000000000000", &layout].concat());
        assert_strict(&entry, Entry::encode, Entry::decode);
    }
}

#[test]
fn an_entry_has_at_most_1024_bytes() {
    assert_eq!(Entry::decode(&[0; 1_025]), Err(CodecError::TooLarge { found: 1_025, limit: 1_024 }));
}

#[test]
fn a_status_is_one_of_three() {
    let (event, _) = events().swap_remove(6);
    let mut bytes = Entry { time: 0, event }.encode();
    for status in 3..=0xff {
        *bytes.last_mut().unwrap() = status;
        assert_eq!(Entry::decode(&bytes), Err(CodecError::Malformed), "{status}");
    }
}

/// [AUD-1]
#[test]
fn the_refusals_that_are_logged() {
    let logged = (0..20_u16).filter(|code| is_logged((*code).into()));
    assert_eq!(logged.collect::<Vec<_>>(), [3, 4, 5, 7, 9, 10, 11]);
}
