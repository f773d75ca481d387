//! Comes to know which signals there are, so that a new one is not looked for on the disk.
//! Writes nothing, and takes no more time than it leaves to whoever asks or pushes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task, time};

use crate::rpc::House;

/// At how many signals it looks at once: some milliseconds' work.
const AT_ONCE: usize = 1000;
/// How long it waits after a look that failed.
const AGAIN: Duration = Duration::from_secs(3600);

/// One look, and how long to wait before the next: as long as it took. `None` if all signals are known.
pub(super) async fn look(house: &Arc<House>) -> Option<Duration> {
    let (its, began) = (house.clone(), Instant::now());
    let looked = task::spawn_blocking(move || its.signals.learn(AT_ONCE)).await;
    // What a panic said stays out of the log: it may quote what was being read.
    let looked = looked.map_err(|_| "it panicked".to_owned());
    match looked.and_then(|looked| looked.map_err(|why| why.to_string())) {
        Ok(more) => more.then(|| began.elapsed()),
        Err(why) => {
            tracing::warn!(
                why,
                "which signals there are cannot be read; it is tried again in an hour"
            );
            Some(AGAIN)
        }
    }
}

/// Goes on after a look until all signals are known, or the hub stops.
pub(super) async fn go_on(house: Arc<House>, mut wait: Option<Duration>) {
    while let Some(rest) = wait {
        let rest = time::sleep(rest);
        if house.stopping.run_until_cancelled(rest).await.is_none() {
            return;
        }
        wait = look(&house).await;
    }
}
