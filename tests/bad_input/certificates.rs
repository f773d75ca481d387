//! Certificates that nobody gets in with, and those that get in and are told why they may do nothing.

use std::{io, sync::Arc, time::Duration};

use jiff::{SignedDuration, ToSpan as _};
use placehub_certs::{ClientSpec, IssuedClient, Pki};
use placehub_proto::v1::GetPolicySetRequest;
use rustls::{
    AlertDescription, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::Code;

use super::Wall;
use crate::harness::{Hub, PLACE, Place, alex, arrears, contents, refused};

/// A TLS connection to a hub, with a certificate or without. Says only that this end has finished its handshake:
/// in TLS 1.3 the hub's verdict comes after that.
pub(super) async fn connect(hub: &Hub, identity: Option<&IssuedClient>) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(hub.place.pki.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
            builder
                .with_client_auth_cert(chain.collect::<Result<_, _>>().unwrap(), key)
                .unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(hub.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// The alert by which a hub refuses a certificate in the handshake.
pub(super) async fn alert(hub: &Hub, identity: Option<&IssuedClient>) -> AlertDescription {
    let refusal = match connect(hub, identity).await {
        Err(refusal) => refusal,
        Ok(mut stream) => stream.read_to_end(&mut Vec::new()).await.unwrap_err(),
    };
    match refusal
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::AlertReceived(alert)) => *alert,
        other => panic!("no alert but {other:?}"),
    }
}

/// A certificate of the place with these names and, in hours from now, these dates.
fn minted(place: &Place, names: &[&str], from: i64, until: i64) -> IssuedClient {
    let now = place.clock.now();
    let spec = ClientSpec {
        uri_sans: names.iter().map(|name| (*name).to_owned()).collect(),
        not_before: now + from.hours(),
        not_after: now + until.hours(),
    };
    place.pki.issue_client_as("odd-one", &spec).unwrap()
}

fn spiffe(path: &str) -> String {
    format!("spiffe://{PLACE}{path}")
}

/// Checks that nobody gets a word in with this certificate.
async fn shut_out(wall: &Wall, identity: &IssuedClient, expected: AlertDescription) {
    assert_eq!(alert(&wall.hub, Some(identity)).await, expected);
    let before = contents(&*wall.hub.store);
    let caller = wall.hub.with_certificate(identity);
    refused(caller.push(wall.draft()).await);
    refused(caller.ask(wall.question()).await);
    assert!(contents(&*wall.hub.store) == before);
    wall.still_serves().await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused_in_the_handshake() {
    let wall = Wall::new().await;
    let expired = minted(&wall.hub.place, &[&spiffe("/agency/housing/adapter")], -3, -2);
    shut_out(&wall, &expired, AlertDescription::CertificateExpired).await;
}

#[tokio::test]
async fn a_certificate_of_tomorrow_is_refused_in_the_handshake() {
    let wall = Wall::new().await;
    let early = minted(&wall.hub.place, &[&spiffe("/agency/housing/adapter")], 24, 48);
    // TLS has no alert for "not yet": the library says "expired" (RFC 8446, 6.2).
    shut_out(&wall, &early, AlertDescription::CertificateExpired).await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_in_the_handshake() {
    let wall = Wall::new().await;
    let since = wall.hub.place.clock.now() - 1.hour();
    let elsewhere = tempfile::tempdir().unwrap();
    let pki = Pki::create(elsewhere.path(), PLACE, since).unwrap();
    let posing = pki
        .issue_client("housing", "adapter", since, Duration::from_secs(86_400))
        .unwrap();
    let refusal = alert(&wall.hub, Some(&posing)).await;
    // The two authorities have one name, so the hub finds its own and then that the signature is not by it.
    assert!(
        matches!(refusal, AlertDescription::DecryptError | AlertDescription::UnknownCA),
        "{refusal:?}"
    );
    refused(wall.hub.with_certificate(&posing).push(wall.draft()).await);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused_in_the_handshake() {
    let wall = Wall::new().await;
    assert_eq!(alert(&wall.hub, None).await, AlertDescription::CertificateRequired);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_certificate_that_names_no_agency_of_the_place_is_told_so_at_each_call() {
    let wall = Wall::new().await;
    let names: [&[&str]; 8] = [
        &[],
        &[&spiffe("/agency/bakery/adapter")],
        &["spiffe://leeds.placehub.example/agency/housing/adapter"],
        &[&spiffe("/agency/housing")],
        &[&spiffe("/agency/housing/adapter/extra")],
        &[&spiffe("/workload/housing/adapter")],
        &["https://wigan.placehub.example/agency/housing/adapter"],
        &[&spiffe("/agency/housing/adapter"), &spiffe("/agency/police/adapter")],
    ];
    for names in names {
        let stranger = wall.hub.with_certificate(&minted(&wall.hub.place, names, -1, 24));
        let refusals = [
            wall.leaves_no_trace(stranger.push(wall.draft())).await,
            wall.leaves_no_trace(stranger.ask(wall.question())).await,
            wall.leaves_no_trace(async { stranger.policies.clone().get_policy_set(GetPolicySetRequest {}).await })
                .await,
        ];
        for refusal in refusals {
            let told = (refusal.code, refusal.reason.as_str());
            assert_eq!(told, (Code::Unauthenticated, "CERTIFICATE_UNKNOWN"), "{names:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_never_outlives_its_certificate() {
    let wall = Wall::new().await;
    let place = &wall.hub.place;
    let short = minted(place, &[&spiffe("/agency/housing/adapter")], -1, 1);
    let caller = wall.hub.with_certificate(&short);
    caller.push(wall.draft()).await.unwrap();
    place.clock.advance(SignedDuration::from_mins(61));
    let refusal = wall
        .leaves_no_trace(caller.push(arrears(alex(), wall.hub.days_ago(1))))
        .await;
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "CERTIFICATE_UNKNOWN")
    );
}
