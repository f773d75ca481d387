//! What people say about sharing, and how it bites: which statement counts, and that nothing is shown against it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{
    ConsentMethod, ConsentStance, ConsentStatement, DisclosureLevel, ListConsentsRequest, PersonIdentity,
    RecordedConsent, Signal,
};
use tonic::Code;

use crate::harness::{Client, Hub, alex, arrears, billie, contents, discharge, drew, grant, question_person, refused};

const HOMELESSNESS: &str = "homelessness-prevention";
const DISCHARGE: &str = "hospital-discharge";
const ARREARS: &str = "housing.rent-arrears";

use ConsentStance::{Given, Refused, Withdrawn};

/// A statement of Alex about everything, said when the hub hears of it.
fn statement(stance: ConsentStance) -> ConsentStatement {
    ConsentStatement {
        person: Some(alex()),
        stance: stance.into(),
        method: ConsentMethod::Written.into(),
        ..ConsentStatement::default()
    }
}

/// A statement of Alex about everything, said at this time.
fn said(stance: ConsentStance, at: Timestamp) -> ConsentStatement {
    ConsentStatement {
        said_at: Some(timestamp(at)),
        ..statement(stance)
    }
}

/// What an asker sees of a person: kind and level of each signal, newest first.
async fn seen(asker: &Client, who: PersonIdentity, purpose: &str) -> Vec<(String, DisclosureLevel)> {
    let answer = asker.ask(question_person(who, purpose)).await.unwrap();
    let line = |signal: Signal| (signal.kind.clone(), signal.level());
    answer.signals.into_iter().map(line).collect()
}

async fn kinds_seen(asker: &Client, purpose: &str) -> Vec<String> {
    let seen = seen(asker, alex(), purpose).await.into_iter();
    seen.map(|(kind, _)| kind).collect()
}

/// A hub that knows of Alex's arrears, and an adviser of welfare who asks.
async fn arrears_and_adviser() -> (Hub, Client) {
    let hub = Hub::fresh().await;
    let alexs = arrears(alex(), hub.days_ago(3));
    hub.adapter("housing").push(alexs).await.unwrap();
    let adviser = hub.as_cast("adviser-8");
    (hub, adviser)
}

/// How much the adviser sees of Alex's arrears.
async fn level(adviser: &Client) -> Option<DisclosureLevel> {
    let seen = seen(adviser, alex(), HOMELESSNESS).await;
    assert!(seen.len() <= 1, "{seen:?}");
    seen.first().map(|(_, level)| *level)
}

async fn listed(client: &Client, who: PersonIdentity) -> Vec<RecordedConsent> {
    let request = ListConsentsRequest { person: Some(who) };
    let listed = client.consents.clone().list_consents(request).await.unwrap();
    listed.into_inner().consents
}

#[tokio::test]
async fn each_later_statement_changes_the_next_ask() {
    let (_hub, adviser) = arrears_and_adviser().await;
    assert_eq!(level(&adviser).await, Some(DisclosureLevel::Existence));
    for (stance, expected) in [
        (Given, Some(DisclosureLevel::Detail)),
        (Refused, None),
        (Given, Some(DisclosureLevel::Detail)),
        (Withdrawn, None),
        (Given, Some(DisclosureLevel::Detail)),
    ] {
        adviser.record(statement(stance)).await.unwrap();
        assert_eq!(level(&adviser).await, expected, "{stance:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_one_kind_leaves_the_others() {
    let (hub, adviser) = arrears_and_adviser().await;
    let discharged = discharge(alex(), hub.days_ago(2));
    hub.adapter("health").push(discharged).await.unwrap();
    adviser.record(statement(Given)).await.unwrap();
    let kinds = vec![ARREARS.to_owned()];
    let narrow = ConsentStatement {
        kinds,
        ..statement(Refused)
    };
    adviser.record(narrow).await.unwrap();
    assert_eq!(kinds_seen(&adviser, HOMELESSNESS).await, ["health.hospital-discharge"]);
}

#[tokio::test]
async fn a_refusal_of_one_owner_leaves_the_others() {
    let (hub, adviser) = arrears_and_adviser().await;
    let discharged = discharge(alex(), hub.days_ago(2));
    hub.adapter("health").push(discharged).await.unwrap();
    adviser.record(statement(Given)).await.unwrap();
    let from_agencies = vec!["health".to_owned()];
    let narrow = ConsentStatement {
        from_agencies,
        ..statement(Refused)
    };
    adviser.record(narrow).await.unwrap();
    assert_eq!(kinds_seen(&adviser, HOMELESSNESS).await, [ARREARS]);
}

#[tokio::test]
async fn what_one_reader_may_see_another_may_not() {
    let (hub, adviser) = arrears_and_adviser().await;
    hub.adapter("welfare")
        .push(grant(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    let narrow = ConsentStatement {
        to_agencies: vec!["welfare".to_owned()],
        ..statement(Given)
    };
    adviser.record(narrow).await.unwrap();
    let of_welfare = seen(&adviser, alex(), HOMELESSNESS).await;
    assert!(of_welfare.contains(&(ARREARS.to_owned(), DisclosureLevel::Detail)));
    let of_housing = seen(&hub.as_cast("officer-42"), alex(), HOMELESSNESS).await;
    let levels: Vec<_> = of_housing.into_iter().map(|(_, level)| level).collect();
    assert_eq!(levels, [DisclosureLevel::Detail, DisclosureLevel::Existence]);
}

#[tokio::test]
async fn a_withdrawal_for_one_purpose_leaves_the_others() {
    let (hub, adviser) = arrears_and_adviser().await;
    let discharged = discharge(alex(), hub.days_ago(2));
    hub.adapter("health").push(discharged).await.unwrap();
    adviser.record(statement(Given)).await.unwrap();
    assert_eq!(kinds_seen(&adviser, HOMELESSNESS).await.len(), 2);
    let purposes = vec![HOMELESSNESS.to_owned()];
    let narrow = ConsentStatement {
        purposes,
        ..statement(Withdrawn)
    };
    adviser.record(narrow).await.unwrap();
    assert_eq!(kinds_seen(&adviser, HOMELESSNESS).await, [""; 0]);
    assert_eq!(kinds_seen(&adviser, DISCHARGE).await, ["health.hospital-discharge"]);
}

#[tokio::test]
async fn a_statement_holds_from_its_first_moment_until_just_before_its_last() {
    let (hub, adviser) = arrears_and_adviser().await;
    let now = hub.place.clock.now();
    adviser.record(said(Given, hub.days_ago(9))).await.unwrap();
    let passing = ConsentStatement {
        valid_from: Some(timestamp(now + 1.hour())),
        valid_until: Some(timestamp(now + 2.hours())),
        ..said(Refused, hub.days_ago(1))
    };
    adviser.record(passing).await.unwrap();
    let mut told = Vec::new();
    for wait in [59 * 60, 60, 59 * 60 + 59, 1] {
        told.push(level(&adviser).await.is_some());
        hub.place.clock.advance(SignedDuration::from_secs(wait));
    }
    told.push(level(&adviser).await.is_some());
    assert_eq!(told, [true, true, false, false, true]);
}

#[tokio::test]
async fn what_was_said_last_counts_and_not_what_was_recorded_last() {
    let (hub, adviser) = arrears_and_adviser().await;
    adviser.record(said(Withdrawn, hub.days_ago(3))).await.unwrap();
    adviser.record(said(Given, hub.days_ago(5))).await.unwrap();
    assert_eq!(level(&adviser).await, None);
    adviser.record(said(Given, hub.days_ago(2))).await.unwrap();
    adviser.record(said(Withdrawn, hub.days_ago(4))).await.unwrap();
    assert_eq!(level(&adviser).await, Some(DisclosureLevel::Detail));
}

#[tokio::test]
async fn of_what_was_said_at_once_the_last_recorded_counts() {
    let (hub, adviser) = arrears_and_adviser().await;
    let then = hub.days_ago(1);
    for (stance, shown) in [(Given, true), (Refused, false), (Given, true), (Withdrawn, false)] {
        adviser.record(said(stance, then)).await.unwrap();
        assert_eq!(level(&adviser).await.is_some(), shown, "{stance:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_let_a_consent_outlive_a_withdrawal() {
    let (hub, adviser) = arrears_and_adviser().await;
    let now = hub.place.clock.now();
    adviser.record(said(Given, now + 5.minutes())).await.unwrap();
    assert_eq!(level(&adviser).await, Some(DisclosureLevel::Detail));
    adviser.record(statement(Withdrawn)).await.unwrap();
    assert_eq!(level(&adviser).await, None);
    hub.place.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(level(&adviser).await, None);
    let statements = listed(&adviser, alex()).await;
    assert!(statements.iter().all(|recorded| {
        let said = recorded.statement.as_ref().unwrap().said_at.unwrap();
        said == timestamp(now)
    }));
}

#[tokio::test]
async fn what_somebody_said_before_the_hub_knew_anything_of_them_counts() {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    adviser.says(drew(), Given).await.unwrap();
    adviser.says(billie(), Refused).await.unwrap();
    for who in [drew(), billie()] {
        let signal = arrears(who, hub.days_ago(2));
        hub.adapter("housing").push(signal).await.unwrap();
    }
    assert_eq!(
        seen(&adviser, drew(), HOMELESSNESS).await,
        [(ARREARS.to_owned(), DisclosureLevel::Detail)]
    );
    assert_eq!(seen(&adviser, billie(), HOMELESSNESS).await, []);
}

#[tokio::test]
async fn a_refusal_binds_the_owners_own_staff_where_consent_alone_is_relied_on() {
    let (hub, adviser) = arrears_and_adviser().await;
    let officer = hub.as_cast("officer-42");
    assert_eq!(kinds_seen(&officer, HOMELESSNESS).await, [ARREARS]);
    adviser.record(statement(Refused)).await.unwrap();
    assert_eq!(kinds_seen(&officer, HOMELESSNESS).await, [""; 0]);
}

#[tokio::test]
async fn the_police_may_take_down_a_no_and_never_a_yes() {
    let hub = Hub::fresh().await;
    let police = hub.as_cast("officer-17");
    let rows = |hub: &Hub| {
        let all = contents(&*hub.store).into_keys();
        all.filter(|key| b"cpniv".contains(&key[0])).count()
    };
    let turned_down = refused(police.says(alex(), Given).await);
    assert_eq!(
        (turned_down.code, turned_down.reason.as_str()),
        (Code::PermissionDenied, "NOT_PERMITTED")
    );
    assert_eq!(rows(&hub), 0, "a refused statement left something");
    police.says(alex(), Refused).await.unwrap();
    police.says(alex(), Withdrawn).await.unwrap();
    assert_eq!(listed(&police, alex()).await.len(), 2);
}

#[tokio::test]
async fn an_agency_lists_what_it_took_down_and_governance_lists_all() {
    let hub = Hub::fresh().await;
    let (housing, welfare) = (hub.as_cast("officer-42"), hub.as_cast("adviser-8"));
    let first = housing.record(said(Given, hub.days_ago(2))).await.unwrap().statement_id;
    let second = welfare
        .record(said(Withdrawn, hub.days_ago(1)))
        .await
        .unwrap()
        .statement_id;
    let ids = |listed: Vec<RecordedConsent>| listed.into_iter().map(|one| one.statement_id).collect::<Vec<_>>();
    assert_eq!(ids(listed(&housing, alex()).await), std::slice::from_ref(&first));
    assert_eq!(ids(listed(&welfare, alex()).await), std::slice::from_ref(&second));
    assert_eq!(ids(listed(&hub.as_cast("coordinator-3"), alex()).await), [""; 0]);
    let all = listed(&hub.as_cast("igo-1"), alex()).await;
    let takers: Vec<_> = all.iter().map(|one| one.taken_by_agency.clone()).collect();
    assert_eq!(takers, ["welfare", "housing"]);
    assert_eq!(ids(all), [second, first]);
    let other = hub.desk("governance", "clerk-1", &["clerk"], &[]);
    let request = ListConsentsRequest { person: Some(alex()) };
    let turned_down = refused(other.consents.clone().list_consents(request).await);
    assert_eq!(turned_down.reason, "NOT_PERMITTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_ask_that_begins_after_a_withdrawal_was_acknowledged_shows_anything() {
    let (hub, adviser) = arrears_and_adviser().await;
    for _ in 0..6 {
        adviser.record(statement(Given)).await.unwrap();
        let acknowledged = Arc::new(AtomicBool::new(false));
        let mut askers = Vec::new();
        for _ in 0..6 {
            let (asker, acknowledged) = (hub.as_cast("adviser-8"), acknowledged.clone());
            askers.push(tokio::spawn(async move {
                let (mut after, mut before) = (0, 0);
                while after < 3 {
                    let late = acknowledged.load(Ordering::SeqCst);
                    let shown = level(&asker).await.is_some();
                    assert!(!(late && shown), "shown after the withdrawal was acknowledged");
                    after += usize::from(late);
                    before += usize::from(shown);
                }
                before
            }));
        }
        // A first answer of each asker's own kind, so that the withdrawal meets questions that are under way.
        assert!(level(&adviser).await.is_some());
        adviser.record(statement(Withdrawn)).await.unwrap();
        acknowledged.store(true, Ordering::SeqCst);
        for asker in askers {
            asker.await.unwrap();
        }
    }
}
