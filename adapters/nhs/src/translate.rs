//! Makes a draft of one hospital event.
//! Pure. It never puts a name, a ward or a reason for the stay into a summary.

use placehub_delivery::{
    Untranslatable,
    draft::{attributes, date_attribute, instant, text_attribute},
    fields::{self, Nhs},
};
use placehub_proto::v1::{PersonIdentity, RetractSignalRequest, Severity, SignalDraft};

use crate::format::{Cancellation, Event, Patient, What};

/// Makes a draft of one event.
///
/// # Errors
///
/// `patient`, if the source names nobody.
pub(crate) fn draft(event: Event) -> Result<SignalDraft, Untranslatable> {
    let (day, mark) = (fields::uk_day(event.at), event.what.occasion().mark());
    let (kind, summary, attributes) = match event.what {
        What::Admission { method } => (
            "health.hospital-admission",
            format!("Admitted to hospital on {day}"),
            attributes([("method", method.map(text_attribute))]),
        ),
        What::Discharge { destination } => (
            "health.hospital-discharge",
            format!("Discharged from hospital on {day}"),
            attributes([
                ("destination", destination.map(text_attribute)),
                ("discharged_on", Some(date_attribute(day))),
            ]),
        ),
        What::EmergencyAttendance { arrival_mode } => (
            "health.emergency-attendance",
            format!("Attended an emergency department on {day}"),
            attributes([("arrival_mode", arrival_mode.map(text_attribute))]),
        ),
        What::GpChange => (
            "health.gp-change",
            format!("Change of general practice notified on {day}"),
            attributes([]),
        ),
        What::Death => (
            "health.death-notification",
            format!("Death notified on {day}"),
            attributes([]),
        ),
        What::Adjustment => (
            "health.reasonable-adjustment",
            format!("Reasonable adjustments changed on {day}"),
            attributes([]),
        ),
    };
    Ok(SignalDraft {
        kind: kind.into(),
        source_system: event.system,
        source_id: format!("{}:{mark}", event.id),
        version: event.version,
        person: Some(person(event.patient)?),
        occurred_at: Some(instant(event.at)),
        severity: Severity::Medium.into(),
        summary,
        attributes,
        pointer: event.pointer,
        ..Default::default()
    })
}

/// Takes back the signal that [`draft`] made of the event.
pub(crate) fn retraction(cancellation: Cancellation) -> RetractSignalRequest {
    RetractSignalRequest {
        source_id: format!("{}:{}", cancellation.id, cancellation.occasion.mark()),
        source_system: cancellation.system,
        version: cancellation.version,
    }
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
