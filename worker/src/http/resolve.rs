//! Name resolution with a cache for the whole process: the system's resolver is asked once a minute for each name.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use stampede_scenarios::plan::ResolveRule;
use stampede_stats::outcome::FailureKind;

use super::Failure;
use super::allow::Allow;
use super::probe::Probe;
use super::run::RunHttp;

/// How long an answer is used. The system's resolver does not say how long it may be.
const TTL: Duration = Duration::from_secs(60);

/// Answers by name, and the scenario's own in place of the system's.
#[derive(Debug)]
pub(super) struct Cache {
    rules: Vec<ResolveRule>,
    allow: Arc<Allow>,
    /// Names that are asked for on the way to a target.
    proxies: Vec<String>,
    answers: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
}

impl Cache {
    /// Empty.
    pub(super) fn new(rules: Vec<ResolveRule>) -> Self {
        Self { rules, allow: Arc::default(), proxies: Vec::new(), answers: Mutex::default() }
    }

    /// Names no address that `allow` does not. Each of `proxies` may be reached by its name already.
    pub(super) fn limit(&mut self, allow: Arc<Allow>, proxies: Vec<String>) {
        (self.allow, self.proxies) = (allow, proxies);
    }

    /// Whether `host` may have an address that is allowed.
    pub(super) fn may_lead(&self, host: &str, port: u16) -> bool {
        match ResolveRule::find(&self.rules, host, port) {
            Some(rule) => self.allow.address(rule.ip, rule.to_port.unwrap_or(port)),
            None if host.parse::<IpAddr>().is_ok() => self.allow.host(host, port),
            None => self.allow.host(host, port) || self.allow.may_have_address(port),
        }
    }

    /// The addresses of a host, and how long the system took to name them, if it was asked.
    pub(super) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, Option<Duration>), LookupError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok((self.allowed(vec![SocketAddr::new(address, port)])?, None));
        }
        if let Some(rule) = ResolveRule::find(&self.rules, host, port) {
            let address = SocketAddr::new(rule.ip, rule.to_port.unwrap_or(port));
            return Ok((self.allowed(vec![address])?, None));
        }
        let by_name =
            self.allow.host(host, port) || (port == 0 && self.proxies.iter().any(|own| own == host));
        if !by_name && !self.allow.may_have_address(port) {
            return Err(LookupError::Forbidden);
        }
        let begin = Instant::now();
        let (found, asked) = if let Some(known) = self.get(host, begin) {
            (known, None)
        } else {
            let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            let now = Instant::now();
            self.put(host.to_owned(), now, found.clone());
            (found, Some(now.saturating_duration_since(begin)))
        };
        let with_port = |address: SocketAddr| SocketAddr::new(address.ip(), port);
        let found = found.into_iter().map(with_port).collect();
        Ok((if by_name { found } else { self.allowed(found)? }, asked))
    }

    /// Those of `addresses` that are allowed as addresses.
    fn allowed(&self, mut addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, LookupError> {
        let before = addresses.len();
        addresses.retain(|address| self.allow.address(address.ip(), address.port()));
        if addresses.is_empty() && before > 0 { Err(LookupError::Forbidden) } else { Ok(addresses) }
    }

    fn get(&self, name: &str, now: Instant) -> Option<Vec<SocketAddr>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(name).filter(|(until, _)| now < *until).map(|(_, addresses)| addresses.clone())
    }

    fn put(&self, name: String, now: Instant, addresses: Vec<SocketAddr>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(name, (now + TTL, addresses));
    }
}

/// One user's resolver: the common cache, and the user's probe.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) run: Arc<RunHttp>,
    pub(super) probe: Arc<Probe>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (run, probe) = (Arc::clone(&self.run), Arc::clone(&self.probe));
        Box::pin(async move {
            let (addresses, asked) =
                run.cache.addresses(name.as_str(), probe.target_port(name.as_str())).await.map_err(failed)?;
            if let Some(took) = asked {
                probe.resolved(took);
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// A name without an address, told apart from a connection that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    /// It does not resolve.
    #[error("name does not resolve: {0}")]
    Dns(#[from] io::Error),
    /// It has none that this worker may connect to.
    #[error("this worker may not connect there")]
    Forbidden,
}

impl From<&LookupError> for Failure {
    fn from(error: &LookupError) -> Self {
        match error {
            LookupError::Dns(_) => Self::new(FailureKind::Dns, "the host name does not resolve"),
            LookupError::Forbidden => FORBIDDEN,
        }
    }
}

/// The failure for a target that this worker may not aim at.
pub(super) const FORBIDDEN: Failure =
    Failure::new(FailureKind::Connect, "this worker may not aim there (--allow-host)");

fn failed(error: LookupError) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(error)
}
