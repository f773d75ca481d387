//! Checking before serving: what is wrong is told with its file, its setting and its rule.

use std::fs;

use crate::program::{Home, placehub};

#[tokio::test]
async fn a_broken_setting_is_told_by_file_key_and_rule() {
    let home = Home::new().await;
    let config = home.file("placehub.toml");
    let whole = fs::read_to_string(&config).unwrap();
    let cases = [
        (
            "[limits]\n",
            "[limits]\ndrain_seconds = 0\n",
            "`limits.drain_seconds`",
            "must be from 1 to 600",
        ),
        (
            "[limits]\n",
            "[limits]\nhearbeat_seconds = 5\n",
            "hearbeat_seconds",
            "unknown field",
        ),
        (
            "audience = ",
            "audience = \"\" # ",
            "`tokens.audience`",
            "must not be empty",
        ),
        ("[store]\nfolder", "[store]\nfolders", "folders", "unknown field"),
    ];
    for (old, new, key, rule) in cases {
        home.edit("placehub.toml", old, new);
        for command in ["check-config", "serve"] {
            let ran = placehub([command, "--config", &config]).await;
            let told = format!("{}{}", ran.out, ran.err);
            for part in [config.as_str(), key, rule] {
                assert!(told.contains(part), "{command} does not say {part}: {ran:?}");
            }
            assert_eq!(ran.code, if command == "serve" { 2 } else { 1 }, "{ran:?}");
        }
        fs::write(&config, &whole).unwrap();
    }
    placehub(["check-config", "--config", &config]).await.ended(0);
}

#[tokio::test]
async fn everything_that_the_configuration_names_is_looked_at_and_told_at_once() {
    let home = Home::new().await;
    fs::remove_file(home.path().join("keys/ledger.key")).unwrap();
    fs::write(home.path().join("places/areas.csv"), "not a table").unwrap();
    fs::remove_file(home.path().join("pki/issuers/police.jwks.json")).unwrap();
    let config = home.file("placehub.toml");
    let ran = placehub(["check-config", "--config", &config, "--json"]).await.ended(1);
    let told = ran.json();
    let faults: Vec<String> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .map(|check| {
            format!(
                "{}: {}",
                check["check"].as_str().unwrap(),
                check["found"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    for (check, file) in [
        ("agencies", "police"),
        ("ledger key", "ledger.key"),
        ("place", "areas.csv"),
    ] {
        let named = faults
            .iter()
            .any(|fault| fault.starts_with(check) && fault.contains(file));
        assert!(named, "{check}, {file}: {faults:?}");
    }
}

#[tokio::test]
async fn a_bad_policy_is_told_by_file_and_keeps_a_hub_from_starting() {
    let home = Home::new().await;
    let policies = home.file("policies");
    let well = placehub(["policy", "check", &policies]).await.ended(0);
    assert!(well.out.contains("rules in 5 agreements, all well"), "{well:?}");
    let agreement = "policies/agreements/asb-prevention.cedar";
    let whole = fs::read_to_string(home.path().join(agreement)).unwrap();
    for (old, new) in [
        ("permit", "permits"),
        ("principal", "principle"),
        ("resource", "resource.nothing"),
    ] {
        fs::write(home.path().join(agreement), whole.replacen(old, new, 1)).unwrap();
        let bad = placehub(["policy", "check", &policies]).await.ended(1);
        assert!(bad.out.contains("asb-prevention.cedar"), "{bad:?}");
        let serve = placehub(["serve", "--config", &home.file("placehub.toml")])
            .await
            .ended(3);
        assert!(serve.error().contains("asb-prevention.cedar"), "{serve:?}");
    }
}
