//! Each kind of failure on a small text. Ids stand in `<…>` here, so that the real check does not find them.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.replace('<', "[").replace('>', "]") }
}

/// What is wrong with this SPEC.md and this Rust file.
fn problems(spec: &str, code: &str) -> Vec<String> {
    shown(&checked(spec, code))
}

fn shown(checked: &Checked) -> Vec<String> {
    checked.problems.iter().map(|problem| problem.replace('[', "<").replace(']', ">")).collect()
}

fn checked(spec: &str, code: &str) -> Checked {
    let files = [file(SPEC, spec), file("a.rs", code)];
    check(&files[0], &files)
}

/// Every shape that a definition has.
const GOOD_SPEC: &str = "\
The key words MUST and MUST NOT are as in BCP 14. Each requirement has an id, such as `<AA-1>`.

## 1. First

- <AA-1> A side MUST do one thing,
  and another, by <AA-2>.
- <AA-2> It MUST NOT do a third (<AA-1>).

1. <BB-1> It refuses.
2. Nothing is required here.

**Title** (`code`). <CC-1> This MUST be; <AA-1> says why. `a MUST in code`
Then more. <CC-2> This MUST be as well.

    code that MUST be left alone

```
code that MUST be left alone
```

## 24. Last

<CC-10> It SHOULD be.
";

const GOOD_TESTS: &str = "\
//! About <AA-1>.
/// <AA-1>, <AA-2>: why.
#[test]
fn one() {}

proptest! {
    /// Also <BB-1>
    /// and <CC-1>.
    #[test]
    fn two(x in 0..3) {}
}

/// <CC-2>, <CC-10>
#[tokio::test(
    flavor = \"multi_thread\",
)]
#[allow(clippy::panic)]
async fn three() {}
";

#[test]
fn a_good_specification_has_no_problem() {
    let checked = checked(GOOD_SPEC, GOOD_TESTS);
    assert_eq!(checked.problems, Vec::<String>::new());
    let found: Vec<_> = checked
        .requirements
        .iter()
        .map(|(id, found)| (id.to_string(), found.section.as_str(), found.line, found.tests))
        .collect();
    let expected = [
        ("AA-1", "1", 5, 1),
        ("AA-2", "1", 7, 1),
        ("BB-1", "1", 9, 1),
        ("CC-1", "1", 12, 1),
        ("CC-2", "1", 13, 1),
        ("CC-10", "24", 23, 1),
    ];
    assert_eq!(found, expected.map(|(id, section, line, tests)| (id.to_owned(), section, line, tests)));
}

#[test]
fn an_id_is_defined_once() {
    let again = format!("{GOOD_SPEC}\nAgain. <AA-2> It is another thing.\n");
    assert_eq!(problems(&again, GOOD_TESTS), ["SPEC.md:25: <AA-2> is defined in line 7 already"]);
}

#[test]
fn what_is_required_has_an_id() {
    for text in ["It MUST be.", "- It MUST NOT\n  be.", "3. By <AA-1>,\n   it MUST be.", "| a | it **MUST** be |"] {
        let spec = format!("{GOOD_SPEC}\n{text}\n");
        let expected = "SPEC.md:25: this requires something and has no id";
        assert_eq!(problems(&spec, GOOD_TESTS), [expected], "{text}");
    }
    for text in ["- <AA-3> It MUST be.\n- It MUST be.", "- <AA-3> It MUST be.\n\nIt MUST be."] {
        let found = problems(&format!("{GOOD_SPEC}\n{text}\n"), &format!("/// <AA-3>\n{GOOD_TESTS}"));
        assert!(found.iter().any(|problem| problem.ends_with("has no id")), "{text}: {found:?}");
    }
    for text in ["It MUSTARD be.", "It must be.", "    it MUST be"] {
        assert_eq!(problems(&format!("{GOOD_SPEC}\n{text}\n"), GOOD_TESTS), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn an_id_needs_a_test() {
    let untested = ["SPEC.md:5: no test names <AA-1>", "SPEC.md:7: no test names <AA-2>"];
    for changed in [
        GOOD_TESTS.replace("/// <AA-1>, <AA-2>: why.\n", ""),
        GOOD_TESTS.replace("/// <AA-1>, <AA-2>: why.", "// <AA-1>, <AA-2>: why."),
        GOOD_TESTS.replace("#[test]\nfn one", "fn one"),
        GOOD_TESTS.replace("#[test]\nfn one", "#[test]\n#[ignore = \"slow\"]\nfn one"),
        GOOD_TESTS.replace("#[test]\nfn one", "struct Between;\n#[test]\nfn one"),
        GOOD_TESTS.replace("#[test]\nfn one", "\n#[test]\nfn one"),
    ] {
        assert_ne!(changed, GOOD_TESTS);
        assert_eq!(problems(GOOD_SPEC, &changed), untested, "{changed}");
    }
    // A doc comment anywhere but in Rust is none.
    let files = [file(SPEC, GOOD_SPEC), file("a.md", GOOD_TESTS)];
    assert_eq!(check(&files[0], &files).problems.len(), 6);
}

#[test]
fn what_is_cited_is_defined() {
    let files =
        [file(SPEC, GOOD_SPEC), file("a.rs", GOOD_TESTS), file("doc/b.md", "x\nBy <AA-1> and <AA-4>, not [x](y-1).")];
    assert_eq!(shown(&check(&files[0], &files)), ["doc/b.md:2: <AA-4> is not defined in SPEC.md"]);
    let code = format!("{GOOD_TESTS}\nlet x = y[0]; // <DD-1>\n");
    assert_eq!(problems(GOOD_SPEC, &code), ["a.rs:20: <DD-1> is not defined in SPEC.md"]);
    let spec = format!("{GOOD_SPEC}\nAs <AA-4> says.\n");
    assert_eq!(problems(&spec, GOOD_TESTS), ["SPEC.md:25: <AA-4> is not defined in SPEC.md"]);
}

#[test]
fn only_letters_hyphen_and_number_are_an_id() {
    for text in ["", "-1", "A-1", "AA", "AA-", "AA-1x", "Aa-1", "AA-1-2", "AA1-1", "AA-99999999999"] {
        assert_eq!(Id::parse(text), None, "{text}");
    }
    let id = Id { letters: "OPRF".to_owned(), number: 12 };
    assert_eq!(Id::parse("OPRF-12"), Some(id.clone()));
    assert_eq!(ids(&file("", "<<OPRF-12> é <x> <OPRF-12").text).collect::<Vec<_>>(), [(1, id)]);
}
