//! Chance that is the same in each run of one seed: SplitMix64 (Steele, Lea and Flood, 2014), started anew for each thing.
//! It is for made-up towns alone, never for keys.

/// A row of numbers that look like chance.
pub(super) struct Chance(u64);

impl Chance {
    /// The row of one thing in one run: the same pair always gives the same row.
    pub(super) fn new(seed: u64, thing: u64) -> Self {
        let mut mixed = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        let start = mixed.next() ^ thing.wrapping_mul(0xd134_2543_de82_ef95);
        Self(start)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// A number below `end`, low ones more often: the first quarter is drawn half of the time.
    pub(super) fn skewed(&mut self, end: u64) -> u64 {
        let unit = u128::from(self.below(1 << 32));
        u64::try_from((unit * unit * u128::from(end)) >> 64).unwrap_or_default()
    }

    /// One of these, each as likely; empty if there is none.
    pub(super) fn word(&mut self, words: &[&'static str]) -> &'static str {
        let at = usize::try_from(self.below(words.len() as u64)).unwrap_or_default();
        words.get(at).copied().unwrap_or_default()
    }
}
