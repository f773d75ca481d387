//! A ledger that was carried away, and every way in which it can be changed on the way or before.

use std::{fs, path::Path};

use placehub_ledger::tree::leaf_hash;
use serde_json::Value;

use super::{carry, live, lived, verify};
use crate::program::{Home, placehub, run};

async fn wrong(folder: &Path, key: &str, more: &[&str]) -> Value {
    let told = verify(folder, key, more).await.ended(1).json();
    assert_eq!(told["ok"], false);
    told
}

/// A copy of a bundle with its entries changed.
fn changed(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) -> std::path::PathBuf {
    let copy = folder.with_file_name(name);
    fs::create_dir(&copy).unwrap();
    for file in ["checkpoint", "hashes"] {
        fs::copy(folder.join(file), copy.join(file)).unwrap();
    }
    let text = fs::read_to_string(folder.join("entries.ndjson")).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    fs::write(copy.join("entries.ndjson"), lines.concat()).unwrap();
    copy
}

#[tokio::test]
async fn a_bundle_is_verified_without_hub_or_network_and_every_change_to_it_is_found() {
    let home = Home::new().await;
    let served = home.serve().await;
    live(&home, 3).await;
    let folder = carry(&home, "bundle").await;
    served.stop().await;
    let key = home.file("ledger.pub");

    let told = verify(&folder, &key, &[]).await.ended(0).json();
    let size = told["size"].as_u64().unwrap();
    assert_eq!(
        (told["ok"].as_bool(), told["changes_of_key"].as_u64()),
        (Some(true), Some(0))
    );
    assert!(size >= 6);

    let flipped = changed(&folder, "flipped", |lines| {
        lines[2] = lines[2].replace("\"allowed\":true", "\"allowed\":trux")
    });
    assert_eq!(wrong(&flipped, &key, &[]).await["first_wrong_entry"], 2);
    let cut = changed(&folder, "cut", |lines| drop(lines.pop()));
    assert_eq!(wrong(&cut, &key, &[]).await["first_wrong_entry"], size - 1);
    let longer = changed(&folder, "longer", |lines| lines.push(lines[0].clone()));
    assert_eq!(wrong(&longer, &key, &[]).await["first_wrong_entry"], size);
    let named = async |name: &str, change: fn(&mut Vec<String>)| {
        let told = wrong(&changed(&folder, name, change), &key, &[]).await;
        told["first_wrong_entry"].as_u64()
    };
    assert_eq!(named("swapped", |lines| lines.swap(1, 4)).await, Some(1));
    assert_eq!(named("dropped", |lines| drop(lines.remove(1))).await, Some(1));
    let mumble = |lines: &mut Vec<String>| lines[3] = lines[3].trim_end().to_owned();
    assert_eq!(named("mumbling", mumble).await, Some(3));
    let reword = |lines: &mut Vec<String>| {
        let line = lines.iter_mut().rev().find(|line| line.contains(PURPOSE)).unwrap();
        *line = line.replace(PURPOSE, "crisis-support");
    };
    let entries = fs::read_to_string(folder.join("entries.ndjson")).unwrap();
    let lines: Vec<_> = entries.lines().collect();
    let last = lines.iter().rposition(|line| line.contains(PURPOSE)).unwrap();
    assert_eq!(named("reworded", reword).await, Some(last as u64));

    // Changed with their hashes, entries are no longer told from each other.
    let rehashed = changed(&folder, "rehashed", reword);
    let entries = fs::read_to_string(rehashed.join("entries.ndjson")).unwrap();
    let hashes: Vec<_> = entries.lines().map(|line| leaf_hash(line.as_bytes())).collect();
    fs::write(rehashed.join("hashes"), hashes.concat()).unwrap();
    let told = wrong(&rehashed, &key, &[]).await;
    assert_eq!(told["first_wrong_entry"], Value::Null);
    assert_eq!(told["wrong_among"]["last"], size - 1);
    let good = fs::read(folder.join("hashes")).unwrap();
    let kept = changed(&folder, "kept", |_| ());
    for (bytes, first) in [
        (good[..good.len() - 1].to_vec(), size - 1),
        ([&good[..], &[7]].concat(), size),
        ([&[good[0] ^ 1], &good[1..]].concat(), 0),
    ] {
        fs::write(kept.join("hashes"), bytes).unwrap();
        assert_eq!(wrong(&kept, &key, &[]).await["first_wrong_entry"], first);
    }
    fs::remove_file(kept.join("hashes")).unwrap();
    verify(&kept, &key, &[]).await.ended(2);

    let resigned = changed(&folder, "resigned", |_| ());
    let note = fs::read_to_string(resigned.join("checkpoint")).unwrap();
    fs::write(
        resigned.join("checkpoint"),
        note.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size - 1), 1),
    )
    .unwrap();
    wrong(&resigned, &key, &[]).await;

    let other = Home::new().await;
    wrong(&folder, &other.file("ledger.pub"), &[]).await;
    verify(&home.beside().join("nothing"), &key, &[]).await.ended(2);
    verify(&folder, &home.file("placehub.toml"), &[]).await.ended(2);
    let require = ["--require", "1"];
    verify(&folder, &key, &require).await.ended(2);
}

const PURPOSE: &str = super::PURPOSE;

#[tokio::test]
async fn a_store_that_was_put_back_is_found_by_a_head_that_was_kept() {
    let home = Home::new().await;
    lived(&home, 2).await;
    let old = home.beside().join("old-store");
    copy(&home.path().join("store"), &old);

    let served = home.serve().await;
    live(&home, 2).await;
    let kept = home.beside().join("kept");
    let head = home
        .run(&["ledger", "checkpoint", "--agency", "police"])
        .await
        .ended(0)
        .out;
    fs::write(&kept, head).unwrap();
    let kept = kept.display().to_string();
    let since = ["--since", kept.as_str()];
    let key = home.file("ledger.pub");
    let grown = carry(&home, "grown").await;
    verify(&grown, &key, &since).await.ended(0);
    let only_grew = ["ledger", "consistency", "--since", &kept, "--as", "igo-1"];
    home.run(&only_grew).await.ended(0);
    served.stop().await;

    fs::remove_dir_all(home.path().join("store")).unwrap();
    copy(&old, &home.path().join("store"));
    let served = home.serve().await;
    let shorter = carry(&home, "shorter").await;
    verify(&shorter, &key, &[]).await.ended(0);
    wrong(&shorter, &key, &since).await;
    home.run(&only_grew).await.ended(1);
    // As many entries as before again, and more: but others.
    live(&home, 4).await;
    let forked = carry(&home, "forked").await;
    verify(&forked, &key, &[]).await.ended(0);
    let told = wrong(&forked, &key, &since).await;
    assert_eq!(told["wrong_among"]["first"], 0, "{told}");
    home.run(&only_grew).await.ended(1);
    served.stop().await;
}

#[tokio::test]
async fn one_entry_is_proved_in_files_that_anybody_can_check() {
    let home = Home::new().await;
    let served = home.serve().await;
    live(&home, 3).await;
    let (entry, proof) = (home.beside().join("entry"), home.beside().join("proof"));
    let entry = entry.display().to_string();
    let prove = [
        "ledger",
        "prove",
        "--as",
        "igo-1",
        "--entry",
        "2",
        "--write-entry",
        &entry,
    ];
    let printed = home.run(&prove).await.ended(0).out;
    assert!(printed.starts_with("c2sp.org/tlog-proof@v1\nindex 2\n"), "{printed}");
    fs::write(&proof, &printed).unwrap();
    let (proof, key) = (proof.display().to_string(), home.file("ledger.pub"));
    let check = ["proof", &proof, "--entry", &entry, "--key", &key];
    run("placehub-verify", check).await.ended(0);
    let bytes = fs::read(&entry).unwrap();
    fs::write(&entry, [&bytes[..], b"\n\n"].concat()).unwrap();
    run("placehub-verify", check).await.ended(1);
    fs::write(&entry, &bytes).unwrap();
    fs::write(&proof, printed.replace("index 2", "index 3")).unwrap();
    run("placehub-verify", check).await.ended(1);
    let refused = home
        .run(&["ledger", "prove", "--as", "officer-17", "--entry", "2"])
        .await;
    assert_ne!(refused.code, 0);
    served.stop().await;
    let verified = placehub(["ledger", "verify", "--store", &home.file("store"), "--key-file", &key]).await;
    verified.ended(0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
