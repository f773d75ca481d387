//! Writes a line of a person's access log, in words to the person. It names an agency and a role, never a member of staff
//! (UK GDPR Article 15(4); as the CJEU has it in C-579/21, a person learns when and why, and not which employee).

use placehub_proto::v1 as proto;

use super::timestamp;
use crate::{
    authn::Agencies,
    catalogue::Catalogue,
    inspect::Told,
    ledger::{Entry, Subject},
    model::{AgencyId, GatewayId, Level},
};

/// What is said of an entry that was released though it may be about somebody else: nothing of what was shown.
const DOUBTFUL: &str = "They looked at something about you, or about somebody whom you were taken for.";

/// The line of an entry.
pub fn access(
    Told {
        number,
        entry,
        doubtful,
    }: Told,
    agencies: &Agencies,
    catalogue: &Catalogue,
) -> proto::MakeAccessLogResponse {
    let name = |agency: &AgencyId| {
        let known = agencies.find(agency);
        known.map_or_else(|| agency.to_string(), |agency| agency.name.clone())
    };
    let purpose = entry.purpose.as_ref().map(|id| match catalogue.purpose(id) {
        Some(purpose) => purpose.title.clone(),
        None => id.to_string(),
    });
    let relied_on = entry.gateway.as_ref().filter(|id| **id != GatewayId::none());
    let law = relied_on.map(|id| match catalogue.gateway(id) {
        Some(gateway) => gateway.law.clone(),
        None => id.to_string(),
    });
    proto::MakeAccessLogResponse {
        number,
        at: Some(timestamp(entry.at)),
        agency: entry.agency.as_ref().map(name).unwrap_or_default(),
        what: match doubtful {
            true => DOUBTFUL.to_owned(),
            false => sentence(&entry, catalogue, name),
        },
        roles: entry.roles.into_iter().collect(),
        purpose: purpose.unwrap_or_default(),
        law: law.unwrap_or_default(),
    }
}

fn sentence(entry: &Entry, catalogue: &Catalogue, name: impl Fn(&AgencyId) -> String) -> String {
    let of_person = matches!(entry.subject, Some(Subject::Person(_)));
    match (entry.action.as_str(), entry.allowed) {
        ("ask" | "watch", false) => "They asked about you, were refused, and were shown nothing.".to_owned(),
        ("ask" | "watch", true) if entry.shown.is_empty() => "They asked about you, and were shown nothing.".to_owned(),
        ("ask" | "watch", true) if of_person => {
            format!(
                "They asked about you, and were shown: {}.",
                shown(entry, catalogue, name).join("; ")
            )
        }
        // What else was shown may be somebody else's (Data Protection Act 2018 Schedule 2 paragraph 16).
        ("ask" | "watch", true) => {
            "They asked about an address or an area, and were shown something about you.".to_owned()
        }
        ("record-consent", true) => "They took down what you said about sharing.".to_owned(),
        ("list-consents", true) => "They looked at what you had said about sharing.".to_owned(),
        ("access-log", true) => "They made a log like this one.".to_owned(),
        ("who-saw", true) => "They looked at the record of who asked about you.".to_owned(),
        ("change-nhs-number" | "join-identities" | "separate-identities" | "record-death" | "retract-death", true) => {
            "They set right who you are known as.".to_owned()
        }
        (_, true) => "They looked at something about you.".to_owned(),
        (_, false) => "They tried to look at something about you, and were refused.".to_owned(),
    }
}

/// What was shown of a person, each sort of fact once.
fn shown(entry: &Entry, catalogue: &Catalogue, name: impl Fn(&AgencyId) -> String) -> Vec<String> {
    let mut told = Vec::new();
    for class in &entry.classes {
        let kind = || match catalogue.kind(&class.kind) {
            Some(kind) => kind.title.clone(),
            None => class.kind.to_string(),
        };
        let owner = name(&class.owner);
        let text = match class.level {
            None => continue,
            Some(Level::Existence) => format!("that {owner} knows you"),
            Some(Level::Headline) => format!("{} (from {owner}; sort, date and area)", kind()),
            Some(Level::Detail) => format!("{} (from {owner}; in full)", kind()),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}
