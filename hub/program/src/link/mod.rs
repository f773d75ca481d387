//! The way to a hub: who speaks, through which certificate, with which token.
//! It never speaks without mutual TLS, and never prints a token or a key.

mod arguments;
mod fault;
mod handshake;

use std::time::Duration;

use anyhow::{Context as _, Result};
use placehub_delivery::Settings;
use placehub_proto::v1::{
    consent_service_client::ConsentServiceClient, ledger_service_client::LedgerServiceClient,
    policy_service_client::PolicyServiceClient, signal_service_client::SignalServiceClient,
};
use tonic::{Request, Status, metadata::MetadataValue, transport::Channel};
use tonic_health::pb::health_client::HealthClient;

pub(crate) use arguments::LinkArguments;
pub(crate) use fault::Fault;
pub(crate) use handshake::{Met, meet};

/// How long the hub may take to answer a call that is not kept open.
const DEADLINE: Duration = Duration::from_secs(30);

/// A prepared connection, made at first use.
pub(crate) struct Link {
    settings: Settings,
    channel: Channel,
    token: Option<String>,
}

impl Link {
    /// Prepares a connection. Must be called within the runtime.
    ///
    /// # Errors
    /// If the certificates are of no use.
    pub(crate) fn new(settings: Settings, token: Option<String>) -> Result<Self> {
        let channel = placehub_delivery::channel(&settings).context("cannot make a connection")?;
        Ok(Self {
            settings,
            channel,
            token,
        })
    }

    /// The hub's URL.
    pub(crate) fn hub(&self) -> &str {
        &self.settings.hub
    }

    /// What the connection is made with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The practitioner's token, if there is one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The connection itself, for what needs no token.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Pushing, asking and watching.
    pub(crate) fn signals(&self) -> SignalServiceClient<Channel> {
        SignalServiceClient::new(self.channel())
    }

    /// What people said.
    pub(crate) fn consents(&self) -> ConsentServiceClient<Channel> {
        ConsentServiceClient::new(self.channel())
    }

    /// The record of decisions.
    pub(crate) fn ledger(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel())
    }

    /// What the rules say.
    pub(crate) fn policies(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel())
    }

    /// Whether the hub is well.
    pub(crate) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel())
    }

    /// A call with the token, if there is one, and a deadline.
    ///
    /// # Errors
    /// If the token cannot be sent.
    pub(crate) fn call<T>(&self, message: T) -> Result<Request<T>> {
        let mut request = self.open(message)?;
        request.set_timeout(DEADLINE);
        Ok(request)
    }

    /// A call that is kept open: with the token, without a deadline.
    ///
    /// # Errors
    /// If the token cannot be sent.
    pub(crate) fn open<T>(&self, message: T) -> Result<Request<T>> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let mut bearer: MetadataValue<_> = format!("Bearer {token}")
                .parse()
                .map_err(|_| anyhow::anyhow!("the token holds characters that no token has"))?;
            bearer.set_sensitive(true);
            request.metadata_mut().insert("authorization", bearer);
        }
        Ok(request)
    }

    /// What a status means, in a sentence.
    pub(crate) fn fault(&self, status: Status) -> Fault {
        Fault::of(self.hub(), &status)
    }
}
