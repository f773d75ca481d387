//! Reads a row of notices on universal credit: deductions and sanctions.
//! Pure. It never repeats a value in a refusal.

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::PersonIdentity;

/// The columns without which there is no export of deductions.
pub(super) const DEDUCTIONS: &[&str] = &["deduction_ref", "reason", "amount_pence", "decided_on"];

/// The columns without which there is no export of sanctions.
pub(super) const SANCTIONS: &[&str] = &["sanction_ref", "starts_on", "ends_on"];

/// A deduction from an award of universal credit
/// (Universal Credit, … (Claims and Payments) Regulations 2013 sch. 6 and 7).
#[derive(Debug, Clone, PartialEq)]
pub struct Deduction {
    /// The reference of the notice.
    pub deduction_ref: String,
    /// Starts at 1 and rises with each correction.
    pub version: u64,
    /// Whose award it is.
    pub person: PersonIdentity,
    /// What it is for, in the notice's words, e.g. `rent arrears`.
    pub reason: String,
    /// Pence for each assessment period.
    pub pence: i64,
    /// The day of the decision.
    pub decided_on: Date,
}

/// A sanction: a reduction of universal credit (Welfare Reform Act 2012 ss.26 and 27).
#[derive(Debug, Clone, PartialEq)]
pub struct Sanction {
    /// The reference of the notice.
    pub sanction_ref: String,
    /// Starts at 1 and rises with each correction.
    pub version: u64,
    /// Whose award it is.
    pub person: PersonIdentity,
    /// Its first day.
    pub starts_on: Date,
    /// Its last day, if it is known.
    pub ends_on: Option<Date>,
}

pub(super) fn deduction(cells: &Cells<'_>) -> Result<Deduction, Untranslatable> {
    Ok(Deduction {
        deduction_ref: cells.required("deduction_ref", fields::label)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        person: claimant(cells)?,
        reason: cells.required("reason", fields::phrase)?,
        pence: cells.required("amount_pence", fields::whole)?,
        decided_on: cells.required("decided_on", fields::date)?,
    })
}

pub(super) fn sanction(cells: &Cells<'_>) -> Result<Sanction, Untranslatable> {
    let starts_on = cells.required("starts_on", fields::date)?;
    let ends_on = cells.optional("ends_on", fields::date)?;
    if ends_on.is_some_and(|end| end < starts_on) {
        return Err(Untranslatable::new("ends_on", "is before starts_on"));
    }
    Ok(Sanction {
        sanction_ref: cells.required("sanction_ref", fields::label)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        person: claimant(cells)?,
        starts_on,
        ends_on,
    })
}

fn claimant(cells: &Cells<'_>) -> Result<PersonIdentity, Untranslatable> {
    identity::person(cells)?.ok_or_else(|| Untranslatable::new("row", "names no person"))
}
