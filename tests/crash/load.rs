//! The load under which a hub is killed: adapters that push one by one and in streams, desks that page through answers.
//! Each of them writes down what it was told, and ends when the hub is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use placehub_hub::clock::{Clock as _, SystemClock};
use placehub_proto::v1::{
    AskSignalsResponse, DisclosureLevel, PushSignalsRequest, SignalDraft, push_signals_response::Result as Outcome,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status};

use super::question;
use crate::{
    harness::{Adjust as _, Client, alex, arrears, grant, integer},
    program::{Home, Served},
};

/// How many callers push one signal after the other, over two connections.
const PUSHERS: usize = 6;
/// The most characters that a signal's pointer may have.
const POINTER: usize = 500;
/// How many signals a stream has under way.
const UNDER_WAY: usize = 16;

/// What was sent to a hub and what it told, by source id.
#[derive(Default)]
pub(super) struct Told {
    /// All that was sent.
    pub(super) sent: BTreeMap<String, SignalDraft>,
    /// What was acknowledged: id of the signal, and number of its entry in the ledger.
    pub(super) acknowledged: BTreeMap<String, (String, u64)>,
    /// What was shown.
    pub(super) answers: Vec<Answer>,
}

/// A page that was received whole.
pub(super) struct Answer {
    /// Number of its entry in the ledger.
    pub(super) entry: u64,
    /// The signals, by id and level.
    pub(super) shown: Vec<(String, DisclosureLevel)>,
}

impl Told {
    /// The numbers of it.
    pub(super) fn summary(&self) -> String {
        let (sent, acknowledged) = (self.sent.len(), self.acknowledged.len());
        format!(
            "{sent} sent, {acknowledged} acknowledged, {} answers",
            self.answers.len()
        )
    }
}

impl Answer {
    /// What an answer showed.
    pub(super) fn of(answer: &AskSignalsResponse) -> Self {
        let shown = answer.signals.iter().map(|one| (one.id.clone(), one.level()));
        Self {
            entry: answer.ledger_entry,
            shown: shown.collect(),
        }
    }
}

/// How long a hub is let live.
#[derive(Debug)]
pub(super) struct Life {
    /// Until a file of its journal is full, and goes into sled. What is pushed then takes much room.
    pub(super) file: bool,
    /// And until it has told so much, from then on.
    pub(super) enough: Enough,
}

/// How much a hub must have told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Enough {
    /// Acknowledgements.
    pub(super) acknowledged: u64,
    /// Answers.
    pub(super) answers: u64,
}

/// Pushes and asks from all sides, kills the hub at the end of its life, and returns what it told.
pub(super) async fn until_killed(home: &Home, served: Served, round: u64, life: &Life) -> Told {
    let notes = Notes::default();
    let pointer = if life.file {
        "\u{1f4c2}".repeat(POINTER)
    } else {
        String::new()
    };
    let mut callers = Vec::new();
    for (line, agency) in ["housing", "welfare"].into_iter().enumerate() {
        let adapter = home.adapter(agency);
        for pusher in 0..PUSHERS / 2 {
            let drafts = Drafts::new(agency, format!("{round}-{line}-{pusher}"), &pointer);
            callers.push(tokio::spawn(push_singly(adapter.clone(), drafts, notes.clone())));
        }
        let drafts = Drafts::new(agency, format!("{round}-{line}-stream"), &pointer);
        let adapter = home.adapter(agency);
        callers.push(tokio::spawn(push_in_a_stream(adapter, drafts, notes.clone())));
    }
    for page_size in [3, 40] {
        let desk = home.practitioner("housing", "officer-42").await;
        callers.push(tokio::spawn(ask(desk, page_size, notes.clone())));
    }
    let mut count = notes.count.subscribe();
    if life.file {
        let first = newest_file(home);
        count.wait_for(|_| newest_file(home) != first).await.unwrap();
        count.wait_for(|_| is_going_into_sled(home)).await.unwrap();
    }
    let (before, enough) = (*count.borrow(), life.enough);
    count
        .wait_for(|count| {
            count.acknowledged - before.acknowledged >= enough.acknowledged
                && count.answers - before.answers >= enough.answers
        })
        .await
        .unwrap();
    served.kill().await;
    for caller in callers {
        caller.await.unwrap();
    }
    std::mem::take(&mut *notes.told.lock().unwrap())
}

/// The file of the journal that is being written. Files are named by the number of their first commit.
fn newest_file(home: &Home) -> Option<String> {
    journal(home).pop_last()
}

/// The files of the journal, but for spare ones.
pub(super) fn journal(home: &Home) -> BTreeSet<String> {
    let files = fs::read_dir(home.path().join("store/journal")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("spare")).collect()
}

/// Whether sled has written anything since a file of the journal was begun or freed.
fn is_going_into_sled(home: &Home) -> bool {
    let written = |name: &str| {
        fs::metadata(home.path().join("store").join(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    written("db") > written("journal")
}

/// What all callers of a round write into.
#[derive(Clone)]
struct Notes {
    told: Arc<Mutex<Told>>,
    count: watch::Sender<Enough>,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            told: Arc::default(),
            count: watch::Sender::new(Enough::default()),
        }
    }
}

impl Notes {
    fn send(&self, draft: &SignalDraft) {
        let mut told = self.told.lock().unwrap();
        let before = told.sent.insert(draft.source_id.clone(), draft.clone());
        assert!(before.is_none());
    }

    fn acknowledge(&self, source_id: String, signal: String, entry: u64) {
        let mut told = self.told.lock().unwrap();
        let before = told.acknowledged.insert(source_id, (signal, entry));
        assert!(before.is_none(), "acknowledged twice");
        drop(told);
        self.count.send_modify(|count| count.acknowledged += 1);
    }

    fn answer(&self, answer: Answer) {
        self.told.lock().unwrap().answers.push(answer);
        self.count.send_modify(|count| count.answers += 1);
    }
}

/// Signals about Alex, each told apart by its line of text and its number.
struct Drafts {
    agency: &'static str,
    name: String,
    pointer: String,
    next: u64,
    at: Timestamp,
}

impl Drafts {
    fn new(agency: &'static str, name: String, pointer: &str) -> Self {
        Self {
            agency,
            name,
            pointer: pointer.to_owned(),
            next: 0,
            // The hub keeps times to the microsecond.
            at: Timestamp::from_second(SystemClock.now().as_second()).unwrap(),
        }
    }

    fn draft(&mut self) -> SignalDraft {
        self.next += 1;
        let id = format!("{}-{}", self.name, self.next);
        let number = integer(i64::try_from(self.next).unwrap());
        let draft = match self.agency {
            "housing" => arrears(alex(), self.at).with("weeks", number),
            _ => grant(alex(), self.at).with("pence", number),
        };
        SignalDraft {
            pointer: self.pointer.clone(),
            ..draft.id(&id).summary(&format!("made-up line {id}"))
        }
    }
}

async fn push_singly(adapter: Client, mut drafts: Drafts, notes: Notes) {
    loop {
        let draft = drafts.draft();
        notes.send(&draft);
        match adapter.push(draft.clone()).await {
            Ok(pushed) => notes.acknowledge(draft.source_id, pushed.signal_id, pushed.ledger_entry),
            Err(status) => return gone(&status),
        }
    }
}

async fn push_in_a_stream(adapter: Client, mut drafts: Drafts, notes: Notes) {
    let name = drafts.name.clone();
    let (sender, requests) = mpsc::unbounded_channel();
    let mut sequence = 0;
    let mut send = || {
        let signal = drafts.draft();
        notes.send(&signal);
        sequence += 1;
        let signal = Some(signal);
        // Once the hub is gone, nobody takes it; then it stays as one that got no answer.
        let _ = sender.send(PushSignalsRequest { sequence, signal });
    };
    (0..UNDER_WAY).for_each(|_| send());
    let requests = UnboundedReceiverStream::new(requests);
    let mut answers = match adapter.signals.clone().push_signals(requests).await {
        Ok(answers) => answers.into_inner(),
        Err(status) => return gone(&status),
    };
    for next in 1.. {
        let answer = match answers.message().await {
            Ok(answer) => answer.expect("the hub ended the stream without a status"),
            Err(status) => return gone(&status),
        };
        assert_eq!(answer.sequence, next, "answered out of order");
        let Some(Outcome::Acknowledged(pushed)) = answer.result else {
            panic!("{answer:?}")
        };
        notes.acknowledge(format!("{name}-{next}"), pushed.signal_id, pushed.ledger_entry);
        send();
    }
}

async fn ask(desk: Client, page_size: i32, notes: Notes) {
    let mut token = String::new();
    loop {
        match desk.ask_page(question(), page_size, &token).await {
            Ok(page) => {
                notes.answer(Answer::of(&page));
                token = page.next_page_token;
            }
            Err(status) => return gone(&status),
        }
    }
}

/// The only way in which a call may fail here is that the hub is gone.
fn gone(status: &Status) {
    let lost = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];
    assert!(lost.contains(&status.code()), "{status:?}");
}
