//! What a sort of question could show, kind by kind, and what stands between the asker and the rest.
//! Looks at no record, and leaves no trace in what the hub remembers of real questions.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Explanation, Unmet, lifted, nearest, unmet};
use crate::{
    catalogue::Kind,
    decide::{
        Agreement, Class, PolicySet, Reasons, Rule, Standing, cedar,
        rule::{Picture, Truth},
    },
    model::{AgencyId, AreaCode, ConsentFact, KindId, Level, Sector, Sensitivity, Severity, SubjectSort},
};

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
    /// Where nothing is shown without consent: what stands between, and who could lift it.
    pub explanation: Option<Explanation>,
}

impl PolicySet {
    /// What a sort of question could show of each kind of each owner. Where rules look at severity or sensitivity, the
    /// most that could be shown; signals are taken to lie in the area asked about, or else in the asker's own patch.
    pub fn outlook(
        &self,
        who: &Standing,
        why: &Reasons,
        owners: &[(AgencyId, Sector)],
        now: Timestamp,
    ) -> Vec<Outlook> {
        let Ok(takers) = self.check(who, why, now).agreements else {
            return Vec::new();
        };
        let takers: Vec<&Agreement> = self.agreements.iter().filter(|a| takers.contains(&a.id)).collect();
        let office = who.practitioner.as_ref();
        let areas: Arc<[AreaCode]> = match why.areas.is_empty() {
            true => office
                .map(|office| office.areas.iter().cloned().collect())
                .unwrap_or_default(),
            false => why.areas.clone(),
        };
        let mut outlooks = Vec::new();
        for kind in self.catalogue.kinds() {
            for (owner, sector) in owners.iter().filter(|(_, sector)| *sector == kind.owner) {
                let mut rules = BTreeMap::new();
                let seen = Picture {
                    kind: Some(kind.id.clone()),
                    owner: Some((owner.clone(), sector.clone())),
                    areas: Some(areas.clone()),
                    deceased: Some(false),
                    ..nearest::asked(who, why)
                };
                let mut best = |consent| {
                    let picture = Picture {
                        consent: Some(consent),
                        ..seen.clone()
                    };
                    self.most(&takers, (who, why), (kind, owner), &areas, &picture, &mut rules)
                };
                let with_consent = best(ConsentFact::Given);
                let without_consent = best(ConsentFact::None);
                let explanation = match (with_consent, without_consent) {
                    (_, Some(_)) => None,
                    (Some(_), None) => Some(self.missing(&takers, (who, why), &seen, ConsentFact::None)),
                    (None, None) => Some(self.missing(&takers, (who, why), &seen, ConsentFact::Given)),
                };
                outlooks.push(Outlook {
                    kind: kind.id.clone(),
                    owner: owner.clone(),
                    with_consent,
                    without_consent,
                    rules: rules.into_values().collect(),
                    explanation,
                });
            }
        }
        outlooks
    }

    /// The most that is shown of any signal of a kind that fits the picture.
    fn most(
        &self,
        takers: &[&Agreement],
        (who, why): (&Standing, &Reasons),
        (kind, owner): (&Kind, &AgencyId),
        areas: &Arc<[AreaCode]>,
        picture: &Picture,
        rules: &mut BTreeMap<String, Rule>,
    ) -> Option<Level> {
        let open = |rule: &Rule| {
            let seen = |level: &Level| Picture {
                action: level.word(),
                ..picture.clone()
            };
            rule.permits
                && Level::Detail
                    .downwards()
                    .iter()
                    .any(|level| rule.applies(&seen(level)) != Truth::No)
        };
        // Most kinds are closed whatever the signal is like, which the rules alone can tell.
        if !self.rules().any(open) {
            return None;
        }
        let mut most = None;
        let sensitivities = [kind.sensitivity, Sensitivity::Restricted];
        let abouts = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
        for (severity, sensitivity, about) in [Severity::Critical, Severity::Low]
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
                consent: picture.consent.unwrap_or(ConsentFact::None),
                deceased: false,
            };
            for verdict in self.verdicts(who, why, &class, Level::Detail).unwrap_or_default() {
                let agreement = self.agreements.get(verdict.agreement);
                if agreement.is_some_and(|agreement| takers.iter().any(|taker| taker.id == agreement.id)) {
                    most = most.max(Some(verdict.level));
                    let deciding = verdict.rules.iter().filter_map(|id| self.rule(id));
                    rules.extend(deciding.map(|rule| (rule.id.clone(), rule.clone())));
                }
            }
        }
        most
    }

    /// What stands between the asker and a kind, where this is what the person said.
    fn missing(
        &self,
        takers: &[&Agreement],
        asker: (&Standing, &Reasons),
        seen: &Picture,
        consent: ConsentFact,
    ) -> Explanation {
        let picture = Picture {
            action: Level::Existence.word(),
            consent: Some(consent),
            ..seen.clone()
        };
        let mut best: Option<(Vec<Unmet>, &Agreement, &Rule)> = None;
        for taker in takers {
            let own = self.rules().filter(|rule| rule.agreement == taker.id.as_str());
            for rule in own.filter(|rule| rule.permits && rule.names(picture.action)) {
                let lacks = unmet(rule, &picture);
                if !lacks.contains(&Unmet::Signal) && best.as_ref().is_none_or(|(known, ..)| lacks < *known) {
                    best = Some((lacks, taker, rule));
                }
            }
        }
        let Some((lacks, agreement, rule)) = best else {
            let taker = takers.first();
            return Explanation {
                agreement: taker.map(|taker| taker.id.to_string()).unwrap_or_default(),
                unmet: vec![Unmet::Signal],
                remedy: "the parties, by an agreement that opens this kind".to_owned(),
                law: taker.map(|taker| self.law(taker)).unwrap_or_default(),
                rule: String::new(),
            };
        };
        if lacks.is_empty()
            && let Some(forbidding) = self.forbidding(agreement, asker, &picture)
        {
            return Explanation {
                agreement: agreement.id.to_string(),
                rule: forbidding.id.clone(),
                unmet: vec![Unmet::Forbidden],
                remedy: lifted(forbidding, &picture),
                law: self.law(agreement),
            };
        }
        let agency = picture.agency.as_ref().map(|(agency, _)| agency);
        let remedy = match lacks.first() {
            Some(Unmet::Consent) => "the person, by giving consent that covers this question".to_owned(),
            Some(Unmet::CaseReference) => "you, by naming your case".to_owned(),
            Some(Unmet::Patch) => "a colleague whose patch it is, or your agency, which sets your patch".to_owned(),
            Some(Unmet::Subject) => {
                "you, by asking about another sort of subject, if that serves the purpose".to_owned()
            }
            Some(Unmet::Role) => {
                let roles = agency
                    .map(|agency| nearest::roles(agreement, agency))
                    .unwrap_or_default();
                format!("a colleague who has the role {roles}")
            }
            _ => "the parties, by changing the agreement".to_owned(),
        };
        Explanation {
            agreement: agreement.id.to_string(),
            rule: rule.id.clone(),
            unmet: if lacks.is_empty() { vec![Unmet::Signal] } else { lacks },
            remedy,
            law: self.law(agreement),
        }
    }

    /// The rule that forbids, at the lowest level, what nothing else stands in the way of.
    fn forbidding(&self, agreement: &Agreement, (who, why): (&Standing, &Reasons), picture: &Picture) -> Option<&Rule> {
        let (kind, (owner, sector)) = (picture.kind.as_ref()?, picture.owner.as_ref()?);
        let sensitivity = self.catalogue.kind(kind)?.sensitivity;
        let abouts = [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area];
        abouts.into_iter().find_map(|about| {
            let class = Class {
                kind: kind.clone(),
                owner: owner.clone(),
                severity: Severity::Low,
                sensitivity,
                areas: picture.areas.clone().unwrap_or_default(),
                about,
                consent: picture.consent.unwrap_or(ConsentFact::None),
                deceased: false,
            };
            let (slice, level) = (&agreement.slice, Level::Existence);
            match cedar::see(&self.schema, &self.types, slice, (who, why), (&class, sector), level) {
                cedar::Answer::Deny(by) => by.iter().find_map(|id| self.rule(id)),
                _ => None,
            }
        })
    }
}
