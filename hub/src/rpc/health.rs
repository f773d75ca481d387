//! gRPC health (`grpc.health.v1`): serving as long as decisions can be recorded; of the policies, as long as those in force
//! are those on the disk. Asked, not announced, so never stale.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};

use super::House;

/// How often a health watch looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The services that health can be asked of; empty is the hub as a whole.
const SERVICES: [&str; 7] = [
    "",
    "placehub.v1.CatalogueService",
    "placehub.v1.SignalService",
    "placehub.v1.ConsentService",
    "placehub.v1.IdentityService",
    "placehub.v1.LedgerService",
    POLICIES,
];
/// The one that is not well while policies stand refused: the hub goes on with older ones.
const POLICIES: &str = "placehub.v1.PolicyService";

/// The service.
#[derive(Clone)]
pub struct Pulse(pub Arc<House>);

impl Pulse {
    /// How a service is; `None` if there is no such service.
    fn status(&self, service: &str) -> Option<ServingStatus> {
        SERVICES.contains(&service).then(|| {
            if self.is_well() && (service != POLICIES || self.0.refused.load().is_none()) {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            }
        })
    }

    fn is_well(&self) -> bool {
        let house = &self.0;
        let stale = house
            .live
            .revoked()
            .next_update()
            .is_some_and(|next| next <= house.clock.now());
        house.gate.closed().is_none() && !house.stopping.is_cancelled() && !stale
    }
}

#[tonic::async_trait]
impl Health for Pulse {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.status(&request.get_ref().service);
        let status = status.ok_or_else(super::status::unknown_service)?;
        Ok(Response::new(answer(status)))
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let service = request.into_inner().service;
        let pulse = self.clone();
        let stream = async_stream::stream! {
            let mut last = None;
            loop {
                let now = pulse.status(&service).unwrap_or(ServingStatus::ServiceUnknown);
                if last != Some(now) {
                    last = Some(now);
                    yield Ok(answer(now));
                }
                tokio::select! {
                    () = tokio::time::sleep(INTERVAL) => {}
                    () = pulse.0.stopping.cancelled() => {
                        yield Ok(answer(ServingStatus::NotServing));
                        return;
                    }
                }
            }
        };
        Ok(Response::new(Box::pin(stream)))
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
