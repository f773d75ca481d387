//! Reads and writes what a person said about sharing.

use std::{collections::BTreeSet, str::FromStr};

use placehub_proto::v1 as proto;

use super::{Against, Fields, fields::AHEAD, person, timestamp};
use crate::{
    consent::Recorded,
    model::{Identity, KindId, Method, PurposeId, Scope, Stance, Statement, Violation},
};

const SCOPE: usize = 64;

/// The statement of a message, and whose it is.
///
/// # Errors
/// Every field that breaks its rule.
pub fn statement(
    given: Option<&proto::ConsentStatement>,
    against: Against<'_>,
) -> Result<(Identity, Statement), Vec<Violation>> {
    let mut fields = Fields::new();
    let Some(given) = given else {
        fields.wrong("statement", "must be given");
        return fields.finish(None);
    };
    let who = given
        .person
        .as_ref()
        .map(|who| person(&mut fields, "statement.person", who, None));
    if !who.as_ref().is_some_and(singles_out) {
        let rule =
            "must have an NHS number, or names and birth date with a postcode or UPRN, so that it covers somebody";
        fields.wrong("statement.person", rule);
    }
    let stance = stance(given.stance());
    if stance.is_none() {
        fields.wrong("statement.stance", "must be given, refused or withdrawn");
    }
    let method = method(given.method());
    if method.is_none() {
        fields.wrong("statement.method", "must say how the person said it");
    }
    let scope = Scope {
        kinds: set(&mut fields, "statement.kinds", &given.kinds),
        from: set(&mut fields, "statement.from_agencies", &given.from_agencies),
        to: set(&mut fields, "statement.to_agencies", &given.to_agencies),
        purposes: set(&mut fields, "statement.purposes", &given.purposes),
    };
    check_scope(&mut fields, &scope, against);
    // Said in the future is not possible: a clock that is ahead must not make a consent outlive a withdrawal.
    let said_at = fields.past("statement.said_at", given.said_at, against.now);
    let said_at = said_at.map_or(against.now, |said| said.min(against.now));
    // A clock that is a little ahead must not put off what is acknowledged as in force; a date that is meant may.
    let valid_from = fields.time("statement.valid_from", given.valid_from).unwrap_or(said_at);
    let a_little_ahead = valid_from.duration_since(against.now) <= AHEAD;
    let valid_from = if a_little_ahead {
        valid_from.min(against.now)
    } else {
        valid_from
    };
    let valid_until = fields.time("statement.valid_until", given.valid_until);
    if valid_until.is_some() && stance == Some(Stance::Withdrawn) {
        fields.wrong(
            "statement.valid_until",
            "must be empty: what is withdrawn is given again by a new statement",
        );
    }
    if valid_until.is_some_and(|until| until <= valid_from) {
        fields.wrong("statement.valid_until", "must be after it begins to hold");
    }
    let evidence_reference = fields.text("statement.evidence_reference", &given.evidence_reference, 64);
    let parsed = match (who, stance, method) {
        (Some(who), Some(stance), Some(method)) => Some((
            who,
            Statement {
                stance,
                scope,
                said_at,
                valid_from,
                valid_until,
                method,
                evidence_reference,
            },
        )),
        _ => None,
    };
    fields.finish(parsed)
}

/// A statement as the contract carries it.
pub fn recorded(recorded: Recorded) -> proto::RecordedConsent {
    let Statement { scope, .. } = &recorded.statement;
    let statement = &recorded.statement;
    proto::RecordedConsent {
        statement_id: uuid::Uuid::from_bytes(recorded.id.0).to_string(),
        statement: Some(proto::ConsentStatement {
            person: None,
            stance: match statement.stance {
                Stance::Given => proto::ConsentStance::Given,
                Stance::Refused => proto::ConsentStance::Refused,
                Stance::Withdrawn => proto::ConsentStance::Withdrawn,
            }
            .into(),
            kinds: texts(&scope.kinds),
            from_agencies: texts(&scope.from),
            to_agencies: texts(&scope.to),
            purposes: texts(&scope.purposes),
            said_at: Some(timestamp(statement.said_at)),
            valid_from: Some(timestamp(statement.valid_from)),
            valid_until: statement.valid_until.map(timestamp),
            method: match statement.method {
                Method::Electronic => proto::ConsentMethod::Electronic,
                Method::Representative => proto::ConsentMethod::Representative,
                Method::Spoken => proto::ConsentMethod::Spoken,
                Method::Written => proto::ConsentMethod::Written,
            }
            .into(),
            evidence_reference: statement.evidence_reference.clone(),
        }),
        taken_by_agency: recorded.taken_by.to_string(),
        recorded_at: Some(timestamp(recorded.recorded_at)),
    }
}

/// Whether an identity can lead to what other agencies push of the same person. A local reference alone cannot.
fn singles_out(who: &Identity) -> bool {
    let named = !who.family_name.trim().is_empty() && !who.given_name.trim().is_empty();
    let home = who.postcode.is_some() || who.uprn.is_some();
    who.nhs_number.is_some() || (named && who.birth_date.is_some() && home)
}

fn check_scope(fields: &mut Fields, scope: &Scope, against: Against<'_>) {
    for (field, agencies) in [
        ("statement.from_agencies", &scope.from),
        ("statement.to_agencies", &scope.to),
    ] {
        if agencies.iter().any(|agency| against.agencies.find(agency).is_none()) {
            fields.wrong(field, "must be agencies of this place");
        }
    }
    let strange_kind = |kind: &KindId| against.catalogue.kind(kind).is_none();
    if scope.kinds.iter().any(strange_kind) {
        fields.wrong("statement.kinds", "must be kinds of the hub's catalogue");
    }
    let strange_purpose = |purpose: &PurposeId| against.catalogue.purpose(purpose).is_none();
    if scope.purposes.iter().any(strange_purpose) {
        fields.wrong("statement.purposes", "must be purposes of the hub's catalogue");
    }
}

fn set<T: FromStr<Err: std::fmt::Display> + Ord>(fields: &mut Fields, field: &str, given: &[String]) -> BTreeSet<T> {
    if given.len() > SCOPE {
        fields.wrong(field, format_args!("must be at most {SCOPE}"));
    }
    given.iter().filter_map(|text| fields.parse(field, text)).collect()
}

fn texts<T: ToString>(set: &BTreeSet<T>) -> Vec<String> {
    set.iter().map(ToString::to_string).collect()
}

fn stance(given: proto::ConsentStance) -> Option<Stance> {
    match given {
        proto::ConsentStance::Unspecified => None,
        proto::ConsentStance::Given => Some(Stance::Given),
        proto::ConsentStance::Refused => Some(Stance::Refused),
        proto::ConsentStance::Withdrawn => Some(Stance::Withdrawn),
    }
}

fn method(given: proto::ConsentMethod) -> Option<Method> {
    match given {
        proto::ConsentMethod::Unspecified => None,
        proto::ConsentMethod::Spoken => Some(Method::Spoken),
        proto::ConsentMethod::Written => Some(Method::Written),
        proto::ConsentMethod::Electronic => Some(Method::Electronic),
        proto::ConsentMethod::Representative => Some(Method::Representative),
    }
}
