//! Keeps, corrects and takes back signals: at most once in effect, by (owner, system, id, version).
//! First a plan, which only reads and says what will become of a push; then, with a permit, the writes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, body_key, bound_to, subject};
use crate::{
    changes::{self, Change},
    gate::{Act, Permit, Push, Retract},
    keys::{Hashes, Keys},
    labels,
    model::{AgencyId, AreaCode, Draft, Header, SignalId, Source},
    person,
    store::{Read, Txn, row},
    tables,
};

/// What becomes of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This very version is known.
    AlreadyKnown,
    /// It replaces a lower version.
    Corrected,
    /// It is new.
    Recorded,
    /// A higher version, or a retraction, is known.
    Superseded,
}

/// What becomes of a retraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retraction {
    /// It had been taken back, or a higher version is known.
    AlreadyKnown,
    /// There is no such signal; pushes up to this version will change nothing.
    NotFound,
    /// It is shown no more.
    Retracted,
}

/// What a push will do.
#[derive(Debug)]
pub struct Plan {
    /// The signal.
    pub signal: SignalId,
    /// What becomes of it.
    pub outcome: Outcome,
    key: Vec<u8>,
    content: [u8; 32],
}

/// What a retraction will do.
#[derive(Debug)]
pub struct RetractPlan {
    /// The signal, if there is one.
    pub signal: Option<SignalId>,
    /// What becomes of it.
    pub outcome: Retraction,
    key: Vec<u8>,
    /// Whether pushes up to this version are to change nothing from now on.
    rises: bool,
}

/// What the hub knows of a source.
#[derive(Serialize, Deserialize)]
struct Known {
    signal: SignalId,
    version: u64,
    content: [u8; 32],
    retracted: bool,
    exists: bool,
}

impl Outcome {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already-known",
            Self::Corrected => "corrected",
            Self::Recorded => "recorded",
            Self::Superseded => "superseded",
        }
    }
}

impl Retraction {
    /// The word that the ledger uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyKnown => "already-known",
            Self::NotFound => "not-found",
            Self::Retracted => "retracted",
        }
    }
}

/// Says what will become of a push.
///
/// # Errors
/// `Conflict` if the same version is known with other content; otherwise if the store fails.
pub fn plan(read: &dyn Read, hashes: &Hashes, owner: &AgencyId, draft: &Draft) -> Result<Plan, Error> {
    let key = source_key(hashes, owner, &draft.source);
    let content = content(hashes, draft)?;
    let known = known(read, &key)?;
    let outcome = match &known {
        None => Outcome::Recorded,
        Some(known) if draft.source.version < known.version => Outcome::Superseded,
        Some(known) if draft.source.version > known.version => match known.exists {
            true => Outcome::Corrected,
            false => Outcome::Recorded,
        },
        Some(known) if known.retracted => Outcome::Superseded,
        Some(known) if known.content == content => Outcome::AlreadyKnown,
        Some(_) => return Err(Error::Conflict),
    };
    Ok(Plan {
        signal: known.map_or_else(new_id, |known| known.signal),
        outcome,
        key,
        content,
    })
}

/// Carries a plan out, in the batch that also holds its ledger entry.
///
/// # Errors
/// If the person cannot be identified, the content cannot be sealed, or the store fails.
pub fn keep(
    txn: &mut Txn<'_>,
    permit: &Permit<Act<Push>>,
    keys: &Keys,
    plan: &Plan,
    draft: &Draft,
    areas: Vec<AreaCode>,
) -> Result<(), Error> {
    if matches!(plan.outcome, Outcome::AlreadyKnown | Outcome::Superseded) {
        return Ok(());
    }
    let owner = permit.scope().agency();
    let at = permit.scope().at();
    let person = draft
        .person
        .as_ref()
        .map(|who| person::resolve(txn, &keys.hashes, owner, who).map_err(Error::Person))
        .transpose()?;
    let header = Header {
        id: plan.signal,
        version: draft.source.version,
        kind: draft.kind.clone(),
        owner: owner.clone(),
        person,
        address: draft.uprn.map(|uprn| keys.hashes.address(uprn)),
        area: draft.area.clone(),
        occurred_at: draft.occurred_at,
        lapses_at: draft.lapses_at,
        severity: draft.severity,
        sensitivity: draft.sensitivity,
    };
    let body = row::encode(tables::BODY, &draft.body())?;
    let sealed = keys
        .vault
        .seal(txn, subject(&header), &bound_to(&header), &body)
        .map_err(Error::Sealed)?;
    txn.put(body_key(header.id), sealed);
    let known = Known {
        signal: plan.signal,
        version: draft.source.version,
        content: plan.content,
        retracted: false,
        exists: true,
    };
    txn.put(plan.key.clone(), row::encode(tables::SOURCE, &known)?);
    labels::put(txn, header, areas)?;
    changes::record(txn, Change::Signal(plan.signal), at)?;
    Ok(())
}

/// Says what will become of a retraction.
///
/// # Errors
/// `Conflict` if the signal is live in this very version; otherwise if the store fails.
pub fn plan_retraction(
    read: &dyn Read,
    hashes: &Hashes,
    owner: &AgencyId,
    source: &Source,
) -> Result<RetractPlan, Error> {
    let key = source_key(hashes, owner, source);
    let known = known(read, &key)?;
    let outcome = match &known {
        Some(known) if known.retracted => Retraction::AlreadyKnown,
        Some(known) if source.version < known.version => Retraction::AlreadyKnown,
        // A version names what was pushed under it, so taking it back needs a higher one.
        Some(known) if source.version == known.version => return Err(Error::Conflict),
        Some(known) if known.exists => Retraction::Retracted,
        _ => Retraction::NotFound,
    };
    let rises = known.as_ref().is_none_or(|known| known.version < source.version);
    let signal = known.filter(|known| known.exists).map(|known| known.signal);
    Ok(RetractPlan {
        signal,
        outcome,
        key,
        rises,
    })
}

/// Carries a retraction out, in the batch that also holds its ledger entry.
///
/// # Errors
/// If the store fails.
pub fn retract(
    txn: &mut Txn<'_>,
    permit: &Permit<Act<Retract>>,
    plan: &RetractPlan,
    source: &Source,
) -> Result<(), Error> {
    let at: Timestamp = permit.scope().at();
    if !plan.rises {
        return Ok(());
    }
    if let (Retraction::Retracted, Some(signal)) = (plan.outcome, plan.signal) {
        labels::retract(txn, signal, source.version)?;
        txn.delete(body_key(signal));
        changes::record(txn, Change::Signal(signal), at)?;
    }
    let known = Known {
        signal: plan.signal.unwrap_or_else(new_id),
        version: source.version,
        content: [0; 32],
        retracted: true,
        exists: plan.signal.is_some(),
    };
    txn.put(plan.key.clone(), row::encode(tables::SOURCE, &known)?);
    Ok(())
}

/// Forgets the content of a signal that has lapsed. Its source stays known, so that pushing it again changes nothing.
pub fn forget(txn: &mut Txn<'_>, signal: SignalId) {
    txn.delete(body_key(signal));
}

fn known(read: &dyn Read, key: &[u8]) -> Result<Option<Known>, Error> {
    let bytes = read.get(key)?;
    Ok(bytes.map(|bytes| row::decode(tables::SOURCE, &bytes)).transpose()?)
}

fn source_key(hashes: &Hashes, owner: &AgencyId, source: &Source) -> Vec<u8> {
    [&[tables::SOURCE], &hashes.source(owner, &source.system, &source.id)[..]].concat()
}

/// A keyed hash of what the owner pushed, so that the same version with other content is noticed.
fn content(hashes: &Hashes, draft: &Draft) -> Result<[u8; 32], Error> {
    let references: Vec<_> = draft
        .person
        .iter()
        .flat_map(|who| &who.local_references)
        .map(|reference| (&reference.system, &reference.value))
        .collect();
    // What the owner stated: the catalogue and the tables of the place may change between two pushes of the same.
    let stated = &draft.stated;
    let lapses_at = stated.lapses_at.map(|time| time.as_microsecond());
    let limits = (&stated.area, lapses_at, stated.sensitivity);
    let labels = (&draft.kind, draft.occurred_at.as_microsecond(), draft.severity);
    let bytes = row::encode(tables::SOURCE, &(labels, limits, references, draft.body()))?;
    Ok(hashes.content(&bytes))
}

fn new_id() -> SignalId {
    SignalId(uuid::Uuid::new_v4().into_bytes())
}
