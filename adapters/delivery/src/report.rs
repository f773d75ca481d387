//! What became of the rows of a file: counts, and a line for each that did not get through.
//! It holds no personal data: origins are row numbers or message control ids, rules never repeat a value.

use std::fmt;

use placehub_proto::v1::{PushOutcome, Refusal};
use serde::Serialize;

use crate::{content::Content, draft::Untranslatable};

/// What became of everything that an adapter took in. Its JSON form is what `--json` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows or messages taken in, whatever became of them.
    pub taken: u64,
    /// Kept by the hub as new signals.
    pub recorded: u64,
    /// Known to the hub before, in this very version.
    pub already_known: u64,
    /// Replaced a lower version.
    pub corrected: u64,
    /// Not kept, because the hub has a higher version or a retraction.
    pub superseded: u64,
    /// Taken back at the hub.
    pub retracted: u64,
    /// Statements taken down by the hub: consents, joins and separations of records, changes of number, deaths.
    pub stated: u64,
    /// Refused by the hub.
    pub refused: Vec<Refused>,
    /// Understood, with nothing in them to tell the hub.
    pub passed_over: u64,
    /// Never sent, because the adapter could make no draft of them.
    pub untranslated: Vec<Untranslated>,
    /// What ended the file before its end, if something did.
    pub fault: Option<String>,
    /// Refused, but beyond the [`MOST_LISTED`] that are listed.
    pub refused_unlisted: u64,
    /// Not translated, but beyond the [`MOST_LISTED`] that are listed.
    pub untranslated_unlisted: u64,
}

/// How many rows of either sort a report lists; it counts the others, so that it does not grow with the file.
pub const MOST_LISTED: usize = 10_000;

/// A draft that the hub refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it came from.
    pub origin: String,
    /// The hub's reason, e.g. `KIND_NOT_YOURS`.
    pub reason: String,
    /// The hub's sentence.
    pub message: String,
    /// The bad fields, if that was the reason.
    pub violations: Vec<Violation>,
}

/// A field of a refused draft that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Path of the field in the contract.
    pub field: String,
    /// The rule.
    pub description: String,
}

/// A row or message of which the adapter made no draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Untranslated {
    /// Where it came from.
    pub origin: String,
    /// The field and the rule.
    #[serde(flatten)]
    pub why: Untranslatable,
}

impl Report {
    /// Counts a row of which the adapter made no draft. One that is passed over is counted and not listed.
    pub fn leave_out(&mut self, origin: String, why: Untranslatable) {
        self.taken += 1;
        if why.passed_over {
            self.passed_over += 1;
            return;
        }
        if self.untranslated.len() >= MOST_LISTED {
            self.untranslated_unlisted += 1;
            return;
        }
        self.untranslated.push(Untranslated { origin, why });
    }

    /// Counts what the hub did with one draft. [`Report::taken`] was raised when it was sent.
    pub(crate) fn acknowledge(&mut self, outcome: PushOutcome) {
        match outcome {
            // A hub newer than this adapter may acknowledge in a way unknown here: it is durable all the same.
            PushOutcome::Recorded | PushOutcome::Unspecified => self.recorded += 1,
            PushOutcome::AlreadyKnown => self.already_known += 1,
            PushOutcome::Corrected => self.corrected += 1,
            PushOutcome::Superseded => self.superseded += 1,
        }
    }

    /// Counts what the hub was told by a call of its own.
    pub(crate) fn told(&mut self, content: &Content) {
        match content {
            Content::Draft(_) => self.recorded += 1,
            Content::Retraction(_) => self.retracted += 1,
            Content::Death(_)
            | Content::Join(_)
            | Content::Life(_)
            | Content::NumberChange(_)
            | Content::Separation(_)
            | Content::Statement(_) => self.stated += 1,
        }
    }

    /// Keeps the hub's refusal of one draft.
    pub(crate) fn refuse(&mut self, origin: String, refusal: Refusal) {
        if self.refused.len() >= MOST_LISTED {
            self.refused_unlisted += 1;
            return;
        }
        let violations = refusal.violations.into_iter();
        let violations = violations
            .map(|one| Violation {
                field: one.field,
                description: one.description,
            })
            .collect();
        self.refused.push(Refused {
            origin,
            reason: refusal.reason,
            message: refusal.message,
            violations,
        });
    }

    /// How many were taken in and have met no fate yet: the hub could not be asked, or did not answer.
    pub fn undelivered(&self) -> u64 {
        let kept = self.recorded + self.already_known + self.corrected + self.superseded + self.retracted + self.stated;
        self.taken
            .saturating_sub(kept + self.passed_over + self.refused() + self.untranslated())
    }

    /// How many the hub refused, listed or not.
    pub fn refused(&self) -> u64 {
        count(&self.refused) + self.refused_unlisted
    }

    /// How many were not translated, listed or not.
    pub fn untranslated(&self) -> u64 {
        count(&self.untranslated) + self.untranslated_unlisted
    }

    /// Whether every row got through.
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.untranslated.is_empty() && self.fault.is_none() && self.undelivered() == 0
    }
}

/// A summary for a person: one line of counts, then one line for each row that did not get through.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} taken", self.taken)?;
        let counts = [
            (self.recorded, "recorded"),
            (self.already_known, "already known"),
            (self.corrected, "corrected"),
            (self.superseded, "superseded"),
            (self.retracted, "taken back"),
            (self.stated, "statements taken down"),
            (self.passed_over, "passed over"),
            (self.refused(), "refused by the hub"),
            (self.untranslated(), "not translated"),
            (self.undelivered(), "not delivered"),
        ];
        for (index, (number, word)) in counts.into_iter().filter(|(number, _)| *number > 0).enumerate() {
            let mark = if index == 0 { ":" } else { "," };
            write!(formatter, "{mark} {number} {word}")?;
        }
        for Refused {
            origin,
            reason,
            message,
            violations,
        } in &self.refused
        {
            write!(formatter, "\n{origin}: refused, {reason}: {message}")?;
            for Violation { field, description } in violations {
                write!(formatter, "\n    {field}: {description}")?;
            }
        }
        for Untranslated { origin, why } in &self.untranslated {
            write!(formatter, "\n{origin}: not translated, {why}")?;
        }
        match self.refused_unlisted + self.untranslated_unlisted {
            0 => Ok(()),
            more => write!(formatter, "\n{more} more are not listed"),
        }
    }
}

fn count<T>(list: &[T]) -> u64 {
    list.len().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let mut report = Report {
            taken: 4,
            ..Default::default()
        };
        report.acknowledge(PushOutcome::Recorded);
        report.acknowledge(PushOutcome::AlreadyKnown);
        let violations = vec![placehub_proto::v1::FieldViolation {
            field: "signal.uprn".into(),
            description: "must be 1 to 12 digits".into(),
        }];
        let refusal = Refusal {
            code: 3,
            reason: "FIELD_INVALID".into(),
            message: "bad field".into(),
            violations,
        };
        report.refuse("arrears.csv row 4".into(), refusal);
        report.leave_out(
            "arrears.csv row 5".into(),
            Untranslatable::new("as_of", "is not a date"),
        );
        report
    }

    #[test]
    fn a_summary_tells_every_row_that_did_not_get_through() {
        let expected = "5 taken: 1 recorded, 1 already known, 1 refused by the hub, 1 not translated, 1 not delivered\n\
                        arrears.csv row 4: refused, FIELD_INVALID: bad field\n    signal.uprn: must be 1 to 12 digits\n\
                        arrears.csv row 5: not translated, as_of: is not a date";
        assert_eq!(sample().to_string(), expected);
    }

    #[test]
    fn a_report_in_json_keeps_field_and_rule_beside_the_origin() {
        let json = serde_json::to_value(sample()).unwrap();
        let row = serde_json::json!({ "origin": "arrears.csv row 5", "field": "as_of", "rule": "is not a date" });
        assert_eq!(json["untranslated"][0], row);
    }

    #[test]
    fn a_report_does_not_grow_with_the_file() {
        let mut report = Report::default();
        for _ in 0..=MOST_LISTED {
            report.leave_out(String::new(), Untranslatable::new("as_of", "is not a date"));
        }
        assert_eq!(
            (report.untranslated.len(), report.untranslated()),
            (MOST_LISTED, 10_001)
        );
        assert!(report.to_string().ends_with("\n1 more are not listed"));
        assert_eq!(report.undelivered(), 0);
    }

    #[test]
    fn what_is_passed_over_is_counted_and_leaves_a_report_clean() {
        let mut report = Report::default();
        report.leave_out("a".into(), Untranslatable::new("type", "carries nothing").in_order());
        assert_eq!(report.to_string(), "1 taken: 1 passed over");
        assert!(report.is_clean());
    }

    #[test]
    fn a_report_with_a_row_on_its_way_is_not_clean() {
        assert!(
            !Report {
                taken: 1,
                ..Default::default()
            }
            .is_clean()
        );
        assert!(
            Report {
                taken: 1,
                corrected: 1,
                ..Default::default()
            }
            .is_clean()
        );
    }
}
