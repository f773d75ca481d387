//! The table `[formats]`: what an adapter's own formats need, in its own words.
//! It never understands the table: the adapter does, and refuses what it does not know.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Error, read};

/// The table `[formats]` of a settings file; empty if it is left out.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    file: PathBuf,
    table: toml::Table,
}

impl Formats {
    /// Reads the table from a settings file.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file cannot be read or understood.
    pub fn load(file: &Path) -> Result<Self, Error> {
        Ok(Self {
            file: file.to_path_buf(),
            table: read(file)?.formats.unwrap_or_default(),
        })
    }

    /// What the table says, in the adapter's own type.
    ///
    /// # Errors
    ///
    /// [`Error::Formats`] if a key is missing, unknown or has a value that it cannot have.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let table = toml::Value::Table(self.table.clone());
        table.try_into().map_err(|source| Error::Formats {
            file: self.file.clone(),
            source: Box::new(source),
        })
    }

    /// A path of the table: relative ones start at the folder of the settings file.
    pub fn path(&self, written: &Path) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(written)
    }
}
