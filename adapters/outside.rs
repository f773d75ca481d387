//! Finds data that others wrote, for the adapters' tests, which take this file in by its path.
//! It never copies any of it, and a test that finds none says so.

use std::path::PathBuf;

/// A folder of outside data, if it is there: `PLACEHUB_FIXTURES`, or `shared/fixtures` beside the workspace.
pub(crate) fn outside_data(folder: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures"));
    let path = std::env::var_os("PLACEHUB_FIXTURES")
        .map_or_else(beside, PathBuf::from)
        .join(folder);
    if !path.is_dir() {
        eprintln!("skipped: no outside data `{folder}`; set PLACEHUB_FIXTURES to its folder");
        return None;
    }
    Some(path)
}
