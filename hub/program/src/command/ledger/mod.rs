//! `placehub ledger`: reads the record of decisions, and checks it without trusting who wrote it. One file a question.
//! Each look is itself in the record.

mod access_log;
mod carry;
mod examine;
mod export;
mod list;
mod proofs;
mod review;
mod show;
mod taken;
mod verify;
mod who_saw;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use placehub_proto::v1::{Period, PersonIdentity};

use crate::{ending::Outcome, moment, person::PersonArguments};

pub(super) use taken::take_away;
pub(super) use verify::read_key;
pub(super) use who_saw::who_saw;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// List entries, newest first.
    List(Box<list::List>),
    /// Show all of one entry: who, why, by which rules, what was shown, and whether a consent stood then.
    Show(Box<show::Show>),
    /// List who asked about a person, and what they were shown.
    WhoSaw(Box<who_saw::WhoSaw>),
    /// Tell what a practitioner asked, with counts by day.
    AskedBy(Box<examine::AskedBy>),
    /// Tell what left under an agreement, to whom.
    LeftUnder(Box<examine::LeftUnder>),
    /// Tell who was refused, and why.
    Refusals(Box<examine::Plain>),
    /// Tell who looked up people or addresses without naming a case.
    WithoutCase(Box<examine::Plain>),
    /// Flag who asked about a name or a home that they share: a reason to look closer, and no verdict.
    NearSelf(Box<examine::Plain>),
    /// Make a person's access log, as the person may have it.
    AccessLog(Box<access_log::AccessLog>),
    /// See what access logs have left out, and release or keep it.
    #[command(subcommand)]
    Review(review::Review),
    /// Take entries away: as they are, as a table, or as FHIR AuditEvents.
    Export(Box<export::Export>),
    /// Print the signed head of the ledger, to be kept.
    Checkpoint(Box<proofs::Checkpoint>),
    /// Prove that an entry is in the ledger.
    Prove(Box<proofs::Prove>),
    /// Check that the ledger only grew since a head that was kept.
    Consistency(Box<proofs::Consistency>),
    /// Carry the whole ledger away, to be checked by `placehub-verify`.
    Bundle(Box<carry::Bundle>),
    /// Give the ledger of a stopped hub a new key.
    RotateKey(carry::RotateKey),
    /// Recompute the ledger from its bytes and check the signature on its head.
    Verify(Box<verify::Verify>),
}

/// Over which time.
#[derive(Debug, Args)]
struct Span {
    /// Only entries from then on: a span such as 24h, 7d or 2w, a date, or a time.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only entries before then.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

/// Whom an officer asks about.
#[derive(Debug, Args)]
struct Whom {
    #[command(flatten)]
    person: PersonArguments,
    /// Whose reference --reference is, e.g. housing [default: your own agency's].
    #[arg(
        long,
        value_name = "AGENCY",
        requires = "reference",
        default_value = "",
        hide_default_value = true,
        help_heading = "Person"
    )]
    references_of: String,
}

/// Which part of what is found.
#[derive(Debug, Args)]
struct Paging {
    /// Follow all pages.
    #[arg(long)]
    all: bool,
    /// Entries a page, 1 to 200 [default: 50].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    page_size: i32,
    /// The page after the one that gave this token.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Ledger {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::AccessLog(log) => log.run(now).await,
            Self::AskedBy(asked) => asked.run(now).await,
            Self::Bundle(bundle) => bundle.run(now).await,
            Self::Checkpoint(checkpoint) => checkpoint.run(now).await,
            Self::Consistency(consistency) => consistency.run(now).await,
            Self::Export(export) => export.run(now).await,
            Self::LeftUnder(left) => left.run(now).await,
            Self::List(list) => list.run(now).await,
            Self::NearSelf(plain) => plain.near_self(now).await,
            Self::Prove(prove) => prove.run(now).await,
            Self::Refusals(plain) => plain.refusals(now).await,
            Self::Review(review) => review.run(now).await,
            Self::RotateKey(rotate) => rotate.run(now).await,
            Self::Show(show) => show.run(now).await,
            Self::Verify(verify) => verify.run(now).await,
            Self::WhoSaw(who_saw) => who_saw.run(now).await,
            Self::WithoutCase(plain) => plain.without_case(now).await,
        }
    }
}

impl Span {
    /// As the contract has it.
    fn period(&self, now: Timestamp) -> Result<Option<Period>> {
        let read = |flag: &str, text: &Option<String>| {
            let read = text.as_deref().map(|text| moment::past(flag, text, now));
            Ok::<_, anyhow::Error>(read.transpose()?.map(moment::to_wire))
        };
        let period = Period {
            since: read("--since", &self.since)?,
            until: read("--until", &self.until)?,
        };
        Ok((period != Period::default()).then_some(period))
    }
}

impl Whom {
    /// The person that the flags must name.
    fn person(&self) -> Result<PersonIdentity> {
        let person = self.person.identity()?;
        person.context("whom? Give --person, --reference, or --name with --born and --postcode")
    }
}
