//! What stands at the end of a Parquet file: the schema, and where the pages of each column of each row group begin
//! (`FileMetaData` of parquet.thrift).

use super::{
    super::disk::{Disk, Fault},
    shape::{Field, Physical, Shape},
    thrift::{Kind, Thrift},
};

pub(super) const MAGIC: &[u8] = b"PAR1";

/// The most bytes of metadata: a thousand row groups of a hundred columns.
const MAX_METADATA_LEN: u32 = 16 << 20;

/// The most columns, those inside others included.
const MAX_FIELDS: usize = 20_000;

const MAX_NAME_LEN: usize = 1 << 10;

pub(super) struct Metadata {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
    pub(super) groups: Vec<Group>,
}

/// A column of the table: a field of the schema that is in no other.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// Rows that are stored together. There is a chunk for each column that can be read.
pub(super) struct Group {
    pub(super) rows: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// The pages of a column in a row group.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) codec: i32,
}

impl Metadata {
    pub(super) fn read(disk: &Disk) -> Result<Self, Fault> {
        let end = disk.length().checked_sub(8).ok_or(Fault::DAMAGED)?;
        let tail = disk.bytes(end, 8)?;
        let (length, magic) = tail.split_first_chunk().ok_or(Fault::DAMAGED)?;
        if magic == b"PARE" {
            return Err(Fault::Broken(ENCRYPTED));
        }
        let length = u32::from_le_bytes(*length);
        let start = end.checked_sub(length.into()).ok_or(Fault::DAMAGED)?;
        if magic != MAGIC {
            return Err(Fault::DAMAGED);
        }
        if length > MAX_METADATA_LEN {
            return Err(Fault::Broken("its metadata is too large; write it with fewer row groups"));
        }
        let length = length as usize;
        let bytes = disk.bytes(start, length)?;
        Self::parse(&mut Thrift::new(bytes.as_slice(), length))
    }

    fn parse(thrift: &mut Thrift<&[u8]>) -> Result<Self, Fault> {
        let (mut fields, mut rows, mut groups) = (Vec::new(), 0, Vec::new());
        let mut last = 0;
        while let Some((id, kind)) = thrift.field(&mut last)? {
            match id {
                2 => {
                    for _ in 0..thrift.list(Kind::STRUCT)? {
                        fields.push(read_field(thrift)?);
                        if fields.len() > MAX_FIELDS {
                            return Err(Fault::Broken("it has too many columns"));
                        }
                    }
                }
                3 => rows = thrift.length(kind)?,
                4 => {
                    for _ in 0..thrift.list(Kind::STRUCT)? {
                        groups.push(read_group(thrift)?);
                    }
                }
                8 => return Err(Fault::Broken(ENCRYPTED)),
                _ => thrift.skip(kind)?,
            }
        }
        let (columns, leaves) = columns(&fields)?;
        let groups = groups.into_iter().map(|group| group.choose(&leaves)).collect::<Result<Vec<_>, _>>()?;
        let sum = groups.iter().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
        if sum == Some(rows) { Ok(Self { columns, rows, groups }) } else { Err(Fault::DAMAGED) }
    }
}

const ENCRYPTED: &str = "it is encrypted; write it again without encryption";

fn read_field(thrift: &mut Thrift<&[u8]>) -> Result<Field, Fault> {
    let (mut field, mut last) = (Field::default(), 0);
    while let Some((id, kind)) = thrift.field(&mut last)? {
        match id {
            1 => field.physical = Some(Physical::of(thrift.i32(kind)?).ok_or(Fault::DAMAGED)?),
            2 => field.length = usize::try_from(thrift.length(kind)?).map_err(|_| Fault::DAMAGED)?,
            3 => field.repetition = thrift.i32(kind)?,
            4 => field.name = thrift.text(kind, MAX_NAME_LEN)?,
            5 => field.children = usize::try_from(thrift.length(kind)?).map_err(|_| Fault::DAMAGED)?,
            6 => field.converted = Some(thrift.i32(kind)?),
            7 => field.scale = thrift.i32(kind)?,
            10 if kind == Kind::STRUCT => read_logical(thrift, &mut field)?,
            _ => thrift.skip(kind)?,
        }
    }
    Ok(field)
}

/// `LogicalType`: a union, so a structure with one field, itself a structure.
fn read_logical(thrift: &mut Thrift<&[u8]>, field: &mut Field) -> Result<(), Fault> {
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(&mut last)? {
        field.logical = Some(id);
        if kind != Kind::STRUCT {
            return Err(Fault::DAMAGED);
        }
        let mut last = 0;
        while let Some((inner, kind)) = thrift.field(&mut last)? {
            match (id, inner) {
                (5, 1) => field.scale = thrift.i32(kind)?,
                // The unit of a timestamp is a union again, of empty structures.
                (8, 2) if kind == Kind::STRUCT => {
                    let mut last = 0;
                    while let Some((unit, kind)) = thrift.field(&mut last)? {
                        field.unit = unit;
                        thrift.skip(kind)?;
                    }
                }
                (10, 1) => field.bits = thrift.i32(kind)?,
                (10, 2) => field.unsigned = kind != Kind::TRUE,
                _ => thrift.skip(kind)?,
            }
        }
    }
    Ok(())
}

struct RawGroup {
    rows: u64,
    chunks: Vec<RawChunk>,
}

#[derive(Default)]
struct RawChunk {
    physical: i32,
    codec: i32,
    values: u64,
    data: u64,
    dictionary: u64,
    elsewhere: bool,
    encrypted: bool,
}

fn read_group(thrift: &mut Thrift<&[u8]>) -> Result<RawGroup, Fault> {
    let (mut group, mut last) = (RawGroup { rows: 0, chunks: Vec::new() }, 0);
    while let Some((id, kind)) = thrift.field(&mut last)? {
        match id {
            1 => {
                for _ in 0..thrift.list(Kind::STRUCT)? {
                    group.chunks.push(read_chunk(thrift)?);
                }
            }
            3 => group.rows = thrift.length(kind)?,
            _ => thrift.skip(kind)?,
        }
    }
    Ok(group)
}

fn read_chunk(thrift: &mut Thrift<&[u8]>) -> Result<RawChunk, Fault> {
    let (mut chunk, mut last) = (RawChunk::default(), 0);
    while let Some((id, kind)) = thrift.field(&mut last)? {
        match (id, kind) {
            (3, Kind::STRUCT) => {
                let mut last = 0;
                while let Some((id, kind)) = thrift.field(&mut last)? {
                    match id {
                        1 => chunk.physical = thrift.i32(kind)?,
                        4 => chunk.codec = thrift.i32(kind)?,
                        5 => chunk.values = thrift.length(kind)?,
                        9 => chunk.data = thrift.length(kind)?,
                        11 => chunk.dictionary = thrift.length(kind)?,
                        _ => thrift.skip(kind)?,
                    }
                }
            }
            (1, _) => {
                chunk.elsewhere = true;
                thrift.skip(kind)?;
            }
            (8 | 9, _) => {
                chunk.encrypted = true;
                thrift.skip(kind)?;
            }
            _ => thrift.skip(kind)?,
        }
    }
    Ok(chunk)
}

impl RawGroup {
    /// Keeps the chunks of the columns that can be read. `leaves` holds all fields that have values, in order.
    fn choose(self, leaves: &[Option<Physical>]) -> Result<Group, Fault> {
        if self.chunks.len() != leaves.len() {
            return Err(Fault::DAMAGED);
        }
        let mut chunks = Vec::new();
        for (chunk, leaf) in self.chunks.iter().zip(leaves) {
            let Some(physical) = leaf else {
                continue;
            };
            if chunk.encrypted {
                return Err(Fault::Broken(ENCRYPTED));
            }
            if chunk.elsewhere {
                return Err(Fault::Broken("its rows are in other files; give those"));
            }
            // A column that is in no other has one value for each row, if only nothing.
            if Physical::of(chunk.physical) != Some(*physical) || chunk.values != self.rows {
                return Err(Fault::DAMAGED);
            }
            let dictionary = if chunk.dictionary == 0 { chunk.data } else { chunk.dictionary };
            chunks.push(Chunk { start: chunk.data.min(dictionary), codec: chunk.codec });
        }
        Ok(Group { rows: self.rows, chunks })
    }
}

/// The columns; and all fields with values, with their type if they are columns that can be read.
fn columns(fields: &[Field]) -> Result<(Vec<Column>, Vec<Option<Physical>>), Fault> {
    let (mut columns, mut leaves) = (Vec::new(), Vec::new());
    let mut rest = fields.iter();
    let root = rest.next().ok_or(Fault::DAMAGED)?;
    for _ in 0..root.children {
        let field = rest.next().ok_or(Fault::DAMAGED)?;
        let shape = Shape::of(field);
        columns.push(Column { name: field.name.clone(), shape });
        // The fields inside it, depth first.
        let mut waiting = field.children;
        if field.is_leaf() {
            leaves.push(shape.physical());
        }
        while waiting > 0 {
            let inner = rest.next().ok_or(Fault::DAMAGED)?;
            waiting = (waiting - 1).checked_add(inner.children).ok_or(Fault::DAMAGED)?;
            if inner.is_leaf() {
                leaves.push(None);
            }
        }
    }
    if rest.next().is_some() { Err(Fault::DAMAGED) } else { Ok((columns, leaves)) }
}
