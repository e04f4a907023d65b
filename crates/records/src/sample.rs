//! Synthetic files to try everything with: a breach list, the members of an insurer, and the truth about who is on both.
//!
//! The same options always give the same bytes. Nothing is held in memory: each person is computed from a number.

mod people;
mod permutation;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use blindlist_protocol::identifier::Nir;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use thiserror::Error;

use self::{
    people::{POPULATION, People, Person},
    permutation::Permutation,
};

/// The data categories, in the order in which they are written.
pub const CATEGORIES: [&str; 6] = ["nir", "civil-status", "birth-date", "insurer", "contract", "coverage-dates"];

const INSURERS: [&str; 8] = [
    "Mutuelle Exemple",
    "Mutuelle Exemple, section Nord",
    "Prévoyance Modèle",
    "Santé Fictive",
    "Union Imaginaire",
    "Assurance \"Essai\"",
    "Mutuelle des Tests",
    "Caisse Factice",
];

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleOptions {
    /// Rows of the breach list.
    pub records: u64,
    /// Rows of the member list.
    pub members: u64,
    /// The fraction of members who are on the breach list, 0 to 1; their number is rounded.
    pub overlap: f64,
    /// Another seed gives other people.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSummary {
    /// The breach list: commas, dates as 1980-12-31, numbers of 15 characters, names in capitals without accents.
    pub breach: PathBuf,
    /// The member list: semicolons, dates as 31/12/1980, numbers with spaces, names as people write them.
    pub members: PathBuf,
    /// One line `row,categories` for each row of the member list that is on the breach list.
    pub truth: PathBuf,
    /// How many members are on the breach list.
    pub shared: u64,
}

/// Why no sample was made.
#[derive(Debug, Error)]
pub enum SampleError {
    /// The overlap is not a fraction.
    #[error("the overlap must be a fraction from 0 to 1, found {0}")]
    Overlap(f64),
    /// More shared members than records.
    #[error("an overlap of {shared} members needs as many records, found {records}")]
    TooManyShared {
        /// Members that were to be on the breach list.
        shared: u64,
        /// Rows of the breach list.
        records: u64,
    },
    /// More people than can be invented.
    #[error("records and members must be at most {POPULATION} people together")]
    TooMany,
    /// There is such a file already.
    #[error("{} exists already and was left as it is: choose another folder", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

/// Writes `breach.csv`, `members.csv` and `truth.csv` into a folder, which is made if need be. Files of these names may be
/// real ones: they are never replaced.
///
/// # Errors
/// If the options contradict each other, one of the files exists, or one cannot be written.
pub fn generate(dir: impl AsRef<Path>, options: &SampleOptions) -> Result<SampleSummary, SampleError> {
    let dir = dir.as_ref();
    let shared = shared_members(options)?;
    let mut rng = ChaCha12Rng::seed_from_u64(options.seed);
    let mut maker = Maker {
        shared,
        records: options.records,
        members: options.members,
        breach_order: Permutation::new(options.records, &mut rng),
        member_order: Permutation::new(options.members, &mut rng),
        people: People::new(&mut rng),
        categories: std::array::from_fn(category_names),
    };
    let (breach, members, truth) = (dir.join("breach.csv"), dir.join("members.csv"), dir.join("truth.csv"));
    fs::create_dir_all(dir).map_err(|reason| SampleError::Write { path: dir.to_owned(), reason })?;
    if let Some(path) = [&breach, &members, &truth].into_iter().find(|path| path.exists()) {
        return Err(SampleError::Exists { path: path.clone() });
    }
    maker.write_breach(&breach).map_err(|reason| SampleError::Write { path: breach.clone(), reason })?;
    maker.write_members(&members).map_err(|reason| SampleError::Write { path: members.clone(), reason })?;
    maker.write_truth(&truth).map_err(|reason| SampleError::Write { path: truth.clone(), reason })?;
    Ok(SampleSummary { breach, members, truth, shared })
}

fn shared_members(options: &SampleOptions) -> Result<u64, SampleError> {
    let SampleOptions { records, members, overlap, .. } = *options;
    if !(0.0..=1.0).contains(&overlap) {
        return Err(SampleError::Overlap(overlap));
    }
    if records.checked_add(members).is_none_or(|people| people > POPULATION) {
        return Err(SampleError::TooMany);
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a number below 2^53 is exact enough and between 0 and that number"
    )]
    let shared = (members as f64 * overlap).round() as u64;
    if shared > records { Err(SampleError::TooManyShared { shared, records }) } else { Ok(shared) }
}

/// People `0..records` are on the breach list; the members are people `0..shared` and those from `records` on.
struct Maker {
    shared: u64,
    records: u64,
    members: u64,
    breach_order: Permutation,
    member_order: Permutation,
    people: People,
    categories: [String; 64],
}

impl Maker {
    fn write_breach(&mut self, path: &Path) -> io::Result<()> {
        let mut lines = writer(path, b',')?;
        lines.write_record([
            "nir",
            "nom de naissance",
            "prénom",
            "date de naissance",
            "rang gémellaire",
            "assureur",
            "contrat",
            "début droits",
            "fin droits",
            "categories",
        ])?;
        for row in 0..self.records {
            let place = self.breach_order.at(row);
            let person = self.people.person(place);
            let Person { year, month, day, rest, .. } = person;
            // Members have no rank in their file and are therefore of rank 1.
            let rank = if place >= self.shared && rest.is_multiple_of(64) { "2" } else { "1" };
            let insurer = usize::try_from(rest >> 8 & 7).expect("three bits");
            let (from, to) = (2015 + (rest >> 16 & 7), 2023 + (rest >> 24 & 3));
            lines.write_record([
                &format!("{}{:02}", person.number, key(&person.number)),
                &person.birth_name.replace('é', "e").to_uppercase(),
                &person.given_name.to_uppercase(),
                &format!("{year}-{month:02}-{day:02}"),
                rank,
                INSURERS[insurer],
                &format!("C{:08}", (rest >> 32) % 100_000_000),
                &format!("{from}-01-01"),
                &format!("{to}-12-31"),
                &self.categories[person.categories],
            ])?;
        }
        lines.flush()
    }

    fn write_members(&mut self, path: &Path) -> io::Result<()> {
        let mut lines = writer(path, b';')?;
        let header =
            ["Numéro de sécurité sociale", "Nom de naissance", "Prénom", "Date de naissance", "Numéro adhérent"];
        lines.write_record(header)?;
        for row in 0..self.members {
            let person = self.people.person(self.member(row));
            let Person { number, year, month, day, .. } = &person;
            let groups = [0..1, 1..3, 3..5, 5..7, 7..10, 10..13].map(|group| &number[group]);
            lines.write_record([
                &format!("{} {:02}", groups.join(" "), key(number)),
                person.birth_name.as_str(),
                person.given_name,
                &format!("{day:02}/{month:02}/{year}"),
                &format!("A{:08}", row + 1),
            ])?;
        }
        lines.flush()
    }

    fn write_truth(&mut self, path: &Path) -> io::Result<()> {
        let mut lines = writer(path, b',')?;
        lines.write_record(["row", "categories"])?;
        for row in 0..self.members {
            let member = self.member(row);
            if member < self.shared {
                let categories = self.people.person(member).categories;
                lines.write_record([(row + 1).to_string().as_str(), &self.categories[categories]])?;
            }
        }
        lines.flush()
    }

    /// The person in this row of the member list, from 0.
    fn member(&self, row: u64) -> u64 {
        let place = self.member_order.at(row);
        if place < self.shared { place } else { self.records + (place - self.shared) }
    }
}

fn writer(path: &Path, delimiter: u8) -> io::Result<csv::Writer<File>> {
    let file = File::create_new(path)?;
    Ok(csv::WriterBuilder::new().delimiter(delimiter).buffer_capacity(1 << 20).from_writer(file))
}

fn key(number: &str) -> u8 {
    Nir::parse(number).expect("invented numbers follow the layout").key()
}

fn category_names(mask: usize) -> String {
    let chosen = CATEGORIES.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    chosen.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}
