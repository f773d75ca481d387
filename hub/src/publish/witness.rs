//! One witness, as the log sees it: what it has cosigned, and how it is asked (C2SP tlog-witness).
//! Never takes a cosignature that its key did not make.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{
    Standing, WitnessSettings,
    http::{self, Target},
};
use crate::{
    ledger::{self, Checkpoint, NoteInvalid, WitnessKey, read, witness::Submission},
    store::Store,
};

/// How long a witness that failed is left alone while the head stays the same.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// It has seen another history.
    #[error("it has cosigned a ledger that this one does not go on from: this one was put back, rewritten or forked")]
    Another,
    /// Its answer is not a cosignature by its key.
    #[error("its answer is not a cosignature by its key")]
    Answer(#[source] NoteInvalid),
    /// There was no answer.
    #[error("no answer")]
    Http(#[source] http::Error),
    /// The proof could not be made.
    #[error("the proof for it cannot be made")]
    Proof(#[source] ledger::Error),
    /// It answers with a status that says no.
    #[error("it answers with status {0}")]
    Status(u16),
}

/// A witness.
pub(super) struct Witness {
    key: WitnessKey,
    target: Target,
    standing: Mutex<Standing>,
    answer: Mutex<Answer>,
}

/// What came of the head that it was last asked for.
#[derive(Default)]
struct Answer {
    head: String,
    /// The bare head with its cosignature, if it made one.
    cosigned: Option<String>,
    /// Whether it says that it has cosigned another ledger.
    another: bool,
}

impl Witness {
    /// A witness of which nothing is known yet.
    pub(super) fn open(settings: &WitnessSettings) -> Result<Self, http::Error> {
        Ok(Self {
            target: Target::open(&settings.url, "add-checkpoint", settings.ca.as_deref())?,
            standing: Mutex::new(Standing {
                name: settings.key.name().to_owned(),
                ..Standing::default()
            }),
            key: settings.key.clone(),
            answer: Mutex::default(),
        })
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }

    /// Whether a note carries its cosignature.
    pub(super) fn has_cosigned(&self, note: &str) -> bool {
        matches!(self.key.seen(note), Ok(Some(_)))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.key.name()
    }

    /// The head with its cosignature, if it was asked for this head and made one.
    pub(super) fn cosigned(&self, head: &str) -> Option<String> {
        let answer = self.answer.lock();
        answer.cosigned.clone().filter(|_| answer.head == head)
    }

    /// Whether it was asked for this head, and what came of it is known.
    pub(super) fn has_answered(&self, head: &str) -> bool {
        self.answer.lock().head == head
    }

    /// Whether it says that it has cosigned a ledger that this one does not go on from.
    pub(super) fn has_seen_another(&self) -> bool {
        self.answer.lock().another
    }

    /// Asks it for each newest head, until there will be no more; for one that it did not cosign, again and again.
    pub(super) async fn follow(&self, store: &dyn Store, mut heads: watch::Receiver<String>, answered: &Notify) {
        loop {
            let head = heads.borrow_and_update().clone();
            let rest = match head.is_empty() || self.cosigned(&head).is_some() {
                true => Duration::MAX,
                false => {
                    let cosigned = self.ask(store, &head).await;
                    let mut answer = self.answer.lock();
                    answer.another &= cosigned.is_none();
                    (answer.head, answer.cosigned) = (head, cosigned);
                    answered.notify_one();
                    AGAIN
                }
            };
            if let Ok(Err(_gone)) = tokio::time::timeout(rest, heads.changed()).await {
                return;
            }
        }
    }

    /// Asks it to cosign a head. Gives the bare head with its cosignature, if it made one.
    pub(super) async fn ask(&self, store: &dyn Store, note: &str) -> Option<String> {
        let outcome = self.submit(store, note).await;
        let mut standing = self.standing.lock();
        match outcome {
            Ok((size, cosigned)) => {
                standing.size = size;
                standing.cosigned_at = self.key.seen(&cosigned).ok().flatten();
                if !standing.trouble.is_empty() {
                    tracing::info!(witness = self.key.name(), "the witness cosigns again");
                    standing.trouble.clear();
                }
                Some(cosigned)
            }
            Err(why) => {
                if matches!(why, Refusal::Another) {
                    self.answer.lock().another = true;
                }
                let why = told(&why);
                if standing.trouble != why {
                    tracing::error!(witness = self.key.name(), why, "the witness does not cosign");
                    standing.trouble = why;
                }
                None
            }
        }
    }

    async fn submit(&self, store: &dyn Store, note: &str) -> Result<(u64, String), Refusal> {
        let head = Checkpoint::read_unverified(note).map_err(Refusal::Answer)?;
        let mut old = self.standing.lock().size;
        // A second time, because only the witness knows for sure what it cosigned last.
        for _ in 0..2 {
            if old > head.size {
                return Err(Refusal::Another);
            }
            let submission = Submission {
                old,
                proof: read::prove_consistency(store, old, head.size).map_err(Refusal::Proof)?,
                checkpoint: note.to_owned(),
            };
            let (status, answer) = self.target.post(submission.to_string()).await.map_err(Refusal::Http)?;
            match status {
                200 => {
                    let bare = bare(note).ok_or(Refusal::Status(status))?;
                    let cosigned = self.key.attach(&bare, &answer).map_err(Refusal::Answer)?;
                    return Ok((head.size, only(&cosigned, &bare)));
                }
                409 => match answer.trim_end().parse() {
                    Ok(size) if size != old => old = size,
                    _ => return Err(Refusal::Another),
                },
                422 => return Err(Refusal::Another),
                other => return Err(Refusal::Status(other)),
            }
        }
        Err(Refusal::Status(409))
    }
}

/// A note with its first signature alone, which is the log's own.
fn bare(note: &str) -> Option<String> {
    let (text, lines) = note.rsplit_once("\n\n")?;
    Some(format!("{text}\n\n{}\n", lines.lines().next()?))
}

/// A cosigned note without the signatures that the bare one has.
fn only(cosigned: &str, bare: &str) -> String {
    let (text, lines) = cosigned.rsplit_once("\n\n").unwrap_or((cosigned, ""));
    let own = bare.rsplit_once("\n\n").map_or("", |(_, lines)| lines);
    format!("{text}\n\n{}", lines.strip_prefix(own).unwrap_or(lines))
}

fn told(why: &dyn std::error::Error) -> String {
    let mut told = why.to_string();
    let mut source = why.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}
