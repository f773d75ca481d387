//! Pushing: one signal, or a two-way stream of them with one answer each, in order.

use std::sync::Arc;

use futures_util::StreamExt as _;
use placehub_proto::v1::{self as proto, push_signals_response::Result as Outcome};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use super::{Claim, House, Trouble};
use crate::{
    authn::Caller,
    gate::{Coming, Gate},
    signals, wire,
};

/// How many signals of one stream are under way at once: enough to share commits, few enough to bound memory.
const UNDER_WAY: usize = 256;

/// Answers each signal of a stream in order. A refused signal does not end it; a closed hub does.
pub(super) fn stream(
    house: Arc<House>,
    claim: Claim,
    requests: Streaming<proto::PushSignalsRequest>,
) -> impl Stream<Item = Result<proto::PushSignalsResponse, Status>> + Send {
    let claim = Arc::new(claim);
    let stopping = house.stopping.clone();
    let taken = requests.take_until(stopping.cancelled_owned());
    let ending = house.clone();
    let answers = taken
        .map(move |request| {
            let (house, claim) = (house.clone(), claim.clone());
            let answer = async move {
                let request = request.map_err(super::status::of_reading)?;
                house.answer(&claim, request).await.map_err(Status::from)
            };
            // Signals are kept in the order in which they came: none may be made to yield to one behind it.
            tokio::task::unconstrained(answer)
        })
        .buffered(UNDER_WAY);
    async_stream::stream! {
        let mut answers = std::pin::pin!(answers);
        while let Some(answer) = answers.next().await {
            let failed = answer.is_err();
            yield answer;
            if failed {
                return;
            }
        }
        if ending.stopping.is_cancelled() {
            yield Err(Trouble::stopping().into());
        }
    }
}

impl House {
    async fn answer(
        &self,
        claim: &Claim,
        request: proto::PushSignalsRequest,
    ) -> Result<proto::PushSignalsResponse, Trouble> {
        let caller = self.prove(claim)?;
        let result = match self.push(&caller, request.signal, Gate::among_others).await {
            Ok(acknowledged) => Outcome::Acknowledged(acknowledged),
            Err(trouble) if trouble.is_of_request() => Outcome::Refused(trouble.into_refusal()),
            Err(trouble) => return Err(trouble),
        };
        Ok(proto::PushSignalsResponse {
            sequence: request.sequence,
            result: Some(result),
        })
    }

    /// Keeps one signal. `comes` says how its caller waits for that.
    pub(super) async fn push(
        &self,
        caller: &Caller,
        given: Option<proto::SignalDraft>,
        comes: fn(&Gate) -> Coming<'_>,
    ) -> Result<proto::PushSignalResponse, Trouble> {
        let policies = self.gate.policies();
        let given = given.unwrap_or_default();
        let draft = wire::draft(&given, "signal", self.against(&policies))?;
        let owner_sector = policies.catalogue().kind(&draft.kind).map(|kind| kind.owner.clone());
        let owner_sector = owner_sector.ok_or_else(Trouble::closed)?;
        let (coming, now) = (comes(&self.gate), self.clock.now());
        let (permit, plan) = self.gate.push(coming, caller, draft, owner_sector, now).await?;
        let outcome = match plan.outcome {
            signals::Outcome::AlreadyKnown => proto::PushOutcome::AlreadyKnown,
            signals::Outcome::Corrected => proto::PushOutcome::Corrected,
            signals::Outcome::Recorded => proto::PushOutcome::Recorded,
            signals::Outcome::Superseded => proto::PushOutcome::Superseded,
        };
        Ok(proto::PushSignalResponse {
            signal_id: plan.signal.text(),
            outcome: outcome.into(),
            ledger_entry: permit.entry(),
        })
    }
}
