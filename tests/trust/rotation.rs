//! A change of the ledger's key, from the command to those who know only the old one.

use std::fs;

use super::{carry, live, lived, verify};
use crate::program::{Home, placehub};

#[tokio::test]
async fn who_knows_only_the_old_key_follows_to_the_new_one() {
    let home = Home::new().await;
    let served = home.serve().await;
    live(&home, 2).await;
    let kept = home.beside().join("kept");
    let head = home.run(&["ledger", "checkpoint", "--agency", "police"]).await;
    fs::write(&kept, head.ended(0).out).unwrap();
    let kept = kept.display().to_string();
    served.stop().await;
    let old = home.beside().join("old.pub");
    fs::copy(home.path().join("ledger.pub"), &old).unwrap();
    let before = fs::read(home.path().join("keys/ledger.key")).unwrap();

    let config = home.file("placehub.toml");
    let changed = placehub(["ledger", "rotate-key", "--config", &config, "--json"])
        .await
        .ended(0)
        .json();
    assert_ne!(changed["from"], changed["to"]);
    assert_eq!(
        fs::read_to_string(home.path().join("ledger.pub")).unwrap().trim(),
        changed["to"]
    );
    assert_ne!(fs::read(home.path().join("keys/ledger.key")).unwrap(), before);
    assert!(!home.path().join("keys/ledger.key.new").exists());

    let served = home.serve().await;
    live(&home, 2).await;
    let folder = carry(&home, "rotated").await;
    home.run(&["ledger", "verify", "--as", "igo-1"]).await.ended(0);
    let (old, new) = (old.display().to_string(), home.file("ledger.pub"));
    for key in [&old, &new] {
        assert_eq!(verify(&folder, key, &[]).await.ended(0).json()["changes_of_key"], 1);
        // A key may be given as it is.
        let text = fs::read_to_string(key).unwrap();
        verify(&folder, text.trim(), &[]).await.ended(0);
    }
    // One head or proof tells nothing of changes: for those, each key that is trusted is named.
    for (keys, code) in [
        (vec![&old], 2),
        (vec![&new], 0),
        (vec![&old, &new], 0),
        (vec![&new, &old], 0),
    ] {
        for question in [
            vec!["ledger", "prove", "--entry", "1"],
            vec!["ledger", "show", "1"],
            vec!["ledger", "consistency", "--since", kept.as_str()],
        ] {
            let named = keys.iter().flat_map(|key| ["--key-file", key.as_str()]);
            let arguments: Vec<_> = question.into_iter().chain(["--as", "igo-1"]).chain(named).collect();
            // The head that was kept is one of the old key, so that growth from it takes both.
            let code = if arguments[1] == "consistency" && keys.len() == 1 {
                2
            } else {
                code
            };
            let ran = home.run(&arguments).await.ended(code);
            assert!(code == 0 || ran.error().contains("signed by another key"), "{ran:?}");
        }
    }
    served.stop().await;
    let handover = fs::read_dir(folder.join("handovers"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let misnamed = handover.with_file_name("00000000000000000001");
    fs::rename(&handover, &misnamed).unwrap();
    verify(&folder, &new, &[]).await.ended(2);
    fs::rename(&misnamed, &handover).unwrap();
    let handovers = fs::read_dir(folder.join("handovers")).unwrap();
    handovers.for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    verify(&folder, &new, &[]).await.ended(0);
    verify(&folder, &old, &[]).await.ended(1);

    // The old key is out of force: no hub goes on with it, though it too has signed the handover.
    placehub(["ledger", "rotate-key", "--config", &config]).await.ended(0);
    let newest = fs::read(home.path().join("keys/ledger.key")).unwrap();
    fs::write(home.path().join("keys/ledger.key"), &before).unwrap();
    let serve = placehub(["serve", "--config", &config]).await;
    assert_eq!(serve.code, 3, "{serve:?}");
    fs::write(home.path().join("keys/ledger.key"), newest).unwrap();
    home.serve().await.stop().await;
}

#[tokio::test]
async fn a_change_of_keys_that_was_cut_short_goes_on_where_it_stopped() {
    let home = Home::new().await;
    lived(&home, 1).await;
    let (key, draft) = (
        home.path().join("keys/ledger.key"),
        home.path().join("keys/ledger.key.new"),
    );
    let old = fs::read(&key).unwrap();
    let config = home.file("placehub.toml");
    let rotate = ["ledger", "rotate-key", "--config", &config, "--json"];
    let done = placehub(rotate).await.ended(0).json();
    // As if it had been cut short after the ledger was handed over and before the file was replaced.
    fs::rename(&key, &draft).unwrap();
    fs::write(&key, &old).unwrap();
    let again = placehub(rotate).await.ended(0).json();
    assert_eq!(done, again);
    let served = home.serve().await;
    let folder = carry(&home, "bundle").await;
    served.stop().await;
    assert_eq!(
        verify(&folder, &home.file("ledger.pub"), &[]).await.ended(0).json()["changes_of_key"],
        1
    );
}

#[tokio::test]
async fn a_change_of_keys_that_was_cut_short_while_its_files_were_written_is_made_once() {
    let home = Home::new().await;
    lived(&home, 1).await;
    let (key, public) = (home.path().join("keys/ledger.key"), home.path().join("ledger.pub"));
    let told = fs::read(&public).unwrap();
    let config = home.file("placehub.toml");
    let rotate = ["ledger", "rotate-key", "--config", &config, "--json"];
    // As if it had been cut short while the new key was made.
    fs::write(home.path().join("keys/ledger.key.new.part"), "").unwrap();
    let done = placehub(rotate).await.ended(0).json();
    let new = fs::read(&key).unwrap();
    // As if it had been cut short before the public key's file was replaced.
    fs::write(&public, &told).unwrap();
    fs::write(home.path().join("ledger.pub.part"), "x").unwrap();
    let again = placehub(rotate).await.ended(0).json();
    assert_eq!((&done, &new), (&again, &fs::read(&key).unwrap()));
    assert_eq!(fs::read_to_string(&public).unwrap().trim(), done["to"]);
    assert!(!home.path().join("keys/ledger.key.new").exists());
    // What was done is done: the next is another change.
    let next = placehub(rotate).await.ended(0).json();
    assert_eq!(next["from"], done["to"]);
    home.serve().await.stop().await;
}

#[tokio::test]
async fn the_key_of_a_hub_that_serves_is_not_changed() {
    let home = Home::new().await;
    let served = home.serve().await;
    let config = home.file("placehub.toml");
    let refused = placehub(["ledger", "rotate-key", "--config", &config]).await;
    assert_ne!(refused.code, 0);
    live(&home, 1).await;
    served.stop().await;
    home.serve().await.stop().await;
}
