//! Copies of a store's folder, as it would be found after its process or its machine stopped. Nothing runs on them yet.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// What a folder would hold if the process had been killed now. Nothing may be written to it meanwhile.
pub(super) fn after_crash(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("blobs")).unwrap();
    copy_files(folder, copy.path());
    copy_journal(folder, copy.path());
    copy
}

/// What a folder would hold if the power went now and only what was synced had reached the disk: the journal as it is, `log`
/// as sled's log was when it was synced last, and sled's settings, which were synced when the store was opened.
pub(super) fn after_power_loss(folder: &Path, log: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(log, copy.path().join("db")).unwrap();
    fs::copy(folder.join("conf"), copy.path().join("conf")).unwrap();
    copy_journal(folder, copy.path());
    copy
}

/// The journal's files, but for spare ones, by name, which is their order.
pub(super) fn journal(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("journal")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let is_spare = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with("spare");
    let mut files: Vec<_> = files.filter(|file| !is_spare(file)).collect();
    files.sort();
    files
}

fn copy_journal(from: &Path, to: &Path) {
    fs::create_dir(to.join("journal")).unwrap();
    copy_files(&from.join("journal"), &to.join("journal"));
}

fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}
