//! How requests are made: how long they may take, which HTTP and which connection they use, through which proxy, how names
//! become addresses, and what TLS checks.
//!
//! Plain data, checked by the compiler. How it is carried out is the worker's business. Addresses are those of `core::net`,
//! which has no sockets.

use core::net::IpAddr;
use std::fmt;
use std::time::Duration;

use super::{AssetId, NamePlan, Plan, Program, RequestPlan};

/// How long a request may take. Each limit counts from the actual begin of the request; the shortest one ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection that can be written to.
    pub connect: Option<Duration>,
    /// Until the first byte of the response.
    pub first_byte: Option<Duration>,
    /// Until the last byte is read, redirects included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: None, first_byte: None, total: Duration::from_secs(30) }
    }
}

/// Which HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    H1,
    /// HTTP/2; without TLS by prior knowledge.
    H2,
}

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// As long as its user.
    #[default]
    PerUser,
    /// For one request.
    PerRequest,
}

/// A proxy's URL: `http`, `https`, `socks5` or `socks5h`, with a host.
///
/// It may hold a password, so only [`Self::url`] gives the whole of it; what is shown has none.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    url: Box<str>,
    shown: Box<str>,
}

impl ProxyUrl {
    /// A URL that has been checked, and the same without user and password.
    pub(crate) fn new(url: &str, shown: &str) -> Self {
        Self { url: url.into(), shown: shown.into() }
    }

    /// All of it, user and password included: for the client, never for an output.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

/// An address that takes the place of what the resolver would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRule {
    /// The host as it stands in URLs, in lower case; never an address.
    pub host: String,
    /// Only for this port.
    pub port: Option<u16>,
    /// Where to connect.
    pub ip: IpAddr,
    /// At which port, if not at the URL's own.
    pub to_port: Option<u16>,
}

impl ResolveRule {
    /// The first of the rules for `host` (in lower case) and `port`; one that names the port comes before one that does not.
    pub fn find<'a>(rules: &'a [Self], host: &str, port: u16) -> Option<&'a Self> {
        let of = |wanted: Option<u16>| rules.iter().find(|rule| rule.host == host && rule.port == wanted);
        of(Some(port)).or_else(|| of(None))
    }
}

impl fmt::Display for ResolveRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match (self.to_port, self.ip) {
            (None, ip) => write!(f, " → {ip}"),
            (Some(port), ip) => write!(f, " → {}", core::net::SocketAddr::new(ip, port)),
        }
    }
}

/// What TLS checks and shows, the same for every `https` request of the test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsPlan {
    /// PEM file with the certificates to trust in place of the system's.
    pub ca: Option<AssetId>,
    /// What users show when they are asked who they are.
    pub identity: Option<TlsIdentity>,
    /// Whether any certificate will do.
    pub insecure: bool,
    /// The name to ask for and to find in the certificate, in place of the URL's host.
    pub server_name: Option<String>,
    /// Whether a user's later handshakes may resume earlier ones. Without it each is a full one, as of a new visitor.
    pub resumption: bool,
}

/// A certificate with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsIdentity {
    /// PEM file with the certificate, and those that lead from it to the authority.
    pub cert: AssetId,
    /// PEM file with the private key. Its content is for nobody to see.
    pub key: AssetId,
}

impl Plan {
    /// Why this test needs the reqwest client: the first request that goes through a proxy, in a sentence for the report.
    pub fn needs_reqwest(&self) -> Option<String> {
        let (request, proxy) =
            self.requests().find_map(|request| Some((request, request.proxy.as_ref()?)))?;
        Some(format!("`{} {}` goes through the proxy {proxy}", request.method, self.shown_name(request)))
    }

    /// Every request of the test, class by class.
    pub fn requests(&self) -> impl Iterator<Item = &RequestPlan> {
        let aside = self.aside.as_deref();
        self.classes
            .iter()
            .chain(aside)
            .flat_map(|class| {
                let tasks = class.tasks.iter().map(|task| &task.program);
                [&class.on_start, &class.on_stop].into_iter().chain(tasks)
            })
            .flat_map(Program::requests)
    }

    /// The request's row, with values as they might have been written.
    pub fn shown_name(&self, request: &RequestPlan) -> String {
        match &request.name {
            NamePlan::Static(id) => usize::try_from(id.0)
                .ok()
                .and_then(|index| self.endpoints.get(index))
                .map(|endpoint| endpoint.name.clone())
                .unwrap_or_default(),
            NamePlan::PerValue(template) => crate::describe::shown(template),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_the_port_comes_first() {
        let rule = |host: &str, port, last| ResolveRule {
            host: host.into(),
            port,
            ip: IpAddr::from([127, 0, 0, last]),
            to_port: None,
        };
        let rules = [rule("a", None, 1), rule("a", Some(443), 2), rule("b", Some(80), 3)];
        let found = |host, port| ResolveRule::find(&rules, host, port).map(|rule| rule.ip.to_string());
        assert_eq!(found("a", 443).as_deref(), Some("127.0.0.2"));
        assert_eq!(found("a", 80).as_deref(), Some("127.0.0.1"));
        assert_eq!(found("b", 80).as_deref(), Some("127.0.0.3"));
        assert_eq!(found("b", 443), None);
        assert_eq!(found("c", 80), None);
    }

    #[test]
    fn a_password_is_for_the_client_alone() {
        let proxy = ProxyUrl::new("http://u:secret@p:3128", "http://p:3128");
        assert_eq!(proxy.url(), "http://u:secret@p:3128");
        assert!(!format!("{proxy} {proxy:?}").contains("secret"));
    }
}
