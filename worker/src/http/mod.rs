//! HTTP as the engine sees it: one request in, one exchange with its instants out.
//!
//! The trait is static: the engine is compiled for its client. A client makes exactly the request it is given, once: no retry,
//! no redirect, no decompression, no proxy of its own; it drains every body and counts it. Redirects are the engine's.

pub mod classify;
pub mod probe;
pub mod redirect;
pub mod reqwest_client;
mod resolve;
mod tls;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
use stampede_stats::outcome::FailureKind;
use url::Url;

use crate::http::probe::Probe;

/// Largest response body that is kept for a step that looks at it, in bytes. Larger ones fail as `too_large`.
pub const MAX_KEPT_BODY: usize = 64 << 20;

/// A request, rendered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Where to.
    pub url: &'a Url,
    /// All headers but those of the connection, length and cookies.
    pub headers: &'a HeaderMap,
    /// The body; empty for none.
    pub body: &'a Bytes,
    /// From now to the last byte.
    pub timeout: Duration,
    /// What the step allows in all, redirects included: for messages, which must not differ from request to request.
    pub allowed: Duration,
    /// Whether somebody looks at the response's body.
    pub keep_body: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Exchange {
    /// A whole response, or why there is none.
    pub result: Result<Response, Failure>,
    /// Before connecting or writing.
    pub begin: Instant,
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
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its `location`, when it is a redirect.
    pub location: Option<String>,
    /// Bytes of its body.
    pub body_len: u64,
    /// The body, if it was to be kept.
    pub body: Vec<u8>,
}

/// Why there is no whole response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class of failure.
    pub kind: FailureKind,
    /// In words that are the same for the same cause.
    pub message: Cow<'static, str>,
}

/// Makes one user's requests over connections of its own.
pub trait HttpClient {
    /// Makes `request` and reads its response to the end. When the future is dropped the request is given up.
    fn exchange(&mut self, request: Request<'_>) -> impl Future<Output = Exchange>;
}

/// Makes a user's client. One factory serves all threads.
pub trait HttpFactory: Clone + Send + 'static {
    /// What it makes.
    type Client: HttpClient;

    /// A client with connections of its own, which tells `probe` what a dropped exchange can no longer tell.
    ///
    /// # Errors
    /// When it cannot be set up.
    fn client(&self, cookies: bool, probe: &Arc<Probe>) -> Result<Self::Client, ClientError>;
}

/// A client that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// By reqwest.
    #[error("the HTTP client cannot be set up")]
    Reqwest(#[source] reqwest::Error),
    /// The system's certificates.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}
