//! The complete client: reqwest with everything taken out that would make more or other requests than were asked for.
//!
//! One reqwest client for each user, so that connections and cookies are its own; one TLS configuration and one resolver cache
//! for all. reqwest does not say when a request was written or how long connecting took; its connector is wrapped for that.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::{Body, Client};
use tower::{Layer, Service};
use url::Url;

use super::probe::Probe;
use super::resolve::{Cache, Resolver};
use super::{
    ClientError, Exchange, Failure, HttpClient, HttpFactory, MAX_KEPT_BODY, Request, Response, classify,
    redirect, tls,
};
use stampede_stats::outcome::FailureKind;

/// Makes reqwest clients that share TLS configuration and resolver cache.
#[derive(Debug, Clone)]
pub struct ReqwestFactory {
    tls: rustls::ClientConfig,
    cache: Arc<Cache>,
}

impl ReqwestFactory {
    /// Reads the system's certificates.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, ClientError> {
        Ok(Self { tls: tls::config()?, cache: Arc::default() })
    }
}

impl HttpFactory for ReqwestFactory {
    type Client = ReqwestClient;

    fn client(&self, cookies: bool, probe: &Arc<Probe>) -> Result<ReqwestClient, ClientError> {
        let resolver = Resolver { cache: Arc::clone(&self.cache), probe: Arc::clone(probe) };
        let client = Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .tls_backend_preconfigured(self.tls.clone())
            .dns_resolver(Arc::new(resolver))
            .connector_layer(Watched(Arc::clone(probe)))
            // A user has one request at a time; leftovers of raced connects are not to pile up.
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .build()
            .map_err(ClientError::Reqwest)?;
        Ok(ReqwestClient { client, probe: Arc::clone(probe), cookies: Cookies::new(cookies) })
    }
}

/// One user's client.
#[derive(Debug)]
pub struct ReqwestClient {
    client: Client,
    probe: Arc<Probe>,
    cookies: Cookies,
}

/// One user's cookies. reqwest's own handling parses the URL twice for every request, cookies or not; this one does nothing
/// until the first cookie is set.
#[derive(Debug)]
struct Cookies {
    kept: bool,
    jar: Option<Jar>,
}

impl Cookies {
    fn new(kept: bool) -> Self {
        Self { kept, jar: None }
    }

    /// Adds the user's cookies to those the scenario gives by hand.
    fn add_to(&self, headers: &mut HeaderMap, url: &Url) {
        if let Some(cookies) = self.jar.as_ref().and_then(|jar| jar.cookies(url)) {
            headers.append(COOKIE, cookies);
        }
    }

    fn take_from(&mut self, headers: &HeaderMap, url: &Url) {
        if self.kept && headers.contains_key(SET_COOKIE) {
            let jar = self.jar.get_or_insert_default();
            jar.set_cookies(&mut headers.get_all(SET_COOKIE).iter(), url);
        }
    }
}

impl HttpClient for ReqwestClient {
    async fn exchange(&mut self, request: Request<'_>) -> Exchange {
        let mut message = reqwest::Request::new(request.method.clone(), request.url.clone());
        *message.headers_mut() = request.headers.clone();
        self.cookies.add_to(message.headers_mut(), request.url);
        *message.timeout_mut() = Some(request.timeout);
        if !request.body.is_empty() {
            *message.body_mut() = Some(Body::from(request.body.clone()));
        }
        self.probe.exchange_begins();
        let spent = self.probe.spent_connecting();
        let begin = Instant::now();
        let mut first_byte = None;
        let answer = self.client.execute(message).await;
        let result = match answer {
            Ok(response) => {
                first_byte = Some(Instant::now());
                self.cookies.take_from(response.headers(), request.url);
                drain(response, request.keep_body).await
            }
            Err(error) => Err(error),
        };
        let end = Instant::now();
        let connecting = self.probe.spent_connecting().saturating_sub(spent);
        let written = first_byte.is_some()
            || result.as_ref().is_err_and(|error| !error.is_connect() && self.probe.has_connection());
        let result = match result {
            Ok(Drained::Whole(response)) => Ok(response),
            Ok(Drained::TooLarge) => Err(Failure {
                kind: FailureKind::TooLarge,
                message: format!("a body over {} MiB, which the step looks at", MAX_KEPT_BODY >> 20).into(),
            }),
            Err(error) if error.is_timeout() => {
                let connected = first_byte.is_some() || self.probe.has_connection();
                Err(classify::timed_out(connected, request.allowed))
            }
            Err(error) => Err(classify::reqwest(&error)),
        };
        Exchange { result, begin, first_byte, end, connecting, written }
    }
}

enum Drained {
    Whole(Response),
    TooLarge,
}

async fn drain(mut response: reqwest::Response, keep: bool) -> Result<Drained, reqwest::Error> {
    let status = response.status().as_u16();
    let location = if redirect::is_redirect(status) {
        let header = response.headers().get(http::header::LOCATION);
        header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    } else {
        None
    };
    let mut body_len = 0;
    let mut body = Vec::new();
    let mut too_large = false;
    while let Some(chunk) = response.chunk().await? {
        body_len += chunk.len() as u64;
        too_large |= keep && body.len() + chunk.len() > MAX_KEPT_BODY;
        if keep && !too_large {
            body.extend_from_slice(&chunk);
        }
    }
    if too_large {
        return Ok(Drained::TooLarge);
    }
    Ok(Drained::Whole(Response { status, location, body_len, body }))
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
    S::Error: Send + 'static,
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
