//! The drop folder: what lies there is taken, and goes to `done/` or `rejected/`.
//! It never moves a file before all its rows are on the disk elsewhere, and never takes one that is still being written.
//!
//! A crash at any point repeats nothing and loses nothing: a file that is still in the folder is taken again from its start,
//! and the hub knows its signals by their ids.

mod done;
mod manifest;
mod rejects;
mod taking;

#[cfg(test)]
mod tests;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    draft::{FileError, Input, Rows},
    file::Encodings,
    intake::{self, Intake, Source},
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
    /// Looks through the folder once and takes what is there, the oldest first. A file that cannot be taken now stays, and
    /// keeps no other back. Gives the number of files that left the folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder itself cannot be used; [`Error::Stopping`].
    pub fn sweep(&self, intake: &Intake, stop: &CancellationToken) -> Result<u64, Error> {
        for folder in [&self.path, &self.done(), &self.rejected()] {
            outbox::make(folder).map_err(failed("make the folder"))?;
        }
        rejects::adopt(&self.rejected(), &self.done()).map_err(failed("finish a report"))?;
        let mut count = 0;
        for path in self.waiting().map_err(failed("list the folder"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match taking::take(self, &path, intake, stop) {
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

    /// The files to take, the oldest first; those of one instant by name.
    fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let about = entry.metadata()?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let unfinished = name.starts_with('.') || NOT_TAKEN.iter().any(|ending| name.ends_with(ending));
            if about.is_file() && !unfinished {
                found.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
            }
        }
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

impl Source for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn run(self: Box<Self>, intake: Intake, stop: CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            while !stop.is_cancelled() {
                let (folder, intake, stopping) = (self.clone(), intake.clone(), stop.clone());
                let swept = tokio::task::spawn_blocking(move || folder.sweep(&intake, &stopping)).await;
                if let Ok(Err(error)) = swept
                    && !matches!(error, Error::Stopping)
                {
                    tracing::error!(cause = %chain(&error), "folder cannot be used");
                }
                let pause = tokio::time::sleep(self.every);
                stop.run_until_cancelled(pause).await;
            }
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
