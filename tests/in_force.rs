//! Policies, and time, that change under open questions: what is in force at the moment decides, whatever was decided before.

use std::{collections::BTreeSet, fs};

use jiff::{SignedDuration, ToSpan as _, tz::TimeZone};
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, DisclosureLevel, GetPolicySetRequest, GetPolicySetResponse,
    Question, Signal,
};
use tonic::Code;

use crate::harness::{Adjust, Client, Hub, Screen, Told, Watcher, alex, arrears, question_person, refused};

/// The agreement on which the questions here rest.
const AGREEMENT: &str = "policies/agreements/homelessness-prevention";

fn about_alex() -> Question {
    question_person(alex(), "homelessness-prevention")
}

async fn asked(client: &Client) -> Vec<Signal> {
    client.ask(about_alex()).await.unwrap().signals
}

/// A hub that knows of three arrears of Alex, who gave consent; and the adviser of welfare.
async fn three_arrears() -> (Hub, Client) {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    for day in 1..=3 {
        let draft = arrears(alex(), hub.days_ago(day)).id(&format!("day-{day}"));
        hub.adapter("housing").push(draft).await.unwrap();
    }
    (hub, adviser)
}

async fn policy_set(client: &Client) -> GetPolicySetResponse {
    let set = client.policies.clone().get_policy_set(GetPolicySetRequest {}).await;
    set.unwrap().into_inner()
}

#[tokio::test]
async fn a_reload_takes_effect_at_the_next_question_and_ends_page_tokens() {
    let (hub, adviser) = three_arrears().await;
    let before = policy_set(&adviser).await;
    for _ in 0..3 {
        assert_eq!(asked(&adviser).await[0].level(), DisclosureLevel::Detail);
    }
    let token = adviser.ask_page(about_alex(), 1, "").await.unwrap().next_page_token;
    let rule = "@id(\"homelessness-prevention-see-hardship\")";
    let forbid = format!(
        "@id(\"homelessness-prevention-none\")\n@agreement(\"homelessness-prevention\")\n@reason(\"None.\")\n\
         forbid (principal, action == Placehub::Action::\"detail\", resource);\n\n{rule}"
    );
    hub.place.edit(&format!("{AGREEMENT}.cedar"), rule, &forbid);
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let after = policy_set(&adviser).await;
    assert_ne!(after.digest, before.digest);
    assert_eq!(asked(&adviser).await[0].level(), DisclosureLevel::Headline);
    let stale = refused(adviser.ask_page(about_alex(), 1, &token).await);
    assert_eq!(stale.reason, "PAGE_TOKEN_INVALID");
    hub.place.edit(&format!("{AGREEMENT}.cedar"), &forbid, rule);
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    assert_eq!(policy_set(&adviser).await.digest, before.digest);
    assert_eq!(asked(&adviser).await[0].level(), DisclosureLevel::Detail);
    assert_eq!(
        adviser.ask_page(about_alex(), 1, &token).await.unwrap().signals.len(),
        1
    );
}

#[tokio::test]
async fn policies_that_cannot_be_used_leave_those_in_force_before() {
    let (hub, adviser) = three_arrears().await;
    let before = policy_set(&adviser).await;
    let breaks = [
        (
            "policies/agreements/homelessness-prevention.cedar",
            "permit (",
            "permit (((",
        ),
        (
            "policies/agreements/homelessness-prevention.cedar",
            "context.consent",
            "context.consents",
        ),
        (
            "policies/agreements/homelessness-prevention.toml",
            "review_date",
            "reviewed",
        ),
        ("policies/base.cedar", "forbid (", "permit ("),
        ("policies/operation.cedar", "Action::\"push\"", "Action::\"detail\""),
        (
            "policies/catalogue/kinds.toml",
            "retention_days = 180",
            "retention_days = \"long\"",
        ),
        ("policies/placehub.cedarschema", "entity", "entities"),
    ];
    for (file, old, new) in breaks {
        let path = hub.place.folder().join(file);
        let right = fs::read(&path).unwrap();
        hub.place.edit(file, old, new);
        assert!(
            !hub.reloader.reload("signal").await.failed.is_empty(),
            "{file} with {new}"
        );
        let set = policy_set(&adviser).await;
        assert!(set.refused.is_some(), "{file} with {new}");
        assert_eq!(
            GetPolicySetResponse { refused: None, ..set },
            before,
            "{file} with {new}"
        );
        assert_eq!(asked(&adviser).await.len(), 3, "{file} with {new}");
        fs::write(&path, right).unwrap();
    }
    fs::remove_file(hub.place.folder().join("policies/base.cedar")).unwrap();
    assert!(!hub.reloader.reload("signal").await.failed.is_empty());
    let set = policy_set(&hub.as_cast("igo-1")).await;
    assert!(set.refused.unwrap().fault.contains("base.cedar"));
    assert_eq!(set.digest, before.digest);
}

#[tokio::test]
async fn an_agreement_permits_nothing_after_its_last_day() {
    let (hub, adviser) = three_arrears().await;
    let london = TimeZone::get("Europe/London").unwrap();
    let last = (hub.place.clock.now() + (24 * 10).hours())
        .to_zoned(london.clone())
        .date();
    let file = format!("{AGREEMENT}.toml");
    let text = fs::read_to_string(hub.place.folder().join(&file)).unwrap();
    let review = text.lines().find(|line| line.starts_with("review_date")).unwrap();
    hub.place.edit(&file, review, &format!("review_date = \"{last}\""));
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let end = last.tomorrow().unwrap().to_zoned(london).unwrap().timestamp();
    assert_eq!(asked(&adviser).await.len(), 3);
    let left = end.duration_since(hub.place.clock.now()) - SignedDuration::from_secs(1);
    hub.place.clock.advance(left);
    // Warm in every cache, at the last second.
    for _ in 0..3 {
        assert_eq!(asked(&adviser).await.len(), 3);
    }
    let token = adviser.ask_page(about_alex(), 1, "").await.unwrap().next_page_token;
    let mut watch = adviser.watch(about_alex(), "").await.unwrap();
    assert!(watch.message().await.unwrap().is_some());
    hub.place.clock.advance(SignedDuration::from_secs(1));
    for token in ["", token.as_str()] {
        let refused = refused(adviser.ask_page(about_alex(), 1, token).await);
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::PermissionDenied, "NOT_PERMITTED")
        );
    }
    let set = policy_set(&adviser).await;
    let in_force: Vec<_> = set
        .agreements
        .iter()
        .filter(|one| one.in_force)
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(in_force.len(), set.agreements.len() - 1);
    assert!(!in_force.contains(&"homelessness-prevention"));
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    let ended = loop {
        match watch.message().await {
            Ok(event) => assert!(event.unwrap().cursor.len() > 1),
            Err(status) => break status,
        }
    };
    assert_eq!(
        ended.code(),
        Code::PermissionDenied,
        "the watch goes through the gate again"
    );
}

#[tokio::test]
async fn an_open_watch_follows_the_policies_that_are_in_force() {
    let (hub, adviser) = three_arrears().await;
    let mut watch = Watcher::open(&adviser, &about_alex()).await;
    watch.events(3).await;
    let rule = "when { context.consent == \"given\" };";
    let narrower = "when { context.consent == \"given\" && context.case_reference };";
    hub.place.edit(&format!("{AGREEMENT}.cedar"), rule, narrower);
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let gone: BTreeSet<_> = watch.events(3).await.into_iter().collect();
    assert!(gone.iter().all(|told| matches!(told, Told::Hidden(_))), "{gone:?}");
    assert_eq!(watch.screen, Screen::default());
    hub.place.edit(&format!("{AGREEMENT}.cedar"), narrower, rule);
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    watch.events(3).await;
    assert_eq!(watch.screen, Screen::of(&adviser.ask(about_alex()).await.unwrap()));
}

#[tokio::test]
async fn an_open_watch_takes_off_what_time_takes_away() {
    let hub = Hub::fresh().await;
    let (now, adviser) = (hub.place.clock.now(), hub.as_cast("adviser-8"));
    let passing = ConsentStatement {
        person: Some(alex()),
        stance: ConsentStance::Given.into(),
        method: ConsentMethod::Spoken.into(),
        valid_until: Some(timestamp(now + 8.minutes())),
        ..ConsentStatement::default()
    };
    adviser.record(passing).await.unwrap();
    let mut short = arrears(alex(), hub.days_ago(1)).id("short");
    short.lapses_at = Some(timestamp(now + 4.minutes()));
    let short = hub.adapter("housing").push(short).await.unwrap().signal_id;
    let long = arrears(alex(), hub.days_ago(2)).id("long");
    let long = hub.adapter("housing").push(long).await.unwrap().signal_id;
    let mut watch = Watcher::open(&adviser, &about_alex()).await;
    watch.events(2).await;
    hub.place.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(watch.event().await, Told::Hidden(short), "it has lapsed");
    hub.place.clock.advance(SignedDuration::from_mins(4));
    assert_eq!(watch.event().await, Told::Hidden(long), "no consent covers it any more");
    // What is left without a word on consent is that housing knows them.
    assert_eq!(watch.event().await, Told::Shown("housing".to_owned(), 0));
    assert_eq!(watch.screen, Screen::of(&adviser.ask(about_alex()).await.unwrap()));
}
