//! From when until when a certificate is valid, read from its DER bytes (RFC 5280, section 4.1.2.5).
//!
//! For telling people in time. What a certificate is worth is the TLS stack's to decide.

use rustls::pki_types::CertificateDer;
use time::{Date, Month, PrimitiveDateTime, Time};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The last second of a certificate, since 1970; `None` when these are not the bytes of one.
#[must_use]
pub fn certificate_end(certificate: &CertificateDer<'_>) -> Option<u64> {
    validity(certificate).map(|(_, end)| end)
}

/// The first second of a certificate, since 1970; `None` when these are not the bytes of one.
#[must_use]
pub fn certificate_begin(certificate: &CertificateDer<'_>) -> Option<u64> {
    validity(certificate).map(|(begin, _)| begin)
}

fn validity(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let (certificate, _) = value(certificate.as_ref(), SEQUENCE)?;
    let (signed, _) = value(certificate, SEQUENCE)?;
    let after_version = value(signed, VERSION).map_or(signed, |(_, rest)| rest);
    // The serial number, the signature algorithm and the issuer come before the validity.
    let after_issuer = (0..3).try_fold(after_version, |rest, _| any(rest).map(|(_, _, rest)| rest))?;
    let (validity, _) = value(after_issuer, SEQUENCE)?;
    let (begin_tag, begin, not_after) = any(validity)?;
    let (end_tag, end, _) = any(not_after)?;
    Some((seconds(begin_tag, begin)?, seconds(end_tag, end)?))
}

/// The contents of the first value, which must have this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, contents, rest) = any(der)?;
    (found == tag).then_some((contents, rest))
}

/// The tag and the contents of the first value, and what follows it. Tags have one byte, lengths up to four.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let bytes = usize::from(first & 0x7f);
        if !(1..=4).contains(&bytes) {
            return None;
        }
        let (length, rest) = rest.split_at_checked(bytes)?;
        (length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` after.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME if digits.len() == 12 => {
            let year: i32 = digits.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, digits.get(2..)?)
        }
        GENERALIZED_TIME if digits.len() == 14 => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let part = |place: usize| rest.get(place..place + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(part(0)?).ok()?, part(2)?).ok()?;
    let time = Time::from_hms(part(4)?, part(6)?, part(8)?).ok()?;
    PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::CLIENT_DAYS;
    use crate::{CertificateAuthority, TlsKey};

    fn certificate(now: u64, days: u32) -> CertificateDer<'static> {
        let authority = CertificateAuthority::generate("op", now).unwrap();
        let key = TlsKey::from_seed(&[1; 32]).unwrap();
        authority.issue_client("mutuelle", key.public_key(), now, days).unwrap()
    }

    #[test]
    fn the_end_is_what_was_issued() {
        // The second ends after 2049, where another form of time begins.
        for (now, days) in [(1_760_000_000, CLIENT_DAYS), (2_500_000_000, 1_000), (1, 1)] {
            let end = now + u64::from(days) * 86_400;
            let certificate = certificate(now, days);
            assert_eq!(certificate_end(&certificate), Some(end), "{now}");
            let begin = certificate_begin(&certificate).unwrap();
            assert!(begin <= now && now - begin <= 86_400, "{begin} {now}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let good = certificate(1_760_000_000, 1);
        for length in 0..good.len() {
            assert_eq!(certificate_end(&CertificateDer::from(&good[..length])), None, "{length}");
        }
        for bad in [&b"\x30\x80"[..], b"\x30\x85\0\0\0\0\0", b"\x30\x84\xff\xff\xff\xff", b"\x30\0"] {
            assert_eq!(certificate_end(&CertificateDer::from(bad)), None);
        }
        for bad in ["991332000000Z", "99010100000Z", "990101000000+", "99010100000xZ", "990230000000Z"] {
            assert_eq!(seconds(UTC_TIME, bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(seconds(UTC_TIME, b"700101000001Z"), Some(1));
        assert_eq!(seconds(GENERALIZED_TIME, b"19690101000001Z"), None);
    }
}
