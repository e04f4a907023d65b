//! What `check --dry-run` shows.

use std::fmt;
use std::time::Duration;

use blindlist_store::text;

use crate::check::{Estimate, OperatorEstimate};
use crate::show::{bytes, duration, number};

/// The most reasons that are shown.
const REASONS: usize = 5;

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = &self.members;
        let (rows, distinct) = (number(members.rows), number(members.distinct));
        writeln!(f, "members   {rows} rows, {distinct} distinct people, {} rows rejected", number(members.rejected))?;
        for reason in members.rejected_by_reason.iter().take(REASONS) {
            writeln!(f, "            {} in {}: {}", number(reason.rows), reason.column, reason.reason)?;
        }
        for operator in &self.operators {
            write!(f, "\n{operator}")?;
        }
        for absent in &self.absent {
            let problem = absent.problem.as_deref().unwrap_or_default();
            writeln!(f, "\noperator  {}: {}", absent.operator, text::escape(problem, 1_000))?;
        }
        let time = Duration::try_from_secs_f64(self.seconds.ceil().max(1.0)).unwrap_or(Duration::MAX);
        writeln!(f, "\ntime      about {} on this computer, if the servers and the network keep up", duration(time))?;
        f.write_str("\nnothing was sent but questions for the lists and the budget, and nothing was charged\n")
    }
}

impl fmt::Display for OperatorEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "operator  {}, lists {}", self.operator, self.lists.join(", "))?;
        write!(f, "cost      {} of the {} evaluations left", number(self.charged), number(self.remaining))?;
        writeln!(f, " ({} members, {} padding)", number(self.members), number(self.padding))?;
        if self.short > 0 {
            writeln!(f, "          TOO MANY by {}: ask the operator to raise the budget", number(self.short))?;
        }
        if self.remembered > 0 {
            writeln!(f, "saved     {} members are remembered and cost nothing", number(self.remembered))?;
        }
        writeln!(f, "sent      {}, and as much received", bytes(self.sent_bytes))?;
        writeln!(f, "fetched   {} of lists", bytes(self.fetched_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_would_cost_is_shown() {
        let mut operator = OperatorEstimate {
            operator: "acme".to_owned(),
            lists: vec!["leak".to_owned(), "other".to_owned()],
            members: 9_000,
            remembered: 0,
            charged: 9_024,
            padding: 20,
            remaining: 10_000,
            short: 0,
            fetched_bytes: 0,
            sent_bytes: 9_024 * 32,
        };
        let shown = operator.to_string();
        assert!(
            shown.contains("cost      9,024 of the 10,000 evaluations left (9,000 members, 20 padding)\n"),
            "{shown}"
        );
        assert!(!shown.contains("TOO MANY") && !shown.contains("saved"), "{shown}");
        (operator.short, operator.remembered) = (5, 7);
        let shown = operator.to_string();
        assert!(shown.contains("TOO MANY by 5") && shown.contains("saved     7 members"), "{shown}");
    }
}
