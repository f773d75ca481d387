//! `placehub token`: signs a practitioner's token with a development issuer, and prints it.
//! Only for development: a real agency's issuer is its identity provider.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use placehub_certs::Pki;
use placehub_hub::config::Config;
use serde_json::json;

use crate::{
    cast,
    ending::{Ending, Outcome},
    home::{self, CONFIG, PKI, Wanted},
    out,
};

/// For whom, and how long.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    placehub token --home wigan --as officer-17\n  \
    placehub token --pki wigan/pki --agency police --subject officer-99 --role neighbourhood-officer --area central")]
pub(crate) struct Token {
    /// A folder made by `placehub init`.
    #[arg(long, env = "PLACEHUB_HOME", value_name = "DIR", required_unless_present = "pki")]
    home: Option<PathBuf>,
    /// Or its PKI alone.
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// A practitioner of the sample place: fills in agency, subject, roles and areas, as far as they are not given.
    #[arg(long = "as", value_name = "WHO")]
    practitioner: Option<String>,
    /// The practitioner's agency.
    #[arg(long, value_name = "AGENCY")]
    agency: Option<String>,
    /// The practitioner, in the agency's own words.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// A role. May be given again.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A team. May be given again.
    #[arg(long = "team", value_name = "TEAM")]
    teams: Vec<String>,
    /// An area of the patch. May be given again.
    #[arg(long = "area", value_name = "CODE")]
    areas: Vec<String>,
    /// The workload whose certificate alone may present the token.
    #[arg(long, default_value = "desk", value_name = "WORKLOAD")]
    workload: String,
    /// The hub that the token is for [default: the folder's own].
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// Minutes that the token is valid. A hub takes no more than 15.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1440))]
    minutes: u16,
    /// Print a JSON document instead of the bare token.
    #[arg(long)]
    json: bool,
}

impl Token {
    /// Signs and prints it.
    pub(super) fn run(self, now: Timestamp) -> Outcome {
        let (pki, configured) = self.places()?;
        let place = Pki::open(&pki)?.place().to_owned();
        let known = match &self.practitioner {
            None => None,
            Some(name) => Some(
                cast::find(name).with_context(|| format!("`--as {name}`: the sample place has {}", cast::names()))?,
            ),
        };
        let agency = self
            .agency
            .or(known.map(|one| one.agency.to_owned()))
            .context("say --agency, or --as")?;
        let subject = self
            .subject
            .or(known.map(|one| one.subject.to_owned()))
            .context("say --subject, or --as")?;
        let or_known = |given: Vec<String>, known: Option<&[&str]>| match known {
            Some(known) if given.is_empty() => known.iter().map(|one| (*one).to_owned()).collect(),
            _ => given,
        };
        let wanted = Wanted {
            certificate: home::certificate(&pki, &agency, &self.workload),
            agency,
            subject,
            roles: or_known(self.roles, known.map(|one| one.roles)),
            teams: self.teams,
            areas: or_known(self.areas, known.map(|one| one.areas)),
            audience: self.audience.or(configured).unwrap_or_else(|| home::audience(&place)),
            lifetime: Duration::from_secs(u64::from(self.minutes) * 60),
        };
        let lifetime = wanted.lifetime;
        let token = home::mint(&pki, &place, wanted, now)?;
        if self.json {
            let until = now
                .checked_add(lifetime)
                .context("the token would end after the calendar")?;
            out::document(json!({ "token": token, "expires_at": until.to_string() }))?;
        } else {
            out::line(token)?;
        }
        Ok(Ending::Well)
    }

    /// The PKI, and the audience that a configuration beside it asks for.
    fn places(&self) -> Result<(PathBuf, Option<String>)> {
        match (&self.home, &self.pki) {
            (_, Some(pki)) => Ok((pki.clone(), None)),
            (Some(home), None) => {
                let config = Config::load(&home.join(CONFIG))?;
                Ok((home.join(PKI), Some(config.tokens.audience)))
            }
            (None, None) => bail!("say --home or --pki"),
        }
    }
}
