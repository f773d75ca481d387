//! The cases that are measured in pairs: each repetition measures the bare server and the hub, one right after the other,
//! with the same questions, connections and calls in flight.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use placehub_proto::v1::{PushSignalRequest, SignalDraft};
use tokio::task::JoinSet;

use super::{
    ask::Questions,
    disk,
    figures::{Row, Spread},
    measure::{Run, run, server_time},
    pace,
    stage::{CONNECTIONS, Party, Stage},
    stream, tap,
};
use crate::command::now;

/// Drafts that are made for a measurement of a second. A stream pushes these and no more.
const STREAMED: f64 = 8_000.0;
/// Rows of a batch when sled alone is written in full batches.
const FULL: usize = 512 * 16;

/// Measures pairs on a stage.
pub(super) struct Pairs<'s> {
    stage: &'s Stage,
    repeat: u32,
    span: Duration,
    /// How many fresh signals were pushed, so that each is new.
    fresh: AtomicU64,
}

impl<'s> Pairs<'s> {
    /// So many pairs a case, each measurement so long.
    pub(super) fn new(stage: &'s Stage, repeat: u32, span: Duration) -> Self {
        Self {
            stage,
            repeat,
            span,
            fresh: AtomicU64::new(0),
        }
    }

    /// Questions about people.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub(super) async fn ask_person(&self, in_flight: usize, connections: usize) -> Result<Row> {
        let questions = self.people().await?;
        let (bare, hub) = self.asked(&questions, in_flight, connections).await?;
        let (signals, bytes) = questions.size();
        let work = format!(
            "{} people in turn, 25 candidates, {signals} shown, {bytes} bytes; {in_flight} in flight, {connections} connections",
            questions.count()
        );
        let mut row = Row::new("ask-person", work).compare(&bare, &hub);
        row.aim_for_ratio(0.5);
        row.aim_for_ratio(0.7);
        self.weigh(&questions, (in_flight, connections), &mut row).await?;
        Ok(row)
    }

    /// Questions about people, one after the other.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub(super) async fn lone(&self) -> Result<Row> {
        let questions = self.people().await?;
        let folder = self.stage.folder();
        let mut synced = Vec::new();
        let (mut bare, mut hub) = (Vec::new(), Vec::new());
        for _ in 0..self.repeat {
            self.stage.rest().await?;
            synced.extend(disk::syncs(folder, Duration::ZERO)?);
            bare.push(self.ask(&questions, Party::Bare, 1, 1).await?);
            hub.push(self.ask(&questions, Party::Hub, 1, 1).await?);
            self.stage.rest().await?;
            synced.extend(disk::syncs(folder, Duration::ZERO)?);
        }
        let micros = |took: &Duration| took.as_secs_f64() * 1e6;
        let middle = |took: &[Duration]| Spread::of(took.iter().map(micros)).map_or(f64::NAN, |spread| spread.median);
        let sync = middle(&synced);
        let mut row = Row::new("lone", "as ask-person; one in flight, one connection").compare(&bare, &hub);
        let over = |(bare, hub): (&Run, &Run)| hub.percentile(50.0) - bare.percentile(50.0);
        if let Some(over) = Spread::of(bare.iter().zip(&hub).map(over)) {
            let took = Spread::of(hub.iter().map(|run| run.percentile(50.0))).map_or(0.0, |spread| spread.median);
            let pause = Duration::try_from_secs_f64((took - sync) / 1e6).unwrap_or_default();
            let apart = disk::syncs(folder, pause)?;
            row.figure("hub over bare", over.median, "µs");
            row.figure("fdatasync", sync, "µs");
            row.figure("fdatasync after a pause, as between calls", middle(&apart), "µs");
            row.figure("hub over bare and fdatasync", over.median - sync, "µs");
            row.aim("hub ≤ bare + fdatasync + 150 µs (p50)", over.median <= sync + 150.0);
        }
        Ok(row)
    }

    /// A question about a quarter's week.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub(super) async fn ask_area(&self) -> Result<Row> {
        let desks = self.stage.desks(Party::Hub, 1)?;
        let mut questions = None;
        for desk in desks.iter() {
            questions = Some(Questions::about_market(now(), desk, &self.stage.shelf).await?);
        }
        let Some(questions) = questions else {
            anyhow::bail!("there is no desk");
        };
        let (bare, hub) = self.asked(&questions, 16, CONNECTIONS).await?;
        let (signals, bytes) = questions.size();
        let work = format!(
            "a week, 1,000 candidates, a page of {signals}, {bytes} bytes; 16 in flight, {CONNECTIONS} connections"
        );
        let mut row = Row::new("ask-area", work).compare(&bare, &hub);
        row.aim_for_ratio(0.5);
        self.weigh(&questions, (16, CONNECTIONS), &mut row).await?;
        Ok(row)
    }

    /// Pushes, one a call.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub(super) async fn push_unary(&self) -> Result<Row> {
        let (mut bare, mut hub) = (Vec::new(), Vec::new());
        for _ in 0..self.repeat {
            let drafts: Arc<[SignalDraft]> = self.drafts(self.span).into();
            self.stage.rest().await?;
            bare.push(self.push(Party::Bare, drafts.clone()).await?);
            hub.push(self.push(Party::Hub, drafts).await?);
        }
        let work = format!("new signals, each durable; 64 in flight, {CONNECTIONS} connections");
        let mut row = Row::new("push-unary", work).compare(&bare, &hub);
        row.aim_for_ratio(0.4);
        Ok(row)
    }

    /// Pushes through streams, and the same writes to sled alone.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub(super) async fn push_stream(&self, streams: usize) -> Result<Row> {
        let folder = tempfile::tempdir_in(self.stage.folder())?;
        let alone = Arc::new(self.stage.tap().copy(folder.path())?);
        let (mut bare, mut hub) = (Vec::new(), Vec::new());
        let (mut same, mut full, mut commits) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut weights) = (Vec::new(), Vec::new());
        for _ in 0..self.repeat {
            let drafts = self.drafts(self.span);
            self.stage.rest().await?;
            bare.push(self.stream(Party::Bare, streams, drafts.clone()).await?);
            hub.push(self.stream(Party::Hub, streams, drafts).await?);
            // Once more with the tape running, and not timed; what is on it is then written alone, and timed.
            for (rates, merge) in [(&mut same, false), (&mut full, true)] {
                let drafts = self.drafts(self.span / 2);
                let count = drafts.len() as f64;
                self.stage.tap().record();
                let taped = self.stream(Party::Hub, streams, drafts).await?;
                let mut batches = self.stage.tap().stop();
                if merge {
                    batches = tap::merged(&batches, FULL);
                } else {
                    commits.push(count / batches.len().max(1) as f64);
                    let (written, bytes) = tap::weight(&batches);
                    rows.push(written as f64 / count);
                    weights.push(bytes as f64 / count);
                }
                self.stage.rest().await?;
                let alone = alone.clone();
                let took = tokio::task::spawn_blocking(move || alone.replay(batches)).await??;
                rates.push((count / took.as_secs_f64(), taped));
            }
        }
        let case = format!("push-stream-{streams}");
        let work = format!("{streams} streams, each with a window of {}", stream::WINDOW);
        let mut row = Row::new(case, work).compare(&bare, &hub);
        let median =
            |rates: &[(f64, Run)]| Spread::of(rates.iter().map(|(rate, _)| *rate)).map_or(f64::NAN, |s| s.median);
        let (same_rate, full_rate) = (median(&same), median(&full));
        for (_, taped) in same.iter().chain(&full) {
            row.note(std::slice::from_ref(taped));
        }
        let middle = |figures: Vec<f64>| Spread::of(figures).map_or(f64::NAN, |spread: Spread| spread.median);
        let here = row.hub.as_ref().map_or(f64::NAN, |side| side.rate.median);
        let pushed = middle(hub.iter().map(|run| run.calls as f64).collect());
        row.figure(
            "what the rows of each timed run filled of what the journal takes before sled",
            middle(weights.clone()) * pushed / self.stage.tap().room() as f64,
            "",
        );
        row.figure("sled alone, same commits", same_rate, "signals/s");
        row.figure("sled alone, full commits", full_rate, "signals/s");
        row.figure("signals a commit", middle(commits), "");
        row.figure("rows written a signal", middle(rows), "");
        row.figure("bytes written a signal", middle(weights), "");
        row.figure("hub over sled alone, same commits", here / same_rate, "");
        row.figure("hub over sled alone, full commits", here / full_rate, "");
        row.aim("≥ 20,000 signals/s", here >= 20_000.0);
        row.aim("≥ 0.60 of sled alone, full commits", here / full_rate >= 0.6);
        Ok(row)
    }

    async fn people(&self) -> Result<Questions> {
        let desks = self.stage.desks(Party::Hub, 1)?;
        match desks.first() {
            Some(desk) => Questions::about_people(&self.stage.town, desk, &self.stage.shelf).await,
            None => anyhow::bail!("there is no desk"),
        }
    }

    async fn asked(&self, questions: &Questions, in_flight: usize, desks: usize) -> Result<(Vec<Run>, Vec<Run>)> {
        let (mut bare, mut hub) = (Vec::new(), Vec::new());
        for _ in 0..self.repeat {
            self.stage.rest().await?;
            bare.push(self.ask(questions, Party::Bare, in_flight, desks).await?);
            hub.push(self.ask(questions, Party::Hub, in_flight, desks).await?);
        }
        Ok((bare, hub))
    }

    /// Asks once more, with the tape running and not timed, and adds how much an answer writes.
    async fn weigh(&self, questions: &Questions, (in_flight, desks): (usize, usize), row: &mut Row) -> Result<()> {
        let desks = self.stage.desks(Party::Hub, desks)?;
        self.stage.tap().record();
        let taped = questions.ask(desks, pace(in_flight, self.span / 4)).await?;
        row.note(std::slice::from_ref(&taped));
        if let Some(bytes) = tap::bytes_an_entry(&self.stage.tap().stop()) {
            row.figure("bytes written an answer", bytes, "");
        }
        Ok(())
    }

    async fn ask(&self, questions: &Questions, party: Party, in_flight: usize, desks: usize) -> Result<Run> {
        let desks = self.stage.desks(party, desks)?;
        questions.ask(desks, pace(in_flight, self.span)).await
    }

    async fn push(&self, party: Party, drafts: Arc<[SignalDraft]>) -> Result<Run> {
        let adapters = self.stage.adapters(party, CONNECTIONS)?;
        let next = Arc::new(AtomicUsize::new(0));
        run(pace(64, self.span), move |worker, _| {
            let (adapters, drafts) = (adapters.clone(), drafts.clone());
            let at = next.fetch_add(1, Ordering::Relaxed);
            async move {
                let signal = again(&drafts, at);
                let adapter = adapters.get(worker % adapters.len()).ok_or("there is no adapter")?;
                let request = adapter
                    .call(PushSignalRequest { signal })
                    .map_err(|why| why.to_string())?;
                let answer = adapter.signals().push_signal(request).await;
                stream::check(answer.map_err(|status| status.to_string())?.get_ref())
            }
        })
        .await
    }

    async fn stream(&self, party: Party, streams: usize, drafts: Vec<SignalDraft>) -> Result<Run> {
        let adapters = self.stage.adapters(party, streams)?;
        // One connection is made, and one answer had, before the count.
        for adapter in adapters.iter() {
            stream::push(adapter, std::iter::once(self.draft()), None).await;
        }
        let mut parts: Vec<Vec<SignalDraft>> = vec![Vec::new(); streams];
        let each = drafts.len().div_ceil(streams);
        let mut drafts = drafts.into_iter();
        for part in &mut parts {
            part.extend(drafts.by_ref().take(each));
        }
        let (began, before) = (Instant::now(), server_time());
        let mut running = JoinSet::new();
        for (number, part) in parts.into_iter().enumerate() {
            let adapters = adapters.clone();
            running.spawn(async move {
                match adapters.get(number) {
                    Some(adapter) => stream::push(adapter, part.into_iter(), None).await,
                    None => Run::default(),
                }
            });
        }
        let mut whole = Run::default();
        while let Some(part) = running.join_next().await {
            whole.absorb(part?);
        }
        whole.span = began.elapsed();
        whole.server = server_time().saturating_sub(before);
        whole.finish();
        Ok(whole)
    }

    /// Drafts that nobody has pushed, made before the clock runs.
    fn drafts(&self, span: Duration) -> Vec<SignalDraft> {
        let count = (STREAMED * span.as_secs_f64()).max(512.0) as u64;
        (0..count).map(|_| self.draft()).collect()
    }

    fn draft(&self) -> SignalDraft {
        let number = self.fresh.fetch_add(1, Ordering::Relaxed);
        self.stage.town.fresh("housing", number)
    }
}

/// The next of some drafts, time and again; each time around as another signal of its owner's.
fn again(drafts: &[SignalDraft], at: usize) -> Option<SignalDraft> {
    let (around, at) = (at.checked_div(drafts.len())?, at.checked_rem(drafts.len())?);
    let mut draft = drafts.get(at)?.clone();
    draft.source_id += &format!("-{around}");
    Some(draft)
}
