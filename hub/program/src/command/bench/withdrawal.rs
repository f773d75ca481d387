//! Withdrawal: people withdraw their consent while many ask about them, and no answer that begins after the
//! acknowledgement may show anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use placehub_proto::v1::ConsentStance;
use tokio::task::JoinSet;

use super::{
    ask,
    figures::{Row, Spread},
    kinds, load,
    measure::{Run, Wrong},
    stage::{CONNECTIONS, Party, Stage, WELFARE},
    town::Person,
};
use crate::link::Link;

/// Callers who ask about the person all the while.
const CALLERS: usize = 50;
/// How long they ask before, and after.
const BEFORE: Duration = Duration::from_millis(100);

/// An answer: when its question was put, and how many signals it shows.
type Answer = (Instant, usize);

/// Has so many people withdraw, one after the other.
///
/// # Errors
/// If nobody can be asked about.
pub(super) async fn measure(stage: &Stage, people: usize) -> Result<Row> {
    let desks = stage.desks(Party::Hub, CONNECTIONS)?;
    let adviser = stage.place.desk(WELFARE, 0, stage.address(Party::Hub))?;
    let (mut run, mut took) = (Run::default(), Vec::new());
    let (mut before, mut after, mut leaked) = (0, 0, 0u64);
    for person in stage.town.leavers().take(people) {
        let round = withdraw(stage, &desks, &adviser, person).await?;
        let (detail, headline) = kinds::seen_of_person();
        let whole = usize::try_from(detail + headline).unwrap_or_default();
        for answer in round.answers {
            match answer {
                Err(why) => run.note(why),
                Ok((began, shown)) if began >= round.acknowledged => {
                    after += 1;
                    if shown > 0 {
                        leaked += 1;
                        run.note("an answer begun after an acknowledgement shows something".to_owned());
                    }
                }
                Ok((_, shown)) if shown == whole || shown == 0 => before += 1,
                Ok((_, shown)) => run.note(format!("an answer shows {shown} signals: neither all nor none")),
            }
        }
        took.push(round.took.as_secs_f64() * 1e3);
    }
    if after == 0 || before == 0 {
        run.note("nobody asked before or after a withdrawal".to_owned());
    }
    let work = format!(
        "{} people withdraw, one after the other, while {CALLERS} callers ask about them",
        took.len()
    );
    let mut row = Row::new("withdrawal", work);
    row.note(&[run]);
    let took = Spread::of(took).context("nobody withdrew")?;
    row.figure("withdrawal, median", took.median, "ms");
    row.figure("withdrawal, slowest", took.highest, "ms");
    row.figure("answers begun before an acknowledgement", f64::from(before), "");
    row.figure("answers begun after one", f64::from(after), "");
    row.figure("of these showing anything", leaked as f64, "");
    row.aim("no answer begun after the acknowledgement shows anything", leaked == 0);
    Ok(row)
}

/// One withdrawal.
struct Round {
    acknowledged: Instant,
    took: Duration,
    answers: Vec<Result<Answer, Wrong>>,
}

async fn withdraw(stage: &Stage, desks: &Arc<[Link]>, adviser: &Link, person: Person) -> Result<Round> {
    let enough = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (desks, enough) = (desks.clone(), enough.clone());
        let request = ask::about(&stage.town, person);
        callers.spawn(async move {
            let mut answers = Vec::new();
            while !enough.load(Ordering::Acquire) {
                let Some(desk) = desks.get(caller % desks.len()) else {
                    break;
                };
                let began = Instant::now();
                let answer = ask::call(desk, request.clone()).await;
                answers.push(answer.map(|answer| (began, answer.signals.len())));
            }
            answers
        });
    }
    tokio::time::sleep(BEFORE).await;
    let began = Instant::now();
    let said = load::say(adviser, &stage.town, person, ConsentStance::Withdrawn).await;
    let (acknowledged, took) = (Instant::now(), began.elapsed());
    tokio::time::sleep(BEFORE).await;
    enough.store(true, Ordering::Release);
    let mut answers = Vec::new();
    while let Some(part) = callers.join_next().await {
        answers.extend(part?);
    }
    match said {
        Ok(()) => Ok(Round {
            acknowledged,
            took,
            answers,
        }),
        Err(why) => bail!("a withdrawal was not taken down: {why}"),
    }
}
