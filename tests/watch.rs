//! Open watches: what there is, then each change, and nothing that may not be seen; and how a watch ends.

use std::sync::Arc;

use jiff::SignedDuration;
use placehub_hub::store::{Fault, Memory};
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, ListEntriesRequest, PersonIdentity, PushOutcome, Question,
    SignalDraft, watch_signals_response::Event,
};
use tokio::time::timeout;
use tonic::Code;

use crate::harness::{
    Adjust, Client, Hub, Narrow, PATIENCE, Place, Screen, Told, Watcher, alex, arrears, asb_at, billie, casey, cast,
    discharge, grant, question_address, question_area, question_person, signal,
};

use ConsentStance::{Given, Withdrawn};

const PURPOSE: &str = "homelessness-prevention";

fn about(who: PersonIdentity) -> Question {
    question_person(who, PURPOSE)
}

/// A hub, its housing adapter, and a welfare adviser who has Alex's consent.
async fn ready() -> (Hub, Client, Client) {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    adviser.says(alex(), Given).await.unwrap();
    (hub, housing, adviser)
}

async fn push(adapter: &Client, draft: SignalDraft) -> String {
    adapter.push(draft).await.unwrap().signal_id
}

/// The screen of a reader who asks instead.
async fn asked(client: &Client, question: Question) -> Screen {
    Screen::of(&client.ask(question).await.unwrap())
}

#[tokio::test]
async fn what_there_is_comes_first_newest_first_and_then_each_change() {
    let (hub, housing, adviser) = ready().await;
    let old = push(&housing, arrears(alex(), hub.days_ago(9))).await;
    let new = push(&housing, arrears(alex(), hub.days_ago(2))).await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    assert_eq!(
        watch.events(2).await,
        [Told::Shown(new, 1), Told::Shown(old.clone(), 1)]
    );
    let live = push(&housing, arrears(alex(), hub.days_ago(5))).await;
    assert_eq!(watch.event().await, Told::Shown(live.clone(), 1));
    let corrected = arrears(alex(), hub.days_ago(5)).id("five").version(1);
    let five = push(&housing, corrected.clone()).await;
    assert_eq!(watch.event().await, Told::Shown(five.clone(), 1));
    push(&housing, corrected.version(7).summary("put right")).await;
    assert_eq!(watch.event().await, Told::Shown(five.clone(), 7));
    let Some(Event::Shown(shown)) = &watch.last.event else {
        panic!("{:?}", watch.last);
    };
    assert_eq!(shown.detail.as_ref().unwrap().summary, "put right");
    housing.retract("five", 8).await.unwrap();
    assert_eq!(watch.event().await, Told::Hidden(five));
    assert_eq!(watch.screen, asked(&adviser, about(alex())).await);
    hub.stop().await;
}

#[tokio::test]
async fn a_withdrawal_takes_off_what_it_covers_and_nothing_else() {
    let (hub, housing, adviser) = ready().await;
    let notice = signal("housing.notice-seeking-possession", alex(), hub.days_ago(4));
    let kept = push(&housing, notice).await;
    let gone = push(&housing, arrears(alex(), hub.days_ago(3))).await;
    let others = push(&housing, arrears(billie(), hub.days_ago(3)).at("999000000101")).await;
    adviser.says(billie(), Given).await.unwrap();
    let home = question_address("999000000101", PURPOSE);
    let mut watch = Watcher::open(&adviser, &home).await;
    watch.events(3).await;
    let withdrawal = ConsentStatement {
        person: Some(alex()),
        stance: Withdrawn.into(),
        kinds: vec!["housing.rent-arrears".to_owned()],
        method: ConsentMethod::Spoken.into(),
        ..ConsentStatement::default()
    };
    adviser.record(withdrawal).await.unwrap();
    assert_eq!(watch.event().await, Told::Hidden(gone));
    watch.quiet().await;
    let left: Vec<_> = watch.screen.0.keys().cloned().collect();
    let mut expected = vec![kept, others];
    expected.sort();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn nothing_comes_after_a_withdrawal_however_much_is_pushed() {
    let (hub, housing, adviser) = ready().await;
    let first = push(&housing, arrears(alex(), hub.days_ago(3)).id("first")).await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    assert_eq!(watch.event().await, Told::Shown(first.clone(), 1));
    adviser.says(alex(), Withdrawn).await.unwrap();
    for _ in 0..5 {
        push(&housing, arrears(alex(), hub.days_ago(1))).await;
    }
    let correction = arrears(alex(), hub.days_ago(3)).id("first").version(2);
    push(&housing, correction.summary("again")).await;
    housing.retract("first", 3).await.unwrap();
    assert_eq!(watch.event().await, Told::Hidden(first));
    watch.quiet().await;
    assert_eq!(watch.screen, Screen::default());
}

#[tokio::test]
async fn what_was_never_shown_is_never_taken_off() {
    let (hub, housing, adviser) = ready().await;
    let health = hub.adapter("health");
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    health
        .push(signal("health.emergency-attendance", alex(), hub.days_ago(3)).id("hidden"))
        .await
        .unwrap();
    push(&housing, arrears(billie(), hub.days_ago(3)).id("of-billie")).await;
    health.retract("hidden", 2).await.unwrap();
    housing.retract("of-billie", 2).await.unwrap();
    adviser.says(billie(), Withdrawn).await.unwrap();
    let marker = push(&housing, arrears(alex(), hub.days_ago(2))).await;
    assert_eq!(watch.event().await, Told::Shown(marker, 1));
}

#[tokio::test]
async fn a_signal_that_is_corrected_to_be_about_somebody_else_leaves_the_screen() {
    let (hub, housing, adviser) = ready().await;
    let draft = arrears(alex(), hub.days_ago(3)).id("mistaken");
    let mistaken = push(&housing, draft).await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    assert_eq!(watch.event().await, Told::Shown(mistaken.clone(), 1));
    let corrected = arrears(billie(), hub.days_ago(3)).id("mistaken").version(2);
    let pushed = housing.push(corrected).await.unwrap();
    assert_eq!(pushed.outcome(), PushOutcome::Corrected);
    assert_eq!(watch.event().await, Told::Hidden(mistaken));
}

#[tokio::test]
async fn an_agency_has_one_line_at_existence_level_until_its_last_signal_goes() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    let own = hub.adapter("welfare");
    for id in ["a", "b"] {
        push(&housing, arrears(casey(), hub.days_ago(3)).id(id)).await;
    }
    let mut watch = Watcher::open(&adviser, &about(casey())).await;
    let line = Told::Shown("housing".to_owned(), 0);
    assert_eq!(watch.event().await, line);
    push(&housing, arrears(casey(), hub.days_ago(2)).id("c")).await;
    push(
        &housing,
        arrears(casey(), hub.days_ago(3)).id("a").version(2).summary("x"),
    )
    .await;
    for (id, version) in [("a", 3), ("c", 2)] {
        housing.retract(id, version).await.unwrap();
    }
    push(
        &housing,
        arrears(casey(), hub.days_ago(3)).id("b").version(2).summary("x"),
    )
    .await;
    let marker = push(&own, grant(casey(), hub.days_ago(1))).await;
    assert_eq!(
        watch.event().await,
        Told::Shown(marker, 1),
        "no line of housing came or went"
    );
    housing.retract("b", 3).await.unwrap();
    assert_eq!(watch.event().await, Told::Hidden("housing".to_owned()));
    let Some(Event::Hidden(tombstone)) = &watch.last.event else {
        panic!("{:?}", watch.last);
    };
    assert_eq!(tombstone.signal_id, "");
    push(&housing, arrears(casey(), hub.days_ago(1))).await;
    assert_eq!(watch.event().await, line, "known again, shown again");
}

#[tokio::test]
async fn a_line_at_existence_level_goes_when_consent_opens_what_is_behind_it() {
    let hub = Hub::fresh().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    let behind = push(&housing, arrears(casey(), hub.days_ago(3))).await;
    let mut watch = Watcher::open(&adviser, &about(casey())).await;
    assert_eq!(watch.event().await, Told::Shown("housing".to_owned(), 0));
    adviser.says(casey(), Given).await.unwrap();
    watch.until(&behind).await;
    assert_eq!(watch.screen, asked(&adviser, about(casey())).await);
    adviser.says(casey(), Withdrawn).await.unwrap();
    assert_eq!(watch.event().await, Told::Hidden(behind));
    watch.quiet().await;
    assert_eq!(watch.screen, Screen::default());
}

#[tokio::test]
async fn each_delivery_has_an_entry_of_the_ledger_that_says_what_was_shown() {
    let (hub, housing, adviser) = ready().await;
    let shown = push(&housing, arrears(alex(), hub.days_ago(3))).await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    watch.event().await;
    let first = watch.last.ledger_entry;
    adviser.says(alex(), Withdrawn).await.unwrap();
    watch.event().await;
    let second = watch.last.ledger_entry;
    watch.quiet().await;
    let request = ListEntriesRequest::default();
    let igo = hub.as_cast("igo-1");
    let entries = igo
        .ledger
        .clone()
        .list_entries(request)
        .await
        .unwrap()
        .into_inner()
        .entries;
    let told: Vec<_> = entries
        .iter()
        .filter(|entry| entry.action == "watch")
        .map(|entry| {
            (
                entry.number,
                entry.practitioner.as_str(),
                entry.shown.len(),
                entry.allowed,
            )
        })
        .collect();
    assert_eq!(told, [(second, "adviser-8", 0, true), (first, "adviser-8", 1, true)]);
    let entry = entries.iter().find(|entry| entry.number == first).unwrap();
    assert_eq!(entry.shown[0].signal_id, shown);
}

#[tokio::test]
async fn an_area_is_watched_like_a_person() {
    let hub = Hub::fresh().await;
    let (police, officer) = (hub.adapter("police"), hub.as_cast("officer-42"));
    let question = question_area("central", "asb-prevention", hub.days_ago(7)).under("cda-1998-s115");
    push(&police, asb_at("999000000101", hub.days_ago(8))).await;
    let mut watch = Watcher::open(&officer, &question).await;
    push(&police, asb_at("999000000109", hub.days_ago(1))).await;
    let inside = push(&police, asb_at("999000000101", hub.days_ago(1)).id("moves")).await;
    assert_eq!(watch.event().await, Told::Shown(inside.clone(), 1));
    let moved = asb_at("999000000109", hub.days_ago(1)).id("moves").version(2);
    push(&police, moved).await;
    assert_eq!(watch.event().await, Told::Hidden(inside));
}

#[tokio::test]
async fn heartbeats_come_even_while_others_are_busy() {
    let (hub, housing, adviser) = ready().await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    let at = hub.days_ago(1);
    let busy = tokio::spawn(async move {
        loop {
            housing.push(arrears(billie(), at)).await.unwrap();
        }
    });
    let beat = timeout(PATIENCE, watch.next()).await;
    busy.abort();
    assert_eq!(beat.expect("no heartbeat").unwrap(), None);
}

#[tokio::test]
async fn a_watch_ends_with_the_token_that_opened_it() {
    let (hub, housing, _) = ready().await;
    let token = hub.place.token(&cast("adviser-8"));
    let adviser = hub.with_token("welfare", "desk", &token);
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    watch.quiet().await;
    hub.place.clock.advance(SignedDuration::from_mins(11));
    push(&housing, arrears(alex(), hub.days_ago(1))).await;
    let end = watch.end().await;
    assert_eq!(
        (end.code, end.reason.as_str()),
        (Code::Unauthenticated, "TOKEN_EXPIRED")
    );
}

#[tokio::test]
async fn a_watch_ends_when_its_certificate_is_revoked() {
    let (hub, housing, adviser) = ready().await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    watch.quiet().await;
    let identity = hub.place.identity("welfare", "desk");
    hub.place.pki.revoke(&identity.serial, hub.place.clock.now()).unwrap();
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    push(&housing, arrears(alex(), hub.days_ago(1))).await;
    let end = watch.end().await;
    assert_eq!(
        (end.code, end.reason.as_str()),
        (Code::Unauthenticated, "CERTIFICATE_REVOKED")
    );
}

#[tokio::test]
async fn a_watch_ends_when_the_hub_stops_and_the_hub_does_not_wait_for_it() {
    let place = Place::new();
    place.edit("placehub.toml", "drain_seconds = 5", "drain_seconds = 300");
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    let adviser = hub.as_cast("adviser-8");
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    let mut idle = Watcher::open(&hub.as_cast("officer-42"), &about(billie())).await;
    watch.quiet().await;
    hub.tell_to_stop();
    for watch in [&mut watch, &mut idle] {
        let end = watch.end().await;
        assert_eq!((end.code, end.reason.as_str()), (Code::Unavailable, "HUB_STOPPING"));
        assert!(end.retry.is_some());
    }
    let stopped = timeout(PATIENCE, hub.stop()).await;
    stopped.expect("the hub used up its limit though nobody was left");
}

#[tokio::test]
async fn a_hub_that_can_record_nothing_more_ends_its_watches() {
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    let hub = Hub::start(&place, store.clone()).await;
    let mut watch = Watcher::open(&hub.as_cast("adviser-8"), &about(alex())).await;
    watch.quiet().await;
    store.fail(Fault::Commit { skip: 0 });
    let pushed = hub.adapter("housing").push(arrears(alex(), hub.days_ago(1))).await;
    assert_eq!(pushed.unwrap_err().code(), Code::Unavailable);
    let end = watch.end().await;
    assert_eq!((end.code, end.reason.as_str()), (Code::Unavailable, "HUB_CLOSED"));
}

#[tokio::test]
async fn a_discharge_is_told_at_the_headline_and_changes_level_with_the_question() {
    let (hub, _, adviser) = ready().await;
    let told = push(&hub.adapter("health"), discharge(alex(), hub.days_ago(2))).await;
    let mut watch = Watcher::open(&adviser, &about(alex())).await;
    assert_eq!(watch.event().await, Told::Shown(told.clone(), 0));
    let mut other = Watcher::open(&adviser, &question_person(alex(), "hospital-discharge")).await;
    assert_eq!(other.event().await, Told::Shown(told, 1));
}
