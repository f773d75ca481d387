//! The demo's open watch: it is told what is new, told what is to be seen no more, and told nothing after that.
//! "Nothing" is proved by heartbeats that follow, not by waiting.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use placehub_proto::v1::{
    ConsentStance, PushSignalRequest, Severity, SignalDraft, WatchSignalsRequest, WatchSignalsResponse,
    watch_signals_response::Event,
};
use serde_json::json;
use tokio::time::timeout;
use tonic::Streaming;

use super::{
    narrator::{Narrator, millis},
    stage::Stage,
    walk::{ALEX, SOON, about, person, put, record},
};
use crate::{
    command::{now, watch},
    link::Link,
    moment,
};

/// Opens a watch, and lets a push and a withdrawal happen under it.
///
/// # Errors
/// If the watch breaks, or something that must come does not.
pub(super) async fn keep(stage: &Stage, narrator: &mut Narrator) -> Result<()> {
    narrator.step("The housing officer keeps the question about Alex open")?;
    let officer = stage.desk("officer-42")?;
    let request = WatchSignalsRequest {
        question: Some(about(ALEX)),
        cursor: String::new(),
    };
    let opened = officer.signals().watch_signals(officer.open(request)?).await;
    let mut events = opened.map_err(|status| officer.fault(status))?.into_inner();
    let first = until_quiet(&mut events, &officer).await?;
    let known = first.iter().filter(|event| matches!(event, Event::Shown(_))).count();
    narrator.check(
        known > 0,
        format_args!("the watch begins with the {known} signals that there are"),
    )?;

    let began = Instant::now();
    push(stage, grant("1")).await?;
    let told = next(&mut events, &officer).await?;
    let new = matches!(&told, Event::Shown(one) if one.kind == "welfare.crisis-grant");
    narrator.say("Welfare pushes a new crisis grant for Alex. The open watch is told:")?;
    narrator.check(new, watch::spoken(&told))?;
    let delivery = millis(began);

    let began = Instant::now();
    record(&stage.desk("adviser-8")?, ALEX, ConsentStance::Withdrawn).await?;
    narrator.say("\nAlex withdraws consent. The open watch is told what is to be seen no more:")?;
    let mut gone = 0;
    while gone < known + 1 {
        match next(&mut events, &officer).await? {
            Event::Hidden(_) => gone += 1,
            other => narrator.check(false, watch::spoken(&other))?,
        }
    }
    narrator.check(true, format_args!("all {gone} signals are taken off the screen"))?;
    let withdrawal = millis(began);

    push(stage, grant("2")).await?;
    let after = until_quiet(&mut events, &officer).await?;
    narrator.say("\nWelfare pushes another crisis grant.")?;
    narrator.check(
        after.is_empty(),
        "the open watch is told nothing, not even that there is something",
    )?;
    let signals = put(&officer, narrator, "housing_after_withdrawal", about(ALEX)).await?;
    narrator.check(signals.is_empty(), "and a new question finds nothing either")?;
    narrator.measure(
        "watch",
        json!({
            "first_signals": known,
            "delivery_ms": delivery,
            "tombstones": gone,
            "withdrawal_ms": withdrawal,
            "after_withdrawal": after.len(),
        }),
    );
    Ok(())
}

async fn push(stage: &Stage, draft: SignalDraft) -> Result<()> {
    let link = Link::new(stage.adapter("welfare")?, None)?;
    let request = PushSignalRequest { signal: Some(draft) };
    link.signals()
        .push_signal(link.call(request)?)
        .await
        .map_err(|status| link.fault(status))?;
    Ok(())
}

fn grant(id: &str) -> SignalDraft {
    SignalDraft {
        kind: "welfare.crisis-grant".into(),
        source_system: "demo".into(),
        source_id: id.into(),
        version: 1,
        person: Some(person(ALEX)),
        occurred_at: Some(moment::to_wire(now())),
        severity: Severity::Medium.into(),
        summary: "Crisis grant for food and heating".into(),
        ..Default::default()
    }
}

/// The next event that says something.
async fn next(events: &mut Streaming<WatchSignalsResponse>, link: &Link) -> Result<Event> {
    let something = async {
        loop {
            match one(events, link).await? {
                Event::Heartbeat(_) => {}
                event => return Ok(event),
            }
        }
    };
    match timeout(SOON, something).await {
        Ok(event) => event,
        Err(_) => bail!("the open watch was told nothing within {} seconds", SOON.as_secs()),
    }
}

/// Everything that comes before two heartbeats in a row: the first may have been on its way already.
async fn until_quiet(events: &mut Streaming<WatchSignalsResponse>, link: &Link) -> Result<Vec<Event>> {
    let (mut told, mut beats) = (Vec::new(), 0);
    while beats < 2 {
        match timeout(SOON, one(events, link))
            .await
            .context("the open watch fell silent")??
        {
            Event::Heartbeat(_) => beats += 1,
            event => {
                told.push(event);
                beats = 0;
            }
        }
    }
    Ok(told)
}

async fn one(events: &mut Streaming<WatchSignalsResponse>, link: &Link) -> Result<Event> {
    let message = events.message().await.map_err(|status| link.fault(status))?;
    message
        .and_then(|message| message.event)
        .context("the hub ended the watch")
}
