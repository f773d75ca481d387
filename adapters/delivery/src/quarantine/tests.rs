//! What is kept back, listed, and let go.

use placehub_proto::v1::{FieldViolation, Refusal, SignalDraft};
use tempfile::TempDir;

use super::*;
use crate::{content::Content, draft::Untranslatable};

fn given() -> (TempDir, Quarantine) {
    let folder = TempDir::new().unwrap();
    let quarantine = Quarantine::open(&folder.path().join("quarantine")).unwrap();
    (folder, quarantine)
}

fn row(origin: &str, second: i64) -> Kept {
    let why = Untranslatable::new("as_of", "is not a date");
    let now = jiff::Timestamp::from_second(second).unwrap();
    Kept::untranslated(origin.into(), "a.csv", b"as_of\nSecret\n".to_vec(), why, now)
}

fn refused() -> Kept {
    let refusal = Refusal {
        code: 3,
        reason: "FIELD_INVALID".into(),
        message: "a field is bad".into(),
        violations: vec![FieldViolation {
            field: "signal.uprn".into(),
            description: "must be 1 to 12 digits".into(),
        }],
    };
    let draft = SignalDraft {
        summary: "Secret".into(),
        ..Default::default()
    };
    Kept::refused(
        "b.csv row 2".into(),
        Content::Draft(draft),
        refusal,
        jiff::Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn the_same_row_refused_twice_is_kept_once() {
    let (_folder, quarantine) = given();
    quarantine.keep(&[row("a.csv row 3", 1)]).unwrap();
    quarantine
        .keep(&[row("a.csv row 3", 2), row("a.csv row 4", 2)])
        .unwrap();
    assert_eq!(quarantine.count().unwrap(), 2);
}

#[test]
fn an_entry_is_found_by_the_beginning_of_its_id() {
    let (_folder, quarantine) = given();
    let kept = refused();
    quarantine.keep(std::slice::from_ref(&kept)).unwrap();
    let beginning: String = kept.id().as_str().chars().take(5).collect();
    let id = quarantine.find(&beginning).unwrap();
    assert_eq!(quarantine.read(&id).unwrap(), kept);
    assert!(matches!(quarantine.find("zzzz"), Err(Error::Unknown(_))));
    for short in ["", beginning.get(..3).unwrap()] {
        assert!(matches!(quarantine.find(short), Err(Error::TooShort)), "{short}");
    }
}

#[test]
fn an_entry_to_be_sent_again_is_held_no_more_until_it_is_held_again() {
    let (_folder, quarantine) = given();
    quarantine.keep(&[refused()]).unwrap();
    let id = refused().id();
    quarantine.retry(&id).unwrap();
    assert_eq!(
        (quarantine.count().unwrap(), quarantine.to_be_sent().unwrap().len()),
        (0, 1)
    );
    assert!(matches!(quarantine.retry(&id), Err(Error::Unknown(_))));
    quarantine.hold_again(&id).unwrap();
    assert_eq!(quarantine.count().unwrap(), 1);
    quarantine.retry(&id).unwrap();
    quarantine.release(&id).unwrap();
    assert!(quarantine.to_be_sent().unwrap().is_empty());
}

#[test]
fn what_is_sent_again_goes_in_the_order_in_which_it_was_kept() {
    let (_folder, quarantine) = given();
    let kept = [("b.csv row 9", 1), ("b.csv row 10", 1), ("a.csv row 2", 2)].map(|(origin, at)| row(origin, at));
    let [first, second, third] = kept.clone();
    quarantine.keep(&[third, second, first]).unwrap();
    for id in quarantine.ids().unwrap() {
        quarantine.retry(&id).unwrap();
    }
    assert_eq!(quarantine.in_order().unwrap(), kept.map(|one| one.id()));
}

#[test]
fn an_entry_that_was_discarded_is_gone() {
    let (_folder, quarantine) = given();
    quarantine.keep(&[refused(), refused()]).unwrap();
    quarantine.discard(&refused().id()).unwrap();
    assert_eq!(quarantine.count().unwrap(), 0);
    assert!(matches!(quarantine.discard(&refused().id()), Err(Error::Unknown(_))));
}

#[test]
fn a_list_shows_why_and_nothing_of_the_content() {
    for kept in [refused(), row("a.csv row 3", 1)] {
        assert!(!kept.particulars().to_string().contains("Secret"));
        assert!(kept.content().to_string().contains("Secret"));
    }
    assert_eq!(
        refused().particulars()["violations"][0],
        serde_json::json!({ "field": "signal.uprn", "rule": "must be 1 to 12 digits" })
    );
}

#[test]
fn what_a_crash_left_half_written_does_not_stay() {
    let (_folder, quarantine) = given();
    quarantine.keep(&[refused()]).unwrap();
    let half = quarantine.path(&row("a.csv row 3", 1).id(), UNFINISHED);
    fs::write(&half, "Secret").unwrap();
    quarantine.forget_unfinished().unwrap();
    assert!(!half.exists());
    assert_eq!(quarantine.count().unwrap(), 1);
}
