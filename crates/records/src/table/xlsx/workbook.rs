//! What a workbook says of itself: its sheets, where their parts are, and how the styles show numbers (ECMA-376 part 1,
//! sections 18.2 and 18.8, and part 2 for the relationships).

use std::collections::HashMap;

use super::{
    super::disk::{DAMAGED, Disk, Fault},
    archive::Archive,
    xml::{Token, Xml, attribute, reference},
};

/// The most bytes of a part that is not a sheet and not its texts.
const MAX_SMALL_PART_LEN: u64 = 32 << 20;

/// The most sheets, and the most styles, of which Excel allows 65,490.
const MAX_SHEETS: usize = 10_000;
const MAX_STYLES: usize = 100_000;

/// The longest header, sheet name or the like that is kept.
const MAX_NAME_LEN: usize = 1 << 10;

pub(super) struct Workbook {
    pub(super) sheets: Vec<Sheet>,
    /// Whether days are counted from 1904, as in old workbooks of the Macintosh.
    pub(super) from_1904: bool,
    /// The part that holds the texts of all sheets.
    pub(super) strings: Option<String>,
    pub(super) styles: Vec<Style>,
}

/// A sheet of cells.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) hidden: bool,
    pub(super) part: String,
}

/// How a number is shown, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Number,
    /// With zeros before it up to this many digits: the key 07 of a number in a column of its own.
    Padded(usize),
    Moment,
}

impl Workbook {
    pub(super) fn read(disk: &Disk, archive: &Archive) -> Result<Self, Fault> {
        let path = find_workbook(disk, archive)?;
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
        let relations = relations(disk, archive, &format!("{folder}/_rels/{file}.rels"), folder)?;
        let (listed, from_1904) = read_workbook(disk, archive, &path)?;
        let target = |kind: &str| relations.iter().find(|relation| relation.kind == kind).map(|found| &found.target);
        let sheets = listed
            .into_iter()
            .filter_map(|sheet| {
                // Charts stand in a sheet of their own too.
                let is_meant = |relation: &&Relation| relation.id == sheet.part && relation.kind == "worksheet";
                let part = relations.iter().find(is_meant)?.target.clone();
                Some(Sheet { part, ..sheet })
            })
            .collect();
        let styles = match target("styles") {
            Some(part) => read_styles(disk, archive, part)?,
            None => Vec::new(),
        };
        Ok(Self { sheets, from_1904, strings: target("sharedStrings").cloned(), styles })
    }
}

/// The path of the main part.
fn find_workbook(disk: &Disk, archive: &Archive) -> Result<String, Fault> {
    if archive.find("_rels/.rels").is_none() {
        let is_open_document = archive.find("mimetype").is_some() && archive.find("content.xml").is_some();
        return Err(Fault::Broken(if is_open_document {
            "it is an OpenDocument file; save it as XLSX or export it as CSV"
        } else {
            "it is a ZIP archive without a workbook; unpack it first"
        }));
    }
    let relations = relations(disk, archive, "_rels/.rels", "")?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    let path = main.ok_or(Fault::DAMAGED)?.target;
    let is_binary = path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("bin"));
    if is_binary {
        return Err(Fault::Broken("it is a binary workbook (XLSB); save it as XLSX or export it as CSV"));
    }
    Ok(path)
}

struct Relation {
    id: String,
    /// The last part of the address that names the type: it is the same in both editions of the standard.
    kind: String,
    target: String,
}

/// The relations of a part that stands in this folder.
fn relations(disk: &Disk, archive: &Archive, part: &str, folder: &str) -> Result<Vec<Relation>, Fault> {
    let mut relations = Vec::new();
    let part = part.trim_start_matches('/');
    each_element(disk, archive, part, |_, element| {
        if element.local_name().as_ref() == "Relationship" {
            let value = |name| attribute(element, name).map(Option::unwrap_or_default);
            let (id, kind, target) = (value("Id")?, value("Type")?, value("Target")?);
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            let target = resolve(folder, &target);
            relations.push(Relation { id: short(&id)?, kind: short(&kind)?, target: short(&target)? });
        }
        if relations.len() > MAX_SHEETS { Err(Fault::DAMAGED) } else { Ok(()) }
    })?;
    Ok(relations)
}

/// The name in the archive of a target as seen from a folder.
fn resolve(folder: &str, target: &str) -> String {
    let whole = match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut steps = Vec::new();
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    steps.join("/")
}

/// Lists the sheets, with the relation in place of the part; and whether days are counted from 1904.
fn read_workbook(disk: &Disk, archive: &Archive, part: &str) -> Result<(Vec<Sheet>, bool), Fault> {
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    each_element(disk, archive, part, |_, element| {
        match element.local_name().as_ref() {
            "workbookPr" => {
                from_1904 = attribute(element, "date1904")?.is_some_and(|value| matches!(&*value, "1" | "true"));
            }
            "sheet" => {
                let name = attribute(element, "name")?.unwrap_or_default();
                let hidden = attribute(element, "state")?.is_some_and(|state| state != "visible");
                let id = reference(element)?.unwrap_or_default();
                sheets.push(Sheet { name: short(&name)?, hidden, part: short(&id)? });
            }
            _ => {}
        }
        if sheets.len() > MAX_SHEETS { Err(Fault::DAMAGED) } else { Ok(()) }
    })?;
    Ok((sheets, from_1904))
}

fn read_styles(disk: &Disk, archive: &Archive, part: &str) -> Result<Vec<Style>, Fault> {
    let (mut formats, mut styles) = (HashMap::<u32, Style>::new(), Vec::new());
    let mut in_cells = false;
    each_element(disk, archive, part, |depth, element| {
        let id = || Ok::<_, Fault>(attribute(element, "numFmtId")?.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0));
        match (depth, element.local_name().as_ref()) {
            (2, name) => in_cells = name == "cellXfs",
            (3, "numFmt") => {
                let code = attribute(element, "formatCode")?.unwrap_or_default();
                formats.insert(id()?, style(&code));
            }
            (3, "xf") if in_cells => {
                let id = id()?;
                styles.push(formats.get(&id).copied().unwrap_or_else(|| built_in(id)));
            }
            _ => {}
        }
        if styles.len().max(formats.len()) > MAX_STYLES { Err(Fault::DAMAGED) } else { Ok(()) }
    })?;
    Ok(styles)
}

/// The formats that have a number only: dates and times, also those of East Asian calendars.
fn built_in(id: u32) -> Style {
    match id {
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Style::Moment,
        _ => Style::Number,
    }
}

/// What a format code makes of a number: the code for positive ones, without quoted text, colours and conditions.
pub(super) fn style(code: &str) -> Style {
    if !code.is_empty() && code.bytes().all(|byte| byte == b'0') {
        return Style::Padded(code.len());
    }
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                characters.find(|character| *character == '"');
            }
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                // `[h]` counts hours; anything longer is a colour, a condition or a language.
                let inside: String = characters.by_ref().take_while(|character| *character != ']').collect();
                if matches!(inside.to_ascii_lowercase().trim_end_matches(['h', 'm', 's']), "") && !inside.is_empty() {
                    return Style::Moment;
                }
            }
            ';' => break,
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return Style::Moment,
            _ => {}
        }
    }
    Style::Number
}

/// Calls for each element of a small part with its depth from 1.
fn each_element(
    disk: &Disk,
    archive: &Archive,
    part: &str,
    mut call: impl FnMut(usize, &quick_xml::events::BytesStart<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut xml = Xml::new(archive.part(disk, part, MAX_SMALL_PART_LEN)?);
    loop {
        let depth = xml.depth() + 1;
        match xml.next()? {
            Token::Open(element) => call(depth, &element)?,
            Token::Close | Token::Text(_) => {}
            Token::End => return Ok(()),
        }
    }
}

fn short(text: &str) -> Result<String, Fault> {
    if text.len() > MAX_NAME_LEN { Err(Fault::Broken(DAMAGED)) } else { Ok(text.to_owned()) }
}
