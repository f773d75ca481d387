//! What the loader refuses: each refusal names the file and the rule.

use std::{fs, path::Path};

use super::repository;
use crate::decide::PolicySet;

/// A copy of the repository's policies, with one file changed.
fn changed(file: &str, change: impl FnOnce(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for within in ["", "agreements", "catalogue"] {
        fs::create_dir_all(folder.path().join(within)).unwrap();
        for found in fs::read_dir(repository().join(within)).unwrap() {
            let path = found.unwrap().path();
            if path.is_file() {
                fs::copy(&path, folder.path().join(within).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let path = folder.path().join(file);
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, change(before)).unwrap();
    folder
}

fn refusal(folder: &Path) -> String {
    let why = PolicySet::load(folder).err().expect("these policies must be refused");
    let mut text = why.to_string();
    let mut source = std::error::Error::source(&why);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn refused(file: &str, change: impl FnOnce(String) -> String, words: &[&str]) {
    let folder = changed(file, change);
    let text = refusal(folder.path());
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

const ASB: &str = "agreements/asb-prevention.cedar";

#[test]
fn the_policies_of_the_repository_load() {
    let set = PolicySet::load(&repository()).unwrap();
    assert_eq!(set.digest().len(), 64);
    assert!(set.rule_count() > 20);
}

#[test]
fn any_change_of_any_file_changes_the_digest() {
    let before = PolicySet::load(&repository()).unwrap();
    for file in [
        "base.cedar",
        ASB,
        "agreements/asb-prevention.toml",
        "catalogue/kinds.toml",
    ] {
        let comment = if file.ends_with("toml") {
            "\n# a comment\n"
        } else {
            "\n// a comment\n"
        };
        let folder = changed(file, |text| text + comment);
        let after = PolicySet::load(folder.path()).unwrap();
        assert_ne!(before.digest(), after.digest(), "{file}");
    }
}

#[test]
fn a_misspelt_attribute_is_refused() {
    refused(
        ASB,
        |text| text.replacen("resource.areas", "resource.aeras", 1),
        &[ASB, "aeras"],
    );
}

#[test]
fn a_word_that_is_not_in_the_catalogue_is_refused() {
    let misspelt = |text: String| text.replacen("housing.asb-case", "housing.asb-casse", 1);
    refused(ASB, misspelt, &[ASB, "housing.asb-casse", "not in the catalogue"]);
}

#[test]
fn base_may_not_permit() {
    let permit = "@id(\"base-open\") @agreement(\"base\") @reason(\"no\")\npermit(principal, action, resource);";
    refused(
        "base.cedar",
        |text| text + permit,
        &["base.cedar", "base-open", "may only forbid"],
    );
}

#[test]
fn operation_may_not_permit_seeing() {
    let permit = "@id(\"operation-open\") @agreement(\"operation\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"detail\", resource is Placehub::Signal);";
    refused(
        "operation.cedar",
        |text| text + permit,
        &["operation-open", "may not permit asking or seeing"],
    );
}

#[test]
fn an_agreement_may_not_permit_reading_the_ledger() {
    let permit = "@id(\"asb-ledger\") @agreement(\"asb-prevention\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"who_saw\", resource is Placehub::Ledger);";
    refused(ASB, |text| text + permit, &["asb-ledger", "asking and seeing"]);
}

#[test]
fn an_agreement_may_not_open_to_a_stranger() {
    let permit = "@id(\"asb-health\") @agreement(\"asb-prevention\") @reason(\"no\")\npermit(principal is Placehub::Practitioner, action == Placehub::Action::\"existence\", resource is Placehub::Signal)\nwhen { principal.agency == Placehub::Agency::\"health\" };";
    refused(ASB, |text| text + permit, &["asb-health", "no party"]);
}

#[test]
fn a_rule_needs_id_agreement_and_reason() {
    for (missing, word) in [
        ("@id(", "`@id`"),
        ("@agreement(", "`@agreement`"),
        ("@reason(", "`@reason`"),
    ] {
        let without = |text: String| text.replacen(missing, "@other(", 1);
        refused(ASB, without, &[ASB, word]);
    }
}

#[test]
fn an_id_is_used_once() {
    let twice = |text: String| {
        format!(
            "{text}\n@id(\"base-nothing-without-a-role\") @agreement(\"asb-prevention\") @reason(\"x\")\nforbid(principal, action, resource) when {{ false }};"
        )
    };
    refused(ASB, twice, &[ASB]);
}

#[test]
fn particulars_must_be_whole() {
    let toml = "agreements/asb-prevention.toml";
    refused(
        toml,
        |text| text.replacen("review_date", "reviewed", 1),
        &[toml, "reviewed"],
    );
    refused(
        toml,
        |text| text.replacen("cda-1998-s115", "cda-1998-s999", 1),
        &[toml, "cda-1998-s999"],
    );
    refused(
        toml,
        |text| text.replacen("asb-prevention\"", "asb-preventing\"", 1),
        &[toml, "asb-preventing"],
    );
    let folder = changed("base.cedar", |text| text);
    fs::remove_file(folder.path().join(toml)).unwrap();
    assert!(refusal(folder.path()).contains(toml));
}
