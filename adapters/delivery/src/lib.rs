//! What every agency's adapter shares: reading fields and tables, and delivering drafts to the hub.
//! It never decides who may see a signal, and it knows the hub only through the contract in `placehub-proto`.
//!
//! # Layout
//!
//! - [`draft`]: what an adapter hands over, one [`Translated`] for each row or message; [`content`], what the hub is told of it.
//! - [`fields`]: NHS numbers, postcodes, UPRNs, dates, money. Pure.
//! - [`table`]: CSV files with a known header, row by row, and [`identity`], the columns that name a person. Pure.
//! - [`json`]: files of JSON records, one by one. Pure.
//! - [`mod@file`]: a file's encoding, length and digest, found before any of it is used.
//! - [`folder`]: the drop folder, and [`intake`], through which every source hands over what it took.
//! - [`listen`]: connections that come in, with TLS or without, never too many at a time.
//! - [`outbox`]: keeps that on disk until the hub has it; [`quarantine`] keeps what nobody would take.
//! - [`sender`]: from the outbox to the hub, for as long as it takes.
//! - [`settings`] and [`mod@channel`]: the mutual TLS connection to the hub; [`catalogue`], what the hub must have before
//!   anything is sent.
//! - [`mod@push`]: the stream of drafts, its acknowledgements and its retries; [`report`] counts what became of them.
//! - [`daemon`], [`standing`], [`metrics`] and [`program`]: the programs, of which each adapter has one.
//!
//! Files, listeners → [`intake::Intake`] → [`outbox::Outbox`] → [`sender::Sender`] → hub; or → [`quarantine::Quarantine`].

pub mod catalogue;
pub mod channel;
pub mod clock;
pub mod content;
pub mod daemon;
pub mod draft;
pub mod fields;
pub mod file;
pub mod folder;
pub mod identity;
pub mod intake;
pub mod json;
pub mod listen;
pub mod metrics;
pub mod outbox;
mod piece;
pub mod program;
pub mod push;
pub mod quarantine;
pub mod report;
pub mod sender;
pub mod settings;
pub mod standing;
pub mod table;

pub use channel::channel;
pub use content::Content;
pub use draft::{FileError, Input, Piece, Pieces, Placed, Rows, Translated, Untranslatable};
pub use folder::Translate;
pub use push::push;
pub use report::Report;
pub use settings::Settings;
