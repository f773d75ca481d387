//! Makes of one fact what the hub is told.
//! Pure. It never adds a word about the patient to what the mapping says.

use jiff::Timestamp;
use placehub_delivery::{Content, Untranslatable, draft::instant, fields::Nhs};
use placehub_proto::v1::{
    ChangeNhsNumberRequest, ConsentStance, ConsentStatement, JoinIdentitiesRequest, PersonIdentity, RecordDeathRequest,
    RetractDeathRequest, RetractSignalRequest, SeparateIdentitiesRequest, SignalDraft,
};

use crate::format::{Cancellation, Event, Fact, Joined, Patient, Stated};

/// What the hub is told of one fact.
///
/// # Errors
///
/// `patient`, if the source names nobody.
pub(crate) fn content(fact: Fact) -> Result<Content, Untranslatable> {
    Ok(match fact {
        Fact::Happened(event) => draft(*event)?.into(),
        Fact::Cancelled(cancellation) => retraction(cancellation).into(),
        Fact::Stated(stated) => statement(*stated)?.into(),
        Fact::Joined(joined) => same(*joined)?,
        Fact::Separated(parted) => SeparateIdentitiesRequest {
            source_system: parted.system,
            source_id: parted.id,
            version: parted.version,
        }
        .into(),
        Fact::Died(died) => RecordDeathRequest {
            source_system: died.system,
            source_id: died.id,
            version: died.version,
            person: Some(person(died.patient)?),
        }
        .into(),
        Fact::Lives(lives) => RetractDeathRequest {
            source_id: format!("{}:{}", lives.id, lives.mark),
            source_system: lives.system,
            version: lives.version,
        }
        .into(),
    })
}

fn draft(event: Event) -> Result<SignalDraft, Untranslatable> {
    Ok(SignalDraft {
        kind: event.kind,
        source_system: event.system,
        source_id: format!("{}:{}", event.id, event.mark),
        version: event.version,
        person: Some(person(event.patient)?),
        occurred_at: Some(instant(event.at)),
        severity: event.severity.into(),
        sensitivity: event.sensitivity.into(),
        summary: event.summary,
        attributes: event.attributes,
        pointer: event.pointer,
        ..Default::default()
    })
}

/// Takes back the signal that [`draft`] made of the event.
fn retraction(cancellation: Cancellation) -> RetractSignalRequest {
    RetractSignalRequest {
        source_id: format!("{}:{}", cancellation.id, cancellation.mark),
        source_system: cancellation.system,
        version: cancellation.version,
    }
}

fn statement(stated: Stated) -> Result<ConsentStatement, Untranslatable> {
    let withdrawn = stated.stance == ConsentStance::Withdrawn;
    let instant = |at: Option<Timestamp>| at.map(instant);
    Ok(ConsentStatement {
        person: Some(person(stated.patient)?),
        stance: stated.stance.into(),
        kinds: stated.kinds,
        from_agencies: stated.from,
        to_agencies: stated.to,
        purposes: stated.purposes,
        said_at: instant(Some(stated.said_at)),
        // A withdrawal holds from when it is said, and until they say otherwise.
        valid_from: instant(stated.valid_from.filter(|_| !withdrawn)),
        valid_until: instant(stated.valid_until.filter(|_| !withdrawn)),
        method: stated.method.into(),
        evidence_reference: stated.evidence,
    })
}

/// Two records of one person; or, where what changed is the NHS number of one, that.
fn same(joined: Joined) -> Result<Content, Untranslatable> {
    if let (true, Some(Nhs::Checked(new)), Some(Nhs::Checked(old))) =
        (joined.renumbered, &joined.survivor.nhs, &joined.retired.nhs)
        && new != old
    {
        return Ok(ChangeNhsNumberRequest {
            source_system: joined.system,
            source_id: joined.id,
            version: joined.version,
            old_nhs_number: old.clone(),
            new_nhs_number: new.clone(),
        }
        .into());
    }
    Ok(JoinIdentitiesRequest {
        source_system: joined.system,
        source_id: joined.id,
        version: joined.version,
        survivor: Some(person(joined.survivor)?),
        retired: Some(person(joined.retired)?),
    }
    .into())
}

fn person(patient: Patient) -> Result<PersonIdentity, Untranslatable> {
    let named = patient.nhs.is_some() || !patient.references.is_empty() || patient.family_name.is_some();
    if !named {
        return Err(Untranslatable::new("patient", "has neither an identifier nor a name"));
    }
    let (nhs_number, unverified_nhs_number) = match patient.nhs {
        Some(Nhs::Checked(digits)) => (digits, String::new()),
        Some(Nhs::Unchecked(digits)) => (String::new(), digits),
        None => Default::default(),
    };
    Ok(PersonIdentity {
        nhs_number,
        unverified_nhs_number,
        local_references: patient.references,
        family_name: patient.family_name.unwrap_or_default(),
        given_name: patient.given_name.unwrap_or_default(),
        birth_date: patient.birth_date.map(|date| date.to_string()).unwrap_or_default(),
        postcode: patient.postcode.unwrap_or_default(),
        uprn: patient.uprn.unwrap_or_default(),
    })
}
