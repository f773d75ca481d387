//! Reads what agencies say of who people are. Only identifiers that records may be joined on count.

use placehub_proto::v1::{self as proto, PersonIdentity};

use super::{Fields, draft::source, person};
use crate::{
    model::{Identity, NhsNumber, Source, Violation},
    person::Report,
};

/// A join of a message, and how its sender names it.
///
/// # Errors
/// Every field that breaks its rule.
pub fn join(given: &proto::JoinIdentitiesRequest) -> Result<(Report, Source), Vec<Violation>> {
    let mut fields = Fields::new();
    let source = source(&mut fields, "", &given.source_system, &given.source_id, given.version);
    let survivor = strong(&mut fields, "survivor", given.survivor.as_ref());
    let retired = strong(&mut fields, "retired", given.retired.as_ref());
    fields.finish(Some((Report::Join(Box::new((survivor, retired))), source)))
}

/// A replaced NHS number of a message, and how its sender names it.
///
/// # Errors
/// Every field that breaks its rule.
pub fn number_change(given: &proto::ChangeNhsNumberRequest) -> Result<(Report, Source), Vec<Violation>> {
    let mut fields = Fields::new();
    let source = source(&mut fields, "", &given.source_system, &given.source_id, given.version);
    let old = fields.parse::<NhsNumber>("old_nhs_number", &given.old_nhs_number);
    let new = fields.parse::<NhsNumber>("new_nhs_number", &given.new_nhs_number);
    if old.is_some() && old == new {
        fields.wrong("new_nhs_number", "must be another than the old one");
    }
    let both = old.zip(new);
    fields.finish(both.map(|(old, new)| (Report::Number(old, new), source)))
}

/// The news of a death of a message, and how its sender names it.
///
/// # Errors
/// Every field that breaks its rule.
pub fn death(given: &proto::RecordDeathRequest) -> Result<(Report, Source), Vec<Violation>> {
    let mut fields = Fields::new();
    let source = source(&mut fields, "", &given.source_system, &given.source_id, given.version);
    let who = strong(&mut fields, "person", given.person.as_ref());
    fields.finish(Some((Report::Death(Box::new(who)), source)))
}

/// How the sender of a message names what it takes back.
///
/// # Errors
/// Every field that breaks its rule.
pub fn undone(system: &str, id: &str, version: u64) -> Result<Source, Vec<Violation>> {
    let mut fields = Fields::new();
    let source = source(&mut fields, "", system, id, version);
    fields.finish(Some(source))
}

/// Somebody who is named by what records may be joined on.
fn strong(fields: &mut Fields, field: &str, given: Option<&PersonIdentity>) -> Identity {
    let Some(given) = given else {
        fields.wrong(field, "must be given");
        return Identity::default();
    };
    let who = person(fields, field, given, None);
    if given.nhs_number.is_empty() && given.local_references.is_empty() {
        fields.wrong(field, "must have an NHS number or a reference of your agency");
    }
    who
}
