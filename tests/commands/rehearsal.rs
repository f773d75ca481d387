//! A rehearsal of other policies on what a hub recorded: asked of the hub, and of what was exported from it.

use std::fs;

use serde_json::Value;

use super::{ARREARS, CONSENT, ask as ask_about_alex};
use crate::{
    harness::copy,
    program::{Home, Ran},
};

const HOME: &str = "999000000101";
const ASB: &str = "agreements/asb-prevention.cedar";
const CONDITION: &str = "when { resource.severity >= 2 }\n";

/// A hub at which a housing officer has asked about a quiet incident, which is shown at the headline; and the number of
/// the entry.
async fn asked(home: &Home) -> u64 {
    let push = [
        "push",
        "--agency",
        "police",
        "--kind",
        "police.asb-incident",
        "--system",
        "log",
        "--id",
        "A-1",
        "--uprn",
        HOME,
        "--severity",
        "low",
        "--summary",
        "music at night",
    ];
    home.run(&push).await.ended(0);
    let ask = [
        "ask",
        "--as",
        "officer-42",
        "--address",
        HOME,
        "--purpose",
        "asb-prevention",
        "--gateway",
        "cda-1998-s115",
        "--json",
    ];
    let answer = home.run(&ask).await.ended(0).json();
    assert_eq!(answer["signals"][0]["level"], "headline", "{answer}");
    answer["ledger_entries"][0].as_u64().unwrap()
}

/// The policies of a home, with one rule's condition replaced, in a folder beside it.
fn candidate(home: &Home, name: &str, instead: &str) -> String {
    let folder = home.beside().join(name);
    copy(&home.path().join("policies"), &folder);
    let file = folder.join(ASB);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(CONDITION));
    fs::write(file, text.replacen(CONDITION, instead, 1)).unwrap();
    folder.display().to_string()
}

/// The one change that a rehearsal tells: what was and what would be shown, and in which entries.
fn only(ran: Ran, of: &str) -> (Value, Value, Vec<u64>) {
    let report = ran.ended(1).json();
    let other = if of == "gains" { "losses" } else { "gains" };
    assert_eq!(
        (
            report[of].as_array().unwrap().len(),
            report[other].as_array().unwrap().len()
        ),
        (1, 0),
        "{report}"
    );
    let change = &report[of][0];
    assert_eq!(
        (&change["agency"], &change["kind"], &change["signals"]),
        (&"housing".into(), &"police.asb-incident".into(), &1.into())
    );
    let entries = change["entries"].as_array().unwrap().iter();
    let entries = entries.map(|entry| entry.as_u64().unwrap()).collect();
    (change["was"].clone(), change["would_be"].clone(), entries)
}

#[tokio::test]
async fn a_rehearsal_says_who_gains_who_loses_and_in_which_entries_from_a_hub_or_an_export() {
    let home = Home::new().await;
    let served = home.serve().await;
    let entry = asked(&home).await;
    assert!(entry > 0);
    let (same, wider, narrower) = (
        candidate(&home, "same", CONDITION),
        candidate(&home, "wider", ""),
        candidate(
            &home,
            "narrower",
            "when { resource.severity >= 2 };\n\n@id(\"asb-prevention-none\")\n\
            @agreement(\"asb-prevention\")\n@reason(\"No incidents.\")\nforbid (principal, action, resource is Placehub::Signal)\n\
            when { resource.kind == Placehub::Kind::\"police.asb-incident\" }\n",
        ),
    );
    let at_hub = async |candidate: &str, further: &[&str]| {
        let arguments = [
            "policy",
            "rehearse",
            "--as",
            "igo-1",
            "--json",
            "--candidate",
            candidate,
        ];
        home.run(&[&arguments[..], further].concat()).await
    };
    let none = at_hub(&same, &[]).await.ended(0).json();
    assert_eq!((&none["same"], &none["decisions"]), (&true.into(), &1.into()));
    assert_eq!(
        only(at_hub(&wider, &[]).await, "gains"),
        ("headline".into(), "detail".into(), vec![entry])
    );
    assert_eq!(
        only(at_hub(&narrower, &[]).await, "losses"),
        ("headline".into(), "nothing".into(), vec![entry])
    );
    let long_ago = at_hub(&wider, &["--since", "2026-01-01"]).await;
    assert_eq!(only(long_ago, "gains").2, [entry]);
    let words = home
        .run(&["policy", "rehearse", "--as", "igo-1", "--candidate", &wider])
        .await
        .ended(1)
        .out;
    assert!(words.contains("GAINS") && words.contains(&entry.to_string()), "{words}");

    let exported = home.run(&["ledger", "export", "--as", "igo-1"]).await.ended(0).out;
    let (_, after_the_first) = exported.split_once('\n').unwrap();
    let bare: Vec<String> = exported
        .lines()
        .map(|line| {
            let entry = line.split_once("\"entry\":").unwrap().1;
            entry.strip_suffix('}').unwrap().to_owned()
        })
        .collect();
    for (name, text) in [
        ("whole", exported.as_str()),
        ("begins later", after_the_first),
        ("bare", &bare.join("\n")),
    ] {
        let file = home.beside().join("entries.jsonl");
        fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let gained = only(at_hub(&wider, &["--ledger", &file]).await, "gains");
        assert_eq!(gained, ("headline".into(), "detail".into(), vec![entry]), "{name}");
        at_hub(&same, &["--ledger", &file]).await.ended(0);
        let later = at_hub(&wider, &["--ledger", &file, "--since", "2999-01-01"]).await;
        assert_eq!(later.ended(0).json()["decisions"], 0);
    }
    let file = home.beside().join("entries.jsonl");
    fs::write(&file, "{\"number\":7,\"entry\":{\"v\":1}}").unwrap();
    let broken = at_hub(&wider, &["--ledger", &file.display().to_string()])
        .await
        .ended(2);
    assert!(
        broken.error().contains("is no entry of a ledger") && broken.error().contains("missing field"),
        "{broken:?}"
    );
    served.stop().await;
}

#[tokio::test]
async fn a_rehearsal_takes_what_a_hub_has_recorded_as_it_comes() {
    let home = Home::new().await;
    let served = home.serve().await;
    home.run(&ARREARS).await.ended(0);
    home.run(&CONSENT).await.ended(0);
    for subject in ["officer-42", "adviser-8", "officer-42"] {
        home.run(&ask_about_alex(subject)).await.ended(0);
    }
    let candidate = home.beside().join("candidate");
    copy(&home.path().join("policies"), &candidate);
    let dir = candidate.display().to_string();
    let rehearse = ["policy", "rehearse", "--as", "igo-1", "--candidate", &dir, "--json"];
    let same = home.run(&rehearse).await.ended(0).json();
    assert_eq!((&same["same"], &same["decisions"]), (&true.into(), &3.into()));
    assert!(same["entries"].as_u64().unwrap() >= 6, "{same}");
    let file = candidate.join("agreements/homelessness-prevention.cedar");
    let text = fs::read_to_string(&file).unwrap();
    let consent = "context.consent == \"given\"";
    assert!(text.contains(consent));
    fs::write(
        &file,
        text.replace(consent, &format!("{consent} && resource.severity > 9")),
    )
    .unwrap();
    let less = home.run(&rehearse).await.ended(1).json();
    let losses = less["losses"].as_array().unwrap();
    assert!(
        losses
            .iter()
            .any(|loss| loss["agency"] == "welfare" && loss["questions"] == 1),
        "{less}"
    );
    served.stop().await;
}
