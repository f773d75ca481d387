//! The hub and the adapters, each a process of its own, are killed at random moments while hospitals send messages and a
//! landlord drops files. Whatever was acknowledged to its sender must be at the hub, exactly once.
//!
//! `PLACEHUB_TEST_ROUNDS` sets how often something is killed, `PLACEHUB_TEST_SEED` repeats the moments of an earlier run.

mod hospital;
mod landlord;
mod station;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use placehub_proto::v1::{Question, Signal};
use serde_json::Value;

use self::{hospital::Hospitals, landlord::Landlord, station::Station};
use crate::{
    harness::{Chance, Narrow as _, alex, question_person},
    program::{Home, Served},
};

/// How long whoever waits leaves the processor to the programs between two looks.
const A_LITTLE: Duration = Duration::from_millis(5);
/// How often something is killed, if nothing else is said.
const ROUNDS: u64 = 4;
/// How many hospitals send at a time.
const HOSPITALS: usize = 3;
/// The most messages that are acknowledged between two kills.
const MOST: u64 = 40;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Hub,
    HubThenHospitals,
    Hospitals,
    Landlord,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_to_its_sender_is_at_the_hub_exactly_once() {
    let (rounds, mut chance) = Chance::of_settings(ROUNDS);
    let home = Home::new().await;
    let mut hub = home.serve().await;
    let mut nhs = Station::open(&home, "placehub-nhs", "health", &Hospitals::table()).await;
    let landlord = Landlord::new(&home);
    let mut housing = Station::open(&home, "placehub-housing", "housing", &landlord.table()).await;
    let hospitals = Hospitals::begin(HOSPITALS);
    let mut killed: BTreeMap<Victim, u64> = BTreeMap::new();
    for round in 0..rounds {
        landlord.drop_file(round);
        hospitals.acknowledged(chance.below(MOST + 1)).await;
        let victim = match chance.below(4) {
            0 => Victim::Hub,
            1 => Victim::HubThenHospitals,
            2 => Victim::Hospitals,
            _ => Victim::Landlord,
        };
        *killed.entry(victim).or_default() += 1;
        match victim {
            Victim::Hub => hub = again(&home, hub).await,
            Victim::Hospitals => nhs = nhs.again().await,
            Victim::Landlord => housing = housing.again().await,
            Victim::HubThenHospitals => {
                // What is taken while the hub is away, by an adapter that is killed meanwhile, waits in the outbox.
                hub.kill().await;
                hospitals.acknowledged(chance.below(MOST + 1)).await;
                nhs = nhs.again().await;
                hospitals.acknowledged(1 + chance.below(MOST)).await;
                hub = home.serve().await;
            }
        }
    }
    let told = hospitals.end().await;
    landlord.taken().await;
    nhs.sent().await;
    housing.sent().await;
    nhs.stop().await;
    housing.stop().await;

    let discharges = all(&home, "lead-health", "health.hospital-discharge").await;
    let shown: Vec<_> = discharges.iter().map(|one| text(one, "destination")).collect();
    assert_eq!(
        once(shown),
        told,
        "messages that were acknowledged, and what is at the hub"
    );
    let arrears = all(&home, "lead-housing", "housing.rent-arrears").await;
    let shown: Vec<_> = arrears.iter().map(|one| number(one, "pence")).collect();
    assert_eq!(
        once(shown),
        landlord.rows(rounds),
        "rows that were taken, and what is at the hub"
    );
    // Nor was anything recorded that is not there: one entry of the ledger for each signal.
    let (ledger, _) = home.practitioner("governance", "igo-1").await.export().await.unwrap();
    let entries = ledger
        .iter()
        .map(|entry| serde_json::from_slice::<Value>(entry).unwrap());
    let pushed = entries.filter(|entry| entry["action"] == "push" && entry["touched"]["outcome"] == "recorded");
    let recorded: Vec<_> = pushed
        .map(|entry| entry["touched"]["signal"].as_str().unwrap().to_owned())
        .collect();
    let there: BTreeSet<_> = discharges.iter().chain(&arrears).map(|one| one.id.clone()).collect();
    assert_eq!(once(recorded), there);
    home.run(&["ledger", "verify", "--as", "igo-1"]).await.ended(0);
    eprintln!(
        "{} messages and {} rows, each there once, {} entries; killed: {killed:?}",
        told.len(),
        arrears.len(),
        ledger.len()
    );
    hub.stop().await;
}

/// Kills a hub, and starts it anew.
async fn again(home: &Home, hub: Served) -> Served {
    hub.kill().await;
    home.serve().await
}

/// All of a kind that an agency itself has pushed about Alex.
async fn all(home: &Home, lead: &str, kind: &str) -> Vec<Signal> {
    let (_, agency) = lead.split_once('-').unwrap();
    let desk = home.practitioner(agency, lead).await;
    let question = || -> Question {
        let question = question_person(alex(), "safeguarding-adults");
        question.under("care-act-2014-s42").case("SG-1").only(&[kind])
    };
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = desk.ask_page(question(), 200, &token).await.unwrap();
        found.extend(page.signals);
        token = page.next_page_token;
        if token.is_empty() {
            return found;
        }
    }
}

/// A set of what must all be different.
fn once<T: Ord + Clone>(many: Vec<T>) -> BTreeSet<T> {
    let set: BTreeSet<T> = many.iter().cloned().collect();
    assert_eq!(set.len(), many.len(), "something is there twice");
    set
}

fn attribute(signal: &Signal, name: &str) -> placehub_proto::v1::attribute_value::Value {
    let detail = signal.detail.as_ref().unwrap();
    detail.attributes[name].value.clone().unwrap()
}

fn text(signal: &Signal, name: &str) -> String {
    match attribute(signal, name) {
        placehub_proto::v1::attribute_value::Value::TextValue(text) => text,
        other => panic!("{other:?}"),
    }
}

fn number(signal: &Signal, name: &str) -> i64 {
    match attribute(signal, name) {
        placehub_proto::v1::attribute_value::Value::IntegerValue(number) => number,
        other => panic!("{other:?}"),
    }
}
