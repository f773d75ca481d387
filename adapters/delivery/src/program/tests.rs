//! The commands on small files and made-up settings, without a hub.

use std::{fs, io::BufRead, path::Path};

use placehub_proto::v1::SignalDraft;
use tempfile::TempDir;

use super::*;
use crate::draft::{Piece, Translated, Untranslatable};

/// An adapter whose every line is a draft, but for those that say `bad`.
const LINES: Program = Program {
    name: "placehub-lines",
    about: "",
    open: |_| Ok(Opened::files(&[Need::of("housing.eviction")], lines)),
    encodings: Encodings::Utf8,
    listeners: &[],
    formats: "",
    beside: &[],
};

fn lines(input: Input, name: &str) -> Result<Rows, FileError> {
    let draft = |line: &str| match line {
        "bad" => Err(Untranslatable::new("line", "is bad")),
        _ => Ok(SignalDraft {
            kind: "housing.eviction".into(),
            ..Default::default()
        }
        .into()),
    };
    let name = name.to_owned();
    let lines = io::BufReader::new(input).lines().enumerate();
    Ok(Box::new(lines.map(move |(at, line)| {
        let line = line.unwrap();
        Ok(Translated {
            origin: format!("{name} line {at}"),
            result: draft(&line),
            piece: Piece::Text(line.into()),
        })
    })))
}

/// Runs `check` (or `once`, with settings) on a file of this text.
fn given(text: &str, settings: Option<&str>) -> (Result<u8, Stopped>, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines.txt");
    fs::write(&path, text).unwrap();
    match settings {
        None => command(Command::Check {
            path,
            json: false,
            settings: None,
        }),
        Some(settings) => command(Command::Once {
            path,
            settings: write_settings(folder.path(), settings),
            json: true,
        }),
    }
}

fn command(command: Command) -> (Result<u8, Stopped>, String) {
    let mut out = Vec::new();
    let patience = Patience {
        without_progress: Duration::ZERO,
        ..PATIENCE
    };
    let code = execute(LINES, command, patience, &mut out);
    (code, String::from_utf8(out).unwrap())
}

fn write_settings(folder: &Path, settings: &str) -> PathBuf {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("own.pem"), own.cert.pem()).unwrap();
    fs::write(folder.join("own.key"), own.signing_key.serialize_pem()).unwrap();
    let file = folder.join("adapter.toml");
    fs::write(&file, settings).unwrap();
    file
}

const SETTINGS: &str =
    "hub = \"https://localhost:1\"\nca = \"own.pem\"\ncertificate = \"own.pem\"\nkey = \"own.key\"\n";

#[test]
fn a_clean_file_ends_in_0_and_a_bad_row_in_1() {
    assert_eq!(given("good\ngood\n", None).0.unwrap(), 0);
    let (code, printed) = given("good\nbad\n", None);
    assert_eq!(code.unwrap(), 1);
    assert!(printed.contains("lines.txt line 1: not translated, line: is bad"));
    assert!(printed.ends_with("2 taken, 1 not translated\n"));
}

#[test]
fn check_prints_json_that_is_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines.txt");
    fs::write(&path, "good\nbad\n").unwrap();
    let (_, printed) = command(Command::Check {
        path,
        json: true,
        settings: None,
    });
    let parsed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(parsed[1]["untranslatable"]["field"], "line");
}

#[test]
fn an_empty_file_and_bad_settings_end_in_2() {
    assert_eq!(given("", None).0.unwrap_err().code, 2);
    let stopped = given("good\n", Some("hub = 3\n")).0.unwrap_err();
    assert_eq!(stopped.code, 2);
    assert!(
        stopped.sentence.contains("adapter.toml cannot be understood"),
        "{stopped:?}"
    );
}

#[test]
fn a_hub_that_is_down_ends_in_3_with_a_report_of_what_was_not_delivered() {
    // Bound, so that nobody else listens there, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let settings = SETTINGS.replace("localhost:1", &address.to_string());
    let (code, printed) = given("good\nbad\n", Some(&settings));
    let stopped = code.unwrap_err();
    assert_eq!(stopped.code, 3);
    assert!(
        stopped
            .sentence
            .starts_with("1 of 1 not delivered: the hub cannot be reached"),
        "{stopped:?}"
    );
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&report["taken"], &report["recorded"]), (&2.into(), &0.into()));
}

#[test]
fn init_never_writes_over_a_settings_file() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("adapter.toml");
    assert_eq!(
        command(Command::Init {
            settings: settings.clone()
        })
        .0
        .unwrap(),
        0
    );
    assert_eq!(command(Command::Init { settings }).0.unwrap_err().code, 2);
}

#[test]
fn status_of_an_adapter_that_never_ran_is_empty_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let settings = write_settings(folder.path(), SETTINGS);
    let (code, printed) = command(Command::Status { settings, json: true });
    assert_eq!(code.unwrap(), 0);
    let parsed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&parsed["outbox_depth"], &parsed["quarantined"]),
        (&0.into(), &0.into())
    );
    assert!(!folder.path().join("state").exists());
}

#[test]
fn a_daemon_without_a_folder_has_nothing_to_do() {
    let folder = TempDir::new().unwrap();
    let settings = write_settings(folder.path(), SETTINGS);
    let stopped = command(Command::Run { settings }).0.unwrap_err();
    assert!(
        stopped.sentence.contains("neither [folder] nor a listener"),
        "{stopped:?}"
    );
}

#[test]
fn the_quarantine_is_listed_without_content_shown_with_it_and_sent_again() {
    let folder = TempDir::new().unwrap();
    let settings = write_settings(folder.path(), SETTINGS);
    let quarantine = crate::quarantine::Quarantine::open(&folder.path().join("state/quarantine")).unwrap();
    let why = Untranslatable::new("line", "is bad");
    let now = jiff::Timestamp::UNIX_EPOCH;
    let kept = crate::quarantine::Kept::untranslated("a line 3".into(), "a", b"Secret".to_vec(), why, now);
    quarantine.keep(std::slice::from_ref(&kept)).unwrap();
    let deed = |deed| {
        command(Command::Quarantine {
            settings: settings.clone(),
            deed,
        })
    };
    for json in [false, true] {
        let (code, listed) = deed(Deed::List { json });
        assert_eq!(code.unwrap(), 1);
        assert!(listed.contains("a line 3") && listed.contains("is bad") && !listed.contains("Secret"));
    }
    let id: String = kept.id().as_str().chars().take(6).collect();
    assert!(deed(Deed::Show { id: id.clone() }).1.contains("Secret"));
    let (_, told) = deed(Deed::Retry {
        ids: vec![id],
        all: false,
    });
    assert_eq!(told, "1 to be sent again by `run`\n");
    assert_eq!(deed(Deed::List { json: false }).0.unwrap(), 0);
    assert_eq!(quarantine.to_be_sent().unwrap(), [kept.id()]);
}

#[test]
fn what_is_discarded_is_held_no_more() {
    let folder = TempDir::new().unwrap();
    let settings = write_settings(folder.path(), SETTINGS);
    let discard = |ids: Vec<String>, all| {
        command(Command::Quarantine {
            settings: settings.clone(),
            deed: Deed::Discard { ids, all },
        })
    };
    assert_eq!(discard(Vec::new(), true).1, "0 discarded\n");
    let quarantine = crate::quarantine::Quarantine::open(&folder.path().join("state/quarantine")).unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    for origin in ["a line 3", "a line 4", "a line 5"] {
        let why = Untranslatable::new("line", "is bad");
        let kept = crate::quarantine::Kept::untranslated(origin.into(), "a", Vec::new(), why, now);
        quarantine.keep(&[kept]).unwrap();
    }
    let id = quarantine.ids().unwrap()[0].to_string();
    assert_eq!(discard(vec![id.clone(), id.clone()], false).1, "1 discarded\n");
    assert_eq!(discard(vec![id], false).0.unwrap_err().code, 2);
    assert_eq!(discard(Vec::new(), true).1, "2 discarded\n");
    assert_eq!(quarantine.count().unwrap(), 0);
}

#[test]
fn a_file_that_differs_from_its_manifest_is_not_sent() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lines.txt");
    fs::write(&path, "good\ngood\n").unwrap();
    let check = |manifest: &str| {
        fs::write(folder.path().join("lines.txt.manifest"), manifest).unwrap();
        command(Command::Check {
            path: path.clone(),
            json: false,
            settings: None,
        })
    };
    let (code, printed) = check("{\"rows\": 2}");
    assert!(code.unwrap() == 0 && printed.ends_with("2 taken, 0 not translated\n"));
    for manifest in ["{\"rows\": 3}", "{\"sha256\": \"00\"}", "rows"] {
        let (code, printed) = check(manifest);
        let stopped = code.unwrap_err();
        assert!(stopped.code == 2 && printed.is_empty() && stopped.sentence.contains("lines.txt.manifest"));
    }
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}
