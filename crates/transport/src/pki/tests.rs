use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{
    ClientConfig, ClientConnection, ServerConnection,
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::*;
use crate::tests::shake_hands;

const NOW: u64 = 1_900_000_000;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

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

/// How often these bytes occur.
fn occurrences(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}

/// [NET-2]
#[test]
fn certificates_are_of_version_3_with_ed25519_throughout() {
    let authority = CertificateAuthority::generate("operator", NOW).unwrap();
    let key = TlsKey::generate().unwrap();
    let insurer = authority.issue_client("insurer", key.public_key(), NOW, CLIENT_DAYS).unwrap();
    let server = authority.issue_server(NOW, SERVER_DAYS).unwrap();
    for certificate in [authority.certificate(), &insurer, server.certificate()] {
        // RFC 5280: [0] INTEGER 2 is version 3.
        assert_eq!(occurrences(certificate, &[0xa0, 0x03, 0x02, 0x01, 0x02]), 1);
        // RFC 8410: 1.3.101.112, for the certificate's signature, twice, and for its key.
        assert_eq!(occurrences(certificate, &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]), 3);
    }
    // Basic constraints: TRUE and path length 0 for the authority, an empty sequence for the others.
    let constraints = |value: &[u8]| [&[0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04][..], value].concat();
    let authority_only = constraints(&[0x08, 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00]);
    assert_eq!(occurrences(authority.certificate(), &authority_only), 1);
    for certificate in [&insurer, server.certificate()] {
        assert_eq!(occurrences(certificate, &constraints(&[0x02, 0x30, 0x00])), 1);
    }
    assert_eq!(occurrences(&insurer, key.public_key()), 1);
}

/// What comes of a handshake of this server with a client that shows these certificates.
fn handshake(
    authority: &CertificateAuthority,
    server: &Identity,
    chain: Vec<CertificateDer<'static>>,
    key: &TlsKey,
) -> Result<(), rustls::Error> {
    let server = tls::server_config(server, authority.certificate()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_eddsa_type(&key.pkcs8().as_slice().into()).unwrap();
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let client = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(tls::roots(authority.certificate()).unwrap());
    let mut client = client.with_client_cert_resolver(Arc::new(shown));
    client.alpn_protocols = vec![crate::ALPN.to_vec()];
    let mut client = ClientConnection::new(Arc::new(client), SERVER_NAME.try_into().unwrap()).unwrap();
    shake_hands(&mut client, &mut ServerConnection::new(Arc::new(server)).unwrap())
}

/// [NET-2]: directly under the authority, for what an insurer certifies is worth nothing.
#[test]
fn an_insurer_is_no_authority() {
    let authority = CertificateAuthority::generate("operator", now()).unwrap();
    let server = authority.issue_server(now(), SERVER_DAYS).unwrap();
    let (insurer, other) = (TlsKey::generate().unwrap(), TlsKey::generate().unwrap());
    let certificate = authority.issue_client("insurer", insurer.public_key(), now(), CLIENT_DAYS).unwrap();
    assert_eq!(handshake(&authority, &server, vec![certificate.clone()], &insurer), Ok(()));

    let params = |key: &TlsKey, days| dated_params("insurer", "Blindlist insurer", key.public_key(), now(), days);
    let (issuer, signing_key) = (params(&insurer, CLIENT_DAYS).unwrap(), insurer.key_pair().unwrap());
    let mut below = params(&other, CLIENT_DAYS).unwrap();
    below.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let below = below.signed_by(&RawPublicKey(*other.public_key()), &Issuer::from_params(&issuer, &*signing_key));
    let refused = handshake(&authority, &server, vec![below.unwrap().into(), certificate], &other);
    assert!(format!("{refused:?}").contains("EndEntityUsedAsCa"), "{refused:?}");
}

/// [NET-1]
#[test]
fn a_server_has_the_servers_name() {
    let authority = CertificateAuthority::generate("operator", now()).unwrap();
    let insurer = TlsKey::generate().unwrap();
    let shown = || vec![authority.issue_client("insurer", insurer.public_key(), now(), CLIENT_DAYS).unwrap()];
    for (name, right) in [(SERVER_NAME, true), ("op.example.fr", false), ("localhost", false)] {
        let key = TlsKey::generate().unwrap();
        let role = Role {
            unit: "Blindlist server",
            purpose: ExtendedKeyUsagePurpose::ServerAuth,
            names: vec![SanType::DnsName(name.try_into().unwrap())],
        };
        let certificate = authority.issue("operator", role, key.public_key(), now(), SERVER_DAYS).unwrap();
        let outcome = handshake(&authority, &Identity::new(certificate, key).unwrap(), shown(), &insurer);
        assert_eq!(outcome.is_ok(), right, "{name}: {outcome:?}");
    }
}
