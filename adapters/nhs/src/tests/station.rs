//! A listener with an outbox and no hub: what counts is what it answers, and what waits in the outbox then.

use std::{io, net::SocketAddr, sync::Arc};

use placehub_delivery::{
    Content,
    intake::{Intake, Source},
    listen::Door,
    metrics::Counters,
    outbox::Outbox,
    quarantine::Quarantine,
    settings,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::Reading;

/// A listener with an outbox and no hub.
pub(crate) struct Station {
    pub(crate) address: SocketAddr,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<io::Result<()>>,
    _home: TempDir,
}

impl Station {
    /// The listener that is made of an open door, with room for so many entries.
    pub(crate) fn new(room: u64, listener: impl FnOnce(Door, Arc<Reading>) -> Box<dyn Source>) -> Self {
        let home = TempDir::new().unwrap();
        let outbox = Arc::new(Outbox::open(&home.path().join("outbox"), room).unwrap());
        let quarantine = Quarantine::open(&home.path().join("quarantine")).unwrap();
        let counters = Arc::new(Counters::default());
        let intake = Intake::new(outbox.clone(), quarantine, counters.clone());
        let here = settings::Listener {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
        };
        let door = Door::open(&here, None).unwrap();
        let (address, stop) = (door.address().unwrap(), CancellationToken::new());
        let source = listener(door, Arc::new(Reading::usual().unwrap()));
        let running = tokio::spawn(source.run(intake, stop.clone()));
        Self {
            address,
            outbox,
            counters,
            stop,
            running,
            _home: home,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes over a connection of their own, and gives all that comes back.
    pub(crate) async fn sent(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// What waits for the hub: ids with versions, retractions marked, stances of statements.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let mut reader = self.outbox.reader();
        std::iter::from_fn(|| self.outbox.read(&mut reader).unwrap())
            .map(|(_, entry)| match entry.content.unwrap() {
                Content::Draft(draft) => format!("{} {}", draft.source_id, draft.version),
                Content::Retraction(back) => format!("not {} {}", back.source_id, back.version),
                Content::Statement(statement) => format!("says {}", statement.stance().as_str_name()),
                Content::Join(join) => format!("{} is one", join.source_id),
                Content::NumberChange(change) => format!("{} is another number", change.source_id),
                Content::Death(death) => format!("{} died", death.source_id),
                Content::Life(life) => format!("{} lives", life.source_id),
                Content::Separation(apart) => format!("{} is not one", apart.source_id),
            })
            .collect()
    }
}
