//! Mappings that a trust may write, and the faults that are found before anything is sent.

use super::*;

fn catalogue() -> Catalogue {
    Catalogue::parse(Catalogue::KINDS, Catalogue::PURPOSES).unwrap()
}

fn refusal(text: &str) -> String {
    Mapping::parse(text, &catalogue()).unwrap_err().to_string()
}

/// A rule with one line changed.
fn with(from: &str, to: &str) -> String {
    let rule = "# A mapping\n\n[[hl7]]\nevent = \"A01\"\nkind = \"health.hospital-admission\"\nid = \"admission\"\n\
                at = \"PV1-44\"\nsummary = \"Admitted on {day}\"\nattributes.method = \"PV1-4\"\n";
    assert!(rule.contains(from), "{from}");
    rule.replace(from, to)
}

#[test]
fn the_mapping_that_comes_with_the_adapter_can_be_used() {
    assert!(Mapping::parse(Mapping::USUAL, &catalogue()).is_ok());
    assert!(Mapping::parse(&with("A01", "A02"), &catalogue()).is_ok());
}

#[test]
fn each_fault_is_told_with_its_line() {
    for (from, to, expected) in [
        (
            "health.hospital-admission",
            "health.hospital-visit",
            "line 5: `health.hospital-visit` is not a kind",
        ),
        (
            "health.hospital-admission",
            "police.asb-incident",
            "line 5: `police.asb-incident` is not a kind",
        ),
        ("\"A01\"", "\"admission\"", "line 3: `event` is missing, or is not one"),
        (
            "event = \"A01\"",
            "resource = \"Flag\"",
            "line 3: a rule of this sort is for an `event`",
        ),
        ("PV1-44", "PV1:44", "line 3: `PV1:44` is not a path"),
        ("at = \"PV1-44\"\n", "", "line 3: `at` is missing"),
        ("id = \"admission\"", "id = \"\"", "line 3: `id` is missing"),
        ("{day}", "{name}", "line 8: `summary` may hold {day}"),
        (
            "attributes.method",
            "attributes.ward",
            "line 3: `ward` is not an attribute of `health.hospital-admission`",
        ),
        ("\"PV1-4\"", "\"at\"", "line 3: `method` holds no date"),
        ("id = ", "severity = \"urgent\"\nid = ", "line 6: `severity` is not low"),
        (
            "id = ",
            "sensitivity = \"ordinary\"\nid = ",
            "line 6: `sensitivity` is neither",
        ),
        ("id = ", "cancels = \"admission\"\nid = ", "line 3: a rule has a `kind`"),
    ] {
        let refusal = refusal(&with(from, to));
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    assert!(refusal("[[hl7]]\nevent = \"A11\"\ncancels = \"visit\"\n").starts_with("line 1: `cancels` names an `id`"));
    let died = with("id = \"admission\"", "id = \"admission\"\ndied = true");
    let taken_back = format!("{died}\n[[hl7]]\nevent = [\"A08\", \"A11\"]\ncancels = \"admission\"\n");
    assert!(refusal(&taken_back).starts_with("line 12: `cancels` names an `id`"));
    assert!(refusal(&with("\"A01\"", "[]")).starts_with("line 3: `event` is missing"));
    assert!(
        refusal("[consent]\npurposes = { TREAT = \"treatment\" }\n")
            .starts_with("line 2: `treatment` is not a purpose")
    );
    assert!(refusal("[consent]\nkinds = { X = \"x\" }\n").starts_with("line 2: `x` is not a kind"));
    assert!(refusal("[[hl7]]\nevnt = \"A01\"\n").contains("evnt"));
}
