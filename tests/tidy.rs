//! Keeps the plan of the house: how files open, how long they are, who may name whom, what time is asked of.
//! Reads source files only.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The longest a file may be.
const LINES: usize = 400;

/// Rooms of the hub, and the rooms that each may not name.
const WALLS: [(&str, &[&str]); 16] = [
    ("authn", &["catalogue", "changes", "consent", "decide", "gate", "inspect", "keys", "labels", "ledger", "locate", "person", "place", "record", "rpc", "signals", "store", "wire"]),
    ("catalogue", &["authn", "changes", "consent", "decide", "gate", "keys", "labels", "ledger", "locate", "person", "place", "record", "rpc", "signals", "store", "tls", "wire"]),
    ("changes", &["authn", "catalogue", "consent", "decide", "gate", "keys", "labels", "ledger", "locate", "person", "place", "record", "rpc", "signals", "tls", "wire"]),
    ("consent", &["authn", "catalogue", "changes", "decide", "gate", "labels", "ledger", "locate", "person", "place", "record", "rpc", "signals", "tls", "wire"]),
    ("decide", &["changes", "clock", "consent", "gate", "inspect", "keys", "labels", "ledger", "locate", "person", "place", "record", "rpc", "signals", "store", "tls", "wire"]),
    ("gate", &["catalogue", "clock", "inspect", "rpc", "tls", "wire"]),
    ("keys", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "labels", "ledger", "person", "place", "rpc", "signals", "tls", "wire"]),
    ("labels", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "ledger", "person", "place", "rpc", "signals", "tls", "wire"]),
    ("ledger", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "labels", "person", "place", "rpc", "signals", "tls", "wire"]),
    ("model", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "labels", "ledger", "person", "place", "rpc", "signals", "store", "tls", "wire"]),
    ("person", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "labels", "ledger", "place", "rpc", "signals", "tls", "wire"]),
    ("place", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "labels", "ledger", "person", "rpc", "signals", "tls", "wire"]),
    ("rpc", &["labels"]),
    ("signals", &["authn", "catalogue", "clock", "ledger", "locate", "place", "record", "rpc", "tls", "wire"]),
    ("store", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "labels", "ledger", "model", "person", "place", "rpc", "signals", "tables", "tls", "wire"]),
    ("tls", &["authn", "catalogue", "changes", "clock", "consent", "decide", "gate", "keys", "labels", "ledger", "model", "person", "place", "rpc", "signals", "store", "wire"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file of the project under a folder, with its text.
fn sources(under: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(under)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let within = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((within, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no sources under {under}");
    found
}

/// The lines that are code: no comments and no doc comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn none(found: Vec<String>) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent = |(file, text): &(String, String)| (!text.starts_with("//! ")).then(|| file.clone());
    none(sources("").iter().filter_map(silent).collect());
}

#[test]
fn no_file_holds_a_second_room() {
    let long = |(file, text): &(String, String)| {
        let lines = text.lines().count();
        (lines > LINES).then(|| format!("{file}: {lines} lines"))
    };
    none(sources("").iter().filter_map(long).collect());
}

#[test]
fn no_room_names_one_that_it_may_not_know() {
    let mut broken = Vec::new();
    for (room, strangers) in WALLS {
        for (file, text) in sources(&format!("hub/src/{room}")) {
            if file.contains("/tests") || file.contains("/suite") {
                continue;
            }
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for stranger in strangers {
                let by_path = format!("crate::{stranger}::");
                let in_block = format!("    {stranger}::");
                let names = self::code(code).any(|line| line.contains(&by_path) || line.starts_with(&in_block));
                if names {
                    broken.push(format!("{file} names {stranger}"));
                }
            }
        }
    }
    none(broken);
}

#[test]
fn only_one_file_makes_a_status() {
    let makers = ["Status::new(", "Status::invalid_argument(", "Status::internal(", "Status::not_found(", "Status::unavailable(", "Status::permission_denied(", "Status::unauthenticated(", "with_error_details"];
    let makes = |(file, text): &(String, String)| {
        let made = code(text).any(|line| makers.iter().any(|maker| line.contains(maker)));
        (made && file != "hub/src/rpc/status.rs").then(|| file.clone())
    };
    none(sources("hub/src").iter().filter_map(makes).collect());
}

#[test]
fn cedar_lives_in_one_room() {
    let names = |(file, text): &(String, String)| {
        let named = code(text).any(|line| line.contains("cedar_policy"));
        (named && !file.starts_with("hub/src/decide/")).then(|| file.clone())
    };
    none(sources("hub").iter().filter_map(names).collect());
}

#[test]
fn adapters_do_not_know_the_hub() {
    let names = |(file, text): &(String, String)| {
        let named = code(text).any(|line| line.contains("placehub_hub"));
        named.then(|| file.clone())
    };
    none(sources("adapters").iter().filter_map(names).collect());
}

#[test]
fn no_key_is_tracked() {
    let mut keys = Vec::new();
    let mut folders = vec![root().join("certs"), root().join("policies"), root().join("adapters"), root().join("hub")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ["pem", "key", "p12", "pkcs8"].iter().any(|key| ending == *key)) {
                keys.push(path.display().to_string());
            }
        }
    }
    none(keys);
}
