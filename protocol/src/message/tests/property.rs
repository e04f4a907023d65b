//! Arbitrary messages and arbitrary bytes.

use super::*;
use crate::fixtures::any as some;
use proptest::collection::vec;
use proptest::prelude::*;

fn request() -> impl Strategy<Value = Request> {
    let fields = (
        some::epoch_id(),
        some::holders(),
        some::job_id(),
        any::<u32>(),
        vec(some::element(), 0..20),
        some::signature(),
    );
    let evaluate = fields.prop_map(|(epoch, holders, job, number, elements, signature)| {
        Request::Evaluate(Evaluate { epoch, holders, job, number, elements, signature })
    });
    prop_oneof![
        Just(Request::Catalog),
        some::digest().prop_map(Request::Object),
        (some::release_id(), any::<u32>()).prop_map(|(release, number)| Request::Segment { release, number }),
        some::epoch_id().prop_map(Request::Account),
        evaluate,
        some::ledger_id().prop_map(Request::Checkpoint),
        (some::ledger_id(), any::<(u64, u64)>()).prop_map(|(ledger, (from, to))| Request::Consistency {
            ledger,
            from,
            to
        }),
        (some::ledger_id(), any::<(u64, u64)>()).prop_map(|(ledger, (index, size))| Request::Inclusion {
            ledger,
            index,
            size
        }),
        some::verifying_key().prop_map(Request::Succession),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let bytes = || vec(any::<u8>(), 0..200);
    let account = || any::<(u64, u64)>().prop_map(|(granted, spent)| Account { granted, spent });
    let receipt = (any::<u64>(), vec(any::<u8>(), 0..=MAX_AUDIT_ENTRY), some::signature())
        .prop_map(|(index, entry, signature)| Receipt { index, entry, signature });
    let evaluated = (vec(some::element(), 0..20), some::proof(), account(), receipt)
        .prop_map(|(elements, proof, account, receipt)| Evaluated { elements, proof, account, receipt });
    prop_oneof![
        bytes().prop_map(Response::Catalog),
        bytes().prop_map(Response::Object),
        bytes().prop_map(Response::Segment),
        account().prop_map(Response::Account),
        evaluated.prop_map(Response::Evaluated),
        any::<(u16, u64)>().prop_map(|(code, value)| Response::Refused(Refusal::with(code.into(), value))),
        (some::ledger_id(), any::<(u64, u64)>(), some::digest(), some::signature()).prop_map(
            |(ledger, (size, time), root, signature)| {
                Response::Checkpoint(Checkpoint { ledger, size, root, time, signature })
            }
        ),
        vec(some::digest(), 0..20).prop_map(Response::Path),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(request in request()) {
        prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
    }

    #[test]
    fn responses_come_back(response in response()) {
        prop_assert_eq!(Response::decode(&response.encode()), Ok(response));
    }

    #[test]
    fn different_messages_have_different_bytes(one in request(), other in request()) {
        prop_assert_eq!(one == other, one.encode() == other.encode());
    }

    #[test]
    fn whatever_decodes_has_those_bytes_as_its_encoding(bytes in prop_oneof![some::plausible(), vec(any::<u8>(), 0..300)]) {
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert_eq!(request.encode(), bytes.clone());
        }
        if let Ok(response) = Response::decode(&bytes) {
            prop_assert_eq!(response.encode(), bytes);
        }
    }

    #[test]
    fn a_damaged_message_is_refused_or_another(
        request in request(),
        response in response(),
        place in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut bytes = request.encode();
        let at = place.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(other) = Request::decode(&bytes) {
            prop_assert_ne!(&other, &request);
            prop_assert_eq!(other.encode(), bytes);
        }
        let mut bytes = response.encode();
        let at = place.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(other) = Response::decode(&bytes) {
            prop_assert_ne!(&other, &response);
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}
