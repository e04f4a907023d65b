//! Whole checks against an operator in this process that uses the real operator's side of the protocol.

mod audit;
mod checks;
mod evidence;
mod hostile;
mod insurer;
mod joining;
mod log;
mod operator;
mod resuming;
mod succession;
mod witness;
