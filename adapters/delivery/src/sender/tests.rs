//! The sender against a hub made up for the test: it breaks off, refuses, is away, comes back.
//! No test here leans on a pause.

use std::{
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, PushSignalRequest, PushSignalResponse, PushSignalsRequest,
    PushSignalsResponse, Refusal, RetractSignalRequest, RetractSignalResponse, WatchSignalsRequest,
    WatchSignalsResponse,
    push_signals_response::Result as Answer,
    signal_service_server::{SignalService, SignalServiceServer},
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Endpoint, Server},
};

use super::*;

const QUICK: Patience = Patience {
    window: 4,
    answer: Duration::from_secs(20),
    without_progress: Duration::MAX,
    first_pause: Duration::ZERO,
    longest_pause: Duration::ZERO,
};

/// What the hub was told, in its order.
#[derive(Default)]
struct Hub {
    seen: Mutex<Vec<String>>,
    away: AtomicBool,
}

#[derive(Clone)]
struct Door(Arc<Hub>);

type Answers = Pin<Box<dyn Stream<Item = Result<PushSignalsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SignalService for Door {
    type PushSignalsStream = Answers;
    type WatchSignalsStream = Pin<Box<dyn Stream<Item = Result<WatchSignalsResponse, Status>> + Send>>;

    async fn push_signals(&self, request: Request<Streaming<PushSignalsRequest>>) -> Result<Response<Answers>, Status> {
        if self.0.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let hub = self.0.clone();
        let answers = request.into_inner().map(move |request| {
            let request = request?;
            let draft = request.signal.unwrap_or_default();
            let mut seen = hub.seen.lock().unwrap();
            let result = match draft.summary.as_str() {
                "poison" => return Err(Status::out_of_range("too large")),
                "breaks" if !seen.contains(&draft.source_id) => {
                    seen.push(draft.source_id);
                    return Err(Status::unavailable("stopping"));
                }
                "bad" => Answer::Refused(Refusal {
                    reason: "FIELD_INVALID".into(),
                    ..Default::default()
                }),
                _ => {
                    if !seen.contains(&draft.source_id) {
                        seen.push(draft.source_id);
                    }
                    Answer::Acknowledged(PushSignalResponse::default())
                }
            };
            Ok(PushSignalsResponse {
                sequence: request.sequence,
                result: Some(result),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn retract_signal(
        &self,
        request: Request<RetractSignalRequest>,
    ) -> Result<Response<RetractSignalResponse>, Status> {
        let id = request.into_inner().source_id;
        if id == "bad" {
            return Err(Status::invalid_argument("bad"));
        }
        self.0.seen.lock().unwrap().push(format!("-{id}"));
        Ok(Response::new(RetractSignalResponse::default()))
    }

    async fn push_signal(&self, _: Request<PushSignalRequest>) -> Result<Response<PushSignalResponse>, Status> {
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

fn draft(id: &str, summary: &str) -> Content {
    Content::Draft(SignalDraft {
        source_id: id.to_owned(),
        summary: summary.to_owned(),
        ..Default::default()
    })
}

fn retraction(id: &str) -> Content {
    Content::Retraction(RetractSignalRequest {
        source_id: id.to_owned(),
        ..Default::default()
    })
}

struct Given {
    _home: TempDir,
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    hub: Arc<Hub>,
    connect: Connect,
}

/// An outbox with these entries, and a hub.
async fn given(contents: Vec<Content>) -> Given {
    let home = TempDir::new().unwrap();
    let outbox = Arc::new(Outbox::open(&home.path().join("outbox"), 1_000_000).unwrap());
    let entries: Vec<Entry> = contents
        .into_iter()
        .map(|content| Entry {
            origin: "x".into(),
            taken_at: 0,
            content: Some(content),
        })
        .collect();
    outbox.put(&entries).unwrap();
    let quarantine = Quarantine::open(&home.path().join("quarantine")).unwrap();
    let hub = Arc::new(Hub::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = SignalServiceServer::new(Door(hub.clone()));
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    Given {
        _home: home,
        outbox,
        quarantine,
        hub,
        connect: Box::new(move || {
            Ok(Endpoint::from_shared(format!("http://{address}"))
                .unwrap()
                .connect_lazy())
        }),
    }
}

impl Given {
    /// Sends until nothing waits, and gives what the hub saw and how many entries are kept back.
    async fn emptied(self) -> (Vec<String>, u64) {
        let stop = CancellationToken::new();
        let (outbox, quarantine) = (self.outbox.clone(), self.quarantine.clone());
        let sender = Sender::new(outbox, quarantine, Arc::default(), self.connect, QUICK, Vec::new());
        let sending = tokio::spawn(sender.run(stop.clone()));
        while self.outbox.depth() > 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        sending.await.unwrap().unwrap();
        let seen = self.hub.seen.lock().unwrap().clone();
        (seen, self.quarantine.count().unwrap())
    }
}

#[tokio::test]
async fn drafts_and_retractions_reach_the_hub_in_their_order() {
    let contents = vec![
        draft("1", ""),
        draft("2", ""),
        retraction("1"),
        draft("3", ""),
        retraction("2"),
    ];
    let (seen, kept) = given(contents).await.emptied().await;
    assert_eq!(
        (seen, kept),
        (["1", "2", "-1", "3", "-2"].map(String::from).to_vec(), 0)
    );
}

#[tokio::test]
async fn what_the_hub_refuses_is_kept_back_and_holds_no_other_up() {
    let contents = vec![draft("1", ""), draft("2", "bad"), retraction("bad"), draft("3", "")];
    let (seen, kept) = given(contents).await.emptied().await;
    assert_eq!((seen, kept), (["1", "3"].map(String::from).to_vec(), 2));
}

#[tokio::test]
async fn an_entry_for_which_the_hub_refuses_the_whole_stream_is_found_and_kept_back() {
    let mut contents: Vec<Content> = (0..20).map(|id| draft(&id.to_string(), "")).collect();
    contents[7] = draft("7", "poison");
    let (mut seen, kept) = given(contents).await.emptied().await;
    seen.sort_by_key(|id| id.parse::<u32>().unwrap());
    let expected: Vec<String> = (0..20).filter(|id| *id != 7).map(|id| id.to_string()).collect();
    assert_eq!((seen, kept), (expected, 1));
}

#[tokio::test]
async fn a_stream_that_breaks_loses_nothing() {
    let contents = (0..40)
        .map(|id| draft(&id.to_string(), if id % 9 == 5 { "breaks" } else { "" }))
        .collect();
    let (mut seen, kept) = given(contents).await.emptied().await;
    seen.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!((seen, kept), ((0..40).map(|id| id.to_string()).collect(), 0));
}

#[tokio::test]
async fn entries_wait_while_the_hub_is_away_and_go_when_it_is_back() {
    let given = given(vec![draft("1", "")]).await;
    given.hub.away.store(true, Ordering::SeqCst);
    let (hub, counters) = (given.hub.clone(), Arc::new(Counters::default()));
    let stop = CancellationToken::new();
    let sender = Sender::new(
        given.outbox.clone(),
        given.quarantine.clone(),
        counters.clone(),
        given.connect,
        QUICK,
        Vec::new(),
    );
    let sending = tokio::spawn(sender.run(stop.clone()));
    while counters.interruptions.value() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(given.outbox.depth(), 1);
    hub.away.store(false, Ordering::SeqCst);
    while given.outbox.depth() > 0 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    sending.await.unwrap().unwrap();
    assert_eq!(counters.recorded.value(), 1);
}
