//! IdentityService: takes what agencies learn of who people are, and takes it back.

use std::sync::Arc;

use placehub_proto::v1::{self as proto, identity_service_server::IdentityService};
use tonic::{Request, Response, Status};

use super::{House, Trouble};
use crate::{
    authn::Caller,
    model::{Source, Violation},
    person::{Outcome, Report, Sort, Undoing},
    wire,
};

/// The service.
#[derive(Clone)]
pub struct Identities(pub Arc<House>);

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn join_identities(
        &self,
        request: Request<proto::JoinIdentitiesRequest>,
    ) -> Result<Response<proto::JoinIdentitiesResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let (outcome, ledger_entry) = self.0.report(&caller, wire::join(request.get_ref())).await?;
        Ok(Response::new(proto::JoinIdentitiesResponse { outcome, ledger_entry }))
    }

    async fn separate_identities(
        &self,
        request: Request<proto::SeparateIdentitiesRequest>,
    ) -> Result<Response<proto::SeparateIdentitiesResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let given = request.get_ref();
        let source = wire::undone(&given.source_system, &given.source_id, given.version);
        let (outcome, ledger_entry) = self.0.undo(&caller, Sort::Join, source).await?;
        Ok(Response::new(proto::SeparateIdentitiesResponse {
            outcome,
            ledger_entry,
        }))
    }

    async fn change_nhs_number(
        &self,
        request: Request<proto::ChangeNhsNumberRequest>,
    ) -> Result<Response<proto::ChangeNhsNumberResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let (outcome, ledger_entry) = self.0.report(&caller, wire::number_change(request.get_ref())).await?;
        Ok(Response::new(proto::ChangeNhsNumberResponse { outcome, ledger_entry }))
    }

    async fn record_death(
        &self,
        request: Request<proto::RecordDeathRequest>,
    ) -> Result<Response<proto::RecordDeathResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let (outcome, ledger_entry) = self.0.report(&caller, wire::death(request.get_ref())).await?;
        Ok(Response::new(proto::RecordDeathResponse { outcome, ledger_entry }))
    }

    async fn retract_death(
        &self,
        request: Request<proto::RetractDeathRequest>,
    ) -> Result<Response<proto::RetractDeathResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let given = request.get_ref();
        let source = wire::undone(&given.source_system, &given.source_id, given.version);
        let (outcome, ledger_entry) = self.0.undo(&caller, Sort::Death, source).await?;
        Ok(Response::new(proto::RetractDeathResponse { outcome, ledger_entry }))
    }
}

impl House {
    /// Takes what was read of a report, and gives its outcome and ledger entry.
    async fn report(
        &self,
        caller: &Caller,
        read: Result<(Report, Source), Vec<Violation>>,
    ) -> Result<(i32, u64), Trouble> {
        let (report, source) = read?;
        let (permit, outcome) = self.gate.report(caller, report, source, self.clock.now()).await?;
        let outcome = match outcome {
            Outcome::AlreadyKnown => proto::IdentityOutcome::AlreadyKnown,
            Outcome::Corrected => proto::IdentityOutcome::Corrected,
            Outcome::Recorded => proto::IdentityOutcome::Recorded,
            Outcome::Superseded => proto::IdentityOutcome::Superseded,
        };
        Ok((outcome.into(), permit.entry()))
    }

    /// Takes a report back, and gives the outcome and ledger entry.
    async fn undo(
        &self,
        caller: &Caller,
        sort: Sort,
        source: Result<Source, Vec<Violation>>,
    ) -> Result<(i32, u64), Trouble> {
        let (permit, outcome) = self.gate.undo(caller, sort, source?, self.clock.now()).await?;
        let outcome = match outcome {
            Undoing::AlreadyKnown => proto::IdentityUndoOutcome::AlreadyKnown,
            Undoing::NotFound => proto::IdentityUndoOutcome::NotFound,
            Undoing::Undone => proto::IdentityUndoOutcome::Undone,
        };
        Ok((outcome.into(), permit.entry()))
    }
}
