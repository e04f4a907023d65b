//! blindlistd: the operator's side.
//!
//! A home folder ([`home`]) holds an operator's keys, epochs, releases and ledger. [`init`] makes one, [`seal`] turns a
//! breach list into a release, [`insurers`] lets insurers in, [`serve`] answers them over QUIC through [`service`], which
//! has no socket itself, and [`answer`] through the same from files; `metrics` counts what it does, and `admin` shows that
//! and the rest to the operator's people.
//! [`audit`] verifies and exports the ledger's log, [`backup`] and [`restore`] move a home, [`succession`] gives it another
//! manifest key. [`cli`] is the command line, and [`run`] does what it says.

mod admin;
pub mod answer;
pub mod audit;
pub mod backup;
pub mod catalog;
pub mod cli;
mod command;
pub mod config;
pub mod epochs;
mod error;
pub mod home;
pub mod init;
pub mod insurers;
pub mod ledger;
mod lists;
mod metrics;
mod outside;
pub mod passphrase;
pub mod releases;
pub mod restore;
pub mod seal;
pub mod serve;
pub mod service;
mod show;
mod signed;
pub mod succession;
#[cfg(test)]
mod testing;

pub use command::run;
pub use error::Error;
pub(crate) use error::not_there;
