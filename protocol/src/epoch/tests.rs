//! Layout, round trip and rules of the epoch record (SPEC.md, section 10).

use super::*;
use crate::codec::{self, CodecError};
use crate::fixtures::{
    G, G2, Operator, any as some, assert_allowed, assert_rules, assert_strict, holders, public_key, replaced, slug,
    unhex,
};
use crate::ids::LedgerId;
use crate::object;
use crate::signature::SigningKey;
use proptest::collection::vec;
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// A record of given values, whose epoch id is not that of its keys.
fn sample() -> EpochRecord {
    let holder = |index| Holder {
        index,
        share: public_key(G2),
        receipt_key: VerifyingKey::from_bytes([0x33; 32]),
        ledger: LedgerId::from_bytes([0x44; 16]),
        addresses: vec!["a:1".parse().unwrap()],
    };
    EpochRecord {
        version: 2,
        operator: slug("op"),
        operator_key: VerifyingKey::from_bytes([0x11; 32]),
        epoch: EpochId::from_bytes([0x22; 32]),
        key: public_key(G),
        threshold: 1,
        holders: vec![holder(3)],
        canaries: [[1; 16], [2; 16], [3; 16], [4; 16]],
        evidence: Evidence::Required,
        created: 0x0506,
    }
}

#[test]
fn the_body_has_its_layout() {
    let layout = [
        "02000000",         // version
        "0200000000000000", // length of the operator's name
        "6f70",             // "op"
        &*"11".repeat(32),  // operator key
        &"22".repeat(32),   // epoch
        G,                  // K
        "01",               // threshold
        "0100000000000000", // number of holders
        "03",               // index
        G2,                 // share
        &"33".repeat(32),   // receipt key
        &"44".repeat(16),   // ledger
        "0100000000000000", // number of addresses
        "0300000000000000", // length of the address
        "613a31",           // "a:1"
        &"01".repeat(16),   // canaries, without a length
        &"02".repeat(16),
        &"03".repeat(16),
        &"04".repeat(16),
        "01000000",         // evidence is required
        "0605000000000000", // created
    ];
    assert_eq!(hex::encode(codec::encode(&sample())), layout.concat());
    assert_eq!(decode(&unhex(&layout.concat())), Ok(sample()));
}

fn decode(bytes: &[u8]) -> Result<EpochRecord, CodecError> {
    codec::decode(bytes, EpochRecord::LIMIT)
}

#[test]
fn the_body_is_strict() {
    assert_strict(&sample(), codec::encode, decode);
    assert_strict(&Operator::new(1, 1, 2, 3).record, codec::encode, decode);
}

/// [OPRF-1], [TEXT-1]: K and shares are elements other than the identity, addresses are addresses.
#[test]
fn values_that_their_types_do_not_allow_are_malformed() {
    let body = codec::encode(&sample());
    let identity = "00".repeat(32);
    let not_canonical = "ff".repeat(32);
    let damages = [
        (G, &*identity),
        (G, &not_canonical),
        (G2, &identity),
        (G2, &not_canonical),
        ("0300000000000000613a31", "0300000000000000613a30"), // port 0
        ("0300000000000000613a31", "0200000000000000613a"),   // no port
        ("0300000000000000613a31", "0400000000000000c3283a31"), // not UTF-8
        ("0300000000000000613a31", "ffffffffffffffff613a31"), // a length beyond the bytes
        ("010000000605000000000000", "020000000605000000000000"), // no such choice
    ];
    for (from, to) in damages {
        assert_eq!(decode(&replaced(&body, from, to)), Err(CodecError::Malformed), "{from} to {to}");
    }
}

#[test]
fn an_epoch_id_is_the_hash_of_both_keys() {
    let layout = [&hex::encode("blindlist/1 epoch id\n"), &*"11".repeat(32), G];
    let expected: [u8; 32] = Sha256::digest(unhex(&layout.concat())).into();
    let one = VerifyingKey::from_bytes([0x11; 32]);
    assert_eq!(EpochRecord::id(&one, &public_key(G)), EpochId::from_bytes(expected));
    assert_ne!(EpochRecord::id(&one, &public_key(G2)), EpochId::from_bytes(expected));
    assert_ne!(EpochRecord::id(&VerifyingKey::from_bytes([0x12; 32]), &public_key(G)), EpochId::from_bytes(expected));
}

/// [EPO-1], [EPO-2], [EPO-4]
#[test]
fn every_rule_is_kept() {
    assert_rules(
        &Operator::new(1, 1, 2, 3).record,
        &key(),
        &[
            (|record| record.version = 0, "EPO-1"),
            (|record| record.key = public_key(G), "EPO-1"),
            (|record| record.epoch = EpochId::from_bytes([0; 32]), "EPO-1"),
            (|record| record.holders.clear(), "EPO-2"),
            (|record| record.holders.reverse(), "EPO-2"),
            (|record| record.holders[0].index = 0, "EPO-2"),
            (|record| record.holders[1].index = 1, "EPO-2"),
            (|record| record.holders = copies(record, 33), "EPO-2"),
            (|record| record.threshold = 0, "EPO-2"),
            (|record| record.threshold = 4, "EPO-2"),
            (|record| record.holders[2].addresses = vec!["a:1".parse().unwrap(); 17], "EPO-2"),
            (|record| record.canaries[3] = record.canaries[0], "EPO-4"),
            (|record| record.canaries[2] = record.canaries[1], "EPO-4"),
            (|record| record.holders[1].ledger = record.holders[0].ledger, "EPO-4"),
            (|record| record.holders[2].receipt_key = record.holders[0].receipt_key, "EPO-4"),
        ],
    );
    assert_allowed(
        &Operator::new(1, 1, 2, 3).record,
        &key(),
        &[
            |record| record.version = u32::MAX,
            |record| record.holders[2].addresses = vec!["a:1".parse().unwrap(); 16],
            |record| record.holders[2].addresses = vec![],
            |record| record.holders.truncate(2),
            |record| record.threshold = 3, // a line is also a parabola
        ],
    );
}

/// [EPO-3]
#[test]
fn shares_off_the_polynomial_are_refused() {
    assert_rules(
        &Operator::new(1, 1, 2, 3).record,
        &key(),
        &[
            (|record| record.threshold = 1, "EPO-3"),
            (|record| record.holders[0].share = public_key(G), "EPO-3"),
            (|record| record.holders[2].share = public_key(G), "EPO-3"),
            (|record| record.holders[2].index = 4, "EPO-3"),
            (|record| record.holders[0].share = record.holders[1].share, "EPO-3"),
        ],
    );
    assert_rules(
        &Operator::new(1, 1, 1, 1).record,
        &key(),
        &[(|record| record.holders[0].share = public_key(G), "EPO-3")],
    );
}

/// So many holders of one same share, as a threshold of 1 has them.
fn copies(record: &EpochRecord, count: u8) -> Vec<Holder> {
    let copy = |index| Holder {
        index,
        share: record.key,
        receipt_key: VerifyingKey::from_bytes([index; 32]),
        ledger: LedgerId::from_bytes([index; 16]),
        addresses: vec![],
    };
    (1..=count).map(copy).collect()
}

/// [EPO-2]
#[test]
fn there_may_be_32_holders() {
    assert_allowed(&Operator::new(1, 1, 1, 1).record, &key(), &[|record| record.holders = copies(record, 32)]);
    assert_rules(&Operator::new(1, 1, 1, 1).record, &key(), &[(|record| record.holders = copies(record, 33), "EPO-2")]);
    let largest = Operator::new(1, 1, 32, 32);
    assert_eq!(object::open(&largest.signed_record(), &key().verifying()), Ok(largest.record));
}

#[test]
fn a_set_is_as_many_of_the_records_holders_as_the_threshold_says() {
    let record = Operator::new(1, 1, 2, 3).record;
    for (set, accepted) in
        [(&[1, 2][..], true), (&[1, 3], true), (&[2, 3], true), (&[1], false), (&[1, 2, 3], false), (&[1, 4], false)]
    {
        assert_eq!(record.accepts(&holders(set)), accepted, "{set:?}");
    }
    assert_eq!(record.first_set(), Some(holders(&[1, 2])));
    assert_eq!(Operator::new(1, 1, 1, 1).record.first_set(), Some(holders(&[1])));
    assert_eq!(record.holder(3).map(|holder| holder.index), Some(3));
    assert_eq!((record.holder(0), record.holder(4)), (None, None));
}

#[test]
fn canaries_are_the_records_values_under_the_schemes_canary_byte() {
    for (scheme, byte) in [(Scheme::Nir, "81"), (Scheme::Beneficiary, "82"), (Scheme::Person, "83")] {
        let shown = sample().canaries(scheme).map(|canary| hex::encode(canary.as_bytes()));
        // Domain, scheme byte, length, value.
        let expected = ["01", "02", "03", "04"]
            .map(|value| [&hex::encode("blindlist/1 identifier\n"), byte, "1000", &value.repeat(16)].concat());
        assert_eq!(shown, expected, "{scheme}");
    }
}

fn any_record() -> impl Strategy<Value = EpochRecord> {
    let holder =
        (any::<u8>(), some::public_key(), some::verifying_key(), some::ledger_id(), vec(some::address(), 0..4))
            .prop_map(|(index, share, receipt_key, ledger, addresses)| Holder {
                index,
                share,
                receipt_key,
                ledger,
                addresses,
            });
    let evidence = prop_oneof![Just(Evidence::Optional), Just(Evidence::Required)];
    let fields = (
        (any::<u32>(), some::slug(), some::verifying_key(), some::epoch_id(), some::public_key()),
        (any::<u8>(), vec(holder, 0..5), any::<[[u8; 16]; 4]>(), evidence, any::<u64>()),
    );
    fields.prop_map(
        |((version, operator, operator_key, epoch, key), (threshold, holders, canaries, evidence, created))| {
            EpochRecord { version, operator, operator_key, epoch, key, threshold, holders, canaries, evidence, created }
        },
    )
}

proptest! {
    #[test]
    fn bodies_come_back(record in any_record()) {
        prop_assert_eq!(decode(&codec::encode(&record)), Ok(record));
    }
}
