//! sled by itself, with nothing of the hub's around it: what it takes to have batches of rows in it and on the disk.
//! Never used by the hub.

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use placehub_hub::store::{Batch, CACHE, SEGMENT};

/// sled in a folder, with the settings that the hub gives it.
pub(super) struct Alone {
    sled: sled::Db,
    log: File,
}

impl Alone {
    /// Makes one in a folder that is there and empty.
    ///
    /// # Errors
    /// If its files cannot be made.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let settings = sled::Config::new()
            .path(folder)
            .segment_size(SEGMENT)
            .cache_capacity(CACHE);
        Ok(Self {
            sled: settings.flush_every_ms(None).open()?,
            log: File::open(folder.join("db"))?,
        })
    }

    /// Writes a batch. When it returns, the batch is on the disk: sled's own flush does not wait for that.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn commit(&self, batch: Batch) -> Result<()> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key.as_slice(), value),
                None => writes.remove(key.as_slice()),
            }
        }
        self.sled.apply_batch(writes)?;
        self.sled.flush()?;
        Ok(self.log.sync_data()?)
    }

    /// Writes batches, one after the other, and says how long it took.
    ///
    /// # Errors
    /// If one cannot be written.
    pub(super) fn replay(&self, batches: Vec<Batch>) -> Result<Duration> {
        if batches.is_empty() {
            bail!("there is nothing to write");
        }
        let began = Instant::now();
        for batch in batches {
            self.commit(batch)?;
        }
        Ok(began.elapsed())
    }
}
