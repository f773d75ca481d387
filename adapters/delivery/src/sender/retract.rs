//! Takes signals back at the hub, one at a time.
//! It never lets go of a retraction before the hub has answered for it.

use std::time::Duration;

use placehub_proto::v1::{RetractSignalRequest, signal_service_client::SignalServiceClient};
use tokio::time::{sleep, timeout};
use tonic::Status;

use super::{Desk, Sender, Trouble, clock, refusal, unwritten};
use crate::{
    outbox::Content,
    push::{FullJitter, Verdict, judge},
};

impl Sender {
    /// Takes one signal back, trying again for as long as the hub is out of reach.
    pub(super) async fn retract(
        &mut self,
        number: u64,
        origin: String,
        retraction: RetractSignalRequest,
    ) -> Result<(), Trouble> {
        let mut pauses = FullJitter::new(&self.patience);
        let mut fruitless = 0;
        loop {
            let channel = self.connection.channel(fruitless > 0)?;
            let mut client = SignalServiceClient::new(channel);
            let answer = timeout(self.patience.answer, client.retract_signal(retraction.clone())).await;
            let status = match answer {
                Ok(Ok(_)) => {
                    self.counters.retracted.add(1);
                    return self.outbox.leave(number, clock::now()).map_err(unwritten);
                }
                Ok(Err(status)) => status,
                Err(_) => Status::unavailable("the hub did not answer in time"),
            };
            fruitless += 1;
            let pause = match judge(&status, fruitless) {
                Verdict::TryAgain { asked, .. } => asked.unwrap_or(Duration::ZERO) + pauses.next(),
                Verdict::GiveUp(trouble) if refusal::is_of_content(&trouble) => {
                    let desk = Desk {
                        outbox: &self.outbox,
                        quarantine: &self.quarantine,
                        counters: &self.counters,
                    };
                    return desk.put_aside(number, origin, Content::Retraction(retraction), refusal::of(&trouble));
                }
                Verdict::GiveUp(trouble) => return Err(trouble),
            };
            self.counters.interruptions.add(1);
            tracing::warn!(code = %status.code(), pause_ms = pause.as_millis(), "retraction broke");
            sleep(pause).await;
        }
    }
}
