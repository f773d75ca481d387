//! Reads a FHIR R4 Consent: what a patient said about sharing, with its scope.
//! Pure. It never takes a Consent for a wider one than it is: whatever narrows it and has no word here refuses it.

use jiff::{Timestamp, civil::Date};
use placehub_delivery::{Untranslatable, fields};
use placehub_proto::v1::{ConsentMethod, ConsentStance};
use serde_json::Value;

use super::{Text, element::Element, patient};
use crate::{
    format::{Fact, Reading, Saying, Stated},
    mapping::{Consents, Record},
};

/// The parts of a provision that are understood. Any other narrows it in a way that is not.
const UNDERSTOOD: [&str; 9] = [
    "id",
    "extension",
    "type",
    "period",
    "actor",
    "action",
    "purpose",
    "class",
    "code",
];
/// Roles of whom is told (v3 ParticipationType).
const RECIPIENTS: [&str; 2] = ["IRCP", "PRCP"];
/// The role of who tells (v3 ParticipationType).
const CUSTODIAN: &str = "CST";
/// Actions that are a sharing (Consent Action Codes).
const SHARING: [&str; 2] = ["access", "disclose"];

/// What a Consent says.
pub(super) fn saying(element: &Element<'_>, text: &Text<'_>, reading: &Reading) -> Result<Saying, Untranslatable> {
    let refuse = |path: &str, rule: &str| Untranslatable::new(element.place(path), rule);
    let consents = &reading.mapping.consents;
    let status = element.text("status").unwrap_or_default();
    let has_ended = ["inactive", "rejected"].contains(&status.as_str());
    let stance = match status.as_str() {
        "active" => stance(element)?,
        "inactive" => ConsentStance::Withdrawn,
        "rejected" => ConsentStance::Refused,
        "draft" | "proposed" => {
            return Ok(Saying::Nothing(refuse(
                "status",
                "is one of a Consent that nobody has given",
            )));
        }
        "entered-in-error" => {
            return Err(refuse(
                "status",
                "is entered-in-error: send what the person said instead",
            ));
        }
        _ => return Err(refuse("status", "is missing, or is not one of FHIR R4")),
    };
    let scopes = element.codes("scope");
    if !scopes.iter().any(|code| code == "patient-privacy") {
        return Err(refuse("scope", "is not patient-privacy"));
    }
    narrowing(element)?;
    let said_at = element
        .moment("dateTime")
        .ok_or_else(|| refuse("dateTime", "is missing"))?;
    let said_at = said_at.map_err(|rule| refuse("dateTime", rule))?;
    let said_at = if has_ended {
        // `dateTime` may be when the Consent was given: what was said since would count for more than its end.
        let ended_at = text.changed(element).unwrap_or(text.now);
        ended_at.max(said_at).min(text.now)
    } else {
        said_at
    };
    let from = parties(element, consents, |role| role == CUSTODIAN)?;
    let to = parties(element, consents, |role| RECIPIENTS.contains(&role))?;
    let known = |path: &'static str, word: &dyn Fn(&str) -> Option<String>| -> Result<Vec<String>, Untranslatable> {
        let words = element.all(path).into_iter().map(|value| one(value, word));
        let words: Option<Vec<String>> = words.collect();
        words.ok_or_else(|| refuse(path, "has a code that neither the mapping nor the hub's catalogue has"))
    };
    let mut kinds = known("provision.code", &|code| consents.kind(code))?;
    let classes = known("provision.class", &|code| consents.kind(code))?;
    // Where both are there, only what fits both is meant, and a statement has one list.
    if !kinds.is_empty() && !classes.is_empty() {
        return Err(refuse(
            "provision.class",
            "narrows provision.code further than the hub can keep",
        ));
    }
    kinds.extend(classes);
    let valid_from = element.moment("provision.period.start").transpose();
    let valid_until = element.text("provision.period.end").map(|end| after(&end)).transpose();
    let stated = Stated {
        patient: patient::referred(element, "patient", text)?,
        stance,
        kinds,
        from,
        to,
        purposes: known("provision.purpose", &|code| consents.purpose(code))?,
        said_at,
        valid_from: valid_from.map_err(|rule| refuse("provision.period.start", rule))?,
        valid_until: valid_until.map_err(|rule| refuse("provision.period.end", rule))?,
        method: method(element, consents),
        evidence: evidence(element),
    };
    if !stated.patient.can_be_found() {
        let rule = "has neither a verified NHS number, nor name, birth date and postcode or UPRN";
        return Err(refuse("patient", rule));
    }
    Ok(Saying::Told(vec![Fact::Stated(Box::new(stated))]))
}

/// OPTIN or OPTOUT of the policy (v3 ActCode), or the type of the provision, which many systems fill though R4 keeps it for
/// the exceptions. If both are there they must agree.
fn stance(element: &Element<'_>) -> Result<ConsentStance, Untranslatable> {
    let read = |path: &str, yes: &str, no: &str| {
        let codes = element.codes(path);
        let has = |wanted: &str| codes.iter().any(|code| code == wanted);
        match (has(yes), has(no)) {
            (true, false) => Some(ConsentStance::Given),
            (false, true) => Some(ConsentStance::Refused),
            _ => None,
        }
    };
    let stated = [
        read("policyRule", "OPTIN", "OPTOUT"),
        read("provision.type", "permit", "deny"),
    ];
    match stated {
        [Some(one), Some(other)] if one != other => {
            let rule = "says one thing, and provision.type another";
            Err(Untranslatable::new(element.place("policyRule"), rule))
        }
        [Some(one), _] | [None, Some(one)] => Ok(one),
        [None, None] => {
            let rule = "is neither OPTIN nor OPTOUT, and provision.type is missing";
            Err(Untranslatable::new(element.place("policyRule"), rule))
        }
    }
}

/// Refuses what narrows the provision in a way that a statement cannot hold.
fn narrowing(element: &Element<'_>) -> Result<(), Untranslatable> {
    let refuse = |path: String, rule: &str| Err(Untranslatable::new(element.place(&path), rule));
    for provision in element.all("provision") {
        let keys = provision.as_object().into_iter().flat_map(|object| object.keys());
        let unknown = |key: &&String| !UNDERSTOOD.contains(&key.as_str());
        if let Some(key) = keys.into_iter().find(unknown) {
            return refuse(
                format!("provision.{key}"),
                "narrows the Consent in a way that the hub cannot keep",
            );
        }
    }
    let actions = element.all("provision.action");
    let shares = element
        .codes("provision.action")
        .iter()
        .any(|code| SHARING.contains(&code.as_str()));
    if !actions.is_empty() && !shares {
        return refuse("provision.action".into(), "is neither access nor disclose");
    }
    let roles = element.all("provision.actor");
    let known = |role: &str| role == CUSTODIAN || RECIPIENTS.contains(&role);
    for (at, actor) in roles.into_iter().enumerate() {
        let actor = Element::new(actor, String::new());
        if !actor.codes("role").iter().any(|role| known(role)) {
            return refuse(format!("provision.actor[{at}].role"), "is neither IRCP, PRCP nor CST");
        }
    }
    Ok(())
}

/// The hub's agencies among the actors of a role.
fn parties(
    element: &Element<'_>,
    consents: &Consents,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Untranslatable> {
    let mut found = Vec::new();
    for (at, actor) in element.all("provision.actor").into_iter().enumerate() {
        let actor = Element::new(actor, String::new());
        if !actor.codes("role").iter().any(|role| is_wanted(role)) {
            continue;
        }
        let named = [
            actor.text("reference.identifier.value"),
            actor.text("reference.reference"),
        ];
        let agency = named.into_iter().flatten().find_map(|code| consents.agency(&code));
        let place = || element.place(&format!("provision.actor[{at}].reference"));
        let rule = "is none of the agencies that the mapping has";
        found.push(agency.ok_or_else(|| Untranslatable::new(place(), rule))?);
    }
    Ok(found)
}

/// The word for the first code of a concept that has one.
fn one(value: &Value, word: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let concept = Element::new(value, String::new());
    let mut codes = concept.codes("coding.code");
    codes.extend(concept.codes("code"));
    codes.iter().find_map(|code| word(code))
}

/// FHIR's periods include their end: a day lasts until the next one begins.
fn after(end: &str) -> Result<Timestamp, &'static str> {
    let rule = "is not a FHIR dateTime to the day at least";
    match end.parse::<Date>() {
        Ok(day) if end.len() == 10 => {
            let next = day.tomorrow().map_err(|_| rule)?;
            fields::start_of_day(next).map_err(|_| rule)
        }
        _ => fields::moment(end).map_err(|_| rule),
    }
}

fn method(element: &Element<'_>, consents: &Consents) -> ConsentMethod {
    let patient = element.text("patient.reference");
    let performers = element.all("performer");
    let others = performers.iter().filter(|performer| {
        let own = performer.get("reference").and_then(Value::as_str);
        own.is_none() || own != patient.as_deref()
    });
    if others.count() > 0 {
        ConsentMethod::Representative
    } else if element.has("sourceAttachment") || element.has("sourceReference") {
        ConsentMethod::Written
    } else {
        consents.method
    }
}

/// The Consent's own number, where its evidence is kept.
fn evidence(element: &Element<'_>) -> String {
    let stated = [element.text("identifier.value"), element.text("id")];
    let fits = |text: &String| (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    stated.into_iter().flatten().find(fits).unwrap_or_default()
}
