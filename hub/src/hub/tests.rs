//! What a hub makes of all that it commits.

use std::ops::ControlFlow;

use super::*;
use crate::{
    changes::Change,
    ledger::Entry,
    model::SignalId,
    store::{Memory, scan_prefix},
};

#[tokio::test]
async fn what_a_hub_commits_is_packed_and_signed_and_rings_the_bell_with_the_last_change() {
    let signer = Signer::from_pkcs8("test", &Signer::generate_pkcs8().unwrap()).unwrap();
    let (store, ledger, bell) = (Arc::new(Memory::new()), Arc::new(Ledger::new(signer)), Bell::new(0));
    let (entering, heard) = (ledger.clone(), bell.listen());
    let committer = committer(store.clone(), ledger.clone(), bell).unwrap();
    let done = committer.commit(move |txn| {
        for number in 0..20 {
            let now = "2026-11-21T12:00:00Z".parse().unwrap();
            let entry = Entry {
                allowed: true,
                ..Entry::new(now, "push")
            };
            let _entered = entering.enter(txn, entry, &[]).unwrap();
            changes::record(txn, Change::Signal(SignalId([number; 16])), now).unwrap();
        }
        Ok::<_, ()>(())
    });
    done.await.unwrap().unwrap();

    let rows = |table| {
        let mut rows = 0;
        scan_prefix(&*store, &[table], &mut |_, _| {
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        rows
    };
    assert_eq!(rows(tables::LEDGER_ENTRY), 2, "sixteen entries, and four");
    assert_eq!(rows(tables::CHANGE), 1, "all changes in one");
    let verified = ledger::verify::verify_stored(&*store, ledger.verifier_key());
    assert_eq!(verified.unwrap().size, 20);
    assert_eq!(*heard.borrow(), 20);
}
