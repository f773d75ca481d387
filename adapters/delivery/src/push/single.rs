//! Tells the hub one thing by a call of its own: a retraction, a statement of consent, a join, a death.
//! It never counts it as told before the hub has answered for it.
//!
//! Telling again is safe: all but a statement of consent is known by its version, and that said twice is in force once.

use std::time::Duration;

use placehub_proto::v1::{
    PushSignalRequest, RecordConsentRequest, Refusal, consent_service_client::ConsentServiceClient,
    identity_service_client::IdentityServiceClient, signal_service_client::SignalServiceClient,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Status, transport::Channel};

use super::{
    Error, Patience,
    verdict::{FullJitter, Verdict, judge},
};
use crate::content::Content;

/// Tells the hub one thing, again and again until it answers or patience ends, and gives the refusal if it refuses the content.
/// `connect` gives a channel, and is told whether the one before it broke.
///
/// # Errors
///
/// [`Error`] if the hub stays out of reach, or will not talk to this adapter.
pub(crate) async fn tell(
    content: &Content,
    patience: Patience,
    connect: impl FnMut(bool) -> Result<Channel, Error>,
) -> Result<Option<Refusal>, Error> {
    match persist(patience, connect, |channel| call(content.clone(), channel)).await {
        Ok(()) => Ok(None),
        Err(error) if error.is_of_content() => Ok(Some(error.refusal())),
        Err(error) => Err(error),
    }
}

/// Makes a call that may safely be made twice, again and again until the hub answers or patience ends.
/// `connect` gives a channel, and is told whether the one before it broke.
///
/// # Errors
///
/// [`Error`] if the hub stays out of reach, or refuses.
pub(crate) async fn persist<T, F: Future<Output = Result<T, Status>>>(
    patience: Patience,
    mut connect: impl FnMut(bool) -> Result<Channel, Error>,
    call: impl Fn(Channel) -> F,
) -> Result<T, Error> {
    let mut pauses = FullJitter::new(&patience);
    let (begun, mut fruitless) = (Instant::now(), 0);
    loop {
        let channel = connect(fruitless > 0)?;
        let status = match timeout(patience.answer, call(channel)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(status)) => status,
            Err(_) => Status::unavailable("the hub did not answer in time"),
        };
        fruitless += 1;
        let (message, pause) = match judge(&status, fruitless) {
            Verdict::TryAgain { message, asked } => (message, asked.unwrap_or(Duration::ZERO) + pauses.next()),
            Verdict::GiveUp(error) => return Err(error),
        };
        if begun.elapsed() + pause > patience.without_progress {
            return Err(Error::Unavailable { message });
        }
        tracing::warn!(code = %status.code(), pause_ms = pause.as_millis(), "a call broke");
        sleep(pause).await;
    }
}

async fn call(content: Content, channel: Channel) -> Result<(), Status> {
    match content {
        Content::Draft(draft) => {
            let request = PushSignalRequest { signal: Some(draft) };
            SignalServiceClient::new(channel).push_signal(request).await.map(drop)
        }
        Content::Retraction(retraction) => SignalServiceClient::new(channel)
            .retract_signal(retraction)
            .await
            .map(drop),
        Content::Join(join) => IdentityServiceClient::new(channel)
            .join_identities(join)
            .await
            .map(drop),
        Content::NumberChange(change) => IdentityServiceClient::new(channel)
            .change_nhs_number(change)
            .await
            .map(drop),
        Content::Death(death) => IdentityServiceClient::new(channel).record_death(death).await.map(drop),
        Content::Life(life) => IdentityServiceClient::new(channel).retract_death(life).await.map(drop),
        Content::Separation(separation) => IdentityServiceClient::new(channel)
            .separate_identities(separation)
            .await
            .map(drop),
        Content::Statement(statement) => {
            let request = RecordConsentRequest {
                statement: Some(statement),
            };
            ConsentServiceClient::new(channel)
                .record_consent(request)
                .await
                .map(drop)
        }
    }
}
