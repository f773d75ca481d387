//! A reader of a watch, who keeps a screen as a desk system would: shows what is told, and takes off what is hidden.
//! It never forgives: a line told twice, or a tombstone for something that is not on the screen, ends the test.

use std::{collections::BTreeMap, time::Duration};

use placehub_proto::v1::{
    AskSignalsResponse, DisclosureLevel, Question, Signal, Tombstone, WatchSignalsResponse,
    watch_signals_response::Event,
};
use tokio::time::{Instant, timeout};
use tonic::{Status, Streaming};

use super::{Client, Refused};

/// Long enough for anything that comes at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a heartbeat and a half, so that what comes after it was not sent before it.
const QUIET: Duration = Duration::from_millis(1_800);

/// What lies on a reader's screen: signals by id, and "known to" lines by agency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Screen(pub(crate) BTreeMap<String, (DisclosureLevel, u64)>);

/// What one event did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// A signal, by id and version (0 below detail); or an agency's line, by the agency's name.
    Shown(String, u64),
    /// The same, taken off.
    Hidden(String),
}

/// An open watch and its reader.
pub(crate) struct Watcher {
    stream: Streaming<WatchSignalsResponse>,
    /// That of the last event.
    pub(crate) cursor: String,
    /// What the reader sees.
    pub(crate) screen: Screen,
    /// The last event that was no heartbeat.
    pub(crate) last: WatchSignalsResponse,
}

impl Screen {
    /// The screen of somebody who asked.
    pub(crate) fn of(answer: &AskSignalsResponse) -> Self {
        let mut screen = Self::default();
        for signal in &answer.signals {
            screen.show(signal);
        }
        screen
    }

    fn show(&mut self, signal: &Signal) -> Told {
        let version = signal.detail.as_ref().map_or(0, |detail| detail.version);
        let key = name(&signal.id, &signal.owner_agency);
        let before = self.0.insert(key.clone(), (signal.level(), version));
        if version > 0 || signal.level() == DisclosureLevel::Existence {
            assert_ne!(before, Some((signal.level(), version)), "told twice");
        }
        Told::Shown(key, version)
    }

    fn hide(&mut self, tombstone: &Tombstone) -> Told {
        let key = name(&tombstone.signal_id, &tombstone.owner_agency);
        assert!(
            self.0.remove(&key).is_some(),
            "a tombstone for what is not on the screen"
        );
        Told::Hidden(key)
    }
}

fn name(id: &str, owner: &str) -> String {
    if id.is_empty() { owner.to_owned() } else { id.to_owned() }
}

impl Watcher {
    /// Opens a watch with an empty screen.
    pub(crate) async fn open(client: &Client, question: &Question) -> Self {
        Self::resume(client, question, "", Screen::default()).await.unwrap()
    }

    /// Goes on from a cursor, with what is on the screen.
    pub(crate) async fn resume(
        client: &Client,
        question: &Question,
        cursor: &str,
        screen: Screen,
    ) -> Result<Self, Status> {
        Ok(Self {
            stream: client.watch(question.clone(), cursor).await?,
            cursor: cursor.to_owned(),
            screen,
            last: WatchSignalsResponse::default(),
        })
    }

    /// The next event, heartbeats among them (`None`).
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, Status> {
        let next = timeout(PATIENCE, self.stream.message()).await;
        let told = next
            .expect("nothing came")?
            .expect("the hub ended the stream without a status");
        assert!(!told.cursor.is_empty());
        self.cursor.clone_from(&told.cursor);
        let done = match told.event.as_ref().unwrap() {
            Event::Heartbeat(_) => {
                assert_eq!(told.ledger_entry, 0);
                return Ok(None);
            }
            Event::Shown(signal) => self.screen.show(signal),
            Event::Hidden(tombstone) => self.screen.hide(tombstone),
        };
        self.last = told;
        Ok(Some(done))
    }

    /// The next event that is no heartbeat.
    pub(crate) async fn event(&mut self) -> Told {
        let event = async {
            loop {
                if let Some(told) = self.next().await.unwrap() {
                    return told;
                }
            }
        };
        timeout(PATIENCE, event).await.expect("nothing came but heartbeats")
    }

    /// The next so many events.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Told> {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(self.event().await);
        }
        told
    }

    /// Waits until a signal of this id is shown.
    pub(crate) async fn until(&mut self, id: &str) {
        while !matches!(self.event().await, Told::Shown(shown, _) if shown == id) {}
    }

    /// Reads heartbeats, and nothing else may come, until one that the hub can only have sent after it had looked at
    /// whatever was committed when this was called.
    pub(crate) async fn quiet(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < QUIET {
            assert_eq!(self.next().await.unwrap(), None, "something came");
        }
    }

    /// The status with which the hub ends the watch; heartbeats may come before it, nothing else.
    pub(crate) async fn end(&mut self) -> Refused {
        let end = async {
            loop {
                match self.next().await {
                    Ok(told) => assert_eq!(told, None, "something came before the end"),
                    Err(status) => return Refused::from(status),
                }
            }
        };
        timeout(PATIENCE, end).await.expect("it goes on")
    }
}
