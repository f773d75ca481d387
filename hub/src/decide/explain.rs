//! Says why a question is not taken, and what one could show: from the rules and the asker's standing alone.
//! Never looks at a record, so it can reveal none.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Class, Operation, PolicySet, Reasons, Refusal, RefusalCode, Rule, Standing, cedar};
use crate::model::{AgencyId, AgreementId, ConsentFact, KindId, Level, Sensitivity, Severity, SubjectSort};

/// Whether a sort of question would be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The agreements that take it, or why none does.
    pub agreements: Result<Vec<AgreementId>, Refusal>,
}

/// What could be seen of one kind of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The kind.
    pub kind: KindId,
    /// Its owner.
    pub owner: AgencyId,
    /// With the person's consent.
    pub with_consent: Option<Level>,
    /// Without any statement.
    pub without_consent: Option<Level>,
    /// The rules that allow it.
    pub rules: Vec<Rule>,
}

impl PolicySet {
    /// Whether a sort of question would be taken.
    pub fn check(&self, who: &Arc<Standing>, why: &Arc<Reasons>, now: Timestamp) -> Taken {
        let agreements = self.take(who, why, now).map(|takers| {
            takers
                .iter()
                .filter_map(|index| Some(self.agreements.get(*index)?.id.clone()))
                .collect()
        });
        Taken { agreements }
    }

    /// What a sort of question could show of each kind of each owner. Where rules look at severity or sensitivity, the
    /// most that could be shown; signals are taken to lie in the area asked about, or else in the asker's own patch.
    pub fn outlook(
        &self,
        who: &Arc<Standing>,
        why: &Arc<Reasons>,
        owners: &[(AgencyId, crate::model::Sector)],
        now: Timestamp,
    ) -> Vec<Outlook> {
        let Ok(takers) = self.take(who, why, now) else {
            return Vec::new();
        };
        let office = who.practitioner.as_ref();
        let areas: Arc<[_]> = match why.areas.is_empty() {
            true => office
                .map(|office| office.areas.iter().cloned().collect())
                .unwrap_or_default(),
            false => why.areas.clone(),
        };
        let mut outlooks = Vec::new();
        for kind in self.catalogue.kinds() {
            for (owner, _) in owners.iter().filter(|(_, sector)| *sector == kind.owner) {
                let mut rules = Vec::new();
                let mut best = |consent| {
                    let mut most = None;
                    let severities = [Severity::Critical, Severity::Low];
                    let sensitivities = [kind.sensitivity, Sensitivity::Restricted];
                    let abouts = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
                    for (severity, sensitivity, about) in severities
                        .into_iter()
                        .flat_map(|severity| sensitivities.map(|sensitivity| (severity, sensitivity)))
                        .flat_map(|(severity, sensitivity)| abouts.map(|about| (severity, sensitivity, about)))
                    {
                        let class = Class {
                            kind: kind.id.clone(),
                            owner: owner.clone(),
                            severity,
                            sensitivity,
                            areas: areas.clone(),
                            about,
                            consent,
                            deceased: false,
                        };
                        let verdicts = self.verdicts(who, why, &class, Level::Detail);
                        for verdict in verdicts.iter().filter(|verdict| takers.contains(&verdict.agreement)) {
                            most = most.max(Some(verdict.level));
                            rules.extend(verdict.rules.iter().filter_map(|id| self.rule(id)).cloned());
                        }
                    }
                    most
                };
                let with_consent = best(ConsentFact::Given);
                let without_consent = best(ConsentFact::None);
                rules.sort_by(|a, b| a.id.cmp(&b.id));
                rules.dedup();
                outlooks.push(Outlook {
                    kind: kind.id.clone(),
                    owner: owner.clone(),
                    with_consent,
                    without_consent,
                    rules,
                });
            }
        }
        outlooks
    }

    /// Why no agreement takes a question: the nearest thing that is not met.
    pub(super) fn why_not(&self, who: &Standing, why: &Reasons, now: Timestamp) -> Refusal {
        let purpose = &why.purpose;
        let of_purpose: Vec<_> = self
            .agreements
            .iter()
            .filter(|a| a.particulars.purpose == *purpose)
            .collect();
        let signed: Vec<_> = of_purpose.iter().filter(|a| a.particulars.binds(&who.agency)).collect();
        let in_force: Vec<_> = signed.iter().filter(|a| a.in_force(now)).collect();
        let fits: Vec<_> = in_force
            .iter()
            .filter(|a| a.particulars.gateways.contains(&why.gateway))
            .collect();
        if of_purpose.is_empty() {
            return refuse(format!("no sharing agreement serves the purpose `{purpose}`"));
        }
        let Some(one) = signed.first() else {
            return refuse(format!(
                "your agency is no party to a sharing agreement for `{purpose}`"
            ));
        };
        if in_force.is_empty() {
            let (from, until) = (one.particulars.in_force_from, one.particulars.review_date);
            return refuse(format!(
                "the agreement `{}` permits nothing outside {from} to {until}",
                one.id
            ));
        }
        if fits.is_empty() {
            let relied_on: Vec<_> = in_force
                .iter()
                .flat_map(|a| &a.particulars.gateways)
                .map(ToString::to_string)
                .collect();
            return refuse(format!(
                "for `{purpose}` the agreement relies on the gateway `{}`, not on `{}`",
                relied_on.join("` or `"),
                why.gateway
            ));
        }
        let forbidden = fits
            .iter()
            .find_map(|a| match cedar::ask(&self.schema, &self.types, &a.slice, who, why) {
                cedar::Answer::Deny(by) => by.iter().find_map(|id| self.rule(id)),
                _ => None,
            });
        if let Some(rule) = forbidden {
            return refuse(rule.reason.clone());
        }
        self.nearest(who, why, now)
    }

    /// Changes one thing at a time about the asker's question, and names the first change that would have it taken.
    fn nearest(&self, who: &Standing, why: &Reasons, now: Timestamp) -> Refusal {
        let would_take = |why: &Reasons| {
            let mut serving = self.serving(who, why).filter(|(_, a)| a.in_force(now));
            serving.any(|(_, a)| {
                let answer = cedar::ask(&self.schema, &self.types, &a.slice, who, why);
                matches!(answer, cedar::Answer::Allow(_))
            })
        };
        let mut with_case = why.clone();
        with_case.case_reference = true;
        if would_take(&with_case) {
            return refuse("this question needs a case reference".into());
        }
        let mut in_patch = with_case.clone();
        in_patch.areas = who
            .practitioner
            .iter()
            .flat_map(|office| office.areas.iter().cloned())
            .collect();
        if why.subject != SubjectSort::Person && would_take(&in_patch) {
            return refuse("the place lies outside your patch".into());
        }
        for subject in [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area] {
            let mut of_other_sort = in_patch.clone();
            of_other_sort.subject = subject;
            if subject != why.subject && would_take(&of_other_sort) {
                let (wanted, asked) = (subject.word(), why.subject.word());
                return refuse(format!(
                    "for `{}` one may ask about a {wanted}, not about a {asked}",
                    why.purpose
                ));
            }
        }
        refuse(format!("none of your roles may ask for `{}`", why.purpose))
    }

    pub(super) fn refuse_operation(&self, operation: &Operation, forbids: &[String]) -> Refusal {
        let reason = forbids
            .iter()
            .find_map(|id| self.rule(id))
            .map(|rule| rule.reason.clone());
        match operation {
            Operation::Push { kind, .. } => Refusal {
                code: RefusalCode::KindNotYours,
                reason: reason.unwrap_or_else(|| format!("your agency may not own signals of the kind `{kind}`")),
            },
            other => {
                refuse(reason.unwrap_or_else(|| format!("no rule permits you to {}", other.word().replace('-', " "))))
            }
        }
    }
}

/// The refusal of a question whose evaluation failed.
pub(super) fn faulty() -> Refusal {
    refuse("the policies could not be evaluated for this question, so it is refused".into())
}

fn refuse(reason: String) -> Refusal {
    Refusal {
        code: RefusalCode::NotPermitted,
        reason,
    }
}
