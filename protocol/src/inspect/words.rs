//! SPEC.md's words where Rust's types have none, or others.

/// The fields of a tuple structure.
pub(super) fn fields(name: &str) -> &'static [&'static str] {
    match name {
        "RawDate" => &["year", "month", "day"],
        _ => &[],
    }
}

/// What an alternative with one field holds, when that is not a structure with fields of its own.
pub(super) fn content(choice: &str, alternative: &str) -> Option<&'static str> {
    match (choice, alternative) {
        ("Request", "Object") => Some("digest"),
        ("Request", "Account") => Some("epoch"),
        ("Request", "Succession") => Some("key"),
        ("Response", "Catalog" | "Object") => Some("object"),
        ("Response", "Segment") => Some("segment"),
        _ => None,
    }
}

/// The name of an alternative.
pub(super) fn alternative(choice: &str, alternative: &'static str) -> &'static str {
    match (choice, alternative) {
        ("Evidence", "Optional") => "optional",
        ("Evidence", "Required") => "required",
        _ => alternative,
    }
}
