//! The named cases of a folder of policies, in the shape of Cedar's own `run-tests`, and what they leave untested.
//! Runs them against all rules at once, as Cedar's command line does. Never changes what is in force.

mod coverage;

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet as Cedar, Request};
use serde::Deserialize;

pub use coverage::{Coverage, Unguarded};

use super::{Error, Files, PolicySet, files::line_of};

/// A named case: a request, and the decision, the rules and the number of errors that it must come to.
#[derive(Debug)]
pub struct Case {
    /// Its name: a sentence.
    pub name: String,
    file: String,
    line: usize,
    request: Request,
    entities: Entities,
    allowed: bool,
    reason: BTreeSet<String>,
    errors: usize,
}

/// The cases of a set.
pub struct Cases {
    list: Vec<Case>,
    whole: Cedar,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    request: Asked,
    entities: serde_json::Value,
    decision: Side,
    reason: BTreeSet<String>,
    num_errors: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    principal: String,
    action: String,
    resource: String,
    context: serde_json::Value,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Side {
    Allow,
    Deny,
}

impl PolicySet {
    /// Reads the cases of the files that this set was made of.
    ///
    /// # Errors
    /// If a case cannot be read, or does not fit the schema: names file and line.
    pub fn cases(&self, files: &Files) -> Result<Cases, Error> {
        let mut list = Vec::new();
        for (file, text) in files.within("cases/") {
            let written: Vec<Written> =
                serde_json::from_str(text).map_err(|why| Error::at(file, why.line(), why.to_string()))?;
            for case in written {
                let quoted = serde_json::Value::from(case.name.as_str()).to_string();
                let line = line_of(text, &quoted);
                let read = self.read(file, line, case);
                list.push(read.map_err(|(name, why)| Error::at(file, line, format!("case `{name}`: {why}")))?);
            }
        }
        Ok(Cases {
            list,
            whole: self.whole(),
        })
    }

    fn read(&self, file: &str, line: usize, case: Written) -> Result<Case, (String, String)> {
        let Written { name, request, .. } = case;
        let wrong = |why: String| (name.clone(), why);
        let uid = |text: &str| text.parse::<EntityUid>().map_err(|why| wrong(why.to_string()));
        let (principal, action, resource) = (uid(&request.principal)?, uid(&request.action)?, uid(&request.resource)?);
        let context = Context::from_json_value(request.context, Some((&self.schema, &action)));
        let context = context.map_err(|why| wrong(why.to_string()))?;
        let request = Request::new(principal, action, resource, context, Some(&self.schema));
        let entities = Entities::from_json_value(case.entities, Some(&self.schema));
        Ok(Case {
            request: request.map_err(|why| wrong(why.to_string()))?,
            entities: entities.map_err(|why| wrong(why.to_string()))?,
            file: file.to_owned(),
            line,
            allowed: case.decision == Side::Allow,
            reason: case.reason,
            errors: case.num_errors,
            name,
        })
    }

    /// All rules as one set.
    pub(super) fn whole(&self) -> Cedar {
        let slices = self.agreements.iter().map(|agreement| &agreement.slice);
        let mut whole = Cedar::new();
        for policy in slices.chain([&self.operation]).flat_map(Cedar::policies) {
            if whole.policy(policy.id()).is_none() {
                // It fails for an id that is taken, which was just looked at.
                let _added = whole.add(policy.clone());
            }
        }
        whole
    }
}

impl Cases {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Those that are not decided as they say, each with file and line.
    pub fn wrong(&self) -> Vec<Error> {
        self.list.iter().filter_map(|case| case.wrong(&self.whole)).collect()
    }
}

impl Case {
    fn wrong(&self, whole: &Cedar) -> Option<Error> {
        let response = Authorizer::new().is_authorized(&self.request, whole, &self.entities);
        let allowed = response.decision() == Decision::Allow;
        let reason: BTreeSet<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        let errors = response.diagnostics().errors().count();
        if (allowed, errors) == (self.allowed, self.errors) && reason == self.reason {
            return None;
        }
        let what = format!(
            "case `{}`: it comes to {}, and is to come to {}",
            self.name,
            told(allowed, &reason, errors),
            told(self.allowed, &self.reason, self.errors),
        );
        Some(Error::at(&self.file, self.line, what))
    }

    /// Whether a rule applies to it, taken by itself.
    fn is_met_by(&self, rule: &Cedar) -> bool {
        let response = Authorizer::new().is_authorized(&self.request, rule, &self.entities);
        response.diagnostics().reason().next().is_some()
    }

    fn action(&self) -> Option<&str> {
        self.request.action().map(|action| action.id().unescaped())
    }
}

fn told(allowed: bool, reason: &BTreeSet<String>, errors: usize) -> String {
    let side = if allowed { "allow" } else { "deny" };
    let by = match reason.is_empty() {
        true => "no rule".to_owned(),
        false => reason
            .iter()
            .map(|id| format!("`{id}`"))
            .collect::<Vec<_>>()
            .join(" and "),
    };
    match errors {
        0 => format!("{side} by {by}"),
        errors => format!("{side} by {by} with {errors} errors"),
    }
}
