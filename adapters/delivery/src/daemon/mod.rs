//! Puts an adapter's daemon together: sources, outbox, sender, what is to be sent again, metrics; and stops it in good order.
//! It never takes anything before the outbox is open, and never leaves without having told its sources to stop.

mod again;

#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    catalogue::Need,
    clock,
    folder::Translate,
    intake::{Intake, Source},
    metrics::{self, Counters},
    outbox::{self, Outbox},
    push::{self, Patience},
    quarantine::{self, Quarantine},
    sender::{Connect, Sender},
    settings::Station,
    standing::Standing,
};
use again::Again;

/// Why a daemon cannot begin, or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing more can be taken: what is on the disk is only known after a new start.
    #[error("cannot go on")]
    Closed(#[source] outbox::Error),
    /// A part of it failed, which is a fault of this program.
    #[error("a part of it failed")]
    Failed,
    /// The hub is not one to which this adapter may send.
    #[error("nothing is sent")]
    Hub(#[source] push::Error),
    /// The metrics listener's address cannot be had.
    #[error("cannot listen on the address of `metrics`")]
    Metrics(#[source] io::Error),
    /// The outbox cannot be opened.
    #[error("cannot begin")]
    Outbox(#[source] outbox::Error),
    /// The quarantine cannot be opened.
    #[error("cannot begin")]
    Quarantine(#[source] quarantine::Error),
    /// A source cannot go on.
    #[error("the source `{name}` cannot go on")]
    Source {
        /// Its name.
        name: &'static str,
        /// Why not.
        source: io::Error,
    },
}

/// A daemon whose outbox is open, and that takes nothing yet.
pub struct Daemon {
    station: Station,
    outbox: Arc<Outbox>,
    quarantine: Quarantine,
    counters: Arc<Counters>,
    translate: Translate,
    needs: Vec<Need>,
}

impl Daemon {
    /// Opens outbox and quarantine. `translate` is for rows that are to be tried again after a fix, `needs` is what the hub's
    /// catalogue must have before anything is sent.
    ///
    /// # Errors
    ///
    /// [`Error`], for instance because another daemon has the outbox open.
    pub fn open(station: Station, translate: Translate, needs: Vec<Need>) -> Result<Self, Error> {
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
            needs,
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
    /// [`Error::Metrics`]; [`Error::Hub`] if the hub's catalogue is not what the adapter needs. Then what was taken waits in
    /// the outbox. [`Error::Closed`], [`Error::Failed`] or [`Error::Source`] if it cannot go on, and should be started again.
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
            tasks.spawn(well(metrics::serve(listener, show, stop.clone())));
        }
        for source in sources {
            tracing::info!(source = source.name(), "begins");
            let (name, running) = (source.name(), source.run(intake.clone(), stop.clone()));
            tasks.spawn(async move { running.await.map_err(|source| Error::Source { name, source }) });
        }
        let again = Again {
            quarantine: self.quarantine.clone(),
            intake,
            translate: self.translate,
        };
        tasks.spawn(well(again.run(stop.clone())));
        let (outbox, stopping) = (self.outbox.clone(), stop.clone());
        tasks.spawn(async move {
            let closed = tokio::select! {
                () = stopping.cancelled() => Ok(()),
                () = outbox.closed() => Err(Error::Closed(outbox::Error::Closed)),
            };
            outbox.stop();
            closed
        });
        let (outbox, quarantine, counters) = (self.outbox, self.quarantine, self.counters);
        let sender = Sender::new(outbox, quarantine, counters, connect, patience, self.needs);
        let sending = sender.run(stop.clone());
        tasks.spawn(async { sending.await.map_err(Error::Hub) });
        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = outcome.and(Err(error)),
                Err(error) => {
                    tracing::error!(cause = %error, "a part of the daemon failed");
                    outcome = outcome.and(Err(Error::Failed));
                }
            }
            if outcome.is_err() {
                // A daemon without one of its parts would only look alive.
                stop.cancel();
            }
        }
        outcome
    }
}

/// A part of the daemon that has no reason to stop the others.
async fn well(part: impl Future<Output = ()>) -> Result<(), Error> {
    part.await;
    Ok(())
}
