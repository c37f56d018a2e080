//! The exporters of a run: started before it, so that what cannot work is said then, and ended after it.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::datagrams::{self, Datagrams};
use super::delivery::{Receiver, Tally, follow};
use super::feed::Feed;
use super::live::Live;
use super::push::{self, Push};
use super::scrape::serve;
use super::targets::{HttpTarget, InfluxTarget, StatsdTarget, token_of};
use crate::report::Report;
use crate::result::RunResult;

/// How long exporters have, when the run is over, for what they have not delivered.
const GRACE: Duration = Duration::from_secs(3);

/// The same when a second Ctrl-C stopped the run at once.
const HASTE: Duration = Duration::from_millis(300);

/// What is to be exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where to serve `/metrics`.
    pub prometheus: Option<String>,
    /// Where to write to as one Prometheus to another.
    pub remote_write: Option<HttpTarget>,
    /// Where to send StatsD lines to.
    pub statsd: Option<StatsdTarget>,
    /// Where to send the line protocol to.
    pub influx: Option<InfluxTarget>,
    /// For InfluxDB; a secret.
    pub influx_token: Option<String>,
    /// Where to send OpenTelemetry metrics to.
    #[cfg(feature = "otlp")]
    pub otlp: Option<HttpTarget>,
    /// Where to write lines of JSON.
    pub live_json: Option<PathBuf>,
}

/// Why an exporter cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The metrics cannot be served.
    #[error("--prometheus cannot listen on {address}: {source}")]
    Listen {
        /// As given.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// There is no way to a receiver.
    #[error("{to} cannot be sent to: {why}")]
    Send {
        /// The flag, and where to.
        to: String,
        /// Why.
        why: String,
    },
    /// A file cannot be written.
    #[error("--live-json cannot write to {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Those that were started.
#[derive(Debug)]
pub struct Exporters {
    serving: Option<SocketAddr>,
    /// How many figures each of them was given.
    published: Arc<AtomicU64>,
    sending: Vec<(Arc<Tally>, JoinHandle<()>)>,
    live: Option<(Arc<Tally>, JoinHandle<Live<File>>)>,
}

impl Exporters {
    /// Starts those that are `wanted`; there is a feed where one is.
    pub async fn start(wanted: &Wanted) -> Result<(Self, Option<Feed>), ExportError> {
        let none = *wanted == Wanted { influx_token: wanted.influx_token.clone(), ..Wanted::default() };
        let feed = Feed::default();
        let mut exporters =
            Self { serving: None, published: feed.published(), sending: Vec::new(), live: None };
        if let Some(address) = &wanted.prometheus {
            let failed = |source| ExportError::Listen { address: address.clone(), source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            exporters.serving = listener.local_addr().ok();
            tokio::spawn(serve(listener, feed.newest()));
        }
        exporters.start_sending(wanted, &feed).await?;
        if let Some(path) = &wanted.live_json {
            let failed = |source| ExportError::File { path: path.clone(), source };
            let live = Live::open(path).map_err(failed)?;
            let tally = Arc::new(Tally::new(format!("--live-json {}", path.display())));
            let (ticks, kept) = (feed.each(), Arc::clone(&tally));
            exporters.live = Some((tally, spawn_blocking(move || live.follow(ticks, &kept))));
        }
        Ok((exporters, (!none).then_some(feed)))
    }

    /// Where `/metrics` is, if it is served.
    pub fn serving(&self) -> Option<SocketAddr> {
        self.serving
    }

    async fn start_sending(&mut self, wanted: &Wanted, feed: &Feed) -> Result<(), ExportError> {
        if let Some(target) = &wanted.remote_write {
            let tally = Tally::new(format!("--remote-write {target}"));
            let language = push::Language::RemoteWrite;
            self.push(tally, feed, |tally| Push::to(target.0.clone(), language, None, tally))?;
        }
        #[cfg(feature = "otlp")]
        if let Some(target) = &wanted.otlp {
            let tally = Tally::new(format!("--otlp {target}"));
            self.push(tally, feed, |tally| Push::to(target.0.clone(), push::Language::Otlp, None, tally))?;
        }
        if let Some(target) = &wanted.statsd {
            let tally = Tally::new(format!("--statsd {target}"));
            let language = datagrams::Language::Statsd { dialect: target.dialect, before: None };
            self.datagrams(tally, feed, &target.address, language).await?;
        }
        match &wanted.influx {
            Some(target @ InfluxTarget::Http(url)) => {
                let token = wanted.influx_token.clone().or_else(|| token_of(url));
                let tally = Tally::new(format!("--influx {target}"));
                let language = push::Language::Influx;
                self.push(tally, feed, |tally| Push::to(url.clone(), language, token.as_deref(), tally))?;
            }
            Some(target @ InfluxTarget::Udp(address)) => {
                let tally = Tally::new(format!("--influx {target}"));
                self.datagrams(tally, feed, address, datagrams::Language::Influx).await?;
            }
            None => {}
        }
        Ok(())
    }

    fn push(
        &mut self,
        tally: Tally,
        feed: &Feed,
        make: impl FnOnce(Arc<Tally>) -> Result<Push, String>,
    ) -> Result<(), ExportError> {
        let tally = Arc::new(tally);
        let failed = |why| ExportError::Send { to: tally.name.clone(), why };
        let push = make(Arc::clone(&tally)).map_err(failed)?;
        self.follow(push, feed, tally);
        Ok(())
    }

    async fn datagrams(
        &mut self,
        tally: Tally,
        feed: &Feed,
        address: &str,
        language: datagrams::Language,
    ) -> Result<(), ExportError> {
        let failed = |error: io::Error| ExportError::Send { to: tally.name.clone(), why: error.to_string() };
        let datagrams = Datagrams::to(address, language).await.map_err(failed)?;
        self.follow(datagrams, feed, Arc::new(tally));
        Ok(())
    }

    fn follow(&mut self, receiver: impl Receiver, feed: &Feed, tally: Arc<Tally>) {
        let task = tokio::spawn(follow(receiver, feed.each(), Arc::clone(&tally)));
        self.sending.push((tally, task));
    }

    /// The run is over, and its feed with it: what is still to be delivered has a little time, and what was lost is noted.
    pub async fn finish(self, result: &mut RunResult) {
        let time = if result.aborted { HASTE } else { GRACE };
        let until = Instant::now() + time;
        let published = self.published.load(Ordering::Relaxed);
        let mut notes = Vec::new();
        for (tally, mut task) in self.sending {
            if timeout_at(until, &mut task).await.is_err() {
                task.abort();
            }
            notes.extend(tally.losses(published));
        }
        // A file has its own time: a receiver that is silent has used up the others'.
        let until = Instant::now() + time;
        let mut live = None;
        if let Some((tally, task)) = self.live {
            live = timeout_at(until, task).await.ok().and_then(Result::ok).map(|live| (tally.clone(), live));
            notes.extend(tally.losses(published));
        }
        for note in &notes {
            tracing::warn!("{note}");
        }
        result.notes.extend(notes);
        let Some((tally, mut live)) = live else { return };
        let report = Report::from_result(result);
        let ended = timeout_at(until, spawn_blocking(move || live.end(&report))).await;
        if let Ok(Ok(Err(error))) = ended {
            tally.failed(error.to_string());
        }
    }
}
