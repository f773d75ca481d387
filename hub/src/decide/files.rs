//! The files of a folder of policies, read once and then worked on in memory.
//! Reads and counts; never judges what a file says.

use std::{collections::BTreeMap, path::Path};

use super::Error;

/// The files of a folder of policies: path within the folder → text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files(BTreeMap<String, String>);

/// Where files of a set lie, and their endings. Whatever else lies there has no say.
const PLACES: [(&str, &[&str]); 5] = [
    ("", &["cedar", "cedarschema", "toml"]),
    ("agreements/", &["cedar", "toml"]),
    ("cases/", &["json"]),
    ("catalogue/", &["toml"]),
    ("signatures/", &["sig"]),
];
/// Folders that a set may do without, and that have no say in a decision by themselves.
const BESIDE: [&str; 2] = ["cases/", "signatures/"];
/// The longest that a file may be, in bytes: what a board is to read is shorter.
const LONGEST: u64 = 4 << 20;

impl Files {
    /// Reads a folder.
    ///
    /// # Errors
    /// If a file or one of the folders that must be there cannot be read, or a file is longer than 4 MiB.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        for (within, endings) in PLACES {
            let unreadable = |file: String| move |source| Error::Unreadable { file, source };
            let listing = match std::fs::read_dir(folder.join(within)) {
                Err(why) if why.kind() == std::io::ErrorKind::NotFound && BESIDE.contains(&within) => continue,
                listing => listing.map_err(unreadable(folder.join(within).display().to_string()))?,
            };
            for found in listing {
                let path = found.map_err(unreadable(within.to_owned()))?.path();
                let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
                if !endings.contains(&ending) {
                    continue;
                }
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{within}{name}");
                let length = std::fs::metadata(&path).map_err(unreadable(name.clone()))?.len();
                if length > LONGEST {
                    return Err(Error::at(&name, 1, "it is longer than 4 MiB"));
                }
                let content = std::fs::read_to_string(&path).map_err(unreadable(name.clone()))?;
                files.insert(name, content);
            }
        }
        Ok(Self(files))
    }

    /// The text of a file.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn text(&self, file: &str) -> Result<&str, Error> {
        self.0.get(file).map(String::as_str).ok_or_else(|| Error::Unreadable {
            file: file.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    }

    /// The files of a folder within, with their paths.
    pub fn within(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.0.iter().filter(move |(file, _)| file.starts_with(folder));
        files.map(|(file, text)| (file.as_str(), text.as_str()))
    }

    /// Puts another text in place of a file's.
    pub fn put(&mut self, file: &str, text: String) {
        self.0.insert(file.to_owned(), text);
    }

    /// SHA-256 (hex) over all files that have a say in decisions. It is the digest of their set if no signature is missing.
    pub fn say(&self) -> String {
        hex::encode(self.digest().finish())
    }

    /// SHA-256 over all files that have a say in decisions: over each file's name, length and content, by name.
    pub(super) fn digest(&self) -> ring::digest::Context {
        let say = |file: &&String| !BESIDE.iter().any(|folder| file.starts_with(folder));
        digest(
            self.0
                .iter()
                .filter(|(file, _)| say(file))
                .map(|(f, t)| (f.as_str(), t.as_str())),
        )
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for Files {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(files: I) -> Self {
        Self(
            files
                .into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }
}

/// SHA-256, not yet finished, over each file's name, length and content.
pub(super) fn digest<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> ring::digest::Context {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for (name, content) in files {
        context.update(format!("{name}\0{}\0", content.len()).as_bytes());
        context.update(content.as_bytes());
    }
    context
}

/// The line, from 1, of a place in a text.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset).filter(|byte| *byte == b'\n');
    before.count() + 1
}

/// The line, from 1, on which words stand for the first time; the first line if they do not.
pub(super) fn line_of(text: &str, words: &str) -> usize {
    text.find(words).map_or(1, |offset| line_at(text, offset))
}

/// The line, from 1, of a heading of a TOML text, such as `[[party]]`: of that which comes after so many of the same; the
/// first line if there is none.
pub(super) fn line_of_heading(text: &str, heading: &str, passed: usize) -> usize {
    let mut found = numbered(text).filter(|(_, line)| line.trim_start().starts_with(heading));
    found.nth(passed).map_or(1, |(line, _)| line)
}

/// The line, from 1, on which a key of a TOML text is given for the first time at or after a line; that line if it is not.
pub(super) fn line_of_key(text: &str, from: usize, key: &str) -> usize {
    let given = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut found = numbered(text).filter(|(number, line)| *number >= from && given(line));
    found.next().map_or(from, |(line, _)| line)
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// The lines on which the policies of a Cedar file begin: at their annotations, after comments.
pub(super) fn policy_lines(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut fresh = true;
    for (offset, character) in code(text) {
        match character {
            ';' => fresh = true,
            white if white.is_whitespace() => {}
            _ => {
                if std::mem::take(&mut fresh) {
                    lines.push(line_at(text, offset));
                }
            }
        }
    }
    lines
}

/// The characters of a Cedar file that are neither in a comment nor in a quoted text, each with its place. A comment is
/// given as the end of its line, a quoted text as its first mark.
pub(super) fn code(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (offset, character) = characters.next()?;
        match character {
            '/' if characters.peek().is_some_and(|(_, next)| *next == '/') => {
                // Cedar ends a comment at either.
                while characters
                    .next()
                    .is_some_and(|(_, passed)| !matches!(passed, '\n' | '\r'))
                {}
                Some((offset, '\n'))
            }
            '"' => {
                skip_text(&mut characters);
                Some((offset, '"'))
            }
            other => Some((offset, other)),
        }
    })
}

/// Passes the rest of a quoted text.
fn skip_text(characters: &mut impl Iterator<Item = (usize, char)>) {
    while let Some((_, character)) = characters.next() {
        match character {
            '\\' => _ = characters.next(),
            '"' => return,
            _ => {}
        }
    }
}
