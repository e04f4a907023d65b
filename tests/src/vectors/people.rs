//! Operations of texts and identifiers: sections 4 and 7 of SPEC.md.

use blindlist_protocol::identifier::{BirthDate, BirthRank, GivenName, Identifier, Name, Nir, Scheme};
use blindlist_protocol::params::IDENTIFIER_DOMAIN;
use blindlist_protocol::text::{Address, Slug, Title};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::fault::Fault;
use super::values::{Fixed, Hex, nullable};

/// An output without members.
#[derive(Debug, Serialize)]
pub struct Nothing {}

/// Input of `text`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    r#type: TextType,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TextType {
    Slug,
    Title,
    Address,
}

pub(super) fn text(Text { r#type, text }: Text) -> Result<Nothing, Fault> {
    match r#type {
        TextType::Slug => assert_eq!(text.parse::<Slug>()?.as_str(), text),
        TextType::Title => assert_eq!(text.parse::<Title>()?.as_str(), text),
        TextType::Address => assert_eq!(text.parse::<Address>()?.as_str(), text),
    }
    Ok(Nothing {})
}

/// Input of `identifier`.
#[derive(Debug, Deserialize)]
#[serde(tag = "scheme", content = "fields", rename_all = "lowercase", deny_unknown_fields)]
pub enum Person {
    /// Scheme 1.
    Nir(NirFields),
    /// Scheme 2.
    Beneficiary(BeneficiaryFields),
    /// Scheme 3.
    Person(PersonFields),
}

/// Fields of scheme `nir`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NirFields {
    nir: String,
}

/// Fields of scheme `beneficiary`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeneficiaryFields {
    nir: String,
    birth_date: String,
    #[serde(deserialize_with = "nullable")]
    birth_rank: Option<String>,
}

/// Fields of scheme `person`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonFields {
    birth_name: String,
    given_name: String,
    birth_date: String,
}

/// Output of `identifier` and `canary`.
#[derive(Debug, Serialize)]
pub struct IdentifierOutput {
    identifier: Vec<u8>,
}

impl From<Identifier> for IdentifierOutput {
    fn from(identifier: Identifier) -> Self {
        Self { identifier: identifier.as_bytes().to_vec() }
    }
}

pub(super) fn identifier(person: Person) -> Result<IdentifierOutput, Fault> {
    let identifier = match person {
        Person::Nir(NirFields { nir }) => Identifier::nir(&Nir::parse(&nir)?),
        Person::Beneficiary(BeneficiaryFields { nir, birth_date, birth_rank }) => {
            let rank = birth_rank.map_or(Ok(BirthRank::FIRST), |rank| BirthRank::parse(&rank))?;
            Identifier::beneficiary(&Nir::parse(&nir)?, &BirthDate::parse(&birth_date)?, rank)
        }
        Person::Person(PersonFields { birth_name, given_name, birth_date }) => {
            let (name, given) = (Name::parse(&birth_name)?, GivenName::parse(&given_name)?);
            Identifier::person(&name, &given, &BirthDate::parse(&birth_date)?)?
        }
    };
    Ok(identifier.into())
}

/// Input of `canary`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    scheme: SchemeName,
    value: Fixed<16>,
}

/// A scheme by its name; on the wire it is a number.
#[derive(Clone, Copy, Debug)]
struct SchemeName(Scheme);

impl<'de> Deserialize<'de> for SchemeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(Error::custom)
    }
}

pub(super) fn canary(Canary { scheme: SchemeName(scheme), value }: Canary) -> Result<IdentifierOutput, Fault> {
    Ok(Identifier::canary(scheme, &value.0).into())
}

/// The identifier of a member or a canary, from its bytes. The protocol makes identifiers of what a file says about a
/// person only, so this reads the fields and makes it anew; the bytes must be the same.
#[derive(Clone, Debug)]
pub struct KnownIdentifier(pub Identifier);

impl<'de> Deserialize<'de> for KnownIdentifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Hex(bytes) = Hex::deserialize(deserializer)?;
        let known = from_bytes(&bytes).filter(|identifier| identifier.as_bytes() == bytes);
        known.map(Self).ok_or_else(|| Error::custom("not the bytes of an identifier"))
    }
}

fn from_bytes(bytes: &[u8]) -> Option<Identifier> {
    let (scheme, mut rest) = bytes.strip_prefix(IDENTIFIER_DOMAIN)?.split_first()?;
    let mut fields = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let (field, more) = more.split_at_checked(u16::from_le_bytes(*length).into())?;
        fields.push(field);
        rest = more;
    }
    if let Some(scheme) = Scheme::ALL.into_iter().find(|known| known.canary_byte() == *scheme) {
        let [value] = fields.as_slice() else { return None };
        return Some(Identifier::canary(scheme, &<[u8; 16]>::try_from(*value).ok()?));
    }
    let texts: Vec<&str> = fields.into_iter().map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
    match (Scheme::from_byte(*scheme)?, texts.as_slice()) {
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
