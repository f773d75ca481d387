//! The flags of a question: about whom or where, why, and how much. What is well-formed is for the hub to say.

use anyhow::{Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{DisclosureLevel, Question, question::Subject};

use crate::{moment, person::PersonArguments, words::Level};

/// What is asked, and why.
#[derive(Debug, Args)]
pub(crate) struct QuestionArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// About an address: its UPRN.
    #[arg(long, value_name = "UPRN", help_heading = "Question")]
    address: Option<String>,
    /// About an area: GSS code of an LSOA, MSOA or ward, or the id of a footprint. Needs --since.
    #[arg(long, value_name = "CODE", help_heading = "Question")]
    area: Option<String>,
    /// Why, e.g. homelessness-prevention (see `placehub policy list`).
    #[arg(long, value_name = "PURPOSE", help_heading = "Question")]
    purpose: String,
    /// The law relied on instead of consent, e.g. cda-1998-s115. Left out: consent alone.
    #[arg(
        long,
        value_name = "GATEWAY",
        default_value = "",
        hide_default_value = true,
        help_heading = "Question"
    )]
    gateway: String,
    /// Your own case or log number. Never a name.
    #[arg(
        long = "case",
        value_name = "REFERENCE",
        default_value = "",
        hide_default_value = true,
        help_heading = "Question"
    )]
    case_reference: String,
    /// Only what happened since: 24h, 7d, 2w, a date, or an RFC 3339 time.
    #[arg(long, value_name = "WHEN", help_heading = "Question")]
    since: Option<String>,
    /// At most this much of each signal. Left out: as much as the rules allow.
    #[arg(long, value_name = "LEVEL", help_heading = "Question")]
    level: Option<Level>,
    /// Only this kind, e.g. housing.rent-arrears. May be given again.
    #[arg(long = "kind", value_name = "KIND", help_heading = "Question")]
    kinds: Vec<String>,
}

impl QuestionArguments {
    /// The question, with an end if one is given.
    ///
    /// # Errors
    /// If the flags do not name exactly one subject, or a time has not its form.
    pub(crate) fn question(&self, until: Option<&str>, now: Timestamp) -> Result<Question> {
        let time = |flag: &str, text: Option<&str>| -> Result<_> {
            text.map(|text| moment::past(flag, text, now).map(moment::to_wire))
                .transpose()
        };
        Ok(Question {
            subject: Some(self.subject()?),
            purpose: self.purpose.clone(),
            gateway: self.gateway.clone(),
            case_reference: self.case_reference.clone(),
            since: time("--since", self.since.as_deref())?,
            until: time("--until", until)?,
            level: self
                .level
                .map_or(DisclosureLevel::Unspecified, DisclosureLevel::from)
                .into(),
            kinds: self.kinds.clone(),
        })
    }

    fn subject(&self) -> Result<Subject> {
        match (self.person.identity()?, &self.address, &self.area) {
            (Some(person), None, None) => Ok(Subject::Person(person)),
            (None, Some(uprn), None) => Ok(Subject::Uprn(uprn.clone())),
            (None, None, Some(code)) => Ok(Subject::AreaCode(code.clone())),
            (None, None, None) => {
                bail!(
                    "about whom or where? Give --person, or --name with --born and --postcode, or --address, or --area"
                )
            }
            _ => bail!("a question is about one thing: a person, an --address or an --area"),
        }
    }
}
