//! The embedded worker: the same worker library over a pipe in memory instead of a socket. Nothing else names it.

use std::sync::Arc;

use stampede_proto::VERSION;
use stampede_worker::http::auto::AutoFactory;
use stampede_worker::session::{Dialer, Io, Settings, work};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::fleet::pipe;

/// A worker within this process.
#[derive(Debug)]
pub struct Embedded {
    /// Dropped, it ends the worker.
    _leave: watch::Sender<u32>,
    task: JoinHandle<()>,
}

impl Embedded {
    /// Ends it. By now it has nothing more to do.
    pub fn end(self) {
        self.task.abort();
    }
}

/// Starts a worker with `threads` load threads; its ends of connections go to `pipes`.
pub fn start(threads: usize, pipes: mpsc::Sender<DuplexStream>) -> Embedded {
    let (leave, left) = watch::channel(0);
    let dialer = Dialer::new(move || {
        let pipes = pipes.clone();
        Box::pin(async move {
            let (near, far) = pipe();
            pipes.send(far).await.map_err(|_| std::io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(near) as Box<dyn Io>)
        })
    });
    let settings = Settings {
        name: "local".to_owned(),
        threads,
        once: true,
        dialer,
        address: "this process".to_owned(),
        say: Arc::new(|text| tracing::debug!("embedded worker: {text}")),
        spread: false,
        version: VERSION.to_owned(),
    };
    let task = tokio::spawn(async move {
        let worked = work(settings, AutoFactory::new(Vec::new()), left).await;
        if let Err(error) = worked {
            tracing::error!("the embedded worker ended: {error}");
        }
    });
    Embedded { _leave: leave, task }
}
