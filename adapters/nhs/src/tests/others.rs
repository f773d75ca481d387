//! Messages, resources and notifications that others wrote: what becomes of each is listed here, file by file.

use std::{collections::BTreeMap, fs, path::Path};

use placehub_delivery::Content;

use super::outside_data;
use crate::translate;

/// What becomes of a file: the kind of each signal, what is taken back, or the field and rule that stand in the way.
fn outcome(path: &Path) -> String {
    let all = match translate(&fs::read(path).unwrap(), "x") {
        Ok(all) => all,
        Err(error) => return error.to_string(),
    };
    let said = all.into_iter().map(|one| match one.result {
        Ok(Content::Draft(draft)) => draft.kind,
        Ok(Content::Retraction(back)) => format!("takes back {}", back.source_id),
        Ok(Content::Death(_)) => "died".to_owned(),
        Ok(Content::Join(_)) => "joined".to_owned(),
        Ok(other) => other.line(),
        Err(why) => why.to_string(),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// The files of a folder and of the folders in it, by their paths in it.
fn outcomes(folder: &Path, wanted: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(wanted) {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name.trim_end_matches(wanted).to_owned(), outcome(&path));
            }
        }
    }
    found
}

fn check(folder: &str, ending: &str, expected: &[(&str, &str)]) {
    let Some(folder) = outside_data(folder) else { return };
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|(name, said)| ((*name).to_owned(), (*said).to_owned()))
        .collect();
    assert_eq!(outcomes(&folder, ending), expected);
}

#[test]
fn each_message_of_another_becomes_what_it_should() {
    let Some(folder) = outside_data("hl7v2-adt") else {
        return;
    };
    let said = outcomes(&folder, "-01.hl7");
    assert_eq!(said.len(), 26);
    for (name, said) in said {
        let trigger = name.trim_start_matches("ADT-");
        let none = format!("MSH-9: message type ADT^{trigger} carries no signal");
        let expected = match trigger {
            "A01" => "health.hospital-admission, health.death-notification, died",
            "A03" => "health.hospital-discharge, health.death-notification, died",
            "A04" | "A08" | "A28" | "A31" => "health.death-notification, died",
            "A11" => "takes back 40007716:admission",
            "A13" => "takes back 40007716:discharge",
            "A40" | "A47" => "joined",
            _ => &none,
        };
        assert_eq!(said, expected, "{name}");
    }
}

#[test]
fn each_notification_of_another_becomes_what_it_should() {
    const NONE: &str = "type: is an event that carries no signal";
    check(
        "nhs-mns",
        ".json",
        &[
            ("gpreg-change-gp-req-1/hydrated-signal", NONE),
            ("gpreg-change-gp-req-1/signal", NONE),
            ("imms-vaccination-record-change-1/signal", NONE),
            (
                "nhs-number-change-2/signal",
                "type: is a change of NHS number that names one of the two numbers only, of which the hub cannot be told",
            ),
            ("nhshco-hc-complete-1/signal", NONE),
            ("pathology-laboratory-reporting-test-result-stored-1/signal", NONE),
            ("patientflags-change-1/signal", "health.reasonable-adjustment"),
            ("pdm-resource-change-1/signal", NONE),
            ("pds-change-of-gp-2/signal", "health.gp-change"),
            ("pds-death-notification-2/signal", "health.death-notification, died"),
            ("pds-record-change-2/signal", NONE),
            ("vrs-proxy-role-changed-1/signal", NONE),
            ("vrs-proxy-role-created-1/signal", NONE),
            ("vrs-proxy-role-deleted-1/signal", NONE),
        ],
    );
}

#[test]
fn each_example_of_the_standard_becomes_what_it_should() {
    let none = |name: &str| {
        format!("file is not FHIR JSON: {name}: holds none of Consent, Encounter, EpisodeOfCare, Flag, Patient")
    };
    let others = [
        "AuditEvent",
        "Condition",
        "Location",
        "MessageHeader",
        "Organization",
        "Person",
        "Practitioner",
    ];
    let refused: Vec<(String, String)> = others.map(|name| (name.to_lowercase(), none(name))).into();
    let mut expected: Vec<(&str, &str)> = refused
        .iter()
        .map(|(name, said)| (name.as_str(), said.as_str()))
        .collect();
    expected.extend([
        (
            "consent",
            "Consent.patient: refers to no Patient in this file, and has no identifier",
        ),
        (
            "encounter",
            "Encounter.subject: refers to no Patient in this file, and has no identifier",
        ),
        (
            "episodeofcare",
            "EpisodeOfCare.patient: refers to no Patient in this file, and has no identifier",
        ),
        ("flag", "Flag: is a resource of which the mapping makes no signal"),
        ("patient", "Patient: is a resource of which the mapping makes no signal"),
    ]);
    check("fhir-r4", "-example.json", &expected);
}
