//! A worker's life: connect, take part in tests, deliver what was measured, connect again when the line breaks.
//!
//! One task owns everything ([`Worker`]); readers and load threads only push [`Event`]s. The engine goes on while the line is
//! down: what it measures waits in the outbox.

mod beside;
mod leave;
mod link;
mod obey;
mod prepare;
mod room;
mod run;
mod running;
mod secure;
mod share;
mod tell;
mod transport;
mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::http::ClientError;
use crate::http::allow::Allow;
use crate::http::settings::Sources;
pub use prepare::Assets;
pub use secure::{FleetTls, FleetTlsError};
pub use transport::{Dialer, Io};
pub use worker::{work, work_as};

/// How a worker is set up.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Settings {
    /// Shown at the coordinator.
    pub name: String,
    /// Load threads.
    pub threads: usize,
    /// Its share of the users, relative to the others'.
    pub capacity: u32,
    /// Leave after one test.
    pub once: bool,
    /// How to reach the coordinator.
    pub dialer: Dialer,
    /// The coordinator's address, for people.
    pub address: String,
    /// Told every change of state, in one line.
    pub say: Arc<dyn Fn(&str) + Send + Sync>,
    /// Whether batches leave at a moment of this worker's own after the full second, so that many do not come at once.
    pub spread: bool,
    /// Version told to the coordinator.
    pub version: String,
    /// What its clients connect from, as far as that is settled.
    pub sources: Sources,
    /// What its users may aim at, whatever the coordinator says.
    pub allow: Arc<Allow>,
    /// Whether users hold when the coordinator has not been heard of for its lease. In the coordinator's own process
    /// there is nothing to be cut off from.
    pub leased: bool,
    /// Told whether the line to a coordinator stands.
    pub line: watch::Sender<bool>,
    /// Whether the target is in this process too: then each connection takes two of its files.
    pub hosts_target: bool,
    /// Files of tests that are in this process already: they are not fetched.
    pub known: Assets,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// How often a worker was told to leave: once, politely; twice, at once.
pub type Leave = watch::Receiver<u32>;

/// Why a worker ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The coordinator does not want this worker; trying again would not help.
    #[error("the coordinator refuses this worker: {0}")]
    Refused(String),
    /// Coordinator and worker are not set up alike; trying again would not help.
    #[error("cannot talk to the coordinator at {address}: {why}")]
    Mismatch {
        /// Its address.
        address: String,
        /// What is different, and what to do.
        why: String,
    },
    /// Health checks cannot be answered where it was asked for.
    #[error("--health {address}: {source}")]
    Health {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A load thread died; what it measured is gone.
    #[error("load thread {thread} failed: {why}")]
    Thread {
        /// Which.
        thread: usize,
        /// Why.
        why: String,
    },
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system gives no random bytes.
    #[error("no random bytes from the system: {0}")]
    Random(String),
    /// Told to leave, but the coordinator did not come back in time.
    #[error("left without the coordinator: {0} intervals of statistics were not delivered")]
    Undelivered(usize),
    /// Told to leave a second time.
    #[error("left at once; what was not delivered is lost")]
    LeftAtOnce,
}

/// First pause before connecting again; doubled each time up to [`MAX_BACK_OFF`].
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);

/// Longest pause before connecting again.
const MAX_BACK_OFF: Duration = Duration::from_secs(2);
