//! What stands behind the last entry that the head speaks for: it is named, and nothing in front of it is taken for wrong.
//! Nothing here is stored.

use super::*;

#[test]
fn what_stands_beyond_the_head_is_named_and_accuses_nothing_before_it() {
    let beyond = |more: &[Vec<u8>], changed: &[usize]| {
        found(|entries, hashes| {
            hashes.extend(more.iter().map(|entry| leaf_hash(entry)));
            entries.extend_from_slice(more);
            for at in changed {
                entries[*at] = other(*at as i64);
            }
        })
    };
    for more in [other(20), other(3), b"{}".to_vec()] {
        for many in [1, 3] {
            let more = vec![more.clone(); many];
            let fault = beyond(&more, &[]);
            assert!(matches!(fault, Fault::Surplus { number: 20 }), "{fault}");
            let fault = beyond(&more, &[1]);
            assert!(matches!(fault, Fault::Changed { number: 1 }), "{fault}");
        }
    }
    let hash_alone = found(|_, hashes| hashes.push(leaf_hash(&other(20))));
    assert!(matches!(hash_alone, Fault::Surplus { number: 20 }), "{hash_alone}");
}

#[test]
fn entries_beyond_an_older_head_are_surplus_though_one_of_them_changes_the_key() {
    let (old, new) = (signer(1), signer(2));
    let mut log = Log::default();
    log.add(pushed());
    let head = log.head(&old);
    log.rotate(&old, &new);
    let evidence = Evidence {
        handovers: &log.handovers,
        ..Evidence::of(&head)
    };
    let fault = log.check_with(evidence, old.verifier_key()).unwrap_err();
    assert!(matches!(fault, Fault::Surplus { number: 1 }), "{fault}");
}
