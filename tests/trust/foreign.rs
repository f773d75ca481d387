//! Programs that nobody here wrote judge our heads and proofs, and cosign them: Go's `sumdb/note` and `tlog`, and the
//! Python packages aics-tlog and aics-witness. Where they are not installed, the tests say so and prove nothing.

use std::{fs, process::Stdio, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use placehub_hub::{ledger::Signer, store::Memory};
use placehub_ledger::{
    Checkpoint, VerifierKey, WitnessKey,
    tree::{leaf_hash, root_of},
};
use placehub_proto::v1::{ProveConsistencyRequest, ProveInclusionRequest};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

use super::{grow, head_until, opened};
use crate::{
    harness::{Hub, Place},
    program::{collect, finish, setting},
};

/// What is given to a verifier, what it should say, and why.
struct Case {
    given: Value,
    good: bool,
    what: String,
}

/// Good heads and proofs of a hub, and each of them changed.
async fn cases() -> Vec<Case> {
    let hub = Hub::fresh().await;
    let (igo, police, key) = (hub.as_cast("igo-1"), hub.adapter("police"), hub.ledger_key.clone());
    let mut cases = Vec::new();
    let mut add = |given: Value, good: bool, what: &str| {
        cases.push(Case {
            given,
            good,
            what: what.to_owned(),
        })
    };
    grow(&hub, 11).await;
    let old = police.head().await.unwrap().checkpoint;
    grow(&hub, 26).await;
    let head = |note: &str| json!({ "sort": "head", "key": key, "note": note });
    add(head(&old), true, "a head");
    // The last character of the signature, before `=` and the line's end, has two bits that are of no byte: others than we
    // do not look at them.
    let idle = old.len() - 3;
    for place in (0..old.len()).filter(|place| *place != idle) {
        let mut bytes = old.clone().into_bytes();
        bytes[place] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            add(head(&changed), false, "a head with a byte changed");
        }
    }
    add(
        head(old.get(..old.len() - 9).unwrap()),
        false,
        "a head that was cut off",
    );

    for number in [0, 1, 17, 36] {
        let request = ProveInclusionRequest { number, size: 0 };
        let proof = igo.ledger.clone().prove_inclusion(request).await.unwrap().into_inner();
        let entry = String::from_utf8(proof.entry).unwrap();
        let hashes: Vec<String> = proof.hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        let given = |entry: &str, number: u64, hashes: &[String]| {
            json!({
                "sort": "inclusion", "key": key, "note": proof.checkpoint, "entry": entry, "number": number,
                "hashes": hashes,
            })
        };
        add(given(&entry, number, &hashes), true, "an entry");
        add(
            given(&entry.replacen("at", "aT", 1), number, &hashes),
            false,
            "an entry with a byte changed",
        );
        add(given(&entry, number + 1, &hashes), false, "an entry in another place");
        add(given(&entry, number, &hashes[1..]), false, "a proof that was cut off");
        let mut changed = proof.hashes.clone();
        changed[0][5] ^= 1;
        let changed: Vec<String> = changed.iter().map(|hash| STANDARD.encode(hash)).collect();
        add(given(&entry, number, &changed), false, "a proof with a byte changed");
    }

    let from = Checkpoint::read_unverified(&old).unwrap();
    let request = ProveConsistencyRequest { from: from.size, to: 0 };
    let proof = igo
        .ledger
        .clone()
        .prove_consistency(request)
        .await
        .unwrap()
        .into_inner();
    let hashes: Vec<String> = proof.hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
    let given = |old: &str, note: &str, hashes: &[String]| json!({ "sort": "growth", "key": key, "old": old, "note": note, "hashes": hashes });
    add(given(&old, &proof.checkpoint, &hashes), true, "growth");
    add(
        given(&proof.checkpoint, &old, &hashes),
        false,
        "a ledger that was put back",
    );
    add(
        given(&old, &proof.checkpoint, &hashes[1..]),
        false,
        "growth with a proof that was cut off",
    );
    // Whoever holds the hub's key can sign another history, and is found out here.
    let bytes = fs::read(hub.place.folder().join("ledger.key")).unwrap();
    let signer = Signer::from_pkcs8(&hub.place.config().node, &bytes).unwrap();
    let (mut entries, _) = igo.export().await.unwrap();
    entries.truncate(usize::try_from(proof.to).unwrap());
    entries[4] = entries[5].clone();
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let forked = Checkpoint::sign(&signer, proof.to, &root_of(&leaves));
    add(head(&forked), true, "the head of a fork, by itself");
    add(given(&old, &forked, &hashes), false, "a fork");
    hub.stop().await;
    cases
}

/// Has a verifier judge the cases, and requires that it says of each what is true.
async fn judged(mut verifier: Command) {
    let cases = cases().await;
    let given: Vec<&Value> = cases.iter().map(|case| &case.given).collect();
    verifier
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = verifier.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = serde_json::to_vec(&given).unwrap();
    let writing = tokio::spawn(async move { input.write_all(&text).await });
    let said: Vec<bool> = serde_json::from_str(&collect(child).await.ended(0).out).unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(said.len(), cases.len());
    for (case, said) in cases.iter().zip(said) {
        assert_eq!(said, case.good, "{}: {}", case.what, case.given);
    }
}

#[tokio::test]
async fn gos_own_notes_and_logs_accept_what_the_hub_says_and_nothing_that_was_changed() {
    match setting("PLACEHUB_TEST_GO_VERIFIER") {
        Some(program) => judged(Command::new(program)).await,
        None => eprintln!("skipped: no Go verifier. PLACEHUB_TEST_GO_VERIFIER names tests/trust/verifier.go, built"),
    }
}

#[tokio::test]
async fn a_python_verifier_accepts_what_the_hub_says_and_nothing_that_was_changed() {
    let Some(python) = python() else { return };
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/trust/verifier.py"));
    judged(command).await;
}

#[tokio::test]
async fn a_witness_that_nobody_here_wrote_cosigns_the_hubs_ledger() {
    let Some(python) = python() else { return };
    let place = Place::new();
    let bytes = fs::read(place.folder().join("ledger.key")).unwrap();
    let signer = Signer::from_pkcs8(&place.config().node, &bytes).unwrap();
    let key = signer.verifier_key().to_string();
    let config = place.folder().join("witness.json").display().to_string();
    let witness = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command
            .args(["-m", "aics_witness"])
            .args(arguments)
            .args(["--config", &config]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    };
    let made = finish(&mut witness(&[
        "init",
        "--name",
        "foreign.sample/w",
        "--listen",
        "127.0.0.1:0",
    ]))
    .await
    .ended(0);
    let named = made
        .out
        .split_whitespace()
        .find_map(|word| word.parse::<WitnessKey>().ok());
    let witness_key = named.expect("it prints its key");
    let origin = signer.verifier_key().name().to_owned();
    finish(&mut witness(&["add-log", "--origin", &origin, "--vkey", &key]))
        .await
        .ended(0);
    let mut serving = witness(&["serve"]).spawn().unwrap();
    let mut log = BufReader::new(serving.stderr.take().unwrap()).lines();
    let url = loop {
        let line = log.next_line().await.unwrap().expect("it says where it listens");
        if let Some((_, rest)) = line.split_once("listening on ") {
            break rest.split(' ').next().unwrap().to_owned();
        }
    };
    let ledger =
        format!("ledger = {{ require_witnesses = 1, witness = [{{ url = \"{url}\", key = \"{witness_key}\" }}] }}");
    place.edit("placehub.toml", "limits =", &format!("{ledger}\nlimits ="));
    let hub = Hub::start(&place, Arc::new(Memory::new())).await;
    let (log_key, police): (VerifierKey, _) = (key.parse().unwrap(), hub.adapter("police"));
    let mut size = super::size(&police).await;
    for entries in [1, 6, 30] {
        grow(&hub, entries).await;
        size += u64::from(entries);
        let note = head_until(&police, |head| {
            let there = !head.witnessed.is_empty() && opened(&head.witnessed, &log_key).size == size;
            there.then(|| head.witnessed.clone())
        })
        .await;
        assert!(witness_key.seen(&note).unwrap().is_some());
    }
    hub.stop().await;
    serving.kill().await.unwrap();
}

fn python() -> Option<String> {
    let named = setting("PLACEHUB_TEST_TLOG_PYTHON");
    if named.is_none() {
        eprintln!("skipped: PLACEHUB_TEST_TLOG_PYTHON names a Python with the packages aics-tlog and aics-witness");
    }
    named
}
