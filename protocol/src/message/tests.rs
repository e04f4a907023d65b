//! Layouts of every message, that they come back, and that everything else is refused. Arbitrary ones are in [`property`].

mod property;

use super::*;
use crate::fixtures::{assert_strict, holders, replaced, unhex};
use crate::params::MAX_CHUNK;
use crate::refusal::RefusalCode;

fn account() -> Account {
    Account { granted: 0x0102, spent: 3 }
}

fn evaluate() -> Evaluate {
    Evaluate {
        epoch: EpochId::from_bytes([0x11; 32]),
        holders: holders(&[1, 3]),
        job: JobId::from_bytes([0x22; 16]),
        number: 0x0304,
        elements: vec![Element::from_bytes([0x33; 32]), Element::from_bytes([0x44; 32])],
        signature: Signature::from_bytes([0x55; 64]),
    }
}

fn evaluated(receipt: Receipt) -> Evaluated {
    Evaluated {
        elements: vec![Element::from_bytes([0x33; 32])],
        proof: Proof::from_bytes([0x66; 64]),
        account: account(),
        receipt,
    }
}

fn receipt(entry: usize) -> Receipt {
    Receipt { index: 5, entry: vec![0xee; entry], signature: Signature::from_bytes([0x77; 64]) }
}

const LEDGER: LedgerId = LedgerId::from_bytes([0x22; 16]);

fn checkpoint() -> Checkpoint {
    let (root, signature) = (Digest::from_bytes([0x11; 32]), Signature::from_bytes([0x77; 64]));
    Checkpoint { ledger: LEDGER, size: 0x0102, root, time: 5, signature }
}

fn requests() -> Vec<(Request, String)> {
    let (id32, id16) = ("11".repeat(32), "22".repeat(16));
    let evaluate_layout = [
        "04000000",         // alternative
        &id32,              // epoch
        "0200000000000000", // number of holders
        "0103",             // holders
        &id16,              // job
        "04030000",         // chunk number
        "0200000000000000", // number of elements
        &"33".repeat(32),   // first element
        &"44".repeat(32),   // second element
        &"55".repeat(64),   // signature
    ];
    vec![
        (Request::Catalog, "00000000".to_owned()),
        (Request::Object(Digest::from_bytes([0x11; 32])), ["01000000", &id32].concat()),
        (
            Request::Segment { release: ReleaseId::from_bytes([0x22; 16]), number: 0x0102 },
            ["02000000", &id16, "02010000"].concat(), // alternative, release, segment number
        ),
        (Request::Account(EpochId::from_bytes([0x11; 32])), ["03000000", &id32].concat()),
        (Request::Evaluate(evaluate()), evaluate_layout.concat()),
        (Request::Checkpoint(LEDGER), ["05000000", &id16].concat()),
        (
            Request::Consistency { ledger: LEDGER, from: 0x0102, to: 3 },
            ["06000000", &id16, "0201000000000000", "0300000000000000"].concat(), // alternative, ledger, from, to
        ),
        (
            Request::Inclusion { ledger: LEDGER, index: 0x0102, size: 3 },
            ["07000000", &id16, "0201000000000000", "0300000000000000"].concat(), // alternative, ledger, index, size
        ),
        (Request::Succession(VerifyingKey::from_bytes([0x11; 32])), ["08000000", &id32].concat()),
    ]
}

fn responses() -> Vec<(Response, String)> {
    let account_layout = ["0201000000000000", "0300000000000000"].concat(); // granted, spent
    let bytes = ["0300000000000000", "616263"].concat(); // length, bytes
    let evaluated_layout = [
        "04000000",         // alternative
        "0100000000000000", // number of elements
        &"33".repeat(32),   // element
        &"66".repeat(64),   // proof
        &account_layout,
    ]
    .concat();
    let receipt_layout = [
        "0500000000000000", // index
        "0200000000000000", // length of the entry
        "eeee",             // entry
        &"77".repeat(64),   // signature
    ];
    let checkpoint_layout = [
        "06000000",         // alternative
        &"22".repeat(16),   // ledger
        "0201000000000000", // size
        &"11".repeat(32),   // root
        "0500000000000000", // time
        &"77".repeat(64),   // signature
    ];
    vec![
        (Response::Catalog(b"abc".to_vec()), ["00000000", &bytes].concat()),
        (Response::Object(b"abc".to_vec()), ["01000000", &bytes].concat()),
        (Response::Segment(b"abc".to_vec()), ["02000000", &bytes].concat()),
        (Response::Account(account()), ["03000000", &account_layout].concat()),
        (Response::Evaluated(evaluated(receipt(2))), [evaluated_layout, receipt_layout.concat()].concat()),
        (
            Response::Refused(Refusal::with(RefusalCode::OverBudget, 0x0102)),
            ["05000000", "0b00", "0201000000000000"].concat(), // alternative, code, value
        ),
        (
            Response::Refused(RefusalCode::Unlisted(0xfffe).into()),
            ["05000000", "feff", "0000000000000000"].concat(), // a code that this version does not know
        ),
        (Response::Checkpoint(checkpoint()), checkpoint_layout.concat()),
        (
            Response::Path(vec![Digest::from_bytes([0x11; 32])]),
            ["07000000", "0100000000000000", &"11".repeat(32)].concat(), // alternative, length, hash
        ),
    ]
}

/// [NOTE-1]
#[test]
fn every_message_has_its_layout() {
    for (request, layout) in requests() {
        assert_eq!(hex::encode(request.encode()), layout);
        assert_eq!(Request::decode(&unhex(&layout)), Ok(request));
    }
    for (response, layout) in responses() {
        assert_eq!(hex::encode(response.encode()), layout);
        assert_eq!(Response::decode(&unhex(&layout)), Ok(response));
    }
}

/// [ENC-1]
#[test]
fn every_message_is_strict() {
    for (request, _) in requests() {
        assert_strict(&request, Request::encode, Request::decode);
    }
    for (response, _) in responses() {
        assert_strict(&response, Response::encode, Response::decode);
    }
}

/// [ENC-1]
#[test]
fn unknown_alternatives_are_malformed() {
    // Whatever follows does not matter.
    for tag in [8, 9, 10, 0x0100, u32::MAX] {
        for length in [0, 32, 200] {
            let bytes = [&u32::to_le_bytes(tag)[..], &vec![0; length]].concat();
            assert_eq!(Response::decode(&bytes), Err(CodecError::Malformed), "{tag}");
            if tag != 8 {
                assert_eq!(Request::decode(&bytes), Err(CodecError::Malformed), "{tag}");
            }
        }
    }
}

/// [ENC-2]
#[test]
fn more_bytes_than_the_limit_are_refused_before_decoding() {
    let too_large = |found, limit| CodecError::TooLarge { found, limit };
    assert_eq!(Request::decode(&vec![0xff; 263_169]), Err(too_large(263_169, 263_168)));
    assert_eq!(Request::decode(&vec![0xff; 263_168]), Err(CodecError::Malformed));
    assert_eq!(Response::decode(&vec![0xff; 2_098_177]), Err(too_large(2_098_177, 2_098_176)));
    assert_eq!(Response::decode(&vec![0xff; 2_098_176]), Err(CodecError::Malformed));
}

#[test]
fn the_largest_messages_fit() {
    let elements = vec![Element::from_bytes([0xff; 32]); MAX_CHUNK];
    let all_holders: Vec<u8> = (224..=255).collect();
    let request =
        Request::Evaluate(Evaluate { holders: holders(&all_holders), elements: elements.clone(), ..evaluate() });
    assert_eq!(Request::decode(&request.encode()), Ok(request));
    let response = Response::Evaluated(Evaluated { elements, ..evaluated(receipt(MAX_AUDIT_ENTRY)) });
    assert_eq!(Response::decode(&response.encode()), Ok(response));
    let object = Response::Object(vec![1; crate::params::MAX_OBJECT]);
    assert_eq!(Response::decode(&object.encode()), Ok(object));
}

/// [ENC-3]
#[test]
fn lengths_beyond_the_bytes_are_malformed() {
    let two = ["0200000000000000", &"33".repeat(32)].concat();
    for length in ["0300000000000000", "0000000001000000", "ffffffffffffff7f", "ffffffffffffffff"] {
        let request = Request::Evaluate(evaluate()).encode();
        let elements = replaced(&request, &two, &[length, &"33".repeat(32)].concat());
        assert_eq!(Request::decode(&elements), Err(CodecError::Malformed), "{length} elements");
        let holders = replaced(&request, "02000000000000000103", &[length, "0103"].concat());
        assert_eq!(Request::decode(&holders), Err(CodecError::Malformed), "{length} holders");
        for tag in ["00000000", "01000000", "02000000"] {
            // One byte where at least three are promised.
            let bytes = unhex(&[tag, length, "61"].concat());
            assert_eq!(Response::decode(&bytes), Err(CodecError::Malformed), "{length} bytes");
        }
    }
}

#[test]
fn holders_that_are_no_set_are_malformed() {
    let request = Request::Evaluate(evaluate()).encode();
    let with = |indices: &str| {
        let length = u64::try_from(indices.len() / 2).unwrap().to_le_bytes();
        let holders = [&hex::encode(length), indices].concat();
        Request::decode(&replaced(&request, "02000000000000000103", &holders))
    };
    assert!(with("01ff").is_ok());
    let thirty_three: String = (1..=33).map(|i| format!("{i:02x}")).collect();
    for bad in ["", "00", "0001", "0301", "0303", "010302", &thirty_three] {
        assert_eq!(with(bad), Err(CodecError::Malformed), "{bad}");
    }
}

/// [MSG-2]
#[test]
fn a_receipts_entry_has_at_most_1024_bytes() {
    let response = |entry| Response::Evaluated(evaluated(receipt(entry)));
    assert_eq!(Response::decode(&response(1_024).encode()), Ok(response(1_024)));
    assert_eq!(Response::decode(&response(1_025).encode()), Err(CodecError::Malformed));
}

/// [MSG-2]
#[test]
fn a_path_has_at_most_128_hashes() {
    let response = |hashes| Response::Path(vec![Digest::from_bytes([1; 32]); hashes]);
    assert_eq!(Response::decode(&response(128).encode()), Ok(response(128)));
    assert_eq!(Response::decode(&response(129).encode()), Err(CodecError::Malformed));
}

#[test]
fn what_remains_of_an_account_is_never_below_zero() {
    let remaining = |granted, spent| Account { granted, spent }.remaining();
    assert_eq!((remaining(10, 4), remaining(10, 10), remaining(4, 10)), (6, 0, 0));
    assert_eq!(remaining(u64::MAX, 0), u64::MAX);
}
