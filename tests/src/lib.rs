//! Tests across rooms: both programs as processes, over real QUIC, against honest and hostile peers.
//!
//! This library is the harness, `tests/` are the tests. [`programs`] builds and runs the programs, [`Operator`],
//! [`Serving`] and [`Insurer`] are what people do with them, [`results`] reads what they leave behind. [`raw`] is an
//! insurer without a client, [`impostor`] a server that tampers with its answers, [`forge`] an operator who signs nonsense.
//! [`http`] and [`browser`] look at the admin page, [`measure`] and [`relay`] at what a program took and sent, [`campaign`] is
//! the model of a whole country's. [`foreign`] is what meets implementations that are not ours. [`vectors`] runs the test
//! vectors.
//!
//! A failure of the harness is a failed test, so it panics. It must not wait for a fixed time: it waits until something
//! has happened, and gives up after [`programs::PATIENCE`].
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure of the harness is a failed test")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

pub mod browser;
pub mod campaign;
pub mod crowd;
pub mod draw;
pub mod foreign;
pub mod forge;
pub mod http;
pub mod impostor;
pub mod insurer;
pub mod kills;
pub mod lossy;
pub mod measure;
pub mod nuisance;
pub mod operator;
pub mod people;
pub mod postgres;
pub mod programs;
pub mod raw;
pub mod relay;
pub mod results;
mod scene;
pub mod serving;
pub mod vectors;

pub use insurer::Insurer;
pub use operator::Operator;
pub use results::Results;
pub use scene::Scene;
pub use serving::Serving;
