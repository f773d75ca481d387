//! Two agreements of one purpose, in force at different times: what one says counts while it is in force alone.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    files,
    sift::{caller, central, header, living, question},
};
use crate::{
    decide::{Decision, Deed, PolicySet, Sift, Trust},
    model::{ConsentFact, Level},
};

const FIRST: &str = "homelessness-prevention";
const SECOND: &str = "second-homelessness-prevention";

const GRANT: &str = "welfare.crisis-grant";
const DISCHARGE: &str = "health.hospital-discharge";

/// The policies of the repository, where the first agreement ends in March 2027. A second one begins in June 2026: it
/// takes the same questions, gives a headline where the first gives detail or but says that somebody is known.
fn two() -> PolicySet {
    let mut files = files();
    for ending in ["toml", "cedar"] {
        let file = format!("agreements/{FIRST}.{ending}");
        let text = files.text(&file).unwrap().to_owned();
        let second = [
            ("2026-01-01", "2026-06-01"),
            ("level = \"detail\"", "level = \"headline\""),
            ("level = \"existence\"", "level = \"headline\""),
            (", Placehub::Action::\"detail\"]", "]"),
            (
                "action == Placehub::Action::\"existence\"",
                "action in [Placehub::Action::\"existence\", Placehub::Action::\"headline\"]",
            ),
            ("@id(\"", "@id(\"second-"),
            ("@agreement(\"", "@agreement(\"second-"),
        ];
        let second = second
            .iter()
            .fold(text.clone(), |text, (old, new)| text.replace(old, new));
        files.put(&format!("agreements/{SECOND}.{ending}"), second);
        files.put(&file, text.replace("2028-03-31", "2027-03-31"));
    }
    PolicySet::of(&files, &Trust::default()).unwrap()
}

/// What a housing officer is given of a signal of this kind at this moment.
fn given(set: &PolicySet, (kind, consent): (&str, ConsentFact), at: &str) -> (Option<Level>, Decision) {
    let (officer, question) = (caller("housing", "housing-officer"), question(FIRST, "none"));
    let at: Timestamp = at.parse().unwrap();
    let mut sift = Sift::new(set, &officer, &question, Arc::default(), at);
    let level = sift.level(&header(kind, 1).into(), living(consent), central);
    (level, sift.finish(Deed::Ask))
}

fn rules(decision: &Decision) -> Vec<&str> {
    decision.rules().iter().map(String::as_str).collect()
}

fn agreements(decision: &Decision) -> Vec<&str> {
    decision.agreements().iter().map(|id| id.as_str()).collect()
}

#[test]
fn an_agreement_counts_while_it_is_in_force_and_at_no_other_time_whatever_was_asked_before() {
    let set = two();
    let hardship = "homelessness-prevention-see-hardship";
    let known = "homelessness-prevention-known-to-partner";
    let discharge = "homelessness-prevention-see-discharge";
    let second = |rule: &str| format!("second-{rule}");
    let (second_hardship, second_known, second_discharge) = (second(hardship), second(known), second(discharge));
    type Expected<'e> = (Level, Vec<&'e str>, Vec<&'e str>);
    let first_alone: [Expected<'_>; 3] = [
        (Level::Detail, vec![hardship], vec![FIRST]),
        (Level::Existence, vec![known], vec![FIRST]),
        (Level::Headline, vec![discharge], vec![FIRST]),
    ];
    let both: [Expected<'_>; 3] = [
        (Level::Detail, vec![hardship], vec![FIRST]),
        (Level::Headline, vec![&second_known], vec![SECOND]),
        (Level::Headline, vec![discharge, &second_discharge], vec![FIRST, SECOND]),
    ];
    let second_alone: [Expected<'_>; 3] = [
        (Level::Headline, vec![&second_hardship], vec![SECOND]),
        (Level::Headline, vec![&second_known], vec![SECOND]),
        (Level::Headline, vec![&second_discharge], vec![SECOND]),
    ];
    let asked = [
        (GRANT, ConsentFact::Given),
        (GRANT, ConsentFact::None),
        (DISCHARGE, ConsentFact::Given),
    ];
    let begun = ("2026-03-01T12:00:00Z", &first_alone);
    let double = ("2026-11-21T12:00:00Z", &both);
    let ended = ("2027-06-01T12:00:00Z", &second_alone);
    for (at, expected) in [double, ended, double, begun, ended, begun, double] {
        for (what, (level, by_rules, under)) in asked.iter().zip(expected) {
            let (found, decision) = given(&set, *what, at);
            assert_eq!(found, Some(*level), "{what:?} at {at}");
            assert_eq!(rules(&decision), *by_rules, "{what:?} at {at}");
            assert_eq!(agreements(&decision), *under, "{what:?} at {at}");
        }
    }
}

#[test]
fn what_was_only_looked_at_leaves_neither_its_agreement_nor_its_rule_in_the_decision() {
    let set = two();
    let (officer, question) = (caller("housing", "housing-officer"), question(FIRST, "none"));
    let at = "2026-11-21T12:00:00Z".parse().unwrap();
    let mut sift = Sift::new(&set, &officer, &question, Arc::default(), at);
    // By the first agreement alone; and what follows by the second alone.
    sift.hint(&header(GRANT, 1).into(), living(ConsentFact::Given), central);
    let level = sift.level(&header(GRANT, 2).into(), living(ConsentFact::None), central);
    assert_eq!(level, Some(Level::Headline));
    let decision = sift.finish(Deed::Ask);
    assert_eq!(agreements(&decision), [SECOND]);
    assert_eq!(rules(&decision), ["second-homelessness-prevention-known-to-partner"]);
    assert_eq!(decision.tally().len(), 1);
    assert!(decision.shown().is_empty());
}
