//! Finds the rule of which a refused question meets the most, and says what of it is not met. Looks at no record.

use std::collections::BTreeSet;

use super::{Unmet, unmet};
use crate::{
    decide::{
        Agreement, PolicySet, Reasons, Refusal, Rule, Standing,
        rule::{Picture, Roles, Truth},
    },
    model::{AgencyId, SubjectSort},
};

impl PolicySet {
    /// Why none of these agreements, which the question fits in all but its rules, takes it.
    pub(super) fn nearest(&self, who: &Standing, why: &Reasons, agreements: &[&Agreement]) -> Refusal {
        let picture = asked(who, why);
        let mut best: Option<(Vec<Unmet>, &Agreement, &Rule)> = None;
        for agreement in agreements {
            let own = self.rules().filter(|rule| rule.agreement == agreement.id.as_str());
            for rule in own.filter(|rule| rule.permits && rule.names("ask")) {
                let lacks = unmet(rule, &picture);
                // Of two lists that are sorted downwards, the one whose hardest part is easier is the nearer.
                if best.as_ref().is_none_or(|(known, ..)| lacks < *known) {
                    best = Some((lacks, agreement, rule));
                }
            }
        }
        let purpose = &why.purpose;
        let Some((lacks, agreement, rule)) = best else {
            let agreement = agreements.first().copied();
            let reason = format!("no rule lets anybody ask for `{purpose}`");
            return self.refusal(
                reason,
                agreement,
                "",
                vec![Unmet::Role],
                "nobody under this agreement".to_owned(),
            );
        };
        let (reason, remedy) = match lacks.first() {
            Some(Unmet::CaseReference) => (
                "this question needs a case reference".to_owned(),
                "you, by naming your case".to_owned(),
            ),
            Some(Unmet::Patch) => (
                "the place lies outside your patch".to_owned(),
                "a colleague whose patch it is, or your agency, which sets your patch".to_owned(),
            ),
            Some(Unmet::Subject) => {
                let wanted = subjects(rule, &picture);
                let asked = why.subject.word();
                (
                    format!("for `{purpose}` one may ask about {wanted}, not about a {asked}"),
                    format!("you, by asking about {wanted}, if that serves the purpose"),
                )
            }
            None => (
                format!("no rule takes this question for `{purpose}`"),
                "the parties, by changing the agreement".to_owned(),
            ),
            _ => {
                let roles = roles(agreement, &who.agency);
                (
                    format!("none of your roles may ask for `{purpose}`"),
                    format!("a colleague who has the role {roles}, or your agency, by giving it to you"),
                )
            }
        };
        self.refusal(reason, Some(agreement), &rule.id, lacks, remedy)
    }
}

/// What is known of a question before anything is looked up.
pub(super) fn asked(who: &Standing, why: &Reasons) -> Picture {
    let office = who.practitioner.as_ref();
    Picture {
        agency: Some((who.agency.clone(), who.sector.clone())),
        roles: office.map_or(Roles::Are(BTreeSet::new()), |office| Roles::Are(office.roles.clone())),
        teams: office.map(|office| office.teams.clone()),
        patch: office.map(|office| office.areas.clone()),
        purpose: Some(why.purpose.clone()),
        gateway: Some(why.gateway.clone()),
        case_reference: Some(why.case_reference),
        subject: Some(why.subject),
        areas: Some(why.areas.clone()),
        ..Picture::of("ask")
    }
}

/// The roles of an agency that may ask under an agreement, in words.
pub(super) fn roles(agreement: &Agreement, agency: &AgencyId) -> String {
    let roles = agreement.particulars.askers.get(agency).into_iter().flatten();
    let roles: Vec<String> = roles.map(|role| format!("`{role}`")).collect();
    match roles.is_empty() {
        true => "that the agreement asks for".to_owned(),
        false => roles.join(" or "),
    }
}

/// What a rule lets one ask about, in words.
fn subjects(rule: &Rule, picture: &Picture) -> String {
    let fits = |subject: &SubjectSort| {
        let other = Picture {
            subject: Some(*subject),
            ..picture.clone()
        };
        let about = |clause: &&crate::decide::Clause| clause.reads().contains("subject");
        rule.clauses()
            .iter()
            .filter(about)
            .all(|clause| clause.holds(&other) != Truth::No)
    };
    let sorts = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
    let words = sorts.iter().filter(|sort| fits(sort)).map(|sort| match sort {
        SubjectSort::Person => "a person",
        SubjectSort::Address => "an address",
        SubjectSort::Area => "an area",
    });
    words.collect::<Vec<_>>().join(" or ")
}
