//! Why a folder of policies cannot be used. Names file and line; never anything but the policies' own words.

/// Why a folder of policies cannot be used. Whatever was in force before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalogue is wrong.
    #[error("the catalogue cannot be used")]
    Catalogue(#[source] crate::catalogue::Error),
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which file.
        file: String,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// A file does not parse, does not fit the schema, breaks a rule of the house, or holds a case that fails.
    #[error("{file}:{line}: {what}")]
    Wrong {
        /// Which file.
        file: String,
        /// On which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Error {
    /// The attempt to read was cut short.
    pub(crate) fn cut_short() -> Self {
        Self::Unreadable {
            file: "the policies".to_owned(),
            source: std::io::ErrorKind::Interrupted.into(),
        }
    }

    /// Something wrong on a line of a file.
    pub(super) fn at(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self::Wrong {
            file: file.to_owned(),
            line,
            what: what.into(),
        }
    }
}
