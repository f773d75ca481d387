//! What single pieces of an answer cost, each apart: a decision by class beside one for each row, an entry of the ledger, a
//! commit that many share, the coding of a row. Compares and prints; asserts nothing about time.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up is to stop")]

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use divan::{Bencher, black_box, counter::ItemsCount};
use jiff::Timestamp;
use placehub_hub::{
    decide::{Class, Office, PolicySet, Reasons, Standing},
    ledger::{Entry, Ledger, Signer},
    model::{AreaCode, ConsentFact, Header, Level, PersonId, Sensitivity, Severity, SignalId, SubjectSort},
    store::{Committer, Hooks, Memory, Txn, row},
    tables,
};

/// Rows of a question about an area.
const ROWS: usize = 1000;
/// Entries, or jobs, that share a commit.
const SHARED: usize = 64;

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn areas() -> Arc<[AreaCode]> {
    ["E01006370", "central"].map(|code| code.parse().unwrap()).into()
}

/// A thousand rows of two dozen classes, as a week of a quarter has them.
fn rows() -> Vec<Class> {
    let kinds = [
        "housing.rent-arrears",
        "welfare.crisis-grant",
        "health.hospital-discharge",
    ];
    let said = [
        ConsentFact::Given,
        ConsentFact::None,
        ConsentFact::Refused,
        ConsentFact::Withdrawn,
    ];
    let row = |number: usize| {
        let kind = kinds.get(number % kinds.len()).unwrap();
        Class {
            kind: kind.parse().unwrap(),
            owner: kind.split('.').next().unwrap().parse().unwrap(),
            severity: if number.is_multiple_of(2) {
                Severity::Low
            } else {
                Severity::High
            },
            sensitivity: Sensitivity::Ordinary,
            areas: areas(),
            about: SubjectSort::Person,
            consent: *said.get(number / 7 % said.len()).unwrap(),
            deceased: false,
        }
    };
    (0..ROWS).map(row).collect()
}

fn asker() -> (Standing, Reasons) {
    let standing = Standing {
        agency: "housing".parse().unwrap(),
        sector: "housing".parse().unwrap(),
        practitioner: Some(Office {
            roles: BTreeSet::from(["housing-officer".to_owned()]),
            teams: BTreeSet::new(),
            areas: BTreeSet::from(["central".parse().unwrap()]),
        }),
    };
    let reasons = Reasons {
        subject: SubjectSort::Area,
        purpose: "homelessness-prevention".parse().unwrap(),
        gateway: "none".parse().unwrap(),
        case_reference: true,
        areas: areas(),
    };
    (standing, reasons)
}

fn policies() -> PolicySet {
    PolicySet::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")).unwrap()
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn decision_for_each_row(bencher: Bencher<'_, '_>) {
    let (policies, rows, (who, why)) = (policies(), rows(), asker());
    let asked = policies.replay(who, why, Level::Detail, false, now());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let levels = rows.iter().filter_map(|row| asked.level(black_box(row)));
        levels.count()
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn decision_by_class(bencher: Bencher<'_, '_>) {
    let (policies, rows, (who, why)) = (policies(), rows(), asker());
    let asked = policies.replay(who, why, Level::Detail, false, now());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut known = HashMap::new();
        let levels = rows
            .iter()
            .filter_map(|row| *known.entry(black_box(row)).or_insert_with(|| asked.level(row)));
        levels.count()
    });
}

#[divan::bench]
fn ledger_append(bencher: Bencher<'_, '_>) {
    let signer = Signer::from_pkcs8("bench.example", &Signer::generate_pkcs8().unwrap()).unwrap();
    let (ledger, store) = (Ledger::new(signer), Memory::new());
    let entry = Entry {
        allowed: true,
        ..Entry::new(now(), "ask")
    };
    bencher.counter(ItemsCount::new(SHARED)).bench_local(|| {
        let mut txn = Txn::new(&store);
        for number in 0..SHARED {
            let subject = u8::try_from(number).unwrap();
            let _entered = ledger
                .enter(&mut txn, entry.clone(), &[[subject; 16], [255; 16]])
                .unwrap();
        }
        ledger.complete(&mut txn).unwrap();
        txn.into_writes().len()
    });
}

#[divan::bench]
fn commit_that_is_shared(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let hooks = Hooks {
        seal: Box::new(|_| Ok(())),
        committed: Box::new(|_| ()),
    };
    let committer = Committer::start(Arc::new(Memory::new()), hooks).unwrap();
    bencher.counter(ItemsCount::new(SHARED)).bench_local(|| {
        let jobs = (0..SHARED).map(|number| {
            committer.commit(move |txn| {
                txn.put(number.to_be_bytes(), vec![0; 200]);
                Ok::<_, ()>(())
            })
        });
        runtime.block_on(futures_util::future::join_all(jobs)).len()
    });
}

fn header() -> Header {
    Header {
        id: SignalId([1; 16]),
        version: 1,
        kind: "housing.rent-arrears".parse().unwrap(),
        owner: "housing".parse().unwrap(),
        person: Some(PersonId([2; 16])),
        address: Some([3; 16]),
        area: Some("E01006370".parse().unwrap()),
        occurred_at: now(),
        lapses_at: now(),
        severity: Severity::Low,
        sensitivity: Sensitivity::Ordinary,
    }
}

#[divan::bench]
fn row_encoded() -> Vec<u8> {
    row::encode(tables::LABEL_PERSON, &black_box(header())).unwrap()
}

#[divan::bench]
fn row_decoded(bencher: Bencher<'_, '_>) {
    let bytes = row::encode(tables::LABEL_PERSON, &header()).unwrap();
    bencher.bench_local(|| row::decode::<Header>(tables::LABEL_PERSON, black_box(&bytes)).unwrap());
}
