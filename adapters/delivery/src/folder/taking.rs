//! Takes one file of the drop folder: compares it with its manifest, hands over its rows, moves it.
//! It never holds more of it than a few hundred rows.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use tokio_util::sync::CancellationToken;

use super::{
    Error, Folder, Look, Outcome, failed,
    manifest::{self, Manifest, Rowcount},
    move_to, rejects,
    rejects::Rejects,
};
use crate::{
    draft::{FileError, Rows, Untranslatable},
    file::{self, Survey},
    intake::{self, Intake, Taken},
    outbox,
};

/// How many rows share one sync of the disk, and how many bytes of the file they may be made of.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How many refused rows of one file go into the quarantine. Where there are more, something is wrong with the file, and it is
/// kept whole for them.
const MOST_KEPT: u64 = 1_000;

/// Takes a file. `None` if it waits for its manifest, or that is not as it was when it was looked at and `rested`.
pub(super) fn take(
    folder: &Folder,
    path: &Path,
    rested: Option<&Look>,
    intake: &Intake,
    stop: &CancellationToken,
) -> Result<Option<Outcome>, Error> {
    let beside = manifest::beside(path);
    let manifest = match fs::read(&beside) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("read the manifest")(error)),
        Err(_) if folder.manifest_required => return Ok(None),
        Err(_) => None,
    };
    if Look::at(&beside).map_err(failed("look at the manifest"))?.as_ref() != rested {
        return Ok(None);
    }
    let file = File::open(path).map_err(failed("open the file"))?;
    let look = Look::of(&file.metadata().map_err(failed("look at the file"))?);
    let survey = Survey::of(&file).map_err(failed("read the file"))?;
    let one = One {
        folder,
        path,
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        stored: stored_name(folder, path, &survey),
        file,
        look,
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
        move_to(&beside, &manifest::beside(&to)).map_err(failed("move the manifest"))?;
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
    /// As it was before any of it was read.
    look: Look,
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
            let mut rows = Rowcount::default();
            for row in self.rows()? {
                rows.add(&row.map_err(whole)?.origin);
                self.go_on()?;
            }
            manifest.check_rows(rows.count()).map_err(refuse)?;
        }
        Ok(())
    }

    /// Hands over all rows, and writes down those of which nothing can be made.
    fn hand_over(&self, intake: &Intake) -> Result<Outcome, Refused> {
        let later = |doing| move |error| Refused::Later(failed(doing)(error));
        let mut rows = self.rows()?;
        let mut report = Rejects::begin(&self.folder.rejected(), &self.stored).map_err(later("write the report"))?;
        let (mut count, mut broken, mut last) = (Rowcount::default(), false, String::new());
        loop {
            let (mut batch, mut bytes, mut ended) = (Vec::new(), 0, false);
            while batch.len() < BATCH && bytes < BATCH_BYTES {
                let Some(row) = rows.next() else {
                    ended = true;
                    break;
                };
                let row = match row.map_err(whole) {
                    Ok(row) => row,
                    Err(Refused::Whole(why)) => {
                        report.add(&after(&last), &why).map_err(later("write the report"))?;
                        (broken, ended) = (true, true);
                        break;
                    }
                    Err(error) => return Err(error),
                };
                count.add(&row.origin);
                bytes += row.piece.length();
                let place = row.origin.strip_prefix(&self.name).unwrap_or(&row.origin).trim_start();
                place.clone_into(&mut last);
                if let Err(why) = &row.result
                    && !why.passed_over
                {
                    report.add(place, why).map_err(later("write the report"))?;
                    if report.count() > MOST_KEPT {
                        intake.leave_in_file();
                        continue;
                    }
                }
                batch.push(Taken::of(row, &self.name));
            }
            self.go_on()?;
            intake.take(batch).map_err(|error| match error {
                intake::Error::Outbox(outbox::Error::Stopping) => Refused::Later(Error::Stopping),
                error => Refused::Later(Error::Intake(error)),
            })?;
            if ended {
                break;
            }
        }
        let refused = report.count();
        report.close().map_err(later("write the report"))?;
        // What was read before a fault is on its way; the report says where it ends.
        Ok(if broken || refused > MOST_KEPT {
            Outcome::Rejected
        } else {
            let rows = count.count();
            Outcome::Done { rows, refused }
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
        let there = Look::of(&fs::metadata(self.path)?);
        Ok(there == self.look && there.length == self.survey.length)
    }
}

/// The place behind this one, e.g. `row 8` behind `row 7`; empty if there is none before it.
fn after(place: &str) -> String {
    let (word, number) = place.rsplit_once(' ').unwrap_or_default();
    let next = number.parse::<u64>().map(|number| format!("{word} {}", number + 1));
    next.unwrap_or_default()
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
