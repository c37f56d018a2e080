//! What one test asks of its clients, all threads and users alike: TLS, addresses in place of the resolver's, proxies.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use stampede_scenarios::plan::{Plan, ProxyUrl};
use url::Url;

use super::allow::Allow;
use super::auto::ClientChoice;
use super::origin::Origin;
use super::resolve::Cache;
use super::tls::{Tls, TlsError};

/// Index into [`RunHttp::proxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyId(u16);

/// A test's TLS, names and proxies.
#[derive(Debug)]
pub struct RunHttp {
    pub(super) tls: Tls,
    pub(super) cache: Cache,
    proxies: Vec<Proxy>,
    client: ClientChoice,
    allow: Arc<Allow>,
}

/// A proxy's URL, which may hold a password.
struct Proxy(Box<str>);

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(…)")
    }
}

impl Default for RunHttp {
    /// The system's certificates and resolver, no proxy.
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            cache: Cache::new(Vec::new()),
            proxies: Vec::new(),
            client: ClientChoice::Auto,
            allow: Arc::default(),
        }
    }
}

impl RunHttp {
    /// For `plan`, with the content of its files in the order of [`Plan::assets`].
    ///
    /// # Errors
    /// When a certificate or key cannot be used.
    pub fn new(plan: &Plan, assets: &[Bytes], client: ClientChoice) -> Result<Self, TlsError> {
        let mut proxies: Vec<Proxy> = Vec::new();
        for url in plan.requests().filter_map(|request| request.proxy.as_ref()).map(ProxyUrl::url) {
            if !proxies.iter().any(|known| *known.0 == *url) {
                proxies.push(Proxy(url.into()));
            }
        }
        let tls = Tls::new(&plan.tls, assets)?;
        if uses_tls(plan) {
            // Reading certificates takes a while: not within a request.
            tls.warm_up();
        }
        Ok(Self { tls, cache: Cache::new(plan.resolve.clone()), proxies, client, allow: Arc::default() })
    }

    /// Holds it to what `allow` says.
    pub fn limit(&mut self, allow: Arc<Allow>) {
        let ends = self.proxies.iter().filter_map(|proxy| proxy_end(&proxy.0));
        self.cache.limit(Arc::clone(&allow), ends.map(|(host, _)| host).collect());
        self.allow = allow;
    }

    /// What a request to `origin`, where that is known, may certainly not connect to: the target or the proxy.
    pub(crate) fn forbidden(&self, origin: Option<&Origin>, proxy: Option<ProxyId>) -> Option<String> {
        if let Some((host, port)) = proxy.and_then(|id| proxy_end(self.proxy(id)?))
            && !self.allow.host(&host, port)
        {
            return Some(format!("the proxy {host}:{port}"));
        }
        let origin = origin?;
        let (host, port) = (origin.host(), origin.port());
        let allowed =
            if proxy.is_some() { self.allow.host(host, port) } else { self.cache.may_lead(host, port) };
        (!allowed).then(|| origin.address())
    }

    /// Whether a request may not be made, as far as the resolver does not see to it: an address needs none, and the name of
    /// a target is the proxy's business.
    pub(super) fn forbids(&self, origin: &Origin, proxy: Option<ProxyId>) -> bool {
        let unresolved = proxy.is_some() || origin.host().parse::<IpAddr>().is_ok();
        unresolved && !self.allow.host(origin.host(), origin.port())
    }

    /// Which client makes the requests.
    pub fn client(&self) -> ClientChoice {
        self.client
    }

    /// The number of a proxy that the plan names.
    pub fn proxy_id(&self, url: &str) -> Option<ProxyId> {
        let index = self.proxies.iter().position(|known| *known.0 == *url)?;
        u16::try_from(index).ok().map(ProxyId)
    }

    /// A proxy's URL.
    pub(super) fn proxy(&self, id: ProxyId) -> Option<&str> {
        self.proxies.get(usize::from(id.0)).map(|proxy| &*proxy.0)
    }
}

/// Host and port of a proxy.
fn proxy_end(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    // Those of SOCKS are not known as URLs.
    Some((host, url.port_or_known_default().unwrap_or(1080)))
}

/// Whether a URL is known to be `https`.
fn uses_tls(plan: &Plan) -> bool {
    use stampede_scenarios::template::Segment;
    plan.requests().any(|request| match request.url.segments().first() {
        Some(Segment::Literal(begin)) => begin.starts_with("https://"),
        _ => false,
    })
}
