//! A line between a caller and the hub that counts its connections, so that a test can tell one that was kept
//! from one that was quietly made anew. It never looks at what it carries.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Passes bytes on from a port of its own.
pub(crate) struct Line {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    taken: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to this address.
    pub(crate) async fn to(hub: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(hub).await {
                        // An end that hangs up is what some tests are about.
                        copy_bidirectional(&mut near, &mut far).await.ok();
                    }
                });
            }
        });
        Self { address, taken, task }
    }

    /// How many connections were made over it.
    pub(crate) fn connections(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}
