//! A hub made up for the test: it keeps one signal for each (system, id, version), and may break off now and then.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex},
};

use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, CatalogueKind, GetCatalogueRequest, GetCatalogueResponse, PushOutcome,
    PushSignalRequest, PushSignalResponse, PushSignalsRequest, PushSignalsResponse, RetractSignalRequest,
    RetractSignalResponse, SignalDraft, WatchSignalsRequest, WatchSignalsResponse,
    catalogue_service_server::{CatalogueService, CatalogueServiceServer},
    push_signals_response::Result as Answer,
    signal_service_server::{SignalService, SignalServiceServer},
};
use tokio::{sync::watch, time::timeout};
use tokio_stream::{Stream, StreamExt};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Certificate, Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

use crate::home::{Home, LIMIT};

pub(crate) struct Hub {
    kept: Arc<Kept>,
    count: watch::Receiver<usize>,
    seen: watch::Receiver<usize>,
}

struct Kept {
    signals: Mutex<BTreeMap<(String, String, u64), SignalDraft>>,
    conflicts: Mutex<usize>,
    /// How many signals there are, and how many pushes there were.
    count: watch::Sender<usize>,
    seen: watch::Sender<usize>,
    breaks_every: Option<usize>,
}

#[derive(Clone)]
struct Door(Arc<Kept>);

impl Hub {
    /// Starts it on the port that the program's settings name. `breaks_every`: a stream breaks after so many pushes, once the
    /// signal has been kept and before that is said.
    pub(crate) async fn start(home: &Home, breaks_every: Option<usize>) -> Self {
        let (count, counted) = watch::channel(0);
        let (seen, pushed) = watch::channel(0);
        let kept = Arc::new(Kept {
            signals: Mutex::default(),
            conflicts: Mutex::default(),
            count,
            seen,
            breaks_every,
        });
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&home.hub.0, &home.hub.1))
            .client_ca_root(Certificate::from_pem(&home.authority));
        let server = Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(CatalogueServiceServer::new(Door(kept.clone())))
            .add_service(SignalServiceServer::new(Door(kept.clone())));
        let incoming = TcpIncoming::from(home.listen());
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        Self {
            kept,
            count: counted,
            seen: pushed,
        }
    }

    /// Waits until so many pushes more have come.
    pub(crate) async fn pushes(&mut self, more: usize) {
        let until = *self.seen.borrow() + more;
        let seen = timeout(LIMIT, self.seen.wait_for(|seen| *seen >= until)).await;
        seen.expect("pushes come in time").unwrap();
    }

    /// Waits until it has so many signals.
    pub(crate) async fn has(&mut self, number: usize) {
        let count = timeout(LIMIT, self.count.wait_for(|count| *count >= number)).await;
        count.expect("signals come in time").unwrap();
    }

    pub(crate) fn ids(&self) -> BTreeSet<String> {
        let signals = self.kept.signals.lock().unwrap();
        signals.keys().map(|(_, id, _)| id.clone()).collect()
    }

    pub(crate) fn conflicts(&self) -> usize {
        *self.kept.conflicts.lock().unwrap()
    }
}

impl Kept {
    fn keep(&self, draft: SignalDraft) -> Result<PushOutcome, Status> {
        let mut signals = self.signals.lock().unwrap();
        let key = (draft.source_system.clone(), draft.source_id.clone(), draft.version);
        let outcome = match signals.get(&key) {
            Some(known) => {
                *self.conflicts.lock().unwrap() += usize::from(*known != draft);
                PushOutcome::AlreadyKnown
            }
            None => {
                signals.insert(key, draft);
                PushOutcome::Recorded
            }
        };
        self.count.send_replace(signals.len());
        self.seen.send_modify(|seen| *seen += 1);
        let seen = *self.seen.borrow();
        match self.breaks_every {
            Some(every) if seen.is_multiple_of(every) => Err(Status::unavailable("stopping")),
            _ => Ok(outcome),
        }
    }
}

#[tonic::async_trait]
impl CatalogueService for Door {
    async fn get_catalogue(&self, _: Request<GetCatalogueRequest>) -> Result<Response<GetCatalogueResponse>, Status> {
        let kinds = placehub_housing::KINDS.iter().map(|need| CatalogueKind {
            id: need.kind().to_owned(),
            owner_sector: "housing".to_owned(),
            ..Default::default()
        });
        Ok(Response::new(GetCatalogueResponse {
            your_sector: "housing".to_owned(),
            kinds: kinds.collect(),
            ..Default::default()
        }))
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<PushSignalsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SignalService for Door {
    type PushSignalsStream = Answers;
    type WatchSignalsStream = Pin<Box<dyn Stream<Item = Result<WatchSignalsResponse, Status>> + Send>>;

    async fn push_signals(&self, request: Request<Streaming<PushSignalsRequest>>) -> Result<Response<Answers>, Status> {
        let kept = self.0.clone();
        let answers = request.into_inner().map(move |request| {
            let request = request?;
            let outcome = kept.keep(request.signal.unwrap_or_default())?;
            Ok(PushSignalsResponse {
                sequence: request.sequence,
                result: Some(Answer::Acknowledged(PushSignalResponse {
                    outcome: outcome.into(),
                    ..Default::default()
                })),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn push_signal(&self, _: Request<PushSignalRequest>) -> Result<Response<PushSignalResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn retract_signal(
        &self,
        _: Request<RetractSignalRequest>,
    ) -> Result<Response<RetractSignalResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn ask_signals(&self, _: Request<AskSignalsRequest>) -> Result<Response<AskSignalsResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn watch_signals(
        &self,
        _: Request<WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        Err(Status::unimplemented("not in this test"))
    }
}
