//! Reads a folder of policies, and refuses it whole if anything in it is wrong: with file and line.
//! Never changes what is in force; whoever loads decides that.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet as Cedar, Schema, ValidationMode, Validator,
};
use quick_cache::sync::Cache;

use super::{Agreement, PolicySet, Rule, cedar::Types, particulars::Particulars};
use crate::{catalogue::Catalogue, model::AgreementId};

/// Why a folder of policies cannot be used. Whatever was in force before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalogue is wrong.
    #[error("the catalogue cannot be used")]
    Catalogue(#[source] crate::catalogue::Error),
    /// A policy file breaks a rule of the house.
    #[error("{file}: {rule}")]
    House {
        /// Which file.
        file: String,
        /// Which rule, and which policy broke it.
        rule: String,
    },
    /// A file does not parse or does not fit the schema.
    #[error("{file}: {what}")]
    Invalid {
        /// Which file.
        file: String,
        /// What is wrong and where.
        what: String,
    },
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Unreadable {
        /// Which file.
        file: String,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
}

/// What the permits of a file may be about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Agreement,
    Base,
    Operation,
}

const SCHEMA: &str = "placehub.cedarschema";
const SHARING: [&str; 5] = ["ask", "detail", "existence", "headline", "see"];

/// Reads everything under `folder`.
///
/// # Errors
/// Names the first file that is wrong, and what is wrong with it.
pub(super) fn load(folder: &Path) -> Result<PolicySet, Error> {
    let catalogue = Catalogue::load(&folder.join("catalogue")).map_err(Error::Catalogue)?;
    let files = read_all(folder)?;
    let invalid = |file: &str, what: String| Error::Invalid {
        file: file.to_owned(),
        what,
    };
    let text = |file: &str| {
        files.get(file).map(String::as_str).ok_or_else(|| Error::Unreadable {
            file: file.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    };
    let (schema, _) = Schema::from_cedarschema_str(text(SCHEMA)?).map_err(|why| invalid(SCHEMA, why.to_string()))?;
    let types = Types::parse().map_err(|why| invalid(SCHEMA, why))?;
    let mut reader = Reader {
        validator: Validator::new(schema.clone()),
        catalogue: &catalogue,
        rules: BTreeMap::new(),
    };
    let base = reader.policies("base.cedar", "base", text("base.cedar")?, Part::Base)?;
    let operation = reader.policies(
        "operation.cedar",
        "operation",
        text("operation.cedar")?,
        Part::Operation,
    )?;
    let mut agreements = Vec::new();
    for (file, source) in files.iter().filter(|(file, _)| file.starts_with("agreements/")) {
        let Some(name) = file.strip_prefix("agreements/").and_then(|f| f.strip_suffix(".cedar")) else {
            continue;
        };
        let id: AgreementId = name
            .parse()
            .map_err(|why: crate::model::NameInvalid| invalid(file, why.to_string()))?;
        let beside = format!("agreements/{name}.toml");
        let particulars: Particulars =
            toml::from_str(text(&beside)?).map_err(|why| invalid(&beside, why.to_string()))?;
        check_particulars(&beside, &particulars, &catalogue)?;
        let own = reader.policies(file, name, source, Part::Agreement)?;
        check_parties(file, &own, &particulars)?;
        agreements.push(Agreement {
            id,
            particulars,
            slice: join(file, &[&base, &own])?,
        });
    }
    Ok(PolicySet {
        digest: digest(&files).into(),
        operation: join("operation.cedar", &[&base, &operation])?,
        agreements,
        rules: reader.rules,
        schema,
        types,
        catalogue,
        verdicts: Cache::new(super::VERDICTS_KEPT),
        takers: Cache::new(super::VERDICTS_KEPT),
        operations: Cache::new(super::VERDICTS_KEPT),
    })
}

struct Reader<'c> {
    validator: Validator,
    catalogue: &'c Catalogue,
    rules: BTreeMap<String, Rule>,
}

impl Reader<'_> {
    /// The policies of one file, with their ids taken from `@id`.
    fn policies(&mut self, file: &str, agreement: &str, source: &str, part: Part) -> Result<Vec<Policy>, Error> {
        let invalid = |what: String| Error::Invalid {
            file: file.to_owned(),
            what,
        };
        let parsed: Cedar = source
            .parse()
            .map_err(|why: cedar_policy::ParseErrors| invalid(why.to_string()))?;
        if parsed.templates().next().is_some() {
            return Err(house(
                file,
                "a template (`?principal`, `?resource`) has no place here".into(),
            ));
        }
        let mut named = Vec::new();
        for policy in parsed.policies() {
            let rule = self.rule(file, agreement, policy, part)?;
            named.push(policy.new_id(PolicyId::new(&rule.id)));
            if self.rules.insert(rule.id.clone(), rule.clone()).is_some() {
                return Err(house(file, format!("the id `{}` is used twice", rule.id)));
            }
        }
        let set = join(file, &[&named])?;
        let validated = self.validator.validate(&set, ValidationMode::Strict);
        let faults: Vec<String> = validated
            .validation_errors()
            .map(ToString::to_string)
            .chain(validated.validation_warnings().map(ToString::to_string))
            .collect();
        match faults.is_empty() {
            true => Ok(named),
            false => Err(invalid(faults.join("; "))),
        }
    }

    fn rule(&self, file: &str, agreement: &str, policy: &Policy, part: Part) -> Result<Rule, Error> {
        let note = |key: &str| policy.annotation(key).unwrap_or_default().to_owned();
        let id = note("id");
        let broken = |rule: &str| {
            let name = if id.is_empty() {
                policy.id().to_string()
            } else {
                id.clone()
            };
            Err(house(file, format!("policy `{name}`: {rule}")))
        };
        if id.parse::<AgreementId>().is_err() {
            return broken("it needs an `@id` of letters, digits and hyphens");
        }
        if note("agreement") != agreement {
            return broken(&format!("its `@agreement` must be `{agreement}`"));
        }
        if note("reason").is_empty() {
            return broken("it needs a plain-English `@reason`");
        }
        let sharing = actions(policy).map(|names| names.iter().all(|name| SHARING.contains(&name.as_str())));
        match (part, policy.effect(), sharing) {
            (Part::Base, Effect::Permit, _) => return broken("base.cedar may only forbid"),
            (Part::Operation, Effect::Permit, None | Some(true)) => {
                return broken("operation.cedar may not permit asking or seeing");
            }
            (Part::Agreement, Effect::Permit, None | Some(false)) => {
                return broken("an agreement permits asking and seeing, named by action, and nothing else");
            }
            _ => {}
        }
        for uid in policy.entity_literals() {
            self.known(file, &id, &uid)?;
        }
        Ok(Rule {
            reason: note("reason"),
            agreement: agreement.to_owned(),
            id,
        })
    }

    /// A word that is not in the catalogue would silently match nothing.
    fn known(&self, file: &str, policy: &str, uid: &EntityUid) -> Result<(), Error> {
        let name = uid.id().unescaped();
        let known = match uid.type_name().basename() {
            "Gateway" => name.parse().is_ok_and(|id| self.catalogue.gateway(&id).is_some()),
            "Kind" => name.parse().is_ok_and(|id| self.catalogue.kind(&id).is_some()),
            "Purpose" => name.parse().is_ok_and(|id| self.catalogue.purpose(&id).is_some()),
            _ => true,
        };
        match known {
            true => Ok(()),
            false => Err(house(file, format!("policy `{policy}`: {uid} is not in the catalogue"))),
        }
    }
}

fn check_particulars(file: &str, particulars: &Particulars, catalogue: &Catalogue) -> Result<(), Error> {
    if catalogue.purpose(&particulars.purpose).is_none() {
        return Err(house(
            file,
            format!("the purpose `{}` is not in the catalogue", particulars.purpose),
        ));
    }
    if particulars.gateways.is_empty() {
        return Err(house(file, "it names no gateway; write `none` for consent".into()));
    }
    if let Some(unknown) = particulars.gateways.iter().find(|id| catalogue.gateway(id).is_none()) {
        return Err(house(file, format!("the gateway `{unknown}` is not in the catalogue")));
    }
    if particulars.review_date < particulars.in_force_from {
        return Err(house(
            file,
            "its review date is before the day on which it comes into force".into(),
        ));
    }
    Ok(())
}

/// An agency that a rule names must have signed the agreement.
fn check_parties(file: &str, policies: &[Policy], particulars: &Particulars) -> Result<(), Error> {
    for policy in policies {
        for uid in policy.entity_literals() {
            let name = uid.id().unescaped();
            if uid.type_name().basename() == "Agency" && !name.parse().is_ok_and(|id| particulars.binds(&id)) {
                return Err(house(
                    file,
                    format!("policy `{}`: {uid} is no party of the agreement", policy.id()),
                ));
            }
        }
    }
    Ok(())
}

/// The actions that a policy is about; `None` if it is about any.
fn actions(policy: &Policy) -> Option<BTreeSet<String>> {
    let name = |uid: EntityUid| uid.id().unescaped().to_owned();
    match policy.action_constraint() {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(uid) => Some(BTreeSet::from([name(uid)])),
        ActionConstraint::In(uids) => Some(uids.into_iter().map(name).collect()),
    }
}

fn join(file: &str, parts: &[&Vec<Policy>]) -> Result<Cedar, Error> {
    Cedar::from_policies(parts.iter().flat_map(|part| part.iter().cloned())).map_err(|why| Error::Invalid {
        file: file.to_owned(),
        what: why.to_string(),
    })
}

fn house(file: &str, rule: String) -> Error {
    Error::House {
        file: file.to_owned(),
        rule,
    }
}

/// Every file that has a say, by its path within the folder.
fn read_all(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::new();
    for (within, endings) in [
        ("", &["cedar", "cedarschema"][..]),
        ("agreements/", &["cedar", "toml"]),
        ("catalogue/", &["toml"]),
    ] {
        let unreadable = |file: String| move |source| Error::Unreadable { file, source };
        let listing =
            std::fs::read_dir(folder.join(within)).map_err(unreadable(folder.join(within).display().to_string()))?;
        for found in listing {
            let path = found.map_err(unreadable(within.to_owned()))?.path();
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if endings.contains(&ending) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{within}{name}");
                let content = std::fs::read_to_string(&path).map_err(unreadable(name.clone()))?;
                files.insert(name, content);
            }
        }
    }
    Ok(files)
}

/// SHA-256 over each file's name, length and content, in order of names.
fn digest(files: &BTreeMap<String, String>) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for (name, content) in files {
        context.update(format!("{name}\0{}\0", content.len()).as_bytes());
        context.update(content.as_bytes());
    }
    hex::encode(context.finish())
}
