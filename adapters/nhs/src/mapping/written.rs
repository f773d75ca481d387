//! The mapping as it is written in TOML, and the checks of each rule.
//! It never lets a word through that the hub's catalogue does not have: what cannot be used is told with its line.

use std::{collections::BTreeMap, ops::Range};

use placehub_proto::v1::{ConsentMethod, Sensitivity, Severity};
use serde::Deserialize;
use toml::Spanned;

use super::{
    Attribute, Deed, Error, Mapping, Rule, Tell,
    catalogue::{Catalogue, Sort},
    consent::Consents,
};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    hl7: Vec<Spanned<WrittenRule>>,
    #[serde(default)]
    fhir: Vec<Spanned<WrittenRule>>,
    #[serde(default)]
    mns: Vec<Spanned<WrittenRule>>,
    #[serde(default)]
    consent: WrittenConsent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    event: Option<Few>,
    resource: Option<Few>,
    #[serde(rename = "type")]
    kind_of_event: Option<Few>,
    #[serde(default)]
    when: BTreeMap<String, Few>,
    kind: Option<Spanned<String>>,
    id: Option<String>,
    cancels: Option<Few>,
    at: Option<Few>,
    severity: Option<Spanned<String>>,
    sensitivity: Option<Spanned<String>>,
    summary: Option<Spanned<String>>,
    #[serde(default)]
    died: bool,
    #[serde(default)]
    attributes: BTreeMap<String, Few>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WrittenConsent {
    method: Option<Spanned<String>>,
    agencies: BTreeMap<String, String>,
    purposes: BTreeMap<String, Spanned<String>>,
    kinds: BTreeMap<String, Spanned<String>>,
}

/// One word, or several.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Few {
    One(String),
    Many(Vec<String>),
}

/// The three sorts of rules: the key that says what each is for, and the paths that it may name.
#[derive(Clone, Copy)]
struct Sorts {
    key: &'static str,
    is_path: fn(&str) -> bool,
    is_selector: fn(&str) -> bool,
}

const HL7: Sorts = Sorts {
    key: "event",
    is_path: hl7_path,
    is_selector: |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
};
const FHIR: Sorts = Sorts {
    key: "resource",
    is_path: fhir_path,
    is_selector: |text| ["Encounter", "EpisodeOfCare", "Flag", "Patient"].contains(&text),
};
const MNS: Sorts = Sorts {
    key: "type",
    is_path: |path| ["time", "subject", "dataref", "dataref.code"].contains(&path),
    is_selector: |text| !text.is_empty(),
};

impl Written {
    /// Checks every rule against the catalogue. `text` is the file, for the lines.
    pub(super) fn checked(self, text: &str, catalogue: &Catalogue) -> Result<Mapping, Error> {
        let lines = Lines { text, catalogue };
        Ok(Mapping {
            hl7: lines.rules(self.hl7, HL7)?,
            fhir: lines.rules(self.fhir, FHIR)?,
            mns: lines.rules(self.mns, MNS)?,
            consents: lines.consents(self.consent)?,
        })
    }
}

struct Lines<'t> {
    text: &'t str,
    catalogue: &'t Catalogue,
}

impl Lines<'_> {
    fn rules(&self, written: Vec<Spanned<WrittenRule>>, sorts: Sorts) -> Result<Vec<Rule>, Error> {
        let rules: Vec<Rule> = written
            .into_iter()
            .map(|rule| self.rule(rule, sorts))
            .collect::<Result<_, _>>()?;
        let ids: Vec<(&String, bool)> = rules
            .iter()
            .filter_map(|rule| rule.deed.tell().map(|tell| (&tell.id, tell.died)))
            .collect();
        for rule in &rules {
            let Deed::Cancel { marks, died } = &rule.deed else {
                continue;
            };
            if marks.iter().any(|id| !ids.contains(&(id, *died))) {
                let words = "`cancels` names an `id` that no rule of its sort has with the same `died`";
                return Err(Error::at(rule.line, words));
            }
        }
        Ok(rules)
    }

    fn rule(&self, written: Spanned<WrittenRule>, sorts: Sorts) -> Result<Rule, Error> {
        let line = self.line(written.span());
        let refuse = |rule: &str| Err(Error::at(line, rule));
        let rule = written.into_inner();
        let named = [
            ("event", &rule.event),
            ("resource", &rule.resource),
            ("type", &rule.kind_of_event),
        ];
        if named.iter().any(|(key, value)| value.is_some() && *key != sorts.key) {
            return refuse(&format!("a rule of this sort is for an `{}`", sorts.key));
        }
        let selectors = named.into_iter().find_map(|(_, value)| value.clone());
        let selectors = selectors.map(Few::all).unwrap_or_default();
        if selectors.is_empty() || !selectors.iter().all(|selector| (sorts.is_selector)(selector)) {
            return refuse(&format!(
                "`{}` is missing, or is not one that this program knows",
                sorts.key
            ));
        }
        let when: Vec<(String, Vec<String>)> = rule.when.into_iter().map(|(path, few)| (path, few.all())).collect();
        let at = rule.at.map(Few::all).unwrap_or_default();
        let sources = rule
            .attributes
            .values()
            .cloned()
            .flat_map(Few::all)
            .filter(|path| path != "at");
        let mut paths = when
            .iter()
            .map(|(path, _)| path.clone())
            .chain(at.iter().cloned())
            .chain(sources);
        if let Some(path) = paths.find(|path| !(sorts.is_path)(path)) {
            return refuse(&format!("`{path}` is not a path"));
        }
        let deed = match (rule.kind, rule.cancels) {
            (Some(kind), None) => {
                let of_kind = self.catalogue.kind(kind.get_ref());
                let of_kind = of_kind.ok_or_else(|| {
                    let rule = "is not a kind of the catalogue that a health agency may own";
                    Error::at(self.line(kind.span()), &format!("`{}` {rule}", kind.get_ref()))
                })?;
                let id = rule.id.filter(|id| (1..=24).contains(&id.len()) && id.is_ascii());
                let Some(id) = id else {
                    return refuse("`id` is missing, or is not 1 to 24 plain characters");
                };
                if at.is_empty() {
                    return refuse("`at` is missing");
                }
                let mut attributes = Vec::new();
                for (name, few) in rule.attributes {
                    let Some(sort) = of_kind.attributes.get(&name).copied() else {
                        return refuse(&format!("`{name}` is not an attribute of `{}`", kind.get_ref()));
                    };
                    let paths = few.all();
                    if sort != Sort::Date && paths.iter().any(|path| path == "at") {
                        return refuse(&format!("`{name}` holds no date, so it cannot be \"at\""));
                    }
                    attributes.push(Attribute { name, sort, paths });
                }
                Deed::Tell(Tell {
                    severity: self.severity(rule.severity)?,
                    sensitivity: self.sensitivity(rule.sensitivity)?,
                    summary: self.summary(rule.summary, line)?,
                    died: rule.died,
                    kind: kind.into_inner(),
                    id,
                    at,
                    attributes,
                })
            }
            (None, Some(cancels)) if rule.id.is_none() && at.is_empty() && rule.attributes.is_empty() => Deed::Cancel {
                marks: cancels.all(),
                died: rule.died,
            },
            _ => return refuse("a rule has a `kind` with `id`, `at` and `summary`, or `cancels` alone"),
        };
        Ok(Rule {
            line,
            selectors,
            when,
            deed,
        })
    }

    fn severity(&self, word: Option<Spanned<String>>) -> Result<Severity, Error> {
        let Some(word) = word else { return Ok(Severity::Medium) };
        let line = self.line(word.span());
        placehub_delivery::fields::severity(word.get_ref())
            .map_err(|rule| Error::at(line, &format!("`severity` {rule}")))
    }

    fn sensitivity(&self, word: Option<Spanned<String>>) -> Result<Sensitivity, Error> {
        match word.as_ref().map(|word| word.get_ref().as_str()) {
            None => Ok(Sensitivity::Unspecified),
            Some("sensitive") => Ok(Sensitivity::Sensitive),
            Some("restricted") => Ok(Sensitivity::Restricted),
            Some(_) => {
                let line = word.map_or(1, |word| self.line(word.span()));
                Err(Error::at(line, "`sensitivity` is neither sensitive nor restricted"))
            }
        }
    }

    fn summary(&self, text: Option<Spanned<String>>, rule: usize) -> Result<String, Error> {
        let text = text.ok_or_else(|| Error::at(rule, "`summary` is missing"))?;
        let line = self.line(text.span());
        let shown = text.get_ref().replace("{day}", "2026-11-21");
        if shown.contains(['{', '}']) {
            return Err(Error::at(line, "`summary` may hold {day}, and no other braces"));
        }
        placehub_delivery::fields::summary(&shown).map_err(|rule| Error::at(line, &format!("`summary` {rule}")))?;
        Ok(text.into_inner())
    }

    fn consents(&self, written: WrittenConsent) -> Result<Consents, Error> {
        let method = match written.method {
            None => ConsentMethod::Electronic,
            Some(word) => match word.get_ref().as_str() {
                "spoken" => ConsentMethod::Spoken,
                "written" => ConsentMethod::Written,
                "electronic" => ConsentMethod::Electronic,
                _ => {
                    let rule = "`method` is not spoken, written or electronic";
                    return Err(Error::at(self.line(word.span()), rule));
                }
            },
        };
        let purpose = written
            .purposes
            .values()
            .find(|it| !self.catalogue.has_purpose(it.get_ref()));
        let kind = written.kinds.values().find(|it| !self.catalogue.has_kind(it.get_ref()));
        for (unknown, list) in [(purpose, "purpose"), (kind, "kind")] {
            if let Some(word) = unknown {
                let rule = format!("`{}` is not a {list} of the catalogue", word.get_ref());
                return Err(Error::at(self.line(word.span()), &rule));
            }
        }
        let plain = |all: BTreeMap<String, Spanned<String>>| {
            all.into_iter().map(|(code, word)| (code, word.into_inner())).collect()
        };
        Ok(Consents {
            method,
            agencies: written.agencies,
            purposes: plain(written.purposes),
            kinds: plain(written.kinds),
            catalogue: self.catalogue.clone(),
        })
    }

    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
}

impl Few {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(word) => vec![word],
            Self::Many(words) => words,
        }
    }
}

/// `PV1-37`, or `PV1-37.2`.
fn hl7_path(path: &str) -> bool {
    super::hl7_path(path).is_some()
}

/// Element names between dots, each of which may be `extension(WORD)`.
fn fhir_path(path: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    path.split('.').all(|step| match step.strip_prefix("extension(") {
        Some(rest) => rest.strip_suffix(')').is_some_and(|word| plain(&word.replace('-', ""))),
        None => plain(step),
    })
}
