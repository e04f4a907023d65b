//! Everything that SPEC.md defines, and nothing else: no socket, no file, no clock, no async. Randomness is passed in.
//!
//! From the bottom up: [`params`], [`codec`], [`text`], [`ids`], [`signature`] and [`object`] are the alphabet;
//! [`oprf`] and [`holders`] the group; [`identifier`], [`entry`] and [`index`] what a breach list becomes;
//! [`epoch`], [`manifest`], [`catalog`], [`enrolment`] and [`succession`] what is signed; [`chunk`], [`message`] and [`refusal`] what
//! travels; [`job`], [`insurer`] and [`operator`] what each side does with it; [`live`] and [`matching`] what an insurer
//! holds an operator's word against; [`log`], [`receipt`], [`checkpoint`] and [`evidence`] what each
//! side can prove afterwards; [`exchange`] how messages travel without a network. [`inspect`] shows any of it with offsets.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod catalog;
pub mod checkpoint;
pub mod chunk;
pub mod codec;
pub mod enrolment;
pub mod entry;
pub mod epoch;
pub mod evidence;
pub mod exchange;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod holders;
pub mod identifier;
pub mod ids;
pub mod index;
pub mod inspect;
pub mod insurer;
pub mod job;
pub mod live;
pub mod log;
pub mod manifest;
pub mod matching;
pub mod message;
pub mod object;
pub mod operator;
pub mod oprf;
pub mod params;
pub mod receipt;
pub mod refusal;
pub mod signature;
pub mod succession;
pub mod text;
