//! Watching: how long after a push was acknowledged each of many watches has it, and whether each has it once.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use placehub_proto::v1::{PushSignalRequest, WatchSignalsRequest, watch_signals_response::Event};
use tokio::{sync::mpsc, task::JoinSet, time::timeout_at};

use super::{
    ask,
    figures::Row,
    measure::{Run, Wrong, server_time},
    stage::{CONNECTIONS, Party, Stage},
    stream,
    town::GREEN,
};
use crate::{command::now, link::Link};

/// Watches on one footprint.
const WATCHES: usize = 100;
/// Signals pushed.
const SIGNALS: u64 = 1_000;
/// How long a delivery may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// A signal that a watch was told of.
struct Told {
    watch: usize,
    signal: String,
    at: Instant,
}

/// Pushes signals one after the other, each as soon as all watches have the one before, for at most so long.
///
/// # Errors
/// If the watches cannot be opened.
pub(super) async fn measure(stage: &Stage, most: Duration) -> Result<Row> {
    let desks = stage.desks(Party::Hub, CONNECTIONS)?;
    let adapters = stage.adapters(Party::Hub, 1)?;
    let Some(adapter) = adapters.first() else {
        bail!("there is no adapter");
    };
    let (teller, mut told) = mpsc::channel(WATCHES * 4);
    let mut watches = JoinSet::new();
    for (watch, desk) in (0..WATCHES).zip(desks.iter().cycle()) {
        let question = ask::about_quarter(GREEN, now(), 1).question;
        let request = desk.open(WatchSignalsRequest {
            question,
            cursor: String::new(),
        })?;
        let mut events = desk.signals().watch_signals(request).await?.into_inner();
        let teller = teller.clone();
        watches.spawn(async move {
            while let Ok(Some(event)) = events.message().await {
                if let Some(Event::Shown(signal)) = event.event {
                    let (signal, at) = (signal.id, Instant::now());
                    if teller.send(Told { watch, signal, at }).await.is_err() {
                        break;
                    }
                }
            }
        });
    }
    // The first shows that all are open; it is not counted.
    let (mut first, mut run) = (Run::default(), Run::default());
    spread(stage, adapter, 0, &mut told, &mut first).await;
    let (began, before) = (Instant::now(), server_time());
    let mut pushed = 0;
    while pushed < SIGNALS && began.elapsed() < most && run.wrong == 0 && first.wrong == 0 {
        pushed += 1;
        spread(stage, adapter, pushed, &mut told, &mut run).await;
    }
    watches.abort_all();
    run.span = began.elapsed();
    run.server = server_time().saturating_sub(before);
    run.finish();
    let work = format!(
        "{WATCHES} watches on one footprint over {CONNECTIONS} connections, {pushed} signals pushed, each when all have the one \
         before"
    );
    let mut row = Row::new("watch", work);
    row.note(&[first]);
    let (p50, p99) = (run.percentile(50.0) / 1e3, run.percentile(99.0) / 1e3);
    row.figure("deliveries", run.rate(), "/s");
    row.figure("delivery after the acknowledgement, p50", p50, "ms");
    row.figure("delivery after the acknowledgement, p99", p99, "ms");
    row.figure("server time a delivery", run.server_each(), "µs");
    row.note(&[run]);
    row.aim("delivery p99 ≤ 20 ms", p99 <= 20.0);
    Ok(row)
}

/// Pushes one signal and waits until every watch has it.
async fn spread(stage: &Stage, adapter: &Link, number: u64, told: &mut mpsc::Receiver<Told>, run: &mut Run) {
    if let Err(why) = deliver(stage, adapter, number, told, run).await {
        run.note(why);
    }
}

async fn deliver(
    stage: &Stage,
    adapter: &Link,
    number: u64,
    told: &mut mpsc::Receiver<Told>,
    run: &mut Run,
) -> Result<(), Wrong> {
    let signal = Some(stage.town.fresh_on_green(number));
    let request = adapter
        .call(PushSignalRequest { signal })
        .map_err(|why| why.to_string())?;
    let answer = adapter.signals().push_signal(request).await;
    let answer = answer.map_err(|status| status.to_string())?.into_inner();
    let acknowledged = Instant::now();
    stream::check(&answer)?;
    let mut have = HashMap::with_capacity(WATCHES);
    while have.len() < WATCHES {
        let next = timeout_at((acknowledged + PATIENCE).into(), told.recv()).await;
        let next = next
            .ok()
            .flatten()
            .ok_or_else(|| format!("only {} watches were told", have.len()))?;
        if next.signal != answer.signal_id || have.insert(next.watch, next.at).is_some() {
            return Err("a watch was told of a signal twice, or of another".to_owned());
        }
    }
    // One that has it before the acknowledgement is here has waited for nothing.
    have.into_values()
        .for_each(|at| run.count(at.saturating_duration_since(acknowledged)));
    Ok(())
}
