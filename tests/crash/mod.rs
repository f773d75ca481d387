//! A hub in a process of its own is killed at a random moment, again and again, while adapters push and desks ask.
//! What it acknowledged must be there, what it showed must be in the ledger, and nothing may be there by halves.
//!
//! `PLACEHUB_TEST_ROUNDS` sets how often it is killed, `PLACEHUB_TEST_SEED` repeats the moments of an earlier run.

mod diary;
mod load;

use placehub_proto::v1::{ConsentStance, Question};

use self::{diary::Diary, load::Enough};
use crate::{
    harness::{Chance, alex, question_person},
    program::Home,
};

/// How often the hub is killed, if nothing else is said.
const ROUNDS: u64 = 20;
/// The most acknowledgements and answers for which it is let live.
const MOST: Enough = Enough {
    acknowledged: 60,
    answers: 4,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_or_shown_outlives_a_kill() {
    let (rounds, mut chance) = Chance::of_settings(ROUNDS);
    let home = Home::new().await;
    let mut diary = Diary::default();

    let first = home.serve().await;
    let officer = home.practitioner("housing", "officer-42").await;
    officer.says(alex(), ConsentStance::Given).await.unwrap();
    first.kill().await;
    for round in 0..rounds {
        let enough = Enough {
            acknowledged: chance.below(MOST.acknowledged + 1),
            answers: chance.below(MOST.answers + 1),
        };
        let served = home.serve().await;
        let told = load::until_killed(&home, served, round, enough).await;
        eprintln!("round {round}: to be killed after {enough:?}; {}", told.summary());
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

/// What is asked before and after each kill: all that is known of Alex.
fn question() -> Question {
    question_person(alex(), "homelessness-prevention")
}
