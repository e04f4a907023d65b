//! How the member file is read: as the command line says, or as the unfinished check read it that goes on.

use blindlist_protocol::identifier::Scheme;
use blindlist_records::{Column, TableOptions, parse_override};

use super::input::table_options;
use super::{CheckOptions, MemberFile};
use crate::ClientError;
use crate::profile::jobs::Unfinished;

/// A member file, and how its rows become identifiers.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The file.
    pub members: MemberFile,
    /// Its absolute path.
    pub path: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The columns chosen.
    pub columns: Vec<(Column, String)>,
    /// The scheme.
    pub scheme: Scheme,
}

impl Reading {
    /// Reads the file once for its digest, by which an unfinished check of it is known.
    pub(super) fn new(options: &CheckOptions, scheme: Scheme, unfinished: &[&Unfinished]) -> Result<Self, ClientError> {
        let sha256 = options.members.sha256()?;
        let mut same = unfinished.iter().copied().filter(|job| job.subject.members_sha256 == sha256);
        let begun = same.next().filter(|_| options.resume);
        Ok(Self {
            members: begun.map_or_else(|| options.members.clone(), |job| read_as(&options.members, job)),
            columns: columns(options, begun)?,
            path: options.members.full_path().to_string_lossy().into_owned(),
            sha256,
            scheme,
        })
    }

    /// The columns chosen, as `NAME=HEADER`.
    pub(super) fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|(column, header)| format!("{column}={header}")).collect()
    }
}

/// The file, read as a job read it, if the command line says nothing of how.
fn read_as(members: &MemberFile, job: &Unfinished) -> MemberFile {
    let said = *members.options() != TableOptions::default();
    let options = table_options(job.subject.encoding.as_deref(), job.subject.sheet.as_deref()).filter(|_| !said);
    options.map_or_else(|| members.clone(), |options| members.read_with(options))
}

/// The columns of the command line; without any, those that the job began with.
fn columns(options: &CheckOptions, begun: Option<&Unfinished>) -> Result<Vec<(Column, String)>, ClientError> {
    let Some(job) = begun.filter(|_| options.columns.is_empty()) else { return Ok(options.columns.clone()) };
    let parsed = job.subject.columns.iter().map(|text| parse_override(text));
    let failed = |source| ClientError::Columns { path: options.members.path().to_owned(), source };
    parsed.collect::<Result<_, _>>().map_err(failed)
}
