//! The summary on the terminal.

use std::fmt;

use blindlist_store::text;

use super::{CatalogSummary, ListSummary, OperatorSummary, Status, Summary};
use crate::show::number;

/// The most reasons for rejections that are shown.
const REASONS: usize = 5;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self.operators.len() > 1;
        for operator in &self.operators {
            for list in &operator.lists {
                self.fmt_list(operator, list, several, f)?;
            }
        }
        self.fmt_rejected(f)?;
        self.fmt_missing(f)?;
        writeln!(f)?;
        writeln!(f, "results   {}", text::path(&self.out))?;
        writeln!(f, "          {}", self.results.join("  "))?;
        for operator in self.operators.iter().filter(|operator| operator.problem.is_none()) {
            if several {
                writeln!(f, "operator  {}", operator.operator)?;
            }
            operator.fmt(f)?;
        }
        Ok(())
    }
}

impl Summary {
    fn fmt_list(
        &self,
        operator: &OperatorSummary,
        list: &ListSummary,
        several: bool,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let (affected, checked) = (number(list.affected_rows), number(self.checked_rows()));
        let of = if several { format!(" of {}", operator.operator) } else { String::new() };
        writeln!(f, "{affected} of {checked} checked members are on the list \"{}\"{of}", list.list)?;
        for (name, rows) in list.categories.iter().filter(|(_, rows)| *rows > 0) {
            writeln!(f, "  {:>11}  {name}", number(*rows))?;
        }
        Ok(())
    }

    fn fmt_rejected(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = &self.members;
        if members.rejected == 0 {
            return Ok(());
        }
        let (rejected, rows) = (number(members.rejected), number(members.rows));
        writeln!(f, "{rejected} of {rows} rows could NOT be checked, so nobody knows whether they are affected:")?;
        for reason in members.rejected_by_reason.iter().take(REASONS) {
            writeln!(f, "  {:>11}  {}: {}", number(reason.rows), reason.column, reason.reason)?;
        }
        let more = members.rejected_by_reason.len().saturating_sub(REASONS);
        if more > 0 {
            let reasons = if more == 1 { "reason" } else { "reasons" };
            writeln!(f, "  and {more} more {reasons}, in summary.json")?;
        }
        let named = self.results.iter().find(|name| name.starts_with("rejected."));
        named.map_or(Ok(()), |name| writeln!(f, "  {name} says which"))
    }

    fn fmt_missing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for operator in &self.operators {
            let Some(problem) = &operator.problem else { continue };
            let what = if operator.status == Status::Missing { "MISSING " } else { "NO LIST " };
            writeln!(f, "{what}  {}: {problem}", operator.operator)?;
        }
        if self.complete {
            return Ok(());
        }
        let mut missing = self.operators.iter().filter(|operator| operator.status == Status::Missing);
        f.write_str("          nobody knows who is on the lists of an operator that is missing: ")?;
        if missing.all(|operator| operator.resumable) {
            writeln!(f, "run the same command with")?;
            writeln!(f, "          --resume once it answers; what the others answered is not paid again")
        } else {
            writeln!(f, "do not ask it again")?;
            writeln!(f, "          before what is said here is explained")
        }
    }
}

impl fmt::Display for OperatorSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(remaining) = self.remaining {
            let remembered = match self.remembered() {
                0 => String::new(),
                remembered => format!(", {} remembered", number(remembered)),
            };
            let (asked, remaining) = (number(self.asked()), number(remaining));
            writeln!(f, "budget    {asked} evaluations used, {remaining} left{remembered}")?;
        }
        if let Some(CatalogSummary { sequence, digest }) = &self.catalog {
            writeln!(f, "catalog   {sequence}, digest {digest}")?;
        }
        for log in &self.logs {
            writeln!(f, "log       {} entries, root {}", number(log.size), log.root)?;
        }
        self.evidence.as_ref().map_or(Ok(()), |path| {
            writeln!(f, "evidence  {}; keep it, the member file and the passphrase", text::path(path))
        })
    }
}
