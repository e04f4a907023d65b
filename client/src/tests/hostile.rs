//! Operators that lie: nothing is written on the strength of what they say.

use blindlist_protocol::catalog::audience_tag;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::InsurerId;
use blindlist_protocol::live::LiveError;
use blindlist_protocol::manifest::ReleaseError;
use blindlist_protocol::matching::MatchError;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::oprf::Element;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::exit::Code;

use super::operator::{Insurer, NOW, Operator, Tamper, nir, person};
use crate::channel::ChannelError;
use crate::{Broken, ClientError};

const PEOPLE: u32 = 40;

fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    let people: Vec<(Identifier, u64)> = (0..PEOPLE).map(|n| (person(n), 0b11)).collect();
    operator.seal("leak", &people);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n", nir(1), nir(900)));
    (operator, insurer)
}

/// Changes answers to chunks.
fn evaluated(change: impl Fn(&mut Vec<Element>, &mut [u8; 64]) + Send + Sync + 'static) -> Option<Tamper> {
    Some(Box::new(move |_, mut response| {
        if let Response::Evaluated(evaluated) = &mut response {
            let mut proof = *evaluated.proof.as_bytes();
            change(&mut evaluated.elements, &mut proof);
            evaluated.proof = blindlist_protocol::oprf::Proof::from_bytes(proof);
        }
        Ok(response)
    }))
}

/// The check must fail for a breach of the protocol and leave no result.
fn assert_broken(operator: &Operator, insurer: &Insurer) -> Broken {
    let error = insurer.check(operator).unwrap_err();
    assert_eq!(error.code(), Code::PeerBroke, "{error}");
    assert!(insurer.has_no_result());
    let ClientError::Broken(broken) = error else {
        panic!("{error}");
    };
    broken
}

/// [JOB-3], [PRF-1]
#[test]
fn a_tampered_proof_is_not_accepted_and_not_kept() {
    let (mut operator, insurer) = setting();
    operator.tamper = evaluated(|_, proof| proof[5] ^= 1);
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Answer { number: 0, .. }));
    operator.tamper = None;
    operator.take_asked();
    assert_eq!(insurer.resume(&operator).unwrap().affected.rows, 1);
    assert_eq!((operator.take_asked(), operator.spent()), (vec![0], 64), "asked again, charged once");
}

/// [PRF-1]
#[test]
fn wrong_elements_are_not_accepted() {
    let (mut operator, insurer) = setting();
    operator.tamper = evaluated(|elements, _| elements.swap(0, 1));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Answer { .. }));
    operator.tamper = evaluated(|elements, _| elements.truncate(63));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Answer { .. }));
    operator.tamper = evaluated(|elements, _| elements.push(Element::from_bytes([0; 32])));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Answer { .. }));
    operator.tamper = evaluated(|elements, _| elements[3] = Element::from_bytes([0xff; 32]));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Answer { .. }));
}

/// [MAN-5]
#[test]
fn a_tampered_segment_is_not_kept() {
    let (mut operator, insurer) = setting();
    operator.tamper = Some(Box::new(|_, mut response| {
        if let Response::Segment(bytes) = &mut response {
            bytes[100] ^= 1;
        }
        Ok(response)
    }));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Release { source: ReleaseError::Segment(0), .. }));
    assert_eq!(std::fs::read_dir(insurer.path("profile/indexes")).unwrap().count(), 0);
    assert_eq!(operator.spent(), 0, "nothing is asked when the index is wrong");
    operator.tamper = Some(Box::new(|_, mut response| {
        if let Response::Segment(bytes) = &mut response {
            bytes.push(0);
        }
        Ok(response)
    }));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Release { source: ReleaseError::Segment(_), .. }));
}

/// [IDX-6], [MAT-1]
#[test]
fn a_damaged_index_in_the_profile_is_fetched_again() {
    let (operator, insurer) = setting();
    insurer.check(&operator).unwrap();
    let index = std::fs::read_dir(insurer.path("profile/indexes")).unwrap().next().unwrap().unwrap().path();
    let good = insurer.read(&index);
    for bad in [&good[..50], &[], &[&good[..], b"x"].concat()] {
        std::fs::write(&index, bad).unwrap();
        assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
        assert_eq!(insurer.read(&index).get(..good.len()), Some(&good[..]));
    }
}

/// [MAT-1]
#[test]
fn an_index_that_is_signed_but_malformed_is_never_used() {
    let (mut operator, insurer) = setting();
    // The padding behind the only block, before the directory and the labels of one byte.
    operator.damage("leak", |bytes| {
        let end = bytes.len() - (PEOPLE as usize + 4) - 8;
        bytes[end - 1] ^= 0x81;
    });
    for _ in 0..2 {
        assert!(matches!(assert_broken(&operator, &insurer), Broken::Release { source: ReleaseError::Index(_), .. }));
    }
    operator.damage("leak", |bytes| bytes[18] ^= 1);
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Release { source: ReleaseError::OtherIndex, .. }));
    assert_eq!(operator.spent(), 0);
}

/// [CAN-2]
#[test]
fn a_canary_that_is_missing_or_mislabelled_fails_the_check() {
    for change in 0..2 {
        let mut operator = Operator::new(1);
        operator.seal_with("leak", &[(person(1), 1)], |entries| match change {
            0 => drop(entries.remove(2)),
            _ => entries[1].1 = entries[0].1,
        });
        let insurer = Insurer::joined(&mut operator);
        insurer.has(format!("nir\n{}\n", nir(1)));
        assert!(matches!(assert_broken(&operator, &insurer), Broken::Match { source: MatchError::Canary(_), .. }));
        assert_eq!(insurer.unfinished(), 1);
    }
}

/// [CAT-2], [CAT-3]
#[test]
fn catalogs_do_not_go_back_fork_or_outlive_themselves() {
    let (mut operator, insurer) = setting();
    operator.catalog.sequence = 7;
    insurer.refresh(&operator, NOW).unwrap();
    insurer.refresh(&operator, NOW + 999).unwrap();
    let error = insurer.refresh(&operator, NOW + 1_000).unwrap_err();
    assert!(matches!(error, ClientError::CatalogExpired(_)), "{error}");
    assert_eq!(error.code(), Code::TryAgain);

    operator.catalog.sequence = 6;
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::LowerSequence { found: 6, seen: 7 })));
    operator.catalog.sequence = 7;
    operator.catalog.expires += 1;
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::TwoCatalogs(7))));
    operator.catalog.sequence = 8;
    insurer.refresh(&operator, NOW).unwrap();
}

/// [OBJ-2]
#[test]
fn another_operators_objects_are_not_accepted() {
    let (_, insurer) = setting();
    let mut impostor = Operator::new(2);
    impostor.seal("leak", &[(person(1), 1)]);
    assert!(matches!(assert_broken(&impostor, &insurer), Broken::NotSucceeded(_)));

    // Signed by the pinned key, but about another one.
    let (mut operator, insurer) = setting();
    operator.catalog.operator_key = impostor.key.verifying();
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::Object { what: "the catalog", .. })));
}

/// [OBJ-4]
#[test]
fn only_the_object_asked_for_is_accepted() {
    let (mut operator, insurer) = setting();
    let other = super::operator::run(crate::channel::object(&operator, operator.catalog.epochs[0])).unwrap();
    operator.tamper = Some(Box::new(move |request, response| {
        let swap = matches!(request, Request::Object(_));
        Ok(if swap { Response::Object(other.clone()) } else { response })
    }));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::OtherObject(_))));
}

/// [MSG-1]
#[test]
fn an_answer_to_another_question_is_a_breach() {
    let (mut operator, insurer) = setting();
    operator.tamper = Some(Box::new(|request, response| {
        let swap = matches!(request, Request::Account(_));
        Ok(if swap { Response::Segment(vec![]) } else { response })
    }));
    let error = insurer.check(&operator).unwrap_err();
    assert!(matches!(error, ClientError::Channel(ChannelError::Unexpected { .. })), "{error}");
    assert_eq!(error.code(), Code::PeerBroke);
}

/// [CAT-5]
#[test]
fn nothing_that_the_catalog_addresses_to_us_may_be_hidden() {
    for place in 0..2 {
        let (mut operator, insurer) = setting();
        let hidden = [operator.catalog.epochs[0], operator.catalog.manifests[0].manifest][place];
        operator.tamper = Some(Box::new(move |request, response| match request {
            Request::Object(digest) if *digest == hidden => {
                Err(ChannelError::Refused(RefusalCode::UnknownObject.into()))
            }
            Request::Catalog
            | Request::Object(_)
            | Request::Segment { .. }
            | Request::Account(_)
            | Request::Evaluate(_)
            | Request::Checkpoint(_)
            | Request::Consistency { .. }
            | Request::Inclusion { .. }
            | Request::Succession(_) => Ok(response),
        }));
        assert!(
            matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::Hidden(digest)) if digest == hidden)
        );
    }
}

#[test]
fn what_the_catalog_addresses_to_others_is_not_asked_for() {
    let (mut operator, insurer) = setting();
    operator.seal("theirs", &[(person(1), 1)]);
    let theirs = operator.listed("theirs");
    theirs.audience.push(audience_tag(&theirs.manifest, &InsurerId::from_bytes([9; 16])));
    let live = insurer.refresh(&operator, NOW).unwrap();
    assert_eq!(live.releases.len(), 1);
    assert_eq!(live.releases[0].manifest.list.as_str(), "leak");
}

/// [CAT-6]
#[test]
fn the_audiences_of_catalog_and_manifest_agree() {
    let (mut operator, insurer) = setting();
    let mut manifest = operator.manifest("leak");
    manifest.audience.push("another".parse().unwrap());
    operator.catalog.manifests.clear();
    operator.publish(&manifest);
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::NotAddressed(_))));
}

/// [CAT-4]: the client checks what the operator must not do.
#[test]
fn a_list_has_one_live_release() {
    let (mut operator, insurer) = setting();
    let mut manifest = operator.manifest("leak");
    manifest.created += 1;
    operator.publish(&manifest);
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::TwoReleases(_))));
    // Nor do two lists share a release id.
    operator.catalog.manifests.pop();
    operator.catalog.manifests.clear();
    let first = operator.manifest("leak");
    operator.publish(&first);
    manifest.list = "other".parse().unwrap();
    operator.publish(&manifest);
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::TwoReleases(_))));
}

/// [LAB-2]
#[test]
fn a_label_that_makes_no_sense_fails_the_check() {
    let mut operator = Operator::new(1);
    operator.seal_raw("leak", &[(person(1), 0b1000)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n", nir(1)));
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Match { source: MatchError::Label(_), .. }));
    // Whoever is not a member is never looked at.
    insurer.has(format!("nir\n{}\n", nir(2)));
    insurer.check(&operator).unwrap();
}

/// [MAT-3]: what is sent is the same, whatever is found.
#[test]
fn a_failing_look_up_shows_in_nothing_that_was_sent() {
    let sent = |bits| {
        let mut operator = Operator::new(1);
        operator.seal_raw("leak", &[(person(1), bits)]);
        let insurer = Insurer::joined(&mut operator);
        insurer.has(format!("nir\n{}\n", nir(1)));
        let concluded = insurer.check(&operator).is_ok();
        (concluded, operator.take_sent())
    };
    let (good, bad) = (sent(0b1), sent(0b1000));
    assert_eq!((good.0, bad.0), (true, false));
    assert_eq!(good.1, bad.1);
}

/// [IDX-7]: an index is asked for whole, segment by segment, whoever the members are and whatever is found.
#[test]
fn the_whole_index_is_fetched_whoever_the_members_are() {
    let asked = |member: u32| {
        let mut operator = Operator::new(1);
        operator.seal_many("leak", &[(person(1), 1)], 200_000);
        let insurer = Insurer::joined(&mut operator);
        insurer.has(format!("nir\n{}\n", nir(member)));
        insurer.check(&operator).unwrap();
        let mut segments = operator.take_sent();
        segments.retain(|request| request.starts_with("Segment"));
        segments
    };
    let segments = asked(1);
    assert_eq!(segments.len(), 2, "{segments:?}");
    for (number, segment) in segments.iter().enumerate() {
        assert!(segment.ends_with(&format!("number: {number} }}")), "{segment}");
    }
    assert_eq!(asked(900), segments);
}

/// [TEXT-2]: the title of a list comes from the operator.
#[test]
fn a_title_stands_in_no_table_that_a_spreadsheet_computes() {
    let (mut operator, insurer) = setting();
    let mut manifest = operator.manifest("leak");
    manifest.title = "=HYPERLINK(\"x\")".parse().unwrap();
    operator.catalog.manifests.clear();
    operator.publish(&manifest);
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
    for file in ["out/affected.csv", "out/rejected.csv"] {
        assert!(!insurer.text(file).contains("HYPERLINK"), "{file}");
    }
    assert!(insurer.text("out/summary.json").contains("\"=HYPERLINK(\\\"x\\\")\""));
}

/// [MAN-4]
#[test]
fn a_live_epoch_is_needed() {
    let (mut operator, insurer) = setting();
    operator.catalog.epochs.clear();
    assert!(matches!(assert_broken(&operator, &insurer), Broken::Live(LiveError::NoEpoch(_))));
}
