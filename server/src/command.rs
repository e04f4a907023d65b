//! Does what the command line says, and tells it.

mod audit;
mod custody;
mod exchange;

use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::text::Address;
use blindlist_records::expand;
use blindlist_records::sample::{SampleOptions, generate};
use blindlist_store::StoreError;
use blindlist_store::log::Format;
use blindlist_store::text;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{
    ApproveArgs, BudgetArgs, Cli, Command, InitArgs, InsurerCommand, ManArgs, Rate, RateArgs, SampleArgs, SealArgs,
    ServeArgs, completions, write_pages,
};
use crate::home::Home;
use crate::init::{NewOperator, init_under};
use crate::insurers::{self, Approval, approve};
use crate::seal::{Additions, Audience, By, Choices, Resources, Split, dry_run, enrolled, seal_with};
use crate::serve::ServeOptions;
use crate::{Error, lists, serve, show};

/// The f of a list, unless another is chosen.
const DEFAULT_F: u8 = 40;

/// Runs a command; the text is for standard output.
///
/// # Errors
/// Why it failed, with the exit code to end with.
pub fn run(cli: Cli) -> Result<String, Error> {
    let log = cli.log;
    match cli.command {
        Command::Init(args) => run_init(args),
        Command::Seal(args) => run_seal(args),
        Command::Lists(args) => small_runtime()?.block_on(lists::table(&Home::open(args.home)?)),
        Command::Insurer(InsurerCommand::Approve(args)) => run_approve(&args),
        Command::Insurer(InsurerCommand::List(args)) => {
            small_runtime()?.block_on(insurers::list(&Home::open(args.home)?))
        }
        Command::Insurer(InsurerCommand::SetBudget(args)) => run_set_budget(&args),
        Command::Insurer(InsurerCommand::SetRate(args)) => run_set_rate(&args),
        Command::Insurer(InsurerCommand::Suspend(args)) => {
            small_runtime()?.block_on(insurers::suspend(&Home::open(args.home)?, &args.name))?;
            Ok(format!("The insurer {} is suspended: nothing is answered to it until it is resumed.\n", args.name))
        }
        Command::Insurer(InsurerCommand::Resume(args)) => {
            small_runtime()?.block_on(insurers::resume(&Home::open(args.home)?, &args.name))?;
            Ok(format!("The insurer {} is answered again, within its budget.\n", args.name))
        }
        Command::Insurer(InsurerCommand::Renew(args)) => custody::run_renew(&args),
        Command::Insurer(InsurerCommand::Revoke(args)) => custody::run_revoke(&args),
        Command::Epoch(command) => custody::run_epoch(command),
        Command::Succeed(args) => custody::run_succeed(&args),
        Command::Passphrase(args) => custody::run_passphrase(&args),
        Command::Audit(command) => audit::run_audit(command),
        Command::Backup(args) => audit::run_backup(&args),
        Command::Restore(args) => audit::run_restore(&args),
        Command::Serve(args) => run_serve(args, log.format),
        Command::Publication(args) => exchange::run_publication(&args),
        Command::Answer(args) => exchange::run_answer(args),
        Command::Sample(args) => run_sample(&args),
        Command::Completions(args) => Ok(completions(args.shell)),
        Command::Man(args) => run_man(&args),
    }
}

fn run_man(args: &ManArgs) -> Result<String, Error> {
    write_pages(&args.out).map_err(|source| StoreError::io("write the manual pages to", &args.out, source))?;
    let out = text::word(&args.out);
    Ok(format!("The manual pages are in {out}. Look at one with: man -l {out}/blindlistd.1\n"))
}

fn run_init(args: InitArgs) -> Result<String, Error> {
    let local = args.hosts.is_empty();
    let ledger = args.ledger.map(|url| url.parse()).transpose().map_err(Error::LedgerUrl)?;
    let new = NewOperator { operator: args.operator, addresses: args.hosts, ledger, evidence: args.evidence };
    let passphrase = custody::new_passphrase(args.passphrase_file.as_deref(), args.passphrase)?;
    let made = small_runtime()?.block_on(init_under(&args.home, &new, passphrase.as_ref()))?;
    let home = text::word(&args.home);
    let addresses: Vec<&str> = made.config.addresses.iter().map(Address::as_str).collect();
    let mut text = format!("The home of the operator {} is ready.\n\n", made.config.operator);
    text += &show::fields(&[
        ("operator key", made.operator_key.to_string()),
        ("epoch", made.epoch.to_string()),
        ("addresses", addresses.join(", ")),
        ("listens on", made.config.listen.to_string()),
        ("secret keys", (if passphrase.is_some() { "under the passphrase" } else { "under no passphrase" }).to_owned()),
        ("home", text::path(&args.home)),
        ("ledger", made.config.ledger.as_ref().map_or("ledger.sqlite in the home".to_owned(), ToString::to_string)),
    ]);
    if local {
        text += "\nNo --host was named, so insurers are told 127.0.0.1, which reaches this machine alone. That is signed into the\n\
                 epoch: for insurers elsewhere, make the home anew with --host and the public name or address.\n";
    }
    text += &format!(
        "\nKeep a backup of {home} elsewhere (blindlistd backup): without its keys the lists cannot be answered for.\n\
         The folder keys/offline is not needed by `serve`.\n\nNext:\n\
         \x20 blindlistd seal LIST.csv --home {home} --list NAME --categories A,B,C\n\
         \x20 blindlistd insurer approve REQUEST.csr --home {home} --name NAME --budget MEMBERS --out BUNDLE\n\
         \x20 blindlistd serve --home {home}\n"
    );
    Ok(text)
}

fn run_seal(args: SealArgs) -> Result<String, Error> {
    let home = custody::open(&args.home, &args.unlock)?;
    let resources = Resources::new(args.threads, args.memory);
    let (inputs, dry) = (expand(&args.inputs)?, args.dry_run);
    let by = seal_by(&home, args)?;
    if dry {
        let checked = dry_run(&home, &inputs, by, &resources)?;
        return match checked.verdict() {
            Ok(()) => Ok(checked.to_text()),
            Err(error) => {
                eprint!("{}", checked.to_text());
                Err(error)
            }
        };
    }
    Ok(seal_with(&home, &inputs, by, &resources)?.to_text())
}

/// What to seal by.
fn seal_by(home: &Home, args: SealArgs) -> Result<By, Error> {
    let audience = audience(home, &args)?;
    let list = match (args.plan, args.list) {
        (Some(plan), _) => return Ok(By::Plan(plan)),
        (None, list) => list.expect("the command line requires a list or a plan"),
    };
    let encoding = args.encoding.map(|encoding| encoding.to_string());
    if args.append {
        return Ok(By::Additions(Additions {
            list,
            audience,
            title: args.title,
            incident: args.incident_date,
            scheme: args.scheme,
            columns: args.columns,
            encoding,
            sheet: args.sheet,
            categories: args.categories,
            false_positive_bits: args.false_positive_bits,
            accept_rejects: args.accept_rejects,
        }));
    }
    Ok(By::Choices(Choices {
        list,
        audience,
        title: args.title.unwrap_or_else(|| "".parse().expect("an empty title is allowed")),
        incident: args.incident_date,
        scheme: args.scheme.unwrap_or(Scheme::Nir),
        columns: args.columns,
        encoding,
        sheet: args.sheet,
        categories: Dictionary::try_from(args.categories).map_err(Error::Categories)?,
        false_positive_bits: args.false_positive_bits.unwrap_or(DEFAULT_F),
        accept_rejects: args.accept_rejects,
        keep_evaluations: args.keep_evaluations,
        epoch: args.epoch,
    }))
}

/// Whom a list is going to be addressed to.
fn audience(home: &Home, args: &SealArgs) -> Result<Audience, Error> {
    let enrolled = || small_runtime()?.block_on(enrolled(home));
    match (&args.split_by, &args.audience_map) {
        (Some(column), Some(map)) => Ok(Audience::Split(Split::read(column, map, &enrolled()?)?)),
        _ if !args.audience.is_empty() => Ok(Audience::named(&args.audience, &enrolled()?)?),
        _ if args.to_all => Ok(Audience::All),
        _ => Ok(Audience::Unsaid),
    }
}

fn run_approve(args: &ApproveArgs) -> Result<String, Error> {
    let home = custody::open(&args.home, &args.unlock)?;
    let approval = Approval { name: args.name.clone(), members: args.budget, fingerprint: args.fingerprint };
    let approved = small_runtime()?.block_on(approve(&home, &args.request, &approval, &args.out))?;
    Ok(format!(
        "The insurer {} (its request says {}) is enrolled.\n\n{}\n\
         The budget is {} and the canaries, with padding. Send the bundle to the insurer and tell its fingerprint by a\n\
         way that the insurer trusts: `blindlist join` asks for it.\n",
        args.name,
        approved.requested_name,
        show::fields(&[
            ("bundle", text::path(&args.out)),
            ("fingerprint", approved.bundle.to_string()),
            ("evaluations", format!("{} in each epoch", show::count(approved.granted))),
        ]),
        show::counted(args.budget.into(), "member"),
    ))
}

fn run_set_budget(args: &BudgetArgs) -> Result<String, Error> {
    let (home, name) = (Home::open(&args.insurer.home)?, &args.insurer.name);
    let granted = small_runtime()?.block_on(insurers::set_budget(&home, name, args.members))?;
    Ok(format!(
        "The insurer {name} may ask about {} in each epoch, {} with the canaries and padding.\n",
        show::counted(args.members.into(), "member"),
        show::counted(granted, "evaluation")
    ))
}

fn run_set_rate(args: &RateArgs) -> Result<String, Error> {
    let (home, name) = (Home::open(&args.insurer.home)?, &args.insurer.name);
    let rate = match args.rate {
        Rate::Default => None,
        Rate::Of(rate) => Some(rate),
    };
    small_runtime()?.block_on(insurers::set_rate(&home, name, rate))?;
    let (rate, why) = match rate {
        Some(rate) => (rate, ""),
        None => (home.config()?.rate, ", as blindlistd.toml says"),
    };
    Ok(format!("The insurer {name} may have {} in a minute{why}.\n", show::counted(rate.get(), "evaluation")))
}

fn run_serve(args: ServeArgs, format: Format) -> Result<String, Error> {
    let home = custody::open(&args.home, &args.unlock)?;
    let runtime =
        Runtime::new().map_err(|source| Error::Runtime { doing: "start the threads of the server", source })?;
    let options = ServeOptions {
        listen: args.listen,
        admin: args.admin,
        admin_token_file: args.admin_token_file,
        plain: format == Format::Human,
    };
    runtime.block_on(serve::serve(home, options))?;
    Ok(String::new())
}

fn run_sample(args: &SampleArgs) -> Result<String, Error> {
    let made = generate(
        &args.out,
        &SampleOptions { records: args.records, members: args.members, overlap: args.overlap, seed: args.seed },
    )?;
    Ok(format!(
        "Synthetic people, {} of {} on the list.\n\n{}",
        show::counted(made.shared, "member"),
        show::count(args.members),
        show::fields(&[
            ("breach list", text::path(&made.breach)),
            ("members", text::path(&made.members)),
            ("truth", text::path(&made.truth)),
        ])
    ))
}

/// For commands that wait for the ledger and for nothing else.
fn small_runtime() -> Result<Runtime, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Error::Runtime { doing: "start", source })
}
