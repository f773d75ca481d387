//! Keeps, corrects and takes back signals: at most once in effect, by (owner, system, id, version).
//! First a plan, which only reads, and says what will become of a push; then, with a permit, the writes.

use jiff::Timestamp;

use super::{
    Error, bound_to,
    record::{Known, Record},
    subject,
};
use crate::{
    changes::{self, Change},
    gate::{Act, Permit, Push, Retract},
    keys::{Hashes, Keys},
    labels,
    model::{AgencyId, Body, Draft, Header, SignalId, Source},
    person,
    store::{Batch, Read, Txn, row},
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
    /// What is to be written. Nothing but [`keep`] gets at it.
    writes: Batch,
}

/// What a retraction will do.
#[derive(Debug)]
pub struct RetractPlan {
    /// The signal, if there is one.
    pub signal: Option<SignalId>,
    /// What becomes of it.
    pub outcome: Retraction,
    id: SignalId,
    before: Option<Record>,
    /// Whether pushes up to this version are to change nothing from now on.
    rises: bool,
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

/// Says what will become of a push, and makes ready what is to be written. Writes nothing itself.
///
/// # Errors
/// `Conflict` if the same version is known with other content; otherwise if the person cannot be identified, the content
/// cannot be sealed, or the store fails.
pub fn plan(read: &dyn Read, keys: &Keys, owner: &AgencyId, draft: &Draft) -> Result<Plan, Error> {
    let signal = id(&keys.hashes, owner, &draft.source);
    let before = Record::of(read, signal)?;
    let body = draft.body();
    let content = content(&keys.hashes, draft, &body)?;
    let outcome = match before.as_ref().map(|record| &record.known) {
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
    let mut txn = Txn::new(read);
    if matches!(outcome, Outcome::Corrected | Outcome::Recorded) {
        if let Some(header) = before.as_ref().and_then(Record::indexed) {
            labels::remove(&mut txn, header);
        }
        let known = Known {
            version: draft.source.version,
            content,
            retracted: false,
            exists: true,
        };
        draw_up(&mut txn, keys, owner, (signal, known), (draft, &body))?;
    }
    Ok(Plan {
        signal,
        outcome,
        writes: txn.into_writes(),
    })
}

/// Carries a plan out, in the batch that also holds its ledger entry.
///
/// # Errors
/// If the store fails.
pub fn keep(txn: &mut Txn<'_>, permit: &Permit<Act<Push>>, plan: &mut Plan) -> Result<(), Error> {
    if matches!(plan.outcome, Outcome::Corrected | Outcome::Recorded) {
        txn.take_over(std::mem::take(&mut plan.writes));
        changes::record(txn, Change::Signal(plan.signal), permit.scope().at())?;
    }
    Ok(())
}

/// Puts everything that is held of a signal into a transaction of its own.
fn draw_up(
    txn: &mut Txn<'_>,
    keys: &Keys,
    owner: &AgencyId,
    (signal, known): (SignalId, Known),
    (draft, body): (&Draft, &Body),
) -> Result<(), Error> {
    let person = draft
        .person
        .as_ref()
        .map(|who| person::resolve(txn, &keys.hashes, owner, who).map_err(Error::Person))
        .transpose()?;
    let header = Header {
        id: signal,
        version: known.version,
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
    let body = row::encode(tables::SIGNAL, body)?;
    let sealed = keys
        .vault
        .seal(txn, subject(&header), &bound_to(&header), &body)
        .map_err(Error::Sealed)?;
    labels::put(txn, &header)?;
    let record = Record {
        known,
        sealed,
        header: Some(header),
    };
    Ok(record.put(txn, signal)?)
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
    let id = id(hashes, owner, source);
    let before = Record::of(read, id)?;
    let known = before.as_ref().map(|record| &record.known);
    let outcome = match known {
        Some(known) if known.retracted => Retraction::AlreadyKnown,
        Some(known) if source.version < known.version => Retraction::AlreadyKnown,
        // A version names what was pushed under it, so taking it back needs a higher one.
        Some(known) if source.version == known.version => return Err(Error::Conflict),
        Some(known) if known.exists => Retraction::Retracted,
        _ => Retraction::NotFound,
    };
    Ok(RetractPlan {
        signal: known.is_some_and(|known| known.exists).then_some(id),
        outcome,
        id,
        rises: known.is_none_or(|known| known.version < source.version),
        before,
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
    if let Some(header) = plan.before.as_ref().and_then(Record::indexed) {
        labels::remove(txn, header);
    }
    if plan.outcome == Retraction::Retracted {
        changes::record(txn, Change::Signal(plan.id), at)?;
    }
    let header = plan.before.as_ref().and_then(|before| before.header.clone());
    let record = Record {
        known: Known {
            version: source.version,
            content: [0; 32],
            retracted: true,
            exists: plan.signal.is_some(),
        },
        sealed: Vec::new(),
        header: header.map(|header| Header {
            version: source.version,
            ..header
        }),
    };
    Ok(record.put(txn, plan.id)?)
}

/// Forgets the labels and the content of a signal that has lapsed, and returns its labels; `None` if it has not lapsed.
/// Its version stays known, so that pushing it again changes nothing.
///
/// # Errors
/// If the store fails.
pub fn forget(txn: &mut Txn<'_>, signal: SignalId, now: Timestamp) -> Result<Option<Header>, Error> {
    let Some(mut record) = Record::of(txn, signal)? else {
        return Ok(None);
    };
    if let Some(header) = record.indexed().filter(|header| header.lapses_at <= now) {
        labels::remove(txn, header);
    }
    let Some(header) = record.header.take_if(|header| header.lapses_at <= now) else {
        return Ok(None);
    };
    record.sealed.clear();
    record.put(txn, signal)?;
    Ok(Some(header))
}

/// The id of a fact of an owner: the same for all its versions. A UUID of version 8 (RFC 9562 section 5.8), made from a
/// keyed hash of how the owner names it.
fn id(hashes: &Hashes, owner: &AgencyId, source: &Source) -> SignalId {
    let hash = hashes.signal(owner, &source.system, &source.id);
    SignalId(uuid::Builder::from_custom_bytes(hash).into_uuid().into_bytes())
}

/// A keyed hash of what the owner pushed, so that the same version with other content is noticed.
fn content(hashes: &Hashes, draft: &Draft, body: &Body) -> Result<[u8; 32], Error> {
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
    let bytes = row::encode(tables::SIGNAL, &(labels, limits, references, body))?;
    Ok(hashes.content(&bytes))
}
