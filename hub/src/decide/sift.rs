//! Sifts the headers of one question: what may be seen, at which level, until a page is full.
//! Pure; is handed headers and facts, and never asks for more than it is offered.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::Timestamp;

use super::{Circumstances, Class, Decision, Deed, PolicySet, Reasons, Refusal, Shown, Standing, Takers, Tally};
use crate::{
    authn::Caller,
    model::{AgencyId, AgreementId, AreaCode, Header, Labelled, Level, Question, Sort},
};

/// A question in the course of being answered.
pub struct Sift<'p> {
    policies: &'p PolicySet,
    caller: &'p Caller,
    question: &'p Question,
    standing: Arc<Standing>,
    reasons: Arc<Reasons>,
    now: Timestamp,
    takers: Result<Takers, Refusal>,
    /// Where the tally is of sorts that were met; none if they are not asked for. Each is held, so that no other takes its
    /// place in memory.
    met: HashMap<(usize, Circumstances), (Arc<Sort>, Option<usize>)>,
    verdicts: HashMap<Class, usize>,
    tally: Vec<Tally>,
    agreements: BTreeSet<AgreementId>,
    shown: Vec<Shown>,
    lines: BTreeMap<AgencyId, Arc<Header>>,
    more: bool,
}

impl<'p> Sift<'p> {
    /// Takes or refuses the question. `areas` are those of the address or area asked about, with every area around.
    pub fn new(
        policies: &'p PolicySet,
        caller: &'p Caller,
        question: &'p Question,
        areas: Arc<[AreaCode]>,
        now: Timestamp,
    ) -> Self {
        let standing = Arc::new(Standing::of(caller));
        let reasons = Arc::new(Reasons::of(question, areas));
        Self {
            takers: policies.take(&standing, &reasons, now),
            policies,
            caller,
            question,
            standing,
            reasons,
            now,
            met: HashMap::new(),
            verdicts: HashMap::new(),
            tally: Vec::new(),
            agreements: BTreeSet::new(),
            shown: Vec::new(),
            lines: BTreeMap::new(),
            more: false,
        }
    }

    /// Whether the question was taken. If not, nothing that is offered will be shown.
    pub fn is_taken(&self) -> bool {
        self.takers.is_ok()
    }

    /// How much of a signal may be seen: `None` for nothing. Counts it for the ledger. `areas` are those around its sort's.
    pub fn level(
        &mut self,
        found: &Labelled,
        person: Circumstances,
        areas: impl FnOnce() -> Arc<[AreaCode]>,
    ) -> Option<Level> {
        let tally = self.verdict(&found.sort, person, areas)?;
        tally.count += 1;
        tally.level
    }

    /// Shows a signal at a level that `level` gave for it.
    pub fn show(&mut self, header: Arc<Header>, level: Level) {
        self.shown.push(Shown { header, level });
    }

    /// Offers the next signal of a page of `size`. Breaks when the page is full and one more could be shown.
    ///
    /// What may be seen at existence level alone is no part of a page: each agency has one line at the end of the whole
    /// answer. More lines would be a count, and a line among dated signals would tell a date.
    pub fn offer(
        &mut self,
        found: &Labelled,
        person: Circumstances,
        areas: impl FnOnce() -> Arc<[AreaCode]>,
        size: usize,
    ) -> ControlFlow<()> {
        match self.level(found, person, areas) {
            None => {}
            Some(Level::Existence) => {
                let line = self.lines.entry(found.header.owner.clone());
                line.or_insert_with(|| found.header.clone());
            }
            Some(_) if self.shown.len() >= size => {
                self.more = true;
                return ControlFlow::Break(());
            }
            Some(level) => self.show(found.header.clone(), level),
        }
        ControlFlow::Continue(())
    }

    /// Forgets which agencies know the subject, to find it out from all signals by `hint`.
    pub fn forget_lines(&mut self) {
        self.lines.clear();
    }

    /// Looks at a signal, in or out of the window, for whether its owner is to be told as knowing the subject.
    pub fn hint(&mut self, found: &Labelled, person: Circumstances, areas: impl FnOnce() -> Arc<[AreaCode]>) {
        let known = self.lines.contains_key(&found.header.owner);
        if let Some(tally) = self.verdict(&found.sort, person, areas)
            && tally.level == Some(Level::Existence)
            && !known
        {
            tally.count = tally.count.max(1);
            self.lines.insert(found.header.owner.clone(), found.header.clone());
        }
    }

    /// Whether there is a next page.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// The decision. On the last page, the lines of agencies that know the subject come last, by name.
    pub fn finish(mut self, deed: impl FnOnce(Box<Question>) -> Deed) -> Decision {
        if !self.more {
            let lines = std::mem::take(&mut self.lines).into_values();
            self.shown.extend(lines.map(|header| Shown {
                header,
                level: Level::Existence,
            }));
        }
        self.tally.retain(|tally| tally.count > 0);
        let rules = self.tally.iter().filter(|tally| tally.level.is_some());
        Decision {
            at: self.now,
            caller: self.caller.clone(),
            deed: deed(Box::new(self.question.clone())),
            reach: self.reasons.areas.clone(),
            policy: self.policies.digest.clone(),
            version: self.policies.edition.version.clone(),
            rules: rules.flat_map(|tally| tally.rules.clone()).collect(),
            agreements: match &self.takers {
                Ok(takers) if self.agreements.is_empty() => takers
                    .agreements
                    .iter()
                    .filter_map(|index| Some(self.policies.agreements.get(*index)?.id.clone()))
                    .collect(),
                _ => self.agreements,
            },
            refusal: self.takers.err(),
            shown: self.shown,
            tally: self.tally,
        }
    }

    /// What was decided for the class of a signal; `None` if it is not asked for.
    fn verdict(
        &mut self,
        sort: &Arc<Sort>,
        person: Circumstances,
        areas: impl FnOnce() -> Arc<[AreaCode]>,
    ) -> Option<&mut Tally> {
        if self.takers.is_err() {
            return None;
        }
        let met = (Arc::as_ptr(sort).addr(), person);
        let index = match self.met.get(&met) {
            Some((_, index)) => *index,
            None => {
                let asked = self.question.kinds.is_empty() || self.question.kinds.contains(&sort.kind);
                let index = if asked {
                    self.class(Class::of(sort, areas(), person))
                } else {
                    None
                };
                self.met.insert(met, (sort.clone(), index));
                index
            }
        };
        self.tally.get_mut(index?)
    }

    /// Where the tally of a class is.
    fn class(&mut self, class: Class) -> Option<usize> {
        let takers = self.takers.as_ref().ok()?;
        if let Some(index) = self.verdicts.get(&class) {
            return Some(*index);
        }
        let asked = (takers.number, &*self.standing, &*self.reasons);
        let verdicts = self.policies.verdicts(asked, &class, self.question.level);
        let in_force = verdicts
            .iter()
            .filter(|verdict| takers.agreements.contains(&verdict.agreement));
        let told = |level: &Level| *level > Level::Existence || self.question.tells_existence();
        let level = in_force.clone().map(|verdict| verdict.level).max().filter(told);
        let deciding = in_force.filter(|verdict| Some(verdict.level) == level);
        let rules = deciding.clone().flat_map(|verdict| verdict.rules.clone()).collect();
        self.agreements
            .extend(deciding.filter_map(|verdict| Some(self.policies.agreements.get(verdict.agreement)?.id.clone())));
        self.tally.push(Tally {
            class: class.clone(),
            level,
            rules,
            count: 0,
        });
        let index = self.tally.len() - 1;
        self.verdicts.insert(class, index);
        Some(index)
    }
}
