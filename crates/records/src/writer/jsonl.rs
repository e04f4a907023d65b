//! JSON lines: one object a row, whose keys are the names of the columns and whose values are texts.

use std::io::{self, BufWriter, Write as _};

use serde_json::to_writer;

pub(super) struct JsonLinesWriter<W: io::Write> {
    output: BufWriter<W>,
    /// Each with what stands before its value: `{"name":` or `,"name":`.
    keys: Vec<Vec<u8>>,
    column: usize,
}

impl<W: io::Write> JsonLinesWriter<W> {
    pub(super) fn new(names: &[String], output: W) -> io::Result<Self> {
        let mut keys = Vec::with_capacity(names.len());
        for name in names {
            let mut key = vec![if keys.is_empty() { b'{' } else { b',' }];
            to_writer(&mut key, name)?;
            key.push(b':');
            keys.push(key);
        }
        Ok(Self { output: BufWriter::new(output), keys, column: 0 })
    }

    pub(super) fn cell(&mut self, cell: &str) -> io::Result<()> {
        let key = self.keys.get(self.column).map(Vec::as_slice).unwrap_or_default();
        self.output.write_all(key)?;
        to_writer(&mut self.output, cell)?;
        self.column += 1;
        Ok(())
    }

    pub(super) fn end_row(&mut self) -> io::Result<()> {
        self.column = 0;
        self.output.write_all(b"}\n")
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.output.into_inner().map_err(io::IntoInnerError::into_error)
    }
}
