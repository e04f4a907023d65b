//! The whole way with both programs over real QUIC: seal, enrol, check, and exactly the right results.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use blindlist_tests::people::{number, numbers, spaced, with_key};
use blindlist_tests::results::rows;
use blindlist_tests::{Insurer, Operator};
use serde_json::json;

const CORSE_SUD: &str = "260042A111222";
const HAUTE_CORSE: &str = "178122B033044";

/// What an insurer's export may look like, and what of it is affected.
fn messy_members() -> (Vec<u8>, String) {
    let (one, two) = (with_key(&number(1)), number(2));
    let corsican = with_key(CORSE_SUD);
    let wrong_key = format!("{}{}", number(11), "98");
    let lines = [
        "\"Nom\";\"Numéro de sécurité sociale\";Remarque".to_owned(),
        format!("\"Dupont; Zoé\";\"{}\";\"dite \"\"la grande\"\"\"", spaced(&one)),
        format!("Martin;{two};"),
        format!("Orsini;{};x", spaced(&corsican)),
        format!("Luciani;{};sans clé", HAUTE_CORSE.to_lowercase()),
        format!("Dupont;{one};encore elle"),
        format!("Personne;{};\"deux\r\nlignes\"", number(10)),
        format!("Petit;{wrong_key};"),
        "Vide;  ;".to_owned(),
        "Arrondi;1,85E+14;".to_owned(),
        String::new(),
        "court".to_owned(),
        format!("Court;{};", &two[..12]),
        "Lettres;18506750010A1;".to_owned(),
    ];
    let affected = [
        "\u{feff}Nom;Numéro de sécurité sociale;Remarque;list;categories;incident_date;exposure".to_owned(),
        format!("\"Dupont; Zoé\";{};\"dite \"\"la grande\"\"\";tiers-payant;identity|contract", spaced(&one)),
        format!("Martin;{two};;tiers-payant;identity|contract|coverage"),
        format!("Orsini;{};x;tiers-payant;coverage", spaced(&corsican)),
        format!("Luciani;{};sans clé;tiers-payant;contract", HAUTE_CORSE.to_lowercase()),
        format!("Dupont;{one};encore elle;tiers-payant;identity|contract"),
    ];
    let affected = affected.map(|line| match line.rsplit_once(';') {
        Some((_, "exposure")) => line + "\n",
        Some((_, categories)) => {
            let words = categories.replace('|', ", ");
            format!("{line};2026-01-20/2026-01-31;op, list tiers-payant (2026-01-20/2026-01-31): {words}\n")
        }
        None => line,
    });
    let bytes = [b"\xef\xbb\xbf".to_vec(), lines.join("\r\n").into_bytes()].concat();
    (bytes, affected.concat())
}

/// The rows that are rejected, after the name of the file: the quoted line break makes lines and rows differ.
const REJECTED: [&str; 6] = [
    "9;7;nir;nir-key: the key does not belong to the number; one of its digits is wrong",
    "10;8;nir;empty: the cell is empty",
    "11;9;nir;nir-rounded: a spreadsheet has rounded this number; export the column again as text",
    "13;10;row;field-count: the row has 1 field, the header has 3",
    "14;11;nir;nir-length: a social security number has 13 characters, or 15 with its key",
    "15;12;nir;nir-character: a social security number has only digits, and A or B after the 2 of a Corsican department",
];

/// People in several rows, with a column of categories.
fn breach() -> String {
    let rows = [
        format!("{},identity", with_key(&number(1))),
        format!("{},contract", number(1)),
        format!("{},coverage|contract|identity", number(2)),
        format!("{},coverage", with_key(CORSE_SUD)),
        format!("{HAUTE_CORSE},contract"),
        format!("{},identity", number(3)),
        format!("{},identity", number(3)),
    ];
    std::iter::once("nir,categories".to_owned()).chain(rows).map(|row| row + "\n").collect()
}

/// [ID-1], [LAB-3], [MAT-2]
#[test]
fn a_messy_export_is_answered_row_by_row() {
    let operator = Operator::new("op");
    let input = operator.file("breach.csv", breach());
    let about = ["--title", "Fuite de janvier – tiers payant", "--incident-date", "2026-01-20/2026-01-31"];
    operator.seal(&input, "tiers-payant", "identity,contract,coverage", &about).ends(0).is_printable();
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let (members, affected) = messy_members();
    let file = insurer.file("membres.csv", &members);
    let secrets = [number(1), number(2), spaced(&with_key(&number(1))), "Dupont".to_owned(), "Orsini".to_owned()];

    insurer.check(&file, &server, "out", &[]).ends(65).complains(&["6 of the 12 rows", "--accept-rejects"]);
    assert_eq!(insurer.results("out").names(), ["rejected.csv"]);
    assert_eq!(operator.spent("mutuelle"), 0);
    let ran = insurer.check(&file, &server, "out", &["--accept-rejects"]).ends(0).is_silent_about(&secrets);
    let ran =
        ran.prints(&["5 of 6 checked members are on the list \"tiers-payant\"", "6 of 12 rows could NOT be checked"]);
    ran.prints(&["3  identity", "4  contract", "2  coverage", "64 evaluations used, 0 left"]);

    let results = insurer.results("out");
    assert_eq!(results.text("affected.csv"), affected);
    let rejected: Vec<String> =
        rows(&results.folder().join("rejected.csv"), b';').iter().map(|row| row[1..].join(";")).collect();
    assert_eq!(rejected, REJECTED);
    results.are_whole();
    for (name, count) in [("rows", 12), ("distinct", 5), ("rejected", 6)] {
        assert_eq!(results.number(&format!("/members/{name}")), count);
    }
    assert_eq!(results.summary("/affected"), json!({"rows": 5, "people": 4}));
    assert_eq!(results.summary("/operators/0/operator"), json!("op"));
    for (name, count) in [("asked", 64), ("members", 5), ("canaries", 4), ("padding", 55), ("remembered", 0)] {
        assert_eq!(results.number(&format!("/operators/0/epochs/0/{name}")), count);
    }
    assert_eq!(results.number("/operators/0/remaining"), 0);
    assert_eq!(results.summary("/operators/0/lists/0/title"), json!("Fuite de janvier – tiers payant"));
    assert_eq!(results.number("/operators/0/lists/0/entries"), 5 + 4);
    assert_eq!(results.number("/operators/0/lists/0/affected_rows"), 5);
    assert_eq!(
        results.summary("/operators/0/lists/0/categories"),
        json!({"identity": 3, "contract": 4, "coverage": 2})
    );
    assert_eq!(operator.account("mutuelle"), [64, 64, 0]);

    let log = server.stop();
    assert!(!secrets.iter().any(|secret| log.contains(secret)), "personal data in the server's log:\n{log}");
}

#[test]
fn a_beneficiary_is_one_person_of_those_who_share_a_number() {
    let operator = Operator::new("op");
    let shared = number(7);
    let input = operator
        .file("breach.csv", format!("nir,date de naissance,rang\n{shared},2015-03-04,2\n{},1960-00-00,\n", number(8)));
    operator.seal(&input, "list-a", "identity", &["--scheme", "beneficiary"]).ends(0);
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let members = format!(
        "nir;Date de naissance;Rang;qui\n{shared};04/03/2015;02;jumelle\n{shared};04/03/2015;1;jumeau\n\
         {shared};1980-12-31;;parent\n{};19600000;1;incomplète\n{};31/02/1980;1;jamais né\n",
        number(8),
        number(8)
    );
    let file = insurer.file("m.csv", members);
    insurer.check(&file, &server, "out", &["--accept-rejects"]).ends(0);
    let results = insurer.results("out");
    let who: Vec<_> = results.affected(b';').iter().map(|row| row[3].clone()).collect();
    assert_eq!(who, ["jumelle", "incomplète"]);
    let rejected = rows(&results.folder().join("rejected.csv"), b';');
    assert_eq!(rejected[0][1..], ["6", "5", "birth_date", "date-day: that month of that year has no such day"]);
}

#[test]
fn a_person_is_found_by_name_however_it_is_written() {
    let operator = Operator::new("op");
    let rows = "DUPONT DURAND,LOEIZ,1980-12-31\nLE GOFF,ZOE,19750102\n";
    let input = operator.file("breach.csv", format!("nom de naissance,prénom,date de naissance\n{rows}"));
    operator.seal(&input, "by-name", "identity", &["--scheme", "person"]).ends(0);
    let numbers = operator.file("n.csv", format!("nir\n{}\n", number(1)));
    operator.seal(&numbers, "by-number", "identity", &[]).ends(0);
    let insurer = Insurer::enrolled("mutuelle", &operator, 200);
    let server = operator.serve();
    let members = "Nom de naissance\tPrénom\tDate de naissance\nDupont‑Durand\tLœiz, Jean\t31/12/1980\n\
                   Le Goff\tZoé\t02/01/1975\nLe Goff\tZoé\t03/01/1975\nLeGoff\tZoé\t02/01/1975\nBin, A\tB\t02/01/1975\n";
    let file = insurer.file("m.csv", members);
    insurer.check(&file, &server, "out", &[]).ends(2).complains(&["nir", "person", "--scheme"]);
    insurer.results("out").are_none();
    insurer.check(&file, &server, "out", &["--scheme", "person", "--accept-rejects"]).ends(0);
    let results = insurer.results("out");
    let who: Vec<_> = results.affected(b'\t').iter().map(|row| (row[0].clone(), row[3].clone())).collect();
    assert_eq!(who, [("Dupont‑Durand".to_owned(), "by-name".to_owned()), ("Le Goff".to_owned(), "by-name".to_owned())]);
    assert_eq!(results.number("/members/rejected"), 1);
    assert_eq!(
        results.summary("/operators/0/lists").as_array().unwrap().len(),
        1,
        "the list of another scheme is left out"
    );
}

#[test]
fn several_lists_are_asked_at_once_and_their_categories_joined() {
    let operator = Operator::new("op");
    for (list, categories, people) in [("list-b", "contract,coverage", [2, 3]), ("list-a", "identity,contract", [1, 2])]
    {
        let input = operator.file(list, format!("nir\n{}\n{}\n", number(people[0]), number(people[1])));
        operator.seal(&input, list, categories, &[]).ends(0);
    }
    operator.run(&["lists"]).ends(0).prints(&["list-a", "list-b"]);
    let insurer = Insurer::enrolled("mutuelle", &operator, 1_000);
    let server = operator.serve();
    insurer.run(&["lists", "--server", &server.address()]).ends(0).prints(&["list-a", "list-b"]);

    let file = insurer.file("m.csv", format!("nir\n{}\n", numbers(1, 5).join("\n")));
    insurer.check(&file, &server, "out", &[]).ends(0);
    let both = |number: u32, list: &str, categories: &str| {
        [&blindlist_tests::people::number(number), list, categories].map(ToString::to_string)
    };
    assert_eq!(
        insurer.results("out").affected(b','),
        [
            both(1, "list-a", "identity|contract"),
            both(2, "list-a|list-b", "identity|contract|coverage"),
            both(3, "list-b", "contract|coverage"),
        ]
    );
    assert_eq!(operator.spent("mutuelle"), 64, "one evaluation serves both lists");
    insurer.check(&file, &server, "one", &["--list", "list-b"]).ends(0);
    let only = [both(2, "list-b", "contract|coverage"), both(3, "list-b", "contract|coverage")];
    assert_eq!(insurer.results("one").affected(b','), only);
    insurer.check(&file, &server, "none", &["--list", "list-c"]).ends(1).complains(&["list-c", "list-a", "list-b"]);
    insurer.results("none").are_none();
}

#[test]
fn nobody_affected_is_an_answer() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = operator.serve();
    let file = insurer.file("m.csv", format!("contrat;nir\nC1;{}\nC2;{}\n", number(100), number(101)));
    insurer.check(&file, &server, "out", &[]).ends(0).prints(&["0 of 2 checked members are on the list \"list-a\""]);
    let results = insurer.results("out");
    assert_eq!(results.text("affected.csv"), "contrat;nir;list;categories;incident_date;exposure\n");
    assert_eq!(results.text("rejected.csv"), "file;line;row;column;reason\n");
    assert_eq!(results.summary("/affected"), json!({"rows": 0, "people": 0}));
}

#[test]
fn a_sample_agrees_with_its_truth() {
    let operator = Operator::new("op");
    let folder = operator.path("sample");
    let counts = ["--records", "4000", "--members", "3000", "--overlap", "0.1", "--seed", "7"];
    let ran = blindlist_tests::programs::blindlistd(["sample", "--out"]);
    let mut command = ran;
    command.arg(&folder).args(counts);
    blindlist_tests::programs::run(command).ends(0);
    let categories = "nir,civil-status,birth-date,insurer,contract,coverage-dates";
    operator.seal(&folder.join("breach.csv"), "demo", categories, &["--scheme", "beneficiary"]).ends(0);
    let insurer = Insurer::enrolled("mutuelle", &operator, 3_000);
    let server = operator.serve();
    let members = folder.join("members.csv");
    insurer.check(&members, &server, "out", &[]).ends(0).prints(&["300 of 3,000 checked members"]);

    let all = rows(&members, b';');
    let truth = rows(&folder.join("truth.csv"), b',');
    let expected: Vec<Vec<String>> = truth
        .iter()
        .map(|line| {
            let member = &all[line[0].parse::<usize>().unwrap() - 1];
            member.iter().cloned().chain(["demo".to_owned(), line[1].clone()]).collect()
        })
        .collect();
    assert_eq!(expected.len(), 300);
    assert_eq!(insurer.results("out").affected(b';'), expected);
    assert_eq!(operator.account("mutuelle"), [3_008, 3_008, 0], "3,000 members and 4 canaries, in 64s");
}

#[test]
fn each_check_is_paid_and_a_budget_ends() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 150);
    let server = operator.serve();
    let file = insurer.file("m.csv", format!("nir\n{}\n", numbers(5, 15).join("\n")));
    assert_eq!(operator.account("mutuelle"), [192, 0, 192], "150 members and 4 canaries, in 64s");
    insurer.check(&file, &server, "1", &[]).ends(0);
    insurer.check(&file, &server, "2", &[]).ends(0);
    assert_eq!(operator.spent("mutuelle"), 128);
    let ran = insurer.check(&file, &server, "3", &["--resume"]).ends(0);
    assert!(ran.stderr.contains("there is no unfinished check of this file"), "{ran}");
    assert_eq!(operator.account("mutuelle"), [192, 192, 0]);
    let texts = ["1", "2", "3"].map(|out| insurer.results(out).text("affected.csv"));
    assert_eq!(texts[0].lines().count(), 1 + 5);
    assert!(texts.iter().all(|text| *text == texts[0]), "three checks, one answer");

    insurer.check(&file, &server, "4", &[]).ends(77).complains(&["budget", "64"]);
    insurer.results("4").are_none();
    assert_eq!(operator.spent("mutuelle"), 192);
}

#[test]
fn a_release_that_replaces_another_is_served_without_a_restart() {
    let operator = Operator::with_numbers("op", &numbers(0, 10));
    let insurer = Insurer::enrolled("mutuelle", &operator, 1_000);
    let server = operator.serve();
    let file = insurer.file("m.csv", format!("nir\n{}\n", numbers(9, 12).join("\n")));
    insurer.check(&file, &server, "before", &[]).ends(0);
    let input = operator.file("more.csv", format!("nir\n{}\n", numbers(0, 11).join("\n")));
    operator.seal(&input, "list-a", "identity,contract", &[]).ends(0);
    insurer.check(&file, &server, "after", &[]).ends(0);
    let found = |out: &str| insurer.results(out).affected(b',').len();
    assert_eq!((found("before"), found("after")), (1, 2));
}
