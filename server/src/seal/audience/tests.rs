//! Audiences and their maps: who is found, what is refused, and in which words.

use super::*;

fn insurers(names: &[&str]) -> Vec<Addressee> {
    let ids = (1..).map(|byte| InsurerId::from_bytes([byte; 16]));
    names.iter().zip(ids).map(|(name, id)| Addressee { name: name.parse().unwrap(), id }).collect()
}

fn split(map: &str) -> Result<Split, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.csv");
    std::fs::write(&path, map).unwrap();
    Split::read("Caisse", &path, &insurers(&["amie", "mutuelle-x", "zelia"]))
}

#[test]
fn an_audience_is_sorted_and_everybody_is_in_it_once() {
    let enrolled = insurers(&["b", "a", "c"]);
    let named = |names: &[&str]| {
        Audience::named(&names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>(), &enrolled)
    };
    let Ok(Audience::Named(found)) = named(&["b", "a", "b"]) else { panic!("they are enrolled") };
    assert_eq!(found, [enrolled[1].clone(), enrolled[0].clone()]);
    Audience::Named(found).check().unwrap();
    assert!(Audience::Named(vec![]).check().is_err() && Audience::Named(enrolled).check().is_err());
}

#[test]
fn the_nearest_name_is_told() {
    let enrolled = insurers(&["amie", "mutuelle-x", "mutuelle-y"]);
    for (wrong, nearest) in [("mutuele-x", "mutuelle-x"), ("mutuelley", "mutuelle-y"), ("ami", "amie"), ("q", "amie")] {
        let error = Audience::named(&[wrong.parse().unwrap()], &enrolled).unwrap_err().to_string();
        assert!(error.contains(&format!(" {wrong} ")) && error.contains(&format!("nearest is {nearest};")), "{error}");
    }
    let error = Audience::named(&["a".parse().unwrap()], &[]).unwrap_err();
    assert!(error.to_string().contains("there is none yet"), "{error}");
}

#[test]
fn distances_are_counted_in_changes() {
    for (one, other, changes) in
        [("", "", 0), ("a", "", 1), ("", "ab", 2), ("abc", "abc", 0), ("abc", "axc", 1), ("kitten", "sitting", 3)]
    {
        assert_eq!((distance(one, other), distance(other, one)), (changes, changes), "{one} {other}");
    }
}

#[test]
fn several_codes_may_stand_for_one_insurer() {
    let split = split("Nom;insurer;code\nx;zelia;07\ny; amie ; 01 \nz;zelia;7\n;zelia;07\n").unwrap();
    let parts: Vec<_> = split.parts.iter().map(|part| (part.insurer.name.as_str(), &part.codes[..])).collect();
    assert_eq!(parts, [("amie", &["01".to_owned()][..]), ("zelia", &["07".to_owned(), "7".to_owned()][..])]);
    let places = split.places();
    assert_eq!((places["01"], places["07"], places["7"], places.len()), (0, 1, 1, 3));
    Audience::Split(split.clone()).check().unwrap();
    let mut twice = split;
    twice.parts[0].codes.push("7".to_owned());
    assert!(Audience::Split(twice).check().is_err(), "one code, two insurers");
}

#[test]
fn a_map_that_is_none_is_refused_in_one_sentence() {
    for (map, told) in [
        (
            "code;name\n1;amie\n",
            "looked for the columns code and insurer; no column \"insurer\": found \"code\", \"name\"",
        ),
        ("Code;insurer\n1;amie\n", "no column \"code\""),
        ("code;insurer;code\n1;amie;2\n", "more than one column has the header \"code\""),
        ("code;insurer\n", "found column headers alone"),
        ("code;insurer\n1;amie\n2;amis\n", "row 2: no insurer of the name amis is enrolled; the nearest is amie"),
        ("code;insurer\n1;La Mutuelle\n", "row 1: looked for the name of an insurer"),
        ("code;insurer\n1;\n", "row 1: looked for the name of an insurer"),
        ("code;insurer\n;amie\n", "row 1: looked for a code of 1 to 200 bytes, found 0 bytes"),
        ("code;insurer\n1;amie\n2;amie\n1;zelia\n", "rows 1 and 3 give one code to two insurers, amie and zelia"),
        ("code;insurer\n1;amie;x\n", "row 1 has another number of fields"),
    ] {
        let error = split(map).unwrap_err();
        assert_eq!(error.code(), Code::BadInput, "{error}");
        let text = error.to_string();
        assert!(text.starts_with("--audience-map: ") && text.contains(told) && text.lines().count() == 1, "{text}");
    }
    for (map, told) in [("", "is empty"), ("PK\u{3}\u{4}", "Excel workbook")] {
        let error = split(map).unwrap_err();
        assert!(error.code() == Code::BadInput && error.to_string().contains(told), "{error}");
    }
    let long: String = (0..=MAX_CODES).map(|code| format!("{code},amie\n")).collect();
    assert!(split(&format!("code,insurer\n{long}")).unwrap_err().to_string().contains("65536 rows"));
}
