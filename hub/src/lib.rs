//! Placehub's hub as a library.
//!
//! Health, police, housing and welfare push small signals; practitioners ask; every answer is decided
//! for this person, this purpose and this patch, and the decision is on disk before a byte leaves.
//!
//! The chain of types is the architecture: `Caller` and `Question` become a `Decision`, the decision an entry of the
//! ledger, the durable entry a `Receipt`, the receipt a `Permit`, and only a permit opens a signal.

pub mod authn;
pub mod catalogue;
pub mod changes;
pub mod clock;
pub mod config;
pub mod consent;
pub mod decide;
pub mod gate;
pub mod hub;
pub mod inspect;
pub mod keys;
pub mod labels;
pub mod ledger;
pub mod metrics;
pub mod person;
pub mod place;
#[cfg(feature = "prove")]
pub mod prove;
pub mod publish;
pub mod rpc;
pub mod signals;
pub mod store;
pub mod tables;
pub mod tls;
pub mod wire;

/// Words that two or more rooms use.
pub use placehub_model as model;
