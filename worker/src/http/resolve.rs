//! Name resolution with a cache for one test on one worker: the system's resolver is asked once a minute for each name.
//!
//! Users that need a name while it is being asked for wait for that answer: a thousand that start together ask once.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use stampede_scenarios::plan::ResolveRule;
use stampede_stats::outcome::FailureKind;
use tokio::sync::OnceCell;

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
    names: Mutex<Names>,
}

/// What is known by name, and what is being asked for.
#[derive(Debug, Default)]
struct Names {
    /// Addresses, and until when they are used.
    known: HashMap<String, (Instant, Vec<SocketAddr>)>,
    asked: HashMap<String, Arc<OnceCell<Answer>>>,
}

/// What the system said; a failure as all who wait for it can have it.
type Answer = Result<Vec<SocketAddr>, (io::ErrorKind, Arc<str>)>;

impl Cache {
    /// Empty.
    pub(super) fn new(rules: Vec<ResolveRule>) -> Self {
        Self { rules, allow: Arc::default(), proxies: Vec::new(), names: Mutex::default() }
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
        let ask = || async { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) };
        let (found, asked) = self.named(host, ask).await?;
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

    /// The addresses of a name as they are known, else as `ask` gives them, which then took so long. While somebody asks, the
    /// others wait.
    async fn named<F>(
        &self,
        name: &str,
        ask: impl FnOnce() -> F,
    ) -> Result<(Vec<SocketAddr>, Option<Duration>), io::Error>
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>>,
    {
        let begin = Instant::now();
        let cell = {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            match names.known.get(name) {
                Some((until, addresses)) if begin < *until => return Ok((addresses.clone(), None)),
                _ => Arc::clone(names.asked.entry(name.to_owned()).or_default()),
            }
        };
        let mut took = None;
        // Should whoever asks give up, the next one of those who wait asks.
        let asking = async {
            let found = ask().await;
            let now = Instant::now();
            took = Some(now.saturating_duration_since(begin));
            self.learn(name, now, found.as_deref().ok());
            found.map_err(|error| (error.kind(), error.to_string().into()))
        };
        match cell.get_or_init(|| asking).await {
            Ok(found) => Ok((found.clone(), took)),
            Err((kind, text)) => Err(io::Error::new(*kind, text.to_string())),
        }
    }

    /// Nobody asks for `name` any more; what was found is used for a while.
    fn learn(&self, name: &str, now: Instant, found: Option<&[SocketAddr]>) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.asked.remove(name);
        names.known.retain(|_, (until, _)| now < *until);
        if let Some(found) = found {
            names.known.insert(name.to_owned(), (now + TTL, found.to_vec()));
        }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn many_who_need_a_name_ask_for_it_once_and_share_what_is_said() {
        let (cache, asked) = (Cache::new(Vec::new()), Cell::new(0));
        let ask = |answer: io::Result<Vec<SocketAddr>>| {
            let asked = &asked;
            move || async move {
                asked.set(asked.get() + 1);
                tokio::task::yield_now().await;
                answer
            }
        };
        let failing = || ask(Err(io::Error::other("no such name")));
        let (one, other) = tokio::join!(cache.named("a", failing()), cache.named("a", failing()));
        let texts = [one, other].map(|answer| answer.expect_err("it failed").to_string());
        assert_eq!((texts.each_ref().map(String::as_str), asked.get()), (["no such name"; 2], 1));

        // A failure is not kept.
        let address = SocketAddr::from(([192, 0, 2, 1], 0));
        let found = || ask(Ok(vec![address]));
        let (one, other) = tokio::join!(cache.named("a", found()), cache.named("a", found()));
        let (one, other) = (one.expect("found"), other.expect("found"));
        assert_eq!((one.0, &other.0, asked.get()), (vec![address], &vec![address], 2));
        assert!(one.1.is_some() && other.1.is_none(), "only one of them asked");
        assert_eq!(cache.named("a", found()).await.expect("known").1, None);
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn when_the_one_who_asks_gives_up_the_next_one_asks() {
        let cache = Cache::new(Vec::new());
        tokio::select! {
            biased;
            answer = cache.named("a", std::future::pending) => panic!("nobody answers, but {answer:?}"),
            () = std::future::ready(()) => {}
        }
        let (found, took) = cache.named("a", || async { Ok(Vec::new()) }).await.expect("an answer");
        assert!(found.is_empty() && took.is_some());
    }

    #[test]
    fn what_is_over_is_dropped() {
        let (cache, now) = (Cache::new(Vec::new()), Instant::now());
        cache.learn("a", now, Some(&[]));
        cache.learn("b", now + TTL, Some(&[]));
        let names = cache.names.lock().expect("nobody panicked");
        assert_eq!(names.known.keys().collect::<Vec<_>>(), ["b"]);
    }
}
