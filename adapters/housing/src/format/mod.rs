//! Reads a landlord's exports: rent arrears, notices, cases of anti-social behaviour and evictions as CSV, damp and mould as JSON.
//! Pure. It never repeats a value in a refusal, and one bad row never keeps another back.

mod conduct;
mod damp;

pub use conduct::{Case, Eviction};
pub use damp::Damp;

use jiff::civil::Date;
use placehub_delivery::{
    FileError, Input, Pieces, Untranslatable, fields, identity, json,
    table::{Cells, Layout, Table},
};
use placehub_proto::v1::PersonIdentity;

/// One row of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A rent account in arrears.
    Arrears(Arrears),
    /// A case of anti-social behaviour.
    Case(Case),
    /// A hazard of damp and mould.
    Damp(Damp),
    /// An eviction.
    Eviction(Eviction),
    /// A notice served on a tenant.
    Notice(Notice),
}

/// What an account owed on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrears {
    /// The landlord's reference of the tenancy.
    pub tenancy_ref: String,
    /// The home.
    pub uprn: Option<String>,
    /// The tenant, with the tenancy as local reference.
    pub person: PersonIdentity,
    /// Whole weeks of rent owed.
    pub weeks: i64,
    /// Pence owed.
    pub pence: i64,
    /// The day of the account's balance.
    pub as_of: Date,
}

/// A notice seeking possession (Housing Act 1985 s.83, Housing Act 1988 s.8 and the like).
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The landlord's reference of the notice.
    pub notice_ref: String,
    /// Starts at 1 and rises with each correction of the notice.
    pub version: u64,
    /// The home.
    pub uprn: Option<String>,
    /// The tenant, with the tenancy as local reference.
    pub person: PersonIdentity,
    /// The landlord's word for the sort of notice, e.g. `section 8`.
    pub notice_type: String,
    /// The day it was served.
    pub served_on: Date,
    /// The day from which proceedings may begin, if stated.
    pub expires_on: Option<Date>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Arrears,
    Cases,
    Evictions,
    Notices,
}

const LAYOUTS: &[Layout<Kind>] = &[
    Layout {
        kind: Kind::Arrears,
        name: "rent arrears",
        columns: &[
            "tenancy_ref",
            "uprn",
            "family_name",
            "given_name",
            "birth_date",
            "nhs_number",
            "postcode",
            "weeks_in_arrears",
            "arrears_pence",
            "as_of",
        ],
    },
    Layout {
        kind: Kind::Notices,
        name: "notices",
        columns: &[
            "notice_ref",
            "tenancy_ref",
            "uprn",
            "notice_type",
            "served_on",
            "expires_on",
        ],
    },
    Layout {
        kind: Kind::Cases,
        name: "cases of anti-social behaviour",
        columns: conduct::CASES,
    },
    Layout {
        kind: Kind::Evictions,
        name: "evictions",
        columns: conduct::EVICTIONS,
    },
];

/// Reads an export, telling JSON from CSV by how it begins, and one CSV export from another by its header. Rows carry their numbers, the header being row 1.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(input: Input) -> Result<Pieces<Row>, FileError> {
    let (is_json, input) = json::sniff(input)?;
    if is_json {
        return Ok(json::each(input, |record| damp::damp(record).map(Row::Damp)));
    }
    let table = Table::read(input)?;
    Ok(match table.layout(LAYOUTS)? {
        Kind::Arrears => Box::new(table.each(|cells| arrears(cells).map(Row::Arrears))),
        Kind::Cases => Box::new(table.each(|cells| conduct::case(cells).map(Row::Case))),
        Kind::Evictions => Box::new(table.each(|cells| conduct::eviction(cells).map(Row::Eviction))),
        Kind::Notices => Box::new(table.each(|cells| notice(cells).map(Row::Notice))),
    })
}

fn arrears(cells: &Cells<'_>) -> Result<Arrears, Untranslatable> {
    let tenancy_ref = of_tenant(cells, cells.required("tenancy_ref", fields::label)?)?;
    Ok(Arrears {
        uprn: cells.optional("uprn", fields::uprn)?,
        person: tenant(cells)?,
        weeks: cells.required("weeks_in_arrears", fields::whole)?,
        pence: cells.required("arrears_pence", fields::whole)?,
        as_of: cells.required("as_of", fields::date)?,
        tenancy_ref,
    })
}

fn notice(cells: &Cells<'_>) -> Result<Notice, Untranslatable> {
    Ok(Notice {
        notice_ref: of_tenant(cells, cells.required("notice_ref", fields::label)?)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        uprn: cells.optional("uprn", fields::uprn)?,
        person: tenant(cells)?,
        notice_type: cells.required("notice_type", fields::phrase)?,
        served_on: cells.required("served_on", fields::date)?,
        expires_on: cells.optional("expires_on", fields::date)?,
    })
}

/// A reference with the tenant's number behind it: a joint tenancy has a row for each tenant, of which all but the first are
/// told apart, so that no two people are known by one reference and no two signals by one id.
fn of_tenant(cells: &Cells<'_>, reference: String) -> Result<String, Untranslatable> {
    Ok(match cells.optional("tenant_no", fields::version)? {
        None | Some(1) => reference,
        Some(number) => format!("{reference}/{number}"),
    })
}

/// The tenant whom the row names, also by the tenancy.
fn tenant(cells: &Cells<'_>) -> Result<PersonIdentity, Untranslatable> {
    let tenancy_ref = of_tenant(cells, cells.required("tenancy_ref", fields::label)?)?;
    if tenancy_ref.chars().count() > 64 {
        return Err(Untranslatable::new("tenancy_ref", "is longer than 64 characters"));
    }
    Ok(identity::with_reference(
        identity::person(cells)?,
        "tenancy",
        &tenancy_ref,
    ))
}
