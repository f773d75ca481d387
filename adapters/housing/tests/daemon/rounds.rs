//! The program is killed, stopped, left without a hub; and what has come of it all.
//! No test here leans on the length of a pause.

use std::{collections::BTreeSet, time::Instant};

use crate::{
    home::{self, Home},
    hub::Hub,
};

/// Files, and how often the program is killed.
const ROUNDS: usize = 20;
const ROWS: usize = 300;
/// A word that stands for personal data: it is in every row, and may be in no log and no report.
const SECRET: &str = "Zzyzxfictional";

/// A file of arrears whose third row is bad.
fn arrears(file: usize, rows: usize) -> String {
    let mut text =
        "tenancy_ref,uprn,family_name,given_name,birth_date,nhs_number,postcode,weeks_in_arrears,arrears_pence,as_of\n"
            .to_owned();
    for row in 1..=rows {
        let weeks = if row == 2 { "many" } else { "5" };
        text += &format!("F{file}-{row},999000000101,{SECRET},Alex,14/03/1958,,WN99 9AA,{weeks},81240,09/11/2026\n");
    }
    text
}

fn expected(files: usize, rows: usize) -> BTreeSet<String> {
    let ids = (0..files).flat_map(|file| (1..=rows).filter(|row| *row != 2).map(move |row| (file, row)));
    ids.map(|(file, row)| format!("F{file}-{row}:2026-11")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_done_before_a_kill_is_at_the_hub_exactly_once() {
    let home = Home::new();
    let mut hub = Hub::start(&home, Some(97)).await;
    // Killed after a number of pushes that differs from round to round, at times before the first.
    let mut random = 0x2545_f491_u64;
    for round in 0..ROUNDS {
        home.drop_file(&format!("arrears-{round}.csv"), &arrears(round, ROWS));
        let mut program = home.run();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let pushes = (random >> 33) as usize % (ROWS / 2);
        hub.pushes(pushes).await;
        program.kill().unwrap();
        program.wait().unwrap();
    }
    let mut program = home.run();
    hub.has(ROUNDS * (ROWS - 1)).await;
    home.until_taken();
    home.stop(&mut program);

    assert_eq!(hub.ids(), expected(ROUNDS, ROWS));
    assert_eq!(hub.conflicts(), 0, "one version came with two contents");
    let standing = home.status();
    assert_eq!(
        (&standing["outbox_depth"], &standing["quarantined"]),
        (&0.into(), &ROUNDS.into())
    );
    assert_eq!(home.count("drop/done"), ROUNDS);
    assert_eq!(home.count("drop/rejected"), ROUNDS, "a report for each file");
    home.nowhere_said(SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_mended_is_sent_again_and_a_hub_that_was_away_gets_all_of_it() {
    let home = Home::new();
    home.drop_file("arrears.csv", &arrears(0, 10));
    let mut program = home.run();
    home.until_taken();
    home.stop(&mut program);
    assert_eq!(home.status()["outbox_depth"], 9, "the hub has never been there");

    let mut hub = Hub::start(&home, None).await;
    let mut program = home.run();
    hub.has(9).await;
    // Nothing has been mended, so the row comes back; that it was tried is what counts.
    let listed = home.command(&["quarantine", "list", "--settings"]);
    assert!(
        listed.contains("arrears.csv row 3") && listed.contains("weeks_in_arrears"),
        "{listed}"
    );
    assert!(
        home.command(&["quarantine", "retry", "--all", "--settings"])
            .starts_with("1 to be sent again")
    );
    home.until(|standing| standing["quarantined"] == 1 && standing["to_be_sent_again"] == 0);
    home.stop(&mut program);
    assert_eq!(hub.ids().len(), 9);
    home.nowhere_said(SECRET);
}

/// Also prints how fast rows get from the drop folder to the hub; for figures run it with
/// `cargo test --release -p placehub-housing --test daemon hundred -- --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_rows_need_less_than_a_hundred_mebibytes() {
    const MANY: usize = 100_000;
    let home = Home::new();
    let mut hub = Hub::start(&home, None).await;
    home.drop_file("arrears.csv", &arrears(0, MANY));
    let begun = Instant::now();
    let mut program = home.run();
    hub.has(MANY - 1).await;
    let seconds = begun.elapsed().as_secs_f64();
    let peak = home::peak_memory(&program);
    home.stop(&mut program);
    eprintln!(
        "{MANY} rows in {seconds:.1} s, {:.0} a second, at most {peak} KiB",
        MANY as f64 / seconds
    );
    assert!(peak < 100 * 1024);
}
