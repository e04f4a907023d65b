//! `cargo xtask figures`.
pub(crate) fn run(_arguments: Vec<String>) -> Result<(), String> {
    Err("not yet".into())
}
