//! Writes an entry of the ledger as the contract carries it, with the bytes that were hashed.

use placehub_proto::v1 as proto;

use super::{show::level, timestamp};
use crate::{
    inspect::Numbered,
    ledger::{Entry, EntryInvalid, Subject},
    publish::Standing,
};

/// How a witness stands.
pub fn witness(standing: &Standing) -> proto::Witness {
    proto::Witness {
        name: standing.name.clone(),
        size: standing.size,
        cosigned_at: standing.cosigned_at.map(timestamp),
        trouble: standing.trouble.clone(),
    }
}

/// The entry of these bytes.
///
/// # Errors
/// If the bytes are not an entry.
pub fn entry((number, raw): Numbered) -> Result<proto::LedgerEntry, EntryInvalid> {
    let entry = Entry::parse(&raw)?;
    Ok(proto::LedgerEntry {
        number,
        decided_at: Some(timestamp(entry.at)),
        action: entry.action,
        agency: entry.agency.map(|agency| agency.to_string()).unwrap_or_default(),
        workload: entry.workload,
        practitioner: entry.practitioner,
        roles: entry.roles.into_iter().collect(),
        subject: match entry.subject {
            None => String::new(),
            Some(Subject::Address(_)) => "address".to_owned(),
            Some(Subject::Area { .. }) => "area".to_owned(),
            Some(Subject::Person(_)) => "person".to_owned(),
        },
        purpose: entry.purpose.map(|purpose| purpose.to_string()).unwrap_or_default(),
        gateway: entry.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
        case_reference: entry.case_reference,
        allowed: entry.allowed,
        refusal: entry.refusal.map(|refusal| refusal.reason).unwrap_or_default(),
        agreements: entry.agreements.iter().map(ToString::to_string).collect(),
        policy_digest: entry.policy.map(|policy| policy.to_string()).unwrap_or_default(),
        shown: entry
            .shown
            .iter()
            .map(|shown| proto::ShownSignal {
                signal_id: shown.signal.text(),
                level: level(shown.level).into(),
            })
            .collect(),
        withheld: entry.withheld,
        certificate: entry
            .certificate
            .map(|certificate| certificate.to_string())
            .unwrap_or_default(),
        raw,
    })
}
