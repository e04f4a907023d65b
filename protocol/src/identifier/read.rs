//! Identifiers read back: what an auditor is shown of openings (SPEC.md, "Evidence").
//!
//! Only bytes that the other half of this module makes are read; the fields are letters, digits and spaces.

use super::{BirthDate, BirthRank, Field, GivenName, Identifier, Name, Nir, Scheme};
use crate::params::IDENTIFIER_DOMAIN;
use std::fmt;

/// What an identifier says.
///
/// # Security
/// Personal data in the clear.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// A person, with the fields of the scheme in their order.
    Person(Scheme, Vec<(Field, String)>),
    /// A canary.
    Canary(Scheme, [u8; 16]),
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said(redacted)")
    }
}

impl Said {
    /// What these bytes say, if they are an identifier in its one form.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (byte, rest) = bytes.strip_prefix(IDENTIFIER_DOMAIN)?.split_first()?;
        let fields = fields(rest)?;
        let scheme = Scheme::ALL.into_iter().find(|scheme| [scheme.byte(), scheme.canary_byte()].contains(byte))?;
        if scheme.canary_byte() == *byte {
            let &[value] = fields.as_slice() else { return None };
            return Some(Self::Canary(scheme, value.try_into().ok()?));
        }
        let texts: Option<Vec<&str>> = fields.iter().map(|field| std::str::from_utf8(field).ok()).collect();
        let texts = texts?;
        if again(scheme, &texts)?.as_bytes() != bytes {
            return None;
        }
        let named = scheme.fields().iter().zip(texts).map(|(field, text)| (*field, text.to_owned()));
        Some(Self::Person(scheme, named.collect()))
    }
}

impl Identifier {
    /// The identifier of these bytes, if they are one in its one form: for what was written aside and is read back.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Said::read(bytes).map(|_| Self(bytes.into()))
    }
}

/// The fields behind the scheme byte.
fn fields(mut rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (field, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

/// The identifier that a file with these values would give.
fn again(scheme: Scheme, texts: &[&str]) -> Option<Identifier> {
    match (scheme, texts) {
        (Scheme::Nir, [nir]) => Some(Identifier::nir(&Nir::parse(nir).ok()?)),
        (Scheme::Beneficiary, [nir, date, rank]) => {
            let (nir, date) = (Nir::parse(nir).ok()?, BirthDate::parse(date).ok()?);
            Some(Identifier::beneficiary(&nir, &date, BirthRank::parse(rank).ok()?))
        }
        (Scheme::Person, [name, given, date]) => {
            let (name, given) = (Name::parse(name).ok()?, GivenName::parse(given).ok()?);
            Identifier::person(&name, &given, &BirthDate::parse(date).ok()?).ok()
        }
        (Scheme::Nir | Scheme::Beneficiary | Scheme::Person, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers() -> Vec<Identifier> {
        let nir = Nir::parse("2 60 04 2A 111 222").unwrap();
        let date = BirthDate::parse("31/12/1980").unwrap();
        vec![
            Identifier::nir(&nir),
            Identifier::beneficiary(&nir, &date, BirthRank::parse("2").unwrap()),
            Identifier::person(&Name::parse("Le Goff").unwrap(), &GivenName::parse("Zoé").unwrap(), &date).unwrap(),
        ]
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        let said: Vec<_> = identifiers().iter().map(|identifier| Said::read(identifier.as_bytes()).unwrap()).collect();
        let texts = |said: &Said| match said {
            Said::Person(_, fields) => fields.iter().map(|(field, text)| format!("{field}={text}")).collect(),
            Said::Canary(..) => vec![],
        };
        assert_eq!(texts(&said[0]), ["nir=260042A111222"]);
        assert_eq!(texts(&said[1]), ["nir=260042A111222", "birth_date=19801231", "birth_rank=2"]);
        assert_eq!(texts(&said[2]), ["birth_name=LE GOFF", "given_name=ZOE", "birth_date=19801231"]);
        let canary = Identifier::canary(Scheme::Person, &[7; 16]);
        assert_eq!(Said::read(canary.as_bytes()), Some(Said::Canary(Scheme::Person, [7; 16])));
        for identifier in identifiers().into_iter().chain([canary]) {
            assert_eq!(Identifier::read(identifier.as_bytes()), Some(identifier));
        }
        assert_eq!(format!("{:?}", said[0]), "Said(redacted)");
    }

    #[test]
    fn other_bytes_are_not_read() {
        for identifier in identifiers() {
            let good = identifier.as_bytes();
            for length in 0..good.len() {
                assert_eq!(Said::read(&good[..length]), None, "{length} bytes");
            }
            assert_eq!(Said::read(&[good, &[0]].concat()), None);
            assert_eq!(Identifier::read(&good[1..]), None);
            let text = good.len() - 1;
            for other in [b' ', b'a', 0x1b, 0xff] {
                let mut bad = good.to_vec();
                bad[text] = other;
                assert_eq!(Said::read(&bad), None, "{other}");
            }
        }
        let short = Identifier::encode(Scheme::Nir.canary_byte(), [&[7; 15][..]]);
        assert_eq!(Said::read(short.as_bytes()), None);
        let unknown = Identifier::encode(9, [&b"1"[..]]);
        assert_eq!(Said::read(unknown.as_bytes()), None);
    }
}
