//! `placehub witness serve`: HTTP/1.1 with one path, `POST /add-checkpoint`.
//! Never reads more than a submission needs, never waits long for one, and answers one at a time.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use placehub_hub::clock::{Clock as _, SystemClock};
use placehub_ledger::{
    VerifierKey,
    witness::{LARGEST, Refused},
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::timeout,
};

use super::memory::{Memory, Unsigned};
use crate::{
    ending::{Ending, Outcome, Stop},
    logs::LogArguments,
    out,
};

/// How long a connection may take, whatever it does.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);
/// How many connections are served at once.
const CONNECTIONS: usize = 64;

/// Which witness, and for whom.
#[derive(Debug, Args)]
#[command(
    after_help = "Put a TLS proxy before it where it is reached over a network that others share: what it is sent and \
    answers is no secret, but may be kept from arriving.\nIts folder must never be put back to an older state: a \
    witness that forgets is worse than none."
)]
pub(crate) struct Serve {
    /// The folder that `placehub witness init` made.
    dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:7600")]
    listen: SocketAddr,
    /// The public key of a ledger that is to be witnessed: a file. May be given again; the keys of one ledger in the order in
    /// which each took the place of the one before.
    #[arg(long, value_name = "FILE", required = true)]
    ledger: Vec<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

impl Serve {
    /// Serves until told to stop.
    pub(super) async fn run(self) -> Outcome {
        self.log.start()?;
        let logs = self.ledger.iter().map(|file| {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let key = text.trim().parse::<VerifierKey>();
            key.with_context(|| format!("{} holds no key of a ledger", file.display()))
        });
        let memory = Memory::open(&self.dir, logs.collect::<Result<_>>()?)?;
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))
            .context(Stop::NotServing)?;
        let address = listener.local_addr().context(Stop::NotServing)?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        out::line(format_args!("listening on {address}"))?;
        tokio::select! {
            () = accept(listener, Arc::new(Mutex::new(memory))) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(Ending::Well)
    }
}

async fn accept(listener: TcpListener, memory: Arc<Mutex<Memory>>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // It is never closed.
        let place = room.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let memory = memory.clone();
                tokio::spawn(async move {
                    let _place = place;
                    // A connection that breaks or dawdles is its own caller's trouble.
                    let _ended = timeout(LIMIT, converse(stream, memory)).await;
                });
            }
            Err(error) => {
                tracing::warn!(cause = %error, "witness listener");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, memory: Arc<Mutex<Memory>>) -> Result<(), hyper::Error> {
    let answer = service_fn(move |request| {
        let memory = memory.clone();
        async move { Ok::<_, Infallible>(answer(request, memory).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LARGEST)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}

async fn answer(request: Request<Incoming>, memory: Arc<Mutex<Memory>>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/add-checkpoint" {
        return plain(StatusCode::NOT_FOUND, String::new());
    }
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
    }
    let Ok(body) = Limited::new(request.into_body(), LARGEST).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new());
    };
    let Ok(body) = String::from_utf8(body.to_bytes().to_vec()) else {
        return plain(StatusCode::BAD_REQUEST, "it is not text\n".to_owned());
    };
    let judged = tokio::task::spawn_blocking(move || {
        // One at a time, from the look at what was seen until it is kept anew.
        let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.cosign(&body, SystemClock.now())
    });
    match judged.await {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(Unsigned::Refused(why))) => refused(why),
        Ok(Err(why)) => {
            tracing::error!(why = crate::ending::sentence(&why.into()), "nothing is cosigned");
            plain(StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

fn refused(why: Refused) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match why {
        Refused::Forked { .. } | Refused::Inconsistent | Refused::Retired => {
            tracing::error!(why = %why, "a log is forked, rewritten or signed by an old key; what it sent is kept in `refused`");
        }
        _ => tracing::info!(why = %why, "not cosigned"),
    }
    match why {
        Refused::Stale { size } | Refused::Forked { size } => {
            let mut response = plain(status, format!("{size}\n"));
            let sort = header::HeaderValue::from_static("text/x.tlog.size");
            response.headers_mut().insert(header::CONTENT_TYPE, sort);
            response
        }
        why => plain(status, format!("{why}\n")),
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let sort = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, sort);
    response
}
