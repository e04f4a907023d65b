//! Whole checks against an operator in this process that uses the real operator's side of the protocol.

mod audit;
mod checks;
mod doctor;
mod evidence;
mod exchange;
mod hostile;
mod indexes;
mod insurer;
mod joining;
mod kept;
mod log;
pub(crate) mod operator;
mod remembering;
mod results;
mod resuming;
mod several;
mod spilled;
mod succession;
mod witness;
