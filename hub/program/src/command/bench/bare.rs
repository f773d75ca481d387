//! The bare server that the hub is measured beside: tonic behind the same TLS, returning prepared answers of the same bytes.
//! It reads no certificate and no token, decides nothing and writes nothing.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, PushOutcome, PushSignalRequest, PushSignalResponse, PushSignalsRequest,
    PushSignalsResponse, RetractSignalRequest, RetractSignalResponse, WatchSignalsRequest, WatchSignalsResponse,
    push_signals_response, question::Subject, signal_service_server::SignalService,
};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

/// The service.
#[derive(Clone)]
pub(super) struct Bare {
    shelf: Shelf,
}

/// The answers that the bare server gives, by the NHS number or area that is asked about.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<RwLock<HashMap<String, AskSignalsResponse>>>);

impl Shelf {
    /// Has the bare server answer so to questions about this number or area.
    pub(super) fn put(&self, about: String, answer: AskSignalsResponse) {
        let mut shelf = self.0.write().unwrap_or_else(PoisonError::into_inner);
        shelf.insert(about, answer);
    }

    fn copy(&self, about: &str) -> Option<AskSignalsResponse> {
        let shelf = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shelf.get(about).cloned()
    }
}

impl Bare {
    /// A service that answers from this shelf.
    pub(super) fn new(shelf: Shelf) -> Self {
        Self { shelf }
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl SignalService for Bare {
    type PushSignalsStream = Answers<PushSignalsResponse>;
    type WatchSignalsStream = Answers<WatchSignalsResponse>;

    async fn push_signal(&self, _request: Request<PushSignalRequest>) -> Result<Response<PushSignalResponse>, Status> {
        Ok(Response::new(acknowledgement()))
    }

    async fn push_signals(
        &self,
        request: Request<Streaming<PushSignalsRequest>>,
    ) -> Result<Response<Self::PushSignalsStream>, Status> {
        let answers = request.into_inner().map(|request| {
            Ok(PushSignalsResponse {
                sequence: request?.sequence,
                result: Some(push_signals_response::Result::Acknowledged(acknowledgement())),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn retract_signal(
        &self,
        _request: Request<RetractSignalRequest>,
    ) -> Result<Response<RetractSignalResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn ask_signals(&self, request: Request<AskSignalsRequest>) -> Result<Response<AskSignalsResponse>, Status> {
        let subject = request
            .get_ref()
            .question
            .as_ref()
            .and_then(|asked| asked.subject.as_ref());
        let about = match subject {
            Some(Subject::Person(person)) => &person.nhs_number,
            Some(Subject::AreaCode(code) | Subject::Uprn(code)) => code,
            None => "",
        };
        let answer = self.shelf.copy(about);
        answer
            .map(Response::new)
            .ok_or_else(|| Status::not_found("no such answer"))
    }

    async fn watch_signals(
        &self,
        _request: Request<WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}

/// As long as the hub's own.
fn acknowledgement() -> PushSignalResponse {
    PushSignalResponse {
        signal_id: "019aa2a5-53f0-7d5a-8f4e-1f0f6f2f9a11".to_owned(),
        outcome: PushOutcome::Recorded.into(),
        ledger_entry: 50_000,
    }
}
