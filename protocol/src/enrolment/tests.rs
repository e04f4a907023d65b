//! Layouts and rules of enrolment requests and bundles, and fingerprints (SPEC.md, section 13).

use super::*;
use crate::codec::{self, CodecError};
use crate::fixtures::{any as some, assert_allowed, assert_rules, assert_strict, insurer, replaced, slug, unhex};
use crate::object::{self, ObjectError};
use proptest::collection::vec;
use proptest::prelude::*;

/// The insurer's TLS key.
fn tls() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn request() -> EnrolmentRequest {
    EnrolmentRequest::new(slug("mutuelle"), &tls(), insurer().verifying())
}

/// The operator's manifest key.
fn operator() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn bundle() -> Bundle {
    Bundle {
        operator: slug("op"),
        operator_key: operator().verifying(),
        successor: Digest::from_bytes([0x22; 32]),
        insurer: slug("mu"),
        insurer_id: InsurerId::from_bytes([0x33; 16]),
        signing_key: VerifyingKey::from_bytes([0x44; 32]),
        tls_key: VerifyingKey::from_bytes([0x55; 32]),
        certificate: vec![0x66],
        authority: vec![0x77, 0x78],
        addresses: vec!["a:1".parse().unwrap(), "[::]:2".parse().unwrap()],
    }
}

/// [SIG-2]: both keys of an insurer sign under a domain.
#[test]
fn a_request_has_its_layout() {
    let tls_message = [
        &hex::encode("blindlist/1 tls key\n"), // domain
        &*insurer().verifying().to_string(),   // request-signing key
        "6d757475656c6c65",                    // "mutuelle"
    ];
    let layout = [
        &hex::encode("blindlist/1 enrolment request\n"), // line
        "0800000000000000",                              // length of the name
        "6d757475656c6c65",                              // "mutuelle"
        &*tls().verifying().to_string(),                 // TLS key
        &insurer().verifying().to_string(),              // request-signing key
        &hex::encode(tls().sign(&unhex(&tls_message.concat())).as_bytes()),
    ];
    let signature = insurer().sign(&unhex(&layout.concat()));
    let object = object::sign(&request(), &insurer());
    assert_eq!(hex::encode(&object), layout.concat() + &hex::encode(signature.as_bytes()));
    assert_eq!(object::open_self_signed(&object), Ok(request()));
}

#[test]
fn a_bundle_has_its_layout() {
    let layout = [
        &hex::encode("blindlist/1 bundle\n"), // line
        "0200000000000000",                   // length of the operator's name
        "6f70",                               // "op"
        &*operator().verifying().to_string(), // operator key
        &"22".repeat(32),                     // hash of the successor
        "0200000000000000",                   // length of the insurer's name
        "6d75",                               // "mu"
        &"33".repeat(16),                     // insurer's id
        &"44".repeat(32),                     // request-signing key
        &"55".repeat(32),                     // TLS key
        "0100000000000000",                   // length of the certificate
        "66",                                 // certificate
        "0200000000000000",                   // length of the authority
        "7778",                               // authority
        "0200000000000000",                   // number of addresses
        "0300000000000000",                   // length of the first
        "613a31",                             // "a:1"
        "0600000000000000",                   // length of the second
        "5b3a3a5d3a32",                       // "[::]:2"
    ];
    let signature = operator().sign(&unhex(&layout.concat()));
    let object = object::sign(&bundle(), &operator());
    assert_eq!(hex::encode(&object), layout.concat() + &hex::encode(signature.as_bytes()));
    assert_eq!(object::open_self_signed(&object), Ok(bundle()));
}

#[test]
fn the_bodies_are_strict() {
    assert_strict(&request(), codec::encode, |bytes| codec::decode(bytes, EnrolmentRequest::LIMIT));
    assert_strict(&bundle(), codec::encode, |bytes| codec::decode(bytes, Bundle::LIMIT));
}

/// [TEXT-1]
#[test]
fn texts_that_their_types_do_not_allow_are_malformed() {
    let body = codec::encode(&bundle());
    for (from, to) in [
        ("02000000000000006f70", "02000000000000006f2f"), // a name with a slash
        ("02000000000000006d75", "02000000000000006dc3"), // a name that is not UTF-8
        ("0300000000000000613a31", "0300000000000000203a31"), // a host that is a space
        ("06000000000000005b3a3a5d3a32", "06000000000000005b3a785d3a32"), // an IPv6 host that is none
        ("020000000000000077", "ffffffffffffffff77"),     // a length beyond the bytes
    ] {
        let damaged = codec::decode::<Bundle>(&replaced(&body, from, to), Bundle::LIMIT);
        assert_eq!(damaged, Err(CodecError::Malformed), "{from} to {to}");
    }
}

/// [ENR-4]
#[test]
fn a_request_that_the_tls_key_did_not_sign_is_refused() {
    let changes: [fn(&mut EnrolmentRequest); 5] = [
        |request| request.name = slug("mutuell"),
        |request| request.tls_key = SigningKey::from_seed(&[3; 32]).verifying(),
        |request| request.tls_key = VerifyingKey::from_bytes([0xff; 32]),
        |request| request.tls_proof = Signature::from_bytes([0; 64]),
        // Signed by the TLS key, but not in its domain.
        |request| request.tls_proof = tls().sign(&tls_proof_message(&request.name, &request.signing_key)[1..]),
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut changed = request();
        change(&mut changed);
        let object = object::sign(&changed, &insurer());
        let refused = Err(ObjectError::Invalid(Broken { rule: "ENR-4", what: "the TLS key did not sign it" }));
        assert_eq!(object::open_self_signed::<EnrolmentRequest>(&object), refused, "change {i}");
    }
    // A request under another signing key cannot reuse the proof.
    let other = SigningKey::from_seed(&[9; 32]);
    let stolen = EnrolmentRequest { signing_key: other.verifying(), ..request() };
    let refused = Err(ObjectError::Invalid(Broken { rule: "ENR-4", what: "the TLS key did not sign it" }));
    assert_eq!(object::open_self_signed::<EnrolmentRequest>(&object::sign(&stolen, &other)), refused);
}

/// [ENR-4], [SIG-3]
#[test]
fn a_request_of_one_key_for_both_uses_is_refused() {
    let request = EnrolmentRequest::new(slug("mutuelle"), &insurer(), insurer().verifying());
    let refused = Broken { rule: "ENR-4", what: "the TLS key and the signing key are one" };
    let object = object::sign(&request, &insurer());
    assert_eq!(object::open_self_signed::<EnrolmentRequest>(&object), Err(ObjectError::Invalid(refused)));
}

/// [OBJ-3]
#[test]
fn every_rule_of_a_bundle_is_kept() {
    assert_rules(
        &bundle(),
        &operator(),
        &[
            (|bundle| bundle.certificate = vec![0; 4_097], "OBJ-3"),
            (|bundle| bundle.authority = vec![0; 4_097], "OBJ-3"),
            (|bundle| bundle.addresses.clear(), "OBJ-3"),
            (|bundle| bundle.addresses = vec!["a:1".parse().unwrap(); 17], "OBJ-3"),
        ],
    );
    assert_allowed(
        &bundle(),
        &operator(),
        &[
            |bundle| bundle.certificate = vec![0; 4_096],
            |bundle| bundle.authority = vec![0; 4_096],
            |bundle| bundle.addresses.truncate(1),
            |bundle| bundle.addresses = vec!["a:1".parse().unwrap(); 16],
        ],
    );
}

#[test]
fn a_successor_is_pinned_by_its_hash() {
    let layout = [&hex::encode("blindlist/1 successor\n"), &*"44".repeat(32)];
    let expected: [u8; 32] = Sha256::digest(unhex(&layout.concat())).into();
    assert_eq!(successor_hash(&VerifyingKey::from_bytes([0x44; 32])), Digest::from_bytes(expected));
}

#[test]
fn a_fingerprint_is_the_hash_of_the_file_in_eight_groups() {
    let shown = "e3b0c442-98fc1c14-9afbf4c8-996fb924-27ae41e4-649b934c-a495991b-7852b855";
    assert_eq!(Fingerprint::of(b"").to_string(), shown, "SHA-256 of nothing");
    assert_ne!(Fingerprint::of(b""), Fingerprint::of(b"\0"));
}

#[test]
fn a_fingerprint_is_read_however_people_write_it() {
    let fingerprint = Fingerprint::of(b"request");
    let shown = fingerprint.to_string();
    let spaced = shown.replace('-', " \n");
    for written in [&shown, &shown.to_uppercase(), &shown.replace('-', ""), &shown.replace('-', ":"), &spaced] {
        assert_eq!(written.parse(), Ok(fingerprint), "{written}");
    }
}

#[test]
fn anything_else_is_no_fingerprint() {
    let shown = Fingerprint::of(b"request").to_string();
    let (short, long) = (&shown[1..], format!("{shown}0"));
    for bad in ["", short, &long, &shown.replace('-', "_"), &shown.replace('-', "+"), &format!("0x{short}")] {
        assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
    }
}

fn any_bundle() -> impl Strategy<Value = Bundle> {
    let fields = (
        (some::slug(), some::verifying_key(), some::digest(), some::slug(), some::insurer_id()),
        (some::verifying_key(), some::verifying_key(), vec(any::<u8>(), 0..100), vec(any::<u8>(), 0..100)),
        vec(some::address(), 0..20),
    );
    fields.prop_map(|(operator, keys, addresses)| {
        let (operator, operator_key, successor, insurer, insurer_id) = operator;
        let (signing_key, tls_key, certificate, authority) = keys;
        Bundle {
            operator,
            operator_key,
            successor,
            insurer,
            insurer_id,
            signing_key,
            tls_key,
            certificate,
            authority,
            addresses,
        }
    })
}

proptest! {
    #[test]
    fn requests_come_back(name in some::slug(), tls in any::<[u8; 32]>(), signing in any::<[u8; 32]>()) {
        let (tls, signing) = (SigningKey::from_seed(&tls), SigningKey::from_seed(&signing));
        let request = EnrolmentRequest::new(name, &tls, signing.verifying());
        prop_assert_eq!(object::open_self_signed(&object::sign(&request, &signing)), Ok(request));
    }

    #[test]
    fn bundles_come_back(bundle in any_bundle()) {
        prop_assert_eq!(codec::decode(&codec::encode(&bundle), Bundle::LIMIT), Ok(bundle));
    }
}
