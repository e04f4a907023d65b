//! Whole checks against an operator in this process that uses the real operator's side of the protocol.

mod checks;
mod hostile;
mod joining;
mod operator;
mod resuming;
