//! Signed objects of every kind against everything that is not one (SPEC.md, section 5).

use super::*;
use crate::catalog::Catalog;
use crate::enrolment::{Bundle, EnrolmentRequest};
use crate::epoch::EpochRecord;
use crate::fixtures::{Operator, insurer, slug};
use crate::ids::InsurerId;
use crate::manifest::Manifest;
use crate::params;
use crate::succession::Succession;

/// One key signs everything here, so that nothing but the kind tells objects apart.
fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn catalog() -> Catalog {
    Catalog {
        operator: slug("op"),
        operator_key: key().verifying(),
        sequence: 1,
        issued: 1,
        expires: 2,
        epochs: vec![],
        manifests: vec![],
        checkpoints: vec![],
    }
}

fn request() -> EnrolmentRequest {
    EnrolmentRequest::new(slug("mutuelle"), &SigningKey::from_seed(&[2; 32]), key().verifying())
}

fn bundle() -> Bundle {
    Bundle {
        operator: slug("op"),
        operator_key: key().verifying(),
        successor: digest(b""),
        insurer: slug("mutuelle"),
        insurer_id: InsurerId::from_bytes([3; 16]),
        signing_key: insurer().verifying(),
        tls_key: insurer().verifying(),
        certificate: vec![1],
        authority: vec![2],
        addresses: vec!["localhost:4433".parse().unwrap()],
    }
}

/// An object of each kind with its name.
fn objects() -> [(&'static str, Vec<u8>); 5] {
    let operator = Operator::new(1, 1, 1, 1);
    [
        ("epoch record", sign(&operator.record, &key())),
        ("manifest", sign(&operator.manifest(), &key())),
        ("catalog", sign(&catalog(), &key())),
        ("enrolment request", sign(&request(), &key())),
        ("bundle", sign(&bundle(), &key())),
    ]
}

/// What each kind says of these bytes, in the order of [`objects`].
fn opened(bytes: &[u8]) -> [Option<ObjectError>; 5] {
    let key = key().verifying();
    [
        open::<EpochRecord>(bytes, &key).err(),
        open::<Manifest>(bytes, &key).err(),
        open::<Catalog>(bytes, &key).err(),
        open::<EnrolmentRequest>(bytes, &key).err(),
        open::<Bundle>(bytes, &key).err(),
    ]
}

/// [OBJ-1]
#[test]
fn an_object_opens_as_its_own_kind_only() {
    for (i, (name, bytes)) in objects().iter().enumerate() {
        let mut expected = [Some(ObjectError::Kind); 5];
        expected[i] = None;
        assert_eq!(opened(bytes), expected, "{name}");
    }
}

/// [OBJ-1]
#[test]
fn another_kinds_line_breaks_the_signature() {
    let lines = [EpochRecord::LINE, Manifest::LINE, Catalog::LINE, EnrolmentRequest::LINE, Bundle::LINE];
    for (i, (name, bytes)) in objects().iter().enumerate() {
        for (j, line) in lines.iter().enumerate().filter(|(j, _)| *j != i) {
            let moved = [line, &bytes[lines[i].len()..]].concat();
            assert_eq!(opened(&moved)[j], Some(ObjectError::Signature), "{name} as kind {j}");
        }
    }
}

/// [SIG-2]: otherwise the bytes that one domain signs could be read under another.
#[test]
fn no_domain_is_a_prefix_of_another() {
    let domains = [
        EpochRecord::LINE,
        Manifest::LINE,
        Catalog::LINE,
        EnrolmentRequest::LINE,
        Bundle::LINE,
        params::IDENTIFIER_DOMAIN,
        params::ENTRY_DOMAIN,
        params::EPOCH_ID_DOMAIN,
        params::CHUNK_DIGEST_DOMAIN,
        params::CHUNK_DOMAIN,
        params::SOURCE_DOMAIN,
        params::SUCCESSOR_DOMAIN,
        params::TLS_PROOF_DOMAIN,
        params::PROOF_SEED_DOMAIN,
        params::PROOF_COEFFICIENT_DOMAIN,
        params::PROOF_NONCE_DOMAIN,
        params::PROOF_CHALLENGE_DOMAIN,
        params::RECEIPT_DOMAIN,
        params::OPENINGS_LINE,
        params::SAMPLE_DOMAIN,
        params::AUDIENCE_DOMAIN,
        Succession::LINE,
        params::CHECKPOINT_DOMAIN.as_bytes(),
    ];
    for (i, one) in domains.iter().enumerate() {
        let is_checkpoint = *one == params::CHECKPOINT_DOMAIN.as_bytes();
        assert!(is_checkpoint || (one.starts_with(b"blindlist/1 ") && one.ends_with(b"\n")), "domain {i}");
        for (j, other) in domains.iter().enumerate().filter(|(j, _)| *j != i) {
            assert!(!other.starts_with(one), "domain {i} begins domain {j}");
        }
    }
}

/// [OBJ-2]
#[test]
fn another_keys_signature_is_refused() {
    let other = SigningKey::from_seed(&[9; 32]);
    assert_eq!(open::<Catalog>(&sign(&catalog(), &other), &key().verifying()), Err(ObjectError::Signature));
    assert_eq!(open::<Catalog>(&sign(&catalog(), &key()), &other.verifying()), Err(ObjectError::Signature));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = sign(&catalog(), &key());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit / 8 < Catalog::LINE.len() { ObjectError::Kind } else { ObjectError::Signature };
        assert_eq!(open::<Catalog>(&bytes, &key().verifying()), Err(expected), "bit {bit}");
    }
    let good = sign(&request(), &key());
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(open_self_signed::<EnrolmentRequest>(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn cut_and_lengthened_objects_are_refused() {
    for (i, (name, good)) in objects().iter().enumerate() {
        for length in 0..good.len() {
            assert!(opened(&good[..length])[i].is_some(), "the first {length} bytes of a {name}");
        }
        assert_eq!(opened(&[good, &[0_u8][..]].concat())[i], Some(ObjectError::Signature), "{name}");
        assert_eq!(opened(&[&[0_u8][..], good].concat())[i], Some(ObjectError::Kind), "{name}");
    }
    // Cut so short that line and signature overlap.
    let line = [Bundle::LINE, &[0; 63]].concat();
    assert_eq!(open_self_signed::<Bundle>(&line[..64]), Err(ObjectError::Kind));
    assert_eq!(open_self_signed::<Bundle>(&line), Err(ObjectError::Kind));
    assert_eq!(open_self_signed::<Bundle>(Bundle::LINE), Err(ObjectError::Codec(CodecError::Malformed)));
}

/// line ‖ body ‖ signature of any body at all.
fn signed<T: Kind>(body: &[u8]) -> Vec<u8> {
    let message = [T::LINE, body].concat();
    [&message[..], key().sign(&message).as_bytes()].concat()
}

/// [ENC-1]
#[test]
fn a_signed_body_that_is_none_is_refused() {
    let body = codec::encode(&catalog());
    assert_eq!(open::<Catalog>(&signed::<Catalog>(&body), &key().verifying()), Ok(catalog()));
    let codec = |error| Err(ObjectError::Codec(error));
    for length in 0..body.len() {
        let cut = signed::<Catalog>(&body[..length]);
        assert_eq!(open::<Catalog>(&cut, &key().verifying()), codec(CodecError::Malformed), "{length} bytes");
    }
    let longer = signed::<Catalog>(&[&body[..], &[0; 3]].concat());
    assert_eq!(open::<Catalog>(&longer, &key().verifying()), codec(CodecError::Trailing(3)));
    let longer = signed::<Bundle>(&[codec::encode(&bundle()), vec![0; 64]].concat());
    assert_eq!(open_self_signed::<Bundle>(&longer), Err(ObjectError::Codec(CodecError::Trailing(64))));
}

/// [ENC-2]
#[test]
fn the_limit_is_that_of_the_kind() {
    for (limit, i) in [(2_097_152, 0), (2_097_152, 1), (2_097_152, 2), (65_536, 3), (65_536, 4)] {
        // The size is looked at first, and at the limit it is not what is wrong.
        let too_large = CodecError::TooLarge { found: limit + 1, limit };
        assert_eq!(opened(&vec![0; limit + 1])[i], Some(ObjectError::Codec(too_large)));
        assert_eq!(opened(&vec![0; limit])[i], Some(ObjectError::Kind));
    }
}

#[test]
fn a_self_signed_object_is_signed_by_the_key_in_it() {
    let other = SigningKey::from_seed(&[9; 32]);
    assert_eq!(open_self_signed::<Bundle>(&sign(&bundle(), &key())), Ok(bundle()));
    assert_eq!(open_self_signed::<Bundle>(&sign(&bundle(), &other)), Err(ObjectError::Signature));
    assert_eq!(open_self_signed::<EnrolmentRequest>(&sign(&request(), &key())), Ok(request()));
    // The TLS key is in the request too, and is not the one that signs it.
    for foreign in [other, SigningKey::from_seed(&[2; 32])] {
        assert_eq!(open_self_signed::<EnrolmentRequest>(&sign(&request(), &foreign)), Err(ObjectError::Signature));
    }
}

#[test]
fn signing_is_deterministic_and_a_digest_is_sha_256_of_all_bytes() {
    assert_eq!(sign(&catalog(), &key()), sign(&catalog(), &key()));
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest(b"abc").to_string(), abc, "FIPS 180-4");
}
