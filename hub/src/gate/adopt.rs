//! What becomes of the policies themselves, each in the ledger: put in force, refused, lapsed.
//! Holds no rule; the switch to other policies happens in the very batch that records it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Gate};
use crate::{
    decide::PolicySet,
    ledger::{Change, Entry, Refusal},
    model::AgreementId,
    store::{self, Read, Txn, row},
    tables,
};

/// The longest fault of policies that is told, in characters.
pub const FAULT: usize = 2000;

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
                    change: Some(Change {
                        from: kept.digest,
                        to: set.digest().to_owned(),
                        by,
                    }),
                    ..Entry::new(now, "policies-loaded")
                };
                let _entered = ledger.enter(txn, entry, &[])?;
                kept.digest = set.digest().to_owned();
                txn.put(key(), row::encode(tables::SINGLE, &kept)?);
            }
            policies.store(set);
            Ok(())
        }
    }

    /// Enters that policies were refused. Those in force stay in force.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub async fn refuse(&self, digest: &str, fault: &str, by: &str, now: Timestamp) -> Result<(), Error> {
        let in_force = self.policies();
        let entry = Entry {
            refusal: Some(Refusal {
                code: "POLICIES_INVALID".to_owned(),
                reason: fault.chars().take(FAULT).collect(),
            }),
            policy: in_force.digest().parse().ok(),
            change: Some(Change {
                from: in_force.digest().to_owned(),
                to: digest.to_owned(),
                by: by.to_owned(),
            }),
            ..Entry::new(now, "policies-refused")
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
                    agreements: fresh,
                    change: Some(Change {
                        from: digest.clone(),
                        to: digest,
                        by: "review date passed".to_owned(),
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

fn key() -> Vec<u8> {
    [&[tables::SINGLE], &b"policies.kept"[..]].concat()
}

fn kept(read: &(impl Read + ?Sized)) -> Result<Kept, store::Error> {
    match read.get(&key())? {
        Some(bytes) => row::decode(tables::SINGLE, &bytes),
        None => Ok(Kept::default()),
    }
}
