//! The mapping: which message, resource or notification becomes which signal. One readable file, checked when it is read.
//! It never decides who may see a signal, and never puts a value of a message into a summary.

pub mod catalogue;
mod consent;
mod written;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use placehub_delivery::{
    Untranslatable,
    draft::{boolean_attribute, date_attribute, integer_attribute, text_attribute},
    fields,
};
use placehub_proto::v1::{AttributeValue, Sensitivity, Severity};

use catalogue::{Catalogue, Sort};
pub(crate) use consent::Consents;

/// The rules of a mapping file.
#[derive(Debug, Clone)]
pub struct Mapping {
    hl7: Vec<Rule>,
    fhir: Vec<Rule>,
    mns: Vec<Rule>,
    /// What is said on consents.
    pub(crate) consents: Consents,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of it breaks a rule of ours.
    #[error("line {line}: {rule}")]
    Rule {
        /// Its line in the file.
        line: usize,
        /// What is wrong with it.
        rule: String,
    },
    /// It is no TOML, or has a key that it cannot have.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
}

/// What a rule can ask of a message, resource or notification.
pub(crate) trait Record {
    /// The codes that stand at a path.
    fn codes(&self, path: &str) -> Vec<String>;
    /// What stands there, in words if it has them.
    fn words(&self, path: &str) -> Option<String>;
    /// The time that stands there, if anything does.
    fn moment(&self, path: &str) -> Option<Result<Timestamp, &'static str>>;
    /// The path in the words of whoever sent the record.
    fn place(&self, path: &str) -> String;
}

/// A rule: for which records, and what of them.
#[derive(Debug, Clone)]
struct Rule {
    /// Its line in the file.
    line: usize,
    /// The events, resources or types.
    selectors: Vec<String>,
    when: Vec<(String, Vec<String>)>,
    deed: Deed,
}

/// What becomes of a record.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// The signals of these ids are taken back, and the news of a death, if the rule says so.
    Cancel { marks: Vec<String>, died: bool },
    /// A signal.
    Tell(Tell),
}

/// What a signal is made of.
#[derive(Debug, Clone)]
pub(crate) struct Tell {
    /// The kind.
    pub(crate) kind: String,
    /// Stands behind the source's own id.
    pub(crate) id: String,
    /// How urgent.
    pub(crate) severity: Severity,
    /// How carefully to handle it, if more than the kind asks for.
    pub(crate) sensitivity: Sensitivity,
    /// Whether the hub is also told that the person died.
    pub(crate) died: bool,
    summary: String,
    at: Vec<String>,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Clone)]
struct Attribute {
    name: String,
    sort: Sort,
    paths: Vec<String>,
}

impl Mapping {
    /// The mapping that comes with the adapter, and that `init` writes.
    pub const USUAL: &str = include_str!("../../mapping.toml");

    /// Reads a mapping and checks it against the hub's catalogue.
    ///
    /// # Errors
    ///
    /// [`Error`] with the line.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self, Error> {
        let written: written::Written = toml::from_str(text).map_err(|error| Error::Toml(Box::new(error)))?;
        written.checked(text, catalogue)
    }

    /// The kinds that its rules make.
    pub fn kinds(&self) -> BTreeSet<String> {
        let rules = self.hl7.iter().chain(&self.fhir).chain(&self.mns);
        rules.filter_map(|rule| Some(rule.deed.tell()?.kind.clone())).collect()
    }

    /// What becomes of an HL7 v2 event, e.g. `A03`.
    pub(crate) fn hl7(&self, event: &str, record: &dyn Record) -> Vec<&Deed> {
        choose(&self.hl7, event, record)
    }

    /// What becomes of a FHIR resource of this type.
    pub(crate) fn fhir(&self, resource: &str, record: &dyn Record) -> Vec<&Deed> {
        choose(&self.fhir, resource, record)
    }

    /// What becomes of a notification of this type.
    pub(crate) fn mns(&self, kind: &str, record: &dyn Record) -> Vec<&Deed> {
        choose(&self.mns, kind, record)
    }
}

/// The first rule that fits, and of those on deaths the first: a discharge may be a death as well.
fn choose<'m>(rules: &'m [Rule], selector: &str, record: &dyn Record) -> Vec<&'m Deed> {
    let first = |died: bool| {
        let mut fitting = rules.iter().filter(|rule| rule.deed.died() == died);
        fitting.find(|rule| rule.selectors.iter().any(|it| it == selector) && rule.fits(record))
    };
    let chosen = [first(false), first(true)].into_iter().flatten();
    chosen.map(|rule| &rule.deed).collect()
}

impl Deed {
    /// Whether it is about the death of the person, and so goes under the person's name and not the record's.
    pub(crate) fn died(&self) -> bool {
        match self {
            Self::Cancel { died, .. } => *died,
            Self::Tell(tell) => tell.died,
        }
    }

    /// What it makes a signal of, if it makes one.
    pub(crate) fn tell(&self) -> Option<&Tell> {
        match self {
            Self::Tell(tell) => Some(tell),
            Self::Cancel { .. } => None,
        }
    }
}

impl Rule {
    fn fits(&self, record: &dyn Record) -> bool {
        self.when.iter().all(|(path, wanted)| {
            let codes = record.codes(path);
            let is_wanted = |code: &String| wanted.iter().any(|it| it == "*" || it.eq_ignore_ascii_case(code));
            codes.iter().any(is_wanted)
        })
    }
}

impl Tell {
    /// When it happened: the first of its paths where anything stands.
    pub(crate) fn at(&self, record: &dyn Record) -> Result<Timestamp, Untranslatable> {
        let first = self.at.iter().find_map(|path| Some((path, record.moment(path)?)));
        match (first, self.at.first()) {
            (Some((path, moment)), _) => moment.map_err(|rule| Untranslatable::new(record.place(path), rule)),
            (None, Some(path)) => {
                let rule = match self.at.len() {
                    1 => "is missing",
                    _ => "is missing, and so is everything else that says when",
                };
                Err(Untranslatable::new(record.place(path), rule))
            }
            (None, None) => Err(Untranslatable::new("at", "is missing")),
        }
    }

    /// The line of text.
    pub(crate) fn summary(&self, at: Timestamp) -> String {
        self.summary.replace("{day}", &fields::uk_day(at).to_string())
    }

    /// What the record says of the attributes; those that it does not state, or that do not fit, are left out.
    pub(crate) fn attributes(&self, record: &dyn Record, at: Timestamp) -> HashMap<String, AttributeValue> {
        let stated = self.attributes.iter().filter_map(|attribute| {
            let value = attribute
                .paths
                .iter()
                .find_map(|path| attribute.value(path, record, at))?;
            Some((attribute.name.clone(), value))
        });
        stated.collect()
    }
}

impl Attribute {
    fn value(&self, path: &str, record: &dyn Record, at: Timestamp) -> Option<AttributeValue> {
        let word = || record.codes(path).into_iter().next();
        match self.sort {
            Sort::Text => fields::phrase(&record.words(path)?).ok().map(text_attribute),
            Sort::Integer => fields::whole(&word()?).ok().map(integer_attribute),
            Sort::Boolean => fields::yes_or_no(&word()?).ok().map(boolean_attribute),
            Sort::Date if path == "at" => Some(date_attribute(fields::uk_day(at))),
            Sort::Date => Some(date_attribute(fields::uk_day(record.moment(path)?.ok()?))),
        }
    }
}

impl Error {
    fn at(line: usize, rule: &str) -> Self {
        let rule = rule.to_owned();
        Self::Rule { line, rule }
    }
}

/// Segment, field and component of a path such as `PV1-37` or `PV1-37.2`.
pub(crate) fn hl7_path(path: &str) -> Option<(&str, usize, Option<usize>)> {
    let (segment, rest) = path.split_once('-')?;
    let number = |text: &str| {
        text.parse()
            .ok()
            .filter(|number| (1..=200).contains(number) && !text.starts_with('+'))
    };
    let plain = segment.len() == 3
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let (field, component) = match rest.split_once('.') {
        Some((field, component)) => (number(field)?, Some(number(component)?)),
        None => (number(rest)?, None),
    };
    plain.then_some((segment, field, component))
}
