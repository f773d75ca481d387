//! Tests of the decisions: the policies of the repository and their cases, the loader's refusals, and what a sift gives.

mod bounds;
mod breaks;
mod broken;
mod cases;
mod explain;
mod load;
mod matrix;
mod naive;
mod sift;
mod terms;
mod vocabulary;

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::decide::{Files, PolicySet};

/// The policies of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

/// The policies of the repository, read once.
fn shipped() -> &'static PolicySet {
    static SHIPPED: LazyLock<PolicySet> = LazyLock::new(|| PolicySet::load(&repository()).unwrap());
    &SHIPPED
}

/// Their files.
fn files() -> Files {
    Files::read(&repository()).unwrap()
}

/// Their files, with one of them changed.
fn changed_files(file: &str, change: impl FnOnce(String) -> String) -> Files {
    let mut files = files();
    let before = files.text(file).map(ToOwned::to_owned).unwrap_or_default();
    files.put(file, change(before));
    files
}
