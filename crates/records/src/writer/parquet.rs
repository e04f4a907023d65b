//! Parquet: every column is text that is never missing, in groups of rows that bound the memory. Dictionaries are left to
//! the library, statistics are left out: nobody looks a member up by them.

use std::{io, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};

/// A group of rows is closed when it has so many rows, or so many bytes of text.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_LEN: usize = 16 << 20;

/// Cells handed to the library at a time.
const PIECE: usize = 1_024;

pub(super) struct ParquetWriter<W: io::Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Cells>,
    column: usize,
    rows: usize,
    length: usize,
}

/// The cells of a column in the current group, one after the other, and where each ends.
#[derive(Default)]
struct Cells {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<W: io::Write + Send> ParquetWriter<W> {
    pub(super) fn new(names: &[String], output: W) -> io::Result<Self> {
        let text = |name: &String| {
            let column = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String));
            Ok(Arc::new(column.build()?))
        };
        let columns = names.iter().map(text).collect::<Result<Vec<_>, _>>();
        let schema = columns.and_then(|columns| Type::group_type_builder("table").with_fields(columns).build());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let file = schema.and_then(|schema| SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties)));
        let columns = names.iter().map(|_| Cells::default()).collect();
        Ok(Self { file: file.map_err(io_error)?, columns, column: 0, rows: 0, length: 0 })
    }

    pub(super) fn cell(&mut self, cell: &str) {
        if let Some(column) = self.columns.get_mut(self.column) {
            column.text.extend_from_slice(cell.as_bytes());
            column.ends.push(column.text.len());
        }
        self.column += 1;
        self.length += cell.len();
    }

    pub(super) fn end_row(&mut self) -> io::Result<()> {
        self.column = 0;
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.length >= GROUP_LEN { self.write_group().map_err(io_error) } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.write_group().map_err(io_error)?;
        }
        self.file.into_inner().map_err(io_error)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for cells in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let text = ByteArray::from(std::mem::take(&mut cells.text));
            let mut start = 0;
            for ends in cells.ends.chunks(PIECE) {
                let cut = |end: &usize| {
                    let cell = text.slice(start, end - start);
                    start = *end;
                    cell
                };
                let piece = ends.iter().map(cut).collect::<Vec<_>>();
                column.typed::<ByteArrayType>().write_batch(&piece, None, None)?;
            }
            column.close()?;
            cells.ends.clear();
        }
        group.close()?;
        (self.rows, self.length) = (0, 0);
        Ok(())
    }
}

/// The system's error behind one of the library's, which would hide a full disk.
fn io_error(error: ParquetError) -> io::Error {
    if let ParquetError::External(source) = error {
        return source.downcast().map_or_else(io::Error::other, |source| *source);
    }
    io::Error::other(error)
}
