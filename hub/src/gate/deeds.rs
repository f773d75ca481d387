//! The things that run the hub: pushing, taking back, taking down and listing consents.
//! Each joins a plan, which only reads, and an act, which writes in the batch that also holds its ledger entry.

use std::{cmp::Reverse, sync::Arc};

use jiff::Timestamp;

use super::{
    Act, Error, Gate, ListConsents, Permit, Planned, Push, Retract, TakeDown,
    locate::{About, about},
    record::Noted,
};
use crate::{
    authn::Caller,
    changes::{self, Change},
    consent::{self, Recorded},
    decide::Operation,
    ledger::{Hex, Touched},
    model::{Draft, Identity, Sector, Source, Statement, StatementId},
    person, signals,
    store::{Coming, Read},
};

impl Gate {
    /// Keeps a signal, of a kind that agencies of `owner_sector` may own, for somebody who was said to be coming.
    ///
    /// # Errors
    /// `Refused`, or `Conflict`, or if anything fails. Nothing was then kept.
    pub async fn push(
        &self,
        coming: Coming<'_>,
        caller: &Caller,
        draft: Draft,
        owner_sector: Sector,
        now: Timestamp,
    ) -> Result<(Permit<Act<Push>>, signals::Plan), Error> {
        // It goes from hand to hand until it is written.
        let draft = Box::new(draft);
        let kind = draft.kind.clone();
        let operation = Operation::Push { kind, owner_sector };
        let (owner, keys) = (caller.agency().clone(), self.keys.clone());
        let plan = move |read: &dyn Read| {
            let plan = signals::plan(read, &keys, &owner, &draft)?;
            let touched = Touched {
                signal: Some(plan.signal),
                version: Some(draft.source.version),
                outcome: plan.outcome.word().to_owned(),
                ..Touched::default()
            };
            Ok(Planned::Do(Push, plan, About::Nothing, Noted::of(touched)))
        };
        self.operate_ahead(coming, caller, operation, now, plan, |txn, permit, mut plan| {
            signals::keep(txn, permit, &mut plan)?;
            Ok(plan)
        })
        .await
    }

    /// Takes a signal of the caller's agency back.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing was then taken back.
    pub async fn retract(
        &self,
        caller: &Caller,
        source: Source,
        now: Timestamp,
    ) -> Result<(Permit<Act<Retract>>, signals::Retraction), Error> {
        let source = Arc::new(source);
        let (owner, keys, same) = (caller.agency().clone(), self.keys.clone(), source.clone());
        let plan = move |read: &dyn Read| {
            let plan = signals::plan_retraction(read, &keys.hashes, &owner, &same)?;
            let touched = Touched {
                signal: plan.signal,
                version: Some(same.version),
                outcome: plan.outcome.word().to_owned(),
                ..Touched::default()
            };
            Ok(Planned::Do(Retract, plan, About::Nothing, Noted::of(touched)))
        };
        let (coming, operation) = (self.soon(), Operation::Retract);
        self.operate_ahead(coming, caller, operation, now, plan, move |txn, permit, plan| {
            signals::retract(txn, permit, &plan, &source)?;
            Ok(plan.outcome)
        })
        .await
    }

    /// Takes down what a person said. Once this returns, it is in force.
    ///
    /// # Errors
    /// `Refused`, `Ambiguous`, or if anything fails. Nothing was then taken down.
    pub async fn record_consent(
        &self,
        caller: &Caller,
        who: Identity,
        statement: Statement,
        now: Timestamp,
    ) -> Result<(Permit<Act<TakeDown>>, StatementId), Error> {
        let operation = Operation::RecordConsent {
            stance: statement.stance,
        };
        let id = StatementId(uuid::Uuid::new_v4().into_bytes());
        let recorded = Recorded {
            id,
            statement,
            taken_by: caller.agency().clone(),
            recorded_at: now,
        };
        let who = Arc::new(who);
        let (agency, keys, same) = (caller.agency().clone(), self.keys.clone(), who.clone());
        let plan = move |read: &dyn Read| {
            let touched = Touched {
                statement: Some(Hex(id.0)),
                outcome: "recorded".to_owned(),
                ..Touched::default()
            };
            let about = about(read, &keys.hashes, &agency, &same)?;
            if person::is_ambiguous(read, &keys.hashes, &agency, &same)? {
                return Ok(Planned::Refuse("PERSON_AMBIGUOUS", Error::Ambiguous, about));
            }
            Ok(Planned::Do(TakeDown, (), about, Noted::of(touched)))
        };
        let keys = self.keys.clone();
        self.operate(
            caller,
            operation,
            now,
            plan,
            move |txn, permit: &Permit<Act<TakeDown>>, ()| {
                let person = person::resolve(txn, &keys.hashes, permit.scope().agency(), &who)?;
                consent::record(txn, &keys.vault, person, &recorded)?;
                for record in person::human(txn, person)?.records() {
                    changes::record(txn, Change::Person(record), now)?;
                }
                Ok(id)
            },
        )
        .await
    }

    /// What a person said: all of it for whom the rules let see all, else what the caller's agency took down. It is read
    /// once the look is on the disk, and holds up no write.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing may then be shown.
    pub async fn list_consents(
        &self,
        caller: &Caller,
        who: Identity,
        now: Timestamp,
    ) -> Result<(Permit<Act<ListConsents>>, Vec<Recorded>), Error> {
        let all = Operation::ListConsents {
            own_statements_only: false,
        };
        let sees_all = self
            .policies
            .load()
            .operate(caller, all.clone(), now)
            .refusal()
            .is_none();
        let own = Operation::ListConsents {
            own_statements_only: true,
        };
        let operation = if sees_all { all } else { own };
        let (agency, keys) = (caller.agency().clone(), self.keys.clone());
        let plan = move |read: &dyn Read| {
            let about = about(read, &keys.hashes, &agency, &who)?;
            let records = match &about {
                About::Person(records) => records.clone(),
                _ => Vec::new(),
            };
            Ok(Planned::Do(ListConsents, records, about, Noted::default()))
        };
        let looked = self.operate(caller, operation, now, plan, |_, _, records| Ok(records));
        let (permit, records) = looked.await?;
        let mut found = Vec::new();
        for record in records {
            found.extend(consent::statements(self.read(), &self.keys.vault, record)?);
        }
        found.retain(|recorded| sees_all || recorded.taken_by == *caller.agency());
        found.sort_by_key(|recorded| Reverse(recorded.statement.said_at));
        Ok((permit, found))
    }
}
