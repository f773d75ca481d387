//! How commands end: 1 for a no, 2 for what cannot be meant, 3 for a hub that is away, each with one sentence.

use tokio::net::TcpSocket;

use super::{ALEX, ARREARS, PURPOSE, ask};
use crate::program::{Home, placehub};

#[tokio::test]
async fn a_refused_question_ends_with_1_and_the_reason() {
    let home = Home::new().await;
    let served = home.serve().await;
    for (subject, purpose, reason) in [
        ("officer-17", PURPOSE, "NOT_PERMITTED"),
        ("officer-42", "asb-prevention", "NOT_PERMITTED"),
    ] {
        let ran = home
            .run(&["ask", "--as", subject, "--person", ALEX, "--purpose", purpose])
            .await
            .ended(1);
        assert!(ran.error().contains(reason), "{ran:?}");
        assert_eq!(ran.out, "");
    }
    let stolen = [&ask("officer-42")[..], &["--agency", "police"]].concat();
    assert!(home.run(&stolen).await.ended(1).error().contains("TOKEN_"));
    let without = home
        .run(&["ask", "--agency", "housing", "--person", ALEX, "--purpose", PURPOSE])
        .await;
    assert!(without.ended(1).error().contains("TOKEN_MISSING"));
    let foreign = ARREARS.map(|word| if word == "housing" { "police" } else { word });
    assert!(home.run(&foreign).await.ended(1).error().contains("KIND_NOT_YOURS"));
    served.stop().await;
}

#[tokio::test]
async fn what_cannot_be_meant_ends_with_2_and_names_the_flag_or_field() {
    let home = Home::new().await;
    let served = home.serve().await;
    let officer = ["ask", "--as", "officer-42"];
    let cases: [(&[&str], &str); 8] = [
        (&["--purpose", PURPOSE], "about whom or where?"),
        (
            &["--person", ALEX, "--address", "999000000101", "--purpose", PURPOSE],
            "one thing",
        ),
        (&["--person", ALEX, "--purpose", "curiosity"], "question.purpose"),
        (&["--person", "999 000 1007", "--purpose", PURPOSE], "nhs_number"),
        (
            &["--area", "central", "--since", "yesterday", "--purpose", PURPOSE],
            "`--since`",
        ),
        (&["--area", "central", "--purpose", PURPOSE], "since"),
        (&["--name", "Sample", "--purpose", PURPOSE], "`--name`"),
        (
            &["--person", ALEX, "--purpose", PURPOSE, "--page-token", "forged"],
            "PAGE_TOKEN_INVALID",
        ),
    ];
    for (arguments, names) in cases {
        let ran = home.run(&[&officer[..], arguments].concat()).await.ended(2);
        assert!(ran.error().contains(names), "{names}: {ran:?}");
        assert!(!ran.err.contains("1007"), "a personal value is repeated: {ran:?}");
    }
    let nobody = home
        .run(&["ask", "--as", "officer-99", "--person", ALEX, "--purpose", PURPOSE])
        .await;
    assert!(
        nobody.ended(2).error().contains("officer-42"),
        "the names that there are"
    );
    served.stop().await;
    for wrong in [
        &["ask", "--hub"][..],
        &["ask", "--no-such-flag"],
        &["no-such-command"],
        &[],
    ] {
        let ran = placehub(wrong).await.ended(2);
        assert!(ran.err.contains("--help"), "{ran:?}");
    }
    let nowhere = placehub(["ask", "--person", ALEX, "--purpose", PURPOSE]).await.ended(2);
    assert!(nowhere.error().contains("--home"), "{nowhere:?}");
}

#[tokio::test]
async fn a_hub_that_is_away_ends_with_3() {
    let home = Home::new().await;
    // Bound and not listening: nobody else can take the port, and nobody answers on it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    home.point_at(socket.local_addr().unwrap());
    let asked = ask("officer-42");
    let commands: [&[&str]; 4] = [
        &ARREARS,
        &asked,
        &["consent", "show", "--as", "officer-42", "--person", ALEX],
        &["ledger", "verify", "--as", "igo-1"],
    ];
    for command in commands {
        let ran = home.run(command).await.ended(3);
        assert!(ran.error().ends_with("is not listening"), "{ran:?}");
    }
}

#[tokio::test]
async fn init_writes_nothing_into_a_folder_that_holds_anything() {
    let home = Home::empty();
    std::fs::create_dir(home.path()).unwrap();
    std::fs::write(home.path().join("notes"), "mine").unwrap();
    let refused = placehub(["init", &home.text()]).await.ended(2);
    assert!(refused.error().contains("is not empty"), "{refused:?}");
    let left: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["notes"]);
    std::fs::remove_file(home.path().join("notes")).unwrap();
    placehub(["init", &home.text()]).await.ended(0);
}

#[tokio::test]
async fn bash_gets_completions_of_every_command() {
    let printed = placehub(["completions", "bash"]).await.ended(0).out;
    for command in [
        "ask",
        "check-config",
        "consent",
        "demo",
        "doctor",
        "init",
        "ledger",
        "policy",
        "push",
        "serve",
        "watch",
    ] {
        assert!(printed.contains(&format!("placehub,{command})")), "{command}");
    }
    assert!(printed.contains("complete -F _placehub"));
}

#[tokio::test]
async fn a_refused_question_says_what_is_not_met_and_who_could_lift_it() {
    let home = Home::new().await;
    let served = home.serve().await;
    let asked = [&ask("officer-42")[..], &["--gateway", "care-act-2014-s42"]].concat();
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
    let [purpose @ .., _] = ask("officer-42");
    let mistaken = [&purpose[..], &["nothing-known", "--json"]].concat();
    let ran = home.run(&mistaken).await.ended(2);
    assert_eq!(ran.json()["refused"]["reason"], "FIELD_INVALID");
    served.stop().await;
}
