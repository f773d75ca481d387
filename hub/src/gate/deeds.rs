//! The things that run the hub: pushing, taking back, taking down and listing consents, looking at the ledger.
//! Each joins a plan, which only reads, and an act, which writes in the batch that also holds its ledger entry.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Act, Error, Gate, Look, Permit, Push, Retract, TakeDown,
    locate::{About, about},
};
use crate::{
    authn::Caller,
    changes::{self, Change},
    consent::{self, Recorded},
    decide::Operation,
    ledger::{self, Hex, Touched},
    model::{Draft, Identity, Sector, Source, Statement, StatementId},
    person, signals,
    store::Read,
};

impl Gate {
    /// Keeps a signal, of a kind that agencies of `owner_sector` may own.
    ///
    /// # Errors
    /// `Refused`, or `Conflict`, or if anything fails. Nothing was then kept.
    pub async fn push(
        &self,
        caller: &Caller,
        draft: Draft,
        owner_sector: Sector,
        now: Timestamp,
    ) -> Result<(Permit<Act<Push>>, signals::Plan), Error> {
        let kind = draft.kind.clone();
        let operation = Operation::Push { kind, owner_sector };
        let area = draft.area.as_ref();
        let areas = area.map(|area| self.places.around(area).to_vec()).unwrap_or_default();
        let draft = Arc::new(draft);
        let (owner, keys, same) = (caller.agency().clone(), self.keys.clone(), draft.clone());
        let plan = move |read: &dyn Read| {
            let plan = signals::plan(read, &keys.hashes, &owner, &same)?;
            let touched = Touched {
                signal: Some(plan.signal),
                version: Some(same.source.version),
                outcome: plan.outcome.word().to_owned(),
                ..Touched::default()
            };
            Ok((plan, About::Nothing, Some(touched)))
        };
        let keys = self.keys.clone();
        self.operate(caller, operation, now, plan, move |txn, permit, plan| {
            signals::keep(txn, permit, &keys, &plan, &draft, areas)?;
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
            Ok((plan, About::Nothing, Some(touched)))
        };
        self.operate(caller, Operation::Retract, now, plan, move |txn, permit, plan| {
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
            if person::is_ambiguous(read, &keys.hashes, &agency, &same)? {
                return Err(Error::Ambiguous);
            }
            Ok(((), about(read, &keys.hashes, &agency, &same)?, Some(touched)))
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
                changes::record(txn, Change::Consent(person), now)?;
                Ok(id)
            },
        )
        .await
    }

    /// What a person said: all of it for whom the rules let see all, else what the caller's agency took down.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing may then be shown.
    pub async fn list_consents(
        &self,
        caller: &Caller,
        who: Identity,
        now: Timestamp,
    ) -> Result<(Permit<Act<Look>>, Vec<Recorded>), Error> {
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
            let found = match &about {
                About::Person(person) => consent::statements(read, &keys.vault, *person)?,
                _ => Vec::new(),
            };
            let visible = found
                .into_iter()
                .filter(|recorded| sees_all || recorded.taken_by == agency);
            Ok((visible.collect::<Vec<_>>(), about, None))
        };
        self.operate(caller, operation, now, plan, |_, _, found| Ok(found))
            .await
    }

    /// The signed head of the ledger, or none while there is no entry.
    ///
    /// A look at it is not recorded: it tells of nobody, and each look would make the next head.
    ///
    /// # Errors
    /// `Refused`, or if the store fails.
    pub fn checkpoint(&self, caller: &Caller, now: Timestamp) -> Result<Option<String>, Error> {
        let decision = self.policies.load().operate(caller, Operation::ReadCheckpoint, now);
        match decision.refusal() {
            Some(refusal) => Err(Error::Refused(refusal.clone())),
            None => Ok(ledger::read::checkpoint(self.read())?),
        }
    }

    /// Permits a look at the ledger, and gives its signed head as it was before the look, on the disk.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing may then be shown.
    pub async fn inspect(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
    ) -> Result<(Permit<Act<Look>>, String), Error> {
        let plan = |read: &dyn Read| {
            let head = ledger::read::checkpoint(read)?.unwrap_or_default();
            Ok((head, About::Nothing, None))
        };
        self.operate(caller, operation, now, plan, |_, _, head| Ok(head)).await
    }

    /// Permits asking who saw a person, and gives the subjects under which the ledger names the person.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing may then be shown.
    pub async fn who_saw(
        &self,
        caller: &Caller,
        who: Identity,
        now: Timestamp,
    ) -> Result<(Permit<Act<Look>>, Vec<[u8; 16]>), Error> {
        let (agency, keys) = (caller.agency().clone(), self.keys.clone());
        let plan = move |read: &dyn Read| {
            let about = about(read, &keys.hashes, &agency, &who)?;
            let mut subjects = person::identifier_hashes(&keys.hashes, &agency, &who);
            if let About::Person(person) = &about {
                subjects.push(person.0);
            }
            Ok((subjects, about, None))
        };
        self.operate(caller, Operation::WhoSaw, now, plan, |_, _, subjects| Ok(subjects))
            .await
    }
}
