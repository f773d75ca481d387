//! Mints a development PKI and development tokens for one place.
//! It never reads a clock, never signs for production (every subject says "DEV ONLY"), and never prints a key.

mod error;
mod files;
mod issuer;
mod names;
mod pki;
mod signing;

pub use error::{Error, Result};
pub use issuer::{Issuer, Own, PreviousKey, TokenSpec, issuer_url};
pub use pki::{ClientSpec, IssuedClient, IssuedServer, Pki, Serial, thumbprint_of_pem};
pub use signing::signing_key;
