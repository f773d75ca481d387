//! `placehub consent`: takes down what a person said about sharing, and shows what has been taken down.
//! It judges nothing: the policies do.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use placehub_proto::v1::{
    ConsentStance, ConsentStatement, ListConsentsRequest, PersonIdentity, RecordConsentRequest, RecordedConsent,
};
use serde_json::{Value, json};

use crate::{
    ending::{Ending, Outcome},
    grid::Grid,
    link::LinkArguments,
    moment, out,
    person::PersonArguments,
    words::{self, Method},
};

/// What they said, or what is known of it.
#[derive(Debug, Subcommand)]
pub(crate) enum Consent {
    /// "You may."
    Give(Box<Statement>),
    /// "You may not", said when asked.
    Refuse(Box<Statement>),
    /// "No longer", said of a consent given before.
    Withdraw(Box<Statement>),
    /// Show a person's statements that your agency took down; an information governance officer sees all.
    Show(Box<Show>),
}

/// A statement and its scope. What is not narrowed covers all.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub consent give --home wigan --as adviser-8 --person \"999 000 1006\" \\\n    \
    --purpose homelessness-prevention --method written --evidence FORM-221 --until 365d"
)]
pub(crate) struct Statement {
    #[command(flatten)]
    person: PersonArguments,
    /// Only this kind of signal. May be given again.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only signals of this agency. May be given again.
    #[arg(long = "from", value_name = "AGENCY")]
    from: Vec<String>,
    /// Only shown to this agency. May be given again.
    #[arg(long = "to", value_name = "AGENCY")]
    to: Vec<String>,
    /// Only for this purpose. May be given again.
    #[arg(long = "purpose", value_name = "PURPOSE")]
    purposes: Vec<String>,
    /// When they said it [default: now]: 30m or 2d ago, a date, or an RFC 3339 time.
    #[arg(long, value_name = "WHEN")]
    said: Option<String>,
    /// Until when it holds: 90d from now, a date, or an RFC 3339 time.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// How they said it.
    #[arg(long, default_value = "spoken")]
    method: Method,
    /// Where your agency keeps the evidence, e.g. a form number. Never a name.
    #[arg(long, value_name = "REFERENCE", default_value = "", hide_default_value = true)]
    evidence: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

/// Whose statements.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    person: PersonArguments,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Consent {
    /// Runs it.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        match self {
            Self::Give(statement) => statement.take_down(ConsentStance::Given, now).await,
            Self::Refuse(statement) => statement.take_down(ConsentStance::Refused, now).await,
            Self::Withdraw(statement) => statement.take_down(ConsentStance::Withdrawn, now).await,
            Self::Show(show) => show.run(now).await,
        }
    }
}

impl Statement {
    async fn take_down(self, stance: ConsentStance, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let statement = ConsentStatement {
            person: Some(whose(&self.person)?),
            stance: stance.into(),
            kinds: self.kinds,
            from_agencies: self.from,
            to_agencies: self.to,
            purposes: self.purposes,
            said_at: self
                .said
                .map(|text| moment::past("--said", &text, now))
                .transpose()?
                .map(moment::to_wire),
            valid_from: None,
            valid_until: self
                .until
                .map(|text| moment::ahead("--until", &text, now))
                .transpose()?
                .map(moment::to_wire),
            method: placehub_proto::v1::ConsentMethod::from(self.method).into(),
            evidence_reference: self.evidence,
        };
        let request = RecordConsentRequest {
            statement: Some(statement),
        };
        let taken = link.consents().record_consent(link.call(request)?).await;
        let taken = taken.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            out::document(json!({
                "stance": words::stance(stance),
                "statement_id": taken.statement_id,
                "ledger_entry": taken.ledger_entry,
            }))?;
        } else {
            out::line(format_args!(
                "Taken down and in force: consent {}. Statement {}, ledger entry {}.",
                words::stance(stance),
                taken.statement_id,
                taken.ledger_entry
            ))?;
        }
        Ok(Ending::Well)
    }
}

impl Show {
    async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let request = ListConsentsRequest {
            person: Some(whose(&self.person)?),
        };
        let listed = link.consents().list_consents(link.call(request)?).await;
        let listed = listed.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            let consents: Vec<Value> = listed.consents.iter().map(view).collect();
            out::document(json!({ "consents": consents, "ledger_entry": listed.ledger_entry }))?;
        } else {
            match listed.consents.is_empty() {
                true => out::line("No statement.")?,
                false => out::line(table(&listed.consents))?,
            }
            out::line(format_args!("\nThis look is ledger entry {}.", listed.ledger_entry))?;
        }
        Ok(Ending::Well)
    }
}

fn whose(person: &PersonArguments) -> Result<PersonIdentity> {
    person
        .identity()?
        .context("whose statement? Give --person, or --name with --born and --postcode, or --reference")
}

fn table(consents: &[RecordedConsent]) -> Grid<6> {
    let mut grid = Grid::new(["SAID", "WHAT", "HOW", "TAKEN BY", "UNTIL", "SCOPE"]);
    for recorded in consents {
        let statement = recorded.statement.clone().unwrap_or_default();
        grid.row([
            moment::shown(moment::of_wire(statement.said_at.as_ref())),
            words::stance(statement.stance()).to_owned(),
            words::method(statement.method()).to_owned(),
            recorded.taken_by_agency.clone(),
            moment::shown(moment::of_wire(statement.valid_until.as_ref())),
            scope(&statement),
        ]);
    }
    grid
}

fn scope(statement: &ConsentStatement) -> String {
    let parts = [
        ("kinds", &statement.kinds),
        ("from", &statement.from_agencies),
        ("to", &statement.to_agencies),
        ("for", &statement.purposes),
    ];
    let narrowed: Vec<String> = parts
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(word, values)| format!("{word} {}", values.join(", ")))
        .collect();
    if narrowed.is_empty() {
        "everything".to_owned()
    } else {
        narrowed.join("; ")
    }
}

fn view(recorded: &RecordedConsent) -> Value {
    let statement = recorded.statement.clone().unwrap_or_default();
    let time = |at: Option<&prost_types::Timestamp>| moment::json(moment::of_wire(at));
    json!({
        "statement_id": recorded.statement_id,
        "taken_by_agency": recorded.taken_by_agency,
        "recorded_at": time(recorded.recorded_at.as_ref()),
        "stance": words::stance(statement.stance()),
        "kinds": statement.kinds,
        "from_agencies": statement.from_agencies,
        "to_agencies": statement.to_agencies,
        "purposes": statement.purposes,
        "said_at": time(statement.said_at.as_ref()),
        "valid_from": time(statement.valid_from.as_ref()),
        "valid_until": time(statement.valid_until.as_ref()),
        "method": words::method(statement.method()),
        "evidence_reference": statement.evidence_reference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_not_narrowed_covers_everything() {
        assert_eq!(scope(&ConsentStatement::default()), "everything");
        let narrowed = ConsentStatement {
            to_agencies: vec!["housing".into(), "welfare".into()],
            purposes: vec!["hospital-discharge".into()],
            ..Default::default()
        };
        assert_eq!(scope(&narrowed), "to housing, welfare; for hospital-discharge");
    }
}
