//! Pushes to hubs made up for the test, each on a port of the system's choice: one that answers, one that breaks off, one that refuses TLS.
//! No test here leans on a pause.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{Arc, Mutex},
};

use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, PushOutcome, PushSignalRequest, PushSignalResponse, PushSignalsRequest,
    PushSignalsResponse, Refusal, RetractSignalRequest, RetractSignalResponse, SignalDraft, WatchSignalsRequest,
    WatchSignalsResponse,
    push_signals_response::Result as Answer,
    signal_service_server::{SignalService, SignalServiceServer},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::{
    Stream,
    wrappers::{ReceiverStream, TcpListenerStream},
};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Endpoint, Server},
};

use super::*;
use crate::settings::Settings;

const QUICK: Patience = Patience {
    window: 4,
    answer: Duration::from_secs(20),
    without_progress: Duration::from_secs(20),
    first_pause: Duration::ZERO,
    longest_pause: Duration::ZERO,
};

/// How the made-up hub behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    /// Keeps the fourth draft of the first stream, then breaks off without having said so.
    BreaksOffOnce,
    RefusesEvery(u64),
    RefusesAll,
    SkipsATurn,
}

#[derive(Default)]
struct Seen {
    known: HashSet<String>,
    streams: usize,
    most_on_the_way: u64,
}

struct Hub {
    manner: Manner,
    seen: Arc<Mutex<Seen>>,
}

type Answers = Pin<Box<dyn Stream<Item = Result<PushSignalsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SignalService for Hub {
    type PushSignalsStream = Answers;
    type WatchSignalsStream = Pin<Box<dyn Stream<Item = Result<WatchSignalsResponse, Status>> + Send>>;

    async fn push_signals(&self, request: Request<Streaming<PushSignalsRequest>>) -> Result<Response<Answers>, Status> {
        if self.manner == Manner::RefusesAll {
            return Err(Status::permission_denied("not yours"));
        }
        let (manner, seen, mut requests) = (self.manner, self.seen.clone(), request.into_inner());
        seen.lock().unwrap().streams += 1;
        let first_stream = seen.lock().unwrap().streams == 1;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let (mut answered, mut first) = (0, None);
            while let Ok(Some(request)) = requests.message().await {
                let start = *first.get_or_insert(request.sequence);
                let new = {
                    let mut seen = seen.lock().unwrap();
                    seen.most_on_the_way = seen.most_on_the_way.max(request.sequence + 1 - start - answered);
                    seen.known.insert(request.signal.unwrap().source_id)
                };
                if manner == Manner::BreaksOffOnce && first_stream && request.sequence == 4 {
                    let _ = sender.send(Err(Status::unavailable("stopping"))).await;
                    return;
                }
                let skip = u64::from(manner == Manner::SkipsATurn);
                let _ = sender.send(Ok(answer(manner, request.sequence + skip, new))).await;
                answered += 1;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn push_signal(&self, _: Request<PushSignalRequest>) -> Result<Response<PushSignalResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn retract_signal(
        &self,
        request: Request<RetractSignalRequest>,
    ) -> Result<Response<RetractSignalResponse>, Status> {
        match request.into_inner().source_id.as_str() {
            "bad" => Err(Status::invalid_argument("bad")),
            _ => Ok(Response::new(RetractSignalResponse::default())),
        }
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

fn answer(manner: Manner, sequence: u64, new: bool) -> PushSignalsResponse {
    let outcome = if new {
        PushOutcome::Recorded
    } else {
        PushOutcome::AlreadyKnown
    };
    let result = match manner {
        Manner::RefusesEvery(nth) if sequence.is_multiple_of(nth) => Answer::Refused(Refusal {
            code: 7,
            reason: "KIND_NOT_YOURS".into(),
            ..Default::default()
        }),
        _ => Answer::Acknowledged(PushSignalResponse {
            outcome: outcome.into(),
            ..Default::default()
        }),
    };
    PushSignalsResponse {
        sequence,
        result: Some(result),
    }
}

/// Pushes `count` drafts to a hub of this manner.
async fn given(manner: Manner, count: u64) -> (Result<Report, Unfinished>, Arc<Mutex<Seen>>) {
    told(manner, drafts(count)).await
}

/// Tells all of it to a hub of this manner.
async fn told<C: Into<Content>>(
    manner: Manner,
    contents: impl IntoIterator<Item = (String, C)>,
) -> (Result<Report, Unfinished>, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let hub = SignalServiceServer::new(Hub {
        manner,
        seen: seen.clone(),
    });
    tokio::spawn(
        Server::builder()
            .add_service(hub)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    (push(channel, contents, QUICK).await, seen)
}

fn drafts(count: u64) -> impl Iterator<Item = (String, SignalDraft)> {
    (1..=count).map(|number| {
        let draft = SignalDraft {
            source_id: format!("id-{number}"),
            version: 1,
            ..Default::default()
        };
        (format!("file.csv row {number}"), draft)
    })
}

#[tokio::test]
async fn what_is_taken_back_goes_in_its_turn_and_one_that_is_refused_keeps_none_back() {
    let back = |id: &str| {
        let source_id = id.to_owned();
        Content::Retraction(RetractSignalRequest {
            source_id,
            ..Default::default()
        })
    };
    let mut contents: Vec<_> = drafts(3)
        .map(|(origin, draft)| (origin, Content::Draft(draft)))
        .collect();
    contents.insert(1, ("back".to_owned(), back("1")));
    contents.insert(3, ("bad".to_owned(), back("bad")));
    let report = told(Manner::RefusesEvery(1000), contents).await.0.unwrap();
    assert_eq!((report.taken, report.recorded, report.retracted), (5, 3, 1));
    assert_eq!((report.refused[0].origin.as_str(), report.undelivered()), ("bad", 0));
}

#[tokio::test]
async fn every_draft_is_acknowledged_in_its_turn_within_the_window() {
    let (result, seen) = given(Manner::Answers, 50).await;
    let report = result.unwrap();
    assert_eq!((report.taken, report.recorded, report.is_clean()), (50, 50, true));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.streams, 1);
    assert!(seen.most_on_the_way <= 4 + 1, "{}", seen.most_on_the_way);
}

#[tokio::test]
async fn a_broken_stream_loses_nothing_and_repeats_only_what_was_not_acknowledged() {
    let (result, seen) = given(Manner::BreaksOffOnce, 20).await;
    let report = result.unwrap();
    assert_eq!((report.taken, report.recorded, report.already_known), (20, 19, 1));
    assert_eq!(seen.lock().unwrap().streams, 2);
}

#[tokio::test]
async fn a_refused_draft_keeps_none_back() {
    let (result, _) = given(Manner::RefusesEvery(3), 7).await;
    let report = result.unwrap();
    assert_eq!((report.taken, report.recorded, report.refused.len()), (7, 5, 2));
    assert_eq!(report.refused[0].origin, "file.csv row 3");
}

#[tokio::test]
async fn a_hub_that_answers_out_of_turn_is_not_believed() {
    let (result, _) = given(Manner::SkipsATurn, 2).await;
    let unfinished = result.unwrap_err();
    assert_eq!(unfinished.source, Error::OutOfTurn);
    assert_eq!(unfinished.report.undelivered(), 2);
}

#[tokio::test]
async fn a_refused_stream_is_given_up_with_the_words_of_the_hub() {
    let (result, _) = given(Manner::RefusesAll, 9).await;
    let unfinished = result.unwrap_err();
    assert_eq!(
        unfinished.source.to_string(),
        "the hub refused the push: not yours (PermissionDenied)"
    );
    assert_eq!(unfinished.report.undelivered(), 9);
}

#[tokio::test]
async fn nothing_to_push_needs_no_hub() {
    let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
    assert_eq!(push(channel, drafts(0), QUICK).await, Ok(Report::default()));
}

#[tokio::test]
async fn a_hub_that_is_down_is_not_asked_for_ever() {
    // Bound, so that nobody else listens there, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    let patience = Patience {
        without_progress: Duration::ZERO,
        ..QUICK
    };
    let unfinished = push(channel, drafts(1), patience).await.unwrap_err();
    assert!(matches!(unfinished.source, Error::Unavailable { .. }), "{unfinished:?}");
}

#[tokio::test]
async fn a_certificate_that_the_hub_does_not_trust_is_told_in_a_sentence() {
    let (hub, adapter) = (Authority::new("hub"), Authority::new("adapter"));
    let settings = refusing_hub(&hub, &adapter, &hub).await;
    let channel = crate::channel(&settings).unwrap();
    let unfinished = push(channel, drafts(1), QUICK).await.unwrap_err();
    assert_eq!(unfinished.source, Error::TlsRefused);
}

#[tokio::test]
async fn a_hub_whose_certificate_is_not_trusted_gets_nothing() {
    let (hub, adapter) = (Authority::new("hub"), Authority::new("adapter"));
    let settings = refusing_hub(&hub, &adapter, &adapter).await;
    let channel = crate::channel(&settings).unwrap();
    let unfinished = push(channel, drafts(1), QUICK).await.unwrap_err();
    assert_eq!(unfinished.source, Error::HubNotTrusted);
}

/// A certificate authority made for one test.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: rcgen::Issuer::new(parameters, key),
        }
    }

    fn issue(&self) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        (parameters.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Starts a TLS 1.3 listener that trusts clients of the authority `hub` alone, and gives the settings of an adapter
/// whose certificate is from `adapter` and who trusts `trusted`.
async fn refusing_hub(hub: &Authority, adapter: &Authority, trusted: &Authority) -> Settings {
    use tokio_rustls::{TlsAcceptor, rustls};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(hub.certificate.der().clone()).unwrap();
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let (certificate, key) = hub.issue();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let (certificate, key) = adapter.issue();
    Settings {
        hub: format!("https://127.0.0.1:{port}"),
        server_name: Some("localhost".into()),
        ca: trusted.certificate.pem().into(),
        certificate: certificate.pem().into(),
        key: key.serialize_pem().into(),
    }
}
