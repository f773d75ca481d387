//! Bad input about the fact itself.

use jiff::ToSpan as _;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{AttributeValue, SignalDraft, attribute_value::Value};

use super::Wall;
use crate::harness::{Adjust as _, integer, text};

#[tokio::test]
async fn a_kind_that_the_catalogue_has_not_is_refused() {
    let wall = Wall::new().await;
    for wrong in [
        "housing.rent-arears",
        "",
        "Alex Sample",
        "housing",
        "HOUSING.RENT-ARREARS",
    ] {
        let change = |draft: &mut SignalDraft| draft.kind = wrong.to_owned();
        wall.refuses_push(change, &["signal.kind"], wrong).await;
    }
}

#[tokio::test]
async fn an_attribute_of_the_wrong_type_is_refused() {
    let wall = Wall::new().await;
    let boolean = AttributeValue {
        value: Some(Value::BooleanValue(true)),
    };
    for wrong in [text("Alex owes eight"), boolean, AttributeValue::default()] {
        let change = |draft: &mut SignalDraft| {
            draft.attributes.insert("weeks".to_owned(), wrong);
        };
        wall.refuses_push(change, &["signal.attributes.weeks"], "Alex").await;
    }
}

#[tokio::test]
async fn a_date_attribute_is_a_day_of_the_calendar() {
    let wall = Wall::new().await;
    for wrong in ["2026-02-30", "20261114", "14/11/2026", "2026-11-14T10:00:00Z"] {
        let change = |draft: &mut SignalDraft| {
            let value = Some(Value::DateValue(wrong.to_owned()));
            draft.kind = "housing.eviction".to_owned();
            draft.attributes = [("evicted_on".to_owned(), AttributeValue { value })].into();
        };
        wall.refuses_push(change, &["signal.attributes.evicted_on"], wrong)
            .await;
    }
}

#[tokio::test]
async fn an_attribute_that_the_kind_has_not_is_refused_and_its_name_never_repeated() {
    let wall = Wall::new().await;
    let change = |draft: &mut SignalDraft| {
        draft.attributes.insert("alex_sample".to_owned(), integer(1));
    };
    wall.refuses_push(change, &["signal.attributes"], "alex_sample").await;
}

#[tokio::test]
async fn a_text_attribute_that_is_too_long_is_refused() {
    let wall = Wall::new().await;
    let long = "Alex".repeat(51);
    let change = |draft: &mut SignalDraft| {
        draft.kind = "housing.asb-case".to_owned();
        draft.attributes = [("case_type".to_owned(), text(&long))].into();
    };
    wall.refuses_push(change, &["signal.attributes.case_type"], "Alex")
        .await;
}

#[tokio::test]
async fn a_time_more_than_five_minutes_ahead_is_refused_and_one_of_five_minutes_is_not() {
    let wall = Wall::new().await;
    let now = wall.hub.place.clock.now();
    for ahead in [5.minutes().milliseconds(1), 6.minutes(), (24 * 365).hours()] {
        let change = |draft: &mut SignalDraft| draft.occurred_at = Some(timestamp(now + ahead));
        wall.refuses_push(change, &["signal.occurred_at"], "").await;
    }
    let mut draft = wall.draft();
    draft.occurred_at = Some(timestamp(now + 5.minutes()));
    wall.adapter.push(draft).await.unwrap();
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let wall = Wall::new().await;
    let now = timestamp(wall.hub.place.clock.now());
    let broken = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let (ever, nanos) = (i64::MAX, 2_000_000_000);
    for wrong in [
        None,
        broken(ever, 0),
        broken(now.seconds, nanos),
        broken(-5_000_000_000, 0),
    ] {
        let change = |draft: &mut SignalDraft| draft.occurred_at = wrong;
        wall.refuses_push(change, &["signal.occurred_at"], "").await;
    }
    let change = |draft: &mut SignalDraft| draft.lapses_at = broken(ever, 0);
    wall.refuses_push(change, &["signal.lapses_at"], "").await;
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_and_one_of_the_full_length_is_not() {
    let wall = Wall::new().await;
    let long = |length: usize| "é".repeat(length);
    let change = |draft: &mut SignalDraft| draft.summary = long(281);
    wall.refuses_push(change, &["signal.summary"], "é").await;
    let change = |draft: &mut SignalDraft| draft.pointer = long(501);
    wall.refuses_push(change, &["signal.pointer"], "é").await;
    let change = |draft: &mut SignalDraft| draft.source_system = long(65);
    wall.refuses_push(change, &["signal.source_system"], "é").await;
    let change = |draft: &mut SignalDraft| draft.source_id = long(129);
    wall.refuses_push(change, &["signal.source_id"], "é").await;
    let mut full = wall.draft().summary(&long(280)).id(&long(128));
    full.pointer = long(500);
    full.source_system = long(64);
    wall.adapter.push(full).await.unwrap();
}

#[tokio::test]
async fn a_summary_is_one_line() {
    let wall = Wall::new().await;
    for wrong in ["Alex\nowes", "Alex\rowes", "Alex\u{0}owes", "Alex\u{85}owes"] {
        let change = |draft: &mut SignalDraft| draft.summary = wrong.to_owned();
        wall.refuses_push(change, &["signal.summary"], "Alex").await;
    }
}

#[tokio::test]
async fn a_source_has_a_system_an_id_and_a_version() {
    let wall = Wall::new().await;
    let change = |draft: &mut SignalDraft| {
        draft.source_system = " ".to_owned();
        draft.source_id.clear();
        draft.version = 0;
    };
    let fields = ["signal.source_system", "signal.source_id", "signal.version"];
    wall.refuses_push(change, &fields, "").await;
    let change = |draft: &mut SignalDraft| draft.version = u64::MAX;
    wall.refuses_push(change, &["signal.version"], "").await;
}

#[tokio::test]
async fn a_severity_is_one_of_four() {
    let wall = Wall::new().await;
    for wrong in [0, 5, -1, 77] {
        let change = |draft: &mut SignalDraft| draft.severity = wrong;
        wall.refuses_push(change, &["signal.severity"], "").await;
    }
}

#[tokio::test]
async fn a_sensitivity_that_the_hub_does_not_know_is_never_taken_for_a_lower_one() {
    let wall = Wall::new().await;
    for wrong in [4, -1, 77] {
        let change = |draft: &mut SignalDraft| draft.sensitivity = wrong;
        wall.refuses_push(change, &["signal.sensitivity"], "").await;
    }
}

#[tokio::test]
async fn all_bad_fields_are_named_at_once() {
    let wall = Wall::new().await;
    let change = |draft: &mut SignalDraft| {
        draft.kind = "housing.unheard-of".to_owned();
        draft.uprn = "nowhere".to_owned();
        draft.person.as_mut().unwrap().nhs_number = "9990001007".to_owned();
        draft.summary = "x".repeat(281);
        draft.severity = 0;
    };
    let fields = [
        "signal.kind",
        "signal.uprn",
        "signal.person.nhs_number",
        "signal.severity",
        "signal.summary",
    ];
    wall.refuses_push(change, &fields, "9990001007").await;
}

#[tokio::test]
async fn a_push_without_a_signal_is_refused() {
    let wall = Wall::new().await;
    let nothing = SignalDraft::default();
    let fields = [
        "signal.kind",
        "signal.source_system",
        "signal.source_id",
        "signal.version",
        "signal",
        "signal.occurred_at",
        "signal.severity",
    ];
    wall.refuses(wall.adapter.push(nothing), &fields, "").await;
}
