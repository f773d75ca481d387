//! Finds the programs beside the test, and has cargo build them where they are missing or older than their sources.
//! It never leaves a test without its program: a build that fails ends the test.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

/// All programs that the tests run.
const PROGRAMS: [&str; 7] = [
    "placehub",
    "placehub-certs",
    "placehub-housing",
    "placehub-nhs",
    "placehub-police",
    "placehub-verify",
    "placehub-welfare",
];

/// The file of a program.
pub(super) fn binary(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    assert!(PROGRAMS.contains(&program), "{program} is no program of the workspace");
    FOLDER.get_or_init(ready).join(program)
}

/// The folder of the programs, all of them there and as new as their sources.
fn ready() -> PathBuf {
    let test = env::current_exe().unwrap();
    // target/PROFILE/deps/walls-0123456789abcdef
    let folder = test.ancestors().nth(2).unwrap().to_owned();
    if !PROGRAMS.iter().all(|program| is_new(&folder, program)) {
        build(&folder);
    }
    folder
}

/// Whether a program is newer than every source that cargo noted down beside it.
fn is_new(folder: &Path, program: &str) -> bool {
    let changed = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let Some(made) = changed(&folder.join(program)) else {
        return false;
    };
    let Ok(noted) = fs::read_to_string(folder.join(program).with_extension("d")) else {
        return false;
    };
    let sources = noted.split_once(": ").map(|(_, sources)| sources).unwrap_or_default();
    !sources.is_empty()
        && sources
            .split_whitespace()
            .all(|source| changed(Path::new(source)).is_some_and(|changed| changed <= made))
}

/// Builds all programs. This test is named too, so that cargo settles on the same features as `cargo test` did.
fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    eprintln!("building the programs that the tests run ({profile})");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "build",
            "--workspace",
            "--bins",
            "--test",
            "walls",
            "--profile",
            profile,
        ])
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(super::repository());
    // What cargo told this test about its own package would make dependencies' build scripts run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ]
        .iter()
        .any(|of_package| name.starts_with(of_package))
        {
            cargo.env_remove(name.as_ref());
        }
    }
    assert!(cargo.status().unwrap().success(), "the programs cannot be built");
    for program in PROGRAMS {
        assert!(folder.join(program).is_file(), "cargo built no {program}");
    }
}
