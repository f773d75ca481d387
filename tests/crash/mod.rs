//! A hub in a process of its own is killed at a random moment, again and again, while adapters push and desks ask.
//! What it acknowledged must be there, what it showed must be in the ledger, and nothing may be there by halves.
//!
//! `PLACEHUB_TEST_ROUNDS` sets how often it is killed at a random moment, `PLACEHUB_TEST_SEED` repeats those of an earlier run.

mod diary;
mod load;

use placehub_proto::v1::{ConsentStance, Question};

use self::{
    diary::Diary,
    load::{Enough, Life, journal},
};
use crate::{
    harness::{Chance, alex, question_person},
    program::{Home, placehub},
};

/// How often the hub is killed, if nothing else is said.
const ROUNDS: u64 = 20;
/// How many files of the journal are filled.
const FILES: u64 = 2;
/// How much is acknowledged more for each, once it goes into sled.
const MORE: u64 = 40;
/// The most acknowledgements and answers for which it is let live.
const MOST: Enough = Enough {
    acknowledged: 60,
    answers: 4,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_or_shown_outlives_a_kill() {
    let (rounds, mut chance) = Chance::of_settings(ROUNDS);
    let home = home_of_alex().await;
    let mut diary = Diary::default();
    for round in 0..rounds {
        let life = Life {
            file: false,
            enough: Enough {
                acknowledged: chance.below(MOST.acknowledged + 1),
                answers: chance.below(MOST.answers + 1),
            },
        };
        let served = home.serve().await;
        let told = load::until_killed(&home, served, round, &life).await;
        eprintln!("round {round}: to be killed after {life:?}; {}", told.summary());
        diary.add(told);
        let served = home.serve().await;
        diary.compare(&home).await;
        served.kill().await;
    }
    eprintln!("{}", diary.summary());
    let served = home.serve().await;
    let verified = home
        .run(&["ledger", "verify", "--as", "igo-1", "--json"])
        .await
        .ended(0);
    assert!(verified.json()["size"].as_u64().unwrap() >= diary.entries());
    served.stop().await;
}

/// What a full file of the journal holds is brought into sled while the hub goes on, and what was left of that is done when
/// it is started again. It is killed in the midst of the first, and mostly of the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_kill_while_it_is_brought_into_sled() {
    let home = home_of_alex().await;
    let mut diary = Diary::default();
    for round in 0..FILES {
        let life = Life {
            file: true,
            enough: Enough {
                acknowledged: round * MORE,
                answers: 0,
            },
        };
        let served = home.serve().await;
        let told = load::until_killed(&home, served, round, &life).await;
        assert!(journal(&home).len() > 1, "all was in sled already");
        eprintln!("round {round}: to be killed after {life:?}; {}", told.summary());
        diary.add(told);
        home.serve().await.kill().await;
        let left = journal(&home).len() > 1;
        eprintln!("round {round}: killed again, and all in sled: {}", !left);
        let served = home.serve().await;
        diary.compare(&home).await;
        served.stop().await;
    }
    eprintln!("{}", diary.summary());
    let (store, key) = (home.file("store"), home.file("ledger.pub"));
    let verified = placehub(["ledger", "verify", "--store", &store, "--key-file", &key, "--json"]).await;
    assert!(verified.ended(0).json()["size"].as_u64().unwrap() >= diary.entries());
}

/// A home whose hub knows that Alex consents.
async fn home_of_alex() -> Home {
    let home = Home::new().await;
    let first = home.serve().await;
    let officer = home.practitioner("housing", "officer-42").await;
    officer.says(alex(), ConsentStance::Given).await.unwrap();
    first.kill().await;
    home
}

/// What is asked before and after each kill: all that is known of Alex.
fn question() -> Question {
    question_person(alex(), "homelessness-prevention")
}
