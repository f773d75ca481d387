//! Reads a row of council tax arrears.
//! Pure. It never repeats a value in a refusal.

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, identity, table::Cells};
use placehub_proto::v1::PersonIdentity;

/// The columns without which there is no export of arrears.
pub(super) const COLUMNS: &[&str] = &["account_ref", "uprn", "arrears_pence", "liability_order", "as_of"];

/// What an account owed on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrears {
    /// The council's reference of the account.
    pub account_ref: String,
    /// The home.
    pub uprn: Option<String>,
    /// Who is liable, with the account as local reference.
    pub person: PersonIdentity,
    /// Pence owed.
    pub pence: i64,
    /// Whether a court has made a liability order
    /// (Council Tax (Administration and Enforcement) Regulations 1992 reg. 34).
    pub liability_order: bool,
    /// The day of the account's balance.
    pub as_of: Date,
}

pub(super) fn arrears(cells: &Cells<'_>) -> Result<Arrears, Untranslatable> {
    let account_ref = cells.required("account_ref", reference)?;
    Ok(Arrears {
        uprn: cells.optional("uprn", fields::uprn)?,
        person: identity::with_reference(identity::person(cells)?, "council-tax", &account_ref),
        pence: cells.required("arrears_pence", fields::whole)?,
        liability_order: cells.required("liability_order", fields::yes_or_no)?,
        as_of: cells.required("as_of", fields::date)?,
        account_ref,
    })
}

fn reference(text: &str) -> Result<String, &'static str> {
    fields::label(text)
        .ok()
        .filter(|text| text.chars().count() <= 64)
        .ok_or("is not 1 to 64 characters on one line")
}
