//! The commands about keys: passphrases, epochs, an insurer's renewal and its end.

use std::path::Path;

use blindlist_protocol::text::Slug;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::text;

use super::small_runtime;
use crate::cli::{
    EpochCommand, KeyHomeArgs, NewEpochArgs, PassphraseArgs, RenewArgs, RetireArgs, RevokeArgs, SucceedArgs, UnlockArgs,
};
use crate::home::{CREDENTIAL, Home, passphrases};
use crate::{Error, epochs, insurers, passphrase, show, succession};

/// Opens a home whose secret keys are needed.
pub(super) fn open(home: &Path, unlock: &UnlockArgs) -> Result<Home, Error> {
    Home::open_with(home, passphrases(unlock.files.clone()))
}

/// The passphrase of a new home, if it is to have one.
pub(super) fn new_passphrase(file: Option<&Path>, ask: bool) -> Result<Option<Passphrase>, Error> {
    match file {
        Some(file) => Ok(Some(Passphrase::read(file)?)),
        None if ask => Ok(Some(Passphrase::ask_new("New passphrase of the secret keys")?)),
        None => Ok(Passphrase::credential(CREDENTIAL)?),
    }
}

pub(super) fn run_passphrase(args: &PassphraseArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let new = match (args.remove, &args.new_passphrase_file) {
        (true, _) => None,
        (false, Some(file)) => Some(Passphrase::read(file)?),
        (false, None) => {
            // The old one first: there is no point in choosing a new one for keys that do not open.
            passphrase::open_all(&home, args.keys)?;
            Some(Passphrase::ask_new("New passphrase")?)
        }
    };
    let changed = passphrase::change(&home, args.keys, new.as_ref())?;
    let under = if new.is_some() { "under the new passphrase" } else { "under no passphrase" };
    let all = show::counted((changed.written + changed.kept) as u64, "key file");
    let before = if changed.kept == 0 { String::new() } else { format!(", {} of them before", changed.kept) };
    Ok(format!(
        "{all} {} {under} now{before}. Backups are still as they were; a server that runs needs no restart.\n",
        if changed.written + changed.kept == 1 { "is" } else { "are" }
    ))
}

pub(super) fn run_epoch(command: EpochCommand) -> Result<String, Error> {
    match command {
        EpochCommand::New(args) => run_new(&args),
        EpochCommand::List(args) => small_runtime()?.block_on(epochs::list(&Home::open(args.home)?)),
        EpochCommand::Retire(args) => run_retire(&args),
    }
}

fn run_new(args: &NewEpochArgs) -> Result<String, Error> {
    let made = small_runtime()?.block_on(epochs::new(&open_keys(&args.home)?, args.evidence))?;
    let taken_up = if made.taken_up { " An earlier `epoch new` had begun it and was cut off." } else { "" };
    Ok(format!(
        "The epoch {} is live.{taken_up}\n\n\
         Lists are sealed in it from now on; those that are live stay in theirs. Every insurer has its budget again in it,\n\
         beside what is left in the others. Keep a copy of {} where only you can read it.\n",
        made.epoch,
        text::word(&args.home.home)
    ))
}

fn run_retire(args: &RetireArgs) -> Result<String, Error> {
    let retired = small_runtime()?.block_on(epochs::retire(&open_keys(&args.home)?, &args.id, args.yes))?;
    let lists: Vec<&str> = retired.lists.iter().map(Slug::as_str).collect();
    let lists =
        if lists.is_empty() { String::new() } else { format!("Lists that ended with it: {}.\n", lists.join(", ")) };
    Ok(format!(
        "The epoch {} is retired and its key is destroyed.\n{lists}\n\
         Destroy its key in every backup and every other copy of this home too:\n\
         epochs/{}/oprf.key\n\
         A server that runs answers nothing in it any more; it lets go of the key when it is next asked for the catalog, or\n\
         restarted.\n",
        retired.epoch, retired.epoch
    ))
}

pub(super) fn run_succeed(args: &SucceedArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let done = small_runtime()?.block_on(succession::succeed(&home, args.successor_key.as_deref(), args.yes))?;
    let taken_up = if done.taken_up { " An earlier `succeed` had begun it and was cut off." } else { "" };
    Ok(format!(
        "The successor is the manifest key now, and the key before is destroyed.{taken_up}\n\n{}\n\
         A server that runs follows when it is next asked for the catalog. Insurers follow by themselves at their next check,\n\
         which tells both keys; checks that they had not finished begin again. What was left of each budget is\n\
         granted in the new epochs.\n\n\
         Next:\n\
         \x20 1. Move keys/offline/successor.key, which is new, to a medium that is kept apart, and copy the home.\n\
         \x20 2. Destroy the key before in every backup: keys/offline/manifest.key.\n{}",
        show::fields(&[
            ("key before", done.old_key.to_string()),
            ("operator key", done.new_key.to_string()),
            ("epochs", show::count(done.epochs as u64)),
            ("lists", show::count(done.lists as u64)),
            ("catalog", format!("sequence {}", done.sequence)),
        ]),
        args.successor_key.as_ref().map_or_else(String::new, |file| format!(
            "  3. Destroy {} too, or guard it: it is the manifest key now, of which the home has its own copy.\n",
            text::path(file)
        )),
    ))
}

pub(super) fn run_renew(args: &RenewArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let renewed =
        small_runtime()?.block_on(insurers::renew(&home, &args.request, &args.name, args.fingerprint, &args.out))?;
    Ok(format!(
        "The insurer {} (its request says {}) has a new certificate; the one before is refused from now on.\n\n{}\n\
         Its budget and what it has spent are as they were. Send the bundle to the insurer and tell its fingerprint by a\n\
         way that the insurer trusts: `blindlist join` asks for it.\n",
        args.name,
        renewed.requested_name,
        show::fields(&[("bundle", text::path(&args.out)), ("fingerprint", renewed.bundle.to_string())]),
    ))
}

pub(super) fn run_revoke(args: &RevokeArgs) -> Result<String, Error> {
    let (home, name) = (Home::open(&args.insurer.home)?, &args.insurer.name);
    small_runtime()?.block_on(insurers::revoke(&home, name, args.yes))?;
    Ok(format!("The insurer {name} is revoked: it is answered nothing ever again, and its name stays taken.\n"))
}

pub(super) fn open_keys(args: &KeyHomeArgs) -> Result<Home, Error> {
    open(&args.home, &args.unlock)
}
