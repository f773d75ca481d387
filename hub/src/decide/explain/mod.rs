//! Says why a question is not taken, and what one could show: from the rules and the asker's standing alone.
//! Never looks at a record, so it can reveal none.

mod nearest;
mod outlook;

use std::sync::Arc;

use jiff::Timestamp;

pub use outlook::Outlook;

use super::{
    Agreement, Operation, PolicySet, Reasons, Refusal, RefusalCode, Rule, Standing, cedar,
    rule::{Picture, Roles, Truth},
};
use crate::model::{AgreementId, ConsentFact};

/// Whether a sort of question would be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The agreements that take it, or why none does.
    pub agreements: Result<Vec<AgreementId>, Refusal>,
    /// The rules by which they take it.
    pub rules: Vec<Rule>,
}

/// What stands between an asker and an answer, and who could lawfully lift it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// The nearest agreement; empty if there is none.
    pub agreement: String,
    /// The nearest rule: the one of which the least is not met; empty if it did not come to a rule.
    pub rule: String,
    /// What is not met, the hardest to meet first.
    pub unmet: Vec<Unmet>,
    /// Who could lawfully lift it, and how.
    pub remedy: String,
    /// The law on which the agreement rests.
    pub law: String,
}

/// What is not met, in the order of how hard it is to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmet {
    /// A case reference.
    CaseReference,
    /// The person's consent.
    Consent,
    /// The patch: the place lies outside it.
    Patch,
    /// The sort of subject.
    Subject,
    /// The role.
    Role,
    /// The gateway.
    Gateway,
    /// Something about the signals: their owner, kind, severity or sensitivity.
    Signal,
    /// The asker's agency.
    Agency,
    /// The signature of a party.
    Signature,
    /// The agreement's dates.
    Lapsed,
    /// The purpose: no agreement serves it.
    Purpose,
    /// Nothing is missing; a rule forbids it.
    Forbidden,
}

impl Unmet {
    /// The word that the contract uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::CaseReference => "case-reference",
            Self::Consent => "consent",
            Self::Forbidden => "forbidden",
            Self::Gateway => "gateway",
            Self::Lapsed => "lapsed",
            Self::Patch => "patch",
            Self::Purpose => "purpose",
            Self::Role => "role",
            Self::Signal => "signal",
            Self::Signature => "signature",
            Self::Subject => "subject",
        }
    }
}

impl PolicySet {
    /// Whether a sort of question would be taken.
    pub fn check(&self, who: &Standing, why: &Reasons, now: Timestamp) -> Taken {
        let takers = self.takers_anew(who, why);
        let takers = takers.map(|takers| takers.into_iter().filter_map(|index| self.agreements.get(index)));
        let in_force = takers.and_then(|takers| {
            let in_force: Vec<&Agreement> = takers.filter(|a| a.in_force(now)).collect();
            match in_force.is_empty() {
                true => Err(self.why_not(who, why, now)),
                false => Ok(in_force),
            }
        });
        let deciding = |one: &&Agreement| match cedar::ask(&self.schema, &self.types, &one.slice, who, why) {
            cedar::Answer::Allow(rules) => rules,
            _ => Vec::new(),
        };
        let rules = in_force.iter().flatten().flat_map(deciding);
        Taken {
            rules: rules.filter_map(|id| self.rule(&id).cloned()).collect(),
            agreements: in_force.map(|takers| takers.into_iter().map(|one| one.id.clone()).collect()),
        }
    }

    /// Why no agreement takes a question: the nearest thing that is not met.
    pub(super) fn why_not(&self, who: &Standing, why: &Reasons, now: Timestamp) -> Refusal {
        let purpose = &why.purpose;
        let of_purpose: Vec<&Agreement> = self
            .agreements
            .iter()
            .filter(|a| a.particulars.purpose == *purpose)
            .collect();
        let Some(first) = of_purpose.first() else {
            let remedy = format!("the agencies of the place, by an agreement that serves `{purpose}`");
            let reason = format!("no sharing agreement serves the purpose `{purpose}`");
            return self.refusal(reason, None, "", vec![Unmet::Purpose], remedy);
        };
        let signed: Vec<&Agreement> = of_purpose
            .iter()
            .copied()
            .filter(|a| a.particulars.binds(&who.agency))
            .collect();
        let Some(one) = signed.first() else {
            let reason = format!("your agency is no party to a sharing agreement for `{purpose}`");
            let remedy = format!("your agency, by joining `{}`: {}", first.id, first.particulars.contact);
            return self.refusal(reason, Some(first), "", vec![Unmet::Agency], remedy);
        };
        let in_time: Vec<&Agreement> = signed.iter().copied().filter(|a| a.particulars.in_force(now)).collect();
        let Some(dated) = in_time.first() else {
            let (from, until) = (one.particulars.in_force_from, one.particulars.review_date);
            let reason = format!("the agreement `{}` permits nothing outside {from} to {until}", one.id);
            let remedy = format!("its parties, by reviewing it: {}", one.particulars.contact);
            return self.refusal(reason, Some(one), "", vec![Unmet::Lapsed], remedy);
        };
        let in_force: Vec<&Agreement> = in_time.iter().copied().filter(|a| a.in_force(now)).collect();
        let Some(whole) = in_force.first() else {
            let parties: Vec<&str> = dated.unsigned.iter().map(|party| party.as_str()).collect();
            let parties = parties.join("` and `");
            let reason = format!("the agreement `{}` permits nothing until `{parties}` sign it", dated.id);
            let remedy = format!("`{parties}`, by signing it: {}", dated.particulars.contact);
            return self.refusal(reason, Some(dated), "", vec![Unmet::Signature], remedy);
        };
        let fits: Vec<&Agreement> = in_force
            .iter()
            .copied()
            .filter(|a| a.particulars.gateways.contains(&why.gateway))
            .collect();
        if fits.is_empty() {
            let relied_on: Vec<String> = in_force
                .iter()
                .flat_map(|a| &a.particulars.gateways)
                .map(ToString::to_string)
                .collect();
            let relied_on = relied_on.join("` or `");
            let reason = format!(
                "for `{purpose}` the agreement relies on the gateway `{relied_on}`, not on `{}`",
                why.gateway
            );
            let remedy = format!("you, by relying on `{relied_on}`, if that law applies to your case");
            return self.refusal(reason, Some(whole), "", vec![Unmet::Gateway], remedy);
        }
        for agreement in &fits {
            if let cedar::Answer::Deny(by) = cedar::ask(&self.schema, &self.types, &agreement.slice, who, why)
                && let Some(rule) = by.iter().find_map(|id| self.rule(id))
            {
                let remedy = lifted(rule, &nearest::asked(who, why));
                return self.refusal(
                    rule.reason.clone(),
                    Some(agreement),
                    &rule.id,
                    vec![Unmet::Forbidden],
                    remedy,
                );
            }
        }
        self.nearest(who, why, &fits)
    }

    pub(super) fn refuse_operation(&self, operation: &Operation, forbids: &[String]) -> Refusal {
        let forbidding = forbids.iter().find_map(|id| self.rule(id));
        let reason = forbidding.map(|rule| rule.reason.clone());
        match operation {
            Operation::Push { kind, .. } => Refusal {
                code: RefusalCode::KindNotYours,
                reason: reason.unwrap_or_else(|| format!("your agency may not own signals of the kind `{kind}`")),
                explanation: None,
            },
            other => {
                bare(reason.unwrap_or_else(|| format!("no rule permits you to {}", other.word().replace('-', " "))))
            }
        }
    }

    fn refusal(
        &self,
        reason: String,
        agreement: Option<&Agreement>,
        rule: &str,
        unmet: Vec<Unmet>,
        remedy: String,
    ) -> Refusal {
        Refusal {
            explanation: Some(Arc::new(Explanation {
                agreement: agreement.map(|agreement| agreement.id.to_string()).unwrap_or_default(),
                rule: rule.to_owned(),
                unmet,
                remedy,
                law: agreement.map(|agreement| self.law(agreement)).unwrap_or_default(),
            })),
            ..bare(reason)
        }
    }

    /// The law on which an agreement rests, as its gateways cite it.
    fn law(&self, agreement: &Agreement) -> String {
        let gateways = agreement.particulars.gateways.iter();
        let laws = gateways.filter_map(|gateway| Some(self.catalogue.gateway(gateway)?.law.as_str()));
        laws.collect::<Vec<_>>().join("; ")
    }
}

/// The refusal of a question whose evaluation failed.
pub(super) fn faulty() -> Refusal {
    bare("the policies could not be evaluated for this question, so it is refused".into())
}

fn bare(reason: String) -> Refusal {
    Refusal {
        code: RefusalCode::NotPermitted,
        reason,
        explanation: None,
    }
}

/// What a rule has that a question does not meet, the hardest to meet first.
fn unmet(rule: &Rule, picture: &Picture) -> Vec<Unmet> {
    let open = rule
        .clauses()
        .iter()
        .filter(|clause| clause.holds(picture) == Truth::No);
    let mut found: Vec<Unmet> = open.map(|clause| sort(&clause.reads())).collect();
    found.sort_by(|a, b| b.cmp(a));
    found.dedup();
    found
}

/// Who could lift what a rule forbids, and how.
fn lifted(rule: &Rule, picture: &Picture) -> String {
    let free = |other: Picture| rule.applies(&other) == Truth::No;
    let case = Picture {
        case_reference: Some(true),
        ..picture.clone()
    };
    let consent = Picture {
        consent: Some(ConsentFact::Given),
        ..picture.clone()
    };
    let role = Picture {
        roles: Roles::AreNone(std::collections::BTreeSet::new()),
        ..picture.clone()
    };
    if free(case) {
        "you, by naming your case".to_owned()
    } else if free(consent) {
        "the person, by giving consent that covers this question".to_owned()
    } else if free(role) {
        "your agency, by giving you a role".to_owned()
    } else {
        format!(
            "nobody: no agreement and no consent lifts what is forbidden. {}",
            rule.reason
        )
    }
}

/// What sort of thing a condition is about, by the attributes that it reads.
fn sort(read: &std::collections::BTreeSet<&str>) -> Unmet {
    let of = [
        ("purpose", Unmet::Purpose),
        ("gateway", Unmet::Gateway),
        ("roles", Unmet::Role),
        ("teams", Unmet::Role),
        ("consent", Unmet::Consent),
        ("case_reference", Unmet::CaseReference),
        ("subject", Unmet::Subject),
        ("kind", Unmet::Signal),
        ("owner", Unmet::Signal),
        ("areas", Unmet::Patch),
        ("agency", Unmet::Agency),
    ];
    let found = of.into_iter().find(|(attribute, _)| read.contains(attribute));
    found.map_or(Unmet::Signal, |(_, unmet)| unmet)
}
