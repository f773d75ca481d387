//! Asking: one page of an answer, sifted from the labels index and recorded before it is permitted.

use std::{ops::ControlFlow, sync::Arc};

use jiff::Timestamp;

use super::{
    Error, Gate, Permit, Show,
    locate::{About, Located},
    record::Noted,
};
use crate::{
    authn::Caller,
    consent::{Facts, Grounds},
    decide::{Circumstances, Decision, Deed, Sift},
    labels::{Found, Locus, Position, Window},
    model::Question,
};

/// Which part of an answer is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// How many signals at most.
    pub size: usize,
    /// After which one.
    pub after: Option<Position>,
}

/// An answer that may be shown.
#[derive(Debug)]
pub struct Answer {
    /// The permit to show it.
    pub permit: Permit<Show>,
    /// After which signal the next page starts, if there is one.
    pub next: Option<Position>,
}

impl Gate {
    /// Decides and records one page of a question.
    ///
    /// # Errors
    /// `Refused` if the question is not taken; `Changing` if it is to be asked again; otherwise if anything fails.
    /// Nothing may then be shown.
    pub async fn ask(
        &self,
        caller: &Caller,
        question: &Question,
        page: &Page,
        now: Timestamp,
    ) -> Result<Answer, Error> {
        let coming = self.committer.soon();
        let (decision, about, grounds, next) = self.decide(caller, question, page, now)?;
        let permit = self.enter(coming, decision, (about, Noted::default()), Arc::new(grounds), |_| {
            Ok(())
        });
        let permit = permit.await?;
        Ok(Answer { permit, next })
    }

    /// Looks a question up and sifts one page of what is found.
    fn decide(
        &self,
        caller: &Caller,
        question: &Question,
        page: &Page,
        now: Timestamp,
    ) -> Result<(Decision, About, Grounds, Option<Position>), Error> {
        let policies = self.policies();
        let mut facts = Facts::new(
            self.read(),
            (&self.keys.vault, &self.said),
            (caller.agency(), &question.purpose),
            now,
        )?;
        let Located { locus, about, areas } = self.locate(caller, question, &mut facts)?;
        let mut sift = Sift::new(&policies, caller, question, areas, now);
        let (since, until) = (question.since, question.until);
        let window = Window { since, until, now };
        let mut last = page.after;
        // A refused question looks at nothing, so that its cost tells nothing.
        if sift.is_taken() {
            self.each(&locus, window, page.after, &mut facts, |found, facts| {
                let labelled = &found.labelled;
                let flow = sift.offer(labelled, facts, || self.around(&labelled.header), page.size);
                last = if flow.is_continue() { Some(found.position) } else { last };
                flow
            })?;
        }
        let next = last.filter(|_| sift.has_more());
        let partial = page.after.is_some() || since.is_some() || until.is_some();
        if next.is_none() && partial && sift.is_taken() && question.tells_existence() {
            let whole = Window {
                since: None,
                until: None,
                now,
            };
            sift.forget_lines();
            self.each(&locus, whole, None, &mut facts, |found, facts| {
                let labelled = &found.labelled;
                sift.hint(labelled, facts, || self.around(&labelled.header));
                ControlFlow::Continue(())
            })?;
        }
        Ok((sift.finish(Deed::Ask), about, facts.into_grounds(), next))
    }

    /// Visits the headers of a locus, each with what bears on it.
    fn each(
        &self,
        locus: &Locus,
        window: Window,
        after: Option<Position>,
        facts: &mut Facts<'_>,
        mut visit: impl FnMut(&Found, Circumstances) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut broken = None;
        self.labels.scan(locus, window, after, |found| {
            match facts.of(found.person, &found.labelled.sort) {
                Ok(facts) => visit(found, facts.into()),
                Err(why) => {
                    broken = Some(why);
                    ControlFlow::Break(())
                }
            }
        })?;
        Ok(broken.map_or(Ok(()), Err)?)
    }
}
