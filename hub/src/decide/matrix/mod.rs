//! Who may see what: for each agreement, role and kind, the levels that are reached, and what it takes to reach them.
//! Reads the rules over all that a signal and a question can be, for one role at a time. It leaves out what takes two roles
//! at once, or an area that a rule names. Never decides on a signal.

mod needs;
mod region;
mod text;

use std::sync::Arc;

use needs::needs;
pub(in crate::decide) use region::Outcome;
use region::Region;

use super::{
    Agreement, PolicySet,
    bounds::FACTS,
    rule::{Picture, Roles, Rule},
};
use crate::{
    catalogue::Kind,
    model::{AgencyId, AgreementId, ConsentFact, GatewayId, KindId, Level, PurposeId, Sensitivity, SubjectSort},
};

/// Who may see what by a set of policies. Prints as `policies/matrix.txt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Row by row, by agreement, gateway, agency, role and kind.
    pub rows: Vec<Row>,
}

/// What a role at an agency may see of a kind of signal of an owner, under one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The agreement.
    pub agreement: AgreementId,
    /// Its purpose.
    pub purpose: PurposeId,
    /// The gateway that the question relies on.
    pub gateway: GatewayId,
    /// The asker's agency.
    pub agency: AgencyId,
    /// The asker's role.
    pub role: String,
    /// The kind.
    pub kind: KindId,
    /// Its owner.
    pub owner: AgencyId,
    /// What this asker may ask about at all, each with what it takes.
    pub asks: Vec<(SubjectSort, Vec<String>)>,
    /// What is shown, by what the person said.
    pub cells: Vec<Cell>,
}

/// What is shown where this is what the person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What the person said that covers the question.
    pub consent: ConsentFact,
    /// The levels that are reached, the most revealing first, each with what it takes beyond what any question takes. What
    /// does not reach one level may reach the next.
    pub levels: Vec<(Level, Vec<String>)>,
    /// More that is shown of a signal whose owner has raised its sensitivity, if that is so.
    pub raised: Option<(Sensitivity, Level)>,
}

impl PolicySet {
    /// Who may see what, whatever day it is and whoever has signed.
    pub fn matrix(&self) -> Matrix {
        let mut rows = Vec::new();
        for agreement in &self.agreements {
            let rules = self.rules_of(agreement);
            let particulars = &agreement.particulars;
            for gateway in &particulars.gateways {
                for (agency, roles) in &particulars.askers {
                    for role in roles {
                        for kind in self.catalogue.kinds() {
                            for owner in particulars.of_sector(&kind.owner) {
                                let who = (agency, role.as_str());
                                let mut asks = Vec::new();
                                let cells = FACTS.map(|consent| {
                                    let picture = picture(agreement, gateway, who, (kind, &owner.agency), consent);
                                    let (cell, asked) = self.cell(agreement, &rules, kind, &picture, consent);
                                    asks = asked;
                                    cell
                                });
                                rows.push(Row {
                                    agreement: agreement.id.clone(),
                                    purpose: particulars.purpose.clone(),
                                    gateway: gateway.clone(),
                                    agency: agency.clone(),
                                    role: role.clone(),
                                    kind: kind.id.clone(),
                                    owner: owner.agency.clone(),
                                    asks,
                                    cells: cells.into(),
                                });
                            }
                        }
                    }
                }
            }
        }
        Matrix { rows }
    }

    /// What the particulars say is opened, and no rule opens: in words, agreement by agreement.
    pub fn unkept(&self, matrix: &Matrix) -> Vec<String> {
        let mut unkept = Vec::new();
        for row in matrix.rows.iter().filter(|row| row.owner != row.agency) {
            let Some(agreement) = self.agreements.iter().find(|agreement| agreement.id == row.agreement) else {
                continue;
            };
            for cell in &row.cells {
                let said = [Level::Detail, Level::Headline, Level::Existence]
                    .into_iter()
                    .find(|level| {
                        let of = (&row.kind, &row.owner);
                        let roles = agreement.particulars.may_see(of, &row.agency, *level, cell.consent);
                        roles.contains(&row.role)
                    });
                if said > cell.most() {
                    unkept.push(format!(
                        "`{}` says that the role `{}` of `{}` sees `{}` of `{}` at the level {}, where the person's \
                         consent is `{}`, and no rule lets them",
                        row.agreement,
                        row.role,
                        row.agency,
                        row.kind,
                        row.owner,
                        said.map_or("nothing", Level::word),
                        cell.consent.word(),
                    ));
                }
            }
        }
        unkept
    }

    /// The rules of an agreement and of the base.
    pub(super) fn rules_of(&self, agreement: &Agreement) -> Vec<Arc<Rule>> {
        let own = |rule: &&Arc<Rule>| rule.agreement == "base" || rule.agreement == agreement.id.as_str();
        self.rules.values().filter(own).cloned().collect()
    }

    fn cell(
        &self,
        agreement: &Agreement,
        rules: &[Arc<Rule>],
        kind: &Kind,
        picture: &Picture,
        consent: ConsentFact,
    ) -> (Cell, Asks) {
        let found = |sensitivity| {
            let mut found = Vec::new();
            let mut judge = |picture: &Picture| self.judged(agreement, rules, picture);
            Region::whole(sensitivity).sort(picture, &mut judge, &mut found);
            found
        };
        let all = found(kind.sensitivity);
        let taken = |found: &[(Region, Outcome)]| -> Vec<(Region, Option<Level>)> {
            let shown = found.iter().filter_map(|(region, outcome)| match outcome {
                Outcome::NotTaken => None,
                Outcome::Shown(level) => Some((*region, *level)),
            });
            shown.collect()
        };
        let mut left = taken(&all);
        let asks = asks(&all, &left);
        let mut levels = Vec::new();
        for level in Level::Detail.downwards() {
            let whole: Vec<Region> = left.iter().map(|(region, _)| *region).collect();
            let (reached, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, shown)| *shown == Some(*level));
            let parts: Vec<Region> = reached.into_iter().map(|(region, _)| region).collect();
            if !parts.is_empty() {
                let needs = if rest.is_empty() {
                    Vec::new()
                } else {
                    needs(&parts, &whole)
                };
                levels.push((*level, needs));
            }
            left = rest;
        }
        let most = levels.first().map(|(level, _)| *level);
        let higher = [Sensitivity::Sensitive, Sensitivity::Restricted]
            .into_iter()
            .filter(|one| *one > kind.sensitivity);
        let raised = higher.filter_map(|one| {
            Some((
                one,
                taken(&found(one)).into_iter().filter_map(|(_, level)| level).max()?,
            ))
        });
        let cell = Cell {
            consent,
            levels,
            raised: raised
                .filter(|(_, level)| Some(*level) > most)
                .max_by_key(|(_, level)| *level),
        };
        (cell, asks)
    }
}

type Asks = Vec<(SubjectSort, Vec<String>)>;

/// What may be asked about, each with what it takes.
fn asks(all: &[(Region, Outcome)], taken: &[(Region, Option<Level>)]) -> Asks {
    let mut asks = Vec::new();
    for subject in [SubjectSort::Person, SubjectSort::Address, SubjectSort::Area] {
        let of = |region: &&Region| region.subject().is_none_or(|one| one == subject);
        let part = |regions: &mut dyn Iterator<Item = &Region>| -> Vec<Region> {
            regions
                .filter(|region| of(region))
                .map(|region| region.on(subject))
                .collect()
        };
        let parts = part(&mut taken.iter().map(|(region, _)| region));
        let whole = part(&mut all.iter().map(|(region, _)| region));
        if !parts.is_empty() {
            asks.push((subject, needs(&parts, &whole)));
        }
    }
    asks
}

impl Cell {
    /// The most that is shown.
    pub fn most(&self) -> Option<Level> {
        let raised = self.raised.map(|(_, level)| level);
        self.levels.first().map(|(level, _)| *level).max(raised)
    }
}

fn picture(
    agreement: &Agreement,
    gateway: &GatewayId,
    (agency, role): (&AgencyId, &str),
    (kind, owner): (&Kind, &AgencyId),
    consent: ConsentFact,
) -> Picture {
    let party = agreement.particulars.party.iter().find(|party| party.agency == *agency);
    Picture {
        agency: party.map(|party| (agency.clone(), party.sector.clone())),
        roles: Roles::Are([role.to_owned()].into()),
        teams: Some([].into()),
        patch: Some(region::patch().into_iter().collect()),
        purpose: Some(agreement.particulars.purpose.clone()),
        gateway: Some(gateway.clone()),
        kind: Some(kind.id.clone()),
        owner: Some((owner.clone(), kind.owner.clone())),
        consent: Some(consent),
        deceased: Some(false),
        ..Picture::of("existence")
    }
}
