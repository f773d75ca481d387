//! ConsentService: takes down what people said, and shows what was taken down.

use std::sync::Arc;

use placehub_proto::v1::{self as proto, consent_service_server::ConsentService};
use tonic::{Request, Response, Status};

use super::{House, Trouble};
use crate::{authn::Caller, wire};

/// The service.
#[derive(Clone)]
pub struct Consents(pub Arc<House>);

#[tonic::async_trait]
impl ConsentService for Consents {
    async fn record_consent(
        &self,
        request: Request<proto::RecordConsentRequest>,
    ) -> Result<Response<proto::RecordConsentResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.record(&caller, request.get_ref()).await?))
    }

    async fn list_consents(
        &self,
        request: Request<proto::ListConsentsRequest>,
    ) -> Result<Response<proto::ListConsentsResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.list(&caller, request.get_ref()).await?))
    }
}

impl House {
    async fn record(
        &self,
        caller: &Caller,
        request: &proto::RecordConsentRequest,
    ) -> Result<proto::RecordConsentResponse, Trouble> {
        let policies = self.gate.policies();
        let (who, statement) = wire::statement(request.statement.as_ref(), self.against(&policies))?;
        let recorded = self.gate.record_consent(caller, who, statement, self.clock.now());
        let (permit, id) = recorded.await?;
        Ok(proto::RecordConsentResponse {
            statement_id: uuid::Uuid::from_bytes(id.0).to_string(),
            ledger_entry: permit.entry(),
        })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: &proto::ListConsentsRequest,
    ) -> Result<proto::ListConsentsResponse, Trouble> {
        let who = super::person(request.person.as_ref())?;
        let (permit, found) = self.gate.list_consents(caller, who, self.clock.now()).await?;
        Ok(proto::ListConsentsResponse {
            consents: found.into_iter().map(wire::recorded).collect(),
            ledger_entry: permit.entry(),
        })
    }
}
