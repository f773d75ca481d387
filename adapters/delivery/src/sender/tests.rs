//! The sender against a hub made up for the test: it breaks off, refuses, is away, comes back.
//! No test here leans on a pause.

use std::{
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, CatalogueKind, GetCatalogueRequest, GetCatalogueResponse, PushSignalRequest,
    PushSignalResponse, PushSignalsRequest, PushSignalsResponse, Refusal, RetractSignalRequest, RetractSignalResponse,
    WatchSignalsRequest, WatchSignalsResponse,
    catalogue_service_server::{CatalogueService, CatalogueServiceServer},
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
    /// Whether its catalogue keeps its one kind closed no more, as it does not once it broke off.
    opened: AtomicBool,
    /// How often it was asked for its catalogue, after which it opens its kind; 0 for ever.
    asked: AtomicU64,
    opens_after: AtomicU64,
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
                    hub.opened.store(true, Ordering::SeqCst);
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
        if id == "breaks" && !self.0.opened.swap(true, Ordering::SeqCst) {
            return Err(Status::unavailable("stopping"));
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

#[tonic::async_trait]
impl CatalogueService for Door {
    async fn get_catalogue(&self, _: Request<GetCatalogueRequest>) -> Result<Response<GetCatalogueResponse>, Status> {
        let closed = !self.0.opened.load(Ordering::SeqCst);
        if self.0.asked.fetch_add(1, Ordering::SeqCst) + 1 == self.0.opens_after.load(Ordering::SeqCst) {
            self.0.opened.store(true, Ordering::SeqCst);
        }
        let kind = CatalogueKind {
            id: KIND.into(),
            closed_by: if closed { "a law".into() } else { String::new() },
            ..Default::default()
        };
        Ok(Response::new(GetCatalogueResponse {
            kinds: vec![kind],
            ..Default::default()
        }))
    }
}

/// The one kind that the hub has.
const KIND: &str = "welfare.benefit-sanction";

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
    home: TempDir,
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
    let signals = SignalServiceServer::new(Door(hub.clone()));
    let catalogue = CatalogueServiceServer::new(Door(hub.clone()));
    tokio::spawn(
        Server::builder()
            .add_service(signals)
            .add_service(catalogue)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    Given {
        home,
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

/// What the hub saw of these entries by the time that the sender refused to send it more, if it needs its kind closed and
/// takes that to stay so for `agreed_for`.
async fn seen_until_the_catalogue_differs(given: Given, agreed_for: Duration) -> Vec<String> {
    let (outbox, needs) = (given.outbox.clone(), vec![Need::closed(KIND)]);
    let mut sender = Sender::new(outbox, given.quarantine, Arc::default(), given.connect, QUICK, needs);
    sender.agreed_for = agreed_for;
    let refused = tokio::time::timeout(Duration::from_secs(60), sender.run(CancellationToken::new()));
    let trouble = refused.await.expect("the sender goes on").unwrap_err();
    assert!(matches!(trouble, Trouble::CatalogueDiffers { .. }), "{trouble:?}");
    assert!(given.outbox.depth() > 0, "what was not sent is gone");
    given.hub.seen.lock().unwrap().clone()
}

#[tokio::test]
async fn a_hub_that_comes_back_with_another_catalogue_in_the_middle_of_a_stream_is_sent_nothing_more() {
    let given = given(vec![draft("1", ""), draft("2", "breaks"), draft("3", "")]).await;
    let seen = seen_until_the_catalogue_differs(given, AGREED_FOR).await;
    assert_eq!(seen, ["1", "2"]);
}

#[tokio::test]
async fn a_hub_that_comes_back_with_another_catalogue_in_the_middle_of_a_call_is_sent_nothing_more() {
    let given = given(vec![draft("1", ""), retraction("breaks"), draft("2", "")]).await;
    let seen = seen_until_the_catalogue_differs(given, AGREED_FOR).await;
    assert_eq!(seen, ["1"]);
}

#[tokio::test]
async fn a_catalogue_that_changes_on_a_connection_that_holds_is_noticed_when_it_is_asked_for_anew() {
    let given = given(vec![draft("1", ""), draft("2", ""), draft("3", "")]).await;
    given.hub.opens_after.store(2, Ordering::SeqCst);
    let seen = seen_until_the_catalogue_differs(given, Duration::ZERO).await;
    assert_eq!(seen, ["1", "2"]);
}

#[tokio::test]
async fn the_catalogue_is_asked_for_anew_when_something_comes_after_a_rest() {
    let given = given(vec![draft("1", "")]).await;
    given.hub.opens_after.store(1, Ordering::SeqCst);
    let (outbox, folder) = (given.outbox.clone(), given.home.path().join("outbox"));
    let files = || -> Vec<_> { folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect() };
    let first = files();
    let putting = async {
        // What was delivered is removed only at rest.
        while first.iter().all(|file| file.exists()) {
            sleep(Duration::from_millis(10)).await;
        }
        let second = Entry {
            origin: "x".into(),
            taken_at: 0,
            content: Some(draft("2", "")),
        };
        outbox.put(&[second]).unwrap();
    };
    let (seen, ()) = tokio::join!(seen_until_the_catalogue_differs(given, AGREED_FOR), putting);
    assert_eq!(seen, ["1"]);
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
