//! A line between a caller and whom it calls. It counts its connections, so that a test can tell one that was kept from one
//! that was quietly made anew, and keeps its port while who is called is away. It never looks at what it carries.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
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
    far: Arc<Mutex<Option<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to this address.
    pub(crate) async fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let far = Arc::new(Mutex::new(Some(far)));
        let (counter, leads_to) = (taken.clone(), far.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let Some(far) = *leads_to.lock().unwrap() else {
                    continue;
                };
                tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(far).await {
                        // An end that hangs up is what some tests are about.
                        copy_bidirectional(&mut near, &mut far).await.ok();
                    }
                });
            }
        });
        Self {
            address,
            taken,
            far,
            task,
        }
    }

    /// Leads elsewhere from now on, or nowhere: connections are then taken and dropped.
    pub(crate) fn lead_to(&self, far: Option<SocketAddr>) {
        *self.far.lock().unwrap() = far;
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
