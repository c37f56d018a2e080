//! Every flag, with its environment variable and its help.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::units::{parse_duration, parse_rate};

use super::compare::CompareArgs;
use super::export::ExportArgs;
use super::fleet::{FleetArgs, lease};
use super::labels::LabelArgs;
use super::notify::NotifyArgs;
use super::resume::ResumeArgs;
use super::screen::ScreenArgs;
use super::summary::tool;
use super::urls::UrlArgs;
use super::watch::WatchArgs;
use crate::report::Style;

const AFTER_HELP: &str = "\
Without SCENARIO: scenario.yaml here; without that, on a terminal, the built-in demo.

Examples:
  coordinator --demo --users 200 --spawn-rate 10 --run-time 30s
  coordinator http://127.0.0.1:8080/kv/1 -u 50 -t 30s
  coordinator examples/predict.yaml -u 200 -r 10 -t 60s --report report.md --report report.json
  coordinator examples/predict.yaml --expect-workers 2      and on other terminals: worker --connect

Exit codes:
    0  passed                               12  not enough workers came
    1  something failed, or nothing ran     13  done, but samples are missing
    2  wrong usage                          14  done, but a report could not be written
   10  the scenario has errors             130  stopped at once by a second Ctrl-C
   11  cannot listen                        99  a threshold does not hold

Every flag can also be given as an environment variable: --run-time as STAMPEDE_RUN_TIME.";

/// Load tests: weighted users from a scenario file, on this machine or on many.
#[derive(Debug, Parser)]
#[command(name = "coordinator", version, after_help = AFTER_HELP, max_term_width = 100,
          args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Something else than running a test.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read and check a scenario, and say what would run
    Check(CheckArgs),
    /// Show what each worker will run at each moment, without running it
    Plan(PlanArgs),
    /// Run one user once, and show each request and response
    Try(TryArgs),
    /// Write the smallest scenario, to begin with
    New(NewArgs),
    /// Compare two saved runs, and say whether the new one is better or worse
    Compare(CompareArgs),
    /// Print the JSON Schema of the scenario file, for editors
    Schema,
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Make a private authority and certificates for the connection between coordinator and workers
    Certs(CertsArgs),
    /// Go on with a test whose coordinator died, from its --journal
    Resume(Box<ResumeArgs>),
    /// Show a run that was saved, or make any report from it
    Report(ReportArgs),
    /// Look at a test that another coordinator runs, on its screen; leaving does not stop it
    Watch(WatchArgs),
}

/// What `report` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// The saved run, a report in JSON [default: the last run]
    #[arg(value_name = "RUN.json")]
    pub(super) run: Option<PathBuf>,

    /// Write a report, format by ending: .md, .html, .json, .csv, .xml, .hlog; repeatable [default: the table, on stdout]
    #[arg(long = "report", value_name = "FILE", env = "STAMPEDE_REPORT", value_delimiter = '\n')]
    pub(super) reports: Vec<PathBuf>,

    /// Print the JSON report instead of the table
    #[arg(long, env = "STAMPEDE_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,

    /// Print it as this tool would, with its definitions, instead of the table
    #[arg(long, value_name = "TOOL", env = "STAMPEDE_SUMMARY", value_parser = tool(), conflicts_with = "json")]
    pub(super) summary: Option<Style>,
}

/// What `try` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct TryArgs {
    /// The scenario file
    pub(super) scenario: PathBuf,

    /// A user of this class [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(super) class: Option<String>,

    /// Only this task [default: each of them, in the order of the file]
    #[arg(long, value_name = "NAME")]
    pub(super) task: Option<String>,

    /// Start the built-in demo target and aim at it
    #[arg(long, env = "STAMPEDE_DEMO", value_parser = FalseyValueParser::new())]
    pub(super) demo: bool,

    /// Base URL [default: the scenario's target]
    #[arg(short = 'H', long, value_name = "URL", env = "STAMPEDE_HOST", value_parser = host)]
    pub(super) host: Option<String>,

    /// Override one of the scenario's `vars`, the value read like a YAML value; repeatable
    #[arg(short = 'e', long = "var", value_name = "NAME=VALUE", env = "STAMPEDE_VAR", value_delimiter = '\n',
          value_parser = var)]
    pub(super) vars: Vec<(String, String)>,

    /// The same seed gives the same user doing the same things [default: drawn and printed]
    #[arg(long, value_name = "N", env = "STAMPEDE_SEED")]
    pub(super) seed: Option<u64>,

    /// Who makes the requests
    #[arg(long, value_name = "CLIENT", env = "STAMPEDE_HTTP_CLIENT", value_enum, default_value_t)]
    pub(super) http_client: HttpClient,

    /// Show bodies up to so many lines
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(super) lines: usize,
}

/// What `new` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct NewArgs {
    /// The file to write; one that is there is not overwritten
    #[arg(default_value = "scenario.yaml")]
    pub(super) file: PathBuf,
}

/// What `completions` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct CompletionsArgs {
    /// For which shell
    pub(super) shell: clap_complete::Shell,
}

/// What `certs` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct CertsArgs {
    /// The folder for them; made if it is not there, and nothing in it is overwritten
    pub(super) dir: PathBuf,
    /// A further name or address of the coordinator's machine, as in worker --connect; repeatable
    #[arg(long = "name", value_name = "HOST")]
    pub(super) names: Vec<String>,
}

/// What `check` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct CheckArgs {
    /// The scenario file
    pub(super) scenario: PathBuf,
    #[command(flatten)]
    pub(super) load: LoadArgs,
}

/// What `plan` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    /// The scenario file
    pub(super) scenario: PathBuf,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    /// Workers the users are dealt to
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) workers: u32,
    /// One line of JSON for each start and stop, or for each arrival
    #[arg(long)]
    pub(super) json: bool,
}

/// What says how much load, and what replaces parts of the scenario.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct LoadArgs {
    /// Users at the peak [default: the scenario's, else 1]
    #[arg(short, long, value_name = "N", env = "STAMPEDE_USERS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) users: Option<u32>,

    /// Users started per second (10, 10/s, 0.5) [default: the scenario's, else 1; of a URL all within a second]
    #[arg(short = 'r', long, value_name = "N", env = "STAMPEDE_SPAWN_RATE", value_parser = rate)]
    pub(super) spawn_rate: Option<Rate>,

    /// Open model: arrivals per second (1500/s), whatever the target does; -u users are started beforehand
    #[arg(long, value_name = "R", env = "STAMPEDE_RATE", value_parser = rate, conflicts_with = "spawn_rate")]
    pub(super) rate: Option<Rate>,

    /// Open model: users at most [default: the scenario's, else 10000]
    #[arg(long, value_name = "N", env = "STAMPEDE_MAX_USERS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_users: Option<u32>,

    /// How long, from the first start (90s, 10m, 1h30m) [default: the scenario's, else until stopped]
    #[arg(short = 't', long, value_name = "D", env = "STAMPEDE_RUN_TIME", value_parser = duration)]
    pub(super) run_time: Option<Duration>,

    /// Stop after so many iterations over all users
    #[arg(short, long, value_name = "N", env = "STAMPEDE_ITERATIONS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) iterations: Option<u64>,

    /// Base URL [default: the scenario's target]
    #[arg(short = 'H', long, value_name = "URL", env = "STAMPEDE_HOST", value_parser = host)]
    pub(super) host: Option<String>,

    /// How long users may finish their iteration at the end [default: the scenario's, else 10s]
    #[arg(long, value_name = "D", env = "STAMPEDE_STOP_TIMEOUT", value_parser = duration)]
    pub(super) stop_timeout: Option<Duration>,

    /// The same seed gives the same users doing the same things [default: drawn and printed]
    #[arg(long, value_name = "N", env = "STAMPEDE_SEED")]
    pub(super) seed: Option<u64>,

    /// Override one of the scenario's `vars`, the value read like a YAML value; repeatable
    #[arg(short = 'e', long = "var", value_name = "NAME=VALUE", env = "STAMPEDE_VAR", value_delimiter = '\n',
          value_parser = var)]
    pub(super) vars: Vec<(String, String)>,

    /// Only tasks that have one of these tags (checkout,smoke); repeatable
    #[arg(short = 'T', long, value_name = "TAG", env = "STAMPEDE_TAGS", value_delimiter = ',')]
    pub(super) tags: Vec<String>,

    /// No task that has one of these tags; repeatable
    #[arg(short = 'E', long, value_name = "TAG", env = "STAMPEDE_EXCLUDE_TAGS", value_delimiter = ',')]
    pub(super) exclude_tags: Vec<String>,

    /// Only this user class; repeatable
    #[arg(long, value_name = "NAME", env = "STAMPEDE_CLASS", value_delimiter = ',')]
    pub(super) class: Vec<String>,

    /// A rule that the test has to keep ('p95 < 500ms'), beside those of the scenario; repeatable
    #[arg(long = "threshold", value_name = "RULE", env = "STAMPEDE_THRESHOLD", value_delimiter = '\n',
          value_parser = super::rules::rule)]
    pub(super) thresholds: Vec<String>,
}

/// What running a test takes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct RunArgs {
    /// The scenario file, or one URL
    #[arg(value_name = "SCENARIO | URL")]
    pub(super) scenario: Option<String>,

    #[command(flatten)]
    pub(super) load: LoadArgs,

    /// Start the built-in demo target and aim at it; without SCENARIO with the built-in index 20 % / predict 80 %
    #[arg(long, env = "STAMPEDE_DEMO", value_parser = FalseyValueParser::new())]
    pub(super) demo: bool,

    /// Where workers connect; beyond loopback also --token-file or --no-token [default: 127.0.0.1:5557]
    #[arg(long, value_name = "ADDR", env = "STAMPEDE_BIND")]
    pub(super) bind: Option<String>,

    #[command(flatten)]
    pub(super) fleet: FleetArgs,

    /// A worker that is silent for this long is lost, and its users start elsewhere (1s to 5m)
    #[arg(long, value_name = "D", env = "STAMPEDE_LEASE", default_value = "5s", value_parser = lease)]
    pub(super) lease: Duration,

    /// Write down in this folder what happens, so that `coordinator resume DIR` can go on with it
    #[arg(long, value_name = "DIR", env = "STAMPEDE_JOURNAL")]
    pub(super) journal: Option<PathBuf>,

    /// Wait for N remote workers, start no embedded one
    #[arg(long, value_name = "N", env = "STAMPEDE_EXPECT_WORKERS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) expect_workers: Option<u32>,

    /// Give up waiting for workers after this
    #[arg(long, value_name = "D", env = "STAMPEDE_EXPECT_TIMEOUT", default_value = "60s", value_parser = duration)]
    pub(super) expect_timeout: Duration,

    /// Load threads of the embedded worker [default: one for each core]
    #[arg(long, value_name = "N", env = "STAMPEDE_THREADS", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,

    /// Who makes the requests: native is the fast one, reqwest the one that knows proxies; auto takes native and, for
    /// requests through a proxy, reqwest
    #[arg(long, value_name = "CLIENT", env = "STAMPEDE_HTTP_CLIENT", value_enum, default_value_t)]
    pub(super) http_client: HttpClient,

    /// Connect to targets from this address of the machine; repeatable: each one has local ports of its own
    #[arg(long, value_name = "IP", env = "STAMPEDE_SOURCE_IP", value_delimiter = '\n')]
    pub(super) source_ip: Vec<IpAddr>,

    /// An earlier run's report.json, for rules such as 'p95 within 10% of baseline'
    #[arg(long, value_name = "RUN.json", env = "STAMPEDE_BASELINE")]
    pub(super) baseline: Option<PathBuf>,

    #[command(flatten)]
    pub(super) labels: LabelArgs,

    #[command(flatten)]
    pub(super) notify: NotifyArgs,

    /// Write a report, format by ending: .md, .html, .json, .csv (Locust's four files), .xml (test cases for CI),
    /// .hlog (histograms); repeatable
    #[arg(long = "report", value_name = "FILE", env = "STAMPEDE_REPORT", value_delimiter = '\n')]
    pub(super) reports: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) export: ExportArgs,

    /// Print the JSON report instead of the table
    #[arg(long, env = "STAMPEDE_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,

    /// Print the end as this tool does, with its definitions, instead of the table
    #[arg(long, value_name = "TOOL", env = "STAMPEDE_SUMMARY", value_parser = tool(), conflicts_with = "json")]
    pub(super) summary: Option<Style>,

    #[command(flatten)]
    pub(super) screen: ScreenArgs,

    /// Exit code when requests failed
    #[arg(long, value_name = "N", env = "STAMPEDE_EXIT_CODE_ON_ERROR", default_value_t = 1)]
    pub(super) exit_code_on_error: u8,

    /// Write the log here instead of to stderr
    #[arg(long, value_name = "FILE", env = "STAMPEDE_LOG")]
    pub(super) log: Option<PathBuf>,

    /// Log more; twice: much more
    #[arg(short, action = ArgAction::Count)]
    pub(super) verbose: u8,

    #[command(flatten)]
    pub(super) urls: UrlArgs,
}

/// Which HTTP client makes the requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum HttpClient {
    #[default]
    Auto,
    Native,
    Reqwest,
}

impl From<HttpClient> for ClientChoice {
    fn from(client: HttpClient) -> Self {
        match client {
            HttpClient::Auto => Self::Auto,
            HttpClient::Native => Self::Native,
            HttpClient::Reqwest => Self::Reqwest,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<Rate, String> {
    parse_rate(text).map_err(|error| error.to_string())
}

fn host(text: &str) -> Result<String, String> {
    if text.contains(": ") {
        return Err(format!("-H is --host; a header is --header '{text}'"));
    }
    Ok(text.to_owned())
}

fn var(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example --var region=us".to_owned()),
    }
}
