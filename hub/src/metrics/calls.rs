//! Counts calls, by method and outcome, where they leave the hub. It reads no message, and knows no caller.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body, Frame, SizeHint};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tower::{Layer, Service};

use super::{Kind, Sheet};

/// The words of the outcomes, in the order of their numbers (gRPC status codes).
const OUTCOMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// The outcome of a call that its caller broke off.
const CANCELLED: usize = 1;
const UNKNOWN: usize = 2;
/// Where gRPC says how a call ended: in the trailers, or in the headers if there is nothing else.
const STATUS: &str = "grpc-status";
/// What calls of anything but the contract are counted under: health, reflection, and what there is not.
const OTHER: &str = "other";

/// Calls that have ended, by method and outcome.
#[derive(Debug)]
pub struct Calls {
    /// By path; that of other calls is none, and comes last.
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    path: String,
    service: String,
    name: String,
    ended: [AtomicU64; OUTCOMES.len()],
}

impl Calls {
    /// Counts the methods of a contract, given as its encoded descriptors; all other calls are counted together.
    pub fn of(descriptors: &[u8]) -> Arc<Self> {
        let contract = FileDescriptorSet::decode(descriptors).unwrap_or_default();
        let mut methods = Vec::new();
        for file in &contract.file {
            for service in &file.service {
                let named = service.method.iter().map(|method| {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    Method::new(path, service.name(), method.name())
                });
                methods.extend(named);
            }
        }
        methods.push(Method::new(String::new(), OTHER, OTHER));
        Arc::new(Self { methods })
    }

    /// Writes them down: each method's answers, and each other outcome that there was.
    pub fn put(&self, sheet: &mut Sheet) {
        let mut family = sheet.family("placehub_calls_total", Kind::Counter, "Calls that have ended.");
        for method in &self.methods {
            for (outcome, count) in OUTCOMES.iter().zip(&method.ended) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 || *outcome == "OK" {
                    let labels = [
                        ("service", method.service.as_str()),
                        ("method", &method.name),
                        ("outcome", outcome),
                    ];
                    family.put(&labels, count);
                }
            }
        }
    }

    fn begin(self: &Arc<Self>, path: &str) -> Call {
        let found = self.methods.iter().position(|method| method.path == path);
        Call {
            method: found.unwrap_or(self.methods.len().saturating_sub(1)),
            calls: self.clone(),
            outcome: CANCELLED,
        }
    }
}

impl Method {
    fn new(path: String, service: &str, name: &str) -> Self {
        Self {
            path,
            service: service.to_owned(),
            name: name.to_owned(),
            ended: Default::default(),
        }
    }
}

/// A call that has not ended. It is counted when it is dropped: as broken off, if nothing said how it ended before.
#[derive(Debug)]
struct Call {
    calls: Arc<Calls>,
    method: usize,
    outcome: usize,
}

impl Call {
    fn heed(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(STATUS) {
            let number = status.to_str().ok().and_then(|text| text.parse().ok());
            self.outcome = number.filter(|number| *number < OUTCOMES.len()).unwrap_or(UNKNOWN);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let method = self.calls.methods.get(self.method);
        if let Some(count) = method.and_then(|method| method.ended.get(self.outcome)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Has the calls of a server counted.
#[derive(Debug, Clone)]
pub struct Counting(pub Arc<Calls>);

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            calls: self.0.clone(),
        }
    }
}

/// A server whose calls are counted.
#[derive(Debug, Clone)]
pub struct Counted<S> {
    inner: S,
    calls: Arc<Calls>,
}

impl<S, Q, R> Service<Request<Q>> for Counted<S>
where
    S: Service<Request<Q>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<Followed<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let mut call = self.calls.begin(request.uri().path());
        let answering = self.inner.call(request);
        Box::pin(async move {
            let response = answering.await?;
            call.heed(response.headers());
            Ok(response.map(|body| Followed { body, call }))
        })
    }
}

/// An answer that is followed to its end.
#[derive(Debug)]
pub struct Followed<R> {
    body: R,
    call: Call,
}

impl<R: Body + Unpin> Body for Followed<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.call.heed(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
