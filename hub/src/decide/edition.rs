//! What a set of policies says of itself in `set.toml`: its version, by which people speak of it, and its title.
//! It decides nothing; what a set is, its digest says.

use serde::Deserialize;

use super::{
    Error, Files,
    files::{line_at, line_of},
};
use crate::model::PolicyVersion;

const FILE: &str = "set.toml";
/// The longest version, in characters.
const VERSION: usize = 32;
/// The longest title, in characters.
const TITLE: usize = 200;

/// What a set says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its version: 1 to 32 letters, digits, dots, hyphens and underscores.
    pub version: PolicyVersion,
    /// Its title: one line of 1 to 200 characters.
    pub title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: String,
    title: String,
}

impl Edition {
    /// Reads it from the files of a set.
    ///
    /// # Errors
    /// If the file is not there or breaks a rule: names file and line.
    pub fn read(files: &Files) -> Result<Self, Error> {
        let text = files.text(FILE)?;
        let Written { version, title } = toml::from_str(text).map_err(|why| {
            let line = why.span().map_or(1, |span| line_at(text, span.start));
            Error::at(FILE, line, why.message())
        })?;
        let known = version.parse().ok().filter(|_| version.len() <= VERSION);
        let Some(version) = known else {
            let rule = "a version is 1 to 32 letters, digits, dots, hyphens and underscores, and starts with a letter or digit";
            return Err(Error::at(FILE, line_of(text, "version ="), rule));
        };
        if title.trim().is_empty() || title.chars().count() > TITLE || title.contains(char::is_control) {
            let rule = "a title is one line of 1 to 200 characters";
            return Err(Error::at(FILE, line_of(text, "title ="), rule));
        }
        Ok(Self { version, title })
    }
}
