//! Who calls: client certificate → agency and workload; token, bound to that certificate → practitioner.
//! It never decides what a caller may do, never fetches a key over the network, and never reads a clock.
//!
//! [`Authenticator`] is the only maker of a [`Caller`]. Everything about tokens is closed by default: the algorithm is
//! the key's, the keys are those of the agency that the certificate names, and what is not understood is refused
//! (RFC 8725; RFC 7515, 4.1.11; RFC 8705, 3).

mod agency;
mod caller;
mod error;
mod jwks;
mod peer;
mod provider;
#[cfg(test)]
mod tests;
mod token;

pub use agency::{Agencies, Agency, Issuer};
pub use caller::{Authenticator, Caller, Own, Practitioner, bearer};
pub use error::{Error, LoadError};
pub use peer::Peer;
