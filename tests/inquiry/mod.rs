//! The questions of an information governance officer, the resident's access log, and what the record holds of what the
//! hub does by itself: over the wire, as an officer's program would ask.

mod access_log;
mod commands;
mod exports;
mod kept;
mod questions;
mod windows;

use jiff::ToSpan as _;
use placehub_hub::{
    clock::{Clock as _, SystemClock},
    ledger::Entry,
    wire::timestamp,
};
use placehub_proto::v1::{
    EntryCount, ExamineRequest, LedgerEntry, ListEntriesRequest, Period, examine_request::Question,
    examine_response::Part,
};
use tonic::Status;

use crate::{
    commands::{ARREARS, ask},
    harness::{Adjust as _, Client, Hub, alex, arrears, billie, discharge, grant, signal, text},
    program::{Home, Served},
};

const HOMELESSNESS: &str = "homelessness-prevention";
const DISORDER: &str = "asb-prevention";
const SAFEGUARDING: &str = "safeguarding-adults";

/// A hub to which agencies have pushed what others ask about.
async fn given() -> Hub {
    let hub = Hub::fresh().await;
    let day = |days| hub.days_ago(days);
    let noise = signal("housing.asb-case", alex(), day(1)).with("case_type", text("noise"));
    for (agency, draft) in [
        ("health", discharge(alex(), day(2))),
        ("housing", arrears(alex(), day(3))),
        ("housing", noise),
        ("welfare", grant(alex(), day(4))),
        ("housing", arrears(billie(), day(3))),
    ] {
        hub.adapter(agency).push(draft).await.unwrap();
    }
    hub
}

/// A hub of its own process, to which a landlord has pushed and of which a housing officer and the police have asked.
async fn asked() -> (Home, Served) {
    let home = Home::new().await;
    let served = home.serve().await;
    let yesterday = (SystemClock.now() - 24.hours()).to_string();
    home.run(&[&ARREARS[..], &["--occurred", &yesterday]].concat())
        .await
        .ended(0);
    home.run(&ask("officer-42")).await.ended(0);
    home.run(&ask("officer-17")).await;
    (home, served)
}

/// The answer to an officer's question: entries, and counts.
async fn examine(
    igo: &Client,
    question: Question,
    (period, entries): (Option<Period>, Option<u32>),
) -> Result<(Vec<LedgerEntry>, Vec<EntryCount>), Status> {
    let request = ExamineRequest {
        question: Some(question),
        period,
        entries,
    };
    let mut parts = igo.ledger.clone().examine(request).await?.into_inner();
    let (mut found, mut counts) = (Vec::new(), Vec::new());
    while let Some(part) = parts.message().await? {
        match part.part.unwrap() {
            Part::Entry(entry) => {
                assert!(counts.is_empty(), "an entry after the counts");
                found.push(entry);
            }
            Part::Count(count) => counts.push(count),
        }
    }
    Ok((found, counts))
}

fn numbers(entries: &[LedgerEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.number).collect()
}

/// The newest entry, as it was hashed, without the look that fetches it.
async fn last(hub: &Hub) -> Entry {
    let request = ListEntriesRequest {
        page_size: 2,
        ..ListEntriesRequest::default()
    };
    let entries = hub.as_cast("igo-1").ledger.clone().list_entries(request).await;
    let entries = entries.unwrap().into_inner().entries;
    assert_eq!(entries[0].action, "list-entries");
    Entry::parse(&entries[1].raw).unwrap()
}

/// From `since` on, before `until`.
fn period(since: jiff::Timestamp, until: jiff::Timestamp) -> Option<Period> {
    Some(Period {
        since: Some(timestamp(since)),
        until: Some(timestamp(until)),
    })
}
