//! Turns a decision into an entry of the ledger. Names people and addresses by salted commitment only.
//! Never holds content, and counts what was withheld too.

use std::collections::{BTreeMap, BTreeSet};

use ring::rand::{SecureRandom, SystemRandom};

use super::{Error, locate::About, near};
use crate::{
    decide::{Decision, RefusalCode, Tally},
    keys::{self, Vault},
    ledger::{
        self, Class, Commitment, Entered, Entry, Hex, Hidden, Ledger, Period, Prepared, Refusal, Remainder, Shown,
        Subject, Touched, concern,
    },
    store::{Batch, Read, Txn},
};

/// Beyond this many classes, those that were withheld are told by kind and owner alone, so that an entry stays small.
const CLASSES: usize = 256;

/// What an entry says beside the decision itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    /// What a write did.
    pub(super) touched: Option<Touched>,
    /// What a watch is told to take off its reader's screen.
    pub(super) hidden: Vec<Hidden>,
    /// What a look at the record is for.
    pub(super) sought: String,
    /// Over which time such a look goes.
    pub(super) period: Period,
}

impl Noted {
    /// That a write did this.
    pub(super) fn of(touched: Touched) -> Self {
        Self {
            touched: Some(touched),
            ..Self::default()
        }
    }
}

/// An entry that is ready to be appended.
pub(super) struct Ready {
    entry: Prepared,
    /// The subjects under which it is to be found again: whom it is about, whose signals it shows, who asks, and under which
    /// agreements.
    concerns: Vec<[u8; 16]>,
    /// The data key of whom it names, if they had none.
    key: Batch,
}

impl Ready {
    /// Appends it, on what it was made ready on.
    ///
    /// # Errors
    /// As for [`Ledger::append`].
    pub(super) fn append(self, txn: &mut Txn<'_>, ledger: &Ledger) -> Result<Entered, ledger::Error> {
        txn.take_over(self.key);
        ledger.append(txn, self.entry, &self.concerns)
    }
}

/// The entry of a decision.
///
/// # Errors
/// If a commitment cannot be made, or the entry not be encoded.
pub(super) fn entry(
    read: &dyn Read,
    vault: &Vault,
    decision: &Decision,
    about: &About,
    noted: Noted,
) -> Result<Ready, Error> {
    draw_up(read, vault, decision, about, noted, |entry| entry)
}

/// The entry of something that the rules permit and that cannot be done all the same.
///
/// # Errors
/// If a commitment cannot be made, or the entry not be encoded.
pub(super) fn undone(
    read: &dyn Read,
    vault: &Vault,
    decision: &Decision,
    about: &About,
    (code, why): (&str, &Error),
) -> Result<Ready, Error> {
    let refusal = Refusal {
        code: code.to_owned(),
        reason: why.to_string(),
    };
    draw_up(read, vault, decision, about, Noted::default(), |entry| Entry {
        allowed: false,
        refusal: Some(refusal),
        ..entry
    })
}

fn draw_up(
    read: &dyn Read,
    vault: &Vault,
    decision: &Decision,
    about: &About,
    noted: Noted,
    amend: impl FnOnce(Entry) -> Entry,
) -> Result<Ready, Error> {
    let mut txn = Txn::new(read);
    let shown = decision.shown().iter();
    let mut concerns: BTreeSet<[u8; 16]> = shown.clone().filter_map(|shown| Some(shown.header.person?.0)).collect();
    concerns.extend(about.subjects());
    let caller = decision.caller();
    let question = decision.deed().question();
    let office = caller.practitioner();
    let withheld = decision.tally().iter().filter(|tally| tally.ruling.level().is_none());
    let (classes, remainder) = classes(decision.tally());
    let entry = Entry {
        agency: Some(caller.agency().clone()),
        sector: Some(caller.sector().clone()),
        workload: caller.workload().to_owned(),
        certificate: Some(Hex(*caller.thumbprint())),
        practitioner: office.map(|office| office.subject.clone()).unwrap_or_default(),
        roles: office.map(|office| office.roles.clone()).unwrap_or_default(),
        teams: office.map(|office| office.teams.clone()).unwrap_or_default(),
        areas: office.map(|office| office.areas.clone()).unwrap_or_default(),
        subject: subject(&mut txn, vault, about)?,
        reach: decision.reach().iter().cloned().collect(),
        purpose: question.map(|question| question.purpose.clone()),
        gateway: question.map(|question| question.gateway.clone()),
        case_reference: question
            .map(|question| question.case_reference.clone())
            .unwrap_or_default(),
        level: question.map(|question| question.level),
        since: question.map_or(noted.period.since, |question| question.since),
        until: question.map_or(noted.period.until, |question| question.until),
        kinds: question.map(|question| question.kinds.clone()).unwrap_or_default(),
        near: question.map(|question| near::of(caller, question)).unwrap_or_default(),
        sought: noted.sought,
        allowed: decision.refusal().is_none(),
        refusal: decision.refusal().map(|refusal| Refusal {
            code: word(refusal.code).to_owned(),
            reason: refusal.reason.clone(),
        }),
        policy: decision.policy().parse().ok(),
        policy_version: Some(decision.version().clone()),
        agreements: decision.agreements().clone(),
        rules: decision.rules().clone(),
        shown: shown
            .map(|shown| Shown {
                signal: shown.header.id,
                level: shown.level,
                version: shown.header.version,
            })
            .collect(),
        hidden: noted.hidden,
        classes,
        remainder,
        withheld: withheld.map(|tally| tally.count).sum(),
        touched: noted.touched,
        ..Entry::new(decision.at(), decision.deed().word())
    };
    concerns.extend(concern::of(&entry));
    Ok(Ready {
        entry: Prepared::of(&amend(entry)).map_err(ledger::Error::Entry)?,
        concerns: concerns.into_iter().collect(),
        key: txn.into_writes(),
    })
}

impl About {
    /// The subjects under which entries about it are indexed; none for an area, which is no one's.
    fn subjects(&self) -> Vec<[u8; 16]> {
        match self {
            Self::Address(id) | Self::Stranger(id) => vec![*id],
            Self::Person(records) => records.iter().map(|record| record.0).collect(),
            Self::Several(subjects) => subjects.clone(),
            Self::Area(_) | Self::Nothing => Vec::new(),
        }
    }
}

fn subject(txn: &mut Txn<'_>, vault: &Vault, about: &About) -> Result<Option<Subject>, Error> {
    let mut commit = |id: &[u8; 16]| {
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).map_err(|_| keys::Error::Random)?;
        let commitment = vault.commitment(txn, *id, salt)?;
        Ok::<_, Error>(Commitment {
            salt: Hex(salt),
            commitment: Hex(commitment),
        })
    };
    Ok(match about {
        About::Address(id) => Some(Subject::Address(commit(id)?)),
        About::Area(code) => Some(Subject::Area { code: code.clone() }),
        About::Nothing => None,
        About::Person(_) | About::Several(_) | About::Stranger(_) => match about.subjects().first() {
            Some(named) => Some(Subject::Person(commit(named)?)),
            None => None,
        },
    })
}

/// The classes, and what is withheld beyond those that an entry has room for: what was shown is always told in full.
fn classes(tallies: &[Tally]) -> (Vec<Class>, Vec<Remainder>) {
    let (shown, withheld): (Vec<_>, Vec<_>) = tallies.iter().partition(|tally| tally.ruling.level().is_some());
    let (told, rest) = withheld.split_at(withheld.len().min(CLASSES.saturating_sub(shown.len())));
    let mut remainder: BTreeMap<_, u32> = BTreeMap::new();
    for Tally { ruling, count } in rest {
        let owned = (ruling.class.kind.clone(), ruling.class.owner.clone());
        *remainder.entry(owned).or_default() += count;
    }
    let told = shown.iter().chain(told).map(|Tally { ruling, count }| Class {
        judged: ruling.judged.clone(),
        count: *count,
    });
    let remainder = remainder
        .into_iter()
        .map(|((kind, owner), count)| Remainder { kind, owner, count });
    (told.collect(), remainder.collect())
}

fn word(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::KindNotYours => "KIND_NOT_YOURS",
        RefusalCode::NotPermitted => "NOT_PERMITTED",
    }
}
