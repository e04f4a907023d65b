//! What `doctor` finds at an operator.

use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_store::exit::Code;

use super::operator::{Insurer, NOW, Operator, person, run};
use crate::Caller;
use crate::channel::ChannelError;
use crate::doctor::operator::examine;
use crate::doctor::{Report, State};

fn examined(insurer: &Insurer, operator: &Operator, now: u64) -> (u64, Report) {
    let profile = insurer.profile();
    let (enrolled, mut report) = (profile.enrolled().unwrap(), Report::default());
    let caller = Caller::nobody();
    let examined = examine(&profile, &enrolled, operator, now, &mut report, &caller);
    (run(examined).unwrap(), report)
}

fn state(report: &Report, subject: &str) -> (State, Code) {
    let finding = report.findings().iter().find(|finding| finding.subject == subject);
    let finding = finding.unwrap_or_else(|| panic!("{subject}: {report}"));
    assert_eq!(finding.advice.is_some(), finding.state != State::Ok, "{subject}");
    (finding.state, finding.code)
}

#[test]
fn an_operator_that_is_well_is_found_so_and_nothing_is_charged() {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 1)]);
    let insurer = Insurer::joined(&mut operator);
    let (missing, report) = examined(&insurer, &operator, NOW);
    for subject in ["admission", "lists", "budget", "clock"] {
        assert_eq!(state(&report, subject), (State::Ok, Code::Done), "{subject}");
    }
    assert_eq!(missing, operator.manifest("leak").index_length);
    assert_eq!(operator.spent(), 0);
}

#[test]
fn whoever_is_not_let_in_is_told_whom_to_ask() {
    for (code, words) in [(RefusalCode::UnknownInsurer, "not approved"), (RefusalCode::Suspended, "suspended")] {
        let mut operator = Operator::new(1);
        let insurer = Insurer::joined(&mut operator);
        operator.tamper = Some(Box::new(move |_, _| Err(ChannelError::Refused(Refusal::from(code)))));
        let (_, report) = examined(&insurer, &operator, NOW);
        assert_eq!(state(&report, "admission"), (State::Problem, Code::NotAllowed));
        assert!(report.to_string().contains(words), "{report}");
    }
}

#[test]
fn a_spent_budget_no_list_and_an_old_catalog_are_problems() {
    let mut operator = Operator::new(1);
    operator.granted = 0;
    let insurer = Insurer::joined(&mut operator);
    let (_, report) = examined(&insurer, &operator, NOW);
    assert_eq!(state(&report, "lists"), (State::Problem, Code::Failure));
    assert_eq!(state(&report, "budget"), (State::Problem, Code::NotAllowed));
    let (_, report) = examined(&insurer, &operator, NOW + 10_000);
    assert_eq!(state(&report, "catalog"), (State::Problem, Code::TryAgain));
}

#[test]
fn a_server_without_a_log_is_no_matter_for_the_clock() {
    let mut operator = Operator::new(1);
    let insurer = Insurer::joined(&mut operator);
    operator.tamper = Some(Box::new(|request, response| {
        let refused = matches!(request, Request::Checkpoint(_));
        if refused { Err(ChannelError::Refused(RefusalCode::UnknownObject.into())) } else { Ok(response) }
    }));
    let (_, report) = examined(&insurer, &operator, NOW);
    assert_eq!(state(&report, "clock"), (State::Ok, Code::Done));
}
