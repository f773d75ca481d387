//! A resident's access log: what it tells, what it leaves out without a trace, and what a review changes.

use jiff::SignedDuration;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    HeldEntry, ListHeldEntriesRequest, MakeAccessLogRequest, MakeAccessLogResponse, Period, PersonIdentity,
    ReviewHeldEntryRequest, ReviewOutcome,
};
use tonic::{Code, Status};

use super::{DISORDER, HOMELESSNESS, SAFEGUARDING, given, last};
use crate::harness::{
    Client, Hub, Narrow as _, alex, billie, discharge, emery, known_as, only, question_address, question_person,
    refused,
};

async fn log_of(igo: &Client, who: PersonIdentity) -> Result<Vec<MakeAccessLogResponse>, Status> {
    let request = MakeAccessLogRequest {
        person: Some(who),
        ..MakeAccessLogRequest::default()
    };
    let mut lines = igo.ledger.clone().make_access_log(request).await?.into_inner();
    let mut log = Vec::new();
    while let Some(line) = lines.message().await? {
        log.push(line);
    }
    Ok(log)
}

async fn held(igo: &Client, reviewed_too: bool) -> Vec<HeldEntry> {
    let request = ListHeldEntriesRequest {
        reviewed_too,
        ..ListHeldEntriesRequest::default()
    };
    let answer = igo.ledger.clone().list_held_entries(request).await;
    answer.unwrap().into_inner().held
}

async fn review(igo: &Client, number: u64, outcome: ReviewOutcome) -> Result<u64, Status> {
    review_for(igo, (number, None), outcome).await
}

async fn review_for(
    igo: &Client,
    (number, asked_in): (u64, Option<u64>),
    outcome: ReviewOutcome,
) -> Result<u64, Status> {
    let request = ReviewHeldEntryRequest {
        number,
        outcome: outcome.into(),
        reason: "the enquiry is closed".to_owned(),
        asked_in,
    };
    let reviewed = igo.ledger.clone().review_held_entry(request).await?;
    Ok(reviewed.into_inner().ledger_entry)
}

/// Alex was asked about for four purposes: told at once, told after three days, and (twice) after a review.
async fn asked_about() -> (Hub, [u64; 4]) {
    let hub = given().await;
    // Sooner than the certificates of the test run out.
    hub.place
        .edit("policies/catalogue/purposes.toml", "after_days = 30", "after_days = 3");
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let officer = hub.as_cast("officer-42");
    let told = officer
        .ask(question_person(alex(), HOMELESSNESS).case("C-1"))
        .await
        .unwrap();
    let constable = hub.as_cast("officer-17");
    let later = question_person(alex(), DISORDER).under("cda-1998-s115").case("C-2");
    let later = constable.ask(later).await.unwrap();
    let lead = hub.as_cast("lead-welfare");
    let safeguarding = || {
        question_person(alex(), SAFEGUARDING)
            .under("care-act-2014-s42")
            .case("C-3")
    };
    let one = lead.ask(safeguarding()).await.unwrap();
    let other = lead.ask(safeguarding()).await.unwrap();
    let entries = [told, later, one, other].map(|answer| answer.ledger_entry);
    (hub, entries)
}

/// The entries that a log tells of, but for the making of earlier logs.
fn numbers(log: &[MakeAccessLogResponse]) -> Vec<u64> {
    let questions = log.iter().filter(|line| !line.purpose.is_empty());
    questions.map(|line| line.number).collect()
}

#[tokio::test]
async fn a_log_tells_who_and_why_in_words_and_names_no_member_of_staff() {
    let (hub, [told, ..]) = asked_about().await;
    let log = log_of(&hub.as_cast("igo-1"), alex()).await.unwrap();
    assert_eq!(numbers(&log), [told]);
    let line = &log[0];
    assert_eq!(
        (line.agency.as_str(), line.roles.as_slice()),
        ("Made-up housing", &["housing-officer".to_owned()][..])
    );
    assert_eq!(
        (line.purpose.as_str(), line.law.as_str()),
        ("Prevention of homelessness", "")
    );
    assert!(
        line.what.starts_with("They asked about you, and were shown: "),
        "{}",
        line.what
    );
    assert!(!format!("{line:?}").contains("officer-42"), "{line:?}");
    let entry = last(&hub).await;
    assert_eq!(
        (entry.action.as_str(), entry.practitioner.as_str()),
        ("access-log", "igo-1")
    );
}

#[tokio::test]
async fn of_a_question_about_an_address_a_log_tells_nothing_that_may_be_another_persons() {
    let (hub, _) = asked_about().await;
    let officer = hub.as_cast("officer-42");
    let at_home = question_address("999000000102", HOMELESSNESS);
    let passing = officer.ask(at_home).await.unwrap();
    assert!(!passing.signals.is_empty());
    let log = log_of(&hub.as_cast("igo-1"), billie()).await.unwrap();
    assert_eq!(numbers(&log), [passing.ledger_entry]);
    assert_eq!(
        log[0].what,
        "They asked about an address or an area, and were shown something about you."
    );
}

#[tokio::test]
async fn what_is_held_leaves_no_trace_in_the_log_and_stands_on_the_list_for_review() {
    let (hub, [told, later, one, other]) = asked_about().await;
    let igo = hub.as_cast("igo-1");
    assert!(held(&igo, true).await.is_empty(), "nobody has asked for a log yet");
    let log = log_of(&igo, alex()).await.unwrap();
    assert_eq!(numbers(&log), [told]);
    let list = held(&igo, false).await;
    let listed: Vec<_> = list.iter().map(|held| held.entry.as_ref().unwrap().number).collect();
    assert_eq!(listed, [later, one, other]);
    assert_eq!(list[0].why, "for 3 days, by its purpose or a kind");
    assert_eq!(list[1].why, "until it is reviewed, by its purpose or a kind");
    assert_eq!(list[0].asked_at, Some(timestamp(hub.place.clock.now())));

    // Another log changes nothing of when it was first asked for.
    hub.place.clock.advance(SignedDuration::from_hours(1));
    log_of(&igo, alex()).await.unwrap();
    assert_eq!(held(&igo, false).await, list);
}

#[tokio::test]
async fn time_and_a_review_open_what_is_held_and_a_kept_entry_stays_out() {
    let (hub, [told, later, one, other]) = asked_about().await;
    let igo = hub.as_cast("igo-1");
    let unheld = refused(review(&igo, told, ReviewOutcome::Released).await);
    assert_eq!(
        (unheld.code, unheld.reason.as_str()),
        (Code::FailedPrecondition, "NOT_HELD")
    );
    log_of(&igo, alex()).await.unwrap();
    let released = review(&igo, one, ReviewOutcome::Released).await.unwrap();
    let entry = last(&hub).await;
    let touched = entry.touched.unwrap();
    assert_eq!(
        (entry.action.as_str(), touched.entry, touched.outcome.as_str()),
        ("review-held", Some(one), "released")
    );
    assert_eq!(touched.reason, "the enquiry is closed");
    review(&igo, other, ReviewOutcome::Kept).await.unwrap();
    assert_eq!(numbers(&log_of(&igo, alex()).await.unwrap()), [one, told]);
    let pending: Vec<_> = held(&igo, false)
        .await
        .into_iter()
        .map(|held| held.entry.unwrap().number)
        .collect();
    assert_eq!(pending, [later]);
    let all = held(&igo, true).await;
    let outcomes: Vec<_> = all.iter().map(HeldEntry::outcome).collect();
    assert_eq!(
        outcomes,
        [ReviewOutcome::Unspecified, ReviewOutcome::Released, ReviewOutcome::Kept]
    );
    assert_eq!(all[1].reviewed_in, Some(released));

    hub.place.clock.advance(SignedDuration::from_hours(24 * 3));
    let log = log_of(&hub.as_cast("igo-1"), alex()).await.unwrap();
    assert_eq!(numbers(&log), [one, later, told]);
}

#[tokio::test]
async fn after_a_join_was_taken_back_neither_learns_what_concerned_the_other() {
    let hub = given().await;
    let (health, officer, igo) = (hub.adapter("health"), hub.as_cast("officer-42"), hub.as_cast("igo-1"));
    let emerys = discharge(known_as("H1", emery()), hub.days_ago(3));
    health.push(emerys).await.unwrap();
    let before = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    health.join(("m1", 1), alex(), only("H1")).await.unwrap();
    let joined = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();
    let log = log_of(&igo, emery()).await.unwrap();
    let told = [joined.ledger_entry, before.ledger_entry];
    assert_eq!(numbers(&log), told, "while they are one, it is told to the one");
    health.separate("m1", 2).await.unwrap();
    let after = officer.ask(question_person(alex(), HOMELESSNESS)).await.unwrap();

    assert_eq!(numbers(&log_of(&igo, emery()).await.unwrap()), [0; 0]);
    let alexs = log_of(&igo, alex()).await.unwrap();
    assert_eq!(numbers(&alexs), [after.ledger_entry, before.ledger_entry]);
    // The log that was made while they were one is held too: it was made for one of them.
    let mut list = held(&igo, false).await;
    list.retain(|held| !held.entry.as_ref().unwrap().purpose.is_empty());
    let listed: Vec<_> = list.iter().map(|held| held.entry.as_ref().unwrap().number).collect();
    assert_eq!(listed, [joined.ledger_entry; 2], "once for each");
    assert!(list[0].why.contains("somebody else"), "{}", list[0].why);

    // A verdict counts for the person whose log it was.
    let unclear = refused(review(&igo, joined.ledger_entry, ReviewOutcome::Released).await);
    assert_eq!(unclear.reason, "HELD_FOR_SEVERAL");
    let first = list.iter().map(|held| held.asked_in).min();
    let verdict = review_for(&igo, (joined.ledger_entry, first), ReviewOutcome::Released).await;
    let entry = last(&hub).await;
    assert!(verdict.is_ok() && Some(entry.sought) == first.map(|first| first.to_string()));
    let emerys = log_of(&igo, emery()).await.unwrap();
    assert_eq!(numbers(&emerys), [joined.ledger_entry]);
    let line = emerys.iter().find(|line| !line.purpose.is_empty()).unwrap();
    assert!(!line.what.contains("shown"), "{}", line.what);
    assert_eq!(
        numbers(&log_of(&igo, alex()).await.unwrap()),
        [after.ledger_entry, before.ledger_entry]
    );
}

#[tokio::test]
async fn only_an_officer_makes_a_log_or_reviews_and_a_window_limits_the_log() {
    let (hub, [_, later, ..]) = asked_about().await;
    for subject in ["officer-17", "officer-42", "lead-welfare"] {
        let caller = hub.as_cast(subject);
        assert_eq!(refused(log_of(&caller, alex()).await).reason, "NOT_PERMITTED");
        assert_eq!(
            refused(review(&caller, later, ReviewOutcome::Released).await).reason,
            "NOT_PERMITTED"
        );
        let request = ListHeldEntriesRequest::default();
        let listed = caller.ledger.clone().list_held_entries(request).await;
        assert_eq!(refused(listed).reason, "NOT_PERMITTED");
    }
    let igo = hub.as_cast("igo-1");
    let request = MakeAccessLogRequest {
        person: Some(alex()),
        period: Some(Period {
            since: Some(timestamp(hub.place.clock.now() + SignedDuration::from_mins(1))),
            until: None,
        }),
        ..MakeAccessLogRequest::default()
    };
    let mut lines = igo.ledger.clone().make_access_log(request).await.unwrap().into_inner();
    assert_eq!(lines.message().await.unwrap(), None);
    let bad = ReviewHeldEntryRequest {
        number: later,
        ..ReviewHeldEntryRequest::default()
    };
    let refusal = refused(igo.ledger.clone().review_held_entry(bad).await);
    assert_eq!(refusal.fields, ["outcome", "reason"]);
}
