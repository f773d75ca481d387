//! Who people are, as time goes by: joins, replaced NHS numbers and deaths, from the wire to the ledger.

mod death;
mod join;
mod number;
mod said;

use placehub_proto::v1::{ConsentStance, DisclosureLevel, PersonIdentity};

use crate::harness::{Client, Hub, alex, arrears, discharge, emery, known_as, question_person};

const PURPOSE: &str = "homelessness-prevention";

/// A hub at which health knows Alex by NHS number, and housing and health know an Emery under references of their own,
/// whom nothing ties to Alex: `T1` at housing and `H1` at health.
async fn two_people() -> Hub {
    let hub = Hub::fresh().await;
    let (housing, health) = (hub.adapter("housing"), hub.adapter("health"));
    let alexs = discharge(alex(), hub.days_ago(2));
    let emerys = discharge(known_as("H1", emery()), hub.days_ago(3));
    let owes = arrears(known_as("T1", emery()), hub.days_ago(1));
    health.push(alexs).await.unwrap();
    health.push(emerys).await.unwrap();
    housing.push(owes).await.unwrap();
    hub
}

/// Alex and Emery, who may turn out to be one, each agree to everything.
async fn both_agree(adviser: &Client) {
    for who in [alex(), emery()] {
        adviser.says(who, ConsentStance::Given).await.unwrap();
    }
}

/// What an asker sees of a person: kind and level of each signal, in order.
async fn seen(asker: &Client, who: PersonIdentity) -> Vec<(String, DisclosureLevel)> {
    let answer = asker.ask(question_person(who, PURPOSE)).await.unwrap();
    let line = |signal: placehub_proto::v1::Signal| (signal.kind.clone(), signal.level());
    answer.signals.into_iter().map(line).collect()
}

/// The kinds that an asker sees of a person, in order.
async fn kinds(asker: &Client, who: PersonIdentity) -> Vec<String> {
    seen(asker, who).await.into_iter().map(|(kind, _)| kind).collect()
}
