//! Whole checks against an operator in this process that uses the real operator's side of the protocol.

mod audit;
mod checks;
mod evidence;
mod hostile;
mod indexes;
mod insurer;
mod joining;
mod log;
pub(crate) mod operator;
mod resuming;
mod spilled;
mod succession;
mod witness;
