//! The embedded worker: the same worker library over a pipe in memory instead of a socket. Nothing else names it.

use std::net::IpAddr;
use std::sync::Arc;

use stampede_proto::VERSION;
use stampede_worker::http::auto::AutoFactory;
pub use stampede_worker::http::settings::SourceError;
use stampede_worker::http::settings::Sources;
pub use stampede_worker::limits::raise_open_files;
use stampede_worker::session::{Dialer, Io, Settings, work};
use stampede_worker::trial::Telling;
pub use stampede_worker::trial::{Answer, Exchanged, Judged, Teller, Told};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::fleet::{Assets, pipe};

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

/// How the embedded worker is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Load threads.
    pub threads: usize,
    /// Whether the target is in this process too.
    pub hosts_target: bool,
    /// Told of each exchange, for `coordinator try`.
    pub teller: Option<Teller>,
    sources: Sources,
}

impl Setup {
    /// With so many load threads, connecting from `sources`, or from wherever the system likes if there are none.
    ///
    /// # Errors
    /// When this machine does not have one of these addresses.
    pub fn new(threads: usize, sources: &[IpAddr], hosts_target: bool) -> Result<Self, SourceError> {
        Ok(Self { threads, hosts_target, teller: None, sources: Sources::new(sources)? })
    }
}

/// Starts a worker; its ends of connections go to `pipes`. What this process has read of `files` it need not fetch, and not
/// hold a second time.
pub fn start(setup: Setup, files: Assets, pipes: mpsc::Sender<DuplexStream>) -> Embedded {
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
        threads: setup.threads,
        capacity: u32::try_from(setup.threads).unwrap_or(u32::MAX),
        once: true,
        dialer,
        address: "this process".to_owned(),
        say: Arc::new(|text| tracing::debug!("embedded worker: {text}")),
        spread: false,
        version: VERSION.to_owned(),
        sources: setup.sources,
        allow: Arc::default(),
        leased: false,
        line: watch::Sender::default(),
        hosts_target: setup.hosts_target,
        known: files,
    };
    let factory = AutoFactory::new(settings.sources.addresses().to_vec());
    let task = tokio::spawn(async move {
        let worked = match setup.teller {
            Some(teller) => work(settings, Telling::new(factory, teller), left).await,
            None => work(settings, factory, left).await,
        };
        if let Err(error) = worked {
            tracing::error!("the embedded worker ended: {error}");
        }
    });
    Embedded { _leave: leave, task }
}
