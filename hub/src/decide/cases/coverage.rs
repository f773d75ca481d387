//! What the cases leave untested: rules that decide none, and conditions that could go without a case noticing.
//! Mutates rules in memory; never changes a file or what is in force.

use std::collections::BTreeSet;

use cedar_policy::{Effect, Policy, PolicySet as Cedar, ValidationMode, Validator};

use super::{Case, Cases};
use crate::decide::{PolicySet, rule::Rule};

/// What the cases of a set leave untested.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Rules that decide no case.
    pub idle: Vec<Rule>,
    /// Conditions that no case would miss.
    pub unguarded: Vec<Unguarded>,
    /// How many ways of dropping a condition were tried.
    pub tried: usize,
}

/// A condition that could be dropped without any case coming out otherwise: it lacks a case on its far side, for
/// which everything holds but this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unguarded {
    /// Its rule.
    pub rule: Rule,
    /// The condition, in words.
    pub condition: String,
}

impl Cases {
    /// What these cases leave untested of the set that they were read for.
    pub fn coverage(&self, set: &PolicySet) -> Coverage {
        let decided: BTreeSet<&String> = self.list.iter().flat_map(|case| &case.reason).collect();
        let idle = set.rules.values().filter(|rule| !decided.contains(&rule.id));
        let mut coverage = Coverage {
            idle: idle.map(|rule| (**rule).clone()).collect(),
            ..Coverage::default()
        };
        for policy in self.whole.policies() {
            let Some(rule) = set.rules.get(&policy.id().to_string()) else {
                continue;
            };
            let of_action = |case: &&Case| case.action().is_some_and(|action| rule.names(action));
            let by_anyone = set.by_anyone(rule, policy);
            for (condition, loosened) in Rule::loosened(policy).into_iter().chain(by_anyone) {
                coverage.tried += 1;
                let alone = Cedar::from_policies([loosened]);
                let permits = policy.effect() == Effect::Permit;
                let noticed = |case: &Case| {
                    let open = !permits || case.allowed || case.reason.is_empty();
                    open && !case.reason.contains(&rule.id) && alone.as_ref().is_ok_and(|alone| case.is_met_by(alone))
                };
                if !self.list.iter().filter(of_action).any(noticed) {
                    coverage.unguarded.push(Unguarded {
                        rule: (**rule).clone(),
                        condition,
                    });
                }
            }
        }
        coverage
            .unguarded
            .sort_by(|a, b| (&a.rule.file, a.rule.line).cmp(&(&b.rule.file, b.rule.line)));
        coverage
    }
}

impl PolicySet {
    /// A rule for one sort of asker as one for any, if that says more: the words of the schema let others do some of what
    /// it names, and the rest of it fits them.
    fn by_anyone(&self, rule: &Rule, policy: &Policy) -> Option<(String, Policy)> {
        let (sort, loosened) = Rule::for_anyone(policy)?;
        let named = self.schema.actions().filter(|uid| rule.names(uid.id().unescaped()));
        let mut others = named.filter_map(|uid| self.schema.principals_for_action(uid)).flatten();
        if others.all(|other| other.basename() == sort) {
            return None;
        }
        let alone = Cedar::from_policies([loosened.clone()]).ok()?;
        let validated = Validator::new(self.schema.clone()).validate(&alone, ValidationMode::Strict);
        let fits = validated.validation_passed_without_warnings();
        fits.then(|| (format!("the asker is a {sort}"), loosened))
    }
}
