//! The schema belongs to the hub: whatever another one would open is refused, and so are words that it has not.

use super::{changed_files, files};
use crate::decide::{Files, PolicySet, Trust};

const SCHEMA: &str = "placehub.cedarschema";

fn refusal(files: &Files) -> String {
    let why = PolicySet::of(files, &Trust::default()).err();
    why.expect("these policies must be refused").to_string()
}

fn line(words: &str) -> usize {
    let files = files();
    let text = files.text(SCHEMA).unwrap();
    text.lines().position(|line| line.contains(words)).unwrap() + 1
}

/// That a folder with another schema is refused, on the line of these words.
fn refused(words: &str, change: impl FnOnce(String) -> String) {
    let why = refusal(&changed_files(SCHEMA, change));
    let at = format!("{SCHEMA}:{}: ", line(words));
    assert!(why.starts_with(&at) && why.contains("no other can be used"), "{why}");
}

const LEVELS: &str = "action existence, headline, detail in [see] appliesTo";

#[test]
fn a_hierarchy_of_actions_in_which_a_headline_rule_gives_detail_is_refused() {
    refused(LEVELS, |text| {
        let applies = text
            .split_once(LEVELS)
            .unwrap()
            .1
            .split_once("};\n")
            .unwrap()
            .0
            .to_owned();
        let groups = format!("action existence, headline in [see] appliesTo{applies}}};\n");
        let instead = format!("{groups}  action detail in [see, headline] appliesTo");
        text.replacen(LEVELS, &instead, 1)
    });
}

#[test]
fn a_second_type_of_a_known_name_is_refused_in_schema_and_rules() {
    let practitioner = "\nnamespace Other { entity Practitioner; }\n";
    let files = changed_files(SCHEMA, |text| text + practitioner);
    let why = refusal(&files);
    assert!(why.contains("no other can be used"), "{why}");
    let rule = "agreements/asb-prevention.cedar";
    let files = changed_files(rule, |text| {
        let role = "when { principal.agency == Placehub::Agency::\"police\" &&";
        assert!(text.contains(role));
        text.replacen(
            role,
            &format!("unless {{ principal is Other::Practitioner }}\n{role}"),
            1,
        )
    });
    let why = refusal(&files);
    assert!(why.starts_with(rule), "{why}");
}

#[test]
fn programs_that_are_let_see_by_the_schema_are_refused() {
    let start = line(LEVELS);
    let principal = "principal: [Practitioner],";
    let why = refusal(&changed_files(SCHEMA, |text| {
        let (before, after) = text.split_once(LEVELS).unwrap();
        let after = after.replacen(principal, "principal: [Practitioner, Workload],", 1);
        format!("{before}{LEVELS}{after}")
    }));
    assert!(why.starts_with(&format!("{SCHEMA}:{}: ", start + 1)), "{why}");
}

#[test]
fn a_comment_in_the_schema_may_differ() {
    let files = changed_files(SCHEMA, |text| {
        text.replacen("entity Kind;", "entity Kind; // of the catalogue\n", 1)
    });
    assert!(PolicySet::of(&files, &Trust::default()).is_ok());
}
