//! Questions as practitioners ask them.

use jiff::Timestamp;
use placehub_hub::wire::timestamp;
use placehub_proto::v1::{DisclosureLevel, PersonIdentity, Question, question::Subject};

/// Changes to a question, one after the other.
pub(crate) trait Narrow: Sized {
    /// Under this gateway.
    fn under(self, gateway: &str) -> Self;
    /// For this case.
    fn case(self, reference: &str) -> Self;
    /// Only what happened at or after this.
    fn since(self, since: Timestamp) -> Self;
    /// Only what happened before this.
    fn until(self, until: Timestamp) -> Self;
    /// At most this much of each signal.
    fn at_most(self, level: DisclosureLevel) -> Self;
    /// Only these kinds.
    fn only(self, kinds: &[&str]) -> Self;
}

impl Narrow for Question {
    fn under(mut self, gateway: &str) -> Self {
        self.gateway = gateway.to_owned();
        self
    }

    fn case(mut self, reference: &str) -> Self {
        self.case_reference = reference.to_owned();
        self
    }

    fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(timestamp(since));
        self
    }

    fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(timestamp(until));
        self
    }

    fn at_most(mut self, level: DisclosureLevel) -> Self {
        self.level = level.into();
        self
    }

    fn only(mut self, kinds: &[&str]) -> Self {
        self.kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        self
    }
}

/// A question about a person, on consent alone.
pub(crate) fn question_person(who: PersonIdentity, purpose: &str) -> Question {
    question(Subject::Person(who), purpose)
}

/// A question about an address, on consent alone.
pub(crate) fn question_address(uprn: &str, purpose: &str) -> Question {
    question(Subject::Uprn(uprn.to_owned()), purpose)
}

/// A question about an area since a time, on consent alone.
pub(crate) fn question_area(code: &str, purpose: &str, since: Timestamp) -> Question {
    question(Subject::AreaCode(code.to_owned()), purpose).since(since)
}

fn question(subject: Subject, purpose: &str) -> Question {
    Question {
        subject: Some(subject),
        purpose: purpose.to_owned(),
        ..Question::default()
    }
}
