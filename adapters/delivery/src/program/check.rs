//! `check`: shows which signals a file holds and which rows hold none.
//! It needs no hub and sends nothing.

use std::{fs::File, io::Write, path::Path};

use super::{DONE, Opened, Program, SOME_REFUSED, Stopped, USAGE, open, print, usage};
use crate::{
    draft::{self, FileError, Input, Rows},
    file::{self, Survey},
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

/// Opens a file and begins to read its rows; `through` may put something between the content and the adapter, and is told
/// the content's length in bytes.
pub(super) fn rows(
    program: Program,
    opened: &Opened,
    path: &Path,
    through: impl FnOnce(Input, u64) -> Input,
) -> Result<Rows, Stopped> {
    let disk = |error: std::io::Error| Stopped {
        code: USAGE,
        sentence: format!("{}: {error}", path.display()),
    };
    let file = File::open(path).map_err(disk)?;
    let survey = Survey::of(&file).map_err(disk)?;
    let content = file::content(file, &survey, program.encodings).map_err(|error| about(path, &error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let rows = opened.translate.rows(through(content, survey.length), &name);
    rows.map_err(|error| about(path, &error))
}

pub(super) fn about(path: &Path, error: &FileError) -> Stopped {
    Stopped {
        code: USAGE,
        sentence: format!("{}: {error}", path.display()),
    }
}
