//! Takes the body of a request, reads it, hands over what it says, and answers.
//! It never answers well before the outbox has all that it says it took.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{Request, StatusCode, body::Incoming, header::HeaderName};
use placehub_delivery::{
    Content, FileError, Untranslatable, clock, draft,
    intake::{Intake, Taken},
};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Limits,
    answer::{self, Answer, Refusal},
    requests::Asked,
};
use crate::{
    Reading,
    format::{
        Saying,
        fhir::{self, Part},
        mns,
    },
    translate,
};

/// Headers that go back as they came, so that a sender finds its own request again.
const ECHOED: [&str; 2] = ["x-correlation-id", "x-request-id"];

/// Takes requests and answers them, for all connections.
pub(super) struct Desk {
    pub(super) intake: Intake,
    pub(super) limits: Limits,
    pub(super) reading: Arc<Reading>,
    pub(super) requests: AtomicU64,
    pub(super) readers: Semaphore,
}

/// What one resource or notification comes to.
struct Read {
    /// Which entry it is, if it is one of several.
    entry: Option<usize>,
    /// What the hub is to be told; nothing, if it is understood and carries nothing.
    contents: Result<Vec<Content>, Untranslatable>,
}

impl Desk {
    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let echoed = ECHOED.map(|name| {
            let value = request.headers().get(name).filter(|value| value.len() <= 128).cloned();
            Some((HeaderName::from_static(name), value?))
        });
        let mut answer = self.take(request, number).await.unwrap_or_else(|refusal| {
            tracing::warn!(request = number, status = refusal.status().as_u16(), "request refused");
            refusal.answer()
        });
        answer.headers_mut().extend(echoed.into_iter().flatten());
        answer
    }

    async fn take(&self, request: Request<Incoming>, number: u64) -> Result<Answer, Refusal> {
        let asked = Asked::of(request.method(), request.uri().path(), request.headers())?;
        if asked == Asked::Capabilities {
            return Ok(answer::given(StatusCode::OK, &answer::capabilities()));
        }
        if !self.intake.has_room() {
            return Err(Refusal::later());
        }
        let body = self.body(request.into_body()).await?;
        let busy = |_| Refusal::later();
        let reader = self.readers.acquire().await.map_err(busy)?;
        let root = parse(&body)?;
        drop(body);
        let (read, manner) = match &asked {
            Asked::Signals => (self.signals(&root)?, Manner::Whole),
            Asked::Bundle => self.bundle(&root)?,
            Asked::Resource(name) => (self.resource(&root, name)?, Manner::One),
            Asked::Capabilities => return Err(Refusal::later()),
        };
        let entries = root.get("entry").and_then(Value::as_array).map_or(0, Vec::len);
        drop(root);
        drop(reader);
        self.hand_over(read, manner, entries, number).await
    }

    /// Reads the body, as far and as long as it may be.
    async fn body(&self, body: Incoming) -> Result<Vec<u8>, Refusal> {
        let limited = Limited::new(body, self.limits.longest);
        match timeout(self.limits.request, limited.collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes().into()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let rule = format!("the body is longer than {} bytes", self.limits.longest);
                Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", rule))
            }
            Ok(Err(_)) => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "structure",
                "the body breaks off",
            )),
            Err(_) => Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "the body did not come in time",
            )),
        }
    }

    fn resource(&self, root: &Value, name: &str) -> Result<Vec<Read>, Refusal> {
        if fhir::resource_type(root) != name {
            let why = Untranslatable::new("resourceType", format!("is not {name}, as the path says"));
            return Err(Refusal::unreadable(&why));
        }
        let parts = fhir::parts(root, &self.reading, clock::now()).map_err(|why| Refusal::unreadable(&why))?;
        Ok(parts.into_iter().map(Read::of).collect())
    }

    fn bundle(&self, root: &Value) -> Result<(Vec<Read>, Manner), Refusal> {
        if fhir::resource_type(root) != "Bundle" {
            let why = Untranslatable::new(
                "resourceType",
                "is not Bundle: send one resource to the path of its type",
            );
            return Err(Refusal::unreadable(&why));
        }
        let manner = match root.get("type").and_then(Value::as_str).unwrap_or_default() {
            "collection" | "message" => Manner::Whole,
            "transaction" => Manner::Transaction,
            "batch" => Manner::Batch,
            _ => {
                let why = Untranslatable::new("Bundle.type", "is not message, collection, transaction or batch");
                return Err(Refusal::of(&[why]));
            }
        };
        let parts = fhir::parts(root, &self.reading, clock::now()).map_err(|why| Refusal::of(&[why]))?;
        let mut read: Vec<Read> = parts.into_iter().map(Read::of).collect();
        if manner != Manner::Whole {
            refuse_other_methods(root, &mut read);
        }
        Ok((read, manner))
    }

    fn signals(&self, root: &Value) -> Result<Vec<Read>, Refusal> {
        let one = |root: &Value, entry: Option<usize>| {
            let saying = mns::read(root, &self.reading);
            let saying = saying.ok_or_else(|| {
                let why = Untranslatable::new(
                    "specversion",
                    "is missing: this is neither a CloudEvent nor a Bundle of one",
                );
                Refusal::unreadable(&why)
            })?;
            let saying = saying.map_err(|why| match entry {
                Some(at) => Untranslatable::new(format!("[{at}].{}", why.field), why.rule),
                None => why,
            });
            Ok(Read {
                entry,
                contents: contents(saying),
            })
        };
        match root {
            Value::Array(list) => list.iter().enumerate().map(|(at, root)| one(root, Some(at))).collect(),
            root => Ok(vec![one(root, None)?]),
        }
    }

    /// Hands over what was read, whole or, for a batch, each entry that can be; and says so.
    async fn hand_over(&self, read: Vec<Read>, manner: Manner, entries: usize, number: u64) -> Result<Answer, Refusal> {
        let faults: Vec<Untranslatable> = read.iter().filter_map(|one| one.contents.clone().err()).collect();
        for why in &faults {
            tracing::warn!(request = number, field = why.field, rule = why.rule, "not taken");
        }
        if !faults.is_empty() && manner != Manner::Batch {
            return Err(Refusal::of(&faults));
        }
        let (mut taken, mut said) = (Vec::new(), Vec::new());
        for one in read {
            let at = one
                .entry
                .map_or_else(String::new, |entry| format!(" entry {}", entry + 1));
            let contents = match one.contents {
                Ok(contents) => contents,
                Err(why) => {
                    said.push((one.entry, Said::Refused(why)));
                    continue;
                }
            };
            said.push((
                one.entry,
                if contents.is_empty() {
                    Said::Nothing
                } else {
                    Said::Taken
                },
            ));
            if contents.is_empty() {
                self.intake.pass_over();
            }
            taken.extend(contents.into_iter().map(|content| Taken {
                origin: format!("http request {number}{at}"),
                content: Ok(content),
            }));
        }
        let anything = !taken.is_empty();
        if anything {
            // Who is not answered in time sends again, and the hub knows it by its id and version.
            let kept = timeout(WAIT, self.intake.take_soon(taken)).await;
            let kept = kept.map_err(|_| Refusal::later())?;
            kept.map_err(|error| {
                tracing::error!(cause = %error, "cannot take a request");
                Refusal::later()
            })?;
        }
        Ok(manner.answer(&said, entries, anything))
    }
}

/// How long the outbox is waited for.
const WAIT: Duration = Duration::from_secs(20);

/// How the parts of a body belong together, and so how they are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Batch,
    One,
    Transaction,
    Whole,
}

/// What is said of one part.
enum Said {
    Nothing,
    Refused(Untranslatable),
    Taken,
}

impl Manner {
    fn answer(self, said: &[(Option<usize>, Said)], entries: usize, anything: bool) -> Answer {
        let kind = match self {
            Self::Batch => "batch-response",
            Self::Transaction => "transaction-response",
            Self::One | Self::Whole => {
                let status = if self == Self::One && anything {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                let notes = said.iter().map(|(_, said)| said.issue());
                return answer::given(status, &answer::outcome(notes.collect()));
            }
        };
        // An entry that nothing is said of, such as an Organization, is there for the others.
        let responses = (0..entries).map(|at| {
            let said = said
                .iter()
                .find(|(entry, _)| *entry == Some(at))
                .map_or(&Said::Nothing, |(_, said)| said);
            json!({ "response": { "status": said.status(), "outcome": answer::outcome(vec![said.issue()]) } })
        });
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": responses.collect::<Value>() });
        answer::given(StatusCode::OK, &bundle)
    }
}

impl Said {
    fn issue(&self) -> Value {
        match self {
            Self::Nothing => answer::note("understood; it carries nothing to tell the hub"),
            Self::Refused(why) => answer::issue(why),
            Self::Taken => answer::note("taken; the hub will have it"),
        }
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Nothing => "200 OK",
            Self::Refused(_) => "422 Unprocessable Entity",
            Self::Taken => "201 Created",
        }
    }
}

impl Read {
    fn of(part: Part) -> Self {
        Self {
            entry: part.entry,
            contents: contents(part.saying),
        }
    }
}

fn contents(saying: Result<Saying, Untranslatable>) -> Result<Vec<Content>, Untranslatable> {
    match saying? {
        Saying::Told(facts) => facts.into_iter().map(translate::content).collect(),
        Saying::Nothing(_) => Ok(Vec::new()),
    }
}

/// Entries may create and update. What is to be deleted or looked up is none of the hub's, also where nothing else stands in
/// its entry: it would be reported as done.
fn refuse_other_methods(root: &Value, read: &mut Vec<Read>) {
    let entries = root.get("entry").and_then(Value::as_array).into_iter().flatten();
    for (at, entry) in entries.enumerate() {
        let method = entry.pointer("/request/method").and_then(Value::as_str);
        if matches!(method, Some("POST" | "PUT")) {
            continue;
        }
        let rule = "is missing, or is not POST or PUT";
        let contents = Err(Untranslatable::new(format!("Bundle.entry[{at}].request.method"), rule));
        match read.iter_mut().find(|one| one.entry == Some(at)) {
            Some(one) => one.contents = contents,
            None => read.push(Read {
                entry: Some(at),
                contents,
            }),
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let unreadable = |error: FileError| Refusal::unreadable(&Untranslatable::new("body", error.to_string()));
    let text = draft::text(body).map_err(unreadable)?;
    fhir::json(text).map_err(unreadable)
}
