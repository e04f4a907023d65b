//! Private folders and files, files under a passphrase, spills, locks, atomic replacement, logs, exit codes.
//!
//! What both programs need from the machine they run on, and nothing of the protocol: this crate must not know what the
//! bytes mean that it keeps. It runs on Unix, where a file has an owner, a group and nine permission bits.

pub mod confirm;
mod error;
pub mod exit;
pub mod file;
pub mod folder;
pub mod log;
pub mod memory;
mod owner;
pub mod passphrase;
pub mod passphrases;
pub mod sealed;
pub mod spill;
pub mod text;
pub mod vault;

pub use error::StoreError;
