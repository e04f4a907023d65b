//! What exactly is signed, and that a signature covers all of it (SPEC.md, section 15).

use super::*;
use crate::fixtures::{G, G2, JOB, assert_strict, insurer, public_key};

fn header() -> ChunkHeader {
    ChunkHeader {
        operator_key: VerifyingKey::from_bytes([0x11; 32]),
        epoch: EpochId::from_bytes([0x22; 32]),
        key: public_key(G),
        job: JobId::from_bytes([0x33; 16]),
        number: 0x0102,
        count: 0x0304,
        digest: Digest::from_bytes([0x44; 32]),
    }
}

/// [SIG-2]
#[test]
fn the_signed_message_has_its_layout() {
    let layout = [
        &hex::encode("blindlist/1 chunk\n"), // domain
        &*"11".repeat(32),                   // operator key
        &"22".repeat(32),                    // epoch
        G,                                   // K
        &"33".repeat(16),                    // job
        "02010000",                          // number
        "04030000",                          // count
        &"44".repeat(32),                    // digest
    ];
    assert_eq!(hex::encode(header().message()), layout.concat());
    let signature = header().sign(&insurer());
    assert_eq!(signature, insurer().sign(&hex::decode(layout.concat()).unwrap()));
    assert_strict(&header(), codec::encode, |bytes| codec::decode(bytes, 1_000));
}

#[test]
fn a_signature_covers_every_field() {
    let signature = header().sign(&insurer());
    assert_eq!(header().verify(&insurer().verifying(), &signature), Ok(()));
    let changes: [fn(&mut ChunkHeader); 7] = [
        |header| header.operator_key = VerifyingKey::from_bytes([0x12; 32]),
        |header| header.epoch = EpochId::from_bytes([0x23; 32]),
        |header| header.key = public_key(G2),
        |header| header.job = JOB,
        |header| header.number += 1,
        |header| header.count += 1,
        |header| header.digest = Digest::from_bytes([0x45; 32]),
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut changed = header();
        change(&mut changed);
        assert_eq!(changed.verify(&insurer().verifying(), &signature), Err(BadSignature), "change {i}");
    }
    let other = SigningKey::from_seed(&[9; 32]);
    assert_eq!(header().verify(&other.verifying(), &signature), Err(BadSignature));
    assert_eq!(header().verify(&insurer().verifying(), &header().sign(&other)), Err(BadSignature));
}

#[test]
fn a_digest_is_of_number_and_elements_in_their_order() {
    let (a, b) = (Element::from_bytes([0xaa; 32]), Element::from_bytes([0xbb; 32]));
    let layout = [
        &hex::encode("blindlist/1 chunk digest\n"), // domain
        "02000000",                                 // number of elements
        &*"aa".repeat(32),
        &"bb".repeat(32),
    ];
    let expected: [u8; 32] = Sha256::digest(hex::decode(layout.concat()).unwrap()).into();
    assert_eq!(digest(&[a, b]), Digest::from_bytes(expected));
    let all = [digest(&[]), digest(&[a]), digest(&[b]), digest(&[a, b]), digest(&[b, a]), digest(&[a, a])];
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "digest {i}");
    }
}
