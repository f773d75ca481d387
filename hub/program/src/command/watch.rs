//! `placehub watch`: keeps a question open and prints each change until it is told to stop.
//! It asks for nothing that the question does not ask for.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{WatchSignalsRequest, WatchSignalsResponse, watch_signals_response::Event};
use serde_json::json;

use crate::{
    ending::{Ending, Outcome},
    link::LinkArguments,
    moment, out,
    question::QuestionArguments,
    shown, words,
};

/// A question to keep open.
#[derive(Debug, Args)]
#[command(
    after_help = "The watch ends when the token expires; go on with a new token and --cursor.\n\
    Example:\n  placehub watch --home wigan --as officer-42 --person \"999 000 1006\" --purpose homelessness-prevention"
)]
pub(crate) struct Watch {
    #[command(flatten)]
    question: QuestionArguments,
    /// Go on after this cursor, which an earlier watch printed, without gap or repetition.
    #[arg(long, value_name = "CURSOR", default_value = "", hide_default_value = true)]
    cursor: String,
    /// Print each event as a JSON document on a line of its own; heartbeats too, for their cursors.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Watch {
    /// Watches and prints until Ctrl-C, or until the hub ends it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let question = self.question.question(None, now)?;
        let request = WatchSignalsRequest {
            question: Some(question),
            cursor: self.cursor.clone(),
        };
        let opened = link.signals().watch_signals(link.open(request)?).await;
        let mut events = opened.map_err(|status| link.fault(status))?.into_inner();
        let mut cursor = self.cursor;
        if !self.json {
            out::line("Watching. Ctrl-C ends it.")?;
        }
        let stopped = tokio::signal::ctrl_c();
        tokio::pin!(stopped);
        loop {
            let event = tokio::select! {
                _ = &mut stopped => break,
                event = events.message() => event,
            };
            match event {
                Ok(Some(event)) => {
                    cursor.clone_from(&event.cursor);
                    print(&event, self.json)?;
                }
                Ok(None) => break,
                Err(status) => {
                    let fault = anyhow::Error::from(link.fault(status));
                    return Err(match cursor.as_str() {
                        "" => fault.context("the watch ended"),
                        cursor => fault.context(format!("the watch ended; go on with --cursor {cursor}")),
                    });
                }
            }
        }
        if !self.json && !cursor.is_empty() {
            out::line(format_args!("To go on from here: --cursor {cursor}"))?;
        }
        Ok(Ending::Well)
    }
}

fn print(event: &WatchSignalsResponse, as_json: bool) -> Result<()> {
    let told = match &event.event {
        Some(Event::Shown(signal)) if as_json => json!({ "event": "shown", "signal": shown::view(signal) }),
        Some(Event::Hidden(gone)) if as_json => {
            json!({ "event": "hidden", "signal_id": gone.signal_id, "owner_agency": gone.owner_agency })
        }
        Some(Event::Heartbeat(_)) if as_json => json!({ "event": "heartbeat" }),
        Some(Event::Shown(signal)) => {
            let table = shown::table(std::slice::from_ref(signal)).to_string();
            let rows: Vec<&str> = table.lines().skip(1).collect();
            return out::line(format_args!("+ {}", rows.join("\n  ")));
        }
        Some(Event::Hidden(gone)) => {
            let what = match gone.signal_id.as_str() {
                "" => "what was told of it".to_owned(),
                id => format!("signal {id}"),
            };
            return out::line(format_args!("- {}: {what} is to be seen no more", gone.owner_agency));
        }
        Some(Event::Heartbeat(_)) | None => return Ok(()),
    };
    let mut told = told;
    if let Some(fields) = told.as_object_mut() {
        fields.insert("cursor".into(), event.cursor.as_str().into());
        fields.insert("ledger_entry".into(), event.ledger_entry.into());
    }
    out::json_line(told)
}

/// An event in a few words, for a narrator.
pub(super) fn spoken(event: &Event) -> String {
    match event {
        Event::Shown(signal) => {
            let when = moment::shown(moment::of_wire(signal.occurred_at.as_ref()));
            format!("shown: {} of {when} ({})", signal.kind, words::level(signal.level()))
        }
        Event::Hidden(gone) => format!("gone: a signal of {}", gone.owner_agency),
        Event::Heartbeat(_) => "still there".into(),
    }
}
