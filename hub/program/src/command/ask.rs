//! `placehub ask`: puts a question and prints what the asker may see. What they may not see, it never learns.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{AskSignalsRequest, Question, Signal};
use serde_json::json;

use crate::{
    ending::{Ending, Outcome},
    link::{Fault, Link, LinkArguments},
    out,
    question::QuestionArguments,
    shown,
};

/// A question, and how to print the answer.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub ask --home wigan --as officer-17 --address 999000000101 \\\n    \
    --purpose asb-prevention --gateway cda-1998-s115 --case 26/4711\n\n\
    A question that is refused says what of the nearest rule is not met, and who could lift that; with --json under `refused`."
)]
pub(crate) struct Ask {
    #[command(flatten)]
    question: QuestionArguments,
    /// Only what happened before: as for --since.
    #[arg(long, value_name = "WHEN", help_heading = "Question")]
    until: Option<String>,
    /// Follow all pages.
    #[arg(long)]
    all: bool,
    /// Signals a page, 1 to 200 [default: 50].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    page_size: i32,
    /// The page after the one that gave this token.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// The pages of an answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What was shown, newest first.
    pub(super) signals: Vec<Signal>,
    /// The ledger's entries of the pages.
    pub(super) ledger_entries: Vec<u64>,
    /// For the next page; empty if this was the last.
    pub(super) next_page_token: String,
}

impl Ask {
    /// Asks and prints.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let question = self.question.question(self.until.as_deref(), now)?;
        let first = AskSignalsRequest {
            question: Some(question),
            page_size: self.page_size,
            page_token: self.page_token,
        };
        let answer = pages(&link, first, self.all).await;
        if let Err(error) = &answer
            && self.json
            && let Some(Fault::Refused(refusal)) = error.downcast_ref()
        {
            out::document(json!({ "refused": refusal.view() }))?;
        }
        let answer = answer?;
        if self.json {
            let signals: Vec<_> = answer.signals.iter().map(shown::view).collect();
            out::document(json!({
                "signals": signals,
                "ledger_entries": answer.ledger_entries,
                "next_page_token": answer.next_page_token,
            }))?;
        } else {
            print(&answer)?;
        }
        Ok(Ending::Well)
    }
}

/// Asks for the first page, and for all others if told to.
///
/// # Errors
/// What the hub refused, or why it could not be asked.
pub(super) async fn pages(link: &Link, mut request: AskSignalsRequest, all: bool) -> Result<Answer> {
    let mut answer = Answer::default();
    loop {
        let page = link.signals().ask_signals(link.call(request.clone())?).await;
        let page = page.map_err(|status| link.fault(status))?.into_inner();
        answer.signals.extend(page.signals);
        answer.ledger_entries.push(page.ledger_entry);
        answer.next_page_token.clone_from(&page.next_page_token);
        if !all || page.next_page_token.is_empty() {
            return Ok(answer);
        }
        request.page_token = page.next_page_token;
    }
}

/// Asks a question whole.
///
/// # Errors
/// As for [`pages`].
pub(super) async fn whole(link: &Link, question: Question) -> Result<Answer> {
    let request = AskSignalsRequest {
        question: Some(question),
        ..Default::default()
    };
    pages(link, request, true).await
}

fn print(answer: &Answer) -> Result<()> {
    if answer.signals.is_empty() {
        out::line("Nothing that you may see.")?;
    } else {
        out::line(shown::table(&answer.signals))?;
    }
    let entries: Vec<String> = answer.ledger_entries.iter().map(u64::to_string).collect();
    let word = if entries.len() == 1 { "entry" } else { "entries" };
    out::line(format_args!(
        "\n{} shown; recorded as ledger {word} {}.",
        answer.signals.len(),
        entries.join(", ")
    ))?;
    if !answer.next_page_token.is_empty() {
        out::line("There is more: add --all, or --page-token with the token that --json shows.")?;
    }
    Ok(())
}
