//! Name resolution with a cache for the whole process: the system's resolver is asked once a minute for each name.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use stampede_scenarios::plan::ResolveRule;

use super::probe::Probe;
use super::run::RunHttp;

/// How long an answer is used. The system's resolver does not say how long it may be.
const TTL: Duration = Duration::from_secs(60);

/// Answers by name, and the scenario's own in place of the system's.
#[derive(Debug)]
pub(super) struct Cache {
    rules: Vec<ResolveRule>,
    answers: Mutex<HashMap<String, (Instant, Vec<SocketAddr>)>>,
}

impl Cache {
    /// Empty.
    pub(super) fn new(rules: Vec<ResolveRule>) -> Self {
        Self { rules, answers: Mutex::default() }
    }

    /// The addresses of a host, and how long the system took to name them, if it was asked.
    pub(super) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<(Vec<SocketAddr>, Option<Duration>)> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok((vec![SocketAddr::new(address, port)], None));
        }
        if let Some(rule) = ResolveRule::find(&self.rules, host, port) {
            return Ok((vec![SocketAddr::new(rule.ip, rule.to_port.unwrap_or(port))], None));
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
        Ok((found.into_iter().map(with_port).collect(), asked))
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

/// A name that does not resolve, told apart from a connection that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("name does not resolve: {0}")]
pub(super) struct DnsError(#[source] io::Error);

fn failed(error: io::Error) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(DnsError(error))
}
