//! What is known of the witnesses. Nothing here asks them.

use jiff::Timestamp;

/// What is known at one moment.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The newest head that as many witnesses have cosigned as are required, and one at least; empty if there is none.
    pub witnessed: String,
    /// How many of the witnesses have cosigned the head that is asked for.
    pub cosigned: usize,
    /// Each witness, in the order of the settings.
    pub witnesses: Vec<Standing>,
    /// Why too few witnesses have cosigned for too long, if so.
    pub alarm: Option<String>,
}

/// How one witness stands.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// How many entries it has last cosigned.
    pub size: u64,
    /// When, by its own clock.
    pub cosigned_at: Option<Timestamp>,
    /// Why it has not cosigned what it was last asked to; empty if it has.
    pub trouble: String,
}
