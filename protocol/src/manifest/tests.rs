//! Layout, round trip and rules of the manifest (SPEC.md, section 11).

use super::*;
use crate::codec::{self, CodecError};
use crate::fixtures::{
    G, Operator, any as some, assert_allowed, assert_rules, assert_strict, public_key, replaced, slug, unhex,
};
use crate::index::{self, SealedEntry};
use crate::signature::SigningKey;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// A manifest of given values with every optional part, whose epoch id is not that of its keys.
fn sample() -> Manifest {
    let incident = Incident { first: "2024-01-31".parse().unwrap(), last: "2024-02-29".parse().unwrap() };
    Manifest {
        operator_key: VerifyingKey::from_bytes([0x11; 32]),
        epoch: EpochId::from_bytes([0x55; 32]),
        key: public_key(G),
        incident: Some(incident),
        audience: vec![slug("x"), slug("y")],
        sequence: 2,
        previous: Some(Digest::from_bytes([0x66; 32])),
        scheme: Scheme::Person,
        dictionary: Dictionary::try_from(vec![slug("b"), slug("a")]).unwrap(),
        ..Operator::new(1, 1, 1, 1).manifest()
    }
}

#[test]
fn the_body_has_its_layout() {
    let layout = [
        "0200000000000000", // length of the operator's name
        "6f70",             // "op"
        &*"11".repeat(32),  // operator key
        "0200000000000000", // length of the list's name
        "6c69",             // "li"
        "0200000000000000", // bytes of the title
        "c3a9",             // "é"
        "01",               // there is an incident
        "e807011f",         // 2024-01-31
        "e807021d",         // 2024-02-29
        "0200000000000000", // size of the audience
        "0100000000000000", // length of the first name
        "78",               // "x"
        "0100000000000000", // length of the second name
        "79",               // "y"
        &"22".repeat(16),   // release
        "0200000000000000", // sequence
        "01",               // there is a previous manifest
        &"66".repeat(32),   // previous
        "0700000000000000", // created
        &"55".repeat(32),   // epoch
        G,                  // K
        "03",               // scheme
        "04000000",         // entries
        "28",               // f
        "0200000000000000", // categories
        "0100000000000000", // length of the first category
        "62",               // "b"
        "0100000000000000", // length of the second category
        "61",               // "a"
        &"33".repeat(32),   // source
        "0900000000000000", // bytes of the index
        "00001000",         // bytes of a segment
        "0100000000000000", // number of segments
        &"44".repeat(32),   // digest of the segment
    ];
    assert_eq!(hex::encode(codec::encode(&sample())), layout.concat());
    assert_eq!(decode(&unhex(&layout.concat())), Ok(sample()));
}

fn decode(bytes: &[u8]) -> Result<Manifest, CodecError> {
    codec::decode(bytes, Manifest::LIMIT)
}

#[test]
fn the_body_is_strict() {
    assert_strict(&sample(), codec::encode, decode);
    assert_strict(&Operator::new(1, 1, 1, 1).manifest(), codec::encode, decode);
}

/// [TEXT-1]
#[test]
fn values_that_their_types_do_not_allow_are_malformed() {
    let body = codec::encode(&sample());
    let categories = "020000000000000001000000000000006201000000000000006133";
    let damages = [
        ("02000000000000006c69", "02000000000000004c49"), // a name in upper case
        ("02000000000000006c69", "02000000000000006cff"), // a name that is not UTF-8
        ("02000000000000006c69", "0000000000000000"),     // an empty name
        ("0200000000000000c3a9", "0200000000000000c328"), // a title that is not UTF-8
        ("0200000000000000c3a9", "0200000000000000410a"), // a title with a line break
        ("0200000000000000c3a9", "0300000000000000e280ae"), // a title that changes direction
        ("01e807011fe807021d", "02e807011fe807021d"),     // an option that is 2
        ("e807021d", "e807021e"),                         // 30 February
        ("e807021d", "e8070d01"),                         // a 13th month
        ("e807021d", "6b070101"),                         // 1899
        (categories, "000000000000000033"),               // no category
        (categories, "020000000000000001000000000000006201000000000000006233"), // one category twice
        ("01000000000000007801", "ffffffffffffffff7801"), // a length beyond the bytes
    ];
    for (from, to) in damages {
        assert_eq!(decode(&replaced(&body, from, to)), Err(CodecError::Malformed), "{from} to {to}");
    }
    let scheme = format!("{G}03");
    for bad in ["00", "04", "81", "ff"] {
        let bytes = replaced(&body, &scheme, &format!("{G}{bad}"));
        assert_eq!(decode(&bytes), Err(CodecError::Malformed), "scheme {bad}");
    }
    let identity = format!("{}03", "00".repeat(32));
    assert_eq!(decode(&replaced(&body, &scheme, &identity)), Err(CodecError::Malformed));
}

/// [MAN-1], [MAN-2], [MAN-3], [MAN-4], [OBJ-3]
#[test]
fn every_rule_is_kept() {
    assert_rules(
        &Operator::new(1, 1, 1, 1).manifest(),
        &key(),
        &[
            (|manifest| manifest.entries = 0, "MAN-2"),
            (|manifest| manifest.entries = 3, "MAN-2"),
            (|manifest| manifest.false_positive_bits = 31, "MAN-2"),
            (|manifest| manifest.false_positive_bits = 57, "MAN-2"),
            (|manifest| manifest.segment_length = 0, "MAN-1"),
            (|manifest| manifest.segment_length = 1 << 19, "MAN-1"),
            (|manifest| (manifest.index_length, manifest.segments) = (0, vec![]), "MAN-1"),
            (|manifest| manifest.index_length = 0, "MAN-1"),
            (|manifest| manifest.index_length = (1 << 20) + 1, "MAN-1"),
            (|manifest| manifest.index_length = u64::MAX, "MAN-1"),
            (|manifest| manifest.segments.push(manifest.source), "MAN-1"),
            (|manifest| manifest.segments.clear(), "MAN-1"),
            (|manifest| manifest.sequence = 0, "MAN-3"),
            (|manifest| (manifest.sequence, manifest.previous) = (0, Some(manifest.source)), "MAN-3"),
            (|manifest| manifest.sequence = 2, "MAN-3"),
            (|manifest| manifest.previous = Some(manifest.source), "MAN-3"),
            (|manifest| manifest.incident = incident("2024-01-02", "2024-01-01"), "OBJ-3"),
            (|manifest| manifest.audience = vec![slug("b"), slug("a")], "OBJ-3"),
            (|manifest| manifest.audience = vec![slug("a"), slug("a")], "OBJ-3"),
            (|manifest| manifest.audience = audience(1_025), "OBJ-3"),
            (|manifest| manifest.key = public_key(G), "MAN-4"),
            (|manifest| manifest.epoch = EpochId::from_bytes([0; 32]), "MAN-4"),
        ],
    );
    assert_allowed(
        &Operator::new(1, 1, 1, 1).manifest(),
        &key(),
        &[
            |manifest| manifest.entries = u32::MAX,
            |manifest| manifest.false_positive_bits = 32,
            |manifest| manifest.false_positive_bits = 56,
            |manifest| manifest.index_length = 1,
            |manifest| manifest.index_length = 1 << 20,
            |manifest| (manifest.index_length, manifest.segments) = ((1 << 20) + 1, vec![manifest.source; 2]),
            |manifest| (manifest.sequence, manifest.previous) = (2, Some(manifest.source)),
            |manifest| manifest.incident = incident("2024-01-02", "2024-01-02"),
            |manifest| manifest.audience = audience(1_024),
        ],
    );
}

fn incident(first: &str, last: &str) -> Option<Incident> {
    Some(Incident { first: first.parse().unwrap(), last: last.parse().unwrap() })
}

fn audience(count: u32) -> Vec<Slug> {
    (0..count).map(|i| slug(&format!("insurer-{i:04}"))).collect()
}

/// [MAN-5]
#[test]
fn segments_cover_the_index_without_a_gap() {
    let index = vec![7; (2 << 20) + 5];
    let manifest = Manifest {
        index_length: index.len() as u64,
        segments: segment_digests(&index),
        ..Operator::new(1, 1, 1, 1).manifest()
    };
    let ranges: Vec<_> = (0..4).map(|number| manifest.segment(number)).collect();
    assert_eq!(ranges, [Some(0..0x10_0000), Some(0x10_0000..0x20_0000), Some(0x20_0000..0x20_0005), None]);
    assert_eq!(manifest.segment(u32::MAX), None);
    let hash = |length| Digest::from_bytes(Sha256::digest(vec![7; length]).into());
    assert_eq!(manifest.segments, [hash(1 << 20), hash(1 << 20), hash(5)]);

    let whole = Manifest { index_length: 1 << 20, ..manifest };
    assert_eq!((whole.segment(0), whole.segment(1)), (Some(0..1 << 20), None));
    assert_eq!(segment_digests(&index[..1 << 20]).len(), 1);
}

/// [IDX-6]
#[test]
fn an_index_is_the_one_that_the_manifest_describes() {
    let mut entries = [5_u128, 6, 7, 8].map(|n| SealedEntry { tag: n << 120, label: 1 });
    let bytes = index::encode([0x22; 16], 40, 1, &mut entries).unwrap();
    let manifest = Manifest {
        index_length: bytes.len() as u64,
        segments: segment_digests(&bytes),
        ..Operator::new(1, 1, 1, 1).manifest()
    };
    assert!(manifest.open_index(&bytes).is_ok());
    let names = |count: u8| (0..count).map(|i| slug(&format!("c{i}"))).collect::<Vec<_>>();
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 4] = [
        ("release", |manifest| manifest.release = ReleaseId::from_bytes([0x23; 16])),
        ("number of entries", |manifest| manifest.entries = 5),
        ("f", |manifest| manifest.false_positive_bits = 41),
        ("length", |manifest| manifest.index_length += 1),
    ];
    for (what, change) in changes {
        let mut other = manifest.clone();
        change(&mut other);
        assert!(matches!(other.open_index(&bytes), Err(ReleaseError::OtherIndex)), "another {what}");
    }
    let wider = Manifest { dictionary: Dictionary::try_from(names(9)).unwrap(), ..manifest.clone() };
    assert!(matches!(wider.open_index(&bytes), Err(ReleaseError::OtherIndex)), "labels of two bytes");
    assert!(matches!(manifest.open_index(&bytes[..39]), Err(ReleaseError::Index(_))), "no index");

    assert_eq!(manifest.check_segment(0, &bytes), Ok(()));
    let mut changed = bytes.clone();
    changed[50] ^= 1;
    for (number, wrong) in [(0, &changed), (0, &bytes[1..].to_vec()), (1, &bytes), (u32::MAX, &bytes)] {
        assert_eq!(manifest.check_segment(number, wrong), Err(ReleaseError::Segment(number)));
    }
}

/// [MAN-6]
#[test]
fn a_manifest_without_an_audience_is_for_all() {
    let mut manifest = Operator::new(1, 1, 1, 1).manifest();
    assert!(manifest.addresses(&slug("a")));
    manifest.audience = vec![slug("b"), slug("c")];
    assert_eq!(["a", "b", "c", "bc"].map(|name| manifest.addresses(&slug(name))), [false, true, true, false]);
}

#[test]
fn people_are_entries_without_canaries() {
    let people = |entries| Manifest { entries, ..Operator::new(1, 1, 1, 1).manifest() }.people();
    assert_eq!([people(4), people(5), people(u32::MAX)], [0, 1, 4_294_967_291]);
}

#[test]
fn a_commitment_is_of_salt_number_and_digests() {
    let inputs = [Digest::from_bytes([0xaa; 32]), Digest::from_bytes([0xbb; 32])];
    let layout = [
        &hex::encode("blindlist/1 source\n"), // domain
        &*"11".repeat(32),                    // salt
        "02000000",                           // number of inputs
        &"aa".repeat(32),
        &"bb".repeat(32),
    ];
    let expected: [u8; 32] = Sha256::digest(unhex(&layout.concat())).into();
    assert_eq!(source_commitment(&[0x11; 32], &inputs), Digest::from_bytes(expected));
    assert_ne!(source_commitment(&[0x12; 32], &inputs), Digest::from_bytes(expected));
    assert_ne!(source_commitment(&[0x11; 32], &inputs[..1]), Digest::from_bytes(expected));
}

fn any_manifest() -> impl Strategy<Value = Manifest> {
    let incident = (some::date(), some::date()).prop_map(|(first, last)| Incident { first, last });
    let scheme = prop_oneof![Just(Scheme::Nir), Just(Scheme::Beneficiary), Just(Scheme::Person)];
    let dictionary = btree_set(some::slug(), 1..=64)
        .prop_map(|names| Dictionary::try_from(names.into_iter().collect::<Vec<_>>()).expect("distinct"));
    let fields = (
        (some::slug(), some::verifying_key(), some::slug(), some::title(), proptest::option::of(incident)),
        (vec(some::slug(), 0..4), some::release_id(), any::<u64>(), proptest::option::of(some::digest()), any::<u64>()),
        (some::epoch_id(), some::public_key(), scheme, any::<u32>(), any::<u8>(), dictionary),
        (some::digest(), any::<u64>(), any::<u32>(), vec(some::digest(), 0..4)),
    );
    fields.prop_map(|(names, release, entries, index)| {
        let (operator, operator_key, list, title, incident) = names;
        let (audience, release, sequence, previous, created) = release;
        let (epoch, key, scheme, entries, false_positive_bits, dictionary) = entries;
        let (source, index_length, segment_length, segments) = index;
        Manifest {
            operator,
            operator_key,
            list,
            title,
            incident,
            audience,
            release,
            sequence,
            previous,
            created,
            epoch,
            key,
            scheme,
            entries,
            false_positive_bits,
            dictionary,
            source,
            index_length,
            segment_length,
            segments,
        }
    })
}

proptest! {
    #[test]
    fn bodies_come_back(manifest in any_manifest()) {
        prop_assert_eq!(decode(&codec::encode(&manifest)), Ok(manifest));
    }
}
