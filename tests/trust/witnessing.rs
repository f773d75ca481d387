//! Witnesses in processes of their own, and hubs that grow, stand still, go back and fork before them.

use std::{fs, net::SocketAddr, sync::Arc};

use jiff::SignedDuration;
use placehub_hub::{
    ledger::Signer,
    store::{Disk, Memory, Store},
};
use placehub_ledger::{VerifierKey, WitnessKey};
use tempfile::TempDir;

use super::{carry, grow, head_until, live, opened, verify};
use crate::{
    harness::{Hub, Line, Place, alex, contents, question_person, refused},
    program::{Home, Served, command, placehub, run},
};

/// A witness's folder, and the key of the ledger that it watches.
pub(super) struct Witness {
    folder: TempDir,
    pub(super) key: WitnessKey,
}

impl Witness {
    pub(super) async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("witness").display().to_string();
        let made = placehub(["witness", "init", &dir, "--name", name, "--json"])
            .await
            .ended(0)
            .json();
        Self {
            folder,
            key: made["key"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// Serves on a free port.
    pub(super) async fn serve(&self, ledger_key: &str) -> Served {
        let log = self.folder.path().join("ledger.pub");
        fs::write(&log, ledger_key).unwrap();
        let mut command = command("placehub");
        let dir = self.folder.path().join("witness");
        command
            .args(["witness", "serve", "--listen", "127.0.0.1:0", "--ledger"])
            .arg(log)
            .arg(dir);
        Served::start(&mut command).await
    }

    fn refused(&self) -> usize {
        fs::read_dir(self.folder.path().join("witness/refused"))
            .unwrap()
            .count()
    }
}

/// The public key of a place's ledger, before its hub runs.
pub(super) fn ledger_key(place: &Place) -> String {
    let bytes = fs::read(place.folder().join("ledger.key")).unwrap();
    Signer::from_pkcs8(&place.config().node, &bytes)
        .unwrap()
        .verifier_key()
        .to_string()
}

/// Asks until the hub answers.
async fn until_open(hub: &Hub) {
    let officer = hub.as_cast("officer-42");
    let asking = async { while officer.ask(question_person(alex(), super::PURPOSE)).await.is_err() {} };
    tokio::time::timeout(super::PATIENCE, asking)
        .await
        .expect("the hub does not open");
}

fn settle(place: &Place, witnesses: &[(&Witness, SocketAddr)], more: &str) {
    let tables: Vec<_> = witnesses
        .iter()
        .map(|(witness, address)| format!(r#"{{ url = "http://{address}", key = "{}" }}"#, witness.key))
        .collect();
    let ledger = format!(
        "ledger = {{ publish = \"head\", witness = [{}], {more} }}\nlimits =",
        tables.join(", ")
    );
    place.edit("placehub.toml", "limits =", &ledger);
}

#[tokio::test]
async fn witnesses_cosign_a_ledger_that_grows_and_the_published_head_carries_it() {
    let place = Place::new();
    let key = ledger_key(&place);
    let (one, two) = (Witness::new("one.sample/w").await, Witness::new("two.sample/w").await);
    let (first, second) = (one.serve(&key).await, two.serve(&key).await);
    settle(
        &place,
        &[(&one, first.address), (&two, second.address)],
        "require_witnesses = 2",
    );
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    let log: VerifierKey = hub.ledger_key.parse().unwrap();
    let police = hub.adapter("police");
    let mut size = super::size(&police).await;
    for entries in [1, 7, 20] {
        grow(&hub, entries).await;
        size += u64::from(entries);
        let note = head_until(&police, |head| {
            let there = !head.witnessed.is_empty() && opened(&head.witnessed, &log).size == size;
            there.then(|| head.witnessed.clone())
        })
        .await;
        for witness in [&one, &two] {
            assert!(witness.key.seen(&note).unwrap().is_some());
        }
    }
    let head = police.head().await.unwrap();
    assert_eq!((head.required_witnesses, head.alarm.as_str()), (2, ""));
    assert_eq!(
        head.witnesses.iter().map(|one| one.size).collect::<Vec<_>>(),
        [size, size]
    );
    grow(&hub, 3).await;
    hub.stop().await;
    let published = fs::read_to_string(place.folder().join("head")).unwrap();
    assert_eq!(opened(&published, &log).size, size + 3);
    assert!(
        [&one, &two]
            .iter()
            .all(|witness| witness.key.seen(&published).unwrap().is_some())
    );
    assert!(!place.folder().join("head.part").exists());
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_bundle_carries_the_cosignatures_that_its_verifier_requires() {
    let home = Home::new().await;
    let ledger_pub = home.file("ledger.pub");
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&fs::read_to_string(&ledger_pub).unwrap()).await;
    let config = home.file("placehub.toml");
    let settings = format!(
        "\n[ledger]\nrequire_witnesses = 1\n[[ledger.witness]]\nurl = \"http://{}\"\nkey = \"{}\"\n",
        served.address, witness.key
    );
    fs::write(&config, fs::read_to_string(&config).unwrap() + &settings).unwrap();
    let hub = home.serve().await;
    live(&home, 2).await;
    let seen = async {
        let asked = ["ledger", "checkpoint", "--json", "--witnessed", "--agency", "police"];
        while home.run(&asked).await.ended(0).json()["size"].is_null() {}
    };
    tokio::time::timeout(super::PATIENCE, seen)
        .await
        .expect("nothing is cosigned");
    let folder = carry(&home, "cosigned").await;
    let key = witness.key.to_string();
    let required = ["--witness", &key, "--require", "1"];
    let told = verify(&folder, &ledger_pub, &required).await.ended(0).json();
    assert_eq!(told["witnesses"][0]["name"], "one.sample/w");
    let twice = ["--witness", &key, "--witness", &key, "--require", "2"];
    verify(&folder, &ledger_pub, &twice).await.ended(2);

    let (entry, proof) = (home.beside().join("0.json"), home.beside().join("0.tlog-proof"));
    let (entry, proof) = (entry.display().to_string(), proof.display().to_string());
    let prove = [
        "ledger",
        "prove",
        "--entry",
        "0",
        "--witnessed",
        "--write-entry",
        &entry,
        "--as",
        "igo-1",
    ];
    fs::write(&proof, home.run(&prove).await.ended(0).out).unwrap();
    let check = ["proof", &proof, "--entry", &entry, "--key", &ledger_pub, "--json"];
    let told = run("placehub-verify", check.into_iter().chain(required))
        .await
        .ended(0)
        .json();
    assert_eq!(told["witnesses"][0]["name"], "one.sample/w");
    let stranger = Witness::new("two.sample/w").await.key.to_string();
    let required = ["--witness", &stranger, "--require", "1"];
    run("placehub-verify", check.into_iter().chain(required)).await.ended(1);
    hub.stop().await;
    served.stop().await;
}

#[tokio::test]
async fn a_lack_of_witnesses_is_an_alarm_and_closes_the_hub_until_they_are_back() {
    let place = Place::new();
    let key = ledger_key(&place);
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&key).await;
    let line = Line::to(served.address).await;
    settle(
        &place,
        &[(&witness, line.address)],
        "require_witnesses = 1, witness_limit_seconds = 30, close_without_witnesses = true",
    );
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    let police = hub.adapter("police");
    // Until a witness has seen this run, nothing is taken.
    head_until(&police, |head| (!head.witnessed.is_empty()).then_some(())).await;
    grow(&hub, 1).await;

    line.lead_to(None);
    served.kill().await;
    grow(&hub, 1).await;
    let trouble = head_until(&police, |head| {
        let trouble = &head.witnesses[0].trouble;
        (!trouble.is_empty()).then(|| trouble.clone())
    })
    .await;
    assert!(trouble.contains("no answer"), "{trouble}");
    assert_eq!(police.head().await.unwrap().alarm, "", "the limit has not passed");
    grow(&hub, 1).await;
    place.clock.advance(SignedDuration::from_secs(31));
    let alarm = head_until(&police, |head| (!head.alarm.is_empty()).then(|| head.alarm.clone())).await;
    assert_eq!(alarm, "0 of 1 required witnesses have cosigned the ledger's head");
    let officer = hub.as_cast("officer-42");
    let refusal = refused(officer.ask(question_person(alex(), super::PURPOSE)).await);
    assert_eq!(refusal.reason, "HUB_CLOSED");

    let served = witness.serve(&key).await;
    line.lead_to(Some(served.address));
    head_until(&police, |head| head.alarm.is_empty().then_some(())).await;
    grow(&hub, 1).await;
    hub.stop().await;
    served.stop().await;
}

#[tokio::test]
async fn a_hub_on_an_older_copy_of_its_store_is_refused_by_the_witness_whatever_it_does_then() {
    let place = Place::new();
    let key = ledger_key(&place);
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&key).await;
    settle(&place, &[(&witness, served.address)], "require_witnesses = 1");
    let store = Arc::new(Memory::new());
    let hub = Hub::start(&place, store.clone()).await;
    grow(&hub, 3).await;
    hub.stop().await;
    let old = contents(&*store);
    let hub = Hub::start(&place, store).await;
    grow(&hub, 3).await;
    let police = hub.adapter("police");
    let grown = super::size(&police).await;
    head_until(&police, |head| (head.witnesses[0].size == grown).then_some(())).await;
    hub.stop().await;

    let put_back = Memory::new();
    put_back
        .commit(old.into_iter().map(|(key, value)| (key.into(), Some(value))).collect())
        .unwrap();
    let hub = Hub::start(&place, Arc::new(put_back)).await;
    let police = hub.adapter("police");
    let told = |head: &placehub_proto::v1::GetCheckpointResponse| {
        let trouble = &head.witnesses[0].trouble;
        trouble.contains("put back, rewritten or forked").then_some(())
    };
    head_until(&police, told).await;
    let alarm = head_until(&police, |head| (!head.alarm.is_empty()).then(|| head.alarm.clone())).await;
    assert_eq!(alarm, "the witness one.sample/w has cosigned another ledger", "at once");
    assert_eq!(witness.refused(), 0, "an older head is no evidence of a fork yet");
    grow(&hub, 9).await;
    head_until(&police, told).await;
    let forked = async {
        while witness.refused() == 0 {
            police.head().await.unwrap();
        }
    };
    tokio::time::timeout(super::PATIENCE, forked)
        .await
        .expect("the fork is not kept as evidence");
    assert_eq!(police.head().await.unwrap().witnessed, "");
    hub.stop().await;
    served.stop().await;
}

#[tokio::test]
async fn a_hub_that_closes_without_witnesses_signs_nothing_until_they_have_seen_its_ledger() {
    let place = Place::new();
    let key = ledger_key(&place);
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&key).await;
    settle(
        &place,
        &[(&witness, served.address)],
        "require_witnesses = 1, close_without_witnesses = true",
    );
    let open = |head: &placehub_proto::v1::GetCheckpointResponse| (!head.witnessed.is_empty()).then_some(());
    let store = Arc::new(Memory::new());
    let hub = Hub::start(&place, store.clone()).await;
    head_until(&hub.adapter("police"), open).await;
    until_open(&hub).await;
    hub.stop().await;
    let old = contents(&*store);

    // Other policies are entered before anything else, and after the witness has seen what was there.
    let agreement = "policies/agreements/homelessness-prevention.toml";
    place.edit(agreement, "title = \"", "title = \"Renewed: ");
    let hub = Hub::start(&place, store.clone()).await;
    until_open(&hub).await;
    let (entries, _) = hub.as_cast("igo-1").export().await.unwrap();
    let actions: Vec<_> = entries
        .iter()
        .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
        .collect();
    let started: Vec<_> = (0..)
        .zip(&actions)
        .filter(|(_, entry)| entry.contains("policies-loaded"))
        .collect();
    assert_eq!(started.len(), 2);
    assert!(actions[started[1].0 + 1].contains(r#""action":"ask""#));
    hub.stop().await;

    place.edit(agreement, "title = \"Renewed: ", "title = \"Again: ");
    let put_back = Arc::new(Memory::new());
    let rows = old.clone().into_iter().map(|(key, value)| (key.into(), Some(value)));
    put_back.commit(rows.collect()).unwrap();
    let hub = Hub::start(&place, put_back.clone()).await;
    let police = hub.adapter("police");
    head_until(&police, |head| (!head.alarm.is_empty()).then_some(())).await;
    let refusal = refused(
        hub.as_cast("officer-42")
            .ask(question_person(alex(), super::PURPOSE))
            .await,
    );
    assert_eq!(refusal.reason, "HUB_CLOSED");
    hub.stop().await;
    assert!(contents(&*put_back) == old, "it was gone on with");
    assert_eq!(
        witness.refused(),
        0,
        "nothing was signed that could be evidence of a fork"
    );
    served.stop().await;
}

#[tokio::test]
async fn a_witness_remembers_across_a_restart_and_a_hub_on_its_disk_goes_on_with_it() {
    let place = Place::new();
    let key = ledger_key(&place);
    let witness = Witness::new("one.sample/w").await;
    let served = witness.serve(&key).await;
    let line = Line::to(served.address).await;
    settle(&place, &[(&witness, line.address)], "require_witnesses = 1");
    let store: Arc<dyn Store> = Arc::new(Disk::open(&place.folder().join("store")).unwrap());
    let hub = Hub::start(&place, store.clone()).await;
    grow(&hub, 5).await;
    let police = hub.adapter("police");
    let grown = super::size(&police).await;
    head_until(&police, |head| (head.witnesses[0].size == grown).then_some(())).await;
    hub.stop().await;
    line.lead_to(None);
    served.kill().await;
    let served = witness.serve(&key).await;
    line.lead_to(Some(served.address));
    let hub = Hub::start(&place, store).await;
    grow(&hub, 5).await;
    let police = hub.adapter("police");
    let more = super::size(&police).await;
    assert!(more >= grown + 5);
    head_until(&police, |head| (head.witnesses[0].size == more).then_some(())).await;
    hub.stop().await;
    served.stop().await;
}
