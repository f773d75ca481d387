//! Counts what answers an officer's question, line by line of a table. Pure; says nothing that the entries do not say.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    gate::Inquiry,
    ledger::{Entry, Near},
    model::{AgencyId, KindId, Level},
};

/// What a line of the table is about. What does not apply is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The day, as a UK clock has it: `YYYY-MM-DD`.
    pub day: String,
    /// Who asked: their agency.
    pub agency: Option<AgencyId>,
    /// Who asked.
    pub practitioner: String,
    /// What sort of fact.
    pub kind: Option<KindId>,
    /// How much of it.
    pub level: Option<Level>,
    /// Why it was refused, or what who asks shares with whom they ask about.
    pub reason: String,
}

/// What was counted for a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries.
    pub entries: u64,
    /// Of those, refusals.
    pub refused: u64,
    /// Signals that they showed; for a watch, at most so many.
    pub signals: u64,
}

/// The table of a question.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<Label, Count>);

impl Counts {
    /// Counts an entry that answers the question.
    pub fn add(&mut self, inquiry: &Inquiry, entry: &Entry) {
        match inquiry {
            Inquiry::AskedBy { .. } => {
                let label = Label {
                    day: day(entry),
                    ..Label::default()
                };
                self.line(label, entry, entry.shown.len() as u64);
            }
            Inquiry::LeftUnder(_) => self.left(entry),
            Inquiry::NearSelf => {
                for reason in near(entry.near) {
                    let label = Label {
                        reason: (*reason).to_owned(),
                        ..who(entry)
                    };
                    self.line(label, entry, 0);
                }
            }
            Inquiry::Refusals => {
                let label = Label {
                    agency: entry.agency.clone(),
                    reason: entry
                        .refusal
                        .as_ref()
                        .map(|refusal| format!("{}: {}", refusal.code, refusal.reason))
                        .unwrap_or_default(),
                    ..Label::default()
                };
                self.line(label, entry, 0);
            }
            Inquiry::WithoutCase => self.line(who(entry), entry, entry.shown.len() as u64),
        }
    }

    /// The lines, in order of their labels.
    pub fn lines(self) -> impl Iterator<Item = (Label, Count)> {
        self.0.into_iter()
    }

    /// What an answer let out: for each kind and level how many signals. A step of a watch looks at more than it tells.
    fn left(&mut self, entry: &Entry) {
        for class in entry.classes.iter().filter(|class| class.level.is_some()) {
            let label = Label {
                agency: entry.agency.clone(),
                kind: Some(class.kind.clone()),
                level: class.level,
                ..Label::default()
            };
            let most = match entry.action.as_str() {
                "watch" => (entry.shown.len() as u64).min(class.count.into()),
                _ => class.count.into(),
            };
            self.line(label, entry, most);
        }
    }

    fn line(&mut self, label: Label, entry: &Entry, signals: u64) {
        let count = self.0.entry(label).or_default();
        count.entries += 1;
        count.refused += u64::from(!entry.allowed);
        count.signals += signals;
    }
}

fn who(entry: &Entry) -> Label {
    Label {
        agency: entry.agency.clone(),
        practitioner: entry.practitioner.clone(),
        ..Label::default()
    }
}

/// What is shared, each for itself.
fn near(near: Near) -> &'static [&'static str] {
    match (near.name, near.address, near.street) {
        (None, None, None) => &["not known"],
        (Some(true), Some(true), _) => &["same name", "same address"],
        (Some(true), _, Some(true)) => &["same name", "same postcode"],
        (Some(true), ..) => &["same name"],
        (_, Some(true), _) => &["same address"],
        (.., Some(true)) => &["same postcode"],
        (Some(false), Some(false), Some(false)) => &["nothing shared"],
        _ => &["nothing shared, as far as known"],
    }
}

fn day(entry: &Entry) -> String {
    let uk = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    entry.at.to_zoned(uk).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_as_the_uk_clock_has_it() {
        let at = |text: &str| Entry::new(text.parse().unwrap(), "ask");
        assert_eq!(day(&at("2026-07-01T23:30:00Z")), "2026-07-02");
        assert_eq!(day(&at("2026-12-01T23:30:00Z")), "2026-12-01");
    }

    #[test]
    fn what_is_not_known_is_not_counted_as_nothing_shared() {
        let near_of = |name, address, street| near(Near { name, address, street });
        assert_eq!(near_of(None, None, None), ["not known"]);
        assert_eq!(near_of(Some(false), None, None), ["nothing shared, as far as known"]);
        assert_eq!(near_of(Some(false), Some(false), Some(false)), ["nothing shared"]);
        assert_eq!(
            near_of(Some(true), Some(true), Some(true)),
            ["same name", "same address"]
        );
        assert_eq!(near_of(Some(false), Some(false), Some(true)), ["same postcode"]);
    }
}
