//! The commands about the audit log, and backups.

use blindlist_store::file;
use blindlist_store::passphrase::Passphrase;
use blindlist_store::text;

use super::custody::open_keys;
use super::small_runtime;
use crate::audit::{self, entries};
use crate::backup::backup;
use crate::cli::{AuditCommand, BackupArgs, CheckpointArgs, ExportArgs, RestoreArgs, VerifyArgs};
use crate::home::Home;
use crate::restore::{Restored, restore};
use crate::{Error, show};

pub(super) fn run_audit(command: AuditCommand) -> Result<String, Error> {
    match command {
        AuditCommand::Verify(args) => run_verify(&args),
        AuditCommand::Export(args) => run_export(&args),
        AuditCommand::Checkpoint(args) => run_checkpoint(&args),
    }
}

fn run_verify(args: &VerifyArgs) -> Result<String, Error> {
    let verified = small_runtime()?.block_on(audit::verify(&open_keys(&args.home)?, &args.checkpoints))?;
    let checkpoints = match verified.checkpoints as u64 {
        0 => "There is no checkpoint yet to hold it against.".to_owned(),
        known => format!("It goes on from {}.", show::counted(known, "checkpoint")),
    };
    Ok(format!(
        "The audit log holds: {}, {} of them charges, and the ledger's accounts are theirs. {checkpoints}\n\n{}{}",
        entries(verified.head.size),
        show::count(verified.charges),
        show::fields(&[("entries", show::count(verified.head.size)), ("root", verified.head.root.to_string())]),
        if args.checkpoints.is_empty() {
            "\nWhoever can change the ledger on this machine can change the checkpoint that it keeps: name one that was kept\n\
             elsewhere with --checkpoint.\n"
        } else {
            ""
        }
    ))
}

fn run_export(args: &ExportArgs) -> Result<String, Error> {
    let head = small_runtime()?.block_on(audit::export(&open_keys(&args.home)?, &args.out))?;
    Ok(format!(
        "The audit log is exported.\n\n{}",
        show::fields(&[
            ("file", text::path(&args.out)),
            ("entries", show::count(head.size)),
            ("root", head.root.to_string())
        ])
    ))
}

fn run_checkpoint(args: &CheckpointArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let key = home.receipt_signing_key()?;
    let note = small_runtime()?.block_on(async {
        let ledger = home.ledger().await?;
        let note = audit::checkpoint(&home, &ledger, &key).await;
        ledger.close().await;
        note
    });
    let note = note?.to_string();
    eprintln!("blindlistd: the log's public key is {}", key.verifying());
    match &args.out {
        Some(out) => {
            file::write_atomic(out, note.as_bytes())?;
            Ok(String::new())
        }
        None => Ok(note),
    }
}

pub(super) fn run_backup(args: &BackupArgs) -> Result<String, Error> {
    let passphrase = match &args.passphrase_file {
        Some(file) => Passphrase::read(file)?,
        None => Passphrase::ask_new("New passphrase of the backup")?,
    };
    let home = Home::open(&args.home)?;
    let made = small_runtime()?.block_on(backup(&home, &args.out, &passphrase))?;
    let ledger = if made.with_ledger {
        ""
    } else {
        "\nThe ledger is in PostgreSQL and not in it: back the database up too, after this, with pg_dump.\n"
    };
    Ok(format!(
        "The home is backed up, and the file was read again to its end.\n\n{}{ledger}\n\
         It opens with its passphrase alone: keep that elsewhere. It has the keys, so `epoch retire` does not reach it.\n",
        show::fields(&[
            ("file", text::path(&args.out)),
            ("files in it", show::count(made.files)),
            ("bytes in it", show::bytes(made.bytes)),
        ])
    ))
}

pub(super) fn run_restore(args: &RestoreArgs) -> Result<String, Error> {
    let restored =
        small_runtime()?.block_on(restore(&args.backup, &args.home, &args.unlock.files, &args.checkpoints))?;
    Ok(restored_text(args, &restored))
}

fn restored_text(args: &RestoreArgs, restored: &Restored) -> String {
    let mut text = format!("The home of the operator {} is restored, and all of it is whole.\n\n", restored.operator);
    text += &show::fields(&[
        ("home", text::path(&args.home)),
        ("epochs", show::count(restored.epochs)),
        ("lists", show::count(restored.lists)),
        ("catalog", format!("sequence {}", restored.sequence)),
        (
            "audit log",
            restored.log.map_or("not looked at".to_owned(), |log| {
                format!(
                    "{}, goes on from {}",
                    entries(log.head.size),
                    show::counted(log.checkpoints as u64, "checkpoint")
                )
            }),
        ),
    ]);
    if restored.log.is_none() {
        text += "\nThe ledger is in PostgreSQL, which did not answer: restore the database, then `blindlistd audit verify`.\n";
    } else if args.checkpoints.is_empty() {
        text += "\nNo --checkpoint was named: whether insurers were charged after the backup was made is not known. If they were,\n\
                 they could spend that twice, and their clients refuse this ledger. Before serving, ask for a checkpoint that was\n\
                 kept elsewhere, and give it to `blindlistd audit verify`.\n";
    }
    text
}
