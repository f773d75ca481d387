//! Reads a row of a landlord's cases of anti-social behaviour, or of evictions.
//! Pure. The person is the one whose tenancy the case is about; who complained has no column here, and none is read.

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, table::Cells};
use placehub_proto::v1::PersonIdentity;

use super::{of_tenant, tenant};

/// The columns without which there is no export of cases.
pub(super) const CASES: &[&str] = &["case_ref", "tenancy_ref", "uprn", "case_type", "status", "opened_on"];

/// The columns without which there is no export of evictions.
pub(super) const EVICTIONS: &[&str] = &["eviction_ref", "tenancy_ref", "uprn", "evicted_on"];

/// A case of anti-social behaviour that the landlord works on (Anti-social Behaviour, Crime and Policing Act 2014).
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The landlord's reference of the case.
    pub case_ref: String,
    /// Rises with each correction: the column `version`, or else the day of `updated_on`, or else 1.
    pub version: u64,
    /// The home that the case is about.
    pub uprn: Option<String>,
    /// The tenant that the case is about, with the tenancy as local reference.
    pub person: PersonIdentity,
    /// The landlord's word for the sort of case, e.g. `noise`.
    pub case_type: String,
    /// Whether it is open: `open` or `closed` in the export.
    pub open: bool,
    /// The day it was opened.
    pub opened_on: Date,
}

/// An eviction that has taken place.
#[derive(Debug, Clone, PartialEq)]
pub struct Eviction {
    /// The landlord's reference of the eviction.
    pub eviction_ref: String,
    /// Starts at 1 and rises with each correction.
    pub version: u64,
    /// The home.
    pub uprn: Option<String>,
    /// The former tenant, with the tenancy as local reference.
    pub person: PersonIdentity,
    /// The day of it.
    pub evicted_on: Date,
}

pub(super) fn case(cells: &Cells<'_>) -> Result<Case, Untranslatable> {
    let updated = cells.optional("updated_on", fields::date)?;
    let version = cells.optional("version", fields::version)?;
    Ok(Case {
        case_ref: of_tenant(cells, cells.required("case_ref", fields::label)?)?,
        version: version.or(updated.map(fields::day_version)).unwrap_or(1),
        uprn: cells.optional("uprn", fields::uprn)?,
        person: tenant(cells)?,
        case_type: cells.required("case_type", fields::phrase)?,
        open: cells.required("status", status)?,
        opened_on: cells.required("opened_on", fields::date)?,
    })
}

pub(super) fn eviction(cells: &Cells<'_>) -> Result<Eviction, Untranslatable> {
    Ok(Eviction {
        eviction_ref: of_tenant(cells, cells.required("eviction_ref", fields::label)?)?,
        version: cells.optional("version", fields::version)?.unwrap_or(1),
        uprn: cells.optional("uprn", fields::uprn)?,
        person: tenant(cells)?,
        evicted_on: cells.required("evicted_on", fields::date)?,
    })
}

fn status(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err("is not open or closed"),
    }
}
