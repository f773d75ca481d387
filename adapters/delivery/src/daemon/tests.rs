//! A daemon with a source made up for the test, and no hub: what counts is what it still has after it was stopped.

use std::{
    io::{BufRead, BufReader},
    path::Path,
};

use placehub_proto::v1::SignalDraft;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::{
    content::Content,
    draft::{FileError, Input, Piece, Rows, Translated, Untranslatable},
    intake::{Left, Run, Taken},
    push::Error as Trouble,
    quarantine::Kept,
    sender,
};

/// A listener of which each caller sends a message and waits for its answer.
struct Listener {
    messages: mpsc::Receiver<(Taken, tokio::sync::oneshot::Sender<()>)>,
}

impl Source for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn run(mut self: Box<Self>, intake: Intake, stop: CancellationToken) -> Run {
        Box::pin(async move {
            while let Some(Some((message, answer))) = stop.run_until_cancelled(self.messages.recv()).await {
                if intake.take_soon(vec![message]).await.is_ok() {
                    answer.send(()).unwrap();
                }
            }
            Ok(())
        })
    }
}

/// An adapter that has learned to read whatever it once could not.
fn mended(input: Input, name: &str) -> Result<Rows, FileError> {
    let name = name.to_owned();
    let lines = BufReader::new(input).lines().map(move |line| {
        let id = line.unwrap();
        Ok(Translated {
            origin: format!("{name} row 1"),
            piece: Piece::Text(id.as_str().into()),
            result: Ok(Content::Draft(SignalDraft {
                source_id: id,
                ..Default::default()
            })),
        })
    });
    Ok(Box::new(lines))
}

fn station(home: &Path) -> Station {
    Station {
        file: home.join("adapter.toml"),
        state: home.join("state"),
        outbox_limit: 100,
        metrics: None,
        folder: None,
        listeners: Vec::new(),
    }
}

fn message(id: &str) -> Taken {
    Taken {
        origin: format!("message {id}"),
        content: Ok(Content::Draft(SignalDraft {
            source_id: id.to_owned(),
            ..Default::default()
        })),
    }
}

fn no_hub() -> Connect {
    Box::new(|| {
        let message = "there is none".to_owned();
        Err(Trouble::Settings { message })
    })
}

/// Origins and ids of all that waits.
fn waiting(home: &Path) -> Vec<(String, String)> {
    let daemon = Daemon::open(station(home), Translate::new(mended), Vec::new()).unwrap();
    let mut reader = daemon.outbox.reader();
    std::iter::from_fn(|| daemon.outbox.read(&mut reader).unwrap())
        .map(|(_, entry)| match entry.content {
            Some(Content::Draft(draft)) => (entry.origin, draft.source_id),
            _ => (entry.origin, String::new()),
        })
        .collect()
}

#[tokio::test]
async fn what_a_sender_was_told_is_taken_is_there_after_a_stop() {
    let home = TempDir::new().unwrap();
    let daemon = Daemon::open(station(home.path()), Translate::new(mended), Vec::new()).unwrap();
    let (callers, messages) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Listener { messages })];
    let running = tokio::spawn(daemon.run(sources, no_hub(), sender::PATIENCE, stop.clone()));
    for id in ["1", "2", "3"] {
        let (answer, answered) = tokio::sync::oneshot::channel();
        callers.send((message(id), answer)).await.unwrap();
        answered.await.unwrap();
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    let ids: Vec<String> = waiting(home.path()).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

/// A source that ends at once, well or not.
struct Ending(fn() -> io::Result<()>);

impl Source for Ending {
    fn name(&self) -> &'static str {
        "ending"
    }

    fn run(self: Box<Self>, _: Intake, _: CancellationToken) -> Run {
        Box::pin(async move { self.0() })
    }
}

#[tokio::test]
async fn a_daemon_without_one_of_its_parts_ends_and_says_so() {
    let home = TempDir::new().unwrap();
    for (ending, expected) in [
        (
            Ending(|| Err(io::ErrorKind::AddrInUse.into())),
            "the source `ending` cannot go on",
        ),
        (
            Ending(|| panic!("as a fault of the program would")),
            "a part of it failed",
        ),
    ] {
        let daemon = Daemon::open(station(home.path()), Translate::new(mended), Vec::new()).unwrap();
        let sources: Vec<Box<dyn Source>> = vec![Box::new(ending)];
        let ended = daemon
            .run(sources, no_hub(), sender::PATIENCE, CancellationToken::new())
            .await;
        assert_eq!(ended.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_daemon_that_can_take_nothing_more_ends() {
    let home = TempDir::new().unwrap();
    let daemon = Daemon::open(station(home.path()), Translate::new(mended), Vec::new()).unwrap();
    daemon.outbox.close();
    let ended = daemon
        .run(Vec::new(), no_hub(), sender::PATIENCE, CancellationToken::new())
        .await;
    assert!(matches!(ended, Err(Error::Closed(_))));
}

#[tokio::test]
async fn a_row_that_can_be_translated_by_now_goes_out_under_its_old_place() {
    let home = TempDir::new().unwrap();
    let daemon = Daemon::open(station(home.path()), Translate::new(mended), Vec::new()).unwrap();
    let left = Taken {
        origin: "a.csv row 7".into(),
        content: Err(Left {
            why: Untranslatable::new("id", "is not understood"),
            name: "a.csv".into(),
            bytes: b"id-7".to_vec(),
        }),
    };
    daemon.intake().take(vec![left]).unwrap();
    let quarantine = daemon.quarantine.clone();
    let ids = quarantine.ids().unwrap();
    quarantine.retry(&ids[0]).unwrap();
    let (mut news, stop) = (daemon.outbox.watch(), CancellationToken::new());
    let running = tokio::spawn(daemon.run(Vec::new(), no_hub(), sender::PATIENCE, stop.clone()));
    news.wait_for(|last| *last == 1).await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(waiting(home.path()), [("a.csv row 7".to_owned(), "id-7".to_owned())]);
    assert_eq!(quarantine.count().unwrap(), 0);
}

#[test]
fn a_second_daemon_on_the_same_state_does_not_begin() {
    let home = TempDir::new().unwrap();
    let first = Daemon::open(station(home.path()), Translate::new(mended), Vec::new()).unwrap();
    let second = Daemon::open(station(home.path()), Translate::new(mended), Vec::new());
    assert!(matches!(second, Err(Error::Outbox(outbox::Error::InUse { .. }))));
    let why = Untranslatable::new("id", "is not understood");
    let kept = Kept::untranslated("a".into(), "a", Vec::new(), why, jiff::Timestamp::UNIX_EPOCH);
    first.quarantine.keep(&[kept]).unwrap();
    assert_eq!(Standing::of(&station(home.path())).quarantined, 1);
}
