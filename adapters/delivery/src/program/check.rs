//! `check`: shows which signals a file holds and which rows hold none.
//! It needs no hub and sends nothing.

use std::{
    fmt::Display,
    fs::{self, File},
    io::{self, Seek, Write},
    path::Path,
};

use super::{DONE, Opened, Program, SOME_REFUSED, Stopped, USAGE, open, print, usage};
use crate::{
    draft::{self, FileError, Input, Rows},
    file::{self, Survey},
    folder::manifest::{self, Manifest, Rowcount},
};

pub(super) fn check(
    program: Program,
    path: &Path,
    settings: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<u8, Stopped> {
    let opened = open(program, settings)?;
    let (mut count, mut bad, mut passed_over) = (0_u64, 0_u64, 0_u64);
    for row in rows(program, &opened, path, |input, _| input)? {
        let row = row.map_err(|error| about(path, &error))?;
        count += 1;
        match &row.result {
            Err(why) if why.passed_over => passed_over += 1,
            result => bad += u64::from(result.is_err()),
        }
        match (&row.result, json) {
            (_, true) => {
                let comma = if count == 1 { "[\n" } else { ",\n" };
                write!(out, "{comma}{:#}", draft::one_view(&row)).map_err(usage)?;
            }
            (Ok(content), false) => print(out, format_args!("{}: {}", row.origin, content.line()))?,
            (Err(why), false) if why.passed_over => print(out, format_args!("{}: passed over, {why}", row.origin))?,
            (Err(why), false) => print(out, format_args!("{}: not translated, {why}", row.origin))?,
        }
    }
    match (json, count) {
        (true, 0) => print(out, "[]")?,
        (true, _) => print(out, "\n]")?,
        (false, _) if passed_over > 0 => {
            let line = format_args!("{count} taken, {bad} not translated, {passed_over} passed over");
            print(out, line)?;
        }
        (false, _) => print(out, format_args!("{count} taken, {bad} not translated"))?,
    }
    Ok(if bad == 0 { DONE } else { SOME_REFUSED })
}

/// Opens a file, compares it with its manifest if it has one, and begins to read its rows; `through` may put something between the content and the adapter, and is told
/// the content's length in bytes.
pub(super) fn rows(
    program: Program,
    opened: &Opened,
    path: &Path,
    through: impl FnOnce(Input, u64) -> Input,
) -> Result<Rows, Stopped> {
    let disk = |error: io::Error| unusable(path, &error);
    let file = File::open(path).map_err(disk)?;
    let survey = Survey::of(&file).map_err(disk)?;
    let again = file.try_clone().map_err(disk)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let rows = |file, through: &mut dyn FnMut(Input, u64) -> Input| {
        let content = file::content(file, &survey, program.encodings)?;
        opened.translate.rows(through(content, survey.length), &name)
    };
    if let Some(manifest) = manifest(path)? {
        let refuse = |rule: String| unusable(&manifest::beside(path), &rule);
        manifest.check_digest(&survey.sha256).map_err(refuse)?;
        if manifest.rows.is_some() {
            let mut count = Rowcount::default();
            for row in rows(again, &mut |input, _| input).map_err(|error| about(path, &error))? {
                count.add(&row.map_err(|error| about(path, &error))?.origin);
            }
            manifest.check_rows(count.count()).map_err(refuse)?;
            (&file).rewind().map_err(disk)?;
        }
    }
    let mut through = Some(through);
    let rows = rows(file, &mut |input, length| match through.take() {
        Some(through) => through(input, length),
        None => input,
    });
    rows.map_err(|error| about(path, &error))
}

/// What the sender says of the file, if they do.
fn manifest(path: &Path) -> Result<Option<Manifest>, Stopped> {
    let beside = manifest::beside(path);
    match fs::read(&beside) {
        Ok(bytes) => Manifest::parse(&bytes)
            .map(Some)
            .map_err(|rule| unusable(&beside, &rule)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&beside, &error)),
    }
}

pub(super) fn about(path: &Path, error: &FileError) -> Stopped {
    unusable(path, error)
}

fn unusable(path: &Path, why: &dyn Display) -> Stopped {
    Stopped {
        code: USAGE,
        sentence: format!("{}: {why}", path.display()),
    }
}
