use std::{collections::HashMap, fs, path::Path};

use tempfile::TempDir;

use super::*;
use crate::{Batch, CsvStyle, Format, Look, RejectedWriter, Table};

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn resolve(names: &[&str], scheme: Scheme, overrides: &[&str]) -> Result<Columns, ColumnError> {
    let overrides = overrides.iter().map(|text| parse_override(text)).collect::<Result<Vec<_>, _>>()?;
    Columns::resolve(&headers(names), scheme, &overrides)
}

fn nir(number: &str) -> Identifier {
    Identifier::nir(&Nir::parse(number).unwrap())
}

/// Resolves the columns of a file and turns all its rows into identifiers.
fn identifiers(text: &str, scheme: Scheme) -> (Columns, Vec<Result<Identifier, Rejection>>) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("people.csv");
    fs::write(&path, text).unwrap();
    let mut table = Table::open(path).unwrap();
    let columns = Columns::resolve(table.headers(), scheme, &[]).unwrap();
    let mut batch = Batch::new();
    table.read_batch(&mut batch, 100).unwrap();
    let results = batch.iter().map(|row| columns.identifier(&row)).collect();
    (columns, results)
}

/// Of a file in which every row is a line.
fn rejection(row: u64, column: &'static str, reject: Reject) -> Result<Identifier, Rejection> {
    Err(Rejection { line: Some(row + 1), row, column, reason: Reason::Cell(reject) })
}

#[test]
fn a_member_file_gives_exact_results() {
    let (columns, results) = identifiers(
        "\u{feff}\"Numéro adhérent\";\"Numéro de sécurité sociale\";Nom\r\n\
         A1;1 85 05 78 006 084 91;x\r\n\
         A2;1850578006084;\"y\r\nz\"\r\n\
         A3;\"2 69 05 2A 004 001 39\";x\r\n\
         A4;2.69.05.2b.004.001-66;x\r\n\
         A5;1 85 05 78 006 084 36;x\r\n\
         A6;;x\r\n\
         A7;1,85058E+12;x\r\n\
         A8;1850578006084\r\n\
         A9;1850578006084;\0\r\n",
        Scheme::Nir,
    );
    assert_eq!(columns.describe(), ["nir <- \"Numéro de sécurité sociale\" (column 2)"]);
    // The second row takes two lines.
    let whole = |row, reason| Err(Rejection { line: Some(row + 2), row, column: "row", reason });
    let cell = |row, reject| Err(Rejection { line: Some(row + 2), row, column: "nir", reason: Reason::Cell(reject) });
    assert_eq!(
        results,
        [
            Ok(nir("1850578006084")),
            Ok(nir("1850578006084")),
            Ok(nir("269052A004001")),
            Ok(nir("269052B004001")),
            cell(5, Reject::NirKey),
            cell(6, Reject::Empty),
            cell(7, Reject::NirRounded),
            whole(8, Reason::FieldCount { found: 2, expected: 3, lines: 1 }),
            whole(9, Reason::NulByte),
        ]
    );

    let look = Look { format: Format::Csv, csv: CsvStyle::default(), sheet: "rejected" };
    let mut writer = RejectedWriter::new(&look, Path::new("in/people.csv"), Vec::new()).unwrap();
    for rejection in results.iter().filter_map(|result| result.as_ref().err()) {
        writer.write(rejection).unwrap();
    }
    assert_eq!(writer.count(), 5);
    assert_eq!(
        String::from_utf8(writer.finish().unwrap()).unwrap(),
        "file,line,row,column,reason\n\
         in/people.csv,7,5,nir,nir-key: the key does not belong to the number; one of its digits is wrong\n\
         in/people.csv,8,6,nir,empty: the cell is empty\n\
         in/people.csv,9,7,nir,nir-rounded: a spreadsheet has rounded this number; export the column again as text\n\
         in/people.csv,10,8,row,\"field-count: the row has 2 fields, the header has 3\"\n\
         in/people.csv,11,9,row,nul-byte: the row holds a NUL byte\n"
    );
}

#[test]
fn beneficiaries_with_and_without_a_rank() {
    let number = Nir::parse("1850578006084").unwrap();
    let date = BirthDate::parse("1985-05-00").unwrap();
    let of_rank = |rank| Ok(Identifier::beneficiary(&number, &date, BirthRank::parse(rank).unwrap()));
    let (columns, results) = identifiers(
        "DDN,N° Sécu,Rang gémellaire\n00/05/1985,1850578006084,2\n19850500,1850578006084,\n,1850578006084,1\n\
         1985-05-00,1850578006084,x\n",
        Scheme::Beneficiary,
    );
    assert_eq!(
        columns.describe(),
        [
            "nir <- \"N° Sécu\" (column 2)",
            "birth_date <- \"DDN\" (column 1)",
            "birth_rank <- \"Rang gémellaire\" (column 3)"
        ]
    );
    assert_eq!(
        results,
        [
            of_rank("2"),
            of_rank("1"),
            rejection(3, "birth_date", Reject::Empty),
            rejection(4, "birth_rank", Reject::Rank)
        ]
    );
    let (_, results) = identifiers("nir|birth_date\n1850578006084|1985-05-00\n", Scheme::Beneficiary);
    assert_eq!(results, [of_rank("1")]);
}

#[test]
fn persons() {
    let (_, results) = identifiers(
        "Prénoms;Nom de naissance;Date de naissance\n\"Zoé, Inès\";d'Éva;31/12/1980\nZoé;d'Éva;00/12/1980\n;d'Éva;31/12/1980\n\
         Zoé;\"d'Éva, Zoé\";31/12/1980\n",
        Scheme::Person,
    );
    let person = Identifier::person(
        &Name::parse("D EVA").unwrap(),
        &GivenName::parse("ZOE").unwrap(),
        &BirthDate::parse("19801231").unwrap(),
    );
    assert_eq!(
        results,
        [
            Ok(person.unwrap()),
            rejection(2, "birth_date", Reject::DateIncomplete),
            rejection(3, "given_name", Reject::Empty),
            rejection(4, "birth_name", Reject::NameComma),
        ]
    );
}

#[test]
fn well_known_headers_in_any_spelling() {
    for header in [
        "nir",
        "NIR",
        "Numéro de Sécurité Sociale",
        "numero_de_securite_sociale",
        "N° sécu.",
        "Nº SECU",
        "n.s.s.",
        " NSS ",
    ] {
        assert!(resolve(&["x", header], Scheme::Nir, &[]).is_ok(), "{header}");
    }
    for header in ["Né(e) le", "nirs", "numéro", ""] {
        assert!(matches!(resolve(&[header], Scheme::Nir, &[]), Err(ColumnError::Missing { .. })), "{header}");
    }
    let person = resolve(&["Nom", "Prénom", "Naissance"], Scheme::Person, &[]);
    assert!(matches!(person, Err(ColumnError::Missing { column: Column::Field(Field::BirthName), .. })));
}

#[test]
fn no_header_is_known_for_two_columns() {
    let mut known = HashMap::new();
    for column in Column::ALL {
        assert_eq!(column.to_string().parse(), Ok(column));
        assert_eq!(synonyms(column).first(), Some(&column.name()));
        for synonym in synonyms(column) {
            assert_eq!(known.insert(fold(synonym), synonym), None, "{synonym} is listed twice");
        }
    }
}

/// Of each line `| `name` | header, header |` of the page, the name and the headers.
fn documented() -> Vec<(String, Vec<String>)> {
    let page = include_str!("../../../../docs/COLUMNS.md");
    let lines = page.lines().skip_while(|line| *line != "<!-- headers -->").skip(1);
    let lines = lines.take_while(|line| *line != "<!-- end of headers -->");
    let rows = lines.filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(name, list)| (name.to_owned(), list.split(", ").map(str::to_owned).collect())).collect()
}

#[test]
fn the_page_lists_the_headers_that_are_known() {
    let known = Column::ALL.map(|column| {
        (column.name().to_owned(), synonyms(column).iter().map(|&header| header.to_owned()).collect::<Vec<_>>())
    });
    assert_eq!(documented(), known);
}

#[test]
fn a_key_in_a_column_of_its_own() {
    let (columns, results) = identifiers(
        "Clé;N° Sécu\n91;1850578006084\n91;185057800608491\n 91 ;1 85 05 78 006 084 91\n;1850578006084\n;185057800608491\n\
         36;1850578006084\n36;185057800608491\n91;185057800608436\n9;1850578006084\nxx;1850578006084\n091;1850578006084\n\
         91;\n91;1,85E+12\n91;18505780060849\n",
        Scheme::Nir,
    );
    assert_eq!(columns.describe(), ["nir <- \"N° Sécu\" (column 2)", "nir_key <- \"Clé\" (column 1)"]);
    let good = || Ok(nir("1850578006084"));
    let wrong_key = |row| rejection(row, "nir_key", Reject::NirKey);
    assert_eq!(
        results,
        [
            good(),
            good(),
            good(),
            good(),
            good(),
            wrong_key(6),
            wrong_key(7),
            rejection(8, "nir", Reject::NirKey),
            wrong_key(9),
            wrong_key(10),
            wrong_key(11),
            rejection(12, "nir", Reject::Empty),
            rejection(13, "nir", Reject::NirRounded),
            rejection(14, "nir", Reject::NirLength),
        ]
    );
}

#[test]
fn a_key_may_lack_its_zero_and_no_number_has_the_key_zero() {
    let with_key = |key: u8| {
        let numbers = (0..97).map(|order| format!("1850578006{order:03}"));
        numbers.map(|number| Nir::parse(&number).unwrap()).find(|nir| nir.key() == key)
    };
    let seven = with_key(7).unwrap();
    for good in ["7", "07", " 7\u{a0}", ""] {
        assert_eq!(check_key(&seven, good), Ok(()), "{good:?}");
    }
    for bad in ["70", "007", "0", "7.", "٧", "+7"] {
        assert_eq!(check_key(&seven, bad), Err(Reject::NirKey), "{bad:?}");
    }
    let last = with_key(97).unwrap();
    assert_eq!((check_key(&last, "97"), check_key(&last, "00")), (Ok(()), Err(Reject::NirKey)));
}

#[test]
fn a_key_is_of_a_number() {
    let person = ["nom de naissance", "prénom", "ddn", "clé"];
    assert_eq!(resolve(&person, Scheme::Person, &[]).unwrap().describe().len(), 3);
    assert!(matches!(resolve(&person, Scheme::Person, &["nir_key=clé"]), Err(ColumnError::Unused { .. })));
    let names = ["nir", "ddn", "contrôle"];
    let columns = resolve(&names, Scheme::Beneficiary, &["nir_key=contrôle"]).unwrap();
    assert_eq!(columns.describe()[1], "nir_key <- \"contrôle\" (column 3)");
}

#[test]
fn a_column_that_is_none_can_be_left_out() {
    let names = ["nir", "ddn", "clé", "rang"];
    let columns = resolve(&names, Scheme::Beneficiary, &["nir_key=", "birth_rank= "]).unwrap();
    assert_eq!(columns.describe(), ["nir <- \"nir\" (column 1)", "birth_date <- \"ddn\" (column 2)"]);
    assert_eq!(resolve(&names, Scheme::Beneficiary, &["nir="]).unwrap_err(), ColumnError::Override);
}

#[test]
fn overrides_settle_and_are_checked() {
    let names = ["NSS", "nir", "autre", "autre", "Catégories"];
    let error = resolve(&names, Scheme::Nir, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "more than one column for nir: found \"NSS\", \"nir\"; choose with --column nir=HEADER"
    );
    let columns = resolve(&names, Scheme::Nir, &["nir=NSS"]).unwrap();
    assert_eq!(columns.describe(), ["nir <- \"NSS\" (column 1)", "categories <- \"Catégories\" (column 5)"]);
    // A column that was chosen for one thing is not taken for another.
    let columns = resolve(&names, Scheme::Nir, &["nir=Catégories"]).unwrap();
    assert_eq!(columns.describe(), ["nir <- \"Catégories\" (column 5)"]);

    let fails = |overrides: &[&str]| resolve(&names, Scheme::Nir, overrides).unwrap_err();
    assert!(matches!(fails(&["nir=autre"]), ColumnError::DuplicateHeader { .. }));
    assert!(matches!(fails(&["nir=nss"]), ColumnError::NoSuchHeader { .. }));
    assert!(matches!(fails(&["nir=NSS", "nir=nir"]), ColumnError::Repeated { .. }));
    assert!(matches!(fails(&["nir=NSS", "categories=NSS"]), ColumnError::Shared { .. }));
    assert!(matches!(fails(&["birth_name=NSS"]), ColumnError::Unused { scheme: Scheme::Nir, .. }));
    for bad in ["nir", "nir=", "nss=NSS", "=NSS"] {
        assert_eq!(fails(&[bad]), ColumnError::Override, "{bad}");
    }
    assert_eq!(parse_override("nir = a=b "), Ok((Column::Field(Field::Nir), "a=b".to_owned())));
}

#[test]
fn messages_name_what_was_looked_for_and_found_on_one_line() {
    let error = resolve(&["id\u{1b}[31m\n", &"x".repeat(500)], Scheme::Nir, &[]).unwrap_err().to_string();
    assert!(error.starts_with("no column for nir: found \"id\\u{1b}[31m\\n\", \"xxx"), "{error}");
    assert!(error.contains("(known by themselves: \"nir\", \"numéro nir\","), "{error}");
    assert!(!error.contains(char::is_control) && !error.contains(&"x".repeat(61)), "{error}");
    let many = (0..100).map(|number| number.to_string()).collect::<Vec<_>>();
    let error = Columns::resolve(&many, Scheme::Nir, &[]).unwrap_err().to_string();
    assert!(error.contains("\"39\" and 60 more;"), "{error}");
}

#[test]
fn a_row_that_stands_where_headers_should_is_not_shown() {
    for row in [&["1850578006084", "Dupont"][..], &["Dupont", "17/05/80"], &["1 85 05 78 006 084 36"], &["1985-05-17"]]
    {
        let headers = row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let messages = [
            resolve(row, Scheme::Nir, &[]).unwrap_err().to_string(),
            resolve(row, Scheme::Nir, &["nir=x"]).unwrap_err().to_string(),
            find_header(&headers, "code").unwrap_err().to_string(),
        ];
        for message in messages {
            assert!(message.contains("looks like a row and is not shown"), "{message}");
            assert!(row.iter().all(|cell| !message.contains(cell)), "{message}");
        }
    }
    let years = resolve(&["id", "2024", "2025"], Scheme::Nir, &[]).unwrap_err().to_string();
    assert!(years.contains("found \"id\", \"2024\", \"2025\""), "{years}");
}

#[test]
fn categories_are_given_as_they_stand() {
    let columns = resolve(&["nir", "categories"], Scheme::Nir, &[]).unwrap();
    let mut batch = Batch::new();
    batch.push(1, 2, "1 nir|iban ", &[1, 11]);
    batch.push(2, 3, "1", &[1, 1]);
    let categories = batch.iter().map(|row| columns.categories(&row)).collect::<Vec<_>>();
    assert_eq!(categories, [Some("nir|iban"), Some("")]);
    let without = resolve(&["nir", "x"], Scheme::Nir, &[]).unwrap();
    assert_eq!(without.categories(&batch.row(0).unwrap()), None);
}

#[test]
fn rows_can_be_turned_into_identifiers_on_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Columns>();
    shared::<Batch>();
    shared::<Row<'_>>();
    shared::<Rejection>();
}

#[test]
fn a_header_is_found_when_there_is_one_of_it() {
    let headers = [" code ", "insurer", "x", "x"].map(str::to_owned);
    assert_eq!(find_header(&headers, "code"), Ok(0));
    assert_eq!(find_header(&headers, " insurer"), Ok(1));
    let Err(HeaderError::Missing { header, found }) = find_header(&headers, "Code\u{7}") else {
        panic!("another case")
    };
    assert_eq!((header.as_str(), found.as_str()), (r#""Code\u{7}""#, r#"" code ", "insurer", "x", "x""#));
    assert!(matches!(find_header(&headers, "x"), Err(HeaderError::Repeated { .. })));
}
