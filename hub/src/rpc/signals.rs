//! SignalService: agencies push and take back, practitioners ask and watch.

use std::{pin::Pin, sync::Arc};

use placehub_proto::{
    ready::{self, signal_service_server::SignalService},
    v1 as proto,
};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{House, Trouble, token::Bound};
use crate::{
    authn::Caller,
    gate::{self, Answer, Gate, Page},
    signals::{self, Retraction},
    wire,
};

/// The service.
#[derive(Clone)]
pub struct SignalDesk(pub Arc<House>);

/// How often a question is decided anew when something changes under it, before the asker is told to ask again.
const TRIES: usize = 8;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SignalService for SignalDesk {
    type PushSignalsStream = Answers<proto::PushSignalsResponse>;
    type WatchSignalsStream = Answers<ready::WatchSignalsResponse>;

    async fn push_signal(
        &self,
        request: Request<proto::PushSignalRequest>,
    ) -> Result<Response<proto::PushSignalResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let draft = request.into_inner().signal;
        Ok(Response::new(self.0.push(&caller, draft, Gate::soon).await?))
    }

    async fn push_signals(
        &self,
        request: Request<Streaming<proto::PushSignalsRequest>>,
    ) -> Result<Response<Self::PushSignalsStream>, Status> {
        let claim = super::claim(&request)?;
        self.0.prove(&claim).map_err(Trouble::from)?;
        Ok(Response::new(Box::pin(super::push::stream(
            self.0.clone(),
            claim,
            request.into_inner(),
        ))))
    }

    async fn retract_signal(
        &self,
        request: Request<proto::RetractSignalRequest>,
    ) -> Result<Response<proto::RetractSignalResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.retract(&caller, request.get_ref()).await?))
    }

    async fn ask_signals(
        &self,
        request: Request<proto::AskSignalsRequest>,
    ) -> Result<Response<ready::AskSignalsResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        Ok(Response::new(self.0.ask(&caller, request.get_ref()).await?))
    }

    async fn watch_signals(
        &self,
        request: Request<proto::WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        let claim = super::claim(&request)?;
        let caller = self.0.prove(&claim).map_err(Trouble::from)?;
        caller.need_practitioner().map_err(Trouble::from)?;
        let stream = super::watch::stream(self.0.clone(), claim, &caller, request.get_ref()).await?;
        Ok(Response::new(Box::pin(stream)))
    }
}

impl House {
    async fn ask(
        &self,
        caller: &Caller,
        request: &proto::AskSignalsRequest,
    ) -> Result<ready::AskSignalsResponse, Trouble> {
        let nothing = proto::Question::default();
        let asked = request.question.as_ref().unwrap_or(&nothing);
        for _ in 0..TRIES {
            let policies = self.gate.policies();
            let question = wire::question(request.question.as_ref(), self.against(&policies))?;
            let size = wire::page_size(request.page_size)?;
            // Most answers are one page, for which no token is opened or sealed.
            let bound = || Bound::to(caller, "ask", asked, policies.digest());
            let after = match request.page_token.as_str() {
                "" => None,
                token => Some(self.open(&bound(), token).ok_or_else(Trouble::page_token)?),
            };
            let page = Page { size, after };
            let answer = self.gate.ask(caller, &question, &page, self.clock.now()).await;
            let Answer { permit, next } = match answer {
                Err(gate::Error::Changing) => continue,
                other => other?,
            };
            // Decided by the very policies that the token is bound to, or decided anew.
            let opened = match self.signals.read(&permit) {
                Err(signals::Error::Changed) => continue,
                other => other?,
            };
            let next = next.map(|next| self.seal(&bound(), &next)).transpose()?;
            let signals = opened.into_iter().map(|opened| wire::signal(&self.agencies, opened));
            return Ok(ready::AskSignalsResponse {
                signals: signals.collect(),
                next_page_token: next.unwrap_or_default(),
                ledger_entry: permit.entry(),
            });
        }
        Err(gate::Error::Changing.into())
    }

    async fn retract(
        &self,
        caller: &Caller,
        request: &proto::RetractSignalRequest,
    ) -> Result<proto::RetractSignalResponse, Trouble> {
        let source = wire::retraction(request)?;
        let (permit, outcome) = self.gate.retract(caller, source, self.clock.now()).await?;
        let outcome = match outcome {
            Retraction::AlreadyKnown => proto::RetractOutcome::AlreadyKnown,
            Retraction::NotFound => proto::RetractOutcome::NotFound,
            Retraction::Retracted => proto::RetractOutcome::Retracted,
        };
        Ok(proto::RetractSignalResponse {
            outcome: outcome.into(),
            ledger_entry: permit.entry(),
        })
    }
}
