//! What a hub told over all its lives, compared with what it tells after it was killed.
//! It takes nothing on trust: entries are recomputed from their bytes, signals are compared field by field.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use placehub_hub::ledger::verify::{Evidence, Row, verify};
use placehub_proto::v1::{DisclosureLevel, PushOutcome, Signal};
use serde_json::Value;

use super::{
    load::{Answer, Told},
    question,
};
use crate::{harness::Client, program::Home};

/// All that was ever told, and the ledger as it was last seen.
#[derive(Default)]
pub(super) struct Diary {
    told: Told,
    ledger: Vec<Vec<u8>>,
    /// Pushes without an answer that were there after the kill, and those that were not.
    kept: usize,
    lost: usize,
}

impl Diary {
    /// Adds what was told until a kill.
    pub(super) fn add(&mut self, told: Told) {
        self.told.sent.extend(told.sent);
        self.told.acknowledged.extend(told.acknowledged);
        self.told.answers.extend(told.answers);
    }

    /// How many entries the ledger had when it was last seen.
    pub(super) fn entries(&self) -> u64 {
        self.ledger.len().try_into().unwrap()
    }

    /// The numbers of all lives.
    pub(super) fn summary(&self) -> String {
        let (kept, lost) = (self.kept, self.lost);
        format!(
            "in all {}; without an answer {kept} kept and {lost} not; {} entries",
            self.told.summary(),
            self.entries()
        )
    }

    /// Compares everything with what the hub tells now, and pushes again what got no answer.
    pub(super) async fn compare(&mut self, home: &Home) {
        let there = all(
            &home.practitioner("housing", "officer-42").await,
            &mut self.told.answers,
        )
        .await;
        let entries = self.read_ledger(home).await;
        self.signals_are_whole(&there, &entries);
        self.answers_are_recorded(&entries);
        self.push_again(home, &there).await;
    }

    /// Exports the ledger, which must be one that its key signed, and must begin with all that was seen before.
    async fn read_ledger(&mut self, home: &Home) -> Vec<Value> {
        let officer = home.practitioner("governance", "igo-1").await;
        let (ledger, head) = officer.export().await.unwrap();
        let verified = verify(
            ledger.iter().cloned().map(Row::alone).map(Ok::<_, Infallible>),
            &Evidence::of(&head),
            &home.ledger_key(),
        );
        assert_eq!(verified.unwrap().size, u64::try_from(ledger.len()).unwrap());
        assert!(
            ledger.starts_with(&self.ledger),
            "an entry that was there before is not"
        );
        let entries = ledger
            .iter()
            .map(|entry| serde_json::from_slice(entry).unwrap())
            .collect();
        self.ledger = ledger;
        entries
    }

    /// Each acknowledged push is there once; each other one is there once and whole, or not at all; and there is a signal
    /// for each entry of a push, and no other.
    fn signals_are_whole(&self, there: &BTreeMap<String, Signal>, entries: &[Value]) {
        for (source_id, (signal, entry)) in &self.told.acknowledged {
            let found = there
                .get(source_id)
                .unwrap_or_else(|| panic!("{source_id} was acknowledged, and is lost"));
            assert_eq!(&found.id, signal);
            assert_eq!(
                touched(&entries[usize::try_from(*entry).unwrap()]),
                Some(signal.as_str())
            );
        }
        for (source_id, signal) in there {
            let sent = &self.told.sent[source_id];
            let detail = signal.detail.as_ref().unwrap();
            assert_eq!(signal.level(), DisclosureLevel::Detail);
            assert_eq!((&signal.kind, signal.severity()), (&sent.kind, sent.severity()));
            let attributes = sent.attributes.clone().into_iter().collect();
            assert_eq!((&detail.summary, &detail.attributes), (&sent.summary, &attributes));
            assert_eq!(detail.pointer, sent.pointer);
            assert_eq!(
                (detail.person.as_ref(), &detail.uprn),
                (sent.person.as_ref(), &sent.uprn)
            );
            assert_eq!((signal.occurred_at, detail.version), (sent.occurred_at, 1));
        }
        let pushed = entries.iter().filter(|entry| entry["touched"]["outcome"] == "recorded");
        let pushed: Vec<&str> = pushed.filter_map(touched).collect();
        let recorded: BTreeSet<&str> = pushed.iter().copied().collect();
        assert_eq!(recorded.len(), pushed.len(), "recorded twice");
        assert_eq!(recorded, there.values().map(|signal| signal.id.as_str()).collect());
    }

    /// Each answer that was received has its entry, with all that it showed.
    fn answers_are_recorded(&self, entries: &[Value]) {
        for Answer { entry, shown } in &self.told.answers {
            let entry = &entries[usize::try_from(*entry).unwrap()];
            assert_eq!(
                (&entry["action"], &entry["practitioner"]),
                (&"ask".into(), &"officer-42".into())
            );
            assert_eq!(entry["allowed"], true);
            let recorded: BTreeSet<(&str, &str)> = entry["shown"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| (one["signal"].as_str().unwrap(), one["level"].as_str().unwrap()))
                .collect();
            let word = |level: DisclosureLevel| match level {
                DisclosureLevel::Detail => "detail",
                other => panic!("shown at {other:?}"),
            };
            let received = shown.iter().map(|(id, level)| (id.as_str(), word(*level))).collect();
            assert_eq!(recorded, received);
        }
    }

    /// A push without an answer may be made again: it is known if it was there, and new if it was not.
    async fn push_again(&mut self, home: &Home, there: &BTreeMap<String, Signal>) {
        let adapters = BTreeMap::from(["housing", "welfare"].map(|agency| (agency, home.adapter(agency))));
        let Told { sent, acknowledged, .. } = &mut self.told;
        for (source_id, draft) in sent {
            if acknowledged.contains_key(source_id) {
                continue;
            }
            let (owner, _) = draft.kind.split_once('.').unwrap();
            let again = adapters[owner].push(draft.clone()).await.unwrap();
            match there.get(source_id) {
                Some(signal) => {
                    assert_eq!(
                        (again.outcome(), &again.signal_id),
                        (PushOutcome::AlreadyKnown, &signal.id)
                    );
                    self.kept += 1;
                }
                None => {
                    assert_eq!(again.outcome(), PushOutcome::Recorded);
                    self.lost += 1;
                }
            }
            acknowledged.insert(source_id.clone(), (again.signal_id, again.ledger_entry));
        }
    }
}

/// All that a desk is shown, by the source id that stands at the end of each line of text. Nothing may come twice.
async fn all(desk: &Client, answers: &mut Vec<Answer>) -> BTreeMap<String, Signal> {
    let (mut found, mut token) = (BTreeMap::new(), String::new());
    loop {
        let page = desk.ask_page(question(), 200, &token).await.unwrap();
        answers.push(Answer::of(&page));
        token = page.next_page_token;
        for signal in page.signals {
            let summary = &signal.detail.as_ref().unwrap().summary;
            let (_, source_id) = summary.rsplit_once(' ').unwrap();
            let before = found.insert(source_id.to_owned(), signal.clone());
            assert!(before.is_none(), "{source_id} is there twice");
        }
        if token.is_empty() {
            return found;
        }
    }
}

/// The signal that an entry of a push names.
fn touched(entry: &Value) -> Option<&str> {
    (entry["action"] == "push").then(|| entry["touched"]["signal"].as_str().unwrap())
}
