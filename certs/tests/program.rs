//! Runs the program as its user does.
//! It never looks inside a key.

use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str], folder: &Path) -> Output {
    let outcome = Command::new(env!("CARGO_BIN_EXE_placehub-certs"))
        .args(arguments)
        .current_dir(folder)
        .output();
    match outcome {
        Ok(output) => output,
        Err(error) => unreachable!("the program does not start: {error}"),
    }
}

fn printed(arguments: &[&str], folder: &Path) -> Vec<String> {
    let output = run(arguments, folder);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().map(str::to_owned).collect()
}

const TOKEN: [&str; 12] = [
    "token",
    "pki",
    "police",
    "officer-17",
    "--audience",
    "hub",
    "--role",
    "neighbourhood-officer",
    "--area",
    "central",
    "--certificate",
    "pki/clients/police-desk.pem",
];

#[test]
fn the_four_commands_print_paths_of_files_that_are_there_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [(&[&str], &[&str]); 5] = [
        (
            &["init", "pki", "--place", "wigan.placehub.example", "--name", "10.0.0.9"],
            &["pki/ca.pem", "pki/crl.pem", "pki/hub.pem", "pki/hub.key"],
        ),
        (
            &["issue", "pki", "police", "desk", "--days", "7"],
            &[
                "pki/clients/police-desk.pem",
                "pki/clients/police-desk.key",
                "pki/issuers/police.jwks.json",
            ],
        ),
        (
            &["issue", "pki", "police", "adapter"],
            &[
                "pki/clients/police-adapter.pem",
                "pki/clients/police-adapter.key",
                "pki/issuers/police.jwks.json",
            ],
        ),
        (&TOKEN, &["pki/tokens/police/officer-17.jwt"]),
        (&["revoke", "pki", "pki/clients/police-desk.pem"], &["pki/crl.pem"]),
    ];
    for (arguments, paths) in commands {
        assert_eq!(printed(arguments, folder.path()), paths);
        for path in paths {
            assert!(folder.path().join(path).is_file(), "{path}");
        }
    }
}

#[test]
fn a_failure_is_one_sentence_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["issue", "nowhere", "police", "desk"], folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("placehub-certs: cannot read nowhere/ca.pem: "),
        "{said}"
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&["init", "pki"], folder.path()).status.code(), Some(2));
    assert_eq!(
        run(&["issue", "pki", "a", "b", "--days", "0"], folder.path())
            .status
            .code(),
        Some(2)
    );
}
