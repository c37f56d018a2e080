//! Flags that say where a run's figures go while it runs.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::export::Wanted;
use crate::export::targets::{HttpTarget, InfluxTarget, StatsdTarget};

/// Where figures go.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct ExportArgs {
    /// Serve figures while it runs, as /metrics at this address, for Prometheus to scrape (127.0.0.1:9464)
    #[arg(long, value_name = "ADDR", env = "STAMPEDE_PROMETHEUS")]
    pub(super) prometheus: Option<String>,

    /// Push figures once a second by Prometheus remote write
    #[arg(long, value_name = "URL", env = "STAMPEDE_REMOTE_WRITE")]
    pub(super) remote_write: Option<HttpTarget>,

    /// Send figures once a second over UDP to StatsD; dogstatsd://HOST:PORT with tags
    #[arg(long, value_name = "HOST:PORT", env = "STAMPEDE_STATSD")]
    pub(super) statsd: Option<StatsdTarget>,

    /// Push figures once a second in InfluxDB's line protocol, over HTTP or to udp://HOST:PORT; a token is taken from
    /// `STAMPEDE_INFLUX_TOKEN`
    #[arg(long, value_name = "URL", env = "STAMPEDE_INFLUX")]
    pub(super) influx: Option<InfluxTarget>,

    /// Push figures once a second as OpenTelemetry metrics (OTLP over HTTP)
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL", env = "STAMPEDE_OTLP")]
    pub(super) otlp: Option<HttpTarget>,

    /// Add one line of JSON a second to this file
    #[arg(long, value_name = "FILE", env = "STAMPEDE_LIVE_JSON")]
    pub(super) live_json: Option<PathBuf>,
}

impl ExportArgs {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            prometheus: self.prometheus.clone(),
            remote_write: self.remote_write.clone(),
            statsd: self.statsd.clone(),
            influx: self.influx.clone(),
            // A secret: in the list of processes everybody could read it.
            influx_token: std::env::var("STAMPEDE_INFLUX_TOKEN").ok().filter(|token| !token.is_empty()),
            #[cfg(feature = "otlp")]
            otlp: self.otlp.clone(),
            live_json: self.live_json.clone(),
        }
    }
}
