//! A class of signals in an entry: what was decided on it, which many entries share, and how many signals it held in
//! this one.
//! Never holds whom or which.

use std::{collections::BTreeSet, ops::Deref};

use placehub_model::{
    AgencyId, AreaCode, ConsentFact, Judged, KindId, Level, Sensitivity, Severity, Shared, SubjectSort,
};
use serde::Deserialize;

/// A class of signals that no rule can tell apart, and what was decided on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Row")]
pub struct Class {
    /// What was decided.
    pub judged: Shared,
    /// How many signals were in it.
    pub count: u32,
}

/// A class as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: KindId,
    owner: AgencyId,
    sensitivity: Sensitivity,
    severity: Severity,
    areas: BTreeSet<AreaCode>,
    about: SubjectSort,
    consent: ConsentFact,
    #[serde(default)]
    deceased: bool,
    level: Option<Level>,
    rules: BTreeSet<String>,
    count: u32,
}

impl Class {
    /// Its encoding, but for the count and the end.
    pub(super) fn text(&self) -> serde_json::Result<&str> {
        self.judged.written(write)
    }
}

impl Deref for Class {
    type Target = Judged;

    fn deref(&self) -> &Judged {
        self.judged.judged()
    }
}

impl From<Row> for Class {
    fn from(row: Row) -> Self {
        let judged = Judged {
            kind: row.kind,
            owner: row.owner,
            sensitivity: row.sensitivity,
            severity: row.severity,
            areas: row.areas,
            about: row.about,
            consent: row.consent,
            deceased: row.deceased,
            level: row.level,
            rules: row.rules,
        };
        Self {
            judged: judged.into(),
            count: row.count,
        }
    }
}

fn write(judged: &Judged) -> serde_json::Result<String> {
    let mut text = serde_json::to_string(judged)?;
    let _brace = text.pop();
    Ok(text)
}
