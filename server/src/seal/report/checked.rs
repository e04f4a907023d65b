//! What a dry run tells.

use std::path::PathBuf;
use std::time::Duration;

use blindlist_protocol::text::Slug;
use blindlist_store::text;

use super::{RejectedKind, reasons, total, verdict};
use crate::show::Heading;
use crate::{Error, show};

/// What a dry run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Rows of all inputs.
    pub rows: u64,
    /// Rejected rows by column and reason.
    pub rejected: Vec<RejectedKind>,
    /// For each input, the columns that were chosen.
    pub columns: Vec<(PathBuf, Vec<String>)>,
    /// The lists: one, or one for each part of a split.
    pub lists: Vec<CheckedList>,
    /// People of the release that is added to. Who of the new ones is among them is not known without evaluating.
    pub earlier: Option<u64>,
    /// How long a seal is going to take.
    pub estimate: Estimate,
    pub(in crate::seal) accept_rejects: bool,
}

/// A list as it is going to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedList {
    /// The list.
    pub list: Slug,
    /// Rows that were not rejected.
    pub rows: u64,
    /// Rows of people who were in another row already.
    pub merged: u64,
    /// Distinct people.
    pub people: u64,
    /// Bytes of the index; a few more or less in a seal, since its tags are others. None without people.
    pub index_bytes: u64,
}

/// How long a seal is going to take on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Evaluations a second, tried on invented people.
    pub rate: u64,
    /// Threads that tried it.
    pub threads: usize,
    /// All of it.
    pub time: Duration,
}

impl Checked {
    /// The report for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (input, columns) in &self.columns {
            text += &format!("{}\n", text::path(input));
            for column in columns {
                text += &format!("  {column}\n");
            }
        }
        text.push('\n');
        let mut fields = vec![("rows", show::count(self.rows)), ("rejected", show::count(total(&self.rejected)))];
        match &self.lists[..] {
            [list] => fields.extend(self.one(list)),
            lists => text += &format!("{}\n", table(lists)),
        }
        fields.push(("time", self.time()));
        text += &show::fields(&fields);
        text += &reasons(&self.rejected);
        text += "Nothing was evaluated or written.\n";
        text
    }

    fn one(&self, list: &CheckedList) -> Vec<(&'static str, String)> {
        let merged = format!("{} of people in another row", show::counted(list.merged, "row"));
        let (people, at_most) = match self.earlier {
            None => (show::count(list.people), ""),
            Some(earlier) => (
                format!(
                    "{}, and {} of the live release; some may be both",
                    show::count(list.people),
                    show::count(earlier)
                ),
                "at most ",
            ),
        };
        let index = format!("{at_most}{}", show::bytes(list.index_bytes));
        vec![("merged", merged), ("people", people), ("index", index)]
    }

    fn time(&self) -> String {
        let Estimate { rate, threads, time } = self.estimate;
        let (rate, threads) = (show::counted(rate, "evaluation"), show::counted(threads as u64, "thread"));
        format!("about {}: {rate} a second on {threads}", duration(time))
    }

    /// Whether a seal of these inputs would be published.
    ///
    /// # Errors
    /// [`Error::TooManyRejects`], [`Error::NoPeople`], [`Error::NoRows`].
    pub fn verdict(&self) -> Result<(), Error> {
        let verdict = verdict(self.rows, total(&self.rejected), self.accept_rejects);
        let inputs = || self.columns.iter().map(|(input, _)| input.clone()).collect();
        verdict.map_err(|refused| refused.into_error(inputs(), None))
    }
}

fn table(lists: &[CheckedList]) -> String {
    let row = |list: &CheckedList| {
        let index = if list.people == 0 { "-".to_owned() } else { show::bytes(list.index_bytes) };
        [list.list.to_string(), show::count(list.rows), show::count(list.merged), show::count(list.people), index]
    };
    let columns = [
        Heading::Text("list"),
        Heading::Number("rows"),
        Heading::Number("merged"),
        Heading::Number("people"),
        Heading::Number("index"),
    ];
    show::table(columns, &lists.iter().map(row).collect::<Vec<_>>())
}

/// Hours and minutes, or minutes and seconds, or seconds.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_an_estimate() {
        for (seconds, shown) in
            [(1, "1 s"), (59, "59 s"), (61, "1 min 1 s"), (3_599, "59 min 59 s"), (7_260, "2 h 1 min")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), shown);
        }
        assert_eq!(duration(Duration::from_millis(1)), "1 s");
    }
}
