//! Additions: a whole new release of a list, of the people of its live one and of new rows (SPEC.md,
//! "Manifest"). Nobody who is on the list already is evaluated again: what the live release kept is derived anew.

use std::fs;

use blindlist_protocol::entry::{Dictionary, DictionaryError, Entry};
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::manifest::Manifest;
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::text::{Slug, Title};
use blindlist_store::exit::Code;
use rayon::ThreadPool;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use zeroize::Zeroizing;

use super::audience::{Audience, enrolled};
use super::commit::Commit;
use super::kept::Kept;
use super::plan::{Appended, Choices, IncidentDates, Plan};
use super::publish::Operator;
use super::record::Record;
use super::sorted::Spilled;
use super::staging::PLAN;
use crate::Error;
use crate::home::{Home, ids_in};
use crate::outside::wait;

/// People that one core derives at a time.
const SHARE: usize = 512;

/// What is chosen for additions. Whatever is not said is as in the live release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Additions {
    /// The list.
    pub list: Slug,
    /// Whom it is addressed to.
    pub audience: Audience,
    /// What the list is about.
    pub title: Option<Title>,
    /// When the incident happened.
    pub incident: Option<IncidentDates>,
    /// How rows are turned into identifiers; it cannot change.
    pub scheme: Option<Scheme>,
    /// Columns named by hand.
    pub columns: Vec<String>,
    /// The encoding of inputs that are text.
    pub encoding: Option<String>,
    /// The sheet of inputs that are workbooks.
    pub sheet: Option<String>,
    /// The categories: those of the live release, and others behind them. None are said when it is empty.
    pub categories: Vec<Slug>,
    /// The smallest f.
    pub false_positive_bits: Option<u8>,
    /// Whether to publish when more than one row in a hundred is rejected.
    pub accept_rejects: bool,
}

/// Why nothing can be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// There is nothing to add to.
    #[error("--append: the list {0} is not live; seal it without --append")]
    NotLive(Slug),
    /// What additions need is not there.
    #[error(
        "--append: the live release of {0} has kept no evaluations, so nothing can be added to it without evaluating \
         everybody again: seal all its rows and the new ones together, with --keep-evaluations, so that later ones can be added"
    )]
    NotKept(Slug),
    /// The plan of the live release is gone.
    #[error(
        "--append: the plan of the live release of {0}, which says what it was made of, is not in the home: put it back from a backup"
    )]
    NoPlan(Slug),
    /// The scheme would change.
    #[error("--append: the list {list} has the scheme {scheme}, and additions to it have the same")]
    Scheme {
        /// The list.
        list: Slug,
        /// Its scheme.
        scheme: Scheme,
    },
    /// A category would be renamed or moved.
    #[error("--append: the categories of {list} are {}: name them all in this order, others behind them, or none", .categories.join(","))]
    Categories {
        /// The list.
        list: Slug,
        /// Its categories.
        categories: Vec<String>,
    },
    /// They are no dictionary.
    #[error("--categories: {0}")]
    Dictionary(DictionaryError),
}

impl AppendError {
    /// The exit code that a command ends with.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotLive(_) | Self::NoPlan(_) => Code::Failure,
            Self::NotKept(_) => Code::BadInput,
            Self::Scheme { .. } | Self::Categories { .. } | Self::Dictionary(_) => Code::Usage,
        }
    }
}

/// The choices for a whole new release, and the live one that it is made from.
pub(super) fn choose(home: &Home, operator: &Operator, new: Additions) -> Result<(Choices, Appended), Error> {
    let live = operator.live_release(&new.list).ok_or_else(|| AppendError::NotLive(new.list.clone()))?;
    let manifest = &live.manifest;
    if new.scheme.is_some_and(|scheme| scheme != manifest.scheme) {
        return Err(AppendError::Scheme { list: new.list, scheme: manifest.scheme }.into());
    }
    let inputs = plan_of(home, manifest)?.all_inputs().copied().collect();
    let audience = match new.audience {
        Audience::Unsaid if manifest.audience.is_empty() => Audience::All,
        Audience::Unsaid => Audience::named(&manifest.audience, &wait(async || enrolled(home).await)?)?,
        said @ (Audience::All | Audience::Named(_) | Audience::Split(_)) => said,
    };
    let choices = Choices {
        categories: categories(manifest, &new.categories)?,
        list: new.list,
        audience,
        title: new.title.unwrap_or_else(|| manifest.title.clone()),
        incident: new.incident.or(manifest.incident.map(IncidentDates)),
        scheme: manifest.scheme,
        columns: new.columns,
        encoding: new.encoding,
        sheet: new.sheet,
        false_positive_bits: new.false_positive_bits.unwrap_or(manifest.false_positive_bits),
        accept_rejects: new.accept_rejects,
        keep_evaluations: true,
        epoch: Some(manifest.epoch.to_string()),
    };
    Ok((choices, Appended { release: manifest.release, inputs }))
}

fn categories(manifest: &Manifest, said: &[Slug]) -> Result<Dictionary, AppendError> {
    let known = manifest.dictionary.categories();
    if said.is_empty() {
        return Ok(manifest.dictionary.clone());
    }
    if !said.starts_with(known) {
        let categories = known.iter().map(ToString::to_string).collect();
        return Err(AppendError::Categories { list: manifest.list.clone(), categories });
    }
    Dictionary::try_from(said.to_vec()).map_err(AppendError::Dictionary)
}

/// The plan of a release: of a split, it is in the folder of another one.
fn plan_of(home: &Home, manifest: &Manifest) -> Result<Plan, Error> {
    let releases = home.releases()?;
    let is_of = |plan: &Plan| plan.releases.iter().any(|planned| planned.release == manifest.release);
    let own = std::iter::once(manifest.release);
    for release in own.chain(ids_in::<ReleaseId>(&releases)?) {
        let path = releases.join(release.to_string()).join(PLAN);
        if fs::exists(&path).unwrap_or(false)
            && let Ok(plan) = Plan::read(&path)
            && is_of(&plan)
        {
            return Ok(plan);
        }
    }
    Err(AppendError::NoPlan(manifest.list.clone()).into())
}

/// What the earlier release of a plan has kept.
pub(super) fn open(home: &Home, list: &Slug, append: &Appended, epoch: &SecretKey) -> Result<Kept, Error> {
    let folder = home.releases()?.join(append.release.to_string());
    let kept = Kept::open(&folder, epoch, append.release)?;
    Ok(kept.ok_or_else(|| AppendError::NotKept(list.clone()))?)
}

/// Derives all people of the earlier release anew, once and for all.
pub(super) fn take_over(kept: &Kept, release: ReleaseId, pool: &ThreadPool, commit: &mut Commit) -> Result<(), Error> {
    derive(kept, release, pool, &mut commit.spilled)?;
    commit.took_over(kept.people())
}

/// Derives all people of an earlier release for another one, into the spill.
pub(super) fn derive(kept: &Kept, release: ReleaseId, pool: &ThreadPool, spilled: &mut Spilled) -> Result<(), Error> {
    let layout = spilled.layout();
    for people in kept.batches() {
        let people = people?;
        let shares: Vec<_> = people.chunks(SHARE).collect();
        let derived: Vec<Zeroizing<Vec<u8>>> = pool.install(|| {
            let share = |share: &&[_]| {
                let mut records = Zeroizing::new(Vec::with_capacity(share.len() * layout.width()));
                for (y, label) in *share {
                    let entry = Entry::derive(&release, y);
                    layout.write(&Record::with_bits(&entry, *label), y, &mut records);
                }
                records
            };
            shares.par_iter().map(share).collect()
        });
        for record in derived.iter().flat_map(|records| records.chunks_exact(layout.width())) {
            spilled.push(0, record)?;
        }
    }
    Ok(())
}
