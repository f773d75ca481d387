//! Decides again what was recorded: what these policies would show of a class, for rehearsals of a change.
//! Remembers nothing, and makes no decision that anything follows from.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Class, PolicySet, Reasons, Standing, ruling};
use crate::model::Level;

/// A recorded question, taken anew by other policies.
pub struct Replay<'p> {
    policies: &'p PolicySet,
    who: Arc<Standing>,
    why: Arc<Reasons>,
    cap: Level,
    tells_existence: bool,
    takers: Vec<usize>,
}

impl PolicySet {
    /// Takes a recorded question anew. Agreements that have lapsed by `on` permit nothing; those that are not yet in force
    /// or not yet signed are taken to be, for a rehearsal comes before both. `kinds` says whether it asked for certain
    /// kinds alone.
    pub fn replay(&self, who: Standing, why: Reasons, cap: Level, kinds: bool, on: Timestamp) -> Replay<'_> {
        let takers = self.takers_anew(&who, &why).unwrap_or_default();
        let lasts = |index: &usize| {
            self.agreements
                .get(*index)
                .is_some_and(|a| a.particulars.days_left(on) >= 0)
        };
        Replay {
            policies: self,
            tells_existence: why.subject.tells_existence(kinds),
            takers: takers.into_iter().filter(lasts).collect(),
            who: Arc::new(who),
            why: Arc::new(why),
            cap,
        }
    }
}

impl Replay<'_> {
    /// Whether the question would be taken.
    pub fn is_taken(&self) -> bool {
        !self.takers.is_empty()
    }

    /// How much of a class would be shown.
    pub fn level(&self, class: &Class) -> Option<Level> {
        let verdicts = self.policies.verdicts(&self.who, &self.why, class, self.cap)?;
        ruling::level(&ruling::deciding(verdicts, &self.takers, self.tells_existence))
    }
}
