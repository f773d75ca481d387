//! Made-up decisions, to see how long a rehearsal takes. They are of nobody, and were never made.

use std::collections::BTreeSet;

use anyhow::Result;
use jiff::Timestamp;
use placehub_hub::{
    decide::PolicySet,
    ledger::{Class, Commitment, Entry, Hex, Subject},
    model::{AreaCode, ConsentFact, Judged, Level, Severity, SubjectSort},
};

/// How many different ones there are.
const DIFFERENT: u64 = 20_000;
/// How many patches the askers have.
const PATCHES: u64 = 40;

/// The bytes of different entries, each of an asker that an agreement of the set names.
pub(super) fn entries(set: &PolicySet) -> Result<Vec<Vec<u8>>> {
    let mut askers = Vec::new();
    for agreement in set.agreements() {
        let particulars = agreement.particulars();
        for (agency, roles) in &particulars.askers {
            let party = particulars.party.iter().find(|party| party.agency == *agency);
            askers.extend(roles.iter().filter_map(|role| Some((particulars, party?, role))));
        }
    }
    let kinds: Vec<_> = set.catalogue().kinds().collect();
    let facts = [
        ConsentFact::Given,
        ConsentFact::None,
        ConsentFact::Refused,
        ConsentFact::Withdrawn,
    ];
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let mut made = Vec::new();
    for number in 0..DIFFERENT {
        let pick = |of: usize, step: u64| usize::try_from(number / step).unwrap_or_default() % of.max(1);
        let Some((particulars, party, role)) = askers.get(pick(askers.len(), 1)) else {
            break;
        };
        let patch: AreaCode = format!("patch-{}", number % PATCHES).parse()?;
        let mut classes = Vec::new();
        for step in [1, 7, 31] {
            let Some(kind) = kinds.get(pick(kinds.len(), step)) else {
                continue;
            };
            let Some(owner) = particulars.of_sector(&kind.owner).next() else {
                continue;
            };
            let judged = Judged {
                kind: kind.id.clone(),
                owner: owner.agency.clone(),
                sensitivity: kind.sensitivity,
                severity: severities.get(pick(4, step * 3)).copied().unwrap_or(Severity::Low),
                areas: BTreeSet::from([format!("lsoa-{}", number % 200).parse()?, patch.clone()]),
                about: SubjectSort::Person,
                consent: facts.get(pick(4, step)).copied().unwrap_or(ConsentFact::None),
                deceased: false,
                level: None,
                rules: BTreeSet::new(),
            };
            classes.push(Class {
                judged: judged.into(),
                count: 1,
            });
        }
        let entry = Entry {
            agency: Some(party.agency.clone()),
            sector: Some(party.sector.clone()),
            workload: "desk".to_owned(),
            certificate: Some(Hex([7; 32])),
            practitioner: format!("officer-{}", number % 500),
            roles: BTreeSet::from([(*role).clone()]),
            areas: BTreeSet::from([patch]),
            subject: Some(Subject::Person(Commitment {
                salt: Hex([1; 16]),
                commitment: Hex([2; 32]),
            })),
            purpose: Some(particulars.purpose.clone()),
            gateway: particulars.gateways.first().cloned(),
            case_reference: "made-up/1".to_owned(),
            level: Some(Level::Detail),
            allowed: true,
            policy: set.digest().parse().ok(),
            classes,
            ..Entry::new(Timestamp::UNIX_EPOCH, "ask")
        };
        made.push(entry.encode()?);
    }
    Ok(made)
}
