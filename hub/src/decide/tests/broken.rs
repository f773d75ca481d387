//! Broken bundles: whatever is broken about them, they are refused and nothing panics.

use std::collections::BTreeMap;

use super::{breaks::BREAKS, files, shipped};
use crate::decide::{Error, Files, PolicySet, Trust};

/// Everything that a hub does with files before it puts them in force.
fn taken(files: &Files) -> Result<PolicySet, Error> {
    let set = PolicySet::of(files, &Trust::default())?;
    match set.cases(files)?.wrong().into_iter().next() {
        Some(wrong) => Err(wrong),
        None => Ok(set),
    }
}

#[test]
fn two_hundred_kinds_of_broken_bundle_are_refused() {
    let whole: BTreeMap<String, String> = files()
        .within("")
        .map(|(file, text)| (file.to_owned(), text.to_owned()))
        .collect();
    let mut refused = 0;
    let mut odd = Vec::new();
    for (file, text) in whole.iter().filter(|(file, _)| !file.starts_with("cases/")) {
        for (how, broken) in BREAKS {
            let mut files = whole.clone();
            match broken(text) {
                Some(broken) => files.insert(file.clone(), broken),
                None => files.remove(file),
            };
            let files: Files = files.into_iter().collect();
            match taken(&files) {
                Err(why) => {
                    assert!(!why.to_string().is_empty());
                    refused += 1;
                }
                // What still says the same is not broken.
                Ok(set) if set.matrix() == shipped().matrix() => {}
                Ok(_) => odd.push(format!("{file}: {how}")),
            }
        }
    }
    assert!(odd.is_empty(), "these came into force: {odd:?}");
    assert!(refused >= 200, "only {refused} bundles were broken");
}
