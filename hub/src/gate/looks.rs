//! The looks at the record: each is a deed of its own, whose permit says how far it goes and opens nothing else.
//! Writes nothing but the look's own entry, and what a review of held entries comes to.

use jiff::Timestamp;

use super::{
    Act, Error, Gate, Permit, Planned,
    locate::{About, about},
    record::Noted,
};
use crate::{
    authn::Caller,
    decide::Operation,
    ledger::{
        self, Period, Touched, concern,
        held::{self, Held, Outcome, Verdict},
    },
    model::{AgencyId, AgreementId, Identity},
    person,
    store::Read,
};

/// The look at the newest entries.
#[derive(Debug)]
pub struct ListEntries;

/// The look at what is held back from access logs.
#[derive(Debug)]
pub struct ListHeld;

/// The look at all of one entry.
#[derive(Debug)]
pub struct ShowEntry {
    /// Its number.
    pub number: u64,
}

/// The look at who saw a person.
#[derive(Debug)]
pub struct WhoSaw {
    /// The subjects under which the ledger names the person.
    pub subjects: Vec<[u8; 16]>,
    /// Over which time.
    pub period: Period,
}

/// The making of a person's access log.
#[derive(Debug)]
pub struct AccessLog {
    /// The subjects under which the ledger names the person.
    pub subjects: Vec<[u8; 16]>,
    /// The subjects of those with whom they were once taken for one.
    pub parted: Vec<[u8; 16]>,
    /// Over which time.
    pub period: Period,
}

/// The taking away of entries.
#[derive(Debug)]
pub struct Export {
    /// The signed head as it was before the look, on the disk; empty if there was none.
    pub checkpoint: String,
    /// Over which time.
    pub period: Period,
}

/// The look for the answer to an officer's question.
#[derive(Debug)]
pub struct Examine {
    /// The question.
    pub inquiry: Inquiry,
    /// Over which time.
    pub period: Period,
}

/// The look at what the ledger proves.
#[derive(Debug)]
pub struct Prove {
    /// The signed head as it was before the look, on the disk; empty if there was none.
    pub checkpoint: String,
}

/// The release or the keeping of an entry that is held back.
#[derive(Debug)]
pub struct Review;

/// A question of an information governance officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// What did this practitioner ask?
    AskedBy {
        /// Their agency.
        agency: AgencyId,
        /// Who, as their issuer names them.
        practitioner: String,
    },
    /// What left under this agreement?
    LeftUnder(AgreementId),
    /// Who asked about a name or a home of their own?
    NearSelf,
    /// Who was refused, and why?
    Refusals,
    /// Who looked people and addresses up without naming a case?
    WithoutCase,
}

impl Inquiry {
    /// The subject under which the index lists the entries that may answer it; `None` if only the log itself does.
    pub fn concern(&self) -> Option<[u8; 16]> {
        match self {
            Self::AskedBy { agency, practitioner } => Some(concern::practitioner(agency, practitioner)),
            Self::LeftUnder(agreement) => Some(concern::agreement(agreement)),
            Self::NearSelf | Self::Refusals | Self::WithoutCase => None,
        }
    }

    fn operation(&self) -> Operation {
        match self {
            Self::AskedBy { .. } => Operation::AskedBy,
            Self::LeftUnder(_) => Operation::LeftUnder,
            Self::NearSelf => Operation::NearSelf,
            Self::Refusals => Operation::Refusals,
            Self::WithoutCase => Operation::WithoutCase,
        }
    }

    fn sought(&self) -> String {
        match self {
            Self::AskedBy { agency, practitioner } => format!("{agency}/{practitioner}"),
            Self::LeftUnder(agreement) => agreement.to_string(),
            Self::NearSelf | Self::Refusals | Self::WithoutCase => String::new(),
        }
    }
}

impl Gate {
    /// Permits a look at the newest entries.
    ///
    /// # Errors
    /// `Refused`, or if anything fails. Nothing may then be shown. So for every look.
    pub async fn list_entries(&self, caller: &Caller, now: Timestamp) -> Result<Permit<Act<ListEntries>>, Error> {
        let look = (ListEntries, String::new(), Period::default());
        self.permit_look(caller, Operation::ListEntries, look, now).await
    }

    /// Permits a look at what is held back from access logs.
    ///
    /// # Errors
    /// As for each look.
    pub async fn list_held(&self, caller: &Caller, now: Timestamp) -> Result<Permit<Act<ListHeld>>, Error> {
        let look = (ListHeld, String::new(), Period::default());
        self.permit_look(caller, Operation::ListHeld, look, now).await
    }

    /// Permits a look at all of one entry.
    ///
    /// # Errors
    /// As for each look.
    pub async fn show_entry(
        &self,
        caller: &Caller,
        number: u64,
        now: Timestamp,
    ) -> Result<Permit<Act<ShowEntry>>, Error> {
        let look = (ShowEntry { number }, number.to_string(), Period::default());
        self.permit_look(caller, Operation::ShowEntry, look, now).await
    }

    /// Permits the look for the answer to an officer's question.
    ///
    /// # Errors
    /// As for each look.
    pub async fn examine(
        &self,
        caller: &Caller,
        inquiry: Inquiry,
        period: Period,
        now: Timestamp,
    ) -> Result<Permit<Act<Examine>>, Error> {
        let (operation, sought) = (inquiry.operation(), inquiry.sought());
        let look = (Examine { inquiry, period }, sought, period);
        self.permit_look(caller, operation, look, now).await
    }

    /// Permits taking entries away, up to the signed head as it is before the look.
    ///
    /// # Errors
    /// As for each look.
    pub async fn export(&self, caller: &Caller, period: Period, now: Timestamp) -> Result<Permit<Act<Export>>, Error> {
        let plan = move |read: &dyn Read| {
            let checkpoint = ledger::read::checkpoint(read)?.unwrap_or_default();
            let noted = Noted {
                period,
                ..Noted::default()
            };
            Ok(Planned::Do(Export { checkpoint, period }, (), About::Nothing, noted))
        };
        let done = self.operate(caller, Operation::ExportLedger, now, plan, |_, _, ()| Ok(()));
        Ok(done.await?.0)
    }

    /// Permits a look at what the ledger proves, up to the signed head as it is before the look.
    ///
    /// # Errors
    /// As for each look.
    pub async fn prove(&self, caller: &Caller, sought: String, now: Timestamp) -> Result<Permit<Act<Prove>>, Error> {
        let plan = move |read: &dyn Read| {
            let checkpoint = ledger::read::checkpoint(read)?.unwrap_or_default();
            let noted = Noted {
                sought,
                ..Noted::default()
            };
            Ok(Planned::Do(Prove { checkpoint }, (), About::Nothing, noted))
        };
        let done = self.operate(caller, Operation::ProveLedger, now, plan, |_, _, ()| Ok(()));
        Ok(done.await?.0)
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

    /// Permits asking who saw a person, whom an agency knows by these identifiers: their references are that agency's.
    ///
    /// # Errors
    /// As for each look.
    pub async fn who_saw(
        &self,
        caller: &Caller,
        who: (AgencyId, Identity),
        period: Period,
        now: Timestamp,
    ) -> Result<Permit<Act<WhoSaw>>, Error> {
        let deed = move |subjects, _| WhoSaw { subjects, period };
        self.of_person(caller, (Operation::WhoSaw, who, period), now, deed)
            .await
    }

    /// Permits the making of the access log of a person, named as for [`Gate::who_saw`].
    ///
    /// # Errors
    /// As for each look.
    pub async fn access_log(
        &self,
        caller: &Caller,
        who: (AgencyId, Identity),
        period: Period,
        now: Timestamp,
    ) -> Result<Permit<Act<AccessLog>>, Error> {
        let deed = move |subjects, parted| AccessLog {
            subjects,
            parted,
            period,
        };
        self.of_person(caller, (Operation::AccessLog, who, period), now, deed)
            .await
    }

    /// Puts entries that an access log leaves out on the list of what is to be reviewed for this person, if they are not on
    /// it; of each, whether it may be about somebody else.
    ///
    /// # Errors
    /// If it cannot be written: the log must not go out then, because what it leaves out would be forgotten.
    pub async fn hold(&self, permit: &Permit<Act<AccessLog>>, numbers: Vec<(u64, bool)>) -> Result<(), Error> {
        let (asked_in, asked_at) = (permit.entry(), permit.scope().at());
        let AccessLog { subjects, .. } = permit.scope().deed();
        let subjects = subjects.clone();
        let held = self.committer.commit(move |txn| {
            for (number, doubtful) in numbers {
                let known = held::of(txn, number, &subjects)?.is_some();
                if let Some(subject) = subjects.last().filter(|_| !known) {
                    let row = Held {
                        asked_in,
                        asked_at,
                        doubtful,
                        verdict: None,
                    };
                    held::put(txn, &(number, *subject, row))?;
                }
            }
            Ok::<_, Error>(())
        });
        held.await??.into_inner();
        Ok(())
    }

    /// Releases or keeps an entry that is held back from the logs of the person whose log, made in entry `asked_in`, left it
    /// out, for a reason that is recorded. `None` will do if it is held back from one person alone.
    ///
    /// # Errors
    /// `NotHeld` if no access log has met it, `HeldForSeveral` if it is to be said which; otherwise as for each look.
    pub async fn review(
        &self,
        caller: &Caller,
        (number, asked_in): (u64, Option<u64>),
        (outcome, reason): (Outcome, String),
        now: Timestamp,
    ) -> Result<Permit<Act<Review>>, Error> {
        let plan = move |read: &dyn Read| {
            let refuse = |code, why| Ok(Planned::Refuse(code, why, About::Nothing));
            let mut rows = held::all(read, number)?;
            rows.retain(|(.., held)| asked_in.is_none_or(|asked_in| held.asked_in == asked_in));
            let [row] = match <[_; 1]>::try_from(rows) {
                Ok(row) => row,
                Err(none) if none.is_empty() => return refuse("NOT_HELD", Error::NotHeld),
                Err(_) => return refuse("HELD_FOR_SEVERAL", Error::HeldForSeveral),
            };
            let touched = Touched {
                entry: Some(number),
                outcome: outcome.word().to_owned(),
                reason,
                ..Touched::default()
            };
            let noted = Noted {
                sought: row.2.asked_in.to_string(),
                ..Noted::of(touched)
            };
            Ok(Planned::Do(Review, row, About::Nothing, noted))
        };
        let done = self.operate(caller, Operation::ReviewHeld, now, plan, move |txn, permit, row| {
            let (number, subject, held) = row;
            let verdict = Some(Verdict {
                outcome,
                at: permit.scope().at(),
                entry: permit.entry(),
            });
            Ok(held::put(txn, &(number, subject, Held { verdict, ..held }))?)
        });
        Ok(done.await?.0)
    }

    async fn permit_look<Deed: Send + 'static>(
        &self,
        caller: &Caller,
        operation: Operation,
        (deed, sought, period): (Deed, String, Period),
        now: Timestamp,
    ) -> Result<Permit<Act<Deed>>, Error> {
        let plan = move |_: &dyn Read| {
            let noted = Noted {
                sought,
                period,
                ..Noted::default()
            };
            Ok(Planned::Do(deed, (), About::Nothing, noted))
        };
        let done = self.operate(caller, operation, now, plan, |_, _, ()| Ok(()));
        Ok(done.await?.0)
    }

    async fn of_person<Deed: Send + 'static>(
        &self,
        caller: &Caller,
        (operation, (agency, who), period): (Operation, (AgencyId, Identity), Period),
        now: Timestamp,
        deed: impl FnOnce(Vec<[u8; 16]>, Vec<[u8; 16]>) -> Deed + Send + 'static,
    ) -> Result<Permit<Act<Deed>>, Error> {
        let keys = self.keys.clone();
        let plan = move |read: &dyn Read| {
            let about = about(read, &keys.hashes, &agency, &who)?;
            let mut subjects = person::identifier_hashes(&keys.hashes, &agency, &who);
            let mut parted = Vec::new();
            if let About::Person(records) = &about {
                // Held entries go by the last: the record that was asked for.
                subjects.extend(records.iter().rev().map(|record| record.0));
                if let Some(first) = records.first() {
                    let human = person::human(read, *first)?;
                    parted.extend(person::parted(read, &human)?.iter().map(|record| record.0));
                }
            }
            let noted = Noted {
                period,
                ..Noted::default()
            };
            Ok(Planned::Do(deed(subjects, parted), (), about, noted))
        };
        let done = self.operate(caller, operation, now, plan, |_, _, ()| Ok(()));
        Ok(done.await?.0)
    }
}
