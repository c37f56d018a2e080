//! HTTP as the engine sees it: one request in, one exchange with its instants out.
//!
//! The trait is static: the engine is compiled for its client. A client makes exactly the request it is given, once: no retry,
//! no redirect, no decompression, no cookies of its own; it drains every body and counts it. Redirects and cookies are the
//! engine's. A request is given as it goes on the wire, so that nobody parses what was known before the run.

pub mod allow;
pub mod auto;
pub mod block;
pub mod classify;
pub mod cookies;
pub mod decode;
pub mod native;
pub mod origin;
pub mod probe;
pub mod redirect;
pub mod reqwest_client;
mod resolve;
pub mod run;
pub mod settings;
mod tls;
mod verify;

pub use tls::TlsError;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use stampede_stats::outcome::FailureKind;

use crate::http::native::pipe::Pipe;
use crate::http::origin::Origin;
use crate::http::probe::Probe;
use crate::http::run::{ProxyId, RunHttp};

/// Largest response body that is kept for a step that looks at it, in bytes. Larger ones fail as `too_large`.
pub const MAX_KEPT_BODY: usize = 64 << 20;

/// Largest head of a response, in bytes. Larger ones fail as `too_large`.
pub const MAX_HEAD: usize = 64 << 10;

/// How a request is made and what is wanted of its response: the same for every request of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own about the response")]
pub struct Options {
    /// From the begin to a connection that can be written to, if less than the whole time.
    pub connect_timeout: Option<Duration>,
    /// From the begin to the first byte of the response, if less than the whole time.
    pub first_byte_timeout: Option<Duration>,
    /// What the step allows in all, redirects included: for messages, which must not differ from request to request.
    pub total_timeout: Duration,
    /// Which HTTP to speak.
    pub version: Version,
    /// Whether the connection is closed behind the response.
    pub closes: bool,
    /// Whether somebody looks at the response's header lines.
    pub keep_head: bool,
    /// Whether somebody looks at the response's body.
    pub keep_body: bool,
    /// Whether the response's cookies are wanted.
    pub cookies: bool,
    /// Through which of the test's proxies it goes.
    pub proxy: Option<ProxyId>,
    /// Where its step stands in the scenario, in bytes from the beginning: which step it is, for whoever shows it.
    pub step: usize,
}

/// Which HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    H1,
    /// HTTP/2; without TLS by prior knowledge.
    H2,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: None,
            first_byte_timeout: None,
            total_timeout: Duration::from_secs(30),
            version: Version::Auto,
            closes: false,
            keep_head: false,
            keep_body: false,
            cookies: true,
            proxy: None,
            step: 0,
        }
    }
}

/// A request, rendered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Where to.
    pub origin: &'a Arc<Origin>,
    /// Path and query as they go on the wire. Begins with `/`; visible ASCII only.
    pub path: &'a str,
    /// Header lines, each `name: value\r\n` with the name in lower case. Not among them: those of framing and connection,
    /// `cookie`, and `host` unless `names_host`.
    pub headers: &'a [u8],
    /// Whether `headers` has a `host`.
    pub names_host: bool,
    /// The value of the `cookie` header; empty for none.
    pub cookies: &'a [u8],
    /// The body; empty for none.
    pub body: &'a [u8],
    /// How to make it.
    pub options: &'a Options,
    /// When it begins: the moment before connecting or writing.
    pub begin: Instant,
    /// From the begin to the last byte.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Exchange {
    /// A whole response, or why there is none.
    pub result: Result<Box<Response>, Failure>,
    /// When the response's head was there.
    pub first_byte: Option<Instant>,
    /// When the last byte was read, or the attempt given up.
    pub end: Instant,
    /// Time spent on making a connection, before the first byte was written.
    pub connecting: Duration,
    /// Whether the request was written to its last byte.
    pub written: bool,
}

/// A whole response.
#[derive(Debug, Default)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its `location`, when it is a redirect.
    pub location: Option<Box<str>>,
    /// The values of its `set-cookie` lines, if they are wanted.
    pub set_cookies: Vec<Box<[u8]>>,
    /// Its `content-encoding`, if its body was to be kept.
    pub coding: Option<Box<str>>,
    /// Bytes of its body as they came.
    pub body_len: u64,
    /// Bytes of all of it, head and framing too; 0 if the client does not see them.
    pub wire_len: u64,
    /// Its header lines, each `name: value\r\n`, if they were to be kept.
    pub head: Vec<u8>,
    /// The body as it came, if it was to be kept.
    pub body: Vec<u8>,
}

impl Response {
    /// Empties it, keeping its buffers.
    pub fn clear(&mut self) {
        self.status = 0;
        self.location = None;
        self.set_cookies.clear();
        self.coding = None;
        self.body_len = 0;
        self.wire_len = 0;
        self.head.clear();
        self.body.clear();
    }
}

/// Why there is no whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of failure.
    pub kind: FailureKind,
    /// In words that are the same for the same cause.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// A failure with a fixed text.
    pub const fn new(kind: FailureKind, message: &'static str) -> Self {
        Self { kind, message: Cow::Borrowed(message) }
    }
}

/// Makes one user's requests over connections of its own.
pub trait HttpClient: 'static {
    /// Makes `request` and reads its response to the end. When the future is dropped the request is given up, and so is the
    /// connection it was on.
    fn exchange(&mut self, request: Request<'_>) -> impl Future<Output = Exchange>;

    /// Its pipeline, if it has one.
    fn pipe(&mut self) -> Option<&mut Pipe> {
        None
    }

    /// Takes a response back that nobody needs any more, for its buffers.
    fn give_back(&mut self, response: Box<Response>) {
        drop(response);
    }
}

/// Makes what the clients of a load thread have in common. One factory serves all threads.
pub trait HttpFactory: Clone + Send + 'static {
    /// What it makes.
    type Thread: HttpThread;

    /// For one load thread and test; called on the thread.
    ///
    /// # Errors
    /// When it cannot be set up.
    fn thread(&self, run: &Arc<RunHttp>) -> Result<Self::Thread, ClientError>;
}

/// Makes the clients of one load thread.
pub trait HttpThread: 'static {
    /// What it makes.
    type Client: HttpClient;

    /// A client with connections of its own, which tells `probe` what a dropped exchange can no longer tell.
    ///
    /// # Errors
    /// When it cannot be set up.
    fn client(&self, probe: &Arc<Probe>) -> Result<Self::Client, ClientError>;
}

/// A client that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// By reqwest.
    #[error("the HTTP client cannot be set up")]
    Reqwest(#[source] reqwest::Error),
}
