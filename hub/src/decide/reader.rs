//! Reads Cedar files: parses, names policies by their `@id`, holds them to the schema and to the rules of the house.
//! Never decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet as Cedar, Schema, ValidationMode, Validator,
};
use miette::Diagnostic;

use super::{
    Error, Rule,
    depth::shallow,
    files::{line_at, policy_lines},
};
use crate::{catalogue::Catalogue, model::AgreementId};

/// What the permits of a file may be about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Agreement,
    Base,
    Operation,
}

const SHARING: [&str; 5] = ["ask", "detail", "existence", "headline", "see"];

/// Reads one file after the other, and remembers the rules of all.
pub(super) struct Reader<'c> {
    validator: Validator,
    catalogue: &'c Catalogue,
    rules: BTreeMap<String, Arc<Rule>>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(schema: &Schema, catalogue: &'c Catalogue) -> Self {
        Self {
            validator: Validator::new(schema.clone()),
            catalogue,
            rules: BTreeMap::new(),
        }
    }

    /// All rules read so far, by id.
    pub(super) fn into_rules(self) -> BTreeMap<String, Arc<Rule>> {
        self.rules
    }

    /// The policies of one file, with their ids taken from `@id`, and each as a rule.
    pub(super) fn policies(
        &mut self,
        file: &str,
        agreement: &str,
        source: &str,
        part: Part,
    ) -> Result<Vec<(Policy, Arc<Rule>)>, Error> {
        shallow(file, source)?;
        let parsed: Cedar = source
            .parse()
            .map_err(|why: cedar_policy::ParseErrors| Error::at(file, line(&why, source), why.to_string()))?;
        if parsed.templates().next().is_some() {
            return Err(Error::at(
                file,
                1,
                "a template (`?principal`, `?resource`) has no place here",
            ));
        }
        let lines = policy_lines(source);
        let mut named = Vec::new();
        for policy in parsed.policies() {
            let place = policy.id().to_string();
            let place = place
                .strip_prefix("policy")
                .and_then(|number| number.parse::<usize>().ok());
            let line = place.and_then(|number| lines.get(number)).copied().unwrap_or(1);
            let rule = self.rule((file, line), agreement, policy, part)?;
            let rule = Arc::new(rule);
            named.push((policy.new_id(PolicyId::new(&rule.id)), rule.clone()));
            if let Some(other) = self.rules.insert(rule.id.clone(), rule.clone()) {
                let what = format!("the id `{}` is used twice: see {}:{}", rule.id, other.file, other.line);
                return Err(Error::at(file, line, what));
            }
        }
        named.sort_by_key(|(_, rule)| rule.line);
        let set = join(file, named.iter().map(|(policy, _)| policy))?;
        let validated = self.validator.validate(&set, ValidationMode::Strict);
        let errors = validated
            .validation_errors()
            .map(|e| (e.policy_id().to_string(), e.to_string()));
        let warnings = validated
            .validation_warnings()
            .map(|w| (w.policy_id().to_string(), w.to_string()));
        let faults: Vec<(String, String)> = errors.chain(warnings).collect();
        match faults.first() {
            None => Ok(named),
            Some((id, _)) => {
                let line = self.rules.get(id).map_or(1, |rule| rule.line);
                let faults: Vec<String> = faults.iter().map(|(_, what)| what.clone()).collect();
                Err(Error::at(file, line, faults.join("; ")))
            }
        }
    }

    fn rule(&self, (file, line): (&str, usize), agreement: &str, policy: &Policy, part: Part) -> Result<Rule, Error> {
        let taken_apart = Rule::of(policy, file, line);
        let rule = taken_apart.ok_or_else(|| Error::at(file, line, "this policy cannot be taken apart"))?;
        let broken = |what: &str| {
            let name = if rule.id.is_empty() { "without an id" } else { &rule.id };
            Err(Error::at(file, line, format!("policy `{name}`: {what}")))
        };
        if rule.id.parse::<AgreementId>().is_err() {
            return broken("it needs an `@id` of letters, digits and hyphens");
        }
        if rule.agreement != agreement {
            return broken(&format!("its `@agreement` must be `{agreement}`"));
        }
        if rule.reason.trim().is_empty() {
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
        match policy.entity_literals().iter().find(|uid| !self.knows(uid)) {
            Some(unknown) => broken(&format!("{unknown} is not in the catalogue")),
            None => Ok(rule),
        }
    }

    /// A word that is not in the catalogue would silently match nothing.
    fn knows(&self, uid: &EntityUid) -> bool {
        let name = uid.id().unescaped();
        match uid.type_name().basename() {
            "Gateway" => name.parse().is_ok_and(|id| self.catalogue.gateway(&id).is_some()),
            "Kind" => name.parse().is_ok_and(|id| self.catalogue.kind(&id).is_some()),
            "Purpose" => name.parse().is_ok_and(|id| self.catalogue.purpose(&id).is_some()),
            _ => true,
        }
    }
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

/// A set of policies as Cedar has it.
pub(super) fn join<'p>(file: &str, policies: impl Iterator<Item = &'p Policy>) -> Result<Cedar, Error> {
    Cedar::from_policies(policies.cloned()).map_err(|why| Error::at(file, 1, why.to_string()))
}

/// The line that Cedar marks in what it could not read.
pub(super) fn line(why: &dyn Diagnostic, source: &str) -> usize {
    let mark = why.labels().and_then(|mut labels| labels.next());
    mark.map_or(1, |mark| line_at(source, mark.offset()))
}
