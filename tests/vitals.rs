//! What whoever runs a hub watches: its health by service, and its figures, in which nobody can be found.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use placehub_hub::store::Memory;
use placehub_proto::v1::ConsentStance;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::harness::{Client, Hub, Place, alex, arrears, question_person, refused};

const AGREEMENT: &str = "policies/agreements/homelessness-prevention.cedar";
/// Where the settings go on.
const LIMITS: &str = "limits = {";
const POLICIES: &str = "placehub.v1.PolicyService";

async fn health(client: &Client, service: &str) -> ServingStatus {
    let service = service.to_owned();
    let answer = client.health.clone().check(HealthCheckRequest { service }).await;
    answer.unwrap().into_inner().status()
}

/// A hub that shows its figures on a free port.
async fn watched() -> Hub {
    let place = Place::new();
    place.edit(
        "placehub.toml",
        LIMITS,
        &format!("metrics = {{ listen = \"127.0.0.1:0\" }}\n{LIMITS}"),
    );
    Hub::start(&place, Arc::new(Memory::new())).await
}

async fn fetched(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn figures(hub: &Hub) -> String {
    fetched(hub.metrics.unwrap(), "GET /metrics HTTP/1.1\r\nHost: hub\r\n\r\n").await
}

/// The figure under a name with its labels.
fn figure(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn while_policies_stand_refused_their_service_alone_is_not_well() {
    let hub = Hub::fresh().await;
    let adviser = hub.as_cast("adviser-8");
    let others = [
        "",
        "placehub.v1.SignalService",
        "placehub.v1.ConsentService",
        "placehub.v1.IdentityService",
        "placehub.v1.LedgerService",
    ];
    let mut watch = adviser
        .health
        .clone()
        .watch(HealthCheckRequest {
            service: POLICIES.to_owned(),
        })
        .await
        .unwrap()
        .into_inner();
    let mut told = async || watch.message().await.unwrap().unwrap().status();
    assert_eq!(told().await, ServingStatus::Serving);
    hub.place.edit(AGREEMENT, "permit (", "permit (((");
    assert!(!hub.reloader.reload("signal").await.failed.is_empty());
    assert_eq!(health(&adviser, POLICIES).await, ServingStatus::NotServing);
    assert_eq!(told().await, ServingStatus::NotServing);
    for service in others {
        assert_eq!(health(&adviser, service).await, ServingStatus::Serving, "{service}");
    }
    hub.place.edit(AGREEMENT, "permit (((", "permit (");
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    assert_eq!(health(&adviser, POLICIES).await, ServingStatus::Serving);
    assert_eq!(told().await, ServingStatus::Serving);
}

#[tokio::test]
async fn the_figures_tell_of_calls_policies_and_the_ledger_and_of_nobody() {
    let hub = watched().await;
    let (housing, adviser) = (hub.adapter("housing"), hub.as_cast("adviser-8"));
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    housing.push(arrears(alex(), hub.days_ago(1))).await.unwrap();
    let question = question_person(alex(), "homelessness-prevention");
    assert_eq!(adviser.ask(question).await.unwrap().signals.len(), 1);
    refused(adviser.ask(question_person(alex(), "asb-prevention")).await);
    let first = figures(&hub).await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    let asked = |outcome: &str| {
        format!("placehub_calls_total{{service=\"SignalService\",method=\"AskSignals\",outcome=\"{outcome}\"}}")
    };
    assert_eq!(figure(&first, &asked("OK")), Some(1.0), "{first}");
    assert_eq!(figure(&first, &asked("PERMISSION_DENIED")), Some(1.0), "{first}");
    assert_eq!(figure(&first, "placehub_closed"), Some(0.0));
    assert_eq!(figure(&first, "placehub_policies_refused"), Some(0.0));
    assert_eq!(figure(&first, "placehub_agreements{state=\"in_force\"}"), Some(5.0));
    assert!(figure(&first, "placehub_agreement_next_lapse_days").is_some_and(|days| (364.0..=366.0).contains(&days)));
    let entries = figure(&first, "placehub_ledger_entries_total").unwrap();
    assert!(
        entries >= 5.0 && figure(&first, "placehub_commits_total").unwrap() >= 4.0,
        "{first}"
    );
    assert!(figure(&first, "placehub_commit_seconds_total").unwrap() > 0.0);
    for secret in ["adviser", "9990", "Alex", "rent", "homelessness", "welfare"] {
        assert!(!first.contains(secret), "{secret} in {first}");
    }
    hub.place.edit(AGREEMENT, "permit (", "permit (((");
    assert!(!hub.reloader.reload("signal").await.failed.is_empty());
    let second = figures(&hub).await;
    assert_eq!(figure(&second, "placehub_policies_refused"), Some(1.0));
    let info = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("placehub_policies_info{"))
            .map(ToOwned::to_owned)
    };
    assert!(info(&first).is_some());
    assert_eq!(info(&first), info(&second), "those in force stay in force");
    assert_eq!(figure(&second, "placehub_ledger_entries_total"), Some(entries + 1.0));
    hub.stop().await;
}

#[tokio::test]
async fn a_watch_that_its_reader_leaves_is_counted_as_broken_off() {
    let hub = watched().await;
    let adviser = hub.as_cast("adviser-8");
    let question = question_person(alex(), "homelessness-prevention");
    let mut watch = adviser.watch(question, "").await.unwrap();
    let _begun = watch.message().await.unwrap();
    let broken_off = "placehub_calls_total{service=\"SignalService\",method=\"WatchSignals\",outcome=\"CANCELLED\"}";
    assert_eq!(figure(&figures(&hub).await, broken_off), None);
    drop(watch);
    let counted = async { while figure(&figures(&hub).await, broken_off) != Some(1.0) {} };
    tokio::time::timeout(Duration::from_secs(60), counted).await.unwrap();
}

#[tokio::test]
async fn nothing_but_the_figures_is_to_be_had_without_a_certificate() {
    let hub = watched().await;
    let address = hub.metrics.unwrap();
    assert!(
        fetched(address, "GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        fetched(
            address,
            "POST /metrics HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\n\r\n"
        )
        .await
        .starts_with("HTTP/1.1 405")
    );
    assert_eq!(
        Hub::fresh().await.metrics,
        None,
        "a hub shows none unless it is told to"
    );
}

#[test]
fn figures_that_other_machines_could_read_take_a_word_more() {
    let place = Place::new();
    place.edit(
        "placehub.toml",
        LIMITS,
        &format!("metrics = {{ listen = \"0.0.0.0:0\" }}\n{LIMITS}"),
    );
    let why = placehub_hub::config::Config::load(&place.settings())
        .unwrap_err()
        .to_string();
    assert!(why.contains("metrics.listen") && why.contains("expose = true"), "{why}");
    place.edit("placehub.toml", "0.0.0.0:0\"", "0.0.0.0:0\", expose = true");
    assert!(place.config().metrics.is_some());
}
