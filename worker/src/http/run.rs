//! What one test asks of its clients, all threads and users alike: TLS, addresses in place of the resolver's, proxies.

use std::fmt;

use bytes::Bytes;
use stampede_scenarios::plan::{Plan, ProxyUrl};

use super::auto::ClientChoice;
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
        Ok(Self { tls, cache: Cache::new(plan.resolve.clone()), proxies, client })
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

/// Whether a URL is known to be `https`.
fn uses_tls(plan: &Plan) -> bool {
    use stampede_scenarios::template::Segment;
    plan.requests().any(|request| match request.url.segments().first() {
        Some(Segment::Literal(begin)) => begin.starts_with("https://"),
        _ => false,
    })
}
