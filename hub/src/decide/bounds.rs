//! Holds an agreement to its particulars: no rule may open more than they say, whatever it is asked.
//! Reads rules over what is not known, so that it answers for every request there can be. Never decides on one.

use std::collections::BTreeSet;

use super::{
    Error, Particulars, Party, closed,
    files::{line_of_heading, line_of_key},
    rule::{Picture, Roles, Rule, Truth},
};
use crate::{
    catalogue::{Catalogue, Kind},
    model::{ConsentFact, Level, Sector},
};

/// Everything that a person can have said.
pub(super) const FACTS: [ConsentFact; 4] = [
    ConsentFact::Given,
    ConsentFact::None,
    ConsentFact::Refused,
    ConsentFact::Withdrawn,
];
/// All levels, the least revealing first.
pub(super) const LEVELS: [Level; 3] = [Level::Existence, Level::Headline, Level::Detail];

/// Checks what the particulars in `file`, whose text is `text`, say by themselves.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn particulars(
    (file, text): (&str, &str),
    particulars: &Particulars,
    catalogue: &Catalogue,
) -> Result<(), Error> {
    let at = |line: usize, what: String| Err(Error::at(file, line, what));
    let key = |key: &str| line_of_key(text, 1, key);
    let purpose = particulars.purpose.as_str();
    if catalogue.purpose(&particulars.purpose).is_none() {
        return at(
            key("purpose"),
            format!("the purpose `{purpose}` is not in the catalogue"),
        );
    }
    if particulars.gateways.is_empty() {
        let what = "it names no gateway; write `none` for consent";
        return at(key("gateways"), what.to_owned());
    }
    if let Some(unknown) = particulars.gateways.iter().find(|id| catalogue.gateway(id).is_none()) {
        return at(
            key("gateways"),
            format!("the gateway `{unknown}` is not in the catalogue"),
        );
    }
    if particulars.review_date < particulars.in_force_from {
        let what = "its review date is before the day on which it comes into force";
        return at(key("review_date"), what.to_owned());
    }
    if let Some((line, key)) = blank(text, particulars) {
        return at(line, format!("`{key}` says nothing"));
    }
    let mut parties = BTreeSet::new();
    for (place, party) in particulars.party.iter().enumerate() {
        if !parties.insert(&party.agency) {
            let line = line_of_key(text, line_of_heading(text, "[[party]]", place), "agency");
            return at(line, format!("the party `{}` stands twice", party.agency));
        }
    }
    if let Some(stranger) = particulars.askers.keys().find(|agency| !particulars.binds(agency)) {
        let line = line_of_heading(text, "[askers]", 0);
        return at(line, format!("`{stranger}` may ask, and is no party"));
    }
    for (index, opens) in particulars.opens.iter().enumerate() {
        let line = line_of_heading(text, "[[opens]]", index);
        let at = |what: String| Err(Error::at(file, line, what));
        if opens.kinds.is_empty() || opens.to.is_empty() {
            return at("it opens nothing, or to nobody".to_owned());
        }
        for kind in &opens.kinds {
            let Some(kind) = catalogue.kind(kind) else {
                return at(format!("the kind `{kind}` is not in the catalogue"));
            };
            if let Err(what) = owned(kind, particulars).and_then(|()| closed::opened(kind, opens)) {
                return at(what);
            }
        }
        for (agency, roles) in &opens.to {
            let known = particulars.askers.get(agency);
            if let Some(role) = roles
                .iter()
                .find(|role| !known.is_some_and(|known| known.contains(*role)))
            {
                return at(format!(
                    "it opens to the role `{role}` of `{agency}`, which may not ask"
                ));
            }
            if roles.is_empty() {
                return at(format!("it opens to no role of `{agency}`"));
            }
        }
    }
    Ok(())
}

/// The first key for people that is left blank, with its line.
fn blank(text: &str, particulars: &Particulars) -> Option<(usize, &'static str)> {
    let of_all = [
        ("title", &particulars.title),
        ("dpia_reference", &particulars.dpia_reference),
        ("contact", &particulars.contact),
    ];
    let of_all = of_all.map(|(key, said)| (1, key, said));
    let of_parties = particulars.party.iter().enumerate().flat_map(|(place, party)| {
        let line = line_of_heading(text, "[[party]]", place);
        [
            (line, "role", &party.role),
            (line, "article_6", &party.article_6),
            (line, "article_9", &party.article_9),
            (line, "dpa_2018", &party.dpa_2018),
        ]
    });
    let mut blank = of_all
        .into_iter()
        .chain(of_parties)
        .filter(|(_, _, said)| said.trim().is_empty());
    blank.next().map(|(from, key, _)| (line_of_key(text, from, key), key))
}

fn owned(kind: &Kind, particulars: &Particulars) -> Result<(), String> {
    match particulars.of_sector(&kind.owner).next() {
        Some(_) => Ok(()),
        None => Err(format!(
            "the kind `{}` belongs to the sort `{}`, and no party is of that sort",
            kind.id, kind.owner
        )),
    }
}

/// Checks that a rule of an agreement opens no more than the particulars say.
///
/// # Errors
/// The first thing that it would open beyond them.
pub(super) fn rule(rule: &Rule, particulars: &Particulars, catalogue: &Catalogue) -> Result<(), Error> {
    let at = |what: String| {
        Err(Error::at(
            &rule.file,
            rule.line,
            format!("policy `{}`: {what}", rule.id),
        ))
    };
    if !rule.permits {
        return Ok(());
    }
    if rule.clauses().iter().any(|clause| clause.reads().contains("teams")) {
        return at("it looks at teams, which neither the particulars nor the matrix can tell".to_owned());
    }
    for party in &particulars.party {
        let askers = particulars.askers.get(&party.agency).cloned().unwrap_or_default();
        let picture = asked("ask", particulars, (&party.agency, &party.sector));
        if beyond(rule, particulars, &askers, picture) {
            let roles = told(&askers);
            return at(format!(
                "it lets `{}` ask without a role that may ask by the particulars ({roles})",
                party.agency
            ));
        }
        for kind in catalogue.kinds() {
            for owner in particulars.of_sector(&kind.owner) {
                let seen = |level: Level| Picture {
                    kind: Some(kind.id.clone()),
                    owner: Some((owner.agency.clone(), owner.sector.clone())),
                    ..asked(level.word(), particulars, (&party.agency, &party.sector))
                };
                // Most rules open most kinds to nobody at an agency, whatever their role and whatever was said.
                let opened = LEVELS
                    .into_iter()
                    .filter(|level| beyond(rule, particulars, &BTreeSet::new(), seen(*level)));
                for (level, consent) in opened.flat_map(|level| FACTS.map(|consent| (level, consent))) {
                    let roles = particulars.may_see((&kind.id, &owner.agency), &party.agency, level, consent);
                    let picture = Picture {
                        consent: Some(consent),
                        ..seen(level)
                    };
                    if beyond(rule, particulars, &roles, picture) {
                        return at(format!(
                            "it opens more than the particulars say: `{}` of `{}` at the level {} to `{}`, where the \
                             person's consent is `{}`; by the particulars, to {}",
                            kind.id,
                            owner.agency,
                            level.word(),
                            party.agency,
                            consent.word(),
                            told(&roles),
                        ));
                    }
                }
            }
        }
        if let Some(what) = jointly(rule, particulars, party) {
            return at(what);
        }
    }
    Ok(())
}

/// What a rule takes of people at an agency that no role alone gives them: the particulars list roles one by one, and the
/// matrix shows them so.
fn jointly(rule: &Rule, particulars: &Particulars, party: &Party) -> Option<String> {
    let askers: Vec<&String> = particulars.askers.get(&party.agency)?.iter().collect();
    let opens = |action: &'static str, roles: Roles| {
        let picture = Picture {
            roles,
            ..asked(action, particulars, (&party.agency, &party.sector))
        };
        any_gateway(rule, particulars, picture)
    };
    let with = |action, roles: &[&String]| opens(action, Roles::Are(roles.iter().copied().cloned().collect()));
    for action in ["ask"].into_iter().chain(LEVELS.map(Level::word)) {
        let alone: Vec<&String> = askers.iter().copied().filter(|role| with(action, &[role])).collect();
        if alone.is_empty() && opens(action, Roles::AreNone(BTreeSet::new())) {
            return Some(format!(
                "it opens nothing to anybody of `{}` by one role alone, and particulars and matrix tell of one role at a time",
                party.agency
            ));
        }
        let others: Vec<&String> = askers.iter().copied().filter(|role| !alone.contains(role)).collect();
        for (index, one) in others.iter().enumerate() {
            if let Some(other) = others.iter().skip(index + 1).find(|other| with(action, &[one, other])) {
                return Some(format!(
                    "it takes the roles `{one}` and `{other}` of `{}` together, and particulars and matrix tell of one role \
                     at a time",
                    party.agency
                ));
            }
        }
    }
    None
}

/// A request under an agreement, of which action and agency are known.
fn asked(action: &'static str, particulars: &Particulars, agency: (&crate::model::AgencyId, &Sector)) -> Picture {
    Picture {
        agency: Some((agency.0.clone(), agency.1.clone())),
        purpose: Some(particulars.purpose.clone()),
        ..Picture::of(action)
    }
}

/// Whether it may apply to somebody who has none of these roles: to those with others, and to those with none at all.
fn beyond(rule: &Rule, particulars: &Particulars, roles: &BTreeSet<String>, picture: Picture) -> bool {
    let strangers = [Roles::AreNone(roles.clone()), Roles::Are(BTreeSet::new())];
    strangers.into_iter().any(|roles| {
        let picture = Picture {
            roles,
            ..picture.clone()
        };
        any_gateway(rule, particulars, picture)
    })
}

fn any_gateway(rule: &Rule, particulars: &Particulars, picture: Picture) -> bool {
    let mut picture = picture;
    particulars.gateways.iter().any(|gateway| {
        picture.gateway = Some(gateway.clone());
        rule.applies(&picture) != Truth::No
    })
}

fn told(roles: &BTreeSet<String>) -> String {
    match roles.is_empty() {
        true => "nobody there".to_owned(),
        false => {
            let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
            format!("{} alone", roles.join(" or "))
        }
    }
}
