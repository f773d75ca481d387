//! Writes the kinds of the catalogue, each with what may show it to others.
//! Never says who may see what: that takes a question.

use jiff::Timestamp;
use placehub_proto::v1 as proto;

use crate::{
    catalogue::Kind,
    decide::{Agreement, PolicySet},
    model::Sensitivity,
};

/// All kinds of a set of policies, with what is in force now.
pub fn kinds(policies: &PolicySet, now: Timestamp) -> Vec<proto::CatalogueKind> {
    let in_force = || policies.agreements().iter().filter(|agreement| agreement.in_force(now));
    let kinds = policies.catalogue().kinds();
    kinds.map(|kind| shown(kind, in_force())).collect()
}

fn shown<'a>(kind: &Kind, agreements: impl Iterator<Item = &'a Agreement>) -> proto::CatalogueKind {
    proto::CatalogueKind {
        id: kind.id.to_string(),
        title: kind.title.clone(),
        owner_sector: kind.owner.to_string(),
        sensitivity: match kind.sensitivity {
            Sensitivity::Ordinary => proto::Sensitivity::Ordinary,
            Sensitivity::Sensitive => proto::Sensitivity::Sensitive,
            Sensitivity::Restricted => proto::Sensitivity::Restricted,
        }
        .into(),
        retention_days: kind.retention_days.into(),
        closed_by: kind.closed_by.clone().unwrap_or_default(),
        releases: agreements.filter_map(|agreement| release(kind, agreement)).collect(),
    }
}

/// What an agreement says of opening a kind, if it opens it. It may do so more than once, with one authority.
fn release(kind: &Kind, agreement: &Agreement) -> Option<proto::Release> {
    let particulars = agreement.particulars();
    let mut opening = particulars.opens.iter().filter(|opens| opens.kinds.contains(&kind.id));
    let first = opening.next()?;
    let authority = [first]
        .into_iter()
        .chain(opening)
        .find_map(|opens| opens.authority.clone());
    Some(proto::Release {
        agreement: agreement.id().to_string(),
        purpose: particulars.purpose.to_string(),
        authority: authority.unwrap_or_default(),
    })
}
