//! `placehub doctor`: makes real calls to a hub and says in plain words what is wrong, if anything is.
//! It changes nothing at the hub, and asks about nobody.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp, civil::Date};
use placehub_proto::v1::{GetCheckpointRequest, GetCheckpointResponse, GetPolicySetRequest, GetPolicySetResponse};
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use super::check_config::{self, DAYS_TOO_FEW, days_until};
use crate::{
    checks::Checks,
    ending::Outcome,
    link::{Link, LinkArguments, Met, meet},
    moment,
};

/// The service whose health stands for the hub's.
const SERVICE: &str = "placehub.v1.SignalService";
/// Days before an agreement lapses from which it is told.
const LAPSES_SOON: i32 = 60;
/// How far the hub's clock may be ahead of this machine's.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);

/// Which hub.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  placehub doctor --home wigan --as officer-17")]
pub(crate) struct Doctor {
    /// Check this configuration too, as `check-config` does.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Doctor {
    /// Looks, step by step, and stops at the first step on which the others lean.
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let mut checks = Checks::default();
        if let Some(file) = &self.config {
            check_config::check(file, &mut checks, now);
        }
        look(&link, &mut checks, now).await;
        checks.print(self.json)
    }
}

async fn look(link: &Link, checks: &mut Checks, now: Timestamp) {
    let met = meet(link.settings()).await;
    let Some(met) = checks.note("connection", met, |_| {
        format!("{} answers over mutual TLS 1.3", link.hub())
    }) else {
        return;
    };
    certificates(met, checks, now);
    if !healthy(link, checks).await {
        return;
    }
    let Some(set) = checks.note("call", policy_set(link).await, |set| {
        format!("the hub takes you for {}, {}", set.your_agency, set.your_workload)
    }) else {
        return;
    };
    match link.token() {
        Some(_) => checks.good("token", "taken"),
        None => checks.good("token", "none given: this client may push, and cannot ask"),
    }
    if let Some(head) = checks.note("ledger", checkpoint(link).await, |_| {
        "its signed head can be read".to_owned()
    }) {
        witnesses(&head, checks);
    }
    clocks(&set, checks, now);
    agreements(&set, checks, now);
}

fn certificates(met: Met, checks: &mut Checks, now: Timestamp) {
    for (name, whose, until) in [
        ("own expiry", "your", met.own_until),
        ("hub expiry", "the hub's", met.hub_until),
    ] {
        match days_until(until, now) {
            days if days < DAYS_TOO_FEW => checks.bad(name, format!("{whose} certificate expires in {days} days")),
            days => checks.good(name, format!("{whose} certificate is valid for {days} days")),
        }
    }
}

async fn healthy(link: &Link, checks: &mut Checks) -> bool {
    let request = Request::new(HealthCheckRequest {
        service: SERVICE.to_owned(),
    });
    match link
        .health()
        .check(request)
        .await
        .map(|answer| answer.into_inner().status())
    {
        Ok(ServingStatus::Serving) => {
            checks.good("health", "serving");
            true
        }
        Ok(_) => {
            checks.bad(
                "health",
                "the hub is closed or stopping, and gives no answers: its log says why",
            );
            false
        }
        Err(status) if status.code() == Code::NotFound => {
            checks.bad(
                "health",
                "something answers that is not this hub: it does not know the service",
            );
            false
        }
        Err(status) => {
            checks.bad("health", link.fault(status).to_string());
            false
        }
    }
}

async fn policy_set(link: &Link) -> Result<GetPolicySetResponse> {
    let answer = link.policies().get_policy_set(link.call(GetPolicySetRequest {})?).await;
    Ok(answer.map_err(|status| link.fault(status))?.into_inner())
}

async fn checkpoint(link: &Link) -> Result<GetCheckpointResponse> {
    let answer = link.ledger().get_checkpoint(link.call(GetCheckpointRequest {})?).await;
    Ok(answer.map_err(|status| link.fault(status))?.into_inner())
}

/// Each witness that is in trouble is told, and whether that is an alarm.
fn witnesses(head: &GetCheckpointResponse, checks: &mut Checks) {
    let troubled = head.witnesses.iter().filter(|witness| !witness.trouble.is_empty());
    for witness in troubled {
        checks.bad(
            "witness",
            format!("{} does not cosign: {}", witness.name, witness.trouble),
        );
    }
    match head.alarm.as_str() {
        "" => checks.good(
            "witnesses",
            format!("{} asked, {} required", head.witnesses.len(), head.required_witnesses),
        ),
        alarm => checks.bad("witnesses", alarm),
    }
}

/// The hub cannot have loaded its policies in the future.
fn clocks(set: &GetPolicySetResponse, checks: &mut Checks, now: Timestamp) {
    let ahead = moment::of_wire(set.loaded_at.as_ref()).map(|loaded| loaded.duration_since(now));
    match ahead {
        Some(ahead) if ahead > CLOCKS_APART => checks.bad(
            "clock",
            format!(
                "this machine's clock is at least {} seconds behind the hub's: tokens made here will be refused",
                ahead.as_secs()
            ),
        ),
        _ => checks.good("clock", "not behind the hub's"),
    }
}

fn agreements(set: &GetPolicySetResponse, checks: &mut Checks, now: Timestamp) {
    match &set.refused {
        Some(refused) => checks.bad(
            "policies",
            format!(
                "those on the disk cannot be used, and older ones are in force: {}",
                match refused.fault.as_str() {
                    "" => "information governance can see why",
                    fault => fault,
                }
            ),
        ),
        None => checks.good("policies", format!("{} in force", set.digest)),
    }
    let today = now.to_zoned(moment::uk()).date();
    let mut well = true;
    for agreement in &set.agreements {
        let days = agreement
            .review_date
            .parse::<Date>()
            .ok()
            .map(|review| (review - today).get_days());
        let told = match days {
            _ if !agreement.unsigned.is_empty() => format!(
                "`{}` permits nothing until `{}` sign it",
                agreement.id,
                agreement.unsigned.join("` and `")
            ),
            _ if !agreement.in_force => format!("`{}` is not in force, and permits nothing", agreement.id),
            Some(days) if days <= LAPSES_SOON => {
                format!(
                    "`{}` lapses in {days} days, on {}: review it",
                    agreement.id, agreement.review_date
                )
            }
            _ => continue,
        };
        checks.bad("agreement", told);
        well = false;
    }
    if well {
        checks.good(
            "agreements",
            format!(
                "{} in force, none lapses within {LAPSES_SOON} days",
                set.agreements.len()
            ),
        );
    }
}
