//! A rule of a policy file, taken apart: whom it is about, which actions it names, and every condition by itself.
//! Never decides: Cedar does. What is read here is for checking, explaining and comparing rules.

mod picture;
mod truth;
mod words;

use std::{collections::BTreeSet, sync::Arc};

use cedar_policy::{
    Policy,
    pst::{self, ActionConstraint, BinaryOp, Expr, PrincipalConstraint, ResourceConstraint},
};

pub(super) use picture::{Picture, Roles};
pub(super) use truth::Truth;

/// A rule of a policy file, as its annotations describe it, with its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `@id`.
    pub id: String,
    /// `@agreement`.
    pub agreement: String,
    /// `@reason`.
    pub reason: String,
    /// The file that it stands in, within its folder of policies.
    pub file: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Whether it permits. If not, it forbids.
    pub permits: bool,
    actions: Option<BTreeSet<String>>,
    principal: Head,
    resource: Head,
    clauses: Vec<Clause>,
}

/// One condition of a rule: what stands alone between `when` and `unless`, or between two `&&` of a `when`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    expr: Arc<Expr>,
    /// `when` wants it to hold, `unless` wants it not to.
    wanted: bool,
}

/// What the first lines of a rule ask of principal or resource.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Head {
    Any,
    Is(String),
    /// A single entity, or a place in a hierarchy: the hub's entities have neither fixed ids nor parents.
    Other(String),
}

/// The group of actions that all levels are in.
const SEE: &str = "see";

impl Rule {
    /// Takes a policy apart. `None` if Cedar cannot.
    pub(super) fn of(policy: &Policy, file: &str, line: usize) -> Option<Self> {
        let note = |key: &str| policy.annotation(key).unwrap_or_default().to_owned();
        let parsed = policy.to_pst().ok()?;
        let body = parsed.body();
        Some(Self {
            id: note("id"),
            agreement: note("agreement"),
            reason: note("reason"),
            file: file.to_owned(),
            line,
            permits: body.effect == pst::Effect::Permit,
            actions: match &body.action {
                ActionConstraint::Any => None,
                ActionConstraint::Eq(uid) => Some(BTreeSet::from([uid.eid.to_string()])),
                ActionConstraint::In(uids) => Some(uids.iter().map(|uid| uid.eid.to_string()).collect()),
            },
            principal: match &body.principal {
                PrincipalConstraint::Any => Head::Any,
                PrincipalConstraint::Is(sort) => Head::Is(sort.0.id.as_str().to_owned()),
                other => Head::Other(format!("{other:?}")),
            },
            resource: match &body.resource {
                ResourceConstraint::Any => Head::Any,
                ResourceConstraint::Is(sort) => Head::Is(sort.0.id.as_str().to_owned()),
                other => Head::Other(format!("{other:?}")),
            },
            clauses: body.clauses().iter().flat_map(split).collect(),
        })
    }

    /// Its conditions. All of them must be met.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether it is about an action.
    pub(super) fn names(&self, action: &str) -> bool {
        let level = matches!(action, "existence" | "headline" | "detail");
        self.actions
            .as_ref()
            .is_none_or(|actions| actions.contains(action) || (level && actions.contains(SEE)))
    }

    /// Whether it applies to a request of which this much is known, put by a practitioner.
    pub(super) fn applies(&self, to: &Picture) -> Truth {
        let fits = |head: &Head, sort: &str| match head {
            Head::Any => Truth::Yes,
            Head::Is(wanted) if wanted == sort => Truth::Yes,
            Head::Is(_) => Truth::No,
            Head::Other(_) => Truth::Open,
        };
        if !self.names(to.action) {
            return Truth::No;
        }
        let resource = if to.action == "ask" { "Inquiry" } else { "Signal" };
        let mut truth = fits(&self.principal, "Practitioner").min(fits(&self.resource, resource));
        for clause in &self.clauses {
            if truth == Truth::No {
                break;
            }
            truth = truth.min(clause.holds(to));
        }
        truth
    }

    /// The same rule without one of its conditions, in every way that there is. Each comes with the condition in words.
    pub(super) fn loosened(policy: &Policy) -> Vec<(String, Policy)> {
        let Ok(parsed) = policy.to_pst() else {
            return Vec::new();
        };
        let body = parsed.body();
        let clauses: Vec<Clause> = body.clauses().iter().flat_map(split).collect();
        let mut found = Vec::new();
        for (index, clause) in clauses.iter().enumerate() {
            for (dropped, instead) in clause.loosened() {
                let mut kept = clauses.clone();
                kept.splice(index..=index, instead);
                let template = body.clone().try_with_clauses(kept.into_iter().map(Clause::into_pst));
                found.extend(template.ok().and_then(made).map(|policy| (dropped, policy)));
            }
        }
        found
    }

    /// The same rule for whomever asks, if it is for one sort of asker: with that sort.
    pub(super) fn for_anyone(policy: &Policy) -> Option<(String, Policy)> {
        let parsed = policy.to_pst().ok()?;
        let PrincipalConstraint::Is(sort) = &parsed.body().principal else {
            return None;
        };
        let mut template = parsed.body().clone();
        template.principal = PrincipalConstraint::Any;
        Some((sort.0.id.as_str().to_owned(), made(template)?))
    }
}

fn made(template: pst::Template) -> Option<Policy> {
    let policy = pst::StaticPolicy::try_from(template).ok()?;
    Policy::from_pst(pst::Policy::Static(policy)).ok()
}

impl Clause {
    /// Whether it is met, as far as is known.
    pub(super) fn holds(&self, picture: &Picture) -> Truth {
        let truth = truth::of(&self.expr, picture);
        if self.wanted { truth } else { truth.not() }
    }

    /// The attributes that it reads, such as `roles`.
    pub(super) fn reads(&self) -> BTreeSet<&str> {
        let mut read = BTreeSet::new();
        truth::attributes(&self.expr, &mut read);
        read
    }

    /// Itself without one of its parts: wholly dropped (`None`), or, if it offers alternatives, with one condition
    /// fewer in one of them.
    fn loosened(&self) -> Vec<(String, Option<Self>)> {
        let mut found = vec![(self.to_string(), None)];
        let alternatives = parts(&self.expr, BinaryOp::Or);
        if !self.wanted || alternatives.len() < 2 {
            return found;
        }
        for (index, alternative) in alternatives.iter().enumerate() {
            let conditions = parts(alternative, BinaryOp::And);
            if conditions.len() < 2 {
                continue;
            }
            for (dropped, condition) in conditions.iter().enumerate() {
                let kept = conditions.iter().enumerate().filter(|(place, _)| *place != dropped);
                let Some(looser) = join(kept.map(|(_, kept)| kept.clone()), BinaryOp::And) else {
                    continue;
                };
                let mut changed = alternatives.clone();
                changed.splice(index..=index, [looser]);
                let expr = join(changed.into_iter(), BinaryOp::Or);
                found.extend(expr.map(|expr| (words::holds(condition), Some(Self { expr, wanted: true }))));
            }
        }
        found
    }

    fn into_pst(self) -> pst::Clause {
        match self.wanted {
            true => pst::Clause::When(self.expr),
            false => pst::Clause::Unless(self.expr),
        }
    }
}

fn split(clause: &pst::Clause) -> Vec<Clause> {
    match clause {
        pst::Clause::When(expr) => parts(expr, BinaryOp::And)
            .into_iter()
            .map(|expr| Clause { expr, wanted: true })
            .collect(),
        pst::Clause::Unless(expr) => parts(expr, BinaryOp::Or)
            .into_iter()
            .map(|expr| Clause { expr, wanted: false })
            .collect(),
    }
}

/// The operands of a chain of one operator.
fn parts(expr: &Arc<Expr>, chain: BinaryOp) -> Vec<Arc<Expr>> {
    match &**expr {
        Expr::BinaryOp { op, left, right } if *op == chain => {
            let mut found = parts(left, chain);
            found.extend(parts(right, chain));
            found
        }
        _ => vec![expr.clone()],
    }
}

fn join(operands: impl Iterator<Item = Arc<Expr>>, op: BinaryOp) -> Option<Arc<Expr>> {
    operands.reduce(|left, right| Arc::new(Expr::BinaryOp { op, left, right }))
}
