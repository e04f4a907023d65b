use super::*;

const NOW: u64 = 1_900_000_000;

#[test]
fn an_authority_comes_back_from_its_parts() {
    let made = CertificateAuthority::generate("Opérateur", NOW).unwrap();
    let key = TlsKey::from_pkcs8(made.key().pkcs8().clone()).unwrap();
    let loaded = CertificateAuthority::from_parts("Opérateur", made.certificate().clone(), key).unwrap();
    let insurer = TlsKey::generate().unwrap();
    let issue = |authority: &CertificateAuthority| {
        authority.issue_client("Mutuelle", insurer.public_key(), NOW, CLIENT_DAYS).unwrap()
    };
    assert_eq!(issue(&made), issue(&loaded));
}

/// RFC 8032, section 7.1, TEST 1.
#[test]
fn a_seed_makes_its_key() {
    let seed = *b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\
                 \x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
    let public = *b"\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
                   \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    let key = TlsKey::from_seed(&seed).unwrap();
    assert_eq!(*key.public_key(), public);
    assert_eq!(*TlsKey::from_pkcs8(key.pkcs8().clone()).unwrap().public_key(), public);
}

#[test]
fn parts_of_different_authorities_do_not_make_one() {
    let here = CertificateAuthority::generate("here", NOW).unwrap();
    let there = CertificateAuthority::generate("there", NOW).unwrap();
    let key = |authority: &CertificateAuthority| TlsKey::from_pkcs8(authority.key().pkcs8().clone()).unwrap();
    let load = |name, certificate: &CertificateDer<'static>, key| {
        CertificateAuthority::from_parts(name, certificate.clone(), key)
    };
    assert!(load("here", here.certificate(), key(&here)).is_ok());
    assert!(load("there", here.certificate(), key(&here)).is_err());
    assert!(load("here", there.certificate(), key(&here)).is_err());
    assert!(load("here", here.certificate(), key(&there)).is_err());
    assert!(load("here", &CertificateDer::from(vec![0x30, 0x00]), key(&here)).is_err());
}

#[test]
fn an_identity_needs_the_key_of_its_certificate() {
    let authority = CertificateAuthority::generate("operator", NOW).unwrap();
    let key = TlsKey::generate().unwrap();
    let certificate = authority.issue_client("insurer", key.public_key(), NOW, CLIENT_DAYS).unwrap();
    assert!(Identity::new(certificate.clone(), TlsKey::generate().unwrap()).is_err());
    assert!(Identity::new(CertificateDer::from(vec![1, 2, 3]), TlsKey::generate().unwrap()).is_err());
    assert!(Identity::new(certificate, key).is_ok());
}

#[test]
fn a_key_comes_back_from_its_bytes() {
    let key = TlsKey::generate().unwrap();
    let again = TlsKey::from_pkcs8(key.pkcs8().clone()).unwrap();
    assert_eq!(key.public_key(), again.public_key());
    assert!(TlsKey::from_pkcs8(Zeroizing::new(vec![0; 48])).is_err());
    assert!(TlsKey::from_pkcs8(Zeroizing::new(Vec::new())).is_err());
}

#[test]
fn a_renewed_certificate_has_a_serial_number_of_its_own() {
    let key = [7; 32];
    assert_ne!(serial_number(&key, NOW, NOW + 1), serial_number(&key, NOW + 1, NOW + 2));
    assert_ne!(serial_number(&key, NOW, NOW + 1), serial_number(&[8; 32], NOW, NOW + 1));
    // Positive as a DER integer, and at most 20 bytes (RFC 5280, section 4.1.2.2).
    let serial = serial_number(&key, NOW, NOW + 1).to_bytes();
    assert_eq!(serial.len(), 16);
    assert!(serial.first().is_some_and(|first| (0x40..0x80).contains(first)));
}

#[test]
fn dates_beyond_the_calendar_are_refused() {
    assert!(CertificateAuthority::generate("operator", u64::MAX).is_err());
    assert!(CertificateAuthority::generate("operator", 253_402_300_800).is_err());
    let authority = CertificateAuthority::generate("operator", NOW).unwrap();
    assert!(authority.issue_server(NOW, u32::MAX).is_err());
}

#[test]
fn the_digest_is_sha_256_of_the_der_bytes() {
    // FIPS 180-4's example for "abc".
    let digest = certificate_digest(&CertificateDer::from(b"abc".to_vec()));
    assert_eq!(digest.get(..4), Some([0xba, 0x78, 0x16, 0xbf].as_slice()));
}

#[test]
fn debug_output_holds_no_key_and_no_name() {
    let authority = CertificateAuthority::generate("operator", NOW).unwrap();
    let identity = authority.issue_server(NOW, SERVER_DAYS).unwrap();
    assert_eq!(format!("{authority:?}"), "CertificateAuthority { .. }");
    assert_eq!(format!("{identity:?}"), "Identity { .. }");
    assert_eq!(format!("{:?}", identity.key()), "TlsKey { .. }");
}
