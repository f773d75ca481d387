//! A witness that answers whatever a test says, and what the hub makes of it.

use std::sync::Arc;

use placehub_ledger::samples;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{
    ledger::{Checkpoint, Entry, Ledger, witness::Submission},
    store::{Memory, Txn},
};

/// A store with so many entries, and its head.
fn ledger(entries: i64) -> (Memory, String) {
    let store = Memory::new();
    let head = grow(&store, 0..entries);
    (store, head)
}

/// Appends an entry at each of these seconds, and gives the head.
fn grow(store: &dyn Store, seconds: std::ops::Range<i64>) -> String {
    let ledger = Ledger::new(samples::signer(1));
    let mut txn = Txn::new(store);
    for second in seconds {
        let entry = Entry {
            at: samples::at(second),
            ..samples::pushed()
        };
        let _ = ledger.enter(&mut txn, entry, &[]).unwrap();
    }
    ledger.seal(&mut txn).unwrap();
    let head = read::checkpoint(&txn).unwrap().unwrap();
    let batch = txn.into_writes();
    store.commit(batch).unwrap();
    head
}

fn committer(store: &Arc<dyn Store>) -> Committer {
    let hooks = crate::store::Hooks {
        seal: Box::new(|_| Ok(())),
        committed: Box::new(|_| ()),
    };
    Committer::start(store.clone(), hooks).unwrap()
}

/// Serves one answer after the other: a status line and a text, made of the body that was sent.
async fn witness(answer: impl Fn(usize, Submission) -> (&'static str, String) + Send + 'static) -> Witness {
    Witness::open(&answering(answer).await).unwrap()
}

/// Where that is served, by a witness whose key is made of the seed 5.
async fn answering(answer: impl Fn(usize, Submission) -> (&'static str, String) + Send + 'static) -> WitnessSettings {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/some/where", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for count in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let body = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                // A note ends with the line feed of its last signature, after the second empty line of the body.
                let parts: Vec<&str> = text.splitn(2, "\r\n\r\n").collect();
                if let [head, body] = parts.as_slice() {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    if length.unwrap().parse() == Ok(body.len()) {
                        assert!(
                            head.starts_with("POST /some/where/add-checkpoint HTTP/1.1\r\n"),
                            "{head}"
                        );
                        break (*body).to_owned();
                    }
                }
            };
            let (status, answer) = answer(count, body.parse().unwrap());
            let length = answer.len();
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nlocation: /x\r\n\r\n{answer}");
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    let key = samples::cosigner("witness.sample", 5).witness_key().clone();
    WitnessSettings {
        url: url.parse().unwrap(),
        key,
        ca: None,
    }
}

/// The text of an answer to a submission.
type Text = fn(&Submission) -> String;

fn cosigned(submission: &Submission, seed: u8) -> String {
    let cosigner = samples::cosigner("witness.sample", seed);
    cosigner.cosign(&submission.checkpoint, samples::at(99)).unwrap()
}

#[tokio::test]
async fn a_witness_that_has_seen_some_of_the_ledger_is_sent_the_proof_from_there() {
    let (store, head) = ledger(9);
    let witness = witness(|count, submission| match count {
        0 => {
            assert_eq!((submission.old, submission.proof.len()), (0, 0));
            ("409 Conflict", "4\n".to_owned())
        }
        _ => {
            assert_eq!(submission.old, 4);
            assert!(!submission.proof.is_empty());
            ("200 OK", cosigned(&submission, 5))
        }
    })
    .await;
    let line = witness.ask(&store, &head).await.unwrap();
    let joined = Checkpoint::join(&head, &line).unwrap();
    assert!(witness.has_cosigned(&joined) && !witness.has_cosigned(&head));
    assert!(Checkpoint::open(&joined, samples::signer(1).verifier_key()).is_ok());
    let standing = witness.standing();
    assert_eq!((standing.size, standing.cosigned_at), (9, Some(samples::at(99))));
}

#[tokio::test]
async fn no_answer_but_a_right_cosignature_is_taken() {
    let (store, head) = ledger(9);
    let cases: [(&str, Text, &str); 8] = [
        ("200 OK", |_| String::new(), "not a cosignature"),
        ("200 OK", |_| "— witness.sample AAAA\n".to_owned(), "not a cosignature"),
        ("200 OK", |submission| cosigned(submission, 6), "not a cosignature"),
        ("409 Conflict", |_| "many\n".to_owned(), "put back, rewritten or forked"),
        ("409 Conflict", |_| "0\n".to_owned(), "put back, rewritten or forked"),
        ("409 Conflict", |_| "10\n".to_owned(), "put back, rewritten or forked"),
        (
            "422 Unprocessable Entity",
            |_| String::new(),
            "put back, rewritten or forked",
        ),
        ("302 Found", |submission| cosigned(submission, 5), "status 302"),
    ];
    for (status, text, trouble) in cases {
        let witness = witness(move |_, submission| (status, text(&submission))).await;
        assert_eq!(witness.ask(&store, &head).await, None, "{status}");
        let standing = witness.standing();
        assert!(standing.trouble.contains(trouble), "{status}: {}", standing.trouble);
        assert_eq!(standing.cosigned_at, None);
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_to_its_end() {
    let (store, head) = ledger(2);
    let witness = witness(|_, _| ("200 OK", "x".repeat(200_000))).await;
    assert_eq!(witness.ask(&store, &head).await, None);
    assert!(witness.standing().trouble.contains("no answer"));
}

#[test]
fn a_witness_over_tls_needs_an_authority_and_its_address_a_scheme() {
    let key = samples::cosigner("witness.sample", 5).witness_key().to_string();
    let parse = |url: &str| toml::from_str::<WitnessSettings>(&format!("url = \"{url}\"\nkey = \"{key}\""));
    let settings = parse("https://witness.sample").unwrap();
    assert!(matches!(Witness::open(&settings), Err(http::Error::WithoutAuthority)));
    for bad in [
        "witness.sample",
        "ftp://witness.sample",
        "/add-checkpoint",
        "http://witness.sample/?x=1",
        "",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    let log = samples::signer(1).verifier_key().to_string();
    let mistaken = format!("url = \"http://witness.sample\"\nkey = \"{log}\"");
    assert!(
        toml::from_str::<WitnessSettings>(&mistaken).is_err(),
        "a log's key is no witness's"
    );
}

#[test]
fn the_published_file_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    for text in ["one\n", "two\n"] {
        replace(&path, text).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(replace(&folder.path().join("none/checkpoint"), "x").is_err());
}

#[tokio::test]
async fn a_hub_without_witnesses_and_without_a_file_has_nothing_to_do() {
    let (store, _) = ledger(1);
    let store: Arc<dyn Store> = Arc::new(store);
    let committer = committer(&store);
    let clock = Arc::new(crate::clock::SystemClock);
    let publisher = Publisher::open((store, committer), clock, Settings::default()).unwrap();
    publisher.run(CancellationToken::new()).await;
    assert_eq!(publisher.state().alarm, None);
}

#[tokio::test]
async fn a_witness_that_never_answers_does_not_delay_the_file() {
    let (store, head) = ledger(3);
    let store: Arc<dyn Store> = Arc::new(store);
    let committer = committer(&store);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let settings = Settings {
        publish: Some(file.clone()),
        require_witnesses: 1,
        close_without_witnesses: true,
        witness: vec![WitnessSettings {
            url: format!("http://{}", silent.local_addr().unwrap()).parse().unwrap(),
            key: samples::cosigner("witness.sample", 5).witness_key().clone(),
            ca: None,
        }],
        ..Settings::default()
    };
    let clock = Arc::new(crate::clock::SystemClock);
    let publisher = Publisher::open((store, committer.clone()), clock, settings).unwrap();
    assert!(publisher.begin());
    assert!(committer.closed().is_some());
    let published = async {
        while !std::fs::read_to_string(&file).is_ok_and(|text| text == head) {
            tokio::task::yield_now().await;
        }
        publisher.witnesses[0].has_answered(&head)
    };
    tokio::select! {
        () = publisher.run(CancellationToken::new()) => unreachable!(),
        answered = published => assert!(!answered),
    }
    assert!(committer.closed().is_some(), "no witness has seen this run");
}

/// A clock that goes on by so many seconds whenever a witness answers.
struct Steps(std::sync::atomic::AtomicI64);

impl Clock for Steps {
    fn now(&self) -> jiff::Timestamp {
        samples::at(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_ledger_that_grows_whenever_a_witness_answers_is_cosigned_all_the_same() {
    const ROUNDS: usize = 6;
    let (store, _) = ledger(3);
    let store: Arc<dyn Store> = Arc::new(store);
    let clock = Arc::new(Steps(1000.into()));
    let answers = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut witnesses = Vec::new();
    for seed in [5, 6] {
        let (store, clock, answers) = (store.clone(), clock.clone(), answers.clone());
        let mut settings = answering(move |_, submission| {
            // The head has moved, and time has passed, by the moment that this answer arrives.
            let second = clock.0.fetch_add(15, std::sync::atomic::Ordering::SeqCst);
            grow(&*store, second..second + 1);
            answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            ("200 OK", cosigned(&submission, seed))
        })
        .await;
        settings.key = samples::cosigner("witness.sample", seed).witness_key().clone();
        witnesses.push(settings);
    }
    let settings = Settings {
        require_witnesses: 2,
        witness_limit_seconds: 60,
        close_without_witnesses: true,
        witness: witnesses,
        ..Settings::default()
    };
    let committer = committer(&store);
    let publisher = Publisher::open((store, committer.clone()), clock.clone(), settings).unwrap();
    assert!(publisher.begin());
    publisher.begun();
    let (stop, mut sizes) = (CancellationToken::new(), std::collections::BTreeSet::new());
    let watching = async {
        while sizes.len() < ROUNDS {
            let state = publisher.state();
            assert_eq!(state.alarm, None);
            if let Ok(head) = Checkpoint::read_unverified(&state.witnessed) {
                sizes.insert(head.size);
                assert!(
                    publisher
                        .witnesses
                        .iter()
                        .all(|witness| witness.has_cosigned(&state.witnessed))
                );
                assert!(committer.closed().is_none());
            }
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(publisher.run(stop.clone()), watching);
    assert!(clock.now() > samples::at(1000 + 2 * 60), "the limit has passed twice");
}

#[test]
fn entries_wait_from_the_first_that_no_cosigned_head_speaks_for() {
    let mut round = Round::default();
    let since = |round: &Round| round.uncovered_since();
    round.found("one".into(), samples::at(1));
    assert_eq!(round.take(), Some("one"));
    round.found("two".into(), samples::at(3));
    round.found("three".into(), samples::at(4));
    assert_eq!(since(&round), Some(samples::at(1)), "nothing is cosigned yet");
    round.cover();
    assert_eq!(since(&round), Some(samples::at(3)));
    assert_eq!(round.take(), Some("three"));
    round.found("three".into(), samples::at(5));
    assert_eq!(round.take(), None);
    assert_eq!(since(&round), Some(samples::at(3)));
    round.cover();
    assert_eq!(since(&round), None);
    round.found("four".into(), samples::at(9));
    assert_eq!(since(&round), Some(samples::at(9)));
}
