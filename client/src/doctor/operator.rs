//! What the operator's server says: whether it lets the insurer in, what is live, what time it is there, what is left of the
//! budget.

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::live::Live;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::exit::Code;

use super::network::refused;
use super::report::Report;
use crate::channel::{self, Channel};
use crate::profile::{Enrolled, Profile};
use crate::show::{moment, number};
use crate::{Caller, ClientError, live};

/// Seconds by which two clocks may differ without anybody minding.
const CLOSE: u64 = 120;

/// Asks what any check asks first. How many bytes of indexes are not in the profile.
pub(crate) async fn examine(
    profile: &Profile,
    enrolled: &Enrolled,
    channel: &impl Channel,
    now: u64,
    report: &mut Report,
    caller: &Caller,
) -> Result<u64, ClientError> {
    let live = match live::refresh(profile, enrolled, channel, caller, now).await {
        Ok(live) => live,
        Err(error) => {
            match refused(&error) {
                Some(finding) => report.add(finding),
                None => report.broken("catalog", &error, advice(&error)),
            }
            return Ok(0);
        }
    };
    report.fine("admission", format!("let in as {}", enrolled.bundle().insurer));
    let lists: Vec<&str> = live.releases.iter().map(|release| release.manifest.list.as_str()).collect();
    if lists.is_empty() {
        let advice = "there is nothing to check against: ask the operator";
        report.problem("lists", "no list is live for this insurer".to_owned(), advice, Code::Failure);
    } else {
        report.fine("lists", format!("live: {}", lists.join(", ")));
    }
    clock(channel, &live, now, report).await;
    budget(channel, &live, report).await;
    let mut missing = 0;
    for release in &live.releases {
        let here = profile.index_path(&release.manifest)?.exists();
        missing += if here { 0 } else { release.manifest.index_length };
    }
    Ok(missing)
}

fn advice(error: &ClientError) -> &'static str {
    match error.code() {
        Code::PeerBroke => "do not check with this operator until it has explained that; keep the profile as it is",
        Code::TryAgain => "check this computer's clock; if it is right, ask the operator to seal again",
        Code::Done
        | Code::Failure
        | Code::Usage
        | Code::BadInput
        | Code::Unreachable
        | Code::NotAllowed
        | Code::Interrupted => "try again; if it stays, tell the operator",
    }
}

/// Compares the clocks, by a checkpoint that the server signs now, or at least by the catalog.
async fn clock(channel: &impl Channel, live: &Live, now: u64, report: &mut Report) {
    let mut there = None;
    for epoch in live.epochs.values() {
        for holder in &epoch.record().holders {
            let checkpoint = channel::checkpoint(channel, holder.ledger).await;
            let verified = |checkpoint: &Checkpoint| checkpoint.verify(&holder.receipt_key).is_ok();
            there = there.or_else(|| checkpoint.ok().filter(verified).map(|checkpoint| checkpoint.time));
        }
    }
    judge_clock(there, live.catalog.issued, now, report);
}

/// Holds this computer's clock against the server's, and the time at which the catalog was signed.
fn judge_clock(there: Option<u64>, issued: u64, now: u64, report: &mut Report) {
    const ADVICE: &str = "set this computer's clock right (NTP); if it is right, tell the operator";
    let behind_catalog = issued.saturating_sub(now);
    match there.map(|there| (there, there.abs_diff(now))) {
        Some((there, apart)) if apart > CLOSE => {
            let found =
                format!("it says {}, the server's {}: {} seconds apart", moment(now), moment(there), number(apart));
            report.warning("clock", found, ADVICE);
        }
        None if behind_catalog > CLOSE => {
            let found = format!("it says {}, and the catalog was signed at {}", moment(now), moment(issued));
            report.warning("clock", found, ADVICE);
        }
        Some((_, apart)) => report.fine("clock", format!("within {apart} seconds of the server's")),
        None => report.fine("clock", format!("{}, after the catalog was signed", moment(now))),
    }
}

/// Looks at what is left in every epoch.
async fn budget(channel: &impl Channel, live: &Live, report: &mut Report) {
    const ADVICE: &str = "ask the operator to raise it with `blindlistd insurer set-budget`";
    for id in live.epochs.keys() {
        let epoch: String = id.to_string().chars().take(8).collect();
        match channel::account(channel, *id).await {
            Ok(account) => {
                let (left, granted) = (account.remaining(), account.granted);
                let found = format!("{} of {} evaluations left in epoch {epoch}", number(left), number(granted));
                match left {
                    0 => report.problem("budget", found, ADVICE, Code::NotAllowed),
                    left if left < granted / 10 => report.warning("budget", found, ADVICE),
                    _ => report.fine("budget", found),
                }
            }
            // A live epoch may be another server's.
            Err(error) if error.is_refusal(RefusalCode::UnknownEpoch) => {}
            Err(error) => report.broken("budget", &error.into(), "try again; if it stays, tell the operator"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_by_the_server_or_by_the_catalog() {
        let judged = |there, issued| {
            let mut report = Report::default();
            judge_clock(there, issued, 10_000, &mut report);
            report.findings().first().map(|finding| finding.state)
        };
        assert_eq!(judged(Some(10_060), 9_000), Some(State::Ok));
        assert_eq!(judged(Some(10_200), 9_000), Some(State::Warning));
        assert_eq!(judged(Some(9_700), 9_000), Some(State::Warning));
        assert_eq!(judged(None, 9_000), Some(State::Ok));
        assert_eq!(judged(None, 11_000), Some(State::Warning));
    }
}
