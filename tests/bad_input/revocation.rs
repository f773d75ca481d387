//! Revoked certificates: refused in a new handshake, and on a connection that was open before.

use jiff::{SignedDuration, ToSpan as _};
use placehub_certs::IssuedClient;
use placehub_proto::v1::{PushSignalsRequest, watch_signals_response::Event};
use rustls::AlertDescription;
use tonic::Code;

use super::{Wall, certificates::alert};
use crate::harness::{Client, Place, Presents, channel, refused};

async fn revoke(wall: &Wall, identity: &IssuedClient) {
    let place = &wall.hub.place;
    place.pki.revoke(&identity.serial, place.clock.now()).unwrap();
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_in_a_new_handshake() {
    let wall = Wall::new().await;
    let police = wall.hub.place.identity("police", "adapter");
    revoke(&wall, police).await;
    assert_eq!(
        alert(&wall.hub, Some(police)).await,
        AlertDescription::CertificateRevoked
    );
    refused(wall.hub.adapter("police").push(wall.draft()).await);
    wall.still_serves().await;
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_a_connection_that_is_open_already() {
    let wall = Wall::new().await;
    let place = &wall.hub.place;
    let adapter = place.identity("housing", "adapter");
    wall.adapter.push(wall.draft()).await.unwrap();
    revoke(&wall, adapter).await;
    for _ in 0..2 {
        let refusal = refused(wall.adapter.push(wall.draft()).await);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::Unauthenticated, "CERTIFICATE_REVOKED")
        );
    }
    assert_eq!(wall.lines[0].connections(), 1, "it was refused on another connection");
    // The desk of the same agency has another certificate.
    let answer = wall.officer.ask(wall.question()).await.unwrap();
    assert_eq!(answer.signals.len(), 2, "a revoked adapter's push was kept");
}

#[tokio::test]
async fn a_revoked_certificate_ends_an_open_watch() {
    let wall = Wall::new().await;
    let mut watch = wall.officer.watch(wall.question(), "").await.unwrap();
    let first = watch.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::Shown(_))), "{first:?}");
    revoke(&wall, wall.hub.place.identity("housing", "desk")).await;
    let end = loop {
        match watch.message().await {
            Ok(Some(event)) => assert!(matches!(event.event, Some(Event::Heartbeat(_))), "{event:?}"),
            Ok(None) => panic!("the watch ended without a reason"),
            Err(end) => break refused::<()>(Err(end)),
        }
    };
    assert_eq!(
        (end.code, end.reason.as_str()),
        (Code::Unauthenticated, "CERTIFICATE_REVOKED")
    );
}

#[tokio::test]
async fn a_revocation_list_that_was_not_signed_by_the_authority_changes_nothing() {
    let wall = Wall::new().await;
    let other = Place::new();
    let forged = std::fs::read_to_string(other.pki.crl_path()).unwrap();
    let police = wall.hub.place.identity("police", "adapter");
    revoke(&wall, police).await;
    std::fs::write(wall.hub.place.pki.crl_path(), forged).unwrap();
    assert!(!wall.hub.reloader.reload("signal").await.failed.is_empty());
    assert_eq!(
        alert(&wall.hub, Some(police)).await,
        AlertDescription::CertificateRevoked
    );
    wall.still_serves().await;
}

#[tokio::test]
async fn a_revocation_list_past_its_next_update_closes_the_hub_until_a_newer_one_is_there() {
    let wall = Wall::new().await;
    let place = &wall.hub.place;
    let now = place.clock.now();
    place.pki.write_crl(now - 1.hour(), now + 1.hour()).unwrap();
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
    wall.still_serves().await;
    place.clock.advance(SignedDuration::from_mins(61));
    let refusal = refused(wall.adapter.push(wall.draft()).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unavailable, "HUB_CLOSED")
    );
    assert!(refusal.retry.is_some());
    place.pki.write_crl(now, now + 48.hours()).unwrap();
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
    wall.still_serves().await;
}

#[tokio::test]
async fn a_revocation_reaches_a_stream_of_pushes_that_is_open() {
    let wall = Wall::new().await;
    let over = channel(&wall.hub.place, "housing", "adapter", wall.lines[0].address);
    let caller = Client::over(over, Presents::Nothing);
    let (send, requests) = tokio::sync::mpsc::channel(1);
    let push = |sequence| PushSignalsRequest {
        sequence,
        signal: Some(wall.draft()),
    };
    send.send(push(1)).await.unwrap();
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut answers = caller
        .signals
        .clone()
        .push_signals(requests)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
    revoke(&wall, wall.hub.place.identity("housing", "adapter")).await;
    send.send(push(2)).await.unwrap();
    let refusal = refused(answers.message().await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "CERTIFICATE_REVOKED")
    );
}
