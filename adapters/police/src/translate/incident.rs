//! Makes what the hub is told of an incident: a signal for what sort it is and for each of its markers.
//! Pure. It never passes on who reported it, and never lets a marked incident pass for an ordinary one.
//!
//! - Domestic abuse and s.136 stand for the incident: that it was, say, anti-social behaviour is not told beside them.
//! - Whatever is told beside domestic abuse is as restricted as that is.
//! - Missing and detained is its subject; a victim is neither.
//! - What an earlier version of the incident may have told, and this one does not, is taken back.

use placehub_delivery::{
    Content, Untranslatable,
    draft::{attributes, instant, text_attribute},
};
use placehub_proto::v1::{RetractSignalRequest, Sensitivity, SignalDraft};

use crate::format::{Category, Incident, Marker, Party, Role};

const SYSTEM: &str = "incidents";
/// The field at fault where nothing may be told.
const MARKERS: &str = "markers";

/// What is told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Category(&'static str, &'static str),
    Marked(Marker),
}

/// What the hub is told of one row, the signal that stands for the incident first.
///
/// # Errors
///
/// `address` or `row`, if nothing says whom or where it concerns; `markers`, if nothing of a first version may be told of that
/// person.
pub(super) fn contents(row: Incident) -> Result<Vec<Content>, Untranslatable> {
    let own_id = match &row.party {
        Party::Person(_, _, number) => format!("{}/{number}", row.number),
        Party::Nobody | Party::Reporter(_) => row.number.clone(),
    };
    let mut contents = Vec::new();
    if row.version > 1
        && let Party::Reporter(Some(number)) = &row.party
    {
        // An earlier version may have had another role for them.
        let id = format!("{}/{number}", row.number);
        contents.push(taken_back(id.clone(), row.version));
        contents.extend(BESIDE.map(|marker| taken_back(beside(&id, marker), row.version)));
    }
    let facts = match facts(&row) {
        Err(_) if !contents.is_empty() => return Ok(contents),
        // A correction that leaves nothing to tell takes back whatever was told.
        Err(why) if row.version > 1 && why.field == MARKERS => {
            contents.push(taken_back(own_id.clone(), row.version));
            Vec::new()
        }
        facts => facts?,
    };
    for (at, fact) in facts.iter().enumerate() {
        let id = match fact {
            Fact::Marked(marker) if at > 0 => beside(&own_id, *marker),
            _ => own_id.clone(),
        };
        contents.push(signal(&row, *fact, id).into());
    }
    if row.version > 1 {
        let told_beside = |marker: &Marker| facts.iter().skip(1).any(|fact| *fact == Fact::Marked(*marker));
        let gone = BESIDE.into_iter().filter(|marker| !told_beside(marker));
        contents.extend(gone.map(|marker| taken_back(beside(&own_id, marker), row.version)));
    }
    Ok(contents)
}

/// The markers that may be told beside what stands for the incident.
const BESIDE: [Marker; 3] = [Marker::PlaceOfSafety, Marker::Missing, Marker::VulnerableAdult];

fn facts(row: &Incident) -> Result<Vec<Fact>, Untranslatable> {
    let role = match &row.party {
        Party::Person(_, role, _) => Some(*role),
        Party::Nobody | Party::Reporter(_) => None,
    };
    match (role, &row.uprn) {
        (None, None) if row.address_unknown => {
            let rule = "is not a known one, and the row names neither a UPRN nor a person who may be told of";
            return Err(Untranslatable::new("address", rule));
        }
        (None, None) => {
            let rule = "names neither an address nor a person who may be told of";
            return Err(Untranslatable::new("row", rule));
        }
        _ => {}
    }
    let applies = |marker: &Marker| match marker {
        Marker::DomesticAbuse | Marker::VulnerableAdult => true,
        Marker::Missing => role != Some(Role::Victim),
        // Health data about somebody: an address was not taken anywhere.
        Marker::PlaceOfSafety => role == Some(Role::Subject),
    };
    let stands_for_it = |marker: &Marker| matches!(marker, Marker::DomesticAbuse | Marker::PlaceOfSafety);
    let told = || row.markers.iter().copied().filter(applies);
    let first = told().filter(stands_for_it).map(Fact::Marked);
    let category = match row.category {
        _ if told().any(|marker| stands_for_it(&marker)) => None,
        Category::AntiSocialBehaviour => Some(Fact::Category("police.asb-incident", "Anti-social behaviour")),
        Category::CriminalDamage => Some(Fact::Category("police.criminal-damage", "Criminal damage")),
        Category::Violence => Some(Fact::Category("police.violence-incident", "Violence")),
        Category::Concern | Category::DomesticAbuse | Category::Missing => None,
    };
    let rest = told().filter(|marker| !stands_for_it(marker)).map(Fact::Marked);
    let facts: Vec<Fact> = first.chain(category).chain(rest).collect();
    if facts.is_empty() {
        let rule = "leave nothing that may be told of this person or address";
        return Err(Untranslatable::new(MARKERS, rule));
    }
    Ok(facts)
}

fn signal(row: &Incident, fact: Fact, id: String) -> SignalDraft {
    let (kind, title) = match fact {
        Fact::Category(kind, title) => (kind, title),
        Fact::Marked(Marker::DomesticAbuse) => ("police.domestic-abuse-incident", "Domestic abuse incident"),
        Fact::Marked(Marker::PlaceOfSafety) => ("police.mental-health-detention", "Taken to a place of safety"),
        Fact::Marked(Marker::Missing) => ("police.missing-person", "Person reported missing"),
        Fact::Marked(Marker::VulnerableAdult) => ("police.vulnerable-adult", "Concern for a vulnerable adult"),
    };
    let (person, role) = match &row.party {
        Party::Person(person, role, _) => (Some(person.as_ref().clone()), Some(*role)),
        Party::Nobody | Party::Reporter(_) => (None, None),
    };
    let of_category = matches!(fact, Fact::Category(..));
    let graded = matches!(fact, Fact::Marked(Marker::DomesticAbuse | Marker::Missing));
    let asb = row.category == Category::AntiSocialBehaviour;
    let restricted = row.markers.contains(&Marker::DomesticAbuse);
    let text = |wanted: bool, text: Option<&str>| text.filter(|_| wanted).map(text_attribute);
    SignalDraft {
        kind: kind.into(),
        source_system: SYSTEM.into(),
        source_id: id,
        version: row.version,
        person,
        uprn: row.uprn.clone().unwrap_or_default(),
        occurred_at: Some(instant(row.opened)),
        severity: row.severity.into(),
        sensitivity: match restricted {
            true => Sensitivity::Restricted.into(),
            false => Sensitivity::Unspecified.into(),
        },
        summary: match fact {
            Fact::Category(..) | Fact::Marked(Marker::DomesticAbuse) => row.summary.clone(),
            // The force's line is about the whole of the incident.
            Fact::Marked(_) => None,
        }
        .unwrap_or_else(|| match fact {
            Fact::Category(..) => format!("{title} reported"),
            Fact::Marked(_) => title.to_owned(),
        }),
        attributes: attributes([
            ("role", role.map(|role| text_attribute(role.word()))),
            ("risk_grade", text(graded, row.risk.as_deref())),
            ("incident_type", text(of_category && asb, Some("anti-social behaviour"))),
            // What came of anything else stays with the force: the catalogue has no place for it.
            ("outcome", text(of_category, row.outcome.as_deref())),
        ]),
        ..Default::default()
    }
}

/// The id of what is told beside the signal that stands for the incident.
fn beside(id: &str, marker: Marker) -> String {
    let word = match marker {
        Marker::DomesticAbuse => "domestic-abuse",
        Marker::PlaceOfSafety => "s136",
        Marker::Missing => "missing",
        Marker::VulnerableAdult => "vulnerable-adult",
    };
    format!("{id}/{word}")
}

fn taken_back(source_id: String, version: u64) -> Content {
    let taken_back = RetractSignalRequest {
        source_system: SYSTEM.into(),
        source_id,
        version,
    };
    taken_back.into()
}
