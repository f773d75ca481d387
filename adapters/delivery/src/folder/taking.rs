//! Takes one file of the drop folder: compares it with its manifest, hands over its rows, moves it.
//! It never holds more of it than a few hundred rows.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use super::{Error, Folder, Outcome, failed, manifest::Manifest, move_to, rejects, rejects::Rejects};
use crate::{
    draft::{FileError, Rows, Untranslatable},
    file::{self, Survey},
    intake::{self, Intake, Taken},
    outbox,
};

/// How many rows share one sync of the disk.
const BATCH: usize = 512;

/// Takes a file. `None` if it waits for its manifest.
pub(super) fn take(
    folder: &Folder,
    path: &Path,
    intake: &Intake,
    stop: &CancellationToken,
) -> Result<Option<Outcome>, Error> {
    let beside = with_ending(path, ".manifest");
    let manifest = match fs::read(&beside) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("read the manifest")(error)),
        Err(_) if folder.manifest_required => return Ok(None),
        Err(_) => None,
    };
    let file = File::open(path).map_err(failed("open the file"))?;
    let survey = Survey::of(&file).map_err(failed("read the file"))?;
    let one = One {
        folder,
        path,
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        stored: stored_name(folder, path, &survey),
        file,
        survey,
        stop,
    };
    let checked = manifest.map_or(Ok(()), |bytes| one.compare(&bytes));
    let outcome = match checked {
        Ok(()) => one.hand_over(intake),
        Err(refused) => Err(refused),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Refused::Later(error)) => return Err(error),
        Err(Refused::Whole(why)) => one.reject(&why)?,
    };
    if !one.is_unchanged().map_err(failed("look at the file"))? {
        return Err(Error::Changed);
    }
    let to = match outcome {
        Outcome::Done { .. } => folder.done(),
        Outcome::Rejected => folder.rejected(),
    };
    let to = to.join(&one.stored);
    move_to(path, &to).map_err(failed("move the file"))?;
    if beside.exists() {
        move_to(&beside, &with_ending(&to, ".manifest")).map_err(failed("move the manifest"))?;
    }
    rejects::adopt(&folder.rejected(), &folder.done()).map_err(failed("finish the report"))?;
    Ok(Some(outcome))
}

/// One file on its way.
struct One<'t> {
    folder: &'t Folder,
    path: &'t Path,
    name: String,
    /// Its name in `done/` or `rejected/`.
    stored: String,
    file: File,
    survey: Survey,
    stop: &'t CancellationToken,
}

/// Why a file was not handed over.
enum Refused {
    /// It may go another time.
    Later(Error),
    /// It never will as it is.
    Whole(Untranslatable),
}

impl One<'_> {
    /// Compares the file with its manifest before any of it is handed over.
    fn compare(&self, manifest: &[u8]) -> Result<(), Refused> {
        let refuse = |rule: String| Refused::Whole(Untranslatable::new("manifest", rule));
        let manifest = Manifest::parse(manifest).map_err(refuse)?;
        manifest.check_digest(&self.survey.sha256).map_err(refuse)?;
        if manifest.rows.is_some() {
            let mut rows = 0;
            for row in self.rows()? {
                row.map_err(whole)?;
                rows += 1;
                self.go_on()?;
            }
            manifest.check_rows(rows).map_err(refuse)?;
        }
        Ok(())
    }

    /// Hands over all rows, and writes down those of which nothing can be made.
    fn hand_over(&self, intake: &Intake) -> Result<Outcome, Refused> {
        let later = |doing| move |error| Refused::Later(failed(doing)(error));
        let mut rows = self.rows()?;
        let mut report = Rejects::begin(&self.folder.rejected(), &self.stored).map_err(later("write the report"))?;
        let (mut count, mut broken) = (0, false);
        while !broken {
            let mut batch = Vec::with_capacity(BATCH);
            for row in rows.by_ref().take(BATCH) {
                let row = match row.map_err(whole) {
                    Ok(row) => row,
                    Err(Refused::Whole(why)) => {
                        report.add("", &why).map_err(later("write the report"))?;
                        broken = true;
                        break;
                    }
                    Err(error) => return Err(error),
                };
                if let Err(why) = &row.result
                    && !why.passed_over
                {
                    let place = row.origin.strip_prefix(&self.name).unwrap_or(&row.origin).trim_start();
                    report.add(place, why).map_err(later("write the report"))?;
                }
                batch.push(Taken::of(row, &self.name));
            }
            if batch.is_empty() {
                break;
            }
            count += batch.len() as u64;
            self.go_on()?;
            intake.take(batch).map_err(|error| match error {
                intake::Error::Outbox(outbox::Error::Stopping) => Refused::Later(Error::Stopping),
                error => Refused::Later(Error::Intake(error)),
            })?;
        }
        let refused = report.count();
        report.close().map_err(later("write the report"))?;
        // What was read before a fault is on its way; the report says where it ends.
        Ok(if broken {
            Outcome::Rejected
        } else {
            Outcome::Done { rows: count, refused }
        })
    }

    /// Writes why the whole file is rejected.
    fn reject(&self, why: &Untranslatable) -> Result<Outcome, Error> {
        tracing::warn!(file = self.name, field = why.field, rule = why.rule, "file refused");
        let report = Rejects::begin(&self.folder.rejected(), &self.stored);
        report
            .and_then(|mut report| report.add("", why).and_then(|()| report.close()))
            .map_err(failed("write the report"))?;
        Ok(Outcome::Rejected)
    }

    fn rows(&self) -> Result<Rows, Refused> {
        let mut file = self
            .file
            .try_clone()
            .map_err(|error| Refused::Later(failed("read the file")(error)))?;
        io::Seek::rewind(&mut file).map_err(|error| Refused::Later(failed("read the file")(error)))?;
        let content = file::content(file, &self.survey, self.folder.encodings).map_err(whole)?;
        self.folder.translate.rows(content, &self.name).map_err(whole)
    }

    fn go_on(&self) -> Result<(), Refused> {
        if self.stop.is_cancelled() {
            Err(Refused::Later(Error::Stopping))
        } else {
            Ok(())
        }
    }

    /// Whether the file under this name is still the one that was opened, as it was then.
    fn is_unchanged(&self) -> io::Result<bool> {
        let (opened, there) = (self.file.metadata()?, fs::metadata(self.path)?);
        Ok((opened.dev(), opened.ino(), self.survey.length) == (there.dev(), there.ino(), there.len()))
    }
}

fn whole(error: FileError) -> Refused {
    match error {
        FileError::Unreadable { rule } => Refused::Later(failed("read the file")(io::Error::other(rule))),
        error => Refused::Whole(Untranslatable::new("file", error.to_string())),
    }
}

/// The file's own name, or if another file was stored under it, with the beginning of its digest behind it.
fn stored_name(folder: &Folder, path: &Path, survey: &Survey) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (done, rejected) = (folder.done(), folder.rejected());
    if done.join(&name).exists() || rejected.join(&name).exists() || rejects::exists(&rejected, &name) {
        let mark: String = survey.sha256.chars().take(8).collect();
        return format!("{name}.{mark}");
    }
    name
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
