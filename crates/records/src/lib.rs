//! Tables of people to protocol identifiers.
//!
//! [`Table`] streams the rows of a file in batches, [`Columns`] finds the columns that a scheme needs and turns a row
//! into an identifier, [`Rejection`] says which row could not be turned into one and why, [`sample`] makes synthetic
//! files, [`Writer`] writes tables. This crate decides nothing about normalisation (that is [`blindlist_protocol::identifier`]), repairs no row and
//! drops none, and puts no cell into an error or a message.
#![forbid(unsafe_code)]

mod batch;
mod columns;
mod error;
mod expand;
mod rejection;
pub mod sample;
mod table;
mod writer;

pub use batch::{Batch, Row};
pub use columns::{Column, Columns, find_header, parse_override};
pub use error::{ColumnError, Damage, HeaderError, TableError};
pub use expand::expand;
pub use rejection::{Reason, RejectedWriter, Rejection, io_error};
pub use table::{
    Compression, Digest, Encoding, MAX_ROW_LEN, Origin, Progress, Table, TableOptions, UnknownEncoding, digest,
    is_standard_input,
};
pub use writer::{CsvStyle, Format, Look, UnknownFormat, WriteError, Writer};
