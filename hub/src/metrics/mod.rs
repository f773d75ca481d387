//! What whoever runs the hub can have watched: counts and gauges in the text format of Prometheus.
//! It never shows anything of a person, a question or a signal, and its labels are words of the contract or the settings.

mod calls;
mod listener;
mod sheet;

use std::net::SocketAddr;

use serde::Deserialize;

pub use calls::{Calls, Counting};
pub use listener::serve;
pub use sheet::{Kind, Sheet};

/// Where the figures are shown.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port for plain HTTP: whoever reaches it reads them. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether that may be an address that other machines reach.
    #[serde(default)]
    pub expose: bool,
}

impl Settings {
    /// Whether the address is one that they may be shown at.
    pub fn is_fit(&self) -> bool {
        self.expose || self.listen.ip().is_loopback()
    }
}
