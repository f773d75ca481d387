//! Bundles of many entries: what is kept of each when it cannot be used, and how much may come at a time.

use super::*;

/// Encounters of two patients, the first of which happened at no time.
fn bundle() -> Value {
    let encounter = |id: &str, patient: &str, start: &str| {
        json!({ "resource": {
            "resourceType": "Encounter", "id": id, "status": "in-progress", "class": { "code": "IMP" },
            "subject": { "reference": patient }, "period": { "start": start },
        } })
    };
    let patient = |id: &str, family: &str| {
        let url = format!("urn:uuid:{id}");
        json!({ "fullUrl": url, "resource": { "resourceType": "Patient", "id": id, "name": [{ "family": family }] } })
    };
    json!({
        "resourceType": "Bundle", "type": "collection", "timestamp": "2026-11-12T12:00:00Z",
        "entry": [
            encounter("e-1", "urn:uuid:p-1", "last week"),
            encounter("e-2", "Patient/p-2", "2026-11-12T10:00:00Z"),
            patient("p-1", "Sample"),
            patient("p-2", "Example"),
        ],
    })
}

#[test]
fn of_a_bad_entry_no_more_is_kept_than_it_and_what_it_refers_to() {
    let all = translate(bundle().to_string().as_bytes(), "x").unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        all[0].result.as_ref().unwrap_err().field,
        "Bundle.entry[0].resource.period.start"
    );
    let piece = String::from_utf8(all[0].piece.bytes()).unwrap();
    assert!(
        piece.contains("Sample") && !piece.contains("Example") && !piece.contains("e-2"),
        "{piece}"
    );
}

#[test]
fn a_kept_entry_becomes_by_itself_what_it_became_in_its_bundle() {
    for (at, translated) in translate(bundle().to_string().as_bytes(), "x")
        .unwrap()
        .into_iter()
        .enumerate()
    {
        let again = translate(&translated.piece.bytes(), "x").unwrap().remove(0).result;
        match (translated.result, again) {
            (Ok(content), again) => assert_eq!(again, Ok(content)),
            (Err(why), again) => assert_eq!((at, again.unwrap_err().rule), (0, why.rule)),
        }
    }
}

#[test]
fn json_that_is_too_long_to_be_read_whole_is_refused_as_a_file() {
    let long = format!(
        "{{\"resourceType\":\"Bundle\",\"x\":\"{}\"}}",
        "x".repeat(3 * 1024 * 1024)
    );
    let refusal = translate(long.as_bytes(), "x").unwrap_err().to_string();
    assert_eq!(
        refusal,
        "file is not FHIR JSON: it is longer than 3 MiB: send it in parts"
    );
}
