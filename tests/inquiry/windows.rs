//! A window is found by halving, and nothing outside it is read: the entries there are taken away first.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use jiff::SignedDuration;
use placehub_hub::{
    store::{Memory, Store as _},
    tables,
};
use placehub_ledger::Checkpoint;
use placehub_proto::v1::{NearSelf, Refusals, WithoutCase, examine_request::Question};

use super::{DISORDER, HOMELESSNESS, examine, numbers, period};
use crate::harness::{Hub, Narrow as _, Place, alex, question_person, refused};

/// Which entries halving looks at until it knows that the first one in question is number `first`.
fn looked_at(size: u64, first: u64) -> BTreeSet<u64> {
    let (mut low, mut high, mut looked_at) = (0, size, BTreeSet::new());
    while low < high {
        let middle = low + (high - low) / 2;
        looked_at.insert(middle);
        if middle < first {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    looked_at
}

/// Three questions, of which the second has no case and the third is refused.
async fn ask(hub: &Hub) -> Range<u64> {
    let (officer, constable) = (hub.as_cast("officer-42"), hub.as_cast("officer-17"));
    let named = question_person(alex(), HOMELESSNESS).case("C-1");
    let first = officer.ask(named).await.unwrap().ledger_entry;
    officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    refused(constable.ask(question_person(alex(), DISORDER).case("C-2")).await);
    first..first + 3
}

#[tokio::test]
async fn a_question_over_a_window_reads_no_entry_outside_it_but_those_that_find_its_ends() {
    let store = Arc::new(Memory::new());
    let hub = Hub::start(&Place::new(), store.clone()).await;
    let minutes = |count| hub.place.clock.advance(SignedDuration::from_mins(count));
    let quiet = async |count: u64| {
        for _ in 0..count {
            minutes(1);
            hub.adapter("housing").retract("never-pushed", 9).await.unwrap();
        }
    };
    ask(&hub).await;
    quiet(150).await;
    minutes(1);
    let since = hub.place.clock.now();
    let mut window = ask(&hub).await;
    // More than is read in one go.
    quiet(300).await;
    window.end = ask(&hub).await.end;
    minutes(1);
    let until = hub.place.clock.now();
    quiet(150).await;
    ask(&hub).await;

    let (igo, all) = (hub.as_cast("igo-1"), period(since, until));
    let questions = [
        (Question::Refusals(Refusals {}), 2),
        (Question::WithoutCase(WithoutCase {}), 2),
        (Question::NearSelf(NearSelf {}), 0),
    ];
    let head = igo.head().await.unwrap().checkpoint;
    let size = Checkpoint::read_unverified(&head).unwrap().size;
    // Each question is an entry before it is answered, and each is put twice.
    let mut kept: BTreeSet<u64> = window.clone().collect();
    for size in size + 1..=size + 6 {
        kept.extend(looked_at(size, window.start).union(&looked_at(size, window.end)));
    }
    let outside = (0..size).filter(|number| !kept.contains(number));
    let rows = outside.map(|number| {
        let key = [&[tables::LEDGER_ENTRY][..], &number.to_be_bytes()].concat();
        (key.into(), None)
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() > 250, "{} taken away", rows.len());
    store.commit(rows.into_iter().collect()).unwrap();

    for (question, found) in questions {
        let (entries, counts) = examine(&igo, question.clone(), (all, None)).await.unwrap();
        assert_eq!(entries.len(), found, "{question:?}");
        assert!(numbers(&entries).iter().all(|number| window.contains(number)));
        assert!(!counts.is_empty(), "{question:?}");
        examine(&igo, question, (None, None))
            .await
            .expect_err("all of the log is there");
    }
    hub.stop().await;
}
