//! The insurer's side: `blindlist`, which asks an operator which of its members are on a breach list.
//!
//! [`profile`] keeps what the insurer has: its keys, the operator's bundle, verified indexes, unfinished jobs.
//! [`enroll`] makes it, [`live`] learns what the operator says is live, [`index`] fetches releases, [`check`] does the
//! work, [`lists`] shows what there is. All of them talk through a [`channel`], so that none knows of sockets.
//! [`inspect`] shows what any file or message is made of.
//!
//! A program of one's own needs four things: a [`profile::Profile`], a [`check::Check`], the [`Progress`] that a [`Caller`]
//! hears, and the [`check::Summary`] of the results; [`check::Check`] has an example. The command line is such a program.
//!
//! What the operator's audit log must agree with is kept: [`receipts`], and with `--keep-evidence` [`evidence`], from which
//! [`replay`] shows that the log has this insurer's members and nobody else, and [`open`] single members to an auditor.
//! [`witness`] signs that a log only grows. Where no network is, [`exchange`] writes what would be asked to a file.
//!
//! Every byte from the operator's server is hostile until a pinned key, a digest or a proof says otherwise. Nothing here
//! may put a cell of a member file, an identifier or a secret into an error or onto the terminal.
#![forbid(unsafe_code)]

pub mod cache;
mod caller;
pub mod channel;
pub mod check;
pub mod cli;
pub mod doctor;
pub mod enroll;
mod error;
pub mod evidence;
pub mod exchange;
pub mod forget;
pub mod index;
pub mod inspect;
pub mod lists;
pub mod live;
mod log;
pub mod open;
mod outside;
mod passphrases;
pub mod profile;
pub mod receipts;
pub mod replay;
mod report;
pub mod room;
mod show;
mod terminal;
#[cfg(test)]
mod tests;
pub mod unfinished;
pub mod witness;

pub use caller::{Caller, Event, Interrupt, Level, Progress, Unit};
pub use error::{Broken, ClientError, EvidenceError};
