//! Which column of a table holds what, and from a row to an identifier.
//!
//! A column is found by its header alone; the contents of cells are never looked at to guess what they are.

mod headers;
mod synonyms;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use blindlist_protocol::identifier::{BirthDate, BirthRank, Field, GivenName, Identifier, Name, Nir, Reject, Scheme};

pub(crate) use self::headers::{listed, shown};
use self::{
    headers::{fold, found},
    synonyms::synonyms,
};
use crate::{
    batch::Row,
    error::{ColumnError, HeaderError},
    rejection::{Reason, Rejection},
    table::Table,
};

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// A field of an identifier.
    Field(Field),
    /// The two-digit key of the social security number, where it does not stand behind the number.
    NirKey,
    /// The data categories exposed for the person, parted by `|`.
    Categories,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 7] = {
        let [nir, birth_date, birth_rank, birth_name, given_name] = Field::ALL;
        [
            Self::Field(nir),
            Self::NirKey,
            Self::Field(birth_date),
            Self::Field(birth_rank),
            Self::Field(birth_name),
            Self::Field(given_name),
            Self::Categories,
        ]
    };

    /// The canonical name, which is also the canonical header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field(field) => field.name(),
            Self::NirKey => "nir_key",
            Self::Categories => "categories",
        }
    }
}

impl Column {
    /// Whether every scheme can do without it.
    fn is_optional(self) -> bool {
        match self {
            Self::NirKey | Self::Field(Field::BirthRank) | Self::Categories => true,
            Self::Field(Field::Nir | Field::BirthDate | Field::BirthName | Field::GivenName) => false,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(text: &str) -> Result<Self, ColumnError> {
        Self::ALL.into_iter().find(|column| column.name() == text).ok_or(ColumnError::Override)
    }
}

/// Reads the `NAME=HEADER` of the option `--column`. An empty header says that the table has no such column, whatever its
/// headers are; only a column that no scheme needs can be done without.
///
/// # Errors
/// [`ColumnError::Override`] if it has another form or the name is unknown.
pub fn parse_override(text: &str) -> Result<(Column, String), ColumnError> {
    let (column, header) = text.split_once('=').ok_or(ColumnError::Override)?;
    let (column, header) = (column.trim().parse::<Column>()?, header.trim());
    if header.is_empty() && !column.is_optional() {
        return Err(ColumnError::Override);
    }
    Ok((column, header.to_owned()))
}

/// The columns of a table under one scheme. Can be shared between threads.
#[derive(Clone, Debug)]
pub struct Columns {
    plan: Plan,
    categories: Option<usize>,
    /// All columns in use and their places.
    used: Vec<(Column, usize)>,
    description: Vec<String>,
}

/// The places of the columns, from 0.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Nir { nir: NirPlaces },
    Beneficiary { nir: NirPlaces, birth_date: usize, birth_rank: Option<usize> },
    Person { birth_name: usize, given_name: usize, birth_date: usize },
}

#[derive(Clone, Copy, Debug)]
struct NirPlaces {
    number: usize,
    key: Option<usize>,
}

impl Columns {
    /// Finds the columns of a table by its headers, as [`Columns::resolve`] does.
    ///
    /// # Errors
    /// Also if the cells of one cannot be read, such as a list in a Parquet file.
    pub fn of(table: &Table, scheme: Scheme, overrides: &[(Column, String)]) -> Result<Self, ColumnError> {
        let columns = Self::resolve(table.headers(), scheme, overrides)?;
        for &(column, place) in &columns.used {
            if let Some(holds) = table.unreadable(place) {
                let header = table.headers().get(place).map_or_else(String::new, |header| shown(header));
                return Err(ColumnError::Unreadable { column, header, holds });
            }
        }
        Ok(columns)
    }

    /// Finds the columns that the scheme needs, and the optional ones that are there: without a birth rank every rank is
    /// 1, without a key of its own a number has the key that stands behind it or none, without categories every row has all categories of the list.
    ///
    /// An override names a header exactly; otherwise a column is found by its canonical name or a well-known header,
    /// compared without regard to case, accents, punctuation and spaces.
    ///
    /// # Errors
    /// If a column is missing, could be two, or an override does not fit.
    pub fn resolve(headers: &[String], scheme: Scheme, overrides: &[(Column, String)]) -> Result<Self, ColumnError> {
        let mut finder = Finder { headers, overrides, found: Vec::new() };
        finder.check_overrides(scheme)?;
        let plan = match scheme {
            Scheme::Nir => Plan::Nir { nir: finder.nir()? },
            Scheme::Beneficiary => Plan::Beneficiary {
                nir: finder.nir()?,
                birth_date: finder.required(Field::BirthDate)?,
                birth_rank: finder.find(Column::Field(Field::BirthRank))?,
            },
            Scheme::Person => Plan::Person {
                birth_name: finder.required(Field::BirthName)?,
                given_name: finder.required(Field::GivenName)?,
                birth_date: finder.required(Field::BirthDate)?,
            },
        };
        let categories = finder.find(Column::Categories)?;
        let line = |(column, place): &(Column, usize)| {
            format!("{column} <- {} (column {})", shown(finder.header(*place)), place + 1)
        };
        let description = finder.found.iter().map(line).collect();
        Ok(Self { plan, categories, used: finder.found, description })
    }

    /// One line for each column in use, such as `nir <- "Numéro de sécurité sociale" (column 3)`.
    pub fn describe(&self) -> &[String] {
        &self.description
    }

    /// The identifier of the person in this row of the table.
    ///
    /// # Errors
    /// The row, the column and the reason if there is none.
    pub fn identifier(&self, row: &Row<'_>) -> Result<Identifier, Rejection> {
        if let Some(reason) = row.defect() {
            return Err(Rejection { line: row.line(), row: row.number(), column: "row", reason });
        }
        match self.plan {
            Plan::Nir { nir } => Ok(Identifier::nir(&nir.read(row)?)),
            Plan::Beneficiary { nir, birth_date, birth_rank } => {
                let nir = nir.read(row)?;
                let date = cell(row, birth_date, Column::Field(Field::BirthDate), BirthDate::parse)?;
                let rank = match birth_rank {
                    Some(place) => cell(row, place, Column::Field(Field::BirthRank), BirthRank::parse)?,
                    None => BirthRank::FIRST,
                };
                Ok(Identifier::beneficiary(&nir, &date, rank))
            }
            Plan::Person { birth_name, given_name, birth_date } => {
                let name = cell(row, birth_name, Column::Field(Field::BirthName), Name::parse)?;
                let given = cell(row, given_name, Column::Field(Field::GivenName), GivenName::parse)?;
                let person = |text: &str| Identifier::person(&name, &given, &BirthDate::parse(text)?);
                cell(row, birth_date, Column::Field(Field::BirthDate), person)
            }
        }
    }

    /// The categories in this row without spaces around them; nothing if the table has no such column.
    pub fn categories<'a>(&self, row: &Row<'a>) -> Option<&'a str> {
        row.cell(self.categories?).map(str::trim)
    }
}

impl NirPlaces {
    fn read(self, row: &Row<'_>) -> Result<Nir, Rejection> {
        let nir = cell(row, self.number, Column::Field(Field::Nir), Nir::parse)?;
        if let Some(place) = self.key {
            cell(row, place, Column::NirKey, |key| check_key(&nir, key))?;
        }
        Ok(nir)
    }
}

/// Checks a key that stands by itself; there may be none. A zero before a single digit may be missing: the key is compared
/// and never becomes part of an identifier, so that nothing is guessed.
fn check_key(nir: &Nir, text: &str) -> Result<(), Reject> {
    let key = match *text.trim_matches([' ', '\t', '\u{a0}']).as_bytes() {
        [] => return Ok(()),
        [ones] => [b'0', ones],
        [tens, ones] => [tens, ones],
        _ => return Err(Reject::NirKey),
    };
    if key == [b'0' + nir.key() / 10, b'0' + nir.key() % 10] { Ok(()) } else { Err(Reject::NirKey) }
}

/// The place of the column, from 0, whose header is this text but for spaces around it: of a column that no identifier needs.
///
/// # Errors
/// If no column has it, or more than one.
pub fn find_header(headers: &[String], header: &str) -> Result<usize, HeaderError> {
    let header = header.trim();
    let mut places = headers.iter().enumerate().filter(|(_, found)| found.trim() == header).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err(HeaderError::Missing { header: shown(header), found: found(headers) }),
        (Some(_), Some(_)) => Err(HeaderError::Repeated { header: shown(header) }),
    }
}

/// Parses one cell. A cell that is not there is empty.
fn cell<T>(
    row: &Row<'_>,
    place: usize,
    column: Column,
    parse: impl FnOnce(&str) -> Result<T, Reject>,
) -> Result<T, Rejection> {
    parse(row.cell(place).unwrap_or_default()).map_err(|reject| Rejection {
        line: row.line(),
        row: row.number(),
        column: column.name(),
        reason: Reason::Cell(reject),
    })
}

struct Finder<'a> {
    headers: &'a [String],
    overrides: &'a [(Column, String)],
    found: Vec<(Column, usize)>,
}

impl Finder<'_> {
    fn check_overrides(&self, scheme: Scheme) -> Result<(), ColumnError> {
        for (place, (column, header)) in self.overrides.iter().enumerate() {
            match column {
                Column::Field(field) if !scheme.fields().contains(field) => {
                    return Err(ColumnError::Unused { column: *column, scheme });
                }
                Column::NirKey if !scheme.fields().contains(&Field::Nir) => {
                    return Err(ColumnError::Unused { column: *column, scheme });
                }
                Column::Field(_) | Column::NirKey | Column::Categories => {}
            }
            for (other, other_header) in self.overrides.iter().skip(place + 1) {
                if other == column {
                    return Err(ColumnError::Repeated { column: *column });
                }
                if other_header.trim() == header.trim() && !header.trim().is_empty() {
                    return Err(ColumnError::Shared { first: *column, second: *other, header: shown(header) });
                }
            }
        }
        Ok(())
    }

    fn nir(&mut self) -> Result<NirPlaces, ColumnError> {
        Ok(NirPlaces { number: self.required(Field::Nir)?, key: self.find(Column::NirKey)? })
    }

    fn required(&mut self, field: Field) -> Result<usize, ColumnError> {
        let column = Column::Field(field);
        self.find(column)?.ok_or_else(|| ColumnError::Missing {
            column,
            looked_for: listed(synonyms(column).iter()),
            found: found(self.headers),
        })
    }

    fn find(&mut self, column: Column) -> Result<Option<usize>, ColumnError> {
        let place = match self.overrides.iter().find(|(chosen, _)| *chosen == column) {
            Some((_, header)) if header.trim().is_empty() && column.is_optional() => None,
            Some((_, header)) => Some(self.find_chosen(column, header.trim())?),
            None => self.find_known(column)?,
        };
        self.found.extend(place.map(|place| (column, place)));
        Ok(place)
    }

    fn find_chosen(&self, column: Column, header: &str) -> Result<usize, ColumnError> {
        match *self.places(|candidate| candidate.trim() == header) {
            [place] => Ok(place),
            [] => Err(ColumnError::NoSuchHeader { column, header: shown(header), found: found(self.headers) }),
            [_, _, ..] => Err(ColumnError::DuplicateHeader { column, header: shown(header) }),
        }
    }

    fn find_known(&self, column: Column) -> Result<Option<usize>, ColumnError> {
        let known = synonyms(column).iter().map(|synonym| fold(synonym)).collect::<Vec<_>>();
        let chosen_otherwise = |header: &str| self.overrides.iter().any(|(_, chosen)| chosen.trim() == header.trim());
        match *self.places(|candidate| known.contains(&fold(candidate)) && !chosen_otherwise(candidate)) {
            [] => Ok(None),
            [place] => Ok(Some(place)),
            ref places @ [_, _, ..] => {
                let found = listed(places.iter().map(|place| self.header(*place)));
                Err(ColumnError::Ambiguous { column, found })
            }
        }
    }

    /// The places of the headers that fit.
    fn places(&self, fits: impl Fn(&str) -> bool) -> Box<[usize]> {
        let headers = self.headers.iter().enumerate();
        headers.filter(|(_, header)| fits(header)).map(|(place, _)| place).collect()
    }

    fn header(&self, place: usize) -> &str {
        self.headers.get(place).map_or("", String::as_str)
    }
}
