//! `once`: pushes the rows of a file and reports what became of each.
//! It keeps nothing on disk: the file itself is what is sent again if it is cut short.

use std::{
    cell::RefCell,
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{DONE, Program, SOME_REFUSED, Stopped, check, not_sent, open, print, usage};
use crate::{
    catalogue::agree,
    channel::channel,
    content::Content,
    draft::{FileError, Input, Rows},
    push::{Error, Patience, Unfinished, push},
    report::Report,
    settings::Settings,
};

pub(super) fn once(
    program: Program,
    path: &Path,
    settings_file: &Path,
    json: bool,
    patience: Patience,
    out: &mut dyn Write,
) -> Result<u8, Stopped> {
    let settings = Settings::load(settings_file).map_err(usage)?;
    let opened = open(program, Some(settings_file))?;
    let bar = RefCell::new(ProgressBar::hidden());
    let rows = check::rows(program, &opened, path, |input, length| {
        if !json && io::stderr().is_terminal() {
            bar.replace(shown(length));
        }
        let bar = bar.borrow().clone();
        Box::new(Watched { input, bar }) as Input
    })?;
    let (left_out, fault) = (RefCell::default(), RefCell::new(None));
    let drafts = drafts(rows, &left_out, &fault);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (pushed, failure) = runtime.map_err(usage)?.block_on(async {
        let channel = channel(&settings).map_err(usage)?;
        let pushed = match agree(&opened.needs, patience, |_| Ok(channel.clone())).await {
            Ok(()) => push(channel, drafts, patience).await,
            Err(error @ Error::CatalogueDiffers { .. }) => return Err(not_sent(&error, &error)),
            Err(error) => Err(Unfinished::before(drafts, error)),
        };
        Ok(match pushed {
            Ok(report) => (report, None),
            Err(unfinished) => {
                let failure = not_sent(&unfinished.source, &unfinished);
                (*unfinished.report, Some(failure))
            }
        })
    })?;
    bar.borrow().finish_and_clear();
    let left_out: Report = left_out.into_inner();
    let report = Report {
        taken: pushed.taken + left_out.taken,
        passed_over: left_out.passed_over,
        untranslated: left_out.untranslated,
        untranslated_unlisted: left_out.untranslated_unlisted,
        fault: fault.borrow().as_ref().map(FileError::to_string),
        ..pushed
    };
    if json {
        print(out, serde_json::to_string_pretty(&report).map_err(usage)?)?;
    } else {
        print(out, &report)?;
    }
    match (failure, fault.into_inner()) {
        (Some(failure), _) => Err(failure),
        (None, Some(fault)) => Err(check::about(path, &fault)),
        (None, None) => Ok(if report.is_clean() { DONE } else { SOME_REFUSED }),
    }
}

/// What the hub is to be told of a file. Rows that have none are put into a report; what ends the rows early is kept apart.
fn drafts(
    mut rows: Rows,
    left_out: &RefCell<Report>,
    fault: &RefCell<Option<FileError>>,
) -> impl Iterator<Item = (String, Content)> {
    std::iter::from_fn(move || {
        loop {
            match rows.next()? {
                Ok(row) => match row.result {
                    Ok(content) => return Some((row.origin, content)),
                    Err(why) => left_out.borrow_mut().leave_out(row.origin, why),
                },
                Err(error) => {
                    fault.replace(Some(error));
                    return None;
                }
            }
        }
    })
}

fn shown(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template("{wide_bar} {percent:>3} %  {bytes_per_sec}  {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A file's content, and the bar that shows how far it has been read.
struct Watched {
    input: Input,
    bar: ProgressBar,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
