//! Layout, round trip and rules of the catalog snapshot.

use super::*;
use crate::codec;
use crate::fixtures::{any as some, assert_allowed, assert_rules, assert_strict, replaced, slug};
use crate::ids::LedgerId;
use crate::object::{self, ObjectError};
use crate::signature::Signature;
use crate::signature::SigningKey;
use proptest::collection::vec;
use proptest::prelude::*;

fn checkpoint(ledger: u8) -> Checkpoint {
    Checkpoint {
        ledger: LedgerId::from_bytes([ledger; 16]),
        size: 5,
        root: Digest::from_bytes([0x66; 32]),
        time: 6,
        signature: Signature::from_bytes([0x77; 64]),
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn catalog() -> Catalog {
    Catalog {
        operator: slug("op"),
        operator_key: key().verifying(),
        sequence: 2,
        issued: 3,
        expires: 4,
        epochs: vec![Digest::from_bytes([0x22; 32])],
        manifests: vec![
            Listed::to_all(Digest::from_bytes([0x33; 32])),
            Listed { manifest: Digest::from_bytes([0x44; 32]), audience: digests(1) },
        ],
        checkpoints: vec![checkpoint(0x55)],
    }
}

#[test]
fn the_object_has_its_layout() {
    let operator_key = hex::encode(key().verifying().as_bytes());
    let layout = [
        &hex::encode("blindlist/1 catalog\n"), // line
        "0200000000000000",                    // length of the operator's name
        "6f70",                                // "op"
        &operator_key,                         // operator key
        "0200000000000000",                    // sequence
        "0300000000000000",                    // issued
        "0400000000000000",                    // expires
        "0100000000000000",                    // number of epoch records
        &"22".repeat(32),
        "0200000000000000", // number of manifests
        &"33".repeat(32),
        "0000000000000000", // addressed to all
        &"44".repeat(32),
        "0100000000000000", // addressed to one insurer
        &"00".repeat(32),
        "0100000000000000", // number of checkpoints
        &"55".repeat(16),   // ledger
        "0500000000000000", // size
        &"66".repeat(32),   // root
        "0600000000000000", // time
        &"77".repeat(64),   // signature
    ];
    let signed = layout.concat();
    let signature = key().sign(&hex::decode(&signed).unwrap());
    let object = object::sign(&catalog(), &key());
    assert_eq!(hex::encode(&object), [signed, hex::encode(signature.as_bytes())].concat());
    assert_eq!(object::open(&object, &key().verifying()), Ok(catalog()));
}

#[test]
fn the_body_is_strict() {
    assert_strict(&catalog(), codec::encode, |bytes| codec::decode(bytes, Catalog::LIMIT));
}

/// [TEXT-1]
#[test]
fn a_name_that_is_none_is_malformed() {
    let operator_key = hex::encode(key().verifying().as_bytes());
    let body = codec::encode(&catalog());
    // Not UTF-8, upper case, a leading hyphen, a control character; and an empty one.
    for bad in [
        "02000000000000006fff",
        "02000000000000006f50",
        "02000000000000002d70",
        "02000000000000006f0a",
        "0000000000000000",
    ] {
        let bytes = replaced(&body, &["02000000000000006f70", &operator_key].concat(), &[bad, &operator_key].concat());
        assert_eq!(codec::decode::<Catalog>(&bytes, Catalog::LIMIT), Err(codec::CodecError::Malformed), "{bad}");
        let message = [Catalog::LINE, &bytes].concat();
        let object = [&message[..], key().sign(&message).as_bytes()].concat();
        let malformed = Err(ObjectError::Codec(codec::CodecError::Malformed));
        assert_eq!(object::open::<Catalog>(&object, &key().verifying()), malformed, "{bad}");
    }
}

/// Ascending digests, so many.
fn digests(count: u32) -> Vec<Digest> {
    let bytes = |i: u32| [&i.to_be_bytes()[..], &[0; 28]].concat().try_into().unwrap();
    (0..count).map(|i| Digest::from_bytes(bytes(i))).collect()
}

/// Checkpoints of ascending ledgers, so many.
fn checkpoints(count: u32) -> Vec<Checkpoint> {
    let bytes = |i: u32| [&i.to_be_bytes()[..], &[0; 12]].concat().try_into().unwrap();
    (0..count).map(|i| Checkpoint { ledger: LedgerId::from_bytes(bytes(i)), ..checkpoint(0) }).collect()
}

/// [CAT-1], [OBJ-3]
#[test]
fn every_rule_is_kept() {
    assert_rules(
        &catalog(),
        &key(),
        &[
            (|catalog| catalog.sequence = 0, "CAT-1"),
            (|catalog| catalog.expires = 3, "CAT-1"),
            (|catalog| catalog.expires = 2, "CAT-1"),
            (|catalog| catalog.epochs = vec![Digest::from_bytes([1; 32]); 2], "OBJ-3"),
            (|catalog| catalog.epochs = digests(4_097), "OBJ-3"),
            (|catalog| catalog.manifests.reverse(), "OBJ-3"),
            (|catalog| catalog.manifests[1].manifest = catalog.manifests[0].manifest, "OBJ-3"),
            (|catalog| catalog.manifests = digests(4_097).into_iter().map(Listed::to_all).collect(), "OBJ-3"),
            (|catalog| catalog.manifests[0].audience = vec![Digest::from_bytes([1; 32]); 2], "OBJ-3"),
            (|catalog| catalog.manifests[1].audience = digests(1_025), "OBJ-3"),
            (|catalog| catalog.checkpoints = vec![checkpoint(2), checkpoint(1)], "OBJ-3"),
            (|catalog| catalog.checkpoints = vec![checkpoint(2), checkpoint(2)], "OBJ-3"),
            (|catalog| catalog.checkpoints = checkpoints(4_097), "OBJ-3"),
        ],
    );
    assert_allowed(
        &catalog(),
        &key(),
        &[
            |catalog| catalog.sequence = u64::MAX,
            |catalog| catalog.epochs = digests(4_096),
            |catalog| (catalog.epochs, catalog.manifests, catalog.checkpoints) = (vec![], vec![], vec![]),
            |catalog| catalog.checkpoints = checkpoints(4_096),
        ],
    );
}

fn any_catalog() -> impl Strategy<Value = Catalog> {
    let checkpoint = (some::ledger_id(), any::<u64>(), some::digest(), any::<u64>(), some::signature())
        .prop_map(|(ledger, size, root, time, signature)| Checkpoint { ledger, size, root, time, signature });
    let fields = (
        (some::slug(), some::verifying_key(), any::<[u64; 3]>()),
        vec(some::digest(), 0..5),
        vec((some::digest(), vec(some::digest(), 0..3)), 0..5)
            .prop_map(|listed| listed.into_iter().map(|(manifest, audience)| Listed { manifest, audience }).collect()),
        vec(checkpoint, 0..3),
    );
    fields.prop_map(|((operator, operator_key, [sequence, issued, expires]), epochs, manifests, checkpoints)| Catalog {
        operator,
        operator_key,
        sequence,
        issued,
        expires,
        epochs,
        manifests,
        checkpoints,
    })
}

/// [CAT-5]: everybody sees the same snapshot, and each recognises what is its own.
#[test]
fn an_audience_is_recognised_by_those_in_it_only() {
    let [ours, theirs] = [1, 2].map(|byte| InsurerId::from_bytes([byte; 16]));
    let manifest = Digest::from_bytes([3; 32]);
    let listed = Listed { manifest, audience: vec![audience_tag(&manifest, &ours)] };
    assert!(listed.addresses(&ours) && !listed.addresses(&theirs));
    assert!(Listed::to_all(manifest).addresses(&theirs));
    let other = Digest::from_bytes([4; 32]);
    assert_ne!(audience_tag(&manifest, &ours), audience_tag(&other, &ours), "lists cannot be linked by their tags");
}

proptest! {
    #[test]
    fn bodies_come_back(catalog in any_catalog()) {
        prop_assert_eq!(codec::decode(&codec::encode(&catalog), Catalog::LIMIT), Ok(catalog));
    }
}
