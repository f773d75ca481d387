//! The services: one file each, five steps a handler: who is it, what is asked, may it be, open it, answer.
//! Never touches the store and never decides; a permit lives no longer than the answer it is for.

mod catalogue;
mod consent;
mod disclosure;
mod health;
mod identity;
mod inquiry;
mod ledger;
mod policy;
mod proof;
mod push;
mod signals;
mod status;
mod token;
mod watch;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use placehub_proto::v1 as proto;
use tokio_util::sync::CancellationToken;
use tonic::Request;

use self::status::Trouble;
pub(crate) use self::status::explained;
pub use self::{
    catalogue::CatalogueDesk, consent::Consents, health::Pulse, identity::Identities, ledger::LedgerDesk,
    policy::Policies, signals::SignalDesk,
};
use crate::{
    authn::{self, Agencies, Authenticator, Caller, Peer},
    changes::Bell,
    clock::Clock,
    config::Limits,
    decide::PolicySet,
    gate::Gate,
    inspect::Inspection,
    model::{Identity, PolicyVersion},
    publish::Publisher,
    signals::Signals,
    tls::{Live, Origin},
    wire::{self, Against},
};

/// What all services share.
pub struct House {
    /// The one door.
    pub gate: Gate,
    /// Opens what a permit shows.
    pub signals: Signals,
    /// Reads the ledger, with a permit.
    pub inspection: Inspection,
    /// Makes the ledger's head known outside.
    pub publisher: Publisher,
    /// Proves callers.
    pub authenticator: Arc<Authenticator>,
    /// Who is who.
    pub agencies: Agencies,
    /// Rings when open watches must look again.
    pub bell: Bell,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Limits.
    pub limits: Limits,
    /// When the policies in force were loaded.
    pub loaded_at: ArcSwap<Timestamp>,
    /// The policies that were refused since, if there are any: those in force are older than their files.
    pub refused: ArcSwapOption<Refused>,
    /// Certificates and the revocation list.
    pub live: Arc<Live>,
    /// Ends open streams.
    pub stopping: CancellationToken,
}

/// Policies that could not be used.
#[derive(Debug)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// SHA-256 (hex) over their files; empty if they could not be read.
    pub digest: String,
    /// The version that they call themselves, if that can be read.
    pub version: Option<PolicyVersion>,
    /// What is wrong with them, with file and line, or why they could not be recorded: at most 2,000 characters.
    pub fault: String,
    /// Whether the ledger has it.
    pub entered: bool,
}

/// Who makes a request, as its connection and metadata show. Can be proved again later in the request's life.
struct Claim {
    peer: Peer,
    token: Option<String>,
}

impl House {
    /// The caller of a request that a workload may make.
    fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Trouble> {
        Ok(self.prove(&claim(request)?)?)
    }

    /// The caller of a request that needs a practitioner.
    fn practitioner<T>(&self, request: &Request<T>) -> Result<Caller, Trouble> {
        let caller = self.caller(request)?;
        caller.need_practitioner()?;
        Ok(caller)
    }

    fn prove(&self, claim: &Claim) -> Result<Caller, authn::Error> {
        self.authenticator
            .caller(&claim.peer, claim.token.as_deref(), self.clock.now())
    }

    /// Whether a long answer may go on: its caller is still who they were, and the hub is not stopping.
    fn go_on(&self, claim: &Claim) -> Result<(), Trouble> {
        self.prove(claim)?;
        if self.stopping.is_cancelled() {
            return Err(Trouble::stopping());
        }
        Ok(())
    }

    /// What messages are checked against.
    fn against<'a>(&'a self, policies: &'a PolicySet) -> Against<'a> {
        Against {
            agencies: &self.agencies,
            catalogue: policies.catalogue(),
            places: self.gate.places(),
            now: self.clock.now(),
        }
    }
}

/// The person of a request that is about one.
fn person(given: Option<&proto::PersonIdentity>) -> Result<Identity, Trouble> {
    let mut fields = wire::Fields::new();
    let who = given.map(|who| wire::person(&mut fields, "person", who, None));
    if who.is_none() {
        fields.wrong("person", "must be given");
    }
    Ok(fields.finish(who)?)
}

fn claim<T>(request: &Request<T>) -> Result<Claim, Trouble> {
    let origin = request.extensions().get::<Origin<Result<Peer, authn::Error>>>();
    let peer = origin
        .map(|origin| origin.identity.clone())
        .unwrap_or(Err(authn::Error::CertificateUnknown { rule: "there is none" }))?;
    let header = request.metadata().get("authorization");
    let token = header
        .map(|header| {
            let unreadable = authn::Error::TokenInvalid {
                rule: "authorization must be plain text",
            };
            header
                .to_str()
                .map_err(|_| unreadable)
                .and_then(authn::bearer)
                .map(ToOwned::to_owned)
        })
        .transpose()?;
    Ok(Claim { peer, token })
}
