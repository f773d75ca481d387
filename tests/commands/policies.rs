//! Policies at the command line: what is refused says why and who could lift it, signatures are told without a hub, and a
//! rehearsal decides anew what a hub has recorded.

use std::fs;

use super::{ALEX, ARREARS, PURPOSE, ask};
use crate::program::{Home, placehub};

#[tokio::test]
async fn a_refused_question_says_what_is_not_met_and_who_could_lift_it() {
    let home = Home::new().await;
    let served = home.serve().await;
    let asked = [
        "ask",
        "--as",
        "officer-42",
        "--person",
        ALEX,
        "--purpose",
        PURPOSE,
        "--gateway",
        "care-act-2014-s42",
    ];
    let told = home.run(&asked).await.ended(1);
    assert!(
        told.error().contains("(NOT_PERMITTED)") && told.error().contains("not met: gateway"),
        "{told:?}"
    );
    assert!(told.error().contains("who could lift it: "), "{told:?}");
    let ran = home.run(&[&asked[..], &["--json"]].concat()).await.ended(1);
    let refused = &ran.json()["refused"];
    assert_eq!(
        (&refused["reason"], &refused["unmet"][0]),
        (&"NOT_PERMITTED".into(), &"gateway".into())
    );
    assert!(!refused["remedy"].as_str().unwrap().is_empty() && !refused["law"].as_str().unwrap().is_empty());
    let mistaken = [
        "ask",
        "--as",
        "officer-42",
        "--person",
        ALEX,
        "--purpose",
        "nothing-known",
        "--json",
    ];
    let ran = home.run(&mistaken).await.ended(2);
    assert_eq!(ran.json()["refused"]["reason"], "FIELD_INVALID");
    served.stop().await;
}

#[tokio::test]
async fn signatures_are_checked_by_the_settings_without_a_hub() {
    let home = Home::new().await;
    let config = home.file("placehub.toml");
    let check = ["policy", "check", "--config", &config];
    let signed = placehub(check).await.ended(0);
    assert!(
        signed.out.contains("SIGNED by `") && !signed.out.contains("UNSIGNED"),
        "{signed:?}"
    );
    assert!(signed.out.contains("ask for no signatures"), "{signed:?}");
    home.edit(
        "placehub.toml",
        "require_signatures = false",
        "require_signatures = true",
    );
    placehub(check).await.ended(0);
    fs::remove_file(
        home.path()
            .join("policies/signatures/homelessness-prevention.housing.sig"),
    )
    .unwrap();
    home.edit(
        "policies/agreements/asb-prevention.toml",
        "title = \"",
        "title = \"Changed: ",
    );
    let soon = jiff::Zoned::now().date() + jiff::ToSpan::days(40);
    let file = "policies/agreements/home-from-hospital.toml";
    let text = fs::read_to_string(home.path().join(file)).unwrap();
    let review = text.lines().find(|line| line.starts_with("review_date")).unwrap();
    home.edit(file, review, &format!("review_date = \"{soon}\""));
    let told = placehub(check).await.ended(1);
    for words in [
        "UNSIGNED by `housing`",
        "is of other files or by another key, by `housing`, `police`",
        "lapses in ",
    ] {
        assert!(told.out.contains(words), "{words}: {told:?}");
    }
    let json = placehub(check.into_iter().chain(["--json"])).await.ended(1).json();
    assert_eq!(
        (&json["ok"], &json["signatures_required"]),
        (&false.into(), &true.into())
    );
    let of = |id: &str| {
        json["agreements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(of("asb-prevention")["in_force"], false);
    assert_eq!(of("asb-prevention")["signatures"][0]["is"], "not-of-these-files");
    assert_eq!(of("safeguarding-adults")["signatures"][0]["is"], "signed");
}

#[tokio::test]
async fn a_rehearsal_takes_what_a_hub_has_recorded_as_it_comes() {
    let home = Home::new().await;
    let served = home.serve().await;
    home.run(&ARREARS).await.ended(0);
    let said = [
        "consent",
        "give",
        "--as",
        "officer-42",
        "--person",
        ALEX,
        "--purpose",
        PURPOSE,
    ];
    home.run(&said).await.ended(0);
    for subject in ["officer-42", "adviser-8", "officer-42"] {
        home.run(&ask(subject)).await.ended(0);
    }
    let candidate = home.beside().join("candidate");
    let policies = home.path().join("policies");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([&policies, &candidate])
        .status()
        .unwrap();
    assert!(copied.success());
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
