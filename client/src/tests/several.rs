//! One check of several operators.

use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::exit::Code;
use blindlist_transport::TransportError;

use super::insurer::Insurer;
use super::operator::{NOW, Operator, nir, person, run, slug};
use crate::channel::ChannelError;
use crate::check::summary::Status;
use crate::check::{self, Answered, CheckOptions, Padding, Summary};
use crate::profile::Profile;
use crate::{Broken, Caller, ClientError, enroll};

/// Two operators: the list `jan` of the first has the members 1 and 2, `feb` of the second 2 and 3.
struct Desk {
    operators: [Operator; 2],
    insurer: Insurer,
    profiles: [Profile; 2],
}

impl Desk {
    fn new() -> Self {
        let mut first = Operator::named("first", 1);
        let mut second = Operator::named("second", 2);
        first.seal("jan", &[(person(1), 1), (person(2), 1)]);
        second.seal("feb", &[(person(2), 2), (person(3), 4)]);
        let insurer = Insurer::joined(&mut first);
        enroll::enroll(&insurer.path("second"), slug("insurer")).unwrap();
        insurer.join_as(&mut second, "second").unwrap();
        insurer.has(format!("name;nir\na;{}\nb;{}\nc;{}\nd;{}\n", nir(1), nir(2), nir(3), nir(4)));
        let profiles = [insurer.profile(), Profile::open(&insurer.path("second")).unwrap()];
        Self { operators: [first, second], insurer, profiles }
    }

    fn asked(&self) -> Vec<check::Operator<'_, &Operator>> {
        let each = self.profiles.iter().zip(&self.operators);
        each.map(|(profile, operator)| check::Operator { profile, channel: Ok(operator) }).collect()
    }

    fn check(&self, options: &CheckOptions) -> Result<Summary, ClientError> {
        run(check::ask(self.asked(), options, &Caller::nobody(), NOW))
            .and_then(|answered: Answered<'_>| answered.conclude(|| NOW))
    }

    fn spent(&self) -> [u64; 2] {
        self.operators.each_ref().map(Operator::spent)
    }

    fn unfinished(&self) -> [usize; 2] {
        self.profiles.each_ref().map(|profile| profile.jobs().unwrap().unfinished().unwrap().len())
    }
}

#[test]
fn every_affected_member_is_one_row_with_all_that_leaked() {
    let desk = Desk::new();
    let summary = desk.check(&desk.insurer.options()).unwrap();
    assert!(summary.complete && summary.judge().is_ok());
    assert_eq!((summary.affected.rows, summary.affected.people), (3, 3));
    let affected = desk.insurer.text("out/affected.csv");
    let rows: Vec<Vec<&str>> = affected.lines().map(|line| line.split(';').collect()).collect();
    assert_eq!(rows[0][..4], ["name", "nir", "list", "categories"]);
    let told: Vec<[&str; 3]> = rows[1..].iter().map(|row| [row[0], row[2], row[3]]).collect();
    let expected =
        [["a", "first/jan", "nir"], ["b", "first/jan|second/feb", "nir|contract"], ["c", "second/feb", "insurer"]];
    assert_eq!(told, expected);
    assert_eq!((desk.spent(), desk.unfinished()), ([64, 64], [0, 0]));
}

#[test]
fn an_operator_that_is_down_does_not_spoil_the_others_and_is_asked_later() {
    let mut desk = Desk::new();
    desk.operators[1].tamper = Some(Box::new(|request, response| {
        let lost = matches!(request, Request::Evaluate(_));
        if lost { Err(ChannelError::Transport(TransportError::Lost)) } else { Ok(response) }
    }));
    let summary = desk.check(&desk.insurer.options()).unwrap();
    let error = summary.judge().unwrap_err();
    assert!(
        matches!(error, ClientError::Incomplete { missing: 1, resumable: true, .. }) && error.code() == Code::TryAgain,
        "{error}"
    );
    assert_eq!((summary.complete, summary.affected.rows), (false, 2));
    let missing = summary.operators.iter().find(|operator| operator.problem.is_some()).unwrap();
    assert_eq!(missing.operator, "second");
    assert_eq!(desk.unfinished(), [1, 1], "what the first said is needed again");

    desk.operators[1].tamper = None;
    let spent = desk.spent()[0];
    let options = CheckOptions { resume: true, ..desk.insurer.options() };
    let summary = desk.check(&options).unwrap();
    assert_eq!((summary.complete, summary.affected.rows), (true, 3));
    assert_eq!((desk.spent(), desk.unfinished()), ([spent, 64], [0, 0]));
}

#[test]
fn an_operator_that_cannot_be_reached_is_named_with_the_reason() {
    let desk = Desk::new();
    let [first, second] = &desk.profiles;
    let operators = vec![
        check::Operator { profile: first, channel: Err(TransportError::Lost.into()) },
        check::Operator { profile: second, channel: Ok(&desk.operators[1]) },
    ];
    let options = desk.insurer.options();
    let summary = run(check::ask(operators, &options, &Caller::nobody(), NOW)).unwrap().conclude(|| NOW).unwrap();
    assert_eq!(summary.affected.rows, 2);
    let missing = summary.operators.iter().find(|operator| operator.problem.is_some()).unwrap();
    assert_eq!(missing.operator, "first");
    assert_eq!(missing.problem, Some(ClientError::from(TransportError::Lost).to_string()));
}

#[test]
fn an_operator_that_breaks_the_protocol_is_missing_and_alone_it_fails_the_check() {
    let mut desk = Desk::new();
    desk.operators[0].tamper = Some(Box::new(|request, response| {
        let hidden = matches!(request, Request::Checkpoint(_));
        if hidden { Err(ChannelError::Refused(RefusalCode::UnknownObject.into())) } else { Ok(response) }
    }));
    let summary = desk.check(&desk.insurer.options()).unwrap();
    assert_eq!((summary.complete, summary.affected.rows), (false, 2));
    let error = summary.judge().unwrap_err();
    assert!(error.code() == Code::PeerBroke && !error.resumable(), "{error}");
    assert!(!summary.to_string().contains("--resume"), "{summary}");

    desk.operators[1].tamper = Some(Box::new(|_, _| Err(ChannelError::Transport(TransportError::Lost))));
    let error = desk.check(&desk.insurer.options()).unwrap_err();
    assert!(matches!(error, ClientError::Broken(Broken::NoLog(_))), "{error}");
}

/// It is not asked again for ever, and does not make the result incomplete.
#[test]
fn an_operator_without_a_list_is_named_and_is_not_missing() {
    let desk = Desk::new();
    let options = CheckOptions { list: Some(slug("feb")), ..desk.insurer.options() };
    let summary = desk.check(&options).unwrap();
    assert!(summary.complete && summary.judge().is_ok());
    assert_eq!((summary.affected.rows, desk.unfinished()), (2, [0, 0]));
    let first = summary.operators.iter().find(|operator| operator.operator == "first").unwrap();
    assert_eq!(first.status, Status::WithoutList);
    assert!(first.catalog.is_some(), "its claim can be compared");
    let none = CheckOptions { list: Some(slug("march")), ..desk.insurer.options() };
    assert!(matches!(desk.check(&none), Err(ClientError::NoSuchList { .. })));
    assert_eq!(desk.spent(), [0, 64]);
}

#[test]
fn a_check_that_would_be_refused_is_refused_by_its_trial() {
    let desk = Desk::new();
    let trial = |options: &CheckOptions| {
        run(check::estimate(desk.asked(), options, &Caller::nobody(), NOW)).and_then(|estimate| estimate.judge())
    };
    let dear = CheckOptions { padding: Padding::To(2_000_000), ..desk.insurer.options() };
    let short = trial(&dear).unwrap_err();
    assert!(matches!(short, ClientError::TooLittleBudget { .. }) && short.code() == Code::NotAllowed, "{short}");
    desk.insurer.has(format!("nir\nx\n{}\n", nir(1)));
    let rejected = trial(&desk.insurer.options()).unwrap_err();
    assert!(matches!(rejected, ClientError::TooManyRejected { written: None, .. }), "{rejected}");
    trial(&CheckOptions { accept_rejects: true, ..desk.insurer.options() }).unwrap();
    assert!(!desk.insurer.path("out").exists());
}

#[test]
fn padding_hides_how_many_members_there_are() {
    let desk = Desk::new();
    for (padding, elements) in [(Padding::To(100), 128), (Padding::To(3), 64), (Padding::Round, 64)] {
        let before = desk.spent();
        let options = CheckOptions { padding, ..desk.insurer.options() };
        let summary = desk.check(&options).unwrap();
        assert_eq!(desk.spent().map(|spent| spent - before[0]), [elements; 2], "{padding:?}");
        let epoch = &summary.operators[0].epochs[0];
        assert_eq!((epoch.asked, epoch.members, epoch.canaries, epoch.padding), (elements, 4, 4, elements - 8));
        assert_eq!(summary.affected.rows, 3);
    }
}

#[test]
fn what_a_check_would_cost_is_said_and_nothing_is_charged() {
    let desk = Desk::new();
    let options = CheckOptions { padding: Padding::To(1_000), ..desk.insurer.options() };
    let estimate = run(check::estimate(desk.asked(), &options, &Caller::nobody(), NOW)).unwrap();
    assert_eq!((estimate.members.rows, estimate.members.distinct), (4, 4));
    for operator in &estimate.operators {
        assert_eq!((operator.members, operator.charged, operator.padding), (4, 1_024, 1_016));
        assert_eq!(operator.sent_bytes, 1_024 * 32);
        assert!(operator.fetched_bytes > 0 && operator.short == operator.charged.saturating_sub(operator.remaining));
    }
    assert!(estimate.seconds > 0.0 && estimate.absent.is_empty() && !estimate.refused);
    estimate.judge().unwrap();
    assert_eq!((desk.spent(), desk.unfinished()), ([0, 0], [0, 0]));
    assert!(!desk.insurer.path("out").exists());
}
