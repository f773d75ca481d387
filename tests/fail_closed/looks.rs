//! What is read is read whole or not shown, whatever fails; and reading changes nothing but the ledger.

use std::cell::RefCell;

use jiff::SignedDuration;
use placehub_proto::v1::{ConsentStance, ListConsentsRequest};

use super::{Trial, about_alex, asked, facts};
use crate::harness::{Adjust, Hub, Screen, Watcher, alex, arrears, contents, discharge, drew, only};

#[tokio::test]
async fn a_question_that_fails_shows_nothing_and_changes_nothing() {
    let trial = Trial::begin().await;
    let ask = async |hub: &Hub| hub.as_cast("adviser-8").ask(about_alex()).await.map(|_| ());
    let before = facts(trial.rows.clone());
    let after = async |hub: &Hub, _: bool| {
        assert_eq!(facts(contents(&*hub.store)), before);
        assert_eq!(asked(hub, about_alex()).await.signals.len(), 1);
    };
    trial.each_failure(ask, after).await;
}

#[tokio::test]
async fn a_question_after_something_was_said_shows_all_or_nothing() {
    let trial = Trial::begin().await;
    // What was said, by whomever, has what is remembered of people looked up again.
    let ask = async |hub: &Hub| {
        let adviser = hub.as_cast("adviser-8");
        adviser.says(drew(), ConsentStance::Refused).await?;
        let answer = adviser.ask(about_alex()).await?;
        assert_eq!(answer.signals.len(), 1);
        Ok(())
    };
    let after = async |hub: &Hub, _: bool| assert_eq!(asked(hub, about_alex()).await.signals.len(), 1);
    trial.each_failure(ask, after).await;
}

#[tokio::test]
async fn a_question_about_a_person_with_two_records_shows_all_or_nothing() {
    let trial = Trial::begin().await;
    let trial = trial.after(async |hub: &Hub| {
        let health = hub.adapter("health");
        let of_h1 = discharge(only("H1"), hub.days_ago(1));
        health.push(of_h1).await.unwrap();
        health.join(("m1", 1), alex(), only("H1")).await.unwrap();
        // What is said once the two are one counts for both.
        hub.place.clock.advance(SignedDuration::from_secs(1));
        let adviser = hub.as_cast("adviser-8");
        adviser.says(alex(), ConsentStance::Given).await.unwrap();
    });
    let trial = trial.await;
    let ask = async |hub: &Hub| {
        let answer = hub.as_cast("adviser-8").ask(about_alex()).await?;
        assert_eq!(answer.signals.len(), 2);
        Ok(())
    };
    let after = async |hub: &Hub, _: bool| assert_eq!(asked(hub, about_alex()).await.signals.len(), 2);
    trial.each_failure(ask, after).await;
}

#[tokio::test]
async fn looking_at_the_record_fails_closed_too() {
    let trial = Trial::begin().await;
    let before = facts(trial.rows.clone());
    let unchanged = async |hub: &Hub, _: bool| {
        assert_eq!(facts(contents(&*hub.store)), before);
        let seen = hub.as_cast("igo-1").who_saw(alex()).await.unwrap().entries;
        assert!(seen.iter().any(|entry| entry.action == "record-consent"));
    };
    let who_saw = async |hub: &Hub| hub.as_cast("igo-1").who_saw(alex()).await.map(|_| ());
    trial.each_failure(who_saw, &unchanged).await;
    let export = async |hub: &Hub| hub.as_cast("igo-1").export().await.map(|_| ());
    trial.each_failure(export, &unchanged).await;
    let list = async |hub: &Hub| {
        let request = ListConsentsRequest { person: Some(alex()) };
        let igo = hub.as_cast("igo-1");
        igo.consents.clone().list_consents(request).await.map(|_| ())
    };
    trial.each_failure(list, &unchanged).await;
}

#[tokio::test]
async fn a_watch_that_fails_goes_on_from_what_was_told() {
    // It looks on when it has told its first event, so anything that fails then may come too late for the test.
    let trial = Trial::begin().await.going_on();
    let question = about_alex();
    let told = RefCell::new((String::new(), Screen::default()));
    let first = async |hub: &Hub| {
        told.take();
        let adviser = hub.as_cast("adviser-8");
        let mut watch = Watcher::resume(&adviser, &question, "", Screen::default()).await?;
        while watch.next().await?.is_none() {}
        told.replace((watch.cursor, watch.screen));
        Ok(())
    };
    let after = async |hub: &Hub, answered: bool| {
        let (adviser, (cursor, screen)) = (hub.as_cast("adviser-8"), told.take());
        assert_eq!(screen.0.len(), usize::from(answered));
        let mut watch = Watcher::resume(&adviser, &question, &cursor, screen).await.unwrap();
        let marker = arrears(alex(), hub.days_ago(1)).id("marker");
        let marker = hub.adapter("housing").push(marker).await.unwrap();
        watch.until(&marker.signal_id).await;
        assert_eq!(watch.screen, Screen::of(&asked(hub, about_alex()).await));
    };
    trial.each_failure(first, after).await;
}
