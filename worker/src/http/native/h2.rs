//! HTTP/2 through hyper: one connection of the user's own, one request at a time over it.
//!
//! hyper writes on a task of its own, so a request counts as written when it was handed to that task.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{COOKIE, HeaderMap};
use http::{HeaderName, HeaderValue, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use stampede_stats::outcome::FailureKind;

use super::super::probe::Probe;
use super::super::{Exchange, Failure, MAX_KEPT_BODY, Request, Response, block, classify};
use super::io::Io;

/// An HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Session {
    sender: SendRequest<Full<Bytes>>,
}

/// Runs hyper's tasks on the load thread itself.
#[derive(Debug, Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// What came so far.
#[derive(Default)]
struct Progress {
    first_byte: Option<Instant>,
    written: bool,
}

impl Session {
    /// Begins to speak HTTP/2 over a fresh connection.
    pub(super) async fn begin(io: Io) -> Result<Self, Failure> {
        let failed = |error: hyper::Error| classify::hyper(&error);
        let sender = match io {
            Io::Plain(stream) => {
                let (sender, driver) = handshake(Local, TokioIo::new(stream)).await.map_err(failed)?;
                // How it ends, the requests on it are told.
                tokio::task::spawn_local(async { driver.await.unwrap_or_default() });
                sender
            }
            Io::Tls(stream) => {
                let (sender, driver) = handshake(Local, TokioIo::new(*stream)).await.map_err(failed)?;
                tokio::task::spawn_local(async { driver.await.unwrap_or_default() });
                sender
            }
        };
        Ok(Self { sender })
    }

    /// Whether it can take another request.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Whether the connection had ended before the request of this exchange was handed over.
    pub(super) fn was_closed_before(&self, exchange: &Exchange) -> bool {
        exchange.result.is_err() && !exchange.written && !self.is_open()
    }

    /// Makes a request over it.
    pub(super) async fn exchange(
        &mut self,
        request: &Request<'_>,
        probe: &Probe,
        connecting: Duration,
    ) -> Exchange {
        let mut progress = Progress::default();
        let deadline = tokio::time::Instant::from_std(request.begin + request.timeout);
        let answer = until(deadline, self.answer(request, probe, &mut progress)).await;
        let late = || Err(classify::timed_out(true, request.options.total_timeout));
        let result = answer.unwrap_or_else(late).map(Box::new);
        let Progress { first_byte, written } = progress;
        Exchange { result, first_byte, end: Instant::now(), connecting, written }
    }

    async fn answer(
        &mut self,
        request: &Request<'_>,
        probe: &Probe,
        progress: &mut Progress,
    ) -> Result<Response, Failure> {
        let failed = |error: hyper::Error| classify::hyper(&error);
        let message = message(request)?;
        self.sender.ready().await.map_err(failed)?;
        progress.written = true;
        probe.wrote(true);
        let head = self.sender.send_request(message);
        let answer = match request.options.first_byte_timeout {
            Some(limit) => {
                let deadline = tokio::time::Instant::from_std(request.begin + limit);
                until(deadline, head).await.ok_or_else(|| classify::no_first_byte(true, limit))?
            }
            None => head.await,
        };
        let mut answer = answer.map_err(failed)?;
        progress.first_byte = Some(Instant::now());
        let mut response = block::response(answer.status(), answer.headers(), request.options);
        drain(answer.body_mut(), &mut response, request.options.keep_body).await?;
        Ok(response)
    }
}

/// What `future` gives before `deadline`; `None` if it is late. After a freeze answers wait in the kernel: before it is late,
/// the task gives way once, so that hyper's task reads the socket again.
async fn until<F: Future>(deadline: tokio::time::Instant, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    if let Ok(output) = tokio::time::timeout_at(deadline, future.as_mut()).await {
        return Some(output);
    }
    tokio::task::yield_now().await;
    // What is there is taken before the time is looked at.
    tokio::time::timeout_at(deadline, future).await.ok()
}

fn message(request: &Request<'_>) -> Result<http::Request<Full<Bytes>>, Failure> {
    let wrong = |error: &dyn std::error::Error| Failure {
        kind: FailureKind::Other,
        message: error.to_string().into(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in block::lines(request.headers) {
        // The authority says it.
        if name == b"host" {
            continue;
        }
        let name = HeaderName::from_bytes(name).map_err(|error| wrong(&error))?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|error| wrong(&error))?);
    }
    if !request.cookies.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_bytes(request.cookies).map_err(|error| wrong(&error))?);
    }
    let host = block::lines(request.headers).find(|(name, _)| *name == b"host").map(|(_, value)| value);
    let authority = host.unwrap_or(request.origin.authority().as_bytes());
    let uri = Uri::builder()
        .scheme(if request.origin.is_tls() { "https" } else { "http" })
        .authority(authority)
        .path_and_query(request.path)
        .build()
        .map_err(|error| wrong(&error))?;
    let mut message = http::Request::new(Full::new(Bytes::copy_from_slice(request.body)));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = uri;
    *message.headers_mut() = headers;
    Ok(message)
}

async fn drain(body: &mut Incoming, response: &mut Response, keep: bool) -> Result<(), Failure> {
    let mut too_large = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| classify::hyper(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        response.body_len += data.len() as u64;
        too_large |= keep && response.body.len() + data.len() > MAX_KEPT_BODY;
        if keep && !too_large {
            response.body.extend_from_slice(data);
        }
    }
    if too_large { Err(classify::body_too_large()) } else { Ok(()) }
}
