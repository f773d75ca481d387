//! An open watch: what there is now, then each change, each delivery through the gate again.
//! What is told is opened and checked piece by piece, when the reader is ready for it: nothing waits that could be withdrawn.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use placehub_proto::{
    ready::{WatchSignalsResponse, watch_signals_response::Event as Piece},
    v1 as proto,
};
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::Status;

use super::{Claim, House, Trouble, token::Bound};
use crate::{
    authn::{self, Caller},
    gate::{self, Event, Permit, Show, Step, Told, Watch},
    model::{Question, Violation},
    signals, wire,
};

/// How many steps without anything to tell are taken before other calls get their turn.
const STEPS: usize = 16;

/// The events of a watch.
pub(super) async fn stream(
    house: Arc<House>,
    claim: Claim,
    caller: &Caller,
    request: &proto::WatchSignalsRequest,
) -> Result<impl Stream<Item = Result<WatchSignalsResponse, Status>> + Send + use<>, Trouble> {
    let mut open = Open::new(house, claim, caller, request).await?;
    let mut bell = open.house.bell.listen();
    Ok(async_stream::try_stream! {
        let mut quiet_until = Instant::now() + open.house.limits.heartbeat();
        let mut look_at = quiet_until;
        loop {
            if Instant::now() >= look_at {
                look_at = Instant::now() + open.house.limits.heartbeat();
                open.watch.look_again();
            }
            let durable = *bell.borrow_and_update();
            while let Some((permit, told, next)) = open.step(durable).await? {
                let mut all = true;
                for piece in told {
                    match open.tell(&permit, piece)? {
                        Outcome::Silent => {}
                        Outcome::Piece(event) => {
                            quiet_until = Instant::now() + open.house.limits.heartbeat();
                            yield event;
                            // The library packs what is ready into one frame, up to 32 KiB, whether or not the reader
                            // can take it; a pause has it send each event by itself.
                            tokio::task::yield_now().await;
                        }
                        Outcome::Stale => {
                            all = false;
                            break;
                        }
                    }
                }
                if all {
                    open.watch.go_on(next);
                }
            }
            if Instant::now() >= quiet_until {
                quiet_until = Instant::now() + open.house.limits.heartbeat();
                yield open.heartbeat()?;
            }
            tokio::select! {
                rung = bell.changed() => rung.map_err(|_| Trouble::stopping()),
                () = tokio::time::sleep_until(quiet_until.min(look_at).min(open.end())) => Ok(()),
                () = open.house.stopping.cancelled() => Err(Trouble::stopping()),
            }?;
        }
    })
}

/// A watch with everything that it needs.
struct Open {
    house: Arc<House>,
    claim: Claim,
    question: Question,
    bound: Bound,
    watch: Watch,
    expires_at: Timestamp,
}

/// What came of telling a piece.
enum Outcome {
    Piece(WatchSignalsResponse),
    Silent,
    /// Something changed since the decision: the rest is to be decided anew.
    Stale,
}

impl Open {
    async fn new(
        house: Arc<House>,
        claim: Claim,
        caller: &Caller,
        request: &proto::WatchSignalsRequest,
    ) -> Result<Self, Trouble> {
        let policies = house.gate.policies();
        let question = wire::question(request.question.as_ref(), house.against(&policies))?;
        if question.until.is_some() {
            let violation = Violation::new("question.until", "must be empty in a watch");
            return Err(Trouble::fields(vec![violation]));
        }
        let asked = request.question.clone().unwrap_or_default();
        // Policies may change under a watch, so its cursor is not bound to them.
        let bound = Bound::to(caller, "watch", &asked, "");
        let now = house.clock.now();
        let watch = match request.cursor.as_str() {
            "" => house.gate.start_watch(now)?,
            cursor => {
                let from = house.open(&bound, cursor).ok_or_else(Trouble::cursor)?;
                let oldest = SignedDuration::from_hours(24 * house.limits.cursor_days);
                let resumed = house.gate.resume_watch(from, oldest, now).await?;
                resumed.ok_or_else(Trouble::cursor)?
            }
        };
        let expires_at = caller.need_practitioner()?.expires_at;
        Ok(Self {
            house,
            claim,
            question,
            bound,
            watch,
            expires_at,
        })
    }

    /// The next thing to tell, or `None` if there is nothing more to look at.
    async fn step(&mut self, durable: u64) -> Result<Option<(Permit<Show>, Vec<Told>, gate::Next)>, Trouble> {
        loop {
            for _ in 0..STEPS {
                let caller = self.prove()?;
                let now = self.house.clock.now();
                let step = self
                    .house
                    .gate
                    .step(&caller, &self.question, &mut self.watch, durable, now);
                match step.await {
                    Err(gate::Error::Changing) | Ok(Step::Pass) => {}
                    Ok(Step::Rest) => return Ok(None),
                    Ok(Step::Tell(permit, told, next)) => return Ok(Some((permit, told, next))),
                    Err(why) => return Err(why.into()),
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Opens and tells one piece, if nothing has changed since it was decided on.
    fn tell(&mut self, permit: &Permit<Show>, told: Told) -> Result<Outcome, Trouble> {
        let event = match &told.event {
            None => {
                self.watch.delivered(told);
                return Ok(Outcome::Silent);
            }
            Some(Event::Hide { signal, owner }) => Piece::Hidden(proto::Tombstone {
                signal_id: signal.map(|signal| signal.text()).unwrap_or_default(),
                owner_agency: owner.to_string(),
            }),
            Some(Event::Show(signal)) => {
                self.prove()?;
                // A slow reader gets nothing that has lapsed, or whose consent has ended, since it was decided.
                let age = self.house.clock.now().duration_since(permit.scope().decided_at());
                if age.unsigned_abs() > self.house.limits.heartbeat() {
                    return Ok(Outcome::Stale);
                }
                match self.house.signals.open(permit, *signal) {
                    Err(signals::Error::Changed) => return Ok(Outcome::Stale),
                    other => Piece::Shown(wire::signal(&self.house.agencies, other?)),
                }
            }
        };
        self.watch.delivered(told);
        Ok(Outcome::Piece(WatchSignalsResponse {
            cursor: self.cursor()?,
            event: Some(event),
            ledger_entry: permit.entry(),
        }))
    }

    fn heartbeat(&self) -> Result<WatchSignalsResponse, Trouble> {
        Ok(WatchSignalsResponse {
            cursor: self.cursor()?,
            event: Some(Piece::Heartbeat(proto::Heartbeat {})),
            ledger_entry: 0,
        })
    }

    fn cursor(&self) -> Result<String, Trouble> {
        self.house
            .seal(&self.bound, &self.watch.standpoint(self.house.clock.now()))
    }

    /// When the token ends, by the clock of the runtime.
    fn end(&self) -> Instant {
        let left = self.expires_at.duration_since(self.house.clock.now());
        let left = left.max(SignedDuration::from_millis(10));
        Instant::now() + Duration::try_from(left).unwrap_or_default()
    }

    /// The caller, proved anew: a revoked certificate, an expired token, a closed or stopping hub ends the watch.
    fn prove(&self) -> Result<Caller, Trouble> {
        if self.house.stopping.is_cancelled() {
            return Err(Trouble::stopping());
        }
        if self.house.gate.closed().is_some() {
            return Err(Trouble::closed());
        }
        let caller = self.house.prove(&self.claim)?;
        let expires_at = caller.need_practitioner()?.expires_at;
        match expires_at <= self.house.clock.now() {
            true => Err(authn::Error::TokenExpired.into()),
            false => Ok(caller),
        }
    }
}
