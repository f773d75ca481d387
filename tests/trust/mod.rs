//! What outsiders can check of the ledger, with what the hub sends, what it publishes and what witnesses saw.
//! Nothing here looks into the hub: heads, proofs and bundles are judged from their bytes.

mod bundle;
mod foreign;
mod proofs;
mod rotation;
mod settings;
mod witnessing;

use std::{path::Path, time::Duration};

use placehub_ledger::{Checkpoint, VerifierKey};

use crate::{
    harness::{Adjust as _, Client, Hub, alex, arrears, question_person},
    program::{Home, Ran, run},
};

const PURPOSE: &str = "homelessness-prevention";
/// Longer than anything takes that comes to pass at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many entries more: pushes and questions in turn.
async fn grow(hub: &Hub, entries: u32) {
    let (housing, officer) = (hub.adapter("housing"), hub.as_cast("officer-42"));
    for number in 0..entries {
        if number % 3 == 0 {
            let draft = arrears(alex(), hub.days_ago(2)).id(&format!("grown-{}", uuid(number)));
            housing.push(draft).await.unwrap();
        } else {
            officer.ask(question_person(alex(), PURPOSE)).await.unwrap();
        }
    }
}

/// A number that no other call in this process gives.
fn uuid(number: u32) -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{count}-{number}")
}

/// Asks for the head until it is as wanted.
async fn head_until<T>(client: &Client, wanted: impl Fn(&placehub_proto::v1::GetCheckpointResponse) -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = wanted(&client.head().await.unwrap()) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("it does not come to pass")
}

/// How many entries the newest head speaks for.
async fn size(client: &Client) -> u64 {
    let head = client.head().await.unwrap();
    Checkpoint::read_unverified(&head.checkpoint).map_or(0, |head| head.size)
}

fn opened(note: &str, key: &VerifierKey) -> Checkpoint {
    Checkpoint::open(note, key).unwrap()
}

/// A folder of `init` in whose hub something has happened, and which has been stopped.
async fn lived(home: &Home, rounds: u32) {
    let served = home.serve().await;
    live(home, rounds).await;
    served.stop().await;
}

/// Pushes and questions at the hub that serves now.
async fn live(home: &Home, rounds: u32) {
    let (housing, officer) = (
        home.adapter("housing"),
        home.practitioner("housing", "officer-42").await,
    );
    for number in 0..rounds {
        let moment = "2026-01-05T09:00:00Z".parse().unwrap();
        let draft = arrears(alex(), moment).id(&format!("lived-{}", uuid(number)));
        housing.push(draft).await.unwrap();
        officer.ask(question_person(alex(), PURPOSE)).await.unwrap();
    }
}

/// Carries the ledger of the hub that serves now into a folder.
async fn carry(home: &Home, name: &str) -> std::path::PathBuf {
    let folder = home.beside().join(name);
    let text = folder.display().to_string();
    home.run(&["ledger", "bundle", &text, "--as", "igo-1"]).await.ended(0);
    folder
}

/// Runs `placehub-verify` on a bundle.
async fn verify(folder: &Path, key: &str, more: &[&str]) -> Ran {
    let folder = folder.display().to_string();
    let arguments = ["bundle", &folder, "--key", key, "--json"];
    run("placehub-verify", arguments.into_iter().chain(more.iter().copied())).await
}
