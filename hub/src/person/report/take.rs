//! Takes a report: what becomes of it, why records stay apart, and the writes. Never takes one back.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    super::{
        Claim, Error, claim,
        human::{Death, Link, human, tie},
        identifiers::Identifiers,
        numbers, resolve, store_failed,
    },
    Bar, Known, MOST_RECORDS, Outcome, Plan, Report, Sort, drop_said, known, numbered, put_known, subjects_of,
};
use crate::{
    keys::Hashes,
    model::{AgencyId, PersonId, Source},
    store::{Read, Txn, row},
    tables::REPORT,
};

/// Says what will become of a report. `None` if the same version is known with other content.
/// `traces` says whether the agency may say whose an NHS number is.
///
/// # Errors
/// If the store fails.
pub fn plan_report(
    read: &dyn Read,
    hashes: &Hashes,
    agency: &AgencyId,
    (report, traces): (&Report, bool),
    source: &Source,
) -> Result<Option<Plan<Result<Outcome, Bar>>>, Error> {
    let sort = report.sort();
    let by = hashes.source(agency, &source.system, &source.id);
    let named = report.identities();
    let named: Vec<_> = named.iter().map(|who| Identifiers::of(hashes, agency, who)).collect();
    let content = content(hashes, report, &named)?;
    let known = known(read, sort, &by)?;
    let before = known.as_ref().map(|known| known.people.clone()).unwrap_or_default();
    let mut withheld = false;
    let outcome = match &known {
        Some(known) if source.version < known.version => Ok(Outcome::Superseded),
        Some(known) if source.version == known.version => match known.retracted {
            true => Ok(Outcome::Superseded),
            false if known.content == content => Ok(Outcome::AlreadyKnown),
            false => return Ok(None),
        },
        _ => {
            let fresh = match known.as_ref().is_some_and(|known| !known.retracted) {
                true => Outcome::Corrected,
                false => Outcome::Recorded,
            };
            // A correction is judged by what there would be without the version that it replaces.
            let mut without = Txn::new(read);
            let numbered = numbered(read, before.iter().copied())?;
            tie(&mut without, before.iter().copied(), |ties| {
                drop_said(ties, sort, &by, &numbered)
            })?;
            let bar = bar(&without, report, &named)?;
            withheld = sort == Sort::Join && !traces && (bar.is_some() || is_known_of(&without, &named)?);
            bar.filter(|_| !withheld).map_or(Ok(fresh), Err)
        }
    };
    let mut subjects = Vec::new();
    for identifier in named.iter().flat_map(Identifiers::strongest_first) {
        match claim(read, identifier)? {
            Some(Claim::One(person)) => subjects.extend(subjects_of(read, person)?),
            _ => subjects.push(hashes.unknown_subject(identifier)),
        }
    }
    for person in &before {
        subjects.extend(subjects_of(read, *person)?);
    }
    Ok(Some(Plan {
        outcome,
        subjects,
        withheld,
        sort,
        by,
        version: source.version,
        content,
        before,
    }))
}

/// Carries a plan out. Gives back every record whose human is another than before, or has died.
///
/// # Errors
/// If the store or the system's randomness fails. The transaction must then be dropped.
pub fn report(
    txn: &mut Txn<'_>,
    hashes: &Hashes,
    agency: &AgencyId,
    (report, plan): (&Report, &Plan<Result<Outcome, Bar>>),
    at: Timestamp,
) -> Result<BTreeSet<PersonId>, Error> {
    if !matches!(plan.outcome, Ok(Outcome::Corrected | Outcome::Recorded)) {
        return Ok(BTreeSet::new());
    }
    let mut people = Vec::new();
    let named = if plan.withheld { Vec::new() } else { report.identities() };
    for who in named {
        people.push(resolve(txn, hashes, agency, &who)?);
        if plan.sort == Sort::Join {
            for identifier in Identifiers::of(hashes, agency, &who).strongest_first() {
                if let Some(Claim::One(person)) = claim(txn, identifier)? {
                    people.push(person);
                }
            }
        }
    }
    let mut seen = BTreeSet::new();
    people.retain(|person| seen.insert(*person));
    let by = plan.by;
    let said_of = people.clone();
    let touched = people.iter().chain(&plan.before).copied();
    let numbered = numbered(txn, touched.clone())?;
    let changed = tie(txn, touched, |ties| {
        drop_said(ties, plan.sort, &by, &numbered);
        match (plan.sort, said_of.split_first()) {
            (Sort::Death, Some((&person, _))) => ties.deaths.push(Death { person, by }),
            (Sort::Join, Some((&first, others))) => ties.links.extend(others.iter().map(|other| Link {
                between: (first, *other),
                replaced: matches!(report, Report::Number(..)),
                by,
                at,
            })),
            (_, None) => {}
        }
    })?;
    let known = Known {
        version: plan.version,
        content: plan.content,
        retracted: false,
        people,
    };
    put_known(txn, plan.sort, &by, &known)?;
    Ok(changed)
}

/// Why a report may not come into force, if so.
fn bar(read: &dyn Read, report: &Report, named: &[Identifiers]) -> Result<Option<Bar>, Error> {
    let mut records = BTreeSet::new();
    let mut unmet = 0;
    let mut numbered = BTreeSet::new();
    for who in named {
        for identifier in who.strongest_first() {
            match claim(read, identifier)? {
                Some(Claim::One(person)) => {
                    records.extend(human(read, person)?.records());
                    numbered.insert(numbers(read, person)?);
                }
                _ if who.nhs_number.as_ref() == Some(identifier) => {
                    numbered.insert(BTreeSet::from([*identifier]));
                    unmet += 1;
                }
                _ => unmet += 1,
            }
        }
    }
    numbered.remove(&BTreeSet::new());
    let too_many = records.len() + unmet.min(2) > MOST_RECORDS;
    Ok(match report {
        Report::Join(_) if numbered.len() > 1 => Some(Bar::NumbersDiffer),
        Report::Join(_) | Report::Number(..) if too_many => Some(Bar::TooMany),
        Report::Death(_) | Report::Join(_) | Report::Number(..) => None,
    })
}

/// Whether any of those named has an NHS number, or is said to have died.
fn is_known_of(read: &dyn Read, named: &[Identifiers]) -> Result<bool, Error> {
    for identifier in named.iter().flat_map(Identifiers::strongest_first) {
        if let Some(Claim::One(person)) = claim(read, identifier)?
            && (human(read, person)?.has_died() || !numbers(read, person)?.is_empty())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A keyed hash of what counts of a report, so that the same version with other content is noticed.
fn content(hashes: &Hashes, report: &Report, named: &[Identifiers]) -> Result<[u8; 32], Error> {
    let word = match report {
        Report::Death(_) => "death",
        Report::Join(_) => "join",
        Report::Number(..) => "number",
    };
    let named: Vec<Vec<_>> = named.iter().map(|who| who.strongest_first().collect()).collect();
    let bytes = row::encode(REPORT, &(word, named)).map_err(store_failed)?;
    Ok(hashes.content(&bytes))
}
