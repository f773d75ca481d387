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

/// Why a log leaves an entry out, as long as nobody has released it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// By the class of its purpose or of a kind that was shown.
    Class(Disclosure),
    /// It may be about somebody else, with whom the person was once taken for one.
    Doubtful,
    /// A look at who saw somebody has no purpose: what it was for, only the officer knows who put it.
    Look,
    /// The catalogue no longer has its purpose, or a kind that was shown.
    Retired,
}

/// Whether an entry stands in a log that is made `now`. A reviewer's word outweighs everything else.
pub(super) fn is_told(entry: (&Entry, bool), catalogue: &Catalogue, reviewed: Option<Verdict>, now: Timestamp) -> bool {
    match reviewed {
        Some(verdict) => verdict.outcome == Outcome::Released,
        None => hold(entry, catalogue, now).is_none(),
    }
}

/// Why an entry that may or may not be `doubtful` does not stand in a log that is made `now`, if nobody has reviewed it. Its
/// purpose and each kind that was shown must let it.
pub(super) fn hold((entry, doubtful): (&Entry, bool), catalogue: &Catalogue, now: Timestamp) -> Option<Hold> {
    if doubtful {
        return Some(Hold::Doubtful);
    }
    if entry.purpose.is_none() && entry.action == "who-saw" {
        return Some(Hold::Look);
    }
    let purpose = entry.purpose.iter().map(|id| Some(&catalogue.purpose(id)?.disclosure));
    let shown = entry.classes.iter().filter(|class| class.level.is_some());
    let kinds = shown.map(|class| Some(&catalogue.kind(&class.kind)?.disclosure));
    let mut strictest = None;
    for class in purpose.chain(kinds) {
        let Some(class) = class else {
            return Some(Hold::Retired);
        };
        strictest = strictest.max(Some(class).filter(|class| holds(class, entry.at, now)));
    }
    strictest.cloned().map(Hold::Class)
}

/// Whether an entry says who somebody is, which concerns everybody whom it names.
pub(super) fn is_of_several(entry: &Entry) -> bool {
    matches!(
        entry.action.as_str(),
        "change-nhs-number" | "join-identities" | "separate-identities"
    )
}

fn holds(class: &Disclosure, at: Timestamp, now: Timestamp) -> bool {
    match class {
        Disclosure::Now => false,
        Disclosure::AfterDays(days) => {
            let wait = jiff::SignedDuration::from_hours(24 * i64::from(*days));
            now.duration_since(at) < wait
        }
        Disclosure::AfterReview | Disclosure::Withheld(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        ledger::Class,
        model::{ConsentFact, Judged, Level, Sensitivity, Severity, SubjectSort},
    };

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
        is_told((&entry, false), &catalogue(), reviewed, now)
    }

    fn shown(kind: &str, level: Option<Level>) -> Entry {
        let judged = Judged {
            kind: kind.parse().unwrap(),
            owner: "health".parse().unwrap(),
            sensitivity: Sensitivity::Ordinary,
            severity: Severity::Low,
            areas: BTreeSet::new(),
            about: SubjectSort::Person,
            consent: ConsentFact::None,
            deceased: false,
            level,
            rules: BTreeSet::new(),
        };
        let class = Class {
            judged: judged.into(),
            count: 1,
        };
        Entry {
            purpose: Some("homelessness-prevention".parse().unwrap()),
            classes: vec![class],
            ..Entry::new("2026-01-05T09:00:00Z".parse().unwrap(), "ask")
        }
    }

    #[test]
    fn the_stricter_of_the_purpose_and_the_kinds_that_were_shown_counts() {
        let hold = |entry: &Entry| super::hold((entry, false), &catalogue(), entry.at);
        let review = Some(Hold::Class(Disclosure::AfterReview));
        let concern = "health.safeguarding-concern";
        assert_eq!(hold(&shown(concern, Some(Level::Existence))), review);
        assert_eq!(hold(&shown(concern, None)), None);
        assert_eq!(hold(&shown("housing.rent-arrears", Some(Level::Detail))), None);
        assert_eq!(hold(&shown("housing.of-old", Some(Level::Detail))), Some(Hold::Retired));
        let withheld = Entry {
            purpose: Some("serious-violence-reduction".parse().unwrap()),
            ..shown(concern, Some(Level::Detail))
        };
        assert!(matches!(hold(&withheld), Some(Hold::Class(Disclosure::Withheld(_)))));
    }

    #[test]
    fn what_may_be_about_somebody_else_is_held_whatever_its_class() {
        let entry = shown("housing.rent-arrears", Some(Level::Detail));
        assert_eq!(hold((&entry, true), &catalogue(), entry.at), Some(Hold::Doubtful));
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
        assert!(!is_told((&look, false), &catalogue(), None, look.at));
    }
}
