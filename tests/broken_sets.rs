//! Broken sets of policies before a running hub: whatever is broken about them, those in force stay in force, each is told by
//! its file, and nothing panics.

use std::{
    collections::BTreeSet,
    fs, panic,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use placehub_proto::v1::{AskSignalsResponse, ConsentStance, GetPolicySetRequest, GetPolicySetResponse};

use crate::harness::{Client, Hub, alex, arrears, question_person};

#[path = "../hub/src/decide/tests/breaks.rs"]
mod breaks;

/// The files of a folder with those of its folders, by their path within.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

async fn policy_set(client: &Client) -> GetPolicySetResponse {
    let set = client.policies.clone().get_policy_set(GetPolicySetRequest {}).await;
    set.unwrap().into_inner()
}

/// Counts panics in the rooms that read policies, from now on. Tests beside this one may panic as they like.
fn count_panics() -> Arc<AtomicUsize> {
    let (count, before) = (Arc::new(AtomicUsize::new(0)), panic::take_hook());
    let counted = count.clone();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|place| place.file()).unwrap_or_default();
        if ["/decide/", "/catalogue/", "cedar"]
            .iter()
            .any(|room| place.contains(room))
        {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        before(info);
    }));
    count
}

async fn answer(adviser: &Client) -> AskSignalsResponse {
    let answer = adviser
        .ask(question_person(alex(), "homelessness-prevention"))
        .await
        .unwrap();
    AskSignalsResponse {
        ledger_entry: 0,
        ..answer
    }
}

#[tokio::test]
async fn two_hundred_kinds_of_broken_set_leave_a_running_hub_as_it_is() {
    let hub = Hub::fresh().await;
    let (adviser, officer) = (hub.as_cast("adviser-8"), hub.as_cast("igo-1"));
    adviser.says(alex(), ConsentStance::Given).await.unwrap();
    hub.adapter("housing")
        .push(arrears(alex(), hub.days_ago(1)))
        .await
        .unwrap();
    let (before, shown) = (policy_set(&officer).await, answer(&adviser).await);
    assert_eq!(shown.signals.len(), 1);
    let panics = count_panics();
    let folder = hub.place.folder().join("policies");
    let read = |file: &&PathBuf| {
        file.extension()
            .is_some_and(|ending| ["cedar", "cedarschema", "toml"].iter().any(|known| ending == *known))
    };
    let (mut refused, mut odd) = (0, BTreeSet::new());
    for file in files(&folder).iter().filter(read) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // Three of the five agreements are enough.
        if name.starts_with("home-from-hospital") || name.starts_with("serious-violence") {
            continue;
        }
        let whole = fs::read_to_string(file).unwrap();
        for (how, broken) in breaks::BREAKS {
            match broken(&whole) {
                Some(broken) => fs::write(file, broken).unwrap(),
                None => fs::remove_file(file).unwrap(),
            }
            hub.reloader.reload("signal").await;
            let set = policy_set(&officer).await;
            match &set.refused {
                Some(why) => {
                    assert!(
                        why.fault.contains('.') && !why.fault.contains("cut short"),
                        "{name}, {how}: {}",
                        why.fault
                    );
                    let told = [name.as_str(), "set.toml", "catalogue", ".cedar", ".toml"]
                        .iter()
                        .any(|file| why.fault.contains(file));
                    assert!(told, "{name}, {how}: {}", why.fault);
                    assert_eq!(GetPolicySetResponse { refused: None, ..set }, before, "{name}, {how}");
                    refused += 1;
                }
                // What still says the same is not broken, and comes into force.
                None => {
                    odd.insert(how);
                }
            }
            fs::write(file, &whole).unwrap();
            if set_changed(&officer, &before).await {
                hub.reloader.reload("signal").await;
            }
        }
    }
    assert!(hub.reloader.reload("signal").await.failed.is_empty());
    let after = policy_set(&officer).await;
    assert_eq!(
        (after.digest, after.version, after.agreements),
        (before.digest, before.version, before.agreements)
    );
    assert_eq!(answer(&adviser).await, shown);
    assert!(
        refused >= 200,
        "only {refused} sets were broken; these were not: {odd:?}"
    );
    assert_eq!(panics.load(Ordering::Relaxed), 0);
}

/// Whether something else is in force than before.
async fn set_changed(client: &Client, before: &GetPolicySetResponse) -> bool {
    policy_set(client).await.digest != before.digest
}
