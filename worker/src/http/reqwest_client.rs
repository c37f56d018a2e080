//! The complete client: reqwest with everything taken out that would make more or other requests than were asked for.
//!
//! One reqwest client for each user, so that connections are its own; one TLS configuration and one resolver cache for all.
//! reqwest does not say when a request was written or how long connecting took; its connector is wrapped for that.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE};
use http::{HeaderName, HeaderValue};
use reqwest::{Body, Client};
use stampede_stats::outcome::FailureKind;
use tower::{Layer, Service};
use url::Url;

use super::native::writer;
use super::probe::{HELD, Probe};
use super::resolve::{FORBIDDEN, Resolver};
use super::run::{ProxyId, RunHttp};
use super::{
    ClientError, Exchange, Failure, HttpClient, HttpFactory, HttpThread, MAX_KEPT_BODY, Options, Request,
    Response, Version, block, classify,
};

/// Makes reqwest clients.
#[derive(Debug, Clone, Default)]
pub struct ReqwestFactory {
    sources: Vec<IpAddr>,
}

impl ReqwestFactory {
    /// Clients that connect from `sources`, one user after the other, or from wherever the system likes if there are none.
    pub fn new(sources: Vec<IpAddr>) -> Self {
        Self { sources }
    }
}

impl HttpFactory for ReqwestFactory {
    type Thread = ReqwestThread;

    fn thread(&self, run: &Arc<RunHttp>) -> Result<ReqwestThread, ClientError> {
        Ok(ReqwestThread { run: Arc::clone(run), sources: self.sources.clone(), next: Cell::new(0) })
    }
}

/// What reqwest clients of a load thread have in common.
#[derive(Debug)]
pub struct ReqwestThread {
    run: Arc<RunHttp>,
    sources: Vec<IpAddr>,
    next: Cell<usize>,
}

impl HttpThread for ReqwestThread {
    type Client = ReqwestClient;

    fn client(&self, probe: &Arc<Probe>) -> Result<ReqwestClient, ClientError> {
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let source = self.sources.get(number % self.sources.len().max(1)).copied();
        Ok(ReqwestClient {
            run: Arc::clone(&self.run),
            source,
            probe: Arc::clone(probe),
            clients: Vec::new(),
        })
    }
}

/// One user's client.
#[derive(Debug)]
pub struct ReqwestClient {
    run: Arc<RunHttp>,
    source: Option<IpAddr>,
    probe: Arc<Probe>,
    /// One for each way that was asked for.
    clients: Vec<(Way, Client)>,
}

/// What a reqwest client is set up for.
type Way = (Version, Option<ProxyId>);

impl ReqwestClient {
    fn client(&mut self, way: Way) -> Result<Client, Failure> {
        if let Some((_, client)) = self.clients.iter().find(|(known, _)| *known == way) {
            return Ok(client.clone());
        }
        let client = self.build(way)?;
        self.clients.push((way, client.clone()));
        Ok(client)
    }

    fn build(&self, (version, proxy): Way) -> Result<Client, Failure> {
        let resolver = Resolver { run: Arc::clone(&self.run), probe: Arc::clone(&self.probe) };
        let builder = Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .local_address(self.source)
            .tls_backend_preconfigured(self.run.tls.for_user(version)?)
            .dns_resolver(Arc::new(resolver))
            .connector_layer(Watched(Arc::clone(&self.probe)))
            // A user has one request at a time; leftovers of raced connects are not to pile up.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None);
        let builder = match version {
            Version::Auto => builder,
            Version::H1 => builder.http1_only(),
            Version::H2 => builder.http2_prior_knowledge(),
        };
        let builder = match proxy.and_then(|id| self.run.proxy(id)) {
            Some(url) => builder.proxy(reqwest::Proxy::all(url).map_err(|error| other(&error))?),
            None => builder,
        };
        builder.build().map_err(|error| other(&error))
    }

    async fn answer(
        &mut self,
        request: &Request<'_>,
        first_byte: &mut Option<Instant>,
    ) -> Result<Response, Failure> {
        let options = request.options;
        if self.run.forbids(request.origin, options.proxy) {
            return Err(FORBIDDEN);
        }
        let client = self.client((options.version, options.proxy))?;
        let message = message(request)?;
        let deadline = |limit| tokio::time::Instant::from_std(request.begin + limit);
        let head = async {
            match options.first_byte_timeout {
                Some(limit) => {
                    let answer = tokio::time::timeout_at(deadline(limit), client.execute(message)).await;
                    let late = |_| Err(classify::no_first_byte(self.probe.has_connection(), limit));
                    answer.map_or_else(late, |answer| {
                        answer.map_err(|error| self.failure(&error, false, options))
                    })
                }
                None => client.execute(message).await.map_err(|error| self.failure(&error, false, options)),
            }
        };
        let answer = match options.connect_timeout {
            Some(limit) => tokio::select! {
                biased;
                answer = head => answer,
                () = self.unconnected(deadline(limit)) => Err(classify::timed_out(false, limit)),
            },
            None => head.await,
        };
        let mut answer = answer?;
        *first_byte = Some(Instant::now());
        if options.closes && answer.version() == http::Version::HTTP_2 {
            // HTTP/2 has no header that says so: the connection ends with the client that has it.
            self.clients.retain(|(way, _)| *way != (options.version, options.proxy));
        }
        let mut response = block::response(answer.status(), answer.headers(), options);
        match drain(&mut answer, &mut response, options.keep_body).await {
            Ok(false) => Ok(response),
            Ok(true) => Err(classify::body_too_large()),
            Err(error) => Err(self.failure(&error, true, options)),
        }
    }

    /// Returns when there is still no connection at `deadline`.
    async fn unconnected(&self, deadline: tokio::time::Instant) {
        tokio::time::sleep_until(deadline).await;
        if self.probe.has_connection() {
            std::future::pending::<()>().await;
        }
    }

    fn failure(&self, error: &reqwest::Error, answered: bool, options: &Options) -> Failure {
        if was_held(error) {
            return HELD;
        }
        if error.is_timeout() {
            let connected = answered || self.probe.has_connection();
            return classify::timed_out(connected, options.total_timeout);
        }
        classify::reqwest(error)
    }
}

impl HttpClient for ReqwestClient {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        self.probe.exchange_begins(&request.origin.address());
        let spent = self.probe.spent_connecting();
        let mut first_byte = None;
        let result = self.answer(&request, &mut first_byte).await.map(Box::new);
        let end = Instant::now();
        let connecting = self.probe.spent_connecting().saturating_sub(spent);
        let unsent = matches!(
            &result,
            Err(Failure {
                kind: FailureKind::Connect | FailureKind::Dns | FailureKind::Tls | FailureKind::Template,
                ..
            })
        );
        let written = first_byte.is_some() || (!unsent && self.probe.has_connection());
        Exchange { result, first_byte, end, connecting, written }
    }
}

/// A connection came when no request may be written any more.
#[derive(Debug, thiserror::Error)]
#[error("no request may begin")]
struct Held;

fn was_held(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<Held>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn other(error: &dyn std::error::Error) -> Failure {
    Failure { kind: FailureKind::Other, message: error.to_string().into() }
}

fn message(request: &Request<'_>) -> Result<reqwest::Request, Failure> {
    let url = Url::parse(&format!("{}{}", request.origin, request.path)).map_err(|error| other(&error))?;
    let mut message = reqwest::Request::new(request.method.clone(), url);
    let headers = message.headers_mut();
    for (name, value) in block::lines(request.headers) {
        let name = HeaderName::from_bytes(name).map_err(|error| other(&error))?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|error| other(&error))?);
    }
    if !request.cookies.is_empty() {
        headers.append(COOKIE, HeaderValue::from_bytes(request.cookies).map_err(|error| other(&error))?);
    }
    if request.options.closes {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    *message.timeout_mut() = Some(request.timeout);
    if request.body.is_empty() && writer::expects_body(request.method) {
        message.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if !request.body.is_empty() {
        *message.body_mut() = Some(Body::from(request.body.to_vec()));
    }
    Ok(message)
}

/// Reads the body to its end. Returns whether it was too large to be kept.
async fn drain(
    answer: &mut reqwest::Response,
    response: &mut Response,
    keep: bool,
) -> Result<bool, reqwest::Error> {
    let mut too_large = false;
    while let Some(chunk) = answer.chunk().await? {
        response.body_len += chunk.len() as u64;
        too_large |= keep && response.body.len() + chunk.len() > MAX_KEPT_BODY;
        if keep && !too_large {
            response.body.extend_from_slice(&chunk);
        }
    }
    Ok(too_large)
}

/// Wraps the connector so that the user's probe sees connections being made.
#[derive(Debug, Clone)]
struct Watched(Arc<Probe>);

impl<S> Layer<S> for Watched {
    type Service = WatchedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WatchedConnector { inner, probe: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
struct WatchedConnector<S> {
    inner: S,
    probe: Arc<Probe>,
}

impl<S, R> Service<R> for WatchedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: From<Held> + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let pending = Pending::new(&self.probe);
        let connecting = self.inner.call(to);
        Box::pin(async move {
            let made = connecting.await?;
            // reqwest writes as soon as it has the connection; it makes another one for the next try.
            if !pending.probe.may_write() {
                return Err(Held.into());
            }
            pending.made();
            Ok(made)
        })
    }
}

/// A connection being made; dropped before it is, it counts as given up.
struct Pending {
    probe: Arc<Probe>,
    begin: Instant,
    made: bool,
}

impl Pending {
    fn new(probe: &Arc<Probe>) -> Self {
        probe.connecting();
        Self { probe: Arc::clone(probe), begin: Instant::now(), made: false }
    }

    fn made(mut self) {
        self.made = true;
        self.probe.connected(Some(self.begin.elapsed()));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.made {
            self.probe.connected(None);
        }
    }
}
