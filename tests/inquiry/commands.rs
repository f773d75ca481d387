//! The commands of an officer, as a script and as a person meet them.

use super::asked;
use crate::commands::ALEX;

#[tokio::test]
async fn each_question_is_a_command_that_prints_a_table_or_json() {
    let (home, served) = asked().await;
    let as_igo = async |arguments: &[&str]| home.run(&[arguments, &["--as", "igo-1"]].concat()).await.ended(0);
    let json = async |arguments: &[&str]| as_igo(&[arguments, &["--json"]].concat()).await.json();

    let asked = json(&[
        "ledger",
        "asked-by",
        "--practitioner",
        "housing/officer-42",
        "--since",
        "1h",
    ])
    .await;
    assert_eq!(
        (&asked["counts"][0]["entries"], &asked["counts"][0]["signals"]),
        (&1.into(), &1.into())
    );
    let number = asked["entries"][0]["number"].as_u64().unwrap().to_string();
    let later = json(&[
        "ledger",
        "asked-by",
        "--practitioner",
        "housing/officer-42",
        "--until",
        "1h",
    ])
    .await;
    assert_eq!(later["counts"].as_array().unwrap().len(), 0);
    let left = json(&["ledger", "left-under", "--agreement", "homelessness-prevention"]).await;
    assert_eq!(left["counts"][0]["kind"], "housing.rent-arrears");
    let refused = json(&["ledger", "refusals"]).await;
    assert_eq!(refused["counts"][0]["agency"], "police");
    let without = json(&["ledger", "without-case", "--entries", "1"]).await;
    assert_eq!(
        (
            without["counts"].as_array().unwrap().len(),
            without["entries"].as_array().unwrap().len()
        ),
        (2, 1)
    );
    let near = as_igo(&["ledger", "near-self"]).await.out;
    assert!(near.contains("not known") && near.contains("no verdict"), "{near}");
    let shown = json(&["ledger", "show", &number]).await;
    assert_eq!(shown["recorded"]["action"], "ask");
    assert_eq!(
        (&shown["policies_in_force"], &shown["entry"]["sought"]),
        (&true.into(), &"".into())
    );
    assert!(shown["proof"]["size"].as_u64().unwrap() > number.parse().unwrap());
    let words = as_igo(&["ledger", "show", &number]).await.out;
    assert!(words.contains("Proved to be in the ledger"), "{words}");
    assert!(words.contains("nobody had said anything about sharing it"), "{words}");

    let log = as_igo(&["ledger", "access-log", "--person", ALEX]).await.out;
    assert!(
        log.contains("Sample Homes (housing-officer)") && log.contains("neither confirm nor deny"),
        "{log}"
    );
    assert!(!log.contains("officer-42"), "{log}");
    let nobody = as_igo(&["ledger", "access-log", "--person", "999 000 1022"]).await.out;
    assert!(nobody.contains("nothing that we can tell you of") && nobody.contains("neither confirm nor deny"));
    let saw = json(&["ledger", "who-saw", "--person", ALEX, "--since", "1h", "--all"]).await;
    assert!(saw["entries"].as_array().unwrap().len() >= 3);
    let list = json(&["ledger", "review", "list"]).await;
    assert_eq!(list["held"].as_array().unwrap().len(), 0);
    let unheld = home
        .run(&[
            "ledger",
            "review",
            "release",
            &number,
            "--reason",
            "it is over",
            "--as",
            "igo-1",
        ])
        .await;
    assert!(
        unheld.code != 0 && unheld.error().contains("no such entry is held back"),
        "{unheld:?}"
    );
    let denied = home.run(&["ledger", "refusals", "--as", "officer-42"]).await;
    assert_eq!(denied.code, 1, "{denied:?}");
    served.stop().await;
}
