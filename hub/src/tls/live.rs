//! The TLS files in force, and their replacement while the hub runs.
//! It never replaces a part: the old stay in force until all of the new have been read and checked.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::Mutex;

use super::{Error, Material, Paths, Revoked};

/// The handle that `accept`, `authn`, health and the reload signal share.
#[derive(Debug)]
pub struct Live {
    paths: Paths,
    material: ArcSwap<Material>,
    reloading: Mutex<()>,
}

impl Live {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// Those of [`Material::load`].
    pub fn open(paths: Paths) -> Result<Self, Error> {
        let material = ArcSwap::from_pointee(Material::load(&paths)?);
        Ok(Self {
            paths,
            material,
            reloading: Mutex::new(()),
        })
    }

    /// Reads the files again. New handshakes use the new ones at once, and so does the check of revocations at every
    /// request; open connections go on with the keys they have.
    ///
    /// # Errors
    /// Those of [`Material::load`]: what was in force before then stays in force.
    pub fn reload(&self) -> Result<(), Error> {
        // Two reloads at once could otherwise put the older files in force last.
        let _one_at_a_time = self.reloading.lock();
        self.material.store(Arc::new(Material::load(&self.paths)?));
        Ok(())
    }

    /// What is in force now.
    pub fn material(&self) -> Arc<Material> {
        self.material.load_full()
    }

    /// What has been revoked, as far as is known now.
    pub fn revoked(&self) -> Arc<Revoked> {
        Arc::clone(self.material.load().revoked())
    }

    /// Whole days until the hub's own certificate expires; negative once it has.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        self.material.load().days_left(now)
    }
}
