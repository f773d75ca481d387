//! The particulars of an agreement: what its TOML file says of parties, purpose, lawful basis, dates, and what it opens.
//! Never decides; the rules themselves are Cedar, and the loader holds them to what is said here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::{
    catalogue::Catalogue,
    model::{AgencyId, ConsentFact, GatewayId, KindId, Level, PurposeId, Sector},
};

/// What an information sharing agreement says of itself (the headings of the WASPI template).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// Who may ask under it and see their own agency's signals: agency → roles.
    pub askers: Roles,
    /// Who signed it, each with its own lawful basis.
    pub party: Vec<Party>,
    /// What it opens to agencies other than the owner. No rule may open more.
    #[serde(default)]
    pub opens: Vec<Opens>,
}

/// Roles by agency.
pub type Roles = BTreeMap<AgencyId, BTreeSet<String>>;

/// A party of an agreement and the lawful basis that it relies on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The agency.
    pub agency: AgencyId,
    /// Which sort of agency it is: its signals are of the kinds that the catalogue gives to that sort.
    pub sector: Sector,
    /// Its role under the UK GDPR, such as `controller`.
    pub role: String,
    /// Basis under Article 6.
    pub article_6: String,
    /// Condition under Article 9, or law for Article 10.
    pub article_9: String,
    /// Condition under the Data Protection Act 2018.
    pub dpa_2018: String,
}

/// Something that an agreement opens to agencies other than the owner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opens {
    /// Signals of these kinds, of whichever party owns them.
    pub kinds: BTreeSet<KindId>,
    /// To whom: agency → roles.
    pub to: Roles,
    /// At most this much of them.
    pub level: Level,
    /// What the person must have said.
    pub consent: Terms,
    /// The legal authority, as it is cited, for opening kinds that a law closes; they are not opened without.
    pub authority: Option<String>,
}

/// What a person must have said for something to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terms {
    /// They gave consent that covers the question.
    Given,
    /// They have not refused and not withdrawn.
    UnlessRefused,
    /// It does not matter: a legal gateway is relied on.
    NotNeeded,
}

impl Particulars {
    /// Whether it may permit anything at this moment. Days are those of England.
    pub fn in_force(&self, now: Timestamp) -> bool {
        let today = today(now);
        self.in_force_from <= today && today <= self.review_date
    }

    /// Days until its last, from today's date in England; negative once it has lapsed.
    pub fn days_left(&self, now: Timestamp) -> i32 {
        (self.review_date - today(now)).get_days()
    }

    /// Whether an agency signed it.
    pub fn binds(&self, agency: &AgencyId) -> bool {
        self.party.iter().any(|party| party.agency == *agency)
    }

    /// The parties of a sort.
    pub fn of_sector(&self, sector: &Sector) -> impl Iterator<Item = &Party> {
        self.party.iter().filter(move |party| party.sector == *sector)
    }

    /// The parties whose signals it opens to others. Each of them signs it.
    pub fn owners(&self, catalogue: &Catalogue) -> BTreeSet<AgencyId> {
        let kinds = self.opens.iter().flat_map(|opens| &opens.kinds);
        let sectors: BTreeSet<&Sector> = kinds.filter_map(|kind| Some(&catalogue.kind(kind)?.owner)).collect();
        let owners = self.party.iter().filter(|party| sectors.contains(&party.sector));
        owners.map(|party| party.agency.clone()).collect()
    }

    /// The roles at an agency that may see signals of a kind of an owner this far, where this is what the person said.
    pub(super) fn may_see(
        &self,
        (kind, owner): (&KindId, &AgencyId),
        agency: &AgencyId,
        level: Level,
        consent: ConsentFact,
    ) -> BTreeSet<String> {
        if owner == agency {
            return self.askers.get(agency).cloned().unwrap_or_default();
        }
        let opened = self
            .opens
            .iter()
            .filter(|opens| opens.kinds.contains(kind) && level <= opens.level && opens.consent.are_met_by(consent));
        opened
            .filter_map(|opens| opens.to.get(agency))
            .flatten()
            .cloned()
            .collect()
    }
}

impl Terms {
    /// Whether what a person said is enough.
    pub fn are_met_by(self, consent: ConsentFact) -> bool {
        match self {
            Self::Given => consent == ConsentFact::Given,
            Self::UnlessRefused => matches!(consent, ConsentFact::Given | ConsentFact::None),
            Self::NotNeeded => true,
        }
    }
}

/// The date in England, from the time zone table that is built in.
fn today(now: Timestamp) -> Date {
    let england = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    now.to_zoned(england).date()
}
