//! Keeps the plan of the house: how files open, how long they are, who may name whom, what time is asked of.
//! Reads source files only.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The longest a file may be.
const LINES: usize = 400;

/// Each room of the hub, and the rooms that it may name; `model` is a crate of its own, which knows none of them.
/// `hub` puts them together and may name all.
const ROOMS: &str = "
    authn: model tls
    catalogue: model
    changes: model store tables
    clock:
    config: authn metrics model publish tls
    consent: keys model person store tables
    decide: authn catalogue model
    gate: authn changes consent decide keys labels ledger model person place signals store tables
    inspect: catalogue gate keys ledger model store
    keys: model store tables
    labels: model store tables
    ledger: model store tables
    metrics:
    person: keys model store tables
    place: model
    prove: decide
    publish: clock ledger store
    rpc: authn changes clock config decide gate inspect ledger model person publish signals tls wire
    signals: changes decide gate keys labels model person store tables
    store:
    tables:
    tls:
    wire: authn catalogue consent decide inspect ledger model person place publish signals
";

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

/// The rooms that a text names: after `crate::`, one by one or in braces.
fn named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for after in text.split("crate::").skip(1) {
        let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        if !after.starts_with('{') {
            named.push(word(after));
            continue;
        }
        let mut depth = 0;
        let mut fresh = false;
        for (place, c) in after.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && fresh && c.is_alphabetic() {
                named.push(word(after.get(place..).unwrap()));
            }
            fresh = depth == 1 && (matches!(c, '{' | ',') || (fresh && c.is_whitespace()));
        }
    }
    named
}

#[test]
fn no_room_names_one_that_it_may_not_know() {
    let rooms: Vec<(&str, Vec<&str>)> = ROOMS
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(room, known)| (room, known.split_whitespace().collect()))
        .collect();
    let mut broken = Vec::new();
    for (file, text) in sources("hub/src") {
        if file.contains("/tests") || file.contains("/suite") {
            continue;
        }
        let within = file.strip_prefix("hub/src/").unwrap();
        let room = within.split(['/', '.']).next().unwrap();
        if matches!(room, "hub" | "lib") {
            continue;
        }
        let known = rooms.iter().find(|(name, _)| *name == room);
        let Some((_, known)) = known else {
            broken.push(format!("{file} is in no room of the plan"));
            continue;
        };
        let text: Vec<&str> = code(text.split("#[cfg(test)]\nmod tests {").next().unwrap()).collect();
        for stranger in named(&text.join("\n")) {
            if stranger != room && !known.contains(&stranger.as_str()) {
                broken.push(format!("{file} names {stranger}"));
            }
        }
    }
    none(broken);
}

#[test]
fn only_one_file_makes_a_status() {
    let makers = [
        "Status::new(",
        "Status::invalid_argument(",
        "Status::internal(",
        "Status::not_found(",
        "Status::unavailable(",
        "Status::permission_denied(",
        "Status::unauthenticated(",
        "with_error_details",
    ];
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
        (named && !file.starts_with("hub/src/decide/") && file != "hub/src/prove.rs").then(|| file.clone())
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
    let mut folders = vec![
        root().join("certs"),
        root().join("policies"),
        root().join("adapters"),
        root().join("hub"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|ending| ["pem", "key", "p12", "pkcs8"].iter().any(|key| ending == *key))
            {
                keys.push(path.display().to_string());
            }
        }
    }
    none(keys);
}
