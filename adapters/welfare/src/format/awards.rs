//! Reads a row of a council's awards: crisis grants and discretionary housing payments.
//! Pure. It never repeats a value in a refusal.

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::PersonIdentity;

/// One award.
#[derive(Debug, Clone, PartialEq)]
pub struct Award {
    /// The council's reference of the award.
    pub award_ref: String,
    /// Starts at 1 and rises with each correction of the award.
    pub version: u64,
    /// Who got it, if the row says so.
    pub person: Option<PersonIdentity>,
    /// Their home.
    pub uprn: Option<String>,
    /// What it was paid from.
    pub scheme: Scheme,
    /// Pence awarded.
    pub pence: i64,
    /// The day of the award.
    pub awarded_on: Date,
}

/// What an award is paid from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The council's own local welfare assistance: `crisis` in the export.
    Crisis,
    /// A discretionary housing payment (Discretionary Financial Assistance Regulations 2001): `dhp` in the export.
    DiscretionaryHousingPayment,
    /// The Household Support Fund: `hsf` in the export.
    HouseholdSupportFund,
}

/// The columns without which there is no export of awards.
pub(super) const COLUMNS: &[&str] = &[
    "award_ref",
    "nhs_number",
    "family_name",
    "given_name",
    "birth_date",
    "postcode",
    "uprn",
    "scheme",
    "amount_pence",
    "awarded_on",
];

pub(super) fn award(cells: &Cells<'_>) -> Result<Award, Untranslatable> {
    Ok(Award {
        award_ref: cells.required("award_ref", fields::label)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        person: identity::person(cells)?,
        uprn: cells.optional("uprn", fields::uprn)?,
        scheme: cells.required("scheme", scheme)?,
        pence: cells.required("amount_pence", fields::whole)?,
        awarded_on: cells.required("awarded_on", fields::date)?,
    })
}

fn scheme(text: &str) -> Result<Scheme, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "crisis" => Ok(Scheme::Crisis),
        "dhp" => Ok(Scheme::DiscretionaryHousingPayment),
        "hsf" => Ok(Scheme::HouseholdSupportFund),
        _ => Err("is not hsf, crisis or dhp"),
    }
}
