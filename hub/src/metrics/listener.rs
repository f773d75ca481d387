//! Answers `GET /metrics` over plain HTTP/1.1. It never waits long for a caller, and shows nothing else.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{
    Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};

/// How long one connection may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How many connections may be open at a time.
const CALLERS: usize = 8;
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers with what `show` gives, until it is dropped.
pub async fn serve(listener: TcpListener, show: impl Fn() -> String + Send + Sync + 'static) {
    let show = Arc::new(show);
    let mut open = JoinSet::new();
    loop {
        while open.len() >= CALLERS {
            open.join_next().await;
        }
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(why) => {
                tracing::warn!(why = %why, "a caller for the metrics was lost");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let show = show.clone();
        let answering = service_fn(move |request| {
            let response = answer(&request, &*show);
            async move { Ok::<_, Infallible>(response) }
        });
        open.spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).keep_alive(false);
            // A connection that breaks or dawdles is its own caller's trouble.
            let _over = timeout(LIMIT, http.serve_connection(TokioIo::new(stream), answering)).await;
        });
    }
}

fn answer(request: &Request<Incoming>, show: &impl Fn() -> String) -> Response<String> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, show()),
        (&Method::GET, _) => (StatusCode::NOT_FOUND, String::new()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(FORMAT));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
