//! Sifts the headers of one question: what may be seen, at which level, until a page is full.
//! Pure; is handed headers and facts, and never asks for more than it is offered.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    sync::Arc,
};

use foldhash::fast::RandomState;
use jiff::Timestamp;

use super::{
    Circumstances, Decision, Deed, PolicySet, Reasons, Refusal, Shown, Standing, Tally,
    ruling::{Asked, Same, Takers},
};
use crate::{
    authn::Caller,
    model::{AgencyId, AreaCode, Header, Labelled, Level, Question, Sort, SubjectSort},
};

/// Room for so many classes is made at once: those of one person are seldom more.
const CLASSES: usize = 28;
/// The same, for an area.
const CLASSES_OF_AREA: usize = 224;

/// Where a sort lies in memory, and what bears on it.
type Met = (usize, Circumstances);

/// Where the tally is of a class, and how much of its signals may be seen.
type Finding = (usize, Option<Level>);

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
    met: HashMap<Met, (Arc<Sort>, Option<Finding>), RandomState>,
    /// Where the tally is of classes that were met.
    rulings: HashMap<Same, usize, RandomState>,
    tally: Vec<Tally>,
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
        let room = match reasons.subject {
            SubjectSort::Area => CLASSES_OF_AREA,
            SubjectSort::Address | SubjectSort::Person => CLASSES,
        };
        Self {
            takers: policies.take(&standing, &reasons, now),
            policies,
            caller,
            question,
            standing,
            reasons,
            now,
            met: HashMap::with_capacity_and_hasher(room, RandomState::default()),
            rulings: HashMap::with_capacity_and_hasher(room, RandomState::default()),
            tally: Vec::with_capacity(room),
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
        let (index, level) = self.verdict(&found.sort, person, areas)?;
        self.tally.get_mut(index)?.count += 1;
        level
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
        if let Some((index, Some(Level::Existence))) = self.verdict(&found.sort, person, areas)
            && !known
            && let Some(tally) = self.tally.get_mut(index)
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
        let shown = self.tally.iter().map(|tally| &tally.ruling);
        let shown = shown.filter(|ruling| ruling.level().is_some());
        // Most rulings name the same few, and to sort them all takes longer.
        let rules: HashSet<_, RandomState> = shown.clone().flat_map(|ruling| &ruling.judged.judged().rules).collect();
        let agreements: HashSet<_, RandomState> = shown.flat_map(|ruling| &ruling.agreements).collect();
        Decision {
            at: self.now,
            caller: self.caller.clone(),
            deed: deed(Box::new(self.question.clone())),
            reach: self.reasons.areas.clone(),
            policy: self.policies.digest.clone(),
            version: self.policies.edition.version.clone(),
            rules: rules.into_iter().cloned().collect(),
            agreements: match &self.takers {
                Ok(takers) if agreements.is_empty() => takers
                    .agreements
                    .iter()
                    .filter_map(|index| Some(self.policies.agreements.get(*index)?.id.clone()))
                    .collect(),
                _ => agreements.into_iter().cloned().collect(),
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
    ) -> Option<Finding> {
        if self.takers.is_err() {
            return None;
        }
        let met = (Arc::as_ptr(sort).addr(), person);
        if let Some((_, verdict)) = self.met.get(&met) {
            return *verdict;
        }
        let asked = self.question.kinds.is_empty() || self.question.kinds.contains(&sort.kind);
        let verdict = if asked { self.class(sort, person, areas()) } else { None };
        self.met.insert(met, (sort.clone(), verdict));
        verdict
    }

    /// What was decided for the class of signals of a sort.
    fn class(&mut self, sort: &Arc<Sort>, person: Circumstances, areas: Arc<[AreaCode]>) -> Option<Finding> {
        let asked = Asked {
            takers: self.takers.as_ref().ok()?,
            who: &self.standing,
            why: &self.reasons,
            cap: self.question.level,
            tells_existence: self.question.tells_existence(),
        };
        let ruling = self.policies.ruling(&asked, sort, person, areas);
        let level = ruling.level();
        let next = self.tally.len();
        let index = *self.rulings.entry(Same(ruling.clone())).or_insert(next);
        if index == next {
            self.tally.push(Tally { ruling, count: 0 });
        }
        Some((index, level))
    }
}
