//! The command line of `worker`: what it takes, and how it ends.

mod fleet;

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{ArgAction, Parser};
use stampede_proto::VERSION;
use tokio::sync::watch;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use fleet::FleetArgs;

use crate::health;
use crate::http::allow::{Allow, Pattern};
use crate::http::auto::AutoFactory;
use crate::http::settings::Sources;
use crate::limits::raise_open_files;
use crate::session::{Assets, Dialer, Settings, WorkerError, work};

/// Where a coordinator listens unless told otherwise.
const DEFAULT_ADDRESS: &str = "127.0.0.1:5557";

/// Runs virtual users for a coordinator.
///
/// Connects to a coordinator, takes its share of the users of each test, and streams what they measure back. It keeps trying
/// while there is no coordinator, and waits for the next test after one. Ctrl-C or SIGTERM: users finish, everything is
/// delivered, then it leaves.
#[derive(Debug, Parser)]
#[command(
    name = "worker",
    version,
    max_term_width = 100,
    after_help = "Every flag can also be given as an environment variable: --name as STAMPEDE_NAME."
)]
pub struct Args {
    /// The coordinator's address
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_value = DEFAULT_ADDRESS,
          default_missing_value = DEFAULT_ADDRESS, value_parser = address, env = "STAMPEDE_CONNECT", hide_env = true)]
    connect: String,

    /// What the coordinator calls this worker [default: the host's name]
    #[arg(long, value_name = "NAME", env = "STAMPEDE_NAME", hide_env = true)]
    name: Option<String>,

    /// Load threads [default: one for each core]
    #[arg(long, value_name = "N", env = "STAMPEDE_THREADS", hide_env = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,

    /// Its share of the users, relative to the other workers' [default: its threads]
    #[arg(long, value_name = "N", env = "STAMPEDE_CAPACITY", hide_env = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    capacity: Option<u32>,

    /// Aim at nothing else, whatever the coordinator says: host, host:port, *.domain, address or network (10.0.0.0/8);
    /// redirects, proxies and the scenario's `resolve` included; repeatable
    #[arg(
        long,
        value_name = "PATTERN",
        env = "STAMPEDE_ALLOW_HOST",
        hide_env = true,
        value_delimiter = '\n'
    )]
    allow_host: Vec<Pattern>,

    #[command(flatten)]
    fleet: FleetArgs,

    /// Leave after one test
    #[arg(long, env = "STAMPEDE_ONCE", hide_env = true, value_parser = clap::builder::FalseyValueParser::new())]
    once: bool,

    /// Connect to targets from this address of the machine; repeatable: each one has local ports of its own
    #[arg(long, value_name = "IP", env = "STAMPEDE_SOURCE_IP", hide_env = true, value_delimiter = '\n')]
    source_ip: Vec<IpAddr>,

    /// Answer gRPC health checks here: the worker lives, and `stampede.v1.Worker` serves while it has a coordinator
    #[arg(long, value_name = "ADDR", env = "STAMPEDE_HEALTH", hide_env = true)]
    health: Option<SocketAddr>,

    /// Write the log here instead of to stderr
    #[arg(long, value_name = "FILE", env = "STAMPEDE_LOG", hide_env = true)]
    log: Option<PathBuf>,

    /// Log more; twice: much more
    #[arg(short, action = ArgAction::Count)]
    verbose: u8,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let args = Args::parse();
    raise_open_files();
    let sources = match Sources::new(&args.source_ip) {
        Ok(sources) => sources,
        Err(error) => return fail(&format!("--source-ip: {error}"), 2),
    };
    let dialer = match args.fleet.dialer(&args.connect) {
        Ok(dialer) => dialer,
        Err(error) => return fail(&error.to_string(), 2),
    };
    if let Err(error) = start_log(args.log.as_deref(), args.verbose) {
        return fail(&format!("cannot write the log: {error}"), 2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}"), 1),
    };
    match runtime.block_on(run(args, sources, dialer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), code(&error)),
    }
}

/// The exit code of each way to end.
fn code(error: &WorkerError) -> u8 {
    match error {
        WorkerError::Refused(_) | WorkerError::Mismatch { .. } | WorkerError::Health { .. } => 11,
        WorkerError::LeftAtOnce => 130,
        WorkerError::Undelivered(_)
        | WorkerError::Thread { .. }
        | WorkerError::Client(_)
        | WorkerError::Random(_) => 1,
    }
}

/// `host:port`; a host alone gets the port coordinators listen on.
fn address(text: &str) -> Result<String, String> {
    let default_port = DEFAULT_ADDRESS.rsplit_once(':').map_or("5557", |(_, port)| port);
    let in_brackets = text.starts_with('[') && text.ends_with(']');
    if text.is_empty() || text.contains('/') {
        return Err(format!("write HOST:PORT, for example {DEFAULT_ADDRESS}"));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !in_brackets => match port.parse::<u16>() {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => {
                Err(format!("`{port}` is not a port; write HOST:PORT, for example 192.0.2.10:{default_port}"))
            }
        },
        _ => Ok(format!("{text}:{default_port}")),
    }
}

async fn run(args: Args, sources: Sources, dialer: Dialer) -> Result<(), WorkerError> {
    let factory = AutoFactory::new(sources.addresses().to_vec());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, |threads| threads as usize);
    let line = watch::Sender::new(false);
    if let Some(address) = args.health {
        let served = health::serve(address, line.subscribe()).await;
        served.map_err(|source| WorkerError::Health { address, source })?;
    }
    let settings = Settings {
        name: args.name.unwrap_or_else(host_name),
        threads,
        capacity: args.capacity.unwrap_or_else(|| u32::try_from(threads).unwrap_or(u32::MAX)),
        once: args.once,
        dialer,
        address: args.connect,
        say: Arc::new(say),
        spread: true,
        version: VERSION.to_owned(),
        sources,
        allow: Arc::new(Allow::new(args.allow_host)),
        leased: true,
        line,
        hosts_target: false,
        known: Assets::default(),
    };
    let (told, leave) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            signal().await;
            told.send_modify(|times| *times += 1);
        }
    });
    work(settings, factory, leave).await
}

/// Returns at Ctrl-C or SIGTERM.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};

    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "worker".to_owned() } else { name }
}

#[expect(
    clippy::print_stderr,
    reason = "one line for each change of state is what a person at the worker sees"
)]
fn say(text: &str) {
    eprintln!("worker: {text}");
}

#[expect(clippy::print_stderr, reason = "the last word of the program")]
fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::from(code)
}

/// Sends the log to `path`, else to stderr: warnings, with `-v` more.
///
/// # Errors
/// When the file cannot be made.
fn start_log(path: Option<&Path>, verbose: u8) -> io::Result<()> {
    let level = match verbose {
        0 => Level::WARN,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    // What a scenario writes into the log is what somebody asked for.
    let shown = Targets::new().with_default(level).with_target("scenario", level.max(Level::INFO));
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    match path {
        Some(path) => {
            let lines = lines.with_writer(Mutex::new(File::create(path)?)).with_filter(shown);
            tracing_subscriber::registry().with(lines).init();
        }
        None => tracing_subscriber::registry().with(lines.with_writer(io::stderr).with_filter(shown)).init(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_port() {
        assert_eq!(address("host").as_deref(), Ok("host:5557"));
        assert_eq!(address("[::1]").as_deref(), Ok("[::1]:5557"));
        assert_eq!(address("192.0.2.1:99").as_deref(), Ok("192.0.2.1:99"));
        assert!(address("host:http").is_err());
        assert!(address("http://host").is_err());
        assert!(address("").is_err());
    }
}
