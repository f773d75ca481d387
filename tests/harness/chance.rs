//! Chance that can be repeated: rounds and a seed from the settings of the tests, and numbers from the seed.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use crate::program::setting;

/// Numbers by chance, the same for the same seed (SplitMix64, Steele and others 2014).
pub(crate) struct Chance(u64);

impl Chance {
    /// As many rounds as `PLACEHUB_TEST_ROUNDS` says, else `usual`, and the chance of `PLACEHUB_TEST_SEED`, else of a new
    /// seed, which is printed.
    pub(crate) fn of_settings(usual: u64) -> (u64, Self) {
        let number = |name: &str| setting(name).map(|text| text.parse::<u64>().unwrap());
        let rounds = number("PLACEHUB_TEST_ROUNDS").unwrap_or(usual);
        let seed = number("PLACEHUB_TEST_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("{rounds} rounds; to repeat them: PLACEHUB_TEST_SEED={seed}");
        (rounds, Self(seed))
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
