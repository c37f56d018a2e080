//! The command line of `demo-target`: flags to a `Config`, signals, and the two lines it may print.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Parser;
use demo_target::{Config, DemoTarget, StartError};
use tokio::runtime::{Builder, Runtime};

/// A small service to aim a load test at; it counts what it sees (GET /__counts)
#[derive(Debug, Parser)]
#[command(version, group = clap::ArgGroup::new("limited").multiple(true))]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    /// Threads that serve [default: half of the cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Mean time of a prediction, without its queue [default: 20ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    predict_time: Option<Duration>,
    /// Standard deviation of that time (log-normal); 0ms for none [default: 10ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    predict_jitter: Option<Duration>,
    /// Predictions that run at the same time [default: any number]
    #[arg(long, value_name = "N", group = "limited")]
    predict_workers: Option<NonZeroUsize>,
    /// Predictions that wait for a worker; beyond it connections are closed without an answer [default: any
    /// number]
    #[arg(long, value_name = "N", requires = "limited")]
    predict_queue: Option<usize>,
    /// A server too small for predict.yaml: 2 workers, 8 waiting, 80ms ± 20ms. Other flags change single
    /// values of it
    #[arg(long, group = "limited")]
    saturate: bool,
    /// Keep every request for GET /__log
    #[arg(long)]
    log_requests: bool,
}

/// Why the program ends with exit code 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
    #[error("cannot write the address to the standard output: {0}")]
    Stdout(#[source] io::Error),
}

impl Args {
    fn config(&self) -> Config {
        let preset = if self.saturate { Config::saturated() } else { Config::default() };
        Config {
            threads: self.threads,
            predict_time: self.predict_time.unwrap_or(preset.predict_time),
            predict_jitter: self.predict_jitter.unwrap_or(preset.predict_jitter),
            predict_workers: self.predict_workers.or(preset.predict_workers),
            predict_queue: self.predict_queue.or(preset.predict_queue),
            record_log: self.log_requests,
            ..preset
        }
    }
}

/// Starts the target, prints its URL, and waits for the signal to end.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    raise_file_limit();
    let config = args.config();
    let signals = Builder::new_current_thread().enable_all().build().map_err(Failure::Signals)?;
    // Before the line that says "ready": a signal sent after it must not find the default handler.
    let ended = Ended::listen(&signals).map_err(Failure::Signals)?;
    let target = DemoTarget::start(args.bind, config)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", target.url()).and_then(|()| stdout.flush()).map_err(Failure::Stdout)?;
    signals.block_on(ended.wait());
    target.shutdown();
    Ok(())
}

/// One line on the standard error.
pub(crate) fn complain(failure: &Failure) {
    // When even this fails there is nobody left to tell; the exit code remains.
    let _ = writeln!(io::stderr(), "error: {failure}");
}

/// Ctrl-C or SIGTERM.
#[cfg(unix)]
struct Ended {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ended {
    fn listen(runtime: &Runtime) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let _inside = runtime.enter();
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
struct Ended(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Ended {
    fn listen(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn wait(mut self) {
        self.0.recv().await;
    }
}

/// Lets the process have as many connections as the system permits; the usual limit of 1024 is below what a
/// load test of a thousand users needs. Where it cannot be raised, it stays.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// Reads `80us`, `20ms`, `1.5s`.
fn duration(text: &str) -> Result<Duration, BadDuration> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return Err(BadDuration),
    };
    let number: f64 = number.parse().map_err(|_| BadDuration)?;
    Duration::try_from_secs_f64(number * scale).map_err(|_| BadDuration)
}

#[derive(Debug, thiserror::Error)]
#[error("expected a number and a unit, as in 80us, 20ms or 1.5s")]
struct BadDuration;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, micros) in [("80us", 80), ("20ms", 20_000), ("1.5s", 1_500_000), ("0ms", 0)] {
            assert_eq!(duration(text).ok(), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "20", "ms", "1.2.3s", "-1s", "1 s", "1m", "99999999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_change_single_values_of_the_preset() {
        let args = Args::parse_from(["demo-target", "--saturate", "--predict-queue", "3"]);
        assert_eq!(args.config(), Config { predict_queue: Some(3), ..Config::saturated() });
        assert_eq!(Args::parse_from(["demo-target"]).config(), Config::default());
    }

    #[test]
    fn a_queue_needs_workers() {
        assert!(Args::try_parse_from(["demo-target", "--predict-queue", "3"]).is_err());
        assert!(
            Args::try_parse_from(["demo-target", "--predict-queue", "3", "--predict-workers", "1"]).is_ok()
        );
    }
}
