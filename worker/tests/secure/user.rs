//! The clients under test, made as a load thread makes them for a compiled scenario, and what came of their requests.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use stampede_scenarios::compile::compile;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::outcome::FailureKind;
use stampede_worker::http::auto::{AutoClient, AutoFactory, ClientChoice};
use stampede_worker::http::native::{NativeClient, NativeFactory, NativeThread};
use stampede_worker::http::origin::Origin;
use stampede_worker::http::probe::Probe;
use stampede_worker::http::reqwest_client::{ReqwestClient, ReqwestFactory, ReqwestThread};
use stampede_worker::http::run::RunHttp;
use stampede_worker::http::{HttpClient, HttpFactory, HttpThread, Options, Request, Response};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::target::CERT;

/// A user's certificate and key.
const CLIENT: &[u8] = include_bytes!("client.pem");

/// Long enough for everything that comes.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    Reqwest,
    /// What users get when nothing else is asked for.
    Auto,
}

/// The two that make requests.
pub(super) const BOTH: [Kind; 2] = [Kind::Native, Kind::Reqwest];

enum Client {
    Native(NativeClient),
    Reqwest(ReqwestClient),
    Auto(AutoClient),
}

/// A load thread's clients.
pub(super) enum Thread {
    Native(NativeThread),
    Reqwest(ReqwestThread),
    Auto(<AutoFactory as HttpFactory>::Thread),
}

impl Thread {
    pub(super) fn new(kind: Kind, run: &Arc<RunHttp>, sources: &[IpAddr]) -> Self {
        let sources = sources.to_vec();
        match kind {
            Kind::Native => Self::Native(NativeFactory::new(sources).thread(run).expect("a thread")),
            Kind::Reqwest => Self::Reqwest(ReqwestFactory::new(sources).thread(run).expect("a thread")),
            Kind::Auto => Self::Auto(AutoFactory::new(sources).thread(run).expect("a thread")),
        }
    }

    pub(super) fn user(&self) -> User {
        let probe = Arc::<Probe>::default();
        let client = match self {
            Self::Native(thread) => Client::Native(thread.client(&probe).expect("a client")),
            Self::Reqwest(thread) => Client::Reqwest(thread.client(&probe).expect("a client")),
            Self::Auto(thread) => Client::Auto(thread.client(&probe).expect("a client")),
        };
        User { client, probe }
    }
}

/// A user with a client of its own.
pub(super) struct User {
    client: Client,
    pub(super) probe: Arc<Probe>,
}

impl User {
    /// The only one of its thread.
    pub(super) fn new(kind: Kind, run: &Arc<RunHttp>) -> Self {
        Thread::new(kind, run, &[]).user()
    }

    /// Makes a GET request.
    pub(super) async fn get(
        &mut self,
        origin: &Arc<Origin>,
        options: &Options,
    ) -> Result<String, (FailureKind, String)> {
        let method = Method::GET;
        let request = Request {
            method: &method,
            origin,
            path: "/",
            headers: b"",
            names_host: false,
            cookies: b"",
            body: b"",
            options,
            begin: Instant::now(),
            timeout: options.total_timeout,
        };
        let exchange = match &mut self.client {
            Client::Native(client) => client.exchange(request).await,
            Client::Reqwest(client) => client.exchange(request).await,
            Client::Auto(client) => client.exchange(request).await,
        };
        match exchange.result {
            Ok(response) => {
                let Response { status, body, .. } = *response;
                assert_eq!(status, 200);
                Ok(String::from_utf8(body).expect("text"))
            }
            Err(failure) => Err((failure.kind, failure.message.into_owned())),
        }
    }
}

/// The body is kept, and there is time.
pub(super) fn options() -> Options {
    Options { total_timeout: PATIENCE, keep_body: true, ..Options::default() }
}

/// What a scenario with these lines asks of its clients; `ca.pem` in it is the server's own certificate, `client.pem` one that
/// it lets in.
pub(super) fn run(lines: &str) -> Arc<RunHttp> {
    let text = format!(
        "target: http://a.test\n{lines}\nusers: {{v: {{tasks: {{main: {{steps: [get: /]}}}}}}}}\nload: {{users: 1}}"
    );
    let source = Source::new("t.yaml", text);
    let plan =
        compile(&source, &Overrides::default(), &|_| None, 1).unwrap_or_else(|wrong| panic!("{wrong}"));
    let assets = plan.assets.iter().map(|asset| if asset.path == "client.pem" { CLIENT } else { CERT });
    let assets: Vec<Bytes> = assets.map(Bytes::from_static).collect();
    Arc::new(RunHttp::new(&plan, &assets, ClientChoice::Auto).expect("usable"))
}

/// Runs a test as a load thread runs its users.
pub(super) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test);
}
