//! A target without a socket: answers after a few milliseconds and counts what it saw.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use stampede_coordinator::conduct::Job;
use stampede_coordinator::run::RunSetup;
use stampede_proto::prepare::{AssetInfo, ClientChoice, Prepare};
use stampede_scenarios::compile::compile;
use stampede_scenarios::files::hash;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_worker::http::probe::Probe;
use stampede_worker::http::run::RunHttp;
use stampede_worker::http::{ClientError, Exchange, HttpClient, HttpFactory, HttpThread, Request, Response};

/// How long an answer takes.
const TAKES: Duration = Duration::from_millis(3);

/// What the target saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    begun: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
}

impl Seen {
    /// Begun, answered well, answered with an error, bytes of bodies.
    pub(crate) fn counts(&self) -> (u64, u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.begun), read(&self.answered), read(&self.failed), read(&self.bytes))
    }
}

/// Makes clients of the target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target(pub(crate) Arc<Seen>);

/// One user's client.
#[derive(Debug)]
pub(crate) struct Client {
    seen: Arc<Seen>,
    probe: Arc<Probe>,
    connected: bool,
}

impl HttpFactory for Target {
    type Thread = Self;

    fn thread(&self, _run: &Arc<RunHttp>) -> Result<Self, ClientError> {
        Ok(self.clone())
    }
}

impl HttpThread for Target {
    type Client = Client;

    fn client(&self, probe: &Arc<Probe>) -> Result<Client, ClientError> {
        Ok(Client { seen: Arc::clone(&self.0), probe: Arc::clone(probe), connected: false })
    }
}

impl HttpClient for Client {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        if !std::mem::replace(&mut self.connected, true) {
            self.probe.exchange_begins("h:80");
            self.probe.connecting();
            self.probe.connected(Some(Duration::ZERO));
        }
        let number = self.seen.begun.fetch_add(1, Ordering::Relaxed);
        self.seen.bytes.fetch_add(request.body.len() as u64, Ordering::Relaxed);
        tokio::time::sleep(TAKES).await;
        // Every tenth fails.
        let fails = number % 10 == 9;
        let (count, status) = if fails { (&self.seen.failed, 500) } else { (&self.seen.answered, 200) };
        count.fetch_add(1, Ordering::Relaxed);
        let end = Instant::now();
        Exchange {
            result: Ok(Box::new(Response { status, body_len: 2, ..Response::default() })),
            first_byte: Some(end),
            end,
            connecting: Duration::ZERO,
            written: true,
        }
    }
}

/// A file of the scenario.
const FILE: &str = "dog.jpg";

/// A run for the embedded worker whose users do `step`, with a file they may send; and that file's size.
pub(crate) fn job(step: &str, load: &str) -> (Job, u64) {
    let text = format!(
        "target: http://h\nusers:\n  v: {{tasks: {{main: {{steps: [{{{step}}}]}}}}}}\nload: {{{load}}}\n"
    );
    let source = Source::new("t.yaml", text);
    let plan =
        compile(&source, &Overrides::default(), &|_| None, 7).unwrap_or_else(|wrong| panic!("{wrong}"));
    let content: Bytes = (0..600_000u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let size = content.len() as u64;
    let info = AssetInfo { path: FILE.to_owned(), sha256: hash(&content), size, file_name: FILE.to_owned() };
    let prepare = Prepare {
        run: "r1".to_owned(),
        source,
        overrides: Overrides::default(),
        env: plan.env.clone(),
        seed: plan.seed,
        assets: if plan.assets.is_empty() { Vec::new() } else { vec![info] },
        client: ClientChoice::Auto,
    };
    let setup = RunSetup {
        id: "r1".to_owned(),
        plan: Arc::new(plan),
        demo: false,
        labels: std::collections::BTreeMap::new(),
        expected: None,
        expect_timeout: Duration::from_secs(30),
        lease: Duration::from_secs(5),
        join_command: String::new(),
        spawn_rate: Rate::new(1, 1).expect("positive"),
        client: ClientChoice::Auto,
    };
    let assets = HashMap::from([(hash(&content), content)]);
    (Job { setup, prepare, assets, door: None, embedded: None, control: false }, size)
}
