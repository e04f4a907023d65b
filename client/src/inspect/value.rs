//! A value as text: integers in decimal with what they mean, texts quoted and escaped, bytes in hexadecimal.

use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::inspect::{Span, Type, Value};
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::text::escape;

use crate::show::moment;

/// The value of a span in about `room` columns. `before` is the span before it.
pub(super) fn shown(span: &Span<'_>, before: Option<&Span<'_>>, room: usize) -> String {
    match span.value {
        Value::Number(n) => integer(n, span, before),
        Value::Bytes(bytes) if span.ty == Type::Indices => {
            let indices: Vec<String> = bytes.iter().map(u8::to_string).collect();
            indices.join(", ")
        }
        Value::Bytes(_) if span.ty == Type::Labels => "hidden, in the order of the entries".to_owned(),
        Value::Bytes(bytes) => cut(bytes, room),
        Value::Text(line) if span.ty == Type::Line => format!("\"{}\\n\"", line.trim_end_matches('\n')),
        Value::Text(text) => format!("\"{}\"", escape(text, room.saturating_sub(3))),
        Value::Items(1) => "1 item".to_owned(),
        Value::Items(items) => format!("{items} items"),
        Value::Present(present) => if present { "1 present" } else { "0 absent" }.to_owned(),
        Value::Alternative(number, name) => format!("{number} {name}"),
        Value::Block { entries: 1, first, .. } => format!("1 entry, first v = {first}"),
        Value::Block { entries, first, .. } => format!("{entries} entries, first v = {first}"),
    }
}

/// An integer, and what it stands for.
fn integer(n: u64, span: &Span<'_>, before: Option<&Span<'_>>) -> String {
    match (span.path.field(), span.ty) {
        (Some("created" | "issued" | "expires" | "time"), Type::U64) => format!("{n}  {}", moment(n)),
        (Some("scheme"), Type::U8) => match u8::try_from(n).ok().and_then(Scheme::from_byte) {
            Some(scheme) => format!("{n} {scheme}"),
            None => n.to_string(),
        },
        (Some("code"), Type::U16) => code(n).map_or_else(|| n.to_string(), |code| refusal(n, code)),
        (Some("value"), Type::U64) => match before.map(|span| span.value) {
            Some(Value::Number(number)) => code(number).map_or_else(|| n.to_string(), |code| unit(n, code)),
            _ => n.to_string(),
        },
        _ => n.to_string(),
    }
}

fn code(n: u64) -> Option<RefusalCode> {
    u16::try_from(n).ok().map(RefusalCode::from)
}

fn refusal(n: u64, code: RefusalCode) -> String {
    if matches!(code, RefusalCode::Unlisted(_)) {
        format!("{n} is a code that SPEC.md section 19 does not list")
    } else {
        format!("{n} {code:?}: {code}")
    }
}

/// What the number beside a code counts.
fn unit(n: u64, code: RefusalCode) -> String {
    if code == RefusalCode::OverBudget {
        format!("{n} evaluations are missing")
    } else if matches!(code, RefusalCode::RateLimited | RefusalCode::Busy) {
        format!("{n} milliseconds to wait")
    } else {
        n.to_string()
    }
}

/// Bytes in hexadecimal, cut where the room ends.
fn cut(bytes: &[u8], room: usize) -> String {
    if bytes.len() * 2 <= room {
        return hex(bytes);
    }
    format!("{}...", hex(bytes.get(..room.saturating_sub(3) / 2).unwrap_or(bytes)))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use blindlist_protocol::inspect::{Format, inspect};
    use blindlist_protocol::message::Response;
    use blindlist_protocol::refusal::Refusal;

    use super::*;

    /// The values of a response, each in 64 columns.
    fn values(response: &Response) -> Vec<String> {
        let bytes = response.encode();
        let spans = inspect(&bytes, Format::Response).spans;
        spans.iter().zip(std::iter::once(None).chain(spans.iter().map(Some))).map(|(s, b)| shown(s, b, 64)).collect()
    }

    #[test]
    fn a_refusal_is_read_out() {
        let said = |code, value| values(&Response::Refused(Refusal::with(code, value))).split_off(1);
        let budget = ["11 OverBudget: the budget does not allow it", "3 evaluations are missing"];
        assert_eq!(said(RefusalCode::OverBudget, 3), budget);
        assert_eq!(said(RefusalCode::Busy, 1500), ["13 Busy: the server is busy", "1500 milliseconds to wait"]);
        let unlisted = ["99 is a code that SPEC.md section 19 does not list", "7"];
        assert_eq!(said(RefusalCode::Unlisted(99), 7), unlisted);
    }

    #[test]
    fn bytes_are_cut_where_the_room_ends() {
        let shown = |length| values(&Response::Segment(vec![0xab; length])).pop();
        assert_eq!(shown(32), Some("ab".repeat(32)), "an id is never cut");
        assert_eq!(shown(33), Some(format!("{}...", "ab".repeat(30))));
        assert_eq!(shown(0), Some("0 items".to_owned()));
    }
}
