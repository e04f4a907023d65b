//! Exchange files (SPEC.md, "Exchange files"): header and frames. Of the message in a frame only the alternative is shown:
//! a file has millions of elements.

use super::{Failure, Inspection, Part, Path, Problem, Type, Value, Verdict, trace};
use crate::exchange::{Header, Reader};
use crate::object;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Bytes of a frame's length.
const LENGTH: u64 = 4;
/// Bytes of the signature.
const SIGNATURE: usize = 64;
/// The section that defines them, and that of the messages in them.
const SECTIONS: (u8, u8) = (25, 18);

/// What is left to read, and where it stands.
struct Rest<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl<'a> Rest<'a> {
    /// The next bytes, or what to say when there are not as many.
    fn take(&mut self, needed: u64, path: &Path) -> Result<&'a [u8], Failure> {
        let left = self.bytes.len() as u64;
        let split = usize::try_from(needed).ok().and_then(|needed| self.bytes.split_at_checked(needed));
        let Some((taken, rest)) = split else {
            let problem = Problem::CutShort { needed, left };
            return Err(Failure { offset: self.at, path: path.clone(), problem, section: SECTIONS.0 });
        };
        (self.bytes, self.at) = (rest, self.at + needed);
        Ok(taken)
    }
}

/// Reads a file whose frames have so many bytes before their message, signed by whom `signer` says.
pub(super) fn read<'a, H: Header>(bytes: &'a [u8], before: u64, signer: &str, inspection: &mut Inspection<'a>)
where
    H::Message: DeserializeOwned,
{
    let Some(rest) = inspection.line(bytes) else { return };
    let at = inspection.offset + (bytes.len() - rest.len()) as u64;
    let mut kinds = BTreeMap::new();
    if let Err(failure) = parts::<H>(Rest { bytes: rest, at }, before, &mut kinds, inspection) {
        inspection.failure = Some(failure);
        return;
    }
    inspection.find("digest", Verdict::Fact, format!("{} of the file", object::digest(bytes)));
    let counts: Vec<String> = kinds.iter().map(|(name, count)| format!("{count} {name}")).collect();
    inspection.find("messages", Verdict::Fact, if counts.is_empty() { "none".to_owned() } else { counts.join(", ") });
    let (mut reader, mut rest) = (Reader::<H>::default(), bytes);
    let mut read = Ok(());
    while read.is_ok() && !rest.is_empty() {
        read = reader.push(&mut rest).map(|_| ());
    }
    match read.and_then(|()| reader.finish().map(|_| ())) {
        Ok(()) => {
            inspection.find("rules", Verdict::Holds, "those of SPEC.md section 25 that need nothing but the file");
        }
        Err(error) => inspection.find("rules", Verdict::Fails, format!("{error} (SPEC.md section 25, EXC-1)")),
    }
    inspection.find("signature", Verdict::Open, format!("it is verified with {signer}"));
}

fn parts<'a, H: Header>(
    mut rest: Rest<'a>,
    before: u64,
    kinds: &mut BTreeMap<&'static str, u64>,
    inspection: &mut Inspection<'a>,
) -> Result<(), Failure>
where
    H::Message: DeserializeOwned,
{
    let length = length(&mut rest, vec![Part::Field("header")], inspection)?;
    let base = rest.at;
    let header = rest.take(length, &Path::of("header"))?;
    let traced = trace::whole::<H>(header, base, SECTIONS.0);
    inspection.spans.extend(traced.spans);
    traced.value?;
    for number in 0.. {
        let of_frame = vec![Part::Field("frames"), Part::Item(number)];
        let length = self::length(&mut rest, of_frame.clone(), inspection)?;
        if length == 0 {
            break;
        }
        let path = |name| Path([&of_frame[..], &[Part::Field(name)]].concat());
        let mut content = Rest { at: rest.at, bytes: rest.take(length, &Path(of_frame.clone()))? };
        if before > 0 {
            let (at, path) = (content.at, path("question"));
            let question = content.take(before, &path)?;
            inspection.push(at, before, path, Type::Array(before), Value::Bytes(question));
        }
        let traced = trace::whole::<H::Message>(content.bytes, content.at, SECTIONS.1);
        traced.value?;
        if let Some(first) = traced.spans.first() {
            if let Value::Alternative(_, name) = first.value {
                *kinds.entry(name).or_default() += 1;
            }
            inspection.push(content.at, content.bytes.len() as u64, path("message"), first.ty, first.value);
        }
    }
    let (at, path) = (rest.at, Path::of("signature"));
    let signature = rest.take(SIGNATURE as u64, &path)?;
    inspection.push(at, SIGNATURE as u64, path, Type::Signature, Value::Bytes(signature));
    match rest.bytes.len() as u64 {
        0 => Ok(()),
        left => {
            let problem = Problem::LeftOver(left);
            Err(Failure { offset: rest.at, path: Path::default(), problem, section: SECTIONS.0 })
        }
    }
}

/// The length of what is called so, with its span.
fn length(rest: &mut Rest<'_>, mut of: Vec<Part>, inspection: &mut Inspection<'_>) -> Result<u64, Failure> {
    of.push(Part::Field("length"));
    let (at, path) = (rest.at, Path(of));
    let bytes = rest.take(LENGTH, &path)?;
    let length = bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    inspection.push(at, LENGTH, path, Type::U32, Value::Number(length));
    Ok(length)
}
