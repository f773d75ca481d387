//! A caller of the hub: its services and health over one channel, and the calls that tests make most.

use std::{net::SocketAddr, sync::Arc};

use placehub_certs::IssuedClient;
use placehub_proto::v1::{
    AskSignalsRequest, AskSignalsResponse, ConsentMethod, ConsentStance, ConsentStatement, ExportLedgerRequest,
    GetCheckpointRequest, GetCheckpointResponse, PersonIdentity, PushSignalRequest, PushSignalResponse, Question,
    RecordConsentRequest, RecordConsentResponse, RetractOutcome, RetractSignalRequest, SignalDraft,
    WatchSignalsRequest, WatchSignalsResponse, WhoSawRequest, WhoSawResponse,
    consent_service_client::ConsentServiceClient, export_ledger_response::Part,
    identity_service_client::IdentityServiceClient, ledger_service_client::LedgerServiceClient,
    policy_service_client::PolicyServiceClient, signal_service_client::SignalServiceClient,
};
use tonic::{
    Request, Status, Streaming,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_health::pb::health_client::HealthClient;

use super::{Place, Practitioner};

/// The token that a caller shows at every call.
#[derive(Clone)]
pub(crate) enum Presents {
    /// None.
    Nothing,
    /// This one.
    This(String),
    /// A new one each time, right at the place's time.
    Fresh(Arc<Place>, Practitioner),
}

type Intercepted = InterceptedService<Channel, Presents>;

/// A caller. Clones share its channel.
#[derive(Clone)]
pub(crate) struct Client {
    /// SignalService.
    pub(crate) signals: SignalServiceClient<Intercepted>,
    /// ConsentService.
    pub(crate) consents: ConsentServiceClient<Intercepted>,
    /// IdentityService.
    pub(crate) identities: IdentityServiceClient<Intercepted>,
    /// LedgerService.
    pub(crate) ledger: LedgerServiceClient<Intercepted>,
    /// PolicyService.
    pub(crate) policies: PolicyServiceClient<Intercepted>,
    /// `grpc.health.v1`.
    pub(crate) health: HealthClient<Intercepted>,
}

/// A channel of a workload of the place to this address, which connects at its first call.
pub(crate) fn channel(place: &Place, agency: &str, workload: &str, address: SocketAddr) -> Channel {
    channel_with(place.pki.ca_pem(), place.identity(agency, workload), address)
}

/// A channel with this client certificate, which connects at its first call.
pub(crate) fn channel_with(ca_pem: &str, identity: &IssuedClient, address: SocketAddr) -> Channel {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(ca_pem))
        .identity(Identity::from_pem(&identity.certificate_pem, &identity.key_pem))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    endpoint.tls_config(tls).unwrap().connect_lazy()
}

impl Client {
    /// A caller over this channel.
    pub(crate) fn over(channel: Channel, presents: Presents) -> Self {
        let line = InterceptedService::new(channel, presents);
        Self {
            signals: SignalServiceClient::new(line.clone()),
            consents: ConsentServiceClient::new(line.clone()),
            identities: IdentityServiceClient::new(line.clone()),
            ledger: LedgerServiceClient::new(line.clone()),
            policies: PolicyServiceClient::new(line.clone()),
            health: HealthClient::new(line),
        }
    }

    /// Pushes a signal.
    pub(crate) async fn push(&self, signal: SignalDraft) -> Result<PushSignalResponse, Status> {
        let request = PushSignalRequest { signal: Some(signal) };
        Ok(self.signals.clone().push_signal(request).await?.into_inner())
    }

    /// Takes a signal of the system `sample` back.
    pub(crate) async fn retract(&self, source_id: &str, version: u64) -> Result<RetractOutcome, Status> {
        let request = RetractSignalRequest {
            source_system: "sample".to_owned(),
            source_id: source_id.to_owned(),
            version,
        };
        let response = self.signals.clone().retract_signal(request).await?;
        Ok(response.into_inner().outcome())
    }

    /// Asks for the first page of an answer.
    pub(crate) async fn ask(&self, question: Question) -> Result<AskSignalsResponse, Status> {
        self.ask_page(question, 0, "").await
    }

    /// Asks for a page of an answer.
    pub(crate) async fn ask_page(
        &self,
        question: Question,
        page_size: i32,
        page_token: &str,
    ) -> Result<AskSignalsResponse, Status> {
        let request = AskSignalsRequest {
            question: Some(question),
            page_size,
            page_token: page_token.to_owned(),
        };
        Ok(self.signals.clone().ask_signals(request).await?.into_inner())
    }

    /// Keeps a question open, from a cursor or, if that is empty, from what there is now.
    pub(crate) async fn watch(
        &self,
        question: Question,
        cursor: &str,
    ) -> Result<Streaming<WatchSignalsResponse>, Status> {
        let request = WatchSignalsRequest {
            question: Some(question),
            cursor: cursor.to_owned(),
        };
        Ok(self.signals.clone().watch_signals(request).await?.into_inner())
    }

    /// Takes down what a person said, of everything and now.
    pub(crate) async fn says(
        &self,
        who: PersonIdentity,
        stance: ConsentStance,
    ) -> Result<RecordConsentResponse, Status> {
        let statement = ConsentStatement {
            person: Some(who),
            stance: stance.into(),
            method: ConsentMethod::Spoken.into(),
            ..ConsentStatement::default()
        };
        self.record(statement).await
    }

    /// Takes down a statement.
    pub(crate) async fn record(&self, statement: ConsentStatement) -> Result<RecordConsentResponse, Status> {
        let request = RecordConsentRequest {
            statement: Some(statement),
        };
        Ok(self.consents.clone().record_consent(request).await?.into_inner())
    }

    /// The first page of who asked about a person and what they were shown.
    pub(crate) async fn who_saw(&self, who: PersonIdentity) -> Result<WhoSawResponse, Status> {
        let request = WhoSawRequest {
            person: Some(who),
            page_size: 200,
            ..WhoSawRequest::default()
        };
        Ok(self.ledger.clone().who_saw(request).await?.into_inner())
    }

    /// The heads of the ledger, and how its witnesses stand.
    pub(crate) async fn head(&self) -> Result<GetCheckpointResponse, Status> {
        let asked = self.ledger.clone().get_checkpoint(GetCheckpointRequest {}).await;
        Ok(asked?.into_inner())
    }

    /// The bytes of all entries of the ledger, and its signed head.
    pub(crate) async fn export(&self) -> Result<(Vec<Vec<u8>>, String), Status> {
        let mut parts = self
            .ledger
            .clone()
            .export_ledger(ExportLedgerRequest::default())
            .await?
            .into_inner();
        let (mut entries, mut head) = (Vec::new(), String::new());
        while let Some(part) = parts.message().await? {
            match part.part.unwrap() {
                Part::Entry(entry) => entries.push(entry),
                Part::Checkpoint(checkpoint) => head = checkpoint,
                Part::Handover(_) => {}
            }
        }
        Ok((entries, head))
    }
}

impl Interceptor for Presents {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = match self {
            Self::Nothing => return Ok(request),
            Self::This(token) => token.clone(),
            Self::Fresh(place, who) => place.token(who),
        };
        let header = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", header);
        Ok(request)
    }
}
