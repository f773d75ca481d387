//! Reads a question, and checks its reasons against the catalogue.

use std::{collections::BTreeSet, sync::Arc};

use placehub_proto::v1::{self as proto, question::Subject as Given};

use super::{Against, Fields, person};
use crate::{
    decide::Reasons,
    model::{AreaCode, GatewayId, KindId, Level, Postcode, PurposeId, Question, Subject, SubjectSort, Uprn, Violation},
    person::is_same_name,
};

const KINDS: usize = 32;

/// How far back a question about an area may look.
const AREA_WINDOW: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 366);

/// The question of a message.
///
/// # Errors
/// Every field that breaks its rule.
pub fn question(given: Option<&proto::Question>, against: Against<'_>) -> Result<Question, Vec<Violation>> {
    let mut fields = Fields::new();
    let Some(given) = given else {
        fields.wrong("question", "must be given");
        return fields.finish(None);
    };
    let subject = subject(&mut fields, given, against);
    let purpose = purpose(&mut fields, &given.purpose, against);
    let gateway = gateway(&mut fields, &given.gateway, against);
    let since = fields.time("question.since", given.since);
    let until = fields.time("question.until", given.until);
    if matches!((since, until), (Some(since), Some(until)) if until <= since) {
        fields.wrong("question.until", "must be after `since`");
    }
    if matches!(subject, Some(Subject::Area(_))) && since.is_none() {
        fields.wrong("question.since", "must be given for an area");
    }
    let too_long = since.is_some_and(|since| against.now.duration_since(since) > AREA_WINDOW);
    if matches!(subject, Some(Subject::Area(_))) && too_long {
        fields.wrong("question.since", "must be at most 366 days ago for an area");
    }
    if given.kinds.len() > KINDS {
        fields.wrong("question.kinds", format_args!("must be at most {KINDS}"));
    }
    let case_reference = fields.kept_text("question.case_reference", given.case_reference.trim(), 64);
    if subject.as_ref().is_some_and(|subject| names(subject, &case_reference)) {
        fields.wrong(
            "question.case_reference",
            "must not be the name, address or postcode that is asked about: the ledger keeps it for ever",
        );
    }
    let kinds = kinds(&mut fields, &given.kinds, against);
    let level = level(given.level);
    if level.is_none() {
        fields.wrong("question.level", "must be one of the three levels, or not stated");
    }
    let parsed = match (subject, purpose, gateway, level) {
        (Some(subject), Some(purpose), Some(gateway), Some(level)) => Some(Question {
            subject,
            purpose,
            gateway,
            case_reference,
            since,
            until,
            level,
            kinds,
        }),
        _ => None,
    };
    fields.finish(parsed)
}

/// The reasons of a sort of question, asked by somebody whose own patch is `patch`.
///
/// # Errors
/// Every field that breaks its rule.
pub fn sort(
    given: Option<&proto::QuestionSort>,
    patch: &BTreeSet<AreaCode>,
    against: Against<'_>,
) -> Result<Reasons, Vec<Violation>> {
    let mut fields = Fields::new();
    let Some(given) = given else {
        fields.wrong("question", "must be given");
        return fields.finish(None);
    };
    let subject = match given.subject() {
        proto::SubjectSort::Unspecified => {
            fields.wrong("question.subject", "must be a person, an address or an area");
            None
        }
        proto::SubjectSort::Person => Some(SubjectSort::Person),
        proto::SubjectSort::Address => Some(SubjectSort::Address),
        proto::SubjectSort::Area => Some(SubjectSort::Area),
    };
    let purpose = purpose(&mut fields, &given.purpose, against);
    let gateway = gateway(&mut fields, &given.gateway, against);
    let area = known_area(&mut fields, "question.area_code", &given.area_code, against);
    let areas: Arc<[AreaCode]> = match (subject, area) {
        (Some(SubjectSort::Person) | None, _) => Arc::default(),
        (_, Some(area)) => against.places.around(&area),
        (_, None) => patch.iter().cloned().collect(),
    };
    let parsed = match (subject, purpose, gateway) {
        (Some(subject), Some(purpose), Some(gateway)) => Some(Reasons {
            subject,
            purpose,
            gateway,
            case_reference: given.with_case_reference,
            areas,
        }),
        _ => None,
    };
    fields.finish(parsed)
}

fn subject(fields: &mut Fields, given: &proto::Question, against: Against<'_>) -> Option<Subject> {
    match &given.subject {
        Some(Given::Person(who)) => Some(Subject::Person(Box::new(person(fields, "question.person", who, None)))),
        Some(Given::Uprn(uprn)) => fields.parse("question.uprn", uprn).map(Subject::Address),
        Some(Given::AreaCode(area)) => {
            if area.is_empty() {
                fields.wrong("question.area_code", "must not be empty");
            }
            known_area(fields, "question.area_code", area, against).map(Subject::Area)
        }
        None => {
            fields.wrong("question.subject", "must be a person, a UPRN or an area code");
            None
        }
    }
}

/// Whether a text is the family name, UPRN or postcode of whom or what is asked about, however it is spelt.
fn names(subject: &Subject, text: &str) -> bool {
    let uprn = |uprn: &Uprn| text.parse::<Uprn>().is_ok_and(|same| same == *uprn);
    match subject {
        Subject::Address(address) => uprn(address),
        Subject::Area(_) => false,
        Subject::Person(who) => {
            let home = who.uprn.as_ref().is_some_and(uprn);
            let postcode = who.postcode.as_ref();
            let there = postcode.is_some_and(|postcode| text.parse::<Postcode>().is_ok_and(|same| same == *postcode));
            home || there || is_same_name(&who.family_name, text)
        }
    }
}

fn known_area(fields: &mut Fields, field: &str, given: &str, against: Against<'_>) -> Option<AreaCode> {
    let area = fields.parse_some::<AreaCode>(field, given)?;
    if !against.places.knows(&area) {
        fields.wrong(field, "must be an area of this place");
    }
    Some(area)
}

fn purpose(fields: &mut Fields, given: &str, against: Against<'_>) -> Option<PurposeId> {
    let purpose = given.parse().ok().filter(|id| against.catalogue.purpose(id).is_some());
    if purpose.is_none() {
        fields.wrong("question.purpose", "must be a purpose of the hub's catalogue");
    }
    purpose
}

fn gateway(fields: &mut Fields, given: &str, against: Against<'_>) -> Option<GatewayId> {
    if given.is_empty() {
        return Some(GatewayId::none());
    }
    let gateway = given.parse().ok().filter(|id| against.catalogue.gateway(id).is_some());
    if gateway.is_none() {
        fields.wrong(
            "question.gateway",
            "must be a gateway of the hub's catalogue, or empty for consent",
        );
    }
    gateway
}

fn kinds(fields: &mut Fields, given: &[String], against: Against<'_>) -> BTreeSet<KindId> {
    let known = |kind: &String| kind.parse().ok().filter(|id| against.catalogue.kind(id).is_some());
    let kinds: Option<BTreeSet<KindId>> = given.iter().map(known).collect();
    if kinds.is_none() {
        fields.wrong("question.kinds", "must be kinds of the hub's catalogue");
    }
    kinds.unwrap_or_default()
}

/// At most this much; `None` for a level that this version of the hub does not know, which may be a lower one.
fn level(given: i32) -> Option<Level> {
    match proto::DisclosureLevel::try_from(given).ok()? {
        proto::DisclosureLevel::Existence => Some(Level::Existence),
        proto::DisclosureLevel::Headline => Some(Level::Headline),
        proto::DisclosureLevel::Detail | proto::DisclosureLevel::Unspecified => Some(Level::Detail),
    }
}
