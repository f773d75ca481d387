//! What becomes of the policies themselves, each in the ledger: put in force, refused, lapsed.
//! Holds no rule; the switch to other policies happens in the very batch that records it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Gate};
use crate::{
    decide::PolicySet,
    ledger::{self, Change, Entry, Ledger, Refusal},
    model::{AgreementId, PolicyVersion},
    store::{self, Committer, Read, Txn, row},
    tables,
};

/// The longest fault of policies that is told, in characters.
pub const FAULT: usize = 2000;

/// Policies that cannot come into force.
#[derive(Debug, Clone)]
pub struct Unfit {
    /// When that was found.
    pub at: Timestamp,
    /// SHA-256 (hex) over their files; empty if they could not be read.
    pub digest: String,
    /// The version that they call themselves, if that can be read.
    pub version: Option<PolicyVersion>,
    /// What is wrong with them, with file and line: at most [`FAULT`] characters.
    pub fault: String,
    /// Who or what would have put them in force, in words.
    pub by: String,
}

/// What was last entered of the policies.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The digest of those in force; empty if there have been none.
    digest: String,
    /// The agreements whose lapse was entered, each with its last day.
    lapsed: BTreeSet<(AgreementId, String)>,
}

impl Gate {
    /// Puts policies in force, and enters that if they are not those that were in force last. What was decided by those
    /// before and is not yet released is decided anew.
    ///
    /// # Errors
    /// If it cannot be recorded: then nothing changes.
    pub async fn adopt(&self, set: Arc<PolicySet>, by: &str, now: Timestamp) -> Result<(), Error> {
        let done = self.committer.commit(self.adoption(set, by, now));
        done.await??.into_inner();
        Ok(())
    }

    /// As `adopt`, of the policies that a hub starts with, which come before everything else that it writes.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub async fn begin(&self, now: Timestamp) -> Result<(), Error> {
        let adoption = self.adoption(self.policies(), "start", now);
        let done = self.committer.commit_though_held(adoption);
        done.await??.into_inner();
        Ok(())
    }

    fn adoption(
        &self,
        set: Arc<PolicySet>,
        by: &str,
        now: Timestamp,
    ) -> impl FnOnce(&mut Txn<'_>) -> Result<(), Error> + use<> {
        let (ledger, policies, by) = (self.ledger.clone(), self.policies.clone(), by.to_owned());
        move |txn| {
            let mut kept = kept(txn)?;
            if kept.digest != set.digest() {
                let entry = Entry {
                    allowed: true,
                    policy: set.digest().parse().ok(),
                    policy_version: Some(set.version().clone()),
                    change: Some(Change {
                        from: kept.digest,
                        to: set.digest().to_owned(),
                        by,
                        from_version: version(txn)?,
                        to_version: Some(set.version().clone()),
                    }),
                    ..Entry::new(now, "policies-loaded")
                };
                let _entered = ledger.enter(txn, entry, &[])?;
                kept.digest = set.digest().to_owned();
                txn.put(key(), row::encode(tables::SINGLE, &kept)?);
                txn.put(version_key(), set.version().as_str().into());
            }
            policies.store(set);
            Ok(())
        }
    }

    /// Enters that policies were refused. Those in force stay in force.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub async fn refuse(&self, unfit: Unfit) -> Result<(), Error> {
        let in_force = self.policies();
        let version = Some(in_force.version().clone());
        let entry = Entry {
            policy: in_force.digest().parse().ok(),
            policy_version: version.clone(),
            ..unfit.entry(in_force.digest().to_owned(), version)
        };
        let ledger = self.ledger.clone();
        let done = self.committer.commit(move |txn| {
            let _entered = ledger.enter(txn, entry, &[])?;
            Ok::<_, Error>(())
        });
        done.await??.into_inner();
        Ok(())
    }

    /// Enters, once for each, which agreements in force have lapsed.
    ///
    /// # Errors
    /// If it cannot be recorded. They permit nothing all the same.
    pub async fn note_lapses(&self, now: Timestamp) -> Result<(), Error> {
        let set = self.policies();
        let lapsed = set
            .agreements()
            .iter()
            .filter(|one| one.particulars().days_left(now) < 0);
        let lapsed: BTreeSet<(AgreementId, String)> = lapsed
            .map(|one| (one.id().clone(), one.particulars().review_date.to_string()))
            .collect();
        if kept(self.read())?.lapsed.is_superset(&lapsed) {
            return Ok(());
        }
        let ledger = self.ledger.clone();
        let done = self.committer.commit(move |txn| {
            let mut kept = kept(txn)?;
            let fresh: BTreeSet<AgreementId> = lapsed.difference(&kept.lapsed).map(|(id, _)| id.clone()).collect();
            if !fresh.is_empty() {
                let digest = set.digest().to_owned();
                let entry = Entry {
                    allowed: true,
                    policy: digest.parse().ok(),
                    policy_version: Some(set.version().clone()),
                    agreements: fresh,
                    change: Some(Change {
                        from: digest.clone(),
                        to: digest,
                        by: "review date passed".to_owned(),
                        ..Change::default()
                    }),
                    ..Entry::new(now, "agreements-lapsed")
                };
                let _entered = ledger.enter(txn, entry, &[])?;
                kept.lapsed.extend(lapsed);
                txn.put(key(), row::encode(tables::SINGLE, &kept)?);
            }
            Ok::<_, Error>(())
        });
        done.await??.into_inner();
        Ok(())
    }
}

/// Enters that a hub could not start by these policies, unless that is what the ledger says last: who starts it again and
/// again is told once. None are in force then.
///
/// # Errors
/// If it cannot be recorded.
pub async fn refuse_at_start(committer: &Committer, ledger: Arc<Ledger>, unfit: Unfit) -> Result<(), Error> {
    let done = committer.commit(move |txn| {
        let entry = unfit.entry(kept(txn)?.digest, version(txn)?);
        let last = ledger::read::newest(txn, None, 1)?.pop();
        let last = last.and_then(|(_, bytes)| Entry::parse(&bytes).ok());
        if !last.is_some_and(|last| Entry { at: entry.at, ..last } == entry) {
            let _entered = ledger.enter(txn, entry, &[])?;
        }
        Ok::<_, Error>(())
    });
    done.await??.into_inner();
    Ok(())
}

impl Unfit {
    fn entry(self, from: String, from_version: Option<PolicyVersion>) -> Entry {
        Entry {
            refusal: Some(Refusal {
                code: "POLICIES_INVALID".to_owned(),
                reason: self.fault.chars().take(FAULT).collect(),
            }),
            change: Some(Change {
                from,
                to: self.digest,
                by: self.by,
                from_version,
                to_version: self.version,
            }),
            ..Entry::new(self.at, "policies-refused")
        }
    }
}

fn key() -> Vec<u8> {
    [&[tables::SINGLE], &b"policies.kept"[..]].concat()
}

/// The version of the policies that were last in force.
fn version_key() -> Vec<u8> {
    [&[tables::SINGLE], &b"policies.version"[..]].concat()
}

fn version(read: &(impl Read + ?Sized)) -> Result<Option<PolicyVersion>, store::Error> {
    let kept = read.get(&version_key())?;
    Ok(kept.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()))
}

fn kept(read: &(impl Read + ?Sized)) -> Result<Kept, store::Error> {
    match read.get(&key())? {
        Some(bytes) => row::decode(tables::SINGLE, &bytes),
        None => Ok(Kept::default()),
    }
}
