//! A landlord that drops a file of arrears now and then, which counts as taken once the adapter has moved it away.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use jiff::tz::TimeZone;
use placehub_hub::clock::{Clock as _, SystemClock};
use tokio::time::{Instant, sleep};

use super::A_LITTLE;
use crate::program::Home;

/// Longer than a file takes that is taken at all.
const PATIENCE: Duration = Duration::from_secs(120);
/// Rows in a file.
const ROWS: u64 = 25;

/// A drop folder.
pub(super) struct Landlord {
    folder: PathBuf,
}

impl Landlord {
    /// Makes the folder.
    pub(super) fn new(home: &Home) -> Self {
        let folder = home.beside().join("drop");
        fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    /// The table of the adapter's settings by which it finds the folder.
    pub(super) fn table(&self) -> String {
        format!(
            "[folder]\npath = {:?}\nevery_seconds = 1\n",
            self.folder.display().to_string()
        )
    }

    /// Drops the file of a round as a sender should: under another name first.
    pub(super) fn drop_file(&self, round: u64) {
        let today = SystemClock
            .now()
            .to_zoned(TimeZone::UTC)
            .strftime("%d/%m/%Y")
            .to_string();
        let mut text = "tenancy_ref,uprn,family_name,given_name,birth_date,nhs_number,postcode,weeks_in_arrears,\
                        arrears_pence,as_of\n"
            .to_owned();
        for row in 0..ROWS {
            let pence = round * ROWS + row + 1;
            text += &format!(
                "F{round}-{row},999000000101,Zzyzxfictional,Alex,14/03/1958,9990001006,WN99 9AA,5,{pence},{today}\n"
            );
        }
        let part = self.folder.join(format!("arrears-{round}.csv.part"));
        fs::write(&part, text).unwrap();
        fs::rename(&part, part.with_extension("")).unwrap();
    }

    /// Waits until every file was taken.
    pub(super) async fn taken(&self) {
        let begun = Instant::now();
        let waiting = || {
            let mut entries = fs::read_dir(&self.folder).unwrap();
            entries.any(|entry| entry.unwrap().file_type().unwrap().is_file())
        };
        while waiting() {
            assert!(begun.elapsed() < PATIENCE, "files stay in the folder");
            sleep(A_LITTLE).await;
        }
    }

    /// What tells the rows of so many rounds apart.
    pub(super) fn rows(&self, rounds: u64) -> BTreeSet<i64> {
        (1..=i64::try_from(rounds * ROWS).unwrap()).collect()
    }
}
