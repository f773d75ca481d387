//! The particulars of an agreement: what its TOML file says of parties, purpose, lawful basis and dates.
//! Never decides; the rules themselves are Cedar.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::model::{AgencyId, GatewayId, PurposeId};

/// What an information sharing agreement says of itself (the headings of the WASPI template).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particulars {
    /// Its title.
    pub title: String,
    /// The one purpose that it serves.
    pub purpose: PurposeId,
    /// The gateways that it relies on; `none` stands for consent.
    pub gateways: Vec<GatewayId>,
    /// First day on which it permits anything.
    pub in_force_from: Date,
    /// Last day on which it permits anything.
    pub review_date: Date,
    /// Reference of the data protection impact assessment (UK GDPR Article 35).
    pub dpia_reference: String,
    /// Whom to ask about it.
    pub contact: String,
    /// Who signed it, each with its own lawful basis.
    pub party: Vec<Party>,
}

/// A party of an agreement and the lawful basis that it relies on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The agency.
    pub agency: AgencyId,
    /// Its role under the UK GDPR, such as `controller`.
    pub role: String,
    /// Basis under Article 6.
    pub article_6: String,
    /// Condition under Article 9, or law for Article 10.
    pub article_9: String,
    /// Condition under the Data Protection Act 2018.
    pub dpa_2018: String,
}

impl Particulars {
    /// Whether it may permit anything at this moment. Days are those of England.
    pub fn in_force(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(england()).date();
        self.in_force_from <= today && today <= self.review_date
    }

    /// Whether an agency signed it.
    pub fn binds(&self, agency: &AgencyId) -> bool {
        self.party.iter().any(|party| party.agency == *agency)
    }
}

/// The time zone of England, from the table that is built in.
fn england() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}
