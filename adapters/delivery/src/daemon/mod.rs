//! Puts an adapter's daemon together: sources, outbox, sender, what is to be sent again, metrics; and stops it in good order.
//! It never takes anything before the outbox is open, and never leaves without having told its sources to stop.

mod again;

#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    folder::Translate,
    intake::{Intake, Source},
    metrics::{self, Counters},
    outbox::{self, Outbox},
    push::Patience,
    quarantine::{self, Quarantine},
    sender::{Connect, Sender},
    settings::Station,
    standing::Standing,
};
use again::Again;

/// Why a daemon cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The metrics listener's address cannot be had.
    #[error("cannot listen on the address of `metrics`")]
    Metrics(#[source] io::Error),
    /// The outbox cannot be opened.
    #[error("cannot begin")]
    Outbox(#[source] outbox::Error),
    /// The quarantine cannot be opened.
    #[error("cannot begin")]
    Quarantine(#[source] quarantine::Error),
}

/// A daemon whose outbox is open, and that takes nothing yet.
pub struct Daemon {
    station: Station,
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    counters: Arc<Counters>,
    translate: Translate,
}

impl Daemon {
    /// Opens outbox and quarantine. `translate` is for rows that are to be tried again after a fix.
    ///
    /// # Errors
    ///
    /// [`Error`], for instance because another daemon has the outbox open.
    pub fn open(station: Station, translate: Translate) -> Result<Self, Error> {
        let outbox = Outbox::open(&station.outbox(), station.outbox_limit).map_err(Error::Outbox)?;
        let quarantine = Quarantine::open(&station.quarantine()).map_err(Error::Quarantine)?;
        // The outbox's lock says that no other daemon writes here.
        quarantine.forget_unfinished().map_err(Error::Quarantine)?;
        Ok(Self {
            station,
            outbox: Arc::new(outbox),
            quarantine,
            counters: Arc::default(),
            translate,
        })
    }

    /// The way into its outbox.
    pub fn intake(&self) -> Intake {
        Intake::new(self.outbox.clone(), self.quarantine.clone(), self.counters.clone())
    }

    /// Takes from the sources and sends to the hub, until `stop`. Then the sources are stopped, and answers that are due are
    /// waited for a little; what has none goes out at the next start.
    ///
    /// # Errors
    ///
    /// [`Error::Metrics`].
    pub async fn run(
        self,
        sources: Vec<Box<dyn Source>>,
        connect: Connect,
        patience: Patience,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let intake = self.intake();
        let mut tasks = JoinSet::new();
        if let Some(address) = self.station.metrics {
            let listener = TcpListener::bind(address).await.map_err(Error::Metrics)?;
            let (station, counters) = (self.station.clone(), self.counters.clone());
            let show = move || metrics::text(&counters, &Standing::of(&station).gauges(clock::now()));
            tasks.spawn(metrics::serve(listener, show, stop.clone()));
        }
        for source in sources {
            tracing::info!(source = source.name(), "begins");
            tasks.spawn(source.run(intake.clone(), stop.clone()));
        }
        let again = Again {
            quarantine: self.quarantine.clone(),
            intake,
            translate: self.translate,
        };
        tasks.spawn(again.run(stop.clone()));
        let (outbox, stopping) = (self.outbox.clone(), stop.clone());
        tasks.spawn(async move {
            stopping.cancelled().await;
            outbox.stop();
        });
        let sender = Sender::new(self.outbox, self.quarantine, self.counters, connect, patience);
        tasks.spawn(sender.run(stop.clone()));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                // A task that panicked would leave a daemon that only looks alive.
                tracing::error!(cause = %error, "a part of the daemon failed");
                stop.cancel();
            }
        }
        Ok(())
    }
}
