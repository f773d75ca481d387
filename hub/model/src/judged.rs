//! What was decided on a class: signals that no rule can tell apart. One value that the decision and its record share.
//! Never holds whom or which.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use serde::Serialize;

use super::{AgencyId, AreaCode, ConsentFact, KindId, Level, Sensitivity, Severity, SubjectSort};

/// A class of signals, and what was decided on it. The ledger writes its fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// What sort of fact.
    pub kind: KindId,
    /// Whose.
    pub owner: AgencyId,
    /// How carefully to handle.
    pub sensitivity: Sensitivity,
    /// How urgent.
    pub severity: Severity,
    /// Its area and every area around it.
    pub areas: BTreeSet<AreaCode>,
    /// What the signals are about.
    pub about: SubjectSort,
    /// What the person said that covers the question.
    pub consent: ConsentFact,
    /// Whether the person had died.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deceased: bool,
    /// How much was allowed; `None`: nothing.
    pub level: Option<Level>,
    /// The rules that decided it.
    pub rules: BTreeSet<String>,
}

/// A judgement that many records share, and how it is written in them, once it was.
#[derive(Clone)]
pub struct Shared(Arc<(Judged, OnceLock<Box<str>>)>);

impl Shared {
    /// What was decided.
    pub fn judged(&self) -> &Judged {
        &self.0.0
    }

    /// How it is written in a record: what the first writer made of it, which all records share. A writer is handed the
    /// judgement and nothing else, so that what it makes says no more than that.
    ///
    /// # Errors
    /// Those of the writer; then nothing is kept.
    pub fn written<E>(&self, write: fn(&Judged) -> Result<String, E>) -> Result<&str, E> {
        let (judged, text) = &*self.0;
        match text.get() {
            Some(text) => Ok(text),
            None => {
                let made = write(judged)?.into();
                Ok(text.get_or_init(|| made))
            }
        }
    }
}

impl From<Judged> for Shared {
    fn from(judged: Judged) -> Self {
        Self(Arc::new((judged, OnceLock::new())))
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.judged() == other.judged()
    }
}

impl Eq for Shared {}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.judged().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged() -> Shared {
        let judged = Judged {
            kind: "housing.rent-arrears".parse().unwrap(),
            owner: "housing".parse().unwrap(),
            sensitivity: Sensitivity::Ordinary,
            severity: Severity::Low,
            areas: BTreeSet::new(),
            about: SubjectSort::Person,
            consent: ConsentFact::Given,
            deceased: false,
            level: None,
            rules: BTreeSet::new(),
        };
        judged.into()
    }

    #[test]
    fn what_the_first_writer_made_is_kept_and_shared_by_all() {
        let one = judged();
        let other = one.clone();
        assert_eq!(
            one.written(|judged| Ok::<_, ()>(judged.owner.to_string())),
            Ok("housing")
        );
        assert_eq!(other.written(|_| Ok::<_, ()>("another text".to_owned())), Ok("housing"));
        assert_eq!(other.written(|_| Err("not asked again")), Ok("housing"));
    }

    #[test]
    fn of_a_writer_that_failed_nothing_is_kept() {
        let one = judged();
        assert_eq!(one.written(|_| Err("no room")), Err("no room"));
        assert_eq!(one.written(|_| Ok::<_, ()>("text".to_owned())), Ok("text"));
    }
}
