//! The demo, which is the first thing that a newcomer runs: it ends well, and its numbers agree with each other.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::placehub;

#[tokio::test]
async fn the_demo_ends_well_and_its_last_line_is_its_own_measurements() {
    let ran = placehub(["demo", "--json"]).await.ended(0);
    let (story, last) = ran.out.trim_end().rsplit_once('\n').unwrap();
    assert!(
        !story.contains("NOT SO") && story.matches("   ok: ").count() > 15,
        "{story}"
    );
    assert!(story.ends_with("Everything was as told."), "{story}");
    let summary: Value = serde_json::from_str(last).unwrap();
    assert_eq!((&summary["schema"], &summary["ok"]), (&1.into(), &true.into()));

    let measured = &summary["measured"];
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value} of {measured}"));
    let pushed = measured["pushed"].as_object().unwrap();
    let agencies: BTreeSet<&str> = pushed.keys().map(String::as_str).collect();
    assert_eq!(agencies, BTreeSet::from(["health", "housing", "police", "welfare"]));
    assert!(pushed.values().all(|count| number(count) > 0));
    assert_eq!(
        number(&measured["pushed_total"]),
        pushed.values().map(number).sum::<u64>()
    );
    assert_eq!(number(&measured["failures"]), 0);
    assert_eq!(measured["refused"]["reason"], "NOT_PERMITTED");
    let levels = |question: &str| ["existence", "headline", "detail"].map(|level| number(&measured[question][level]));
    assert_eq!(levels("housing_about_refuser"), [0, 0, 0]);
    assert_eq!(levels("housing_after_withdrawal"), [0, 0, 0]);
    assert!(levels("housing_about_person").iter().sum::<u64>() > 0);
    assert_eq!(number(&measured["watch"]["after_withdrawal"]), 0);
    // Each push, each question and each look at the ledger has an entry of its own.
    let entries = number(&measured["ledger"]["entries"]);
    assert!(entries > number(&measured["pushed_total"]) + number(&measured["who_saw_entries"]));
    let took = |value: &Value| value.as_f64().unwrap();
    let parts = took(&measured["start_ms"]) + took(&measured["push_ms"]) + took(&measured["ledger"]["ms"]);
    assert!(0.0 < parts && parts < took(&measured["duration_ms"]) && took(&measured["duration_ms"]) < 60_000.0);
}
