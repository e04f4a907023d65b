//! Whatever the bytes: no panic, spans without gaps, and the verdict of the programs' own readers.

use super::*;
use crate::codec;
use crate::exchange::Reader;
use crate::fixtures::any::plausible;
use crate::object::open;
use crate::params::{MAX_REQUEST, MAX_RESPONSE};
use crate::signature::VerifyingKey;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as Place, select};
use std::fmt::Debug;

/// Requires that spans lie behind each other without gaps from the start, and do not go beyond the end.
fn assert_without_gaps(inspection: &Inspection<'_>) {
    let mut end = inspection.offset;
    for span in &inspection.spans {
        assert_eq!(span.offset, end, "{span:?}");
        assert!(span.length > 0 || span.ty == Type::Labels, "{span:?}");
        end += span.length;
    }
    let length = inspection.offset + inspection.length;
    match &inspection.failure {
        None => assert_eq!(end, length, "{:?}", inspection.format),
        Some(failure) => assert!(end <= length && failure.offset <= length, "{failure:?}"),
    }
    inspection.inner.iter().for_each(|inner| assert_without_gaps(inner));
}

/// Requires that the tracer and the codec read the same.
fn assert_as_codec<T: serde::de::DeserializeOwned + PartialEq + Debug>(bytes: &[u8], limit: usize) {
    let traced = trace::whole::<T>(bytes, 0, 0).value;
    let decoded = codec::decode::<T>(bytes, limit);
    assert_eq!(traced.ok(), decoded.ok(), "{}", hex::encode(bytes));
}

/// The verdict of the programs' own readers, where one reader gives the whole of it.
fn is_accepted(bytes: &[u8], format: Format) -> Option<bool> {
    fn opens<T: Kind>(bytes: &[u8], signer: impl Fn(&T) -> VerifyingKey) -> bool {
        let Some(body) = bytes.strip_prefix(T::LINE).and_then(|rest| rest.split_last_chunk::<64>()) else {
            return false;
        };
        codec::decode::<T>(body.0, T::LIMIT).is_ok_and(|value| open::<T>(bytes, &signer(&value)).is_ok())
    }
    match format {
        Format::EpochRecord => Some(opens::<EpochRecord>(bytes, |record| record.operator_key)),
        Format::Manifest => Some(opens::<Manifest>(bytes, |manifest| manifest.operator_key)),
        Format::Catalog => Some(opens::<Catalog>(bytes, |catalog| catalog.operator_key)),
        Format::EnrolmentRequest => Some(opens::<EnrolmentRequest>(bytes, |request| request.signing_key)),
        Format::Bundle => Some(opens::<Bundle>(bytes, |bundle| bundle.operator_key)),
        Format::Succession => Some(opens::<Succession>(bytes, |succession| succession.new_key)),
        Format::Index => Some(Index::parse(bytes).and_then(|index| index.verify()).is_ok()),
        Format::Questions => Some(is_exchange::<Questions>(bytes)),
        Format::Answers => Some(is_exchange::<Answers>(bytes)),
        Format::Request | Format::Response => None,
    }
}

fn is_exchange<H: Header>(bytes: &[u8]) -> bool {
    let (mut reader, mut rest) = (Reader::<H>::default(), bytes);
    while !rest.is_empty() {
        if reader.push(&mut rest).is_err() {
            return false;
        }
    }
    reader.finish().is_ok()
}

fn assert_sound(bytes: &[u8], format: Format) {
    let inspection = inspect(bytes, format);
    assert_without_gaps(&inspection);
    assert!(inspection.spans.len() <= bytes.len() + 1, "{} spans", inspection.spans.len());
    if let Some(accepted) = is_accepted(bytes, format) {
        assert_eq!(inspection.complaint().is_none(), accepted, "{:?}", inspection.complaint());
    }
    match format {
        Format::Request => assert_as_codec::<Request>(bytes, MAX_REQUEST),
        Format::Response => assert_as_codec::<Response>(bytes, MAX_RESPONSE),
        Format::EpochRecord
        | Format::Manifest
        | Format::Catalog
        | Format::EnrolmentRequest
        | Format::Bundle
        | Format::Succession
        | Format::Index
        | Format::Questions
        | Format::Answers => {}
    }
}

#[test]
fn every_truncation_is_explained() {
    for (format, bytes) in good() {
        // The blocks of an index are long and all alike.
        for length in (0..bytes.len()).filter(|length| *length < 600 || length % 97 == 0) {
            let cut = &bytes[..length];
            assert_sound(cut, format);
            assert!(inspect(cut, format).failure.is_some(), "{format} of {length} bytes");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_explained(bytes in prop_oneof![vec(any::<u8>(), 0..300), plausible()]) {
        for format in Format::ALL {
            assert_sound(&bytes, format);
            let line = format.line().unwrap_or_default();
            assert_sound(&[line, &bytes].concat(), format);
        }
        let _ = inspect_any(&bytes);
    }

    #[test]
    fn any_damage_is_explained(
        (format, good) in select(good()),
        damage in vec((any::<Place>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = good;
        for (place, with) in damage {
            let place = place.index(bytes.len());
            bytes[place] = with;
        }
        assert_sound(&bytes, format);
    }

    #[test]
    fn any_body_is_read_as_the_codec_reads_it(
        place in any::<Place>(),
        with in any::<u8>(),
        cut in any::<Place>(),
    ) {
        for (format, bytes) in good() {
            let Some(body) = format.line().and_then(|line| bytes.strip_prefix(line)) else { continue };
            let mut body = body[..body.len() - 64].to_vec();
            let place = place.index(body.len());
            body[place] = with;
            for body in [&body[..], &body[..cut.index(body.len())]] {
                match format {
                    Format::EpochRecord => assert_as_codec::<EpochRecord>(body, MAX_RESPONSE),
                    Format::Manifest => assert_as_codec::<Manifest>(body, MAX_RESPONSE),
                    Format::Catalog => assert_as_codec::<Catalog>(body, MAX_RESPONSE),
                    Format::EnrolmentRequest => assert_as_codec::<EnrolmentRequest>(body, MAX_RESPONSE),
                    Format::Bundle => assert_as_codec::<Bundle>(body, MAX_RESPONSE),
                    Format::Succession => assert_as_codec::<Succession>(body, MAX_RESPONSE),
                    Format::Index | Format::Request | Format::Response => {}
                    Format::Questions | Format::Answers => {}
                }
            }
        }
    }
}
