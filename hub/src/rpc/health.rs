//! gRPC health (`grpc.health.v1`): serving as long as decisions can be recorded. Asked, not announced, so never stale.

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
const SERVICES: [&str; 6] = [
    "",
    "placehub.v1.CatalogueService",
    "placehub.v1.SignalService",
    "placehub.v1.ConsentService",
    "placehub.v1.LedgerService",
    "placehub.v1.PolicyService",
];

/// The service.
#[derive(Clone)]
pub struct Pulse(pub Arc<House>);

impl Pulse {
    fn status(&self) -> ServingStatus {
        let house = &self.0;
        let stale = house
            .live
            .revoked()
            .next_update()
            .is_some_and(|next| next <= house.clock.now());
        if house.gate.closed().is_some() || house.stopping.is_cancelled() || stale {
            ServingStatus::NotServing
        } else {
            ServingStatus::Serving
        }
    }
}

#[tonic::async_trait]
impl Health for Pulse {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match SERVICES.contains(&request.get_ref().service.as_str()) {
            true => Ok(Response::new(answer(self.status()))),
            false => Err(super::status::unknown_service()),
        }
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let known = SERVICES.contains(&request.get_ref().service.as_str());
        let pulse = self.clone();
        let stream = async_stream::stream! {
            let mut last = None;
            loop {
                let now = if known { pulse.status() } else { ServingStatus::ServiceUnknown };
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
