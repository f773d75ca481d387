//! An open watch: what there is now, then each change, each delivery through the gate again.
//! Nothing is decided ahead of the reader: the next step is taken only when the reader is ready for it.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use placehub_proto::v1::{self as proto, watch_signals_response::Event as Told};
use tokio_stream::Stream;
use tonic::Status;

use super::{Claim, House, Trouble, token::Bound};
use crate::{
    authn::{self, Caller},
    gate::{Event, Standpoint, Step},
    model::{Question, Violation},
    signals, wire,
};

/// The events of a watch.
pub(super) async fn stream(
    house: Arc<House>,
    claim: Claim,
    caller: &Caller,
    request: &proto::WatchSignalsRequest,
) -> Result<impl Stream<Item = Result<proto::WatchSignalsResponse, Status>> + Send + use<>, Trouble> {
    let policies = house.gate.policies.load_full();
    let question = wire::question(request.question.as_ref(), house.against(&policies))?;
    if question.until.is_some() {
        return Err(Trouble::fields(vec![Violation::new(
            "question.until",
            "must be empty in a watch",
        )]));
    }
    let asked = request.question.clone().unwrap_or_default();
    // Policies may change under a watch, so its cursor is not bound to them.
    let bound = Bound::to(caller, "watch", &asked, "");
    let at = match request.cursor.as_str() {
        "" => Standpoint::start(&house.gate)?,
        cursor => {
            let at = house.open(&bound, cursor).ok_or_else(Trouble::cursor)?;
            match house.gate.resume(at, house.clock.now()).await? {
                true => at,
                false => return Err(Trouble::cursor()),
            }
        }
    };
    let expires_at = caller.need_practitioner()?.expires_at;
    let mut watch = Watch {
        house,
        claim,
        question,
        bound,
        at,
        expires_at,
    };
    let mut bell = watch.house.bell.listen();
    Ok(async_stream::try_stream! {
        loop {
            bell.mark_unchanged();
            while let Some(events) = watch.next().await? {
                for event in events {
                    yield event;
                }
            }
            let quiet = tokio::select! {
                rung = bell.changed() => rung.map(|()| false).map_err(|_| Trouble::stopping()),
                () = tokio::time::sleep(watch.patience()) => Ok(true),
                () = watch.house.stopping.cancelled() => Err(Trouble::stopping()),
            }?;
            if quiet {
                yield watch.heartbeat()?;
            }
        }
    })
}

struct Watch {
    house: Arc<House>,
    claim: Claim,
    question: Question,
    bound: Bound,
    at: Standpoint,
    expires_at: Timestamp,
}

impl Watch {
    /// The next events, or `None` if there is nothing more to look at for now.
    async fn next(&mut self) -> Result<Option<Vec<proto::WatchSignalsResponse>>, Trouble> {
        let caller = self.prove()?;
        if self.house.stopping.is_cancelled() {
            return Err(Trouble::stopping());
        }
        let now = self.house.clock.now();
        match self.house.gate.step(&caller, &self.question, self.at, now).await? {
            Step::Rest => Ok(None),
            Step::Pass(then) => {
                self.at = then;
                Ok(Some(Vec::new()))
            }
            Step::Tell { permit, events, then } => {
                let opened = match self.house.signals.read(&permit) {
                    Err(signals::Error::Changed) => return Ok(Some(Vec::new())),
                    other => other?,
                };
                let mut shown: HashMap<_, _> = opened.into_iter().map(|opened| (opened.header.id, opened)).collect();
                let of = events.len();
                let mut told = Vec::with_capacity(of);
                for (index, event) in events.into_iter().enumerate() {
                    let cursor = self.house.seal(&self.bound, &self.at.after(index + 1, of, then))?;
                    let event = match event {
                        Event::Hide { signal, owner } => Told::Hidden(proto::Tombstone {
                            signal_id: signal.map(|signal| signal.text()).unwrap_or_default(),
                            owner_agency: owner.to_string(),
                        }),
                        Event::Show(signal) => match shown.remove(&signal) {
                            Some(opened) => Told::Shown(self.house.show(opened)),
                            // It changed since the decision; the change is next in the log.
                            None => continue,
                        },
                    };
                    told.push(proto::WatchSignalsResponse {
                        cursor,
                        event: Some(event),
                        ledger_entry: permit.entry(),
                    });
                }
                self.at = then;
                Ok(Some(told))
            }
        }
    }

    /// How long to wait for something to tell: until the next heartbeat, or the token's end if that is sooner.
    fn patience(&self) -> std::time::Duration {
        let now = self.house.clock.now();
        let left = self
            .expires_at
            .duration_since(now)
            .max(jiff::SignedDuration::from_millis(10));
        self.house.limits.heartbeat().min(left.unsigned_abs())
    }

    fn heartbeat(&self) -> Result<proto::WatchSignalsResponse, Trouble> {
        self.prove()?;
        Ok(proto::WatchSignalsResponse {
            cursor: self.house.seal(&self.bound, &self.at)?,
            event: Some(Told::Heartbeat(proto::Heartbeat {})),
            ledger_entry: 0,
        })
    }

    /// The caller, proved anew: a revoked certificate or an expired token ends the watch.
    fn prove(&self) -> Result<Caller, Trouble> {
        let caller = self.house.prove(&self.claim)?;
        let expires_at = caller.need_practitioner()?.expires_at;
        match expires_at <= self.house.clock.now() {
            true => Err(authn::Error::TokenExpired.into()),
            false => Ok(caller),
        }
    }
}
