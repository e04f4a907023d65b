//! The commands about exchange files.

use blindlist_protocol::refusal::RefusalCode;
use blindlist_store::text;
use tokio::runtime::Runtime;

use super::custody::open_keys;
use super::small_runtime;
use crate::answer::{self, Answered, Job};
use crate::cli::{AnswerArgs, PublicationArgs};
use crate::{Error, show};

pub(super) fn run_publication(args: &PublicationArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let left = small_runtime()?.block_on(answer::publish(home, &args.insurer, &args.out))?;
    Ok(format!(
        "The publication for the insurer {} is written. It is for that insurer alone, and not encrypted.\n\n{}\n\
         Next, there:\n  blindlist request MEMBERS --profile DIR --publication FILE --out QUESTIONS\n",
        args.insurer,
        show::fields(&[("file", text::path(&args.out)), ("budget left", show::counted(left, "evaluation"))]),
    ))
}

pub(super) fn run_answer(args: AnswerArgs) -> Result<String, Error> {
    let home = open_keys(&args.home)?;
    let runtime = Runtime::new().map_err(|source| Error::Runtime { doing: "start", source })?;
    let job = Job { questions: args.questions, out: args.out, with_indexes: args.with_indexes };
    let answered = runtime.block_on(answer::answer(home, &job))?;
    Ok(text_of(&job, &answered))
}

fn text_of(job: &Job, answered: &Answered) -> String {
    let refused: u64 = answered.refused.values().map(|(_, times)| times).sum();
    let mut text = format!("The questions of the insurer {} are answered.\n\n", answered.insurer);
    text += &show::fields(&[
        ("file", text::path(&job.out)),
        ("chunks", show::count(answered.chunks)),
        ("charged now", show::counted(answered.charged, "evaluation")),
        ("budget left", show::counted(answered.left, "evaluation")),
    ]);
    if refused > 0 {
        text += &format!("\n{} of the chunks are refused, and the file says so:\n", show::count(refused));
        for (code, times) in answered.refused.values() {
            text += &format!("  {:>9}  {code}\n", show::count(*times));
        }
    }
    if answered.refused.values().any(|(code, _)| *code == RefusalCode::OverBudget) {
        text += &format!(
            "\nRaise the budget (blindlistd insurer set-budget {}), then answer the same questions again: what was charged is\n\
             not charged twice. A chunk lacked {}.\n",
            answered.insurer,
            show::counted(answered.missing, "evaluation"),
        );
    }
    text + &format!("\nNext, there:\n  blindlist finish {} --profile DIR --out DIR\n", text::word(&job.out))
}
