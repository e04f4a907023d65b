//! `cargo xtask spec`: every requirement of SPEC.md has an id, every id a test, and nothing cites an id that is gone.
//!
//! An id in brackets, such as the one of "[JOB-3] A client MUST NOT …", is *defined* in SPEC.md where it begins a sentence;
//! everywhere else it is *cited*. A test *names* it in the doc comment directly above the test function. Whether the test
//! earns the name is for its readers to judge.

use crate::process;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where requirements are defined.
const SPEC: &str = "SPEC.md";
/// What may cite them: code, tests, documents.
const KINDS: [&str; 4] = ["rs", "md", "py", "sql"];

/// Checks the whole repository.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let list = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--list"] => true,
        other => return Err(format!("`cargo xtask spec` takes --list or nothing, not {other:?}")),
    };
    let mut files = Vec::new();
    gather(&process::root(), &process::root(), &mut files)?;
    let spec = files.iter().find(|file| file.path == SPEC).ok_or("there is no SPEC.md")?;
    let checked = check(spec, &files);
    if list {
        for (id, requirement) in &checked.requirements {
            println!("{id:<8} section {:<4} tests {}", requirement.section, requirement.tests);
        }
    }
    if checked.problems.is_empty() {
        println!("spec: {} requirements, each with a test", checked.requirements.len());
        return Ok(());
    }
    for problem in &checked.problems {
        println!("{problem}");
    }
    Err(format!("{} problems with the ids of SPEC.md", checked.problems.len()))
}

/// A text of the repository, and its path from the top.
struct File {
    path: String,
    text: String,
}

/// Reads all files below `folder` that may cite an id; not what is hidden or built.
fn gather(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("reading {}: {error}", path.display());
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, error))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| failed(folder, error))?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            gather(root, &path, files)?;
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) {
            let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// A requirement that SPEC.md defines.
struct Requirement {
    section: String,
    line: usize,
    tests: usize,
}

struct Checked {
    requirements: BTreeMap<Id, Requirement>,
    problems: Vec<String>,
}

fn check(spec: &File, files: &[File]) -> Checked {
    let mut problems = Vec::new();
    let mut requirements = define(spec, &mut problems);
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            for (_, id) in ids(line) {
                if !requirements.contains_key(&id) {
                    problems.push(format!("{}:{number}: [{id}] is not defined in {SPEC}", file.path));
                }
            }
        }
        for id in named(file) {
            requirements.entry(id).and_modify(|requirement| requirement.tests += 1);
        }
    }
    for (id, requirement) in requirements.iter().filter(|(_, requirement)| requirement.tests == 0) {
        problems.push(format!("{SPEC}:{}: no test names [{id}]", requirement.line));
    }
    Checked { requirements, problems }
}

/// All requirements of SPEC.md. A block that requires something without an id is a problem, and so is an id defined twice.
fn define(spec: &File, problems: &mut Vec<String>) -> BTreeMap<Id, Requirement> {
    let mut requirements: BTreeMap<Id, Requirement> = BTreeMap::new();
    for block in blocks(&spec.text) {
        let mut before = String::new();
        let mut defines = false;
        for (line, text) in &block.lines {
            for (place, id) in ids(text) {
                let until_here = format!("{before}{}", text.get(..place).unwrap_or_default());
                if !begins_sentence(&until_here) {
                    continue;
                }
                defines = true;
                let new = Requirement { section: block.section.clone(), line: *line, tests: 0 };
                if let Some(first) = requirements.get(&id) {
                    problems.push(format!("{SPEC}:{line}: [{id}] is defined in line {} already", first.line));
                } else {
                    requirements.insert(id, new);
                }
            }
            before.push_str(text);
            before.push(' ');
        }
        // The paragraph that says what the key words mean requires nothing.
        if !defines && !before.contains("BCP 14") && requires(&before) {
            problems.push(format!("{SPEC}:{}: this requires something and has no id", block.first_line()));
        }
    }
    requirements
}

/// A paragraph, an item of a list, a row of a table, or a heading of SPEC.md, without the item's marker.
struct Block<'a> {
    section: String,
    lines: Vec<(usize, &'a str)>,
}

impl Block<'_> {
    fn first_line(&self) -> usize {
        self.lines.first().map_or(0, |(line, _)| *line)
    }
}

/// The blocks of a Markdown text without its blocks of code.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut section = String::new();
    // Whether the next line goes on with the last block.
    let mut open = false;
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("```") {
            (fenced, open) = (!fenced, false);
            continue;
        }
        let code = fenced || (!open && line.starts_with("    "));
        if code || line.trim().is_empty() {
            open = false;
            continue;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.split(['.', ' ']).next().unwrap_or_default().to_owned();
        }
        let item = without_marker(line);
        let single = line.starts_with('|') || line.starts_with('#');
        if !open || item.is_some() || single {
            blocks.push(Block { section: section.clone(), lines: Vec::new() });
        }
        if let Some(block) = blocks.last_mut() {
            block.lines.push((number, item.unwrap_or(line)));
        }
        open = !single;
    }
    blocks
}

/// The text of an item's first line behind `- ` or `1. `.
fn without_marker(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let numbered = || {
        let (number, rest) = line.split_once(". ")?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
    };
    line.strip_prefix("- ").or_else(numbered)
}

/// Whether a sentence begins behind this part of a block.
fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty() || before.ends_with('.')
}

/// Whether this says MUST, which MUST NOT does as well. What stands in backticks is code.
fn requires(text: &str) -> bool {
    let outside_code = text.split('`').step_by(2);
    let mut words = outside_code.flat_map(|part| part.split(|character: char| !character.is_ascii_alphanumeric()));
    words.any(|word| word == "MUST")
}

/// The ids that the tests of a Rust file name, once for each test.
fn named(file: &File) -> Vec<Id> {
    let mut named = Vec::new();
    if !file.path.ends_with(".rs") {
        return named;
    }
    // What stands directly above the line at hand.
    let mut above = Above::default();
    for line in file.text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            above.documented.extend(ids(comment).map(|(_, id)| id));
        } else if above.in_attribute || line.starts_with("#[") {
            above.tested |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            above.ignored |= line.starts_with("#[ignore");
            above.in_attribute = !line.ends_with(']');
        } else {
            let mut above = std::mem::take(&mut above);
            if above.tested && !above.ignored && line.split('(').next().unwrap_or_default().contains("fn ") {
                above.documented.sort();
                above.documented.dedup();
                named.append(&mut above.documented);
            }
        }
    }
    named
}

#[derive(Default)]
struct Above {
    documented: Vec<Id>,
    in_attribute: bool,
    tested: bool,
    ignored: bool,
}

/// An id without its brackets: letters, a hyphen, a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    letters: String,
    number: u32,
}

/// All ids in brackets, each with the place of its bracket.
fn ids(line: &str) -> impl Iterator<Item = (usize, Id)> {
    line.match_indices('[').filter_map(|(place, _)| {
        let (inside, _) = line.get(place + 1..)?.split_once(']')?;
        Some((place, Id::parse(inside)?))
    })
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let (letters, number) = text.split_once('-')?;
        let is_word = letters.len() >= 2 && letters.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_word && is_number).then(|| Some(Self { letters: letters.to_owned(), number: number.parse().ok()? }))?
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}-{}", self.letters, self.number))
    }
}

#[cfg(test)]
mod tests;
