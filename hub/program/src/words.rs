//! The contract's enumerations as words on a command line, in a table and in JSON. Pure.

use clap::ValueEnum;
use placehub_proto::v1::{ConsentMethod, ConsentStance, DisclosureLevel, PushOutcome, Severity, SubjectSort};

/// How much of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// That an agency knows of something, and whom to ring.
    Existence,
    /// Kind, date, area and severity.
    Headline,
    /// Everything.
    Detail,
}

/// How a person said what they said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// In an electronic service.
    Electronic,
    /// Through somebody who may speak for them.
    Representative,
    /// To a member of staff.
    Spoken,
    /// On a signed form.
    Written,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// An address.
    Address,
    /// An area.
    Area,
    /// A person.
    Person,
}

impl From<Level> for DisclosureLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Existence => Self::Existence,
            Level::Headline => Self::Headline,
            Level::Detail => Self::Detail,
        }
    }
}

impl From<Method> for ConsentMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Electronic => Self::Electronic,
            Method::Representative => Self::Representative,
            Method::Spoken => Self::Spoken,
            Method::Written => Self::Written,
        }
    }
}

impl From<Sort> for SubjectSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Address => Self::Address,
            Sort::Area => Self::Area,
            Sort::Person => Self::Person,
        }
    }
}

/// `existence`, `headline` or `detail`; `nothing` where nothing is shown.
pub(crate) fn level(level: DisclosureLevel) -> &'static str {
    match level {
        DisclosureLevel::Unspecified => "nothing",
        DisclosureLevel::Existence => "existence",
        DisclosureLevel::Headline => "headline",
        DisclosureLevel::Detail => "detail",
    }
}

/// `low` to `critical`; a dash where it is not said.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unspecified => "-",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// `given`, `refused` or `withdrawn`.
pub(crate) fn stance(stance: ConsentStance) -> &'static str {
    match stance {
        ConsentStance::Unspecified => "not stated",
        ConsentStance::Given => "given",
        ConsentStance::Refused => "refused",
        ConsentStance::Withdrawn => "withdrawn",
    }
}

/// How it was said.
pub(crate) fn method(method: ConsentMethod) -> &'static str {
    match method {
        ConsentMethod::Unspecified => "not stated",
        ConsentMethod::Spoken => "spoken",
        ConsentMethod::Written => "written",
        ConsentMethod::Electronic => "electronic",
        ConsentMethod::Representative => "representative",
    }
}

/// What became of a push.
pub(crate) fn outcome(outcome: PushOutcome) -> &'static str {
    match outcome {
        PushOutcome::Unspecified => "not stated",
        PushOutcome::Recorded => "recorded",
        PushOutcome::AlreadyKnown => "already known",
        PushOutcome::Corrected => "corrected",
        PushOutcome::Superseded => "superseded",
    }
}
