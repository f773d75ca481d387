//! Between the contract's messages and the hub's own words: the only reader of prost types below `rpc`.
//! Parses once, and refuses with every bad field named by path and rule; a value is never repeated.

mod access;
mod catalogue;
mod draft;
mod fields;
mod identity;
mod ledger;
mod question;
mod report;
mod show;
mod statement;

pub use access::access;
pub use catalogue::kinds;
pub use draft::{draft, retraction};
pub use fields::{Fields, page_size, timestamp};
pub use identity::person;
pub use ledger::{Examined, count, entry, examined, held, period, review, witness};
pub use question::{question, sort};
pub use report::{death, join, number_change, undone};
pub use show::{form, level, signal};
pub use statement::{recorded, statement};

use jiff::Timestamp;

use crate::{authn::Agencies, catalogue::Catalogue, place::Places};

/// What a message is checked against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// Who takes part.
    pub agencies: &'a Agencies,
    /// Kinds, purposes and gateways.
    pub catalogue: &'a Catalogue,
    /// Areas and addresses.
    pub places: &'a Places,
    /// The time now.
    pub now: Timestamp,
}
