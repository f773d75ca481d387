//! Files dropped, taken, refused, and taken again after a crash. No hub: what counts is what lies in the outbox.

use std::{collections::BTreeMap, sync::Arc};

use placehub_proto::v1::SignalDraft;
use tempfile::TempDir;

use super::*;
use crate::{
    content::Content,
    draft::{Pieces, Untranslatable, translated},
    metrics::Counters,
    outbox::Outbox,
    quarantine::Quarantine,
    table::Table,
};

/// An adapter for files with the column `id`, in which `bad` is bad, and of `nothing` there is nothing to tell.
fn ids(input: Input, name: &str) -> Result<Rows, FileError> {
    let pieces: Pieces<String> = Box::new(Table::read(input)?.each(|cells| {
        cells.required("id", |text| {
            if text == "bad" {
                Err("is bad")
            } else {
                Ok(text.to_owned())
            }
        })
    }));
    let draft = |id: String| -> Result<SignalDraft, Untranslatable> {
        if id == "nothing" {
            return Err(Untranslatable::new("id", "carries nothing").in_order());
        }
        Ok(SignalDraft {
            source_id: id,
            ..Default::default()
        })
    };
    Ok(translated(pieces, name, draft))
}

struct Given {
    home: TempDir,
    folder: Folder,
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    intake: Intake,
}

fn given() -> Given {
    let home = TempDir::new().unwrap();
    let outbox = Arc::new(Outbox::open(&home.path().join("outbox"), 1_000_000).unwrap());
    let quarantine = Quarantine::open(&home.path().join("quarantine")).unwrap();
    let folder = Folder {
        path: home.path().join("drop"),
        every: Duration::from_secs(1),
        manifest_required: false,
        done_for: None,
        translate: Translate::new(ids),
        encodings: Encodings::Utf8OrWindows1252,
    };
    fs::create_dir(&folder.path).unwrap();
    let intake = Intake::new(outbox.clone(), quarantine.clone(), Arc::new(Counters::default()));
    Given {
        home,
        folder,
        outbox,
        quarantine,
        intake,
    }
}

impl Given {
    fn drop(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path.join(name), content).unwrap();
    }

    /// Looks through the folder as often as it takes for a file to be taken.
    fn sweep(&self) -> u64 {
        let mut seen = Seen::default();
        assert_eq!(self.look(&mut seen), 0, "nothing is taken at the first look");
        self.look(&mut seen)
    }

    fn look(&self, seen: &mut Seen) -> u64 {
        self.folder
            .sweep(seen, &self.intake, &CancellationToken::new())
            .unwrap()
    }

    /// All files below the drop folder, with their content.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let drop = self.folder.path.clone();
        for folder in [drop.clone(), drop.join("done"), drop.join("rejected")] {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.strip_prefix(&drop).unwrap().to_string_lossy().into_owned();
                    found.insert(name, String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
                }
            }
        }
        found
    }

    fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    fn taken(&self) -> Vec<String> {
        let mut reader = self.outbox.reader();
        std::iter::from_fn(|| self.outbox.read(&mut reader).unwrap())
            .map(|(_, entry)| match entry.content {
                Some(Content::Draft(draft)) => draft.source_id,
                _ => String::new(),
            })
            .collect()
    }
}

#[test]
fn what_is_passed_over_is_in_neither_quarantine_nor_report() {
    let given = given();
    given.drop("a.csv", "id\n1\nnothing\n2\n");
    assert_eq!(given.sweep(), 1);
    assert_eq!(given.taken(), ["1", "2"]);
    assert_eq!(
        (given.names(), given.quarantine.count().unwrap()),
        (vec!["done/a.csv".to_owned()], 0)
    );
    assert_eq!(given.intake.counters().passed_over.value(), 1);
}

#[test]
fn a_file_goes_to_done_when_its_rows_are_in_the_outbox() {
    let given = given();
    given.drop("a.csv", "id\none\ntwo\n");
    assert_eq!(given.sweep(), 1);
    assert_eq!(given.taken(), ["one", "two"]);
    assert_eq!(given.names(), ["done/a.csv"]);
    assert_eq!(given.sweep(), 0);
}

#[test]
fn a_file_that_is_still_written_is_left_alone() {
    let given = given();
    given.drop("a.csv.part", "id\none\n");
    given.drop(".b.csv", "id\none\n");
    given.drop("c.csv.manifest", "{\"rows\": 1}");
    assert_eq!(given.sweep(), 0);
    assert_eq!(given.names(), [".b.csv", "a.csv.part", "c.csv.manifest"]);
    fs::rename(given.folder.path.join("a.csv.part"), given.folder.path.join("a.csv")).unwrap();
    assert_eq!(given.sweep(), 1);
    assert_eq!(given.taken(), ["one"]);
}

#[test]
fn a_file_that_grew_since_it_was_last_looked_at_waits() {
    let given = given();
    let mut seen = Seen::default();
    given.drop("a.csv", "id\none\n");
    assert_eq!(given.look(&mut seen), 0);
    given.drop("a.csv", "id\none\ntwo\n");
    assert_eq!(given.look(&mut seen), 0);
    assert_eq!(given.look(&mut seen), 1);
    assert_eq!(given.taken(), ["one", "two"]);
    // The same length, and another time.
    given.drop("b.csv", "id\nsix\n");
    given.look(&mut seen);
    let file = fs::File::options()
        .write(true)
        .open(given.folder.path.join("b.csv"))
        .unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!((given.look(&mut seen), given.look(&mut seen)), (0, 1));
}

#[test]
fn of_a_file_that_is_bad_throughout_the_good_rows_are_taken_and_the_others_stay_in_it() {
    let given = given();
    given.drop("a.csv", format!("id\n{}one\n", "bad\n".repeat(3_000)));
    given.sweep();
    assert_eq!(
        (given.taken(), given.quarantine.count().unwrap()),
        (vec!["one".to_owned()], 1_000)
    );
    let files = given.files();
    assert!(files.contains_key("rejected/a.csv"));
    assert_eq!(files["rejected/a.csv.report.csv"].lines().count(), 3_001);
}

#[test]
fn a_file_that_meets_a_fault_of_the_program_keeps_no_other_back() {
    let mut given = given();
    given.folder.translate = Translate::new(|input, name| match name {
        "a.csv" => panic!("as a fault of the program would"),
        _ => ids(input, name),
    });
    given.drop("a.csv", "id\none\n");
    given.drop("b.csv", "id\ntwo\n");
    assert_eq!(given.sweep(), 1);
    assert_eq!(
        (given.taken(), given.names()),
        (
            vec!["two".to_owned()],
            vec!["a.csv".to_owned(), "done/b.csv".to_owned()]
        )
    );
}

#[test]
fn refused_rows_are_reported_by_number_and_kept_and_hold_no_other_back() {
    let given = given();
    given.drop("a.csv", "id,name\none,Secret\nbad,Secret\ntwo\nthree,Secret\n");
    given.sweep();
    assert_eq!(given.taken(), ["one", "three"]);
    let files = given.files();
    let report = "row,field,rule\n3,id,is bad\n4,row,has 1 cells where the header has 2\n";
    assert_eq!(files["rejected/a.csv.report.csv"], report);
    assert!(files.contains_key("done/a.csv"));
    assert_eq!(given.quarantine.count().unwrap(), 2);
}

#[test]
fn a_file_that_cannot_be_read_at_all_is_rejected_whole_with_the_reason() {
    let given = given();
    given.drop("b.csv", "");
    given.sweep();
    let files = given.files();
    assert_eq!(
        files["rejected/b.csv.report.csv"],
        "row,field,rule\n,file,file is empty\n"
    );
    assert!(files.contains_key("rejected/b.csv") && given.taken().is_empty());
}

#[test]
fn a_file_that_breaks_off_is_rejected_with_what_came_before_on_its_way() {
    let given = given();
    given.drop("a.csv", format!("id\none\nbad\n\"{}", "x".repeat(2 * 1024 * 1024)));
    given.sweep();
    let report = &given.files()["rejected/a.csv.report.csv"];
    assert!(report.starts_with("row,field,rule\n3,id,is bad\n4,file,"), "{report}");
    assert_eq!(given.taken(), ["one"]);
}

#[test]
fn a_manifest_that_differs_rejects_the_file_before_any_row_is_taken() {
    let content = "id\none\ntwo\n";
    let digest = "1a5c7a6d6f6f0c6b6c6a0d7e3e3b1cf1d7a8d2b6a3a4b9c0e1f2a3b4c5d6e7f8";
    for (manifest, rule) in [
        ("{\"rows\": 3}".to_owned(), "states 3 rows, and the file has 2"),
        (format!("{{\"sha256\": \"{digest}\"}}"), "states another SHA-256"),
        ("rows: 2".to_owned(), "is not JSON"),
    ] {
        let given = given();
        given.drop("a.csv", content);
        given.drop("a.csv.manifest", manifest);
        given.sweep();
        assert!(given.taken().is_empty());
        let files = given.files();
        assert!(files["rejected/a.csv.report.csv"].contains(rule), "{files:?}");
        assert!(files.contains_key("rejected/a.csv") && files.contains_key("rejected/a.csv.manifest"));
    }
    let given = given();
    given.drop("a.csv", content);
    given.drop("a.csv.manifest", "{\"rows\": 2}");
    given.sweep();
    assert_eq!(given.names(), ["done/a.csv", "done/a.csv.manifest"]);
    assert_eq!(given.taken().len(), 2);
}

#[test]
fn a_file_waits_for_its_manifest_where_one_is_required() {
    let mut given = given();
    given.folder.manifest_required = true;
    given.drop("a.csv", "id\none\n");
    assert_eq!(given.sweep(), 0);
    given.drop("a.csv.manifest", "{\"rows\": 1}");
    assert_eq!(given.sweep(), 1);
}

#[test]
fn a_file_waits_while_its_manifest_is_being_written() {
    let given = given();
    let mut seen = Seen::default();
    given.drop("a.csv", "id\none\n");
    given.drop("a.csv.manifest", "{\"ro");
    assert_eq!(given.look(&mut seen), 0);
    given.drop("a.csv.manifest", "{\"rows\": 1}");
    assert_eq!(given.look(&mut seen), 0, "the manifest has changed");
    assert_eq!(given.look(&mut seen), 1);
    assert_eq!(given.names(), ["done/a.csv", "done/a.csv.manifest"]);
}

#[test]
fn a_file_whose_manifest_would_have_too_long_a_name_holds_no_other_up() {
    let given = given();
    given.drop(&format!("{}.csv", "x".repeat(248)), "id\none\n");
    given.drop("z.csv", "id\ntwo\n");
    given.sweep();
    assert_eq!(given.taken(), ["two"]);
}

#[test]
fn a_second_file_of_the_same_name_is_stored_beside_the_first() {
    let given = given();
    for content in ["id\none\n", "id\ntwo\n"] {
        given.drop("a.csv", content);
        given.sweep();
    }
    let names = given.names();
    assert_eq!((names.len(), names[0].as_str()), (2, "done/a.csv"));
    assert!(names[1].starts_with("done/a.csv."));
}

#[test]
fn a_report_that_a_crash_left_unfinished_gets_its_name_at_the_next_start() {
    let given = given();
    given.sweep();
    given.drop("rejected/a.csv.report.csv.part", "row,field,rule\n");
    given.drop("rejected/b.csv.report.csv.part", "row,field,rule\n");
    given.drop("done/a.csv", "id\n");
    given.sweep();
    let expected = [
        "done/a.csv",
        "rejected/a.csv.report.csv",
        "rejected/b.csv.report.csv.part",
    ];
    assert_eq!(given.names(), expected);
}

#[test]
fn a_file_in_windows_1252_is_taken_as_what_it_says() {
    let given = given();
    given.drop("a.csv", b"id\ncaf\xe9\n");
    given.sweep();
    assert_eq!(given.taken(), ["café"]);
}

#[test]
fn an_adapter_that_stops_leaves_the_file_where_it_is() {
    let given = given();
    given.drop("a.csv", "id\none\n");
    given.outbox.stop();
    let mut seen = Seen::default();
    let stop = CancellationToken::new();
    given.folder.waiting(&mut seen).unwrap();
    let swept = given.folder.sweep(&mut seen, &given.intake, &stop);
    assert!(matches!(swept, Err(Error::Stopping)));
    stop.cancel();
    let swept = given.folder.sweep(&mut seen, &given.intake, &stop);
    assert!(matches!(swept, Err(Error::Stopping)));
    assert!(given.names().contains(&"a.csv".to_owned()) && given.taken().is_empty());
    drop(given.home);
}
