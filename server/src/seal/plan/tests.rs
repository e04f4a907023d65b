use super::*;

fn plan() -> Plan {
    let names = ["nir", "contract"].map(|name| name.parse().unwrap());
    Plan {
        version: 3,
        releases: vec![Planned {
            list: "breach".parse().unwrap(),
            release: ReleaseId::from_bytes([1; 16]),
            sequence: 2,
            previous: Some(Hex(Digest::from_bytes([4; 32]))),
        }],
        epoch: EpochId::from_bytes([2; 32]),
        created: 3,
        source_salt: Salt::from_bytes([5; 32]),
        choices: Choices {
            list: "breach".parse().unwrap(),
            audience: Audience::All,
            title: "Fuite".parse().unwrap(),
            incident: Some("2026-01-20/2026-01-31".parse().unwrap()),
            scheme: Scheme::Beneficiary,
            columns: vec!["nir=N° SS".to_owned()],
            categories: Dictionary::try_from(names.to_vec()).unwrap(),
            false_positive_bits: 40,
            encoding: Some("windows-1252".to_owned()),
            sheet: None,
            accept_rejects: false,
            keep_evaluations: true,
            epoch: None,
        },
        append: Some(Appended {
            release: ReleaseId::from_bytes([8; 16]),
            inputs: vec![Input { sha256: Hex(Digest::from_bytes([9; 32])), bytes: 1 }],
        }),
        inputs: vec![Input { sha256: Hex(Digest::from_bytes([6; 32])), bytes: 7 }],
    }
}

fn read(text: &[u8]) -> Result<Plan, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    std::fs::write(&path, text).unwrap();
    Plan::read(&path)
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(&plan().to_text()).unwrap(), plan());
}

#[test]
fn what_is_no_plan_is_refused() {
    let text = String::from_utf8(plan().to_text()).unwrap();
    for (from, to) in [
        ("\"version\": 3", "\"version\": 2"),
        ("\"created\": 3", "\"created\": 3, \"extra\": 1"),
        ("\"list\": \"breach\"", "\"list\": \"Breach\""),
        ("\"title\": \"Fuite\"", "\"title\": \"Fuite\", \"extra\": 1"),
        ("\"false_positive_bits\": 40", "\"false_positive_bits\": 57"),
        ("\"sequence\": 2", "\"sequence\": 1"),
        ("\"audience\": \"all\"", "\"audience\": \"unsaid\""),
        ("\"audience\": \"all\"", "\"audience\": {\"named\": []}"),
        ("\"audience\": \"all\"", "\"audience\": {\"split\": {\"column\": \"x\", \"parts\": []}}"),
        ("2026-01-20/2026-01-31", "2026-01-31/2026-01-20"),
        ("beneficiary", "nobody"),
        ("nir=N° SS", "N° SS"),
        ("\"contract\"", "\"nir\""),
        ("windows-1252", "windows-1"),
        ("\"keep_evaluations\": true", "\"keep_evaluations\": false"),
        ("\"previous\": \"", "\"previous\": null, \"x\": \""),
        (&"06".repeat(32), &"6".repeat(32)),
    ] {
        let bad = text.replacen(from, to, 1);
        assert_ne!(bad, text, "{from}");
        assert!(matches!(read(bad.as_bytes()), Err(Error::Plan { .. })), "{to}");
    }
}

#[test]
fn the_salt_is_not_shown() {
    assert!(!format!("{:?}", plan()).contains("05, 05"));
    assert!(format!("{:?}", plan()).contains("Salt(redacted)"));
}

#[test]
fn incidents_are_a_day_or_two_in_order() {
    for good in ["2026-01-31", "2026-01-20/2026-01-31"] {
        assert_eq!(good.parse::<IncidentDates>().unwrap().to_string(), good);
    }
    for bad in ["", "2026-01-31/2026-01-30", "2026-01-01/", "2026-01-01/2026-01-02/2026-01-03", "31/01/2026"] {
        assert!(bad.parse::<IncidentDates>().is_err(), "{bad}");
    }
}
