//! A hub as a process: alone on its store, told to stop by a signal, and silent about people in its log.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
};

use super::{ALEX, ARREARS, CONSENT, PURPOSE, ask};
use crate::program::{Home, collect, command, placehub};

#[tokio::test]
async fn a_second_hub_on_the_same_store_says_that_it_is_in_use() {
    let home = Home::new().await;
    let served = home.serve().await;
    let second = placehub(["serve", "--config", &home.file("placehub.toml")])
        .await
        .ended(3);
    assert!(second.error().ends_with("is in use by another process"), "{second:?}");
    assert_eq!(second.out, "");
    home.run(&ARREARS).await.ended(0);
    served.stop().await;
}

/// An open watch of a housing officer, after its first heartbeat. Its output must be held open to its end.
async fn watching(home: &Home) -> (Child, impl Sized) {
    let text = home.text();
    let mut watch = command("placehub");
    watch.args([
        "watch",
        "--as",
        "officer-42",
        "--person",
        ALEX,
        "--purpose",
        PURPOSE,
        "--json",
        "--home",
        &text,
    ]);
    let mut watch = watch.spawn().unwrap();
    let mut events = BufReader::new(watch.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&events.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!((&first["schema"], &first["event"]), (&1.into(), &"heartbeat".into()));
    (watch, events)
}

#[tokio::test]
async fn a_hub_that_is_told_to_stop_ends_its_watches_with_a_hint_and_then_itself_well() {
    let home = Home::new().await;
    home.edit("placehub.toml", "[limits]\n", "[limits]\nheartbeat_seconds = 1\n");
    let served = home.serve().await;
    let (watch, _out) = watching(&home).await;
    let log = served.stop().await;
    assert!(!log.contains("did not end in time"), "{log}");
    let ended = collect(watch).await.ended(3);
    let told = ended.error();
    assert!(told.contains("HUB_STOPPING") && told.contains("--cursor"), "{told}");
}

#[tokio::test]
async fn a_watch_whose_hub_is_gone_at_once_says_so_in_words_and_tells_how_to_go_on() {
    let home = Home::new().await;
    home.edit("placehub.toml", "[limits]\n", "[limits]\nheartbeat_seconds = 1\n");
    let served = home.serve().await;
    let (watch, _out) = watching(&home).await;
    served.kill().await;
    let ended = collect(watch).await.ended(3);
    let told = ended.error();
    assert!(told.contains("go on with --cursor "), "{told}");
    assert!(
        told.contains("closed the connection without a word") && !told.contains("rustls"),
        "{told}"
    );
}

#[tokio::test]
async fn what_was_pushed_is_there_after_a_stop_and_a_start() {
    let home = Home::new().await;
    let first = home.serve().await;
    home.run(&ARREARS).await.ended(0);
    home.run(&CONSENT).await.ended(0);
    first.stop().await;
    let store = home.file("store");
    let stopped = placehub([
        "ledger",
        "verify",
        "--store",
        &store,
        "--key-file",
        &home.file("ledger.pub"),
    ])
    .await;
    assert!(stopped.ended(0).out.contains("is as it was signed: 3 entries"));
    let second = home.serve().await;
    let asked = home.run(&ask("officer-42")).await.ended(0);
    assert!(asked.out.contains("9 weeks of rent arrears"), "{asked:?}");
    second.stop().await;
}

#[tokio::test]
async fn a_sighup_takes_good_policies_and_leaves_the_old_ones_in_force_before_bad_ones() {
    let home = Home::new().await;
    let mut served = home.serve().await;
    let digest = async || {
        let listed = home.run(&["policy", "list", "--as", "officer-42", "--json"]).await;
        listed.ended(0).json()["digest"].clone()
    };
    let before = digest().await;
    home.edit("policies/agreements/asb-prevention.cedar", "permit", "permits");
    served.signal("HUP").await;
    served.logs("not reloaded").await;
    served.logs("asb-prevention.cedar").await;
    assert_eq!(digest().await, before);
    home.edit("policies/agreements/asb-prevention.cedar", "permits", "permit");
    home.edit(
        "policies/agreements/asb-prevention.toml",
        "title = \"",
        "title = \"Renewed: ",
    );
    served.signal("HUP").await;
    served.logs("issuers' keys, policies ").await;
    assert_ne!(digest().await, before);
    served.stop().await;
}

#[tokio::test]
async fn the_log_of_a_walk_holds_nothing_of_anybody() {
    let home = Home::new().await;
    let served = home.serve_with(&["--log", "debug", "--log-format", "json"]).await;
    home.run(&ARREARS).await.ended(0);
    let named = [
        "--name",
        "Alex Sample",
        "--born",
        "1958-03-14",
        "--postcode",
        "WN99 9AA",
    ];
    let reason = ["--purpose", PURPOSE, "--case", "CASE-4711"];
    home.run(
        &[
            &[
                "consent",
                "give",
                "--as",
                "officer-42",
                "--purpose",
                PURPOSE,
                "--nhs",
                ALEX,
            ][..],
            &named,
        ]
        .concat(),
    )
    .await
    .ended(0);
    home.run(&[&["ask", "--as", "officer-42", "--nhs", ALEX][..], &named, &reason].concat())
        .await
        .ended(0);
    home.run(&[&["ask", "--as", "officer-42"][..], &named, &reason].concat())
        .await
        .ended(0);
    home.run(&[&["ask", "--as", "officer-17"][..], &named, &reason].concat())
        .await
        .ended(1);
    home.run(&[
        "ask",
        "--as",
        "officer-42",
        "--person",
        "999 000 1007",
        "--purpose",
        PURPOSE,
    ])
    .await
    .ended(2);
    home.run(&[
        "ask",
        "--as",
        "officer-17",
        "--address",
        "999000000101",
        "--purpose",
        "asb-prevention",
    ])
    .await;
    home.run(&["ledger", "who-saw", "--as", "igo-1", "--person", ALEX])
        .await
        .ended(0);
    let token = home.run(&["token", "--as", "officer-42"]).await.ended(0).out;
    let claims = token.split('.').nth(1).unwrap();
    home.run(&[
        "consent",
        "show",
        "--agency",
        "housing",
        "--person",
        ALEX,
        "--token",
        token.trim(),
    ])
    .await
    .ended(0);
    let log = served.stop().await;
    assert!(
        log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{log}"
    );
    assert!(log.contains("stopped"), "nothing was logged");
    let needles = [
        "9990001006",
        "999 000 1006",
        "9990001007",
        "999 000 1007",
        "Sample",
        "Alex",
        "1958-03-14",
        "WN99",
        "WN999AA",
        "999000000101",
        "weeks of rent",
        "CASE-4711",
        claims,
    ];
    for needle in needles {
        let found = log
            .lines()
            .find(|line| line.to_lowercase().contains(&needle.to_lowercase()));
        assert_eq!(found, None, "{needle}");
    }
}
