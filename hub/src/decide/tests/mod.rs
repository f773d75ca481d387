//! Tests of the decisions: the policies of the repository and their cases, the loader's refusals, and what a sift gives.

mod cases;
mod load;
mod sift;

use std::path::{Path, PathBuf};

/// The policies of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}
