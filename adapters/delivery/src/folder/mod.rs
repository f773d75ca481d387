//! The drop folder: what lies there is taken, and goes to `done/` or `rejected/`.
//! It never moves a file before all its rows are on the disk elsewhere, and never takes one that is still being written.
//!
//! A crash at any point repeats nothing and loses nothing: a file that is still in the folder is taken again from its start,
//! and the hub knows its signals by their ids.

mod done;
pub(crate) mod manifest;
mod rejects;
mod taking;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    draft::{FileError, Input, Rows},
    file::Encodings,
    intake::{self, Intake, Run, Source},
    outbox,
};

/// Reads a file's content row by row. Cheap to clone.
#[derive(Clone)]
pub struct Translate(Arc<Read>);

type Read = dyn Fn(Input, &str) -> Result<Rows, FileError> + Send + Sync;

/// A folder into which an agency's systems put files.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is. `done/` and `rejected/` lie in it.
    pub path: PathBuf,
    /// How often it is looked through.
    pub every: Duration,
    /// Whether a file waits for its `NAME.manifest`.
    pub manifest_required: bool,
    /// How long a file is kept in `done/`; for ever, if it is not said.
    pub done_for: Option<Duration>,
    /// What reads its files.
    pub translate: Translate,
    /// The encodings that its files may have.
    pub encodings: Encodings,
}

/// What became of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All its rows are on the disk elsewhere; it lies in `done/`.
    Done {
        /// Rows or messages.
        rows: u64,
        /// Those of which nothing could be made: they are in the quarantine, and in `rejected/NAME.report.csv`.
        refused: u64,
    },
    /// It lies in `rejected/`, with a report that says why.
    Rejected,
}

/// Why a file stays where it is, to be taken again later.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was replaced or changed while it was taken.
    #[error("the file was changed while it was taken")]
    Changed,
    /// It met a fault of this program.
    #[error("a fault of this program keeps it back")]
    Failed,
    /// What was taken of it could not be kept.
    #[error("its rows cannot be kept")]
    Intake(#[source] intake::Error),
    /// A file or folder cannot be read or written.
    #[error("cannot {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The adapter is stopping.
    #[error("the adapter is stopping")]
    Stopping,
}

/// How the files of the folder looked when it was last looked through.
#[derive(Debug, Default)]
pub struct Seen(HashMap<PathBuf, Look>);

/// Which file is under a name, how long it is, and when it was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds since 1970.
    changed: (i64, i64),
}

/// Endings of files that are still being written, or that belong to another.
const NOT_TAKEN: [&str; 5] = [".part", ".tmp", ".filepart", ".manifest", ".lock"];

impl Translate {
    /// Reads files with this function, which is given a file's content, and its name for origins.
    pub fn new(rows: impl Fn(Input, &str) -> Result<Rows, FileError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rows))
    }

    /// The rows of a file; `name` is for origins.
    ///
    /// # Errors
    ///
    /// [`FileError`] if nothing at all can be read from it.
    pub fn rows(&self, input: Input, name: &str) -> Result<Rows, FileError> {
        (self.0)(input, name)
    }
}

impl fmt::Debug for Translate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Translate")
    }
}

impl Folder {
    /// Looks through the folder once and takes what is there and looks as it did the last time, the oldest first. A file that
    /// cannot be taken now stays, and keeps no other back. Gives the number of files that left the folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder itself cannot be used; [`Error::Stopping`].
    pub fn sweep(&self, seen: &mut Seen, intake: &Intake, stop: &CancellationToken) -> Result<u64, Error> {
        for folder in [&self.path, &self.done(), &self.rejected()] {
            outbox::make(folder).map_err(failed("make the folder"))?;
        }
        rejects::adopt(&self.rejected(), &self.done()).map_err(failed("finish a report"))?;
        let mut count = 0;
        for path in self.waiting(seen).map_err(failed("list the folder"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let taken = catch_unwind(AssertUnwindSafe(|| {
                taking::take(self, &path, seen.0.get(&manifest::beside(&path)), intake, stop)
            }));
            match taken.unwrap_or(Err(Error::Failed)) {
                Ok(Some(outcome)) => {
                    count += 1;
                    self.tell(&name, outcome, intake);
                }
                Ok(None) => {}
                Err(Error::Stopping) => return Err(Error::Stopping),
                Err(error) => {
                    tracing::error!(file = name, cause = %chain(&error), "file stays");
                }
            }
        }
        if let Some(age) = self.done_for {
            let removed = done::prune(&self.done(), age, clock::now()).map_err(failed("remove what is long done"))?;
            if removed > 0 {
                tracing::info!(removed, "files that were long done are removed");
            }
        }
        Ok(count)
    }

    fn tell(&self, name: &str, outcome: Outcome, intake: &Intake) {
        match outcome {
            Outcome::Done { rows, refused } => {
                intake.counters().files_done.add(1);
                tracing::info!(file = name, rows, refused, "file done");
            }
            Outcome::Rejected => {
                intake.counters().files_rejected.add(1);
                tracing::warn!(file = name, "file rejected");
            }
        }
    }

    /// The files to take, the oldest first; those of one instant by name. One that changed since the last time, or is new, or has such a
    /// manifest, is still being written for all that can be known, and waits.
    fn waiting(&self, seen: &mut Seen) -> io::Result<Vec<PathBuf>> {
        let (mut found, mut looks) = (Vec::new(), HashMap::new());
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let about = match entry.metadata() {
                // Taken away since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?,
            };
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let unfinished = name.starts_with('.') || NOT_TAKEN.iter().any(|ending| name.ends_with(ending));
            if about.is_file() && !unfinished {
                let (path, look) = (entry.path(), Look::of(&about));
                let beside = manifest::beside(&path);
                // Whatever keeps a manifest from being looked at is told of its file, and holds no other up.
                let manifest = Look::at(&beside).unwrap_or_default();
                let manifest_rests = manifest.is_none_or(|look| seen.0.get(&beside) == Some(&look));
                if seen.0.get(&path) == Some(&look) && manifest_rests {
                    found.push((look.changed, path.clone()));
                }
                looks.insert(path, look);
                looks.extend(manifest.map(|look| (beside, look)));
            }
        }
        seen.0 = looks;
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    fn done(&self) -> PathBuf {
        self.path.join("done")
    }

    fn rejected(&self) -> PathBuf {
        self.path.join("rejected")
    }
}

impl Look {
    /// What is under a name, if anything is.
    fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            about => Ok(Some(Self::of(&about?))),
        }
    }

    fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            length: about.len(),
            changed: (about.mtime(), about.mtime_nsec()),
        }
    }
}

impl Source for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Run {
        Box::pin(async move {
            let mut seen = Seen::default();
            while !stop.is_cancelled() {
                let (folder, intake, stopping) = (self.clone(), intake.clone(), stop.clone());
                let mut looked = std::mem::take(&mut seen);
                let sweep = move || {
                    let swept = folder.sweep(&mut looked, &intake, &stopping);
                    (looked, swept)
                };
                match tokio::task::spawn_blocking(sweep).await {
                    Ok((looked, swept)) => {
                        seen = looked;
                        if let Err(error) = swept
                            && !matches!(error, Error::Stopping)
                        {
                            tracing::error!(cause = %chain(&error), "folder cannot be used");
                        }
                    }
                    Err(error) => tracing::error!(cause = %error, "looking through the folder was cut short"),
                }
                let pause = tokio::time::sleep(self.every);
                stop.run_until_cancelled(pause).await;
            }
            Ok(())
        })
    }
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |line, cause| {
        format!("{line}: {}", cause.to_string().trim_end())
    })
}

/// Moves a file and makes the move durable.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    for folder in [from.parent(), to.parent()].into_iter().flatten() {
        outbox::sync(folder)?;
    }
    Ok(())
}
