//! The handle of a running target: its thread, its address, its view of what was seen. What it serves is
//! elsewhere.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::ledger::LogEntry;
use crate::routes::App;
use crate::server;

/// Why a target could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something listens there already.
    #[error("{addr} is already in use: stop what listens there, or choose another port (0 takes a free one)")]
    InUse {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start the threads of the demo target: {0}")]
    Runtime(#[source] io::Error),
}

/// A running demo target. It serves until it is shut down or dropped.
#[derive(Debug)]
pub struct DemoTarget {
    addr: SocketAddr,
    app: Arc<App>,
    /// Dropping it is the signal to stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DemoTarget {
    /// Starts a target on threads and a runtime of its own, so that it may be called with and without a
    /// runtime around it. When it returns, the target accepts connections at [`DemoTarget::addr`].
    pub fn start(addr: SocketAddr, config: Config) -> Result<Self, StartError> {
        let app = Arc::new(App::new(&config));
        let (stop, stopped) = oneshot::channel();
        let (ready, outcome) = mpsc::sync_channel(1);
        let served = Arc::clone(&app);
        let thread = thread::Builder::new()
            .name("demo-target".to_owned())
            .spawn(move || {
                // The runtime is made, used and dropped on this thread: dropping one blocks, which a caller
                // that is itself inside a runtime must not do.
                match open(addr, config.thread_count()) {
                    Ok((runtime, listener, addr)) => {
                        let _ = ready.send(Ok(addr));
                        runtime.block_on(serve(listener, served, stopped));
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            })
            .map_err(StartError::Runtime)?;
        let died = || StartError::Runtime(io::Error::other("its thread ended early"));
        let addr = outcome.recv().map_err(|_| died())??;
        Ok(Self { addr, app, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, with the real port when 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a trailing slash. A target that listens on every address names the loopback one.
    pub fn url(&self) -> String {
        let ip = match self.addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.addr.port()))
    }

    /// Requests seen by `METHOD /path`, the same as `requests` of `/__counts`. A request is in it from the
    /// moment its head was parsed, whatever became of it.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.app.ledger.counts()
    }

    /// Connections accepted, those that asked for `/__counts` included.
    pub fn connections(&self) -> u64 {
        self.app.ledger.connections()
    }

    /// Every request in order of arrival; empty unless [`Config::record_log`] is set.
    pub fn log(&self) -> Vec<LogEntry> {
        self.app.ledger.log().unwrap_or_default()
    }

    /// Stops at once: open connections are closed, requests in flight get no answer. Returns when the threads
    /// have ended and the port is free. Dropping does the same.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for DemoTarget {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; a second one here would hide it.
            let _ = thread.join();
        }
    }
}

/// The runtime and, bound inside it, the listening socket with its address.
fn open(addr: SocketAddr, threads: usize) -> Result<(Runtime, TcpListener, SocketAddr), StartError> {
    // One thread needs no work stealing, and is the cheapest.
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime = builder
        .worker_threads(threads)
        .thread_name("demo-target")
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    let guard = runtime.enter();
    let bound = server::listen(addr).and_then(|listener| Ok((listener.local_addr()?, listener)));
    drop(guard);
    match bound {
        Ok((addr, listener)) => Ok((runtime, listener, addr)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::InUse { addr }),
        Err(source) => Err(StartError::Bind { addr, source }),
    }
}

async fn serve(listener: TcpListener, app: Arc<App>, stopped: oneshot::Receiver<()>) {
    tokio::select! {
        () = server::accept(listener, app) => {}
        _ = stopped => {}
    }
}
