//! `placehub push`: pushes signals from a file, or one signal from flags. It asks for nothing back.

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_delivery::{Report, fields, push::Patience};
use placehub_proto::v1::{PushSignalRequest, SignalDraft};
use serde_json::json;

use crate::{
    ending::{Ending, Outcome, Stop},
    link::{Link, LinkArguments},
    moment, out,
    person::PersonArguments,
    words, written,
};

/// How long to go on while a hub is out of reach.
const PATIENCE: Duration = Duration::from_secs(15);

/// What to push.
#[derive(Debug, Args)]
#[command(after_help = written::FORM, after_long_help = written::FORM)]
pub(crate) struct Push {
    /// A JSON file of one draft or an array of drafts; `-` reads standard input. See below for its form.
    #[arg(value_name = "FILE", conflicts_with_all = ["kind", "system", "id"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    signal: SignalArguments,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// One signal.
#[derive(Debug, Args)]
struct SignalArguments {
    /// Its kind, e.g. housing.rent-arrears.
    #[arg(long, value_name = "KIND", help_heading = SIGNAL)]
    kind: Option<String>,
    /// The system that it comes from, in your words.
    #[arg(long, value_name = "SYSTEM", help_heading = SIGNAL)]
    system: Option<String>,
    /// Its id in that system.
    #[arg(long, value_name = "ID", help_heading = SIGNAL)]
    id: Option<String>,
    /// Rises with each correction.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = SIGNAL)]
    signal_version: u64,
    #[command(flatten)]
    person: PersonArguments,
    /// Where it happened or applies: UPRN.
    #[arg(long, value_name = "UPRN", default_value = "", hide_default_value = true, help_heading = SIGNAL)]
    uprn: String,
    /// Area code, for what has no address.
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, help_heading = SIGNAL)]
    area: String,
    /// When it happened [default: now]: 2h or 3d ago, a date, or an RFC 3339 time.
    #[arg(long, value_name = "WHEN", help_heading = SIGNAL)]
    occurred: Option<String>,
    /// low, medium, high or critical.
    #[arg(long, value_name = "SEVERITY", default_value = "low", help_heading = SIGNAL)]
    severity: String,
    /// One line for a human.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = SIGNAL)]
    summary: String,
    /// An attribute, e.g. weeks=9, open=true or served_on=2026-11-09; NAME:text=VALUE keeps text. May be given again.
    #[arg(long = "attr", value_name = "NAME=VALUE", help_heading = SIGNAL)]
    attributes: Vec<String>,
}

const SIGNAL: &str = "One signal, instead of a file";

impl Push {
    /// Pushes and tells what became of it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("adapter", now)?;
        let mut drafts = match &self.file {
            Some(file) => written::drafts(&read(file)?, &file.display().to_string())?,
            None => vec![("flags".to_owned(), self.signal.draft(now)?)],
        };
        match (drafts.pop(), drafts.is_empty()) {
            (None, _) => bail!("the file holds no draft"),
            (Some((_, only)), true) => one(&link, only, self.json).await,
            (Some(last), false) => {
                drafts.push(last);
                many(&link, drafts, self.json).await
            }
        }
    }
}

impl SignalArguments {
    fn draft(self, now: Timestamp) -> Result<SignalDraft> {
        let given = |flag: &str, value: Option<String>| {
            value.with_context(|| format!("`{flag}` is missing: give a FILE, or --kind, --system and --id"))
        };
        let severity = fields::severity(&self.severity).map_err(|rule| anyhow::anyhow!("`--severity` {rule}"))?;
        let occurred = match &self.occurred {
            Some(text) => moment::past("--occurred", text, now)?,
            None => now,
        };
        Ok(SignalDraft {
            kind: given("--kind", self.kind)?,
            source_system: given("--system", self.system)?,
            source_id: given("--id", self.id)?,
            version: self.signal_version,
            person: self.person.identity()?,
            uprn: self.uprn,
            area_code: self.area,
            occurred_at: Some(moment::to_wire(occurred)),
            severity: severity.into(),
            summary: self.summary,
            attributes: self
                .attributes
                .iter()
                .map(|text| written::attribute(text))
                .collect::<Result<HashMap<_, _>>>()?,
            ..Default::default()
        })
    }
}

async fn one(link: &Link, draft: SignalDraft, as_json: bool) -> Outcome {
    let request = PushSignalRequest { signal: Some(draft) };
    let pushed = link.signals().push_signal(link.call(request)?).await;
    let pushed = pushed.map_err(|status| link.fault(status))?.into_inner();
    let outcome = words::outcome(pushed.outcome());
    if as_json {
        out::document(json!({
            "outcome": outcome,
            "signal_id": pushed.signal_id,
            "ledger_entry": pushed.ledger_entry,
        }))?;
    } else {
        out::line(format_args!(
            "{outcome}: signal {}, ledger entry {}",
            pushed.signal_id, pushed.ledger_entry
        ))?;
    }
    Ok(Ending::Well)
}

async fn many(link: &Link, drafts: Vec<(String, SignalDraft)>, as_json: bool) -> Outcome {
    let patience = Patience {
        without_progress: PATIENCE,
        ..Patience::USUAL
    };
    let (report, unfinished) = match placehub_delivery::push(link.channel(), drafts, patience).await {
        Ok(report) => (report, None),
        Err(unfinished) => (*unfinished.report.clone(), Some(unfinished)),
    };
    tell(&report, as_json)?;
    match unfinished {
        Some(unfinished) => Err(anyhow::Error::from(unfinished).context(Stop::NotDelivered)),
        None if report.is_clean() => Ok(Ending::Well),
        None => Ok(Ending::Finding),
    }
}

fn tell(report: &Report, as_json: bool) -> Result<()> {
    match as_json {
        true => out::document(serde_json::to_value(report).context("the report has no JSON form")?),
        false => out::line(report),
    }
}

fn read(file: &Path) -> Result<String> {
    let mut text = String::new();
    let done = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => fs::read_to_string(file).map(|content| text = content),
    };
    done.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text)
}
