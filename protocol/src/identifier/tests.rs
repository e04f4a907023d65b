use proptest::prelude::*;

use super::*;
use crate::params::IDENTIFIER_DOMAIN;

/// An invented number, born in May 1985 in Yvelines. Its key is 91.
const NUMBER: &str = "1850578006084";

fn nir(text: &str) -> Nir {
    Nir::parse(text).unwrap()
}

fn date(text: &str) -> BirthDate {
    BirthDate::parse(text).unwrap()
}

fn encoding(scheme: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"blindlist/1 identifier\n".to_vec();
    bytes.push(scheme);
    for field in fields {
        bytes.extend([u8::try_from(field.len()).unwrap(), 0]);
        bytes.extend(*field);
    }
    bytes
}

/// Reads an encoding back: only an injective encoding can be read back.
fn decode(identifier: &Identifier) -> (u8, Vec<Vec<u8>>) {
    let bytes = identifier.as_bytes().strip_prefix(IDENTIFIER_DOMAIN).unwrap();
    let (scheme, mut rest) = bytes.split_first().unwrap();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<2>().unwrap();
        let (field, tail) = tail.split_at(u16::from_le_bytes(*length).into());
        fields.push(field.to_vec());
        rest = tail;
    }
    (*scheme, fields)
}

#[test]
fn encodings_byte_for_byte() {
    let number = nir(NUMBER);
    assert_eq!(
        hex::encode(Identifier::nir(&number).as_bytes()),
        concat!(
            "626c696e646c6973742f31206964656e7469666965720a", // "blindlist/1 identifier\n"
            "01",                                             // scheme nir
            "0d00",                                           // length 13
            "31383530353738303036303834",                     // the number without its key
        )
    );
    assert_eq!(
        Identifier::beneficiary(&number, &date("01/05/1985"), BirthRank::parse("2").unwrap()).as_bytes(),
        encoding(2, &[b"1850578006084", b"19850501", b"2"])
    );
    let person = Identifier::person(
        &Name::parse("d’Œuvre-Élan").unwrap(),
        &GivenName::parse("Anne-Zoé, Inès").unwrap(),
        &date("1985-05-01"),
    );
    assert_eq!(person.unwrap().as_bytes(), encoding(3, &[b"D OEUVRE ELAN", b"ANNE ZOE", b"19850501"]));
    for (scheme, byte) in [(Scheme::Nir, 0x81), (Scheme::Beneficiary, 0x82), (Scheme::Person, 0x83)] {
        assert_eq!(Identifier::canary(scheme, &[0xa5; 16]).as_bytes(), encoding(byte, &[&[0xa5; 16]]));
    }
}

#[test]
fn longest_identifier_fits() {
    let name = "a".repeat(100);
    let person = Identifier::person(&Name::parse(&name).unwrap(), &GivenName::parse(&name).unwrap(), &date("20000229"));
    assert!(person.unwrap().as_bytes().len() <= MAX_IDENTIFIER_LEN);
}

/// [ID-4]
#[test]
fn names_need_a_complete_date() {
    let (name, given) = (Name::parse("Kadivo").unwrap(), GivenName::parse("Mila").unwrap());
    for incomplete in ["1985-05-00", "1985-00-00"] {
        assert!(!date(incomplete).is_complete());
        assert_eq!(Identifier::person(&name, &given, &date(incomplete)), Err(Reject::DateIncomplete));
        let beneficiary = Identifier::beneficiary(&nir(NUMBER), &date(incomplete), BirthRank::FIRST);
        assert_eq!(decode(&beneficiary).1[1], incomplete.replace('-', "").as_bytes());
    }
    assert!(date("1985-05-10").is_complete());
}

#[test]
fn debug_shows_nothing() {
    let number = nir(NUMBER);
    let shown = format!(
        "{:?} {number:?} {:?} {:?} {:?} {:?}",
        Identifier::nir(&number),
        date("1985-05-01"),
        BirthRank::parse("7").unwrap(),
        Name::parse("Kadivo").unwrap(),
        GivenName::parse("Mila").unwrap()
    );
    assert_eq!(shown.matches("(redacted)").count(), 6);
    assert!(!shown.contains(|character: char| character.is_ascii_digit()));
    assert!(!shown.contains("KADIVO") && !shown.contains("MILA"));
}

/// [ID-2]
#[test]
fn numbers_that_are_accepted() {
    for text in [
        "1850578006084",
        "185057800608491",
        "1 85 05 78 006 084 91",
        "1.85.05.78.006.084-91",
        "\u{a0}1\u{2007}85\u{2009}05\u{202f}78\t006\u{2010}084\u{2011}9\u{2012}1\u{2013}",
    ] {
        assert_eq!(Nir::parse(text).map(|nir| nir.as_bytes().to_vec()), Ok(NUMBER.into()), "{text}");
    }
    for month in ["01", "12", "20", "42", "50", "99"] {
        assert!(Nir::parse(&format!("285{month}78006084")).is_ok(), "{month}");
    }
    for sex in ["1", "2", "3", "4", "7", "8"] {
        assert!(Nir::parse(&format!("{sex}850578006084")).is_ok(), "{sex}");
    }
}

/// [ID-2], [ID-3]
#[test]
fn corsican_numbers_keep_their_letter() {
    // The keys of 2690519004001 and 2690518004001.
    for (text, canonical, key) in
        [("2 69 05 2A 004 001 39", "269052A004001", 39), ("269052b00400166", "269052B004001", 66)]
    {
        assert_eq!(nir(text).as_bytes(), canonical.as_bytes());
        assert_eq!(nir(text).key(), key);
    }
    assert_eq!(Nir::parse("269052A00400166"), Err(Reject::NirKey));
    assert_ne!(Identifier::nir(&nir("269052A004001")), Identifier::nir(&nir("2690519004001")));
}

/// [ID-1], [ID-2], [ID-3]: each fault has its reason, and none is repaired.
#[test]
fn numbers_that_are_rejected() {
    for (text, reason) in [
        ("", Reject::Empty),
        (" \u{a0}-.", Reject::Empty),
        ("185057800608", Reject::NirLength),
        ("18505780060843", Reject::NirLength),
        ("1850578006084360", Reject::NirLength),
        ("1850578006084A6", Reject::NirCharacter),
        ("18505780060843B", Reject::NirCharacter),
        ("A850578006084", Reject::NirCharacter),
        ("18505780060B4", Reject::NirCharacter),
        ("1850578O06084", Reject::NirCharacter),
        ("１850578006084", Reject::NirCharacter),
        ("1850578006084\0", Reject::NirCharacter),
        ("inconnue", Reject::NirCharacter),
        ("E", Reject::NirCharacter),
        ("1,85E+14", Reject::NirRounded),
        ("1.85e14", Reject::NirRounded),
        (" 1E+14 ", Reject::NirRounded),
        ("0850578006084", Reject::NirSex),
        ("5850578006084", Reject::NirSex),
        ("6850578006084", Reject::NirSex),
        ("9850578006084", Reject::NirSex),
        ("1850078006084", Reject::NirMonth),
        ("1851378006084", Reject::NirMonth),
        ("1851978006084", Reject::NirMonth),
        ("1854378006084", Reject::NirMonth),
        ("1854978006084", Reject::NirMonth),
        ("185051A006084", Reject::NirDepartment),
        ("18505A2006084", Reject::NirDepartment),
        ("18505AB006084", Reject::NirDepartment),
        ("185057800608436", Reject::NirKey),
        ("185057800608400", Reject::NirKey),
        ("185057800608419", Reject::NirKey),
    ] {
        assert_eq!(Nir::parse(text), Err(reason), "{text:?}");
    }
}

/// [ID-1], [ID-4]
#[test]
fn dates() {
    for text in
        ["1980-12-31", "19801231", "31/12/1980", "31-12-1980", "31.12.1980", " 31/12/1980\t", "\u{a0}1980-12-31\u{a0}"]
    {
        assert_eq!(date(text).as_bytes(), b"19801231", "{text:?}");
    }
    for text in ["2000-02-29", "2024-02-29", "1800-01-01", "2199-12-31", "1980-02-00", "00/00/1980", "19800000"] {
        assert!(BirthDate::parse(text).is_ok(), "{text}");
    }
    for (text, reason) in [
        ("", Reject::Empty),
        (" \t", Reject::Empty),
        ("31/12/80", Reject::DateShortYear),
        ("80-12-31", Reject::DateShortYear),
        ("1980/12/31", Reject::DateFormat),
        ("31/12-1980", Reject::DateFormat),
        ("1/2/1980", Reject::DateFormat),
        ("1980-12-31 00:00:00", Reject::DateFormat),
        ("1980-1a-31", Reject::DateFormat),
        ("３1/12/1980", Reject::DateFormat),
        ("1799-12-31", Reject::DateYear),
        ("2200-01-01", Reject::DateYear),
        ("1980-13-01", Reject::DateMonth),
        ("1980-00-01", Reject::DateMonth),
        ("1980-12-32", Reject::DateDay),
        ("1980-04-31", Reject::DateDay),
        ("1900-02-29", Reject::DateDay),
        ("2023-02-29", Reject::DateDay),
    ] {
        assert_eq!(BirthDate::parse(text), Err(reason), "{text:?}");
    }
}

/// [ID-1], [ID-5]
#[test]
fn ranks() {
    assert_eq!(BirthRank::parse(""), Ok(BirthRank::FIRST));
    assert_eq!(BirthRank::parse(" \u{a0}"), Ok(BirthRank::default()));
    for (text, digit) in [("1", b'1'), ("01", b'1'), (" 9 ", b'9'), ("09", b'9')] {
        assert_eq!(BirthRank::parse(text).map(BirthRank::digit), Ok(digit), "{text}");
    }
    for text in ["0", "00", "10", "001", "A", "-1", "²"] {
        assert_eq!(BirthRank::parse(text), Err(Reject::Rank), "{text}");
    }
}

/// [ID-1], [ID-6]
#[test]
fn names() {
    for (text, canonical) in [
        ("Dupré", "DUPRE"),
        ("Dupre\u{301}", "DUPRE"),
        ("  d'Argent--Lé  Gall ", "D ARGENT LE GALL"),
        ("O`Kéfe\u{b4}s\u{2bc}n", "O KEFE S N"),
        ("Œdœ Ææ Straße ẞ", "OEDOE AEAE STRASSE SS"),
        ("Ａｎｎｅ\u{3000}ﬁ", "ANNE FI"),
        ("ǽ", "AE"),
        ("Jean\u{2011}Luc\u{2212}Marc\u{a0}Yves", "JEAN LUC MARC YVES"),
    ] {
        assert_eq!(Name::parse(text).map(|name| name.as_bytes().to_vec()), Ok(canonical.into()), "{text}");
        assert_eq!(GivenName::parse(text).map(|name| name.as_bytes().to_vec()), Ok(canonical.into()), "{text}");
    }
    for (text, reason) in [
        ("", Reject::Empty),
        (" -'", Reject::Empty),
        ("\u{301}", Reject::Empty),
        ("Dupré, Anne", Reject::NameComma),
        ("Dupré\u{ff0c} Anne", Reject::NameComma),
        ("Dupré2", Reject::NameCharacter),
        ("Dupr�", Reject::NameCharacter),
        ("Дюпре", Reject::NameCharacter),
        ("Dupré (Martin)", Reject::NameCharacter),
        ("Dupré\0", Reject::NameCharacter),
        ("a\u{20dd}", Reject::NameCharacter),
    ] {
        assert_eq!(Name::parse(text), Err(reason), "{text:?}");
    }
    assert_eq!(GivenName::parse("Anne Zoé,Inès, 2").map(|name| name.as_bytes().to_vec()), Ok(b"ANNE ZOE".into()));
    assert_eq!(GivenName::parse(", Anne"), Err(Reject::Empty));
    // Only U+002C cuts: what NFKD makes a comma of might as well be part of the name.
    for comma in ['\u{ff0c}', '\u{fe10}', '\u{fe50}'] {
        assert_eq!(GivenName::parse(&format!("Anne{comma}Zoé")), Err(Reject::NameComma), "{comma}");
    }
}

/// [ID-6]
#[test]
fn lengths_of_names() {
    assert!(Name::parse(&"é".repeat(100)).is_ok());
    assert_eq!(Name::parse(&"é".repeat(101)), Err(Reject::NameLength));
    assert_eq!(Name::parse(&"œ".repeat(51)), Err(Reject::NameLength));
    assert!(Name::parse(&format!("a{}", " ".repeat(199))).is_ok());
    assert_eq!(Name::parse(&format!("a{}", " ".repeat(200))), Err(Reject::NameLength));
    assert_eq!(GivenName::parse(&format!("Anne,{}", "a".repeat(196))), Err(Reject::NameLength));
}

#[test]
fn schemes_and_fields_have_names_and_bytes() {
    for scheme in Scheme::ALL {
        assert_eq!(scheme.to_string().parse(), Ok(scheme));
        assert_eq!(Scheme::from_byte(scheme.byte()), Some(scheme));
        assert_eq!(Scheme::from_byte(scheme.canary_byte()), None);
        let json = serde_json::to_string(&scheme).unwrap();
        assert_eq!(json, scheme.byte().to_string());
        assert_eq!(serde_json::from_str::<Scheme>(&json).unwrap(), scheme);
    }
    for unknown in ["0", "4", "129", "\"nir\""] {
        assert!(serde_json::from_str::<Scheme>(unknown).is_err(), "{unknown}");
    }
    assert_eq!("NIR".parse::<Scheme>(), Err(UnknownScheme));
    let names: Vec<_> = Field::ALL.iter().map(Field::to_string).collect();
    assert_eq!(names, ["nir", "birth_date", "birth_rank", "birth_name", "given_name"]);
    assert_eq!(Scheme::Nir.fields(), [Field::Nir]);
    assert_eq!(Scheme::Beneficiary.fields(), [Field::Nir, Field::BirthDate, Field::BirthRank]);
    assert_eq!(Scheme::Person.fields(), [Field::BirthName, Field::GivenName, Field::BirthDate]);
}

#[test]
fn reasons_have_distinct_codes_and_sentences() {
    for (place, reason) in Reject::ALL.into_iter().enumerate() {
        assert!(reason.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        for other in Reject::ALL.into_iter().skip(place + 1) {
            assert_ne!(reason.code(), other.code());
            assert_ne!(reason.to_string(), other.to_string());
        }
    }
}

/// A valid number without its key.
fn any_number() -> impl Strategy<Value = String> {
    let month = prop_oneof![1..=12_u8, 20..=42_u8, 50..=99_u8];
    let department = prop_oneof!["[0-9]{2}", Just("2A".to_owned()), Just("2B".to_owned())];
    ("[123478]", "[0-9]{2}", month, department, "[0-9]{6}")
        .prop_map(|(sex, year, month, department, rest)| format!("{sex}{year}{month:02}{department}{rest}"))
}

fn any_date() -> impl Strategy<Value = String> {
    (1800..=2199_u16, 1..=12_u8, 0..=28_u8).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
}

/// The key by long division, digit by digit, with the letter replaced in the text.
fn key_by_hand(number: &str) -> u32 {
    let digits = number.replace("2A", "19").replace("2B", "18");
    97 - digits.chars().fold(0, |rest, digit| (rest * 10 + digit.to_digit(10).unwrap()) % 97)
}

proptest! {
    /// [ID-3]
    #[test]
    fn a_right_key_verifies_and_a_wrong_one_does_not(number in any_number(), wrong in 0..=99_u32) {
        let key = key_by_hand(&number);
        prop_assert_eq!(u32::from(nir(&number).key()), key);
        prop_assert_eq!(nir(&format!("{number}{key:02}")), nir(&number));
        let verdict = Nir::parse(&format!("{number}{wrong:02}"));
        prop_assert_eq!(verdict.is_ok(), wrong == key);
    }

    /// [ID-2]
    #[test]
    fn separators_never_matter(number in any_number(), places in prop::collection::vec((0..=13_usize, 0..12_usize), 0..20)) {
        let separators = ['\t', ' ', '\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}', '.', '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}'];
        let mut text = number.chars().collect::<Vec<_>>();
        for (place, which) in places {
            text.insert(place, separators[which]);
        }
        prop_assert_eq!(nir(&text.into_iter().collect::<String>()), nir(&number));
    }

    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{0,60}", latin in "[a-zA-Zéèœß' ,\\-\u{300}]{1,60}") {
        for text in [text, latin] {
            if let Ok(name) = Name::parse(&text) {
                prop_assert_eq!(Name::parse(std::str::from_utf8(name.as_bytes()).unwrap()), Ok(name));
            }
            if let Ok(name) = GivenName::parse(&text) {
                prop_assert_eq!(GivenName::parse(std::str::from_utf8(name.as_bytes()).unwrap()), Ok(name));
            }
        }
    }

    #[test]
    fn a_canonical_name_is_words_with_single_spaces(text in "[a-zA-Zéèœß' \\-]{1,60}") {
        if let Ok(name) = Name::parse(&text) {
            let words = name.as_bytes().split(|byte| *byte == b' ').collect::<Vec<_>>();
            prop_assert!(words.iter().all(|word| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase)));
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = (Nir::parse(&text), BirthDate::parse(&text), BirthRank::parse(&text), Name::parse(&text));
    }

    /// [ID-4]
    #[test]
    fn all_forms_of_a_date_agree(text in any_date()) {
        let (year, month, day) = (&text[..4], &text[5..7], &text[8..]);
        for form in [format!("{year}{month}{day}"), format!("{day}/{month}/{year}"), format!("{day}.{month}.{year}")] {
            prop_assert_eq!(BirthDate::parse(&form), Ok(date(&text)));
        }
        prop_assert!(BirthDate::parse(&format!("{day}{month}{year}")).is_err(), "eight digits are never day first");
    }

    #[test]
    fn encodings_can_be_read_back(number in any_number(), day in any_date(), rank in "[1-9]", name in "[A-Z]( ?[A-Z]){0,40}", given in "[A-Z]{1,40}") {
        let (number, day, rank) = (nir(&number), date(&day), BirthRank::parse(&rank).unwrap());
        prop_assert_eq!(decode(&Identifier::nir(&number)), (1, vec![number.as_bytes().to_vec()]));
        let fields = vec![number.as_bytes().to_vec(), day.as_bytes().to_vec(), vec![rank.digit()]];
        prop_assert_eq!(decode(&Identifier::beneficiary(&number, &day, rank)), (2, fields));
        let (name_of, given_of) = (Name::parse(&name).unwrap(), GivenName::parse(&given).unwrap());
        if let Ok(person) = Identifier::person(&name_of, &given_of, &day) {
            prop_assert_eq!(decode(&person), (3, vec![name.into_bytes(), given.into_bytes(), day.as_bytes().to_vec()]));
        }
    }
}
