//! Doing one of the things that run the hub: its decision, its ledger entry and its writes, all in one batch.
//! Holds no rule; what is planned and done is told by those who call it.

use jiff::Timestamp;

use super::{Act, Error, Gate, Permit, locate::About, record, record::Noted};
use crate::{
    authn::Caller,
    decide::{Operation, PolicySet},
    keys::Keys,
    ledger::Ledger,
    model::AgencyId,
    store::{Coming, Read, Txn},
};

/// What a deed comes to, before it is done.
pub(super) enum Planned<Deed, P> {
    /// This is to be done, and this is what the ledger says of it.
    Do(Deed, P, About, Noted),
    /// The rules permit it, but it cannot be done, for a reason with this code.
    Refuse(&'static str, Error, About),
}

/// What is to be done, or why not, and the entry that says so.
struct Drawn<Deed, P> {
    planned: Result<(Deed, P), Error>,
    entry: record::Ready,
}

type Done<Deed, T> = Result<(Permit<Act<Deed>>, T), Error>;

impl Gate {
    /// Decides on one of the things that run the hub, and does it in the batch that records it.
    ///
    /// `plan` reads, and says what will be done and what the ledger is to say of it; `act` writes.
    pub(super) async fn operate<Deed, P, T>(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
        plan: impl FnOnce(&dyn Read) -> Result<Planned<Deed, P>, Error> + Send + 'static,
        act: impl FnOnce(&mut Txn<'_>, &Permit<Act<Deed>>, P) -> Result<T, Error> + Send + 'static,
    ) -> Done<Deed, T>
    where
        T: Send + 'static,
        Deed: Send + 'static,
    {
        let (ledger, keys, policies) = (self.ledger.clone(), self.keys.clone(), self.policies.clone());
        let caller = caller.clone();
        let done = self.committer.commit(move |txn| {
            let drawn = draw_up(txn, &keys, &policies.load(), (&caller, operation, now), plan)?;
            carry_out(txn, &ledger, drawn, (caller.agency(), now), act)
        });
        done.await??.into_inner()
    }

    /// As `operate`, for what comes often: the plan and its entry are made ready on the caller's thread, and again by the
    /// committer if what they rest on has been written since.
    pub(super) async fn operate_ahead<Deed, P, T>(
        &self,
        coming: Coming<'_>,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
        plan: impl Fn(&dyn Read) -> Result<Planned<Deed, P>, Error> + Send + 'static,
        act: impl FnOnce(&mut Txn<'_>, &Permit<Act<Deed>>, P) -> Result<T, Error> + Send + 'static,
    ) -> Done<Deed, T>
    where
        P: Send + 'static,
        T: Send + 'static,
        Deed: Send + 'static,
    {
        let (ledger, keys, policies) = (self.ledger.clone(), self.keys.clone(), self.policies.clone());
        let (caller, before) = (caller.clone(), self.policies());
        let (ready, seen) = {
            let view = self.committer.view(self.read());
            let ready = match draw_up(&view, &keys, &before, (&caller, operation.clone(), now), &plan) {
                // What was read may not be on the disk yet, and a refusal is to rest on what is.
                Err(Error::Conflict) => None,
                drawn => Some(drawn?),
            };
            (ready, view.seen())
        };
        let done = self.committer.commit_on(coming, seen, move |txn, holds| {
            let set = policies.load();
            let drawn = match ready.filter(|_| holds && set.digest() == before.digest()) {
                Some(ready) => ready,
                None => draw_up(txn, &keys, &set, (&caller, operation, now), plan)?,
            };
            carry_out(txn, &ledger, drawn, (caller.agency(), now), act)
        });
        done.await??.into_inner()
    }
}

/// Decides, plans, and encodes the entry. Writes nothing.
fn draw_up<Deed, P>(
    read: &dyn Read,
    keys: &Keys,
    policies: &PolicySet,
    (caller, operation, now): (&Caller, Operation, Timestamp),
    plan: impl FnOnce(&dyn Read) -> Result<Planned<Deed, P>, Error>,
) -> Result<Drawn<Deed, P>, Error> {
    let decision = policies.operate(caller, operation, now);
    if let Some(refusal) = decision.refusal() {
        return Ok(Drawn {
            entry: record::entry(read, &keys.vault, &decision, &About::Nothing, Noted::default())?,
            planned: Err(Error::Refused(refusal.clone())),
        });
    }
    Ok(match plan(read)? {
        Planned::Do(deed, planned, about, noted) => Drawn {
            entry: record::entry(read, &keys.vault, &decision, &about, noted)?,
            planned: Ok((deed, planned)),
        },
        Planned::Refuse(code, why, about) => Drawn {
            entry: record::undone(read, &keys.vault, &decision, &about, (code, &why))?,
            planned: Err(why),
        },
    })
}

/// Enters it in the ledger, and does what was planned. The inner error is one whose entry stands.
fn carry_out<Deed, P, T>(
    txn: &mut Txn<'_>,
    ledger: &Ledger,
    Drawn { planned, entry }: Drawn<Deed, P>,
    (agency, now): (&AgencyId, Timestamp),
    act: impl FnOnce(&mut Txn<'_>, &Permit<Act<Deed>>, P) -> Result<T, Error>,
) -> Result<Done<Deed, T>, Error> {
    let entered = entry.append(txn, ledger)?;
    let (deed, planned) = match planned {
        Ok(planned) => planned,
        Err(why) => return Ok(Err(why)),
    };
    let permit = Permit::act(&entered, agency.clone(), now, deed);
    let outcome = act(txn, &permit, planned)?;
    Ok(Ok((permit, outcome)))
}
