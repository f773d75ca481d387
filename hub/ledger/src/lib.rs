//! The ledger's format: entries, the tree over them, the signed head, and how anyone checks them from bytes alone.
//! Never reads or writes the hub's store, and knows nothing of what wrote the bytes.
//!
//! The format, for those who check it with a program of their own, is in `hub/src/ledger/FORMAT.md`.

mod bundle;
mod checkpoint;
mod cosignature;
mod entry;
mod key;
mod note;
pub mod proof;
#[cfg(feature = "samples")]
pub mod samples;
pub mod tree;
pub mod verify;
pub mod witness;

pub use bundle::{Bundle, BundleWriter, Rows};
pub use checkpoint::Checkpoint;
pub use cosignature::{Cosigner, WitnessKey};
pub use entry::{
    Change, Class, Commitment, Entry, EntryInvalid, Format, Hex, HexInvalid, Hidden, LONGEST, Near, Refusal, Remainder,
    Shown, Subject, Touched, Written,
};
pub use note::{NoteInvalid, Signer, VerifierKey};
