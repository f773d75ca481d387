//! CatalogueService: the kinds that the hub knows. Looks at no record, so it needs no permit; says nothing of who may see what.

use std::sync::Arc;

use placehub_proto::v1::{GetCatalogueRequest, GetCatalogueResponse, catalogue_service_server::CatalogueService};
use tonic::{Request, Response, Status};

use super::House;
use crate::wire;

/// The service.
#[derive(Clone)]
pub struct CatalogueDesk(pub Arc<House>);

#[tonic::async_trait]
impl CatalogueService for CatalogueDesk {
    async fn get_catalogue(
        &self,
        request: Request<GetCatalogueRequest>,
    ) -> Result<Response<GetCatalogueResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let policies = self.0.gate.policies();
        Ok(Response::new(GetCatalogueResponse {
            digest: policies.digest().to_owned(),
            your_agency: caller.agency().to_string(),
            your_sector: caller.sector().to_string(),
            kinds: wire::kinds(&policies, self.0.clock.now()),
        }))
    }
}
