//! What every agency's adapter shares: reading fields and tables, and delivering drafts to the hub.
//! It never decides who may see a signal, and it knows the hub only through the contract in `placehub-proto`.
//!
//! # Layout
//!
//! - [`draft`]: what an adapter hands over, one [`Translated`] for each row or message.
//! - [`fields`]: NHS numbers, postcodes, UPRNs, dates, money. Pure.
//! - [`table`]: CSV files with a known header, and [`identity`], the columns that name a person. Pure.
//! - [`settings`] and [`mod@channel`]: the mutual TLS connection to the hub.
//! - [`mod@push`]: the stream of drafts, its acknowledgements and its retries; [`report`] counts what became of them.
//! - [`program`]: the command line that the adapters' programs share.

pub mod channel;
pub mod draft;
pub mod fields;
pub mod identity;
pub mod program;
pub mod push;
pub mod report;
pub mod settings;
pub mod table;

pub use channel::channel;
pub use draft::{FileError, Placed, Translated, Untranslatable};
pub use push::push;
pub use report::Report;
pub use settings::Settings;
