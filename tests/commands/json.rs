//! What scripts read: every command that prints data prints one JSON document of schema 1 when asked to.

use jiff::ToSpan as _;
use placehub_hub::clock::{Clock as _, SystemClock};
use serde_json::Value;

use super::{ALEX, ARREARS, PURPOSE, ask};
use crate::program::{Home, placehub, repository};

#[tokio::test]
async fn every_command_that_prints_data_prints_it_as_json_of_schema_1() {
    let home = Home::empty();
    let made = placehub(["init", &home.text(), "--listen", "127.0.0.1:0", "--json"]).await;
    let made = made.ended(0).json();
    assert_eq!(made["place"], "wigan.placehub.example");
    assert_eq!(made["config"], home.file("placehub.toml"));
    home.renew();
    let served = home.serve().await;
    let data = async |arguments: &[&str]| {
        let arguments = [arguments, &["--json"]].concat();
        home.run(&arguments).await.ended(0).json()
    };

    let token = data(&["token", "--as", "officer-42"]).await;
    assert_eq!(token["token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(data(&["doctor", "--as", "officer-42"]).await["ok"], true);

    let yesterday = (SystemClock.now() - 24.hours()).to_string();
    let push = [&ARREARS[..], &["--occurred", &yesterday]].concat();
    let pushed = data(&push).await;
    assert_eq!(pushed["outcome"], "recorded");
    let again = data(&push).await;
    assert_eq!(
        (&again["outcome"], &again["signal_id"]),
        (&"already known".into(), &pushed["signal_id"])
    );

    let consent = ["--as", "officer-42", "--person", ALEX];
    let given = data(&[&["consent", "give", "--purpose", PURPOSE][..], &consent].concat()).await;
    assert!(given["ledger_entry"].is_u64(), "{given}");
    let shown = data(&[&["consent", "show"][..], &consent].concat()).await;
    let statements: &Vec<Value> = shown["consents"].as_array().unwrap();
    assert_eq!((statements.len(), &statements[0]["stance"]), (1, &"given".into()));

    let answer = data(&ask("officer-42")).await;
    assert_eq!(answer["signals"][0]["id"], pushed["signal_id"]);
    assert_eq!(answer["signals"][0]["level"], "detail");
    let asked = answer["ledger_entries"][0].as_u64().unwrap();

    let entries = data(&["ledger", "list", "--as", "igo-1", "--all"]).await;
    let of_ask = |entries: &Value| {
        let entries = entries["entries"].as_array().unwrap();
        entries
            .iter()
            .any(|entry| entry["number"] == asked && entry["practitioner"] == "officer-42")
    };
    assert!(of_ask(&entries), "{entries}");
    let saw = data(&["ledger", "who-saw", "--as", "igo-1", "--person", ALEX]).await;
    assert!(of_ask(&saw), "{saw}");
    let verified = data(&["ledger", "verify", "--as", "igo-1"]).await;
    assert_eq!(verified["ok"], true);
    assert!(verified["size"].as_u64().unwrap() > asked);

    let explained = data(&[
        "policy",
        "explain",
        "--as",
        "officer-42",
        "--subject",
        "person",
        "--purpose",
        PURPOSE,
    ])
    .await;
    assert_eq!(
        (&explained["allowed"], &explained["agreements"][0]),
        (&true.into(), &PURPOSE.into())
    );
    let law = explained["asking_rules"][0]["law"].as_str().unwrap();
    assert!(law.starts_with("Common law duty of confidentiality"), "{law}");
    let listed = data(&["policy", "list", "--as", "officer-42"]).await;
    assert_eq!(listed["agreements"].as_array().unwrap().len(), 5);
    served.stop().await;
}

#[tokio::test]
async fn an_explanation_tells_people_what_scripts_are_told() {
    let home = Home::new().await;
    let served = home.serve().await;
    let question = [
        "policy",
        "explain",
        "--as",
        "officer-42",
        "--subject",
        "person",
        "--purpose",
        PURPOSE,
    ];
    let told = home.run(&question).await.ended(0).out;
    for words in [
        "would be taken under homelessness-prevention:",
        "homelessness-prevention-ask-person: ",
        "Without consent:",
        "Not met: consent not given",
        "Who could lift it: the person, by giving consent that covers this question",
        "Nearest rule: homelessness-prevention-",
        "Law: Common law duty of confidentiality",
        "Who could lift it: the parties, by an agreement that opens this kind",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    served.stop().await;
}

#[tokio::test]
async fn what_needs_no_hub_prints_json_too() {
    let home = Home::new().await;
    let checked = placehub(["check-config", "--config", &home.file("placehub.toml"), "--json"]).await;
    assert_eq!(checked.ended(0).json()["ok"], true);
    let policies = repository().join("policies").display().to_string();
    let checked = placehub(["policy", "check", &policies, "--json"]).await.ended(0).json();
    assert_eq!(
        (&checked["ok"], checked["agreements"].as_array().unwrap().len()),
        (&true.into(), 5)
    );
}

#[tokio::test]
async fn a_file_of_drafts_is_pushed_as_one_and_reported_as_one() {
    let home = Home::new().await;
    let served = home.serve().await;
    let arrears = repository().join("adapters/housing/samples/arrears.expected.json");
    let text = std::fs::read_to_string(arrears).unwrap();
    let mut drafts: Vec<Value> = serde_json::from_str(&text).unwrap();
    for draft in &mut drafts {
        if let Some(inner) = draft.get("draft") {
            *draft = inner.clone();
        }
        draft["occurred_at"] = "2020-01-01T00:00:00Z".into();
    }
    drafts[1]["uprn"] = "not digits".into();
    let file = home.beside().join("drafts.json");
    std::fs::write(&file, Value::from(drafts).to_string()).unwrap();
    let file = file.display().to_string();
    let ran = home
        .run(&["push", &file, "--agency", "housing", "--json"])
        .await
        .ended(1);
    let report = ran.json();
    assert_eq!(
        (&report["taken"], &report["recorded"]),
        (&3.into(), &2.into()),
        "{report}"
    );
    let refused = &report["refused"][0];
    assert!(refused["origin"].as_str().unwrap().ends_with("item 2"), "{refused}");
    assert_eq!(refused["violations"][0]["field"], "signal.uprn");
    assert!(!ran.out.contains("not digits"));
    served.stop().await;
}
