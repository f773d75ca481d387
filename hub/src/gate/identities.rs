//! What agencies learn of who people are: joins, replaced NHS numbers, deaths, and taking any of it back.
//! Each is planned, recorded and done in one batch, and whatever rested on who those people were is decided anew.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Act, Error, Gate, Identify, Permit, Planned, locate::About, record::Noted};
use crate::{
    authn::Caller,
    changes::{self, Change},
    consent,
    decide::Operation,
    ledger::Touched,
    model::{PersonId, Source},
    person::{self, Outcome, Report, Sort, Undoing},
    store::{Read, Txn},
};

impl Gate {
    /// Takes a report. Once this returns, it is in force, unless it joins by references alone for a caller who may not join
    /// by NHS number, and one of the records has a number or a death, or bars the join: what is known of the records would
    /// be told by any other answer.
    ///
    /// # Errors
    /// `Refused`, `Conflict` or `Apart`, or if anything fails. Who is who is then as it was.
    pub async fn report(
        &self,
        caller: &Caller,
        report: Report,
        source: Source,
        now: Timestamp,
    ) -> Result<(Permit<Act<Identify>>, Outcome), Error> {
        let by_number = Operation::JoinIdentities { by_nhs_number: true };
        let policies = self.policies.load();
        let traces = policies.operate(caller, by_number, now).refusal().is_none();
        let operation = match &report {
            Report::Death(_) => Operation::RecordDeath,
            Report::Join(_) => Operation::JoinIdentities {
                by_nhs_number: traces || report.names_nhs_number(),
            },
            Report::Number(..) => Operation::ChangeNhsNumber,
        };
        let report = Arc::new(report);
        let (agency, keys, same) = (caller.agency().clone(), self.keys.clone(), report.clone());
        let plan = move |read: &dyn Read| {
            let plan = person::plan_report(read, &keys.hashes, &agency, (&same, traces), &source)?;
            let plan = plan.ok_or(Error::Conflict)?;
            let about = About::Several(plan.subjects.clone());
            let touched = touched(source.version, plan.word());
            Ok(Planned::Do(Identify, plan, about, Noted::of(touched)))
        };
        let keys = self.keys.clone();
        let done = self.operate(caller, operation, now, plan, move |txn, permit, plan| {
            let permit: &Permit<Act<Identify>> = permit;
            let agency = permit.scope().agency();
            let changed = person::report(txn, &keys.hashes, agency, (&report, &plan), now)?;
            announce(txn, changed, now)?;
            Ok(plan.outcome)
        });
        let (permit, outcome) = done.await?;
        Ok((permit, outcome.map_err(Error::Apart)?))
    }

    /// Takes a report of the caller's agency back.
    ///
    /// # Errors
    /// `Refused` or `Conflict`, or if anything fails. Nothing was then taken back.
    pub async fn undo(
        &self,
        caller: &Caller,
        sort: Sort,
        source: Source,
        now: Timestamp,
    ) -> Result<(Permit<Act<Identify>>, Undoing), Error> {
        let operation = match sort {
            Sort::Death => Operation::RetractDeath,
            Sort::Join => Operation::SeparateIdentities,
        };
        let (agency, keys) = (caller.agency().clone(), self.keys.clone());
        let plan = move |read: &dyn Read| {
            let plan = person::plan_undo(read, &keys.hashes, &agency, sort, &source)?;
            let plan = plan.ok_or(Error::Conflict)?;
            let about = match plan.subjects.is_empty() {
                true => About::Nothing,
                false => About::Several(plan.subjects.clone()),
            };
            let touched = touched(source.version, plan.outcome.word());
            Ok(Planned::Do(Identify, plan, about, Noted::of(touched)))
        };
        self.operate(caller, operation, now, plan, move |txn, _, plan| {
            let changed = person::undo(txn, &plan)?;
            announce(txn, changed, now)?;
            Ok(plan.outcome)
        })
        .await
    }
}

/// Has everything that rests on who these people are decided anew.
fn announce(txn: &mut Txn<'_>, changed: BTreeSet<PersonId>, now: Timestamp) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    for record in &changed {
        changes::record(txn, Change::Person(*record), now)?;
    }
    Ok(consent::unsettle(txn, changed)?)
}

fn touched(version: u64, outcome: &str) -> Touched {
    Touched {
        version: Some(version),
        outcome: outcome.to_owned(),
        ..Touched::default()
    }
}
