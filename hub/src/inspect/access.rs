//! Whether a person's access log tells of an entry now. Pure.
//! What is held back is left out without a trace (Data Protection Act 2018 s.45(6), Schedule 2 paragraph 2).

use jiff::Timestamp;

use crate::{
    catalogue::{Catalogue, Disclosure},
    ledger::{
        Entry,
        held::{Outcome, Verdict},
    },
};

/// Whether an entry stands in a log that is made `now`. A reviewer's word outweighs the purpose's disclosure class; a
/// purpose that the catalogue no longer has is held until somebody reviews it. What has no purpose runs the hub; but what
/// a look at who saw somebody was for, only the officer knows who put it.
pub(super) fn is_told(entry: &Entry, catalogue: &Catalogue, reviewed: Option<Verdict>, now: Timestamp) -> bool {
    if let Some(verdict) = reviewed {
        return verdict.outcome == Outcome::Released;
    }
    let Some(purpose) = &entry.purpose else {
        return entry.action != "who-saw";
    };
    match catalogue.purpose(purpose).map(|purpose| &purpose.disclosure) {
        Some(Disclosure::Now) => true,
        Some(Disclosure::AfterDays(days)) => {
            let wait = jiff::SignedDuration::from_hours(24 * i64::from(*days));
            now.duration_since(entry.at) >= wait
        }
        Some(Disclosure::AfterReview | Disclosure::Withheld(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::parse(
            include_str!("../../../policies/catalogue/kinds.toml"),
            include_str!("../../../policies/catalogue/purposes.toml"),
            include_str!("../../../policies/catalogue/gateways.toml"),
        )
        .unwrap()
    }

    fn told(purpose: Option<&str>, days: i64, outcome: Option<Outcome>) -> bool {
        let at: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let entry = Entry {
            purpose: purpose.map(|purpose| purpose.parse().unwrap()),
            ..Entry::new(at, "ask")
        };
        let reviewed = outcome.map(|outcome| Verdict { outcome, at, entry: 9 });
        let now = at + jiff::SignedDuration::from_hours(24 * days);
        is_told(&entry, &catalogue(), reviewed, now)
    }

    #[test]
    fn what_is_told_follows_the_purpose_until_somebody_reviews_it() {
        assert!(told(Some("homelessness-prevention"), 0, None));
        assert!(!told(Some("homelessness-prevention"), 0, Some(Outcome::Kept)));
        assert!(!told(Some("asb-prevention"), 29, None));
        assert!(told(Some("asb-prevention"), 30, None));
        assert!(!told(Some("safeguarding-adults"), 3650, None));
        assert!(told(Some("safeguarding-adults"), 0, Some(Outcome::Released)));
        assert!(!told(Some("serious-violence-reduction"), 3650, None));
        assert!(!told(Some("a-purpose-of-old"), 3650, None));
        assert!(told(None, 0, None));
        let look = Entry::new("2026-01-05T09:00:00Z".parse().unwrap(), "who-saw");
        assert!(!is_told(&look, &catalogue(), None, look.at));
    }
}
