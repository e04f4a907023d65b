//! The same rows in every encoding, and text that is not in the encoding that it should be in.

use super::*;

const TEXT: &str = "N° sécu;Prénom;Note\r\n1;Zoé;Cœur à l’œuvre\r\n2;Anaïs;\"5 €; reçu\r\nhier\"\r\n3;;\r\n";

/// The encodings of a text that all have its characters.
fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        Encoding::Iso8859_15 => encoding_rs::ISO_8859_15.encode(text).0.into_owned(),
    }
}

fn told(encoding: Encoding) -> TableOptions {
    TableOptions { encoding: Some(encoding), ..TableOptions::default() }
}

#[test]
fn the_same_rows_in_every_encoding() {
    let expected = read(TEXT).unwrap();
    assert_eq!((expected.0[0].as_str(), expected.2.len()), ("N° sécu", 3));
    for encoding in Encoding::ALL {
        // ISO-8859-15 has no typographical apostrophe.
        let text = if encoding == Encoding::Iso8859_15 { TEXT.replace('’', "'") } else { TEXT.to_owned() };
        let expected = read(&text).unwrap();
        let bytes = encoded(&text, encoding);
        assert_eq!(read_with(&bytes, &told(encoding)).unwrap(), expected, "{encoding}");
        if encoding != Encoding::Iso8859_15 {
            assert_eq!(read(&bytes).unwrap(), expected, "{encoding}, detected");
        }
        if matches!(encoding, Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be) {
            let marked = [encoded("\u{feff}", encoding), bytes].concat();
            assert_eq!(read(&marked).unwrap(), expected, "{encoding}, marked");
            assert_eq!(read_with(&marked, &told(encoding)).unwrap(), expected, "{encoding}, marked and told");
        }
    }
}

#[test]
fn long_files_are_decoded_across_pieces() {
    let text = "\u{feff}é;b\n".to_owned() + &"ça;œ𝄞\n".repeat(400_000);
    for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
        let (_, _, cells) = read(encoded(&text, encoding)).unwrap();
        assert_eq!(cells.len(), 400_000);
        assert!(cells.iter().zip(1..).all(|(row, number)| *row == good(number, &["ça", "œ𝄞"])), "{encoding}");
    }
}

#[test]
fn the_choice_is_described() {
    let describe = |bytes: &[u8], options| {
        let scratch = Scratch::new();
        Table::open_with(scratch.file(bytes), options).unwrap().describe()
    };
    let any = TableOptions::default();
    assert_eq!(describe(b"pr\xe9nom;b", &any), "CSV in windows-1252 (detected), fields parted by \";\"");
    assert_eq!(describe(b"\xef\xbb\xbfa\tb", &any), "CSV in utf-8 (by its mark), fields parted by tabs");
    assert_eq!(describe(b"pr\xa4nom", &told(Encoding::Iso8859_15)), "CSV in iso-8859-15 (as told), one column");
}

#[test]
fn a_choice_never_changes_in_the_middle() {
    let ascii = "a;b\n".to_owned() + &"1;2\n".repeat(FIRST_LEN / 4);
    let late = [ascii.as_bytes(), b"pr\xe9nom;2\n3;4\n"].concat();
    let row = u64::try_from(FIRST_LEN / 4 + 1).unwrap();
    let error = read(&late).unwrap_err();
    assert!(
        matches!(error, TableError::Malformed { row: found, origin: Origin::Detected, .. } if found == row),
        "{error}"
    );
    assert!(error.to_string().contains("--encoding windows-1252"), "{error}");
    let (_, _, cells) = read_with(&late, &told(Encoding::Windows1252)).unwrap();
    assert_eq!(cells.last(), Some(&good(row + 1, &["3", "4"])));
    assert_eq!(cells[cells.len() - 2], good(row, &["prénom", "2"]));
    let (_, _, cells) = read_with(&late, &told(Encoding::Utf8)).unwrap();
    assert_eq!(cells[cells.len() - 2], (row, Err(Reason::Encoding)));
    assert_eq!(cells.last(), Some(&good(row + 1, &["3", "4"])));
}

#[test]
fn malformed_text_is_an_error_unless_its_encoding_was_told() {
    let lone = |unit: u16| {
        let mut bytes = encoded("a;b\n1;2\nx", Encoding::Utf16Le);
        bytes.extend(unit.to_le_bytes());
        bytes.extend(encoded(";y\n5;6\n", Encoding::Utf16Le));
        bytes
    };
    let odd = [encoded("a;b\n1;2\n3;4", Encoding::Utf16Be), vec![0]].concat();
    for (encoding, bytes) in [
        (Encoding::Utf8, b"\xef\xbb\xbfa;b\n1;2\n\n\xe9;2\n5;6\n".to_vec()),
        // Without the semicolon the two cells would be one valid character.
        (Encoding::Utf8, b"\xef\xbb\xbfa;b\n1;2\n\xc3;\xa9\n5;6\n".to_vec()),
        (Encoding::Utf16Le, lone(0xd800)),
        (Encoding::Utf16Le, lone(0xdc00)),
        (Encoding::Utf16Be, odd),
    ] {
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, TableError::Malformed { row: 2, encoding: found, .. } if found == encoding), "{error}");
        assert!(!error.to_string().contains("windows"), "{error}");
        let (_, _, cells) = read_with(&bytes, &told(encoding)).unwrap();
        assert_eq!(cells[..2], [good(1, &["1", "2"]), (2, Err(Reason::Encoding))]);
        assert!(cells.get(2).is_none_or(|row| *row == good(3, &["5", "6"])));
    }
    let (_, _, cells) = read_with(b"a;b\n1;\x81\n2;\x9d\x81\n3;\xe9", &told(Encoding::Windows1252)).unwrap();
    assert_eq!(cells, [(1, Err(Reason::Encoding)), (2, Err(Reason::Encoding)), good(3, &["3", "é"])]);
}

#[test]
fn a_header_must_be_in_the_encoding() {
    for (bytes, encoding) in [
        (b"pr\xe9nom;b\n1;2".as_slice(), Encoding::Utf8),
        (b"pr\x81nom;b\n1;2", Encoding::Windows1252),
        (b"a;b", Encoding::Utf16Le),
    ] {
        let error = read_with(bytes, &told(encoding)).unwrap_err();
        assert!(matches!(error, TableError::Malformed { row: 0, origin: Origin::Told, .. }), "{error}");
        assert!(error.to_string().contains("as --encoding says"), "{error}");
    }
    let error = read(b"pr\x82nom;b\n").unwrap_err();
    assert!(matches!(error, TableError::Unclear { .. }) && error.to_string().contains("--encoding"), "{error}");
    let error = read_with("\u{feff}a", &told(Encoding::Utf16Le)).unwrap_err();
    assert!(matches!(error, TableError::OtherMark { .. }), "{error}");
}

#[test]
fn rows_have_a_longest_length_in_every_encoding() {
    for encoding in [Encoding::Utf16Le, Encoding::Windows1252] {
        let row = |length: usize| encoded(&format!("é;b\n1;{}\n", "x".repeat(length)), encoding);
        assert_eq!(read(row(MAX_ROW_LEN - 3)).unwrap().2.len(), 1);
        let error = read(row(MAX_ROW_LEN)).unwrap_err();
        assert!(matches!(error, TableError::RowTooLong { row: 1, .. }), "{error}");
    }
    let nul = encoded("é;b\n1;\0\n", Encoding::Utf16Le);
    assert_eq!(read(nul).unwrap().2, [(1, Err(Reason::NulByte))]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_in_any_encoding(
        bytes in prop::collection::vec(prop::sample::select(b"a;\"\n\0\xc3\xa9\xff\xfe\xd8\xdc\x81".as_slice()), 0..60),
        encoding in prop::sample::select(Encoding::ALL.as_slice()),
    ) {
        let _ = read(&bytes);
        if let Ok((_, _, cells)) = read_with(&bytes, &told(encoding)) {
            for cell in cells.into_iter().filter_map(|(_, row)| row.ok()).flatten() {
                prop_assert!(!cell.contains(char::REPLACEMENT_CHARACTER));
            }
        }
    }
}
