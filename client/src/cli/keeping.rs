//! The commands about what a profile keeps, and whether it works: `jobs`, `cache`, `forget`, `doctor`.

use std::path::PathBuf;

use blindlist_protocol::ids::JobId;
use blindlist_store::exit::Code;
use blindlist_store::memory::Memory;
use blindlist_store::{StoreError, confirm};
use clap::{ArgGroup, Args, Subcommand};

use super::Place;
use super::manners::{ForMachines, Manners, in_runtime};
use crate::doctor::{DoctorOptions, examine};
use crate::forget::{What, choose, kept};
use crate::profile::Profile;
use crate::room::Room;
use crate::show::note;
use crate::{ClientError, cache, unfinished};

#[derive(Debug, Args)]
pub(super) struct JobsArgs {
    /// The profile folder.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    #[command(flatten)]
    machines: ForMachines,
}

impl JobsArgs {
    pub(super) fn manners(&self) -> Manners {
        self.machines.into()
    }
}

pub(super) fn run_jobs(args: &JobsArgs) -> Result<(), ClientError> {
    args.manners().print(&unfinished::unfinished(&Profile::open(&args.profile)?)?)
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// Shows the indexes that are kept: which are live, how large they are, when they were used.
    List {
        /// The profile folder.
        #[arg(long, value_name = "DIR")]
        profile: PathBuf,
        #[command(flatten)]
        machines: ForMachines,
    },
    /// Removes the indexes that are no longer live by the catalog that was seen last. What an unfinished check needs stays.
    Clean {
        /// The profile folder.
        #[arg(long, value_name = "DIR")]
        profile: PathBuf,
        /// Removes live ones too: the next check fetches them again.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        machines: ForMachines,
    },
}

impl CacheCommand {
    pub(super) fn manners(&self) -> Manners {
        let (Self::List { machines, .. } | Self::Clean { machines, .. }) = self;
        (*machines).into()
    }
}

pub(super) fn run_cache(command: &CacheCommand) -> Result<(), ClientError> {
    match command {
        CacheCommand::List { profile, .. } => command.manners().print(&cache::list(&Profile::open(profile)?)?),
        CacheCommand::Clean { profile, all, .. } => {
            command.manners().print(&cache::clean(&Profile::open(profile)?, *all)?)
        }
    }
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what"))]
pub(super) struct ForgetArgs {
    /// The profile folder.
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// One unfinished check.
    #[arg(long, value_name = "ID", group = "what")]
    job: Option<JobId>,
    /// All unfinished checks: what they paid for is lost.
    #[arg(long, group = "what")]
    jobs: bool,
    /// The evidence of one job, or of all.
    #[arg(long, value_name = "ID", num_args = 0..=1, group = "what")]
    #[allow(clippy::option_option, reason = "the option may be absent, without a value, or with one")]
    evidence: Option<Option<JobId>>,
    /// Remembered evaluations: the next check pays for all its members.
    #[arg(long, group = "what")]
    remembered: bool,
    /// Indexes: the next check fetches them again.
    #[arg(long, group = "what")]
    indexes: bool,
    /// All of these. Keys, the operator's bundle and its receipts stay.
    #[arg(long, group = "what")]
    all: bool,
    /// Does not ask.
    #[arg(long, requires = "what")]
    yes: bool,
    #[command(flatten)]
    machines: ForMachines,
}

impl ForgetArgs {
    pub(super) fn manners(&self) -> Manners {
        self.machines.into()
    }

    fn what(&self) -> Option<What> {
        match (self.job, self.evidence) {
            (Some(job), _) => Some(What::Job(job)),
            (None, Some(job)) => Some(What::Evidence(job)),
            (None, None) if self.jobs => Some(What::Jobs),
            (None, None) if self.remembered => Some(What::Remembered),
            (None, None) if self.indexes => Some(What::Indexes),
            (None, None) => self.all.then_some(What::All),
        }
    }
}

pub(super) fn run_forget(args: &ForgetArgs) -> Result<(), ClientError> {
    let (profile, manners) = (Profile::open(&args.profile)?, args.manners());
    let Some(what) = args.what() else { return manners.print(&kept(&profile)?) };
    let choice = choose(&profile, &what)?;
    if !args.yes && !choice.is_empty() {
        note(choice.to_string().trim_end());
        match confirm::ask("Remove it for ever?") {
            Ok(true) => {}
            Ok(false) => return Err(ClientError::NotRemoved),
            Err(StoreError::NoTerminal) => return Err(ClientError::NobodyConfirms),
            Err(error) => return Err(error.into()),
        }
    }
    manners.print(&choice.forget()?)
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    place: Place,
    /// Where results are to be written: looks at the disk there too.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What a check may take of the memory.
    #[arg(long, value_name = "SIZE", default_value_t = Room::MEMORY)]
    memory: Memory,
    #[command(flatten)]
    pub(super) manners: Manners,
}

pub(super) fn run_doctor(args: &DoctorArgs) -> Result<Code, ClientError> {
    let options = DoctorOptions {
        profile: &args.place.profile,
        server: args.place.server.as_deref(),
        out: args.out.as_deref(),
        memory: args.memory,
    };
    let report = in_runtime(args.manners, |caller| async move { examine(&options, &caller).await })?;
    args.manners.print(&report)?;
    Ok(report.code())
}
