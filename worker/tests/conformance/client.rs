//! The clients under test, made as a load thread makes them, and the requests they are given.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::Method;
use stampede_stats::outcome::FailureKind;
use stampede_worker::http::native::pipe::Takes;
use stampede_worker::http::native::{NativeClient, NativeFactory};
use stampede_worker::http::origin::Origin;
use stampede_worker::http::probe::Probe;
use stampede_worker::http::reqwest_client::{ReqwestClient, ReqwestFactory};
use stampede_worker::http::run::RunHttp;
use stampede_worker::http::{Exchange, HttpClient, HttpFactory, HttpThread, Options, Request};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::tls::{self, Over};

/// Long enough for every response that comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    /// The native client's pipeline, one request after the other.
    Pipe,
    Reqwest,
}

/// All of them.
pub(super) const KINDS: [Kind; 3] = [Kind::Native, Kind::Pipe, Kind::Reqwest];

/// One user's client.
pub(super) enum Client {
    Native(NativeClient),
    Pipe(NativeClient),
    Reqwest(ReqwestClient),
}

impl Client {
    pub(super) fn new(kind: Kind) -> Self {
        Self::with(kind, Over::Plain, &Arc::default())
    }

    pub(super) fn over(kind: Kind, over: Over) -> Self {
        Self::with(kind, over, &Arc::default())
    }

    pub(super) fn with(kind: Kind, over: Over, probe: &Arc<Probe>) -> Self {
        // Reading the system's certificates takes a while.
        static PLAIN: OnceLock<Arc<RunHttp>> = OnceLock::new();
        let run = if over == Over::Tls { tls::run() } else { PLAIN.get_or_init(Arc::default) };
        match kind {
            Kind::Native => Self::Native(made(&NativeFactory::new(Vec::new()), run, probe)),
            Kind::Pipe => Self::Pipe(made(&NativeFactory::new(Vec::new()), run, probe)),
            Kind::Reqwest => Self::Reqwest(made(&ReqwestFactory::new(Vec::new()), run, probe)),
        }
    }

    pub(super) async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        match self {
            Self::Native(client) => client.exchange(request).await,
            Self::Reqwest(client) => client.exchange(request).await,
            Self::Pipe(client) => {
                let pipe = client.pipe().expect("the native client has one");
                let mut connecting = Duration::ZERO;
                if pipe.takes(request.origin) == Takes::Unconnected {
                    match pipe.open(&request).await {
                        Ok(took) => connecting = took,
                        Err(failure) => {
                            let end = Instant::now();
                            let result = Err(failure);
                            return Exchange { result, first_byte: None, end, connecting, written: false };
                        }
                    }
                }
                pipe.push(&request, connecting);
                pipe.pop().await
            }
        }
    }

    /// Makes the request of `ask`.
    pub(super) async fn ask(&mut self, ask: &Ask, origin: &Arc<Origin>) -> Exchange {
        self.exchange(ask.of(origin)).await
    }
}

fn made<F: HttpFactory>(
    factory: &F,
    run: &Arc<RunHttp>,
    probe: &Arc<Probe>,
) -> <F::Thread as HttpThread>::Client {
    factory.thread(run).expect("a load thread").client(probe).expect("a client")
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) headers: &'static [u8],
    pub(super) cookies: &'static [u8],
    pub(super) body: Vec<u8>,
    pub(super) options: Options,
}

impl Ask {
    /// Everything of the response is kept.
    pub(super) fn new(method: &str) -> Self {
        let options =
            Options { total_timeout: PATIENCE, keep_head: true, keep_body: true, ..Options::default() };
        Self {
            method: method.parse().expect("a method"),
            path: "/",
            headers: b"",
            cookies: b"",
            body: Vec::new(),
            options,
        }
    }

    /// It begins now.
    pub(super) fn of<'a>(&'a self, origin: &'a Arc<Origin>) -> Request<'a> {
        Request {
            method: &self.method,
            origin,
            path: self.path,
            headers: self.headers,
            names_host: self.headers.starts_with(b"host:"),
            cookies: self.cookies,
            body: &self.body,
            options: &self.options,
            begin: Instant::now(),
            timeout: self.options.total_timeout,
        }
    }
}

/// What is the same whoever made the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Response { status: u16, body: Vec<u8> },
    Failure(FailureKind),
}

/// What came of it, as far as clients have to agree.
pub(super) fn seen(exchange: Exchange) -> Seen {
    match exchange.result {
        Ok(response) => {
            assert_eq!(response.body_len, response.body.len() as u64, "the body was kept");
            assert!(exchange.first_byte.is_some_and(|first| first <= exchange.end));
            Seen::Response { status: response.status, body: response.body }
        }
        Err(failure) => {
            assert!(!failure.message.is_empty());
            Seen::Failure(failure.kind)
        }
    }
}

/// Runs a test as a load thread runs its users.
pub(super) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test);
}
