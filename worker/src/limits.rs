//! What the system allows this process: open files and local ports, and whether a share of the users fits into them.
//!
//! The limit of open files is raised at the start of the program. Whether it is enough is known when users are assigned, which
//! is before the first of them starts: a run that would end in refused connections says so instead.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open beside the users' connections: streams, the log, runtimes, connections to the coordinator.
const RESERVED: u64 = 64;

/// Files that are open for each load thread: its poll and its timer, with room.
const PER_THREAD: u64 = 8;

/// Connections a user keeps at most, however many targets its class has.
const PER_USER: u64 = 16;

/// What systems that promise everything let a process have all the same.
const UNLIMITED: u64 = 10_240;

/// Raises the limit of open files as far as this process may.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raise = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
    if limit.current == limit.maximum || raise(limit.maximum).is_ok() {
        return;
    }
    if limit.current.is_some_and(|current| current < UNLIMITED) {
        // What cannot be raised stays; an assignment that does not fit is refused with the figures.
        let _ = raise(Some(UNLIMITED));
    }
}

/// What the system allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Open files; `None` for any number.
    pub open_files: Option<u64>,
    /// Ports that connections from one address get.
    pub ports: Option<RangeInclusive<u16>>,
    /// Addresses to connect from; none: the system's choice, which is one.
    pub sources: Vec<IpAddr>,
}

impl Allowed {
    /// As it is now, for connections from `sources`.
    pub fn now(sources: &[IpAddr]) -> Self {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
        Self {
            open_files: getrlimit(Resource::Nofile).current,
            ports: range.as_deref().and_then(ports),
            sources: sources.to_vec(),
        }
    }

    fn ports_per_address(&self) -> Option<u64> {
        self.ports.as_ref().map(|ports| ports.len() as u64)
    }

    /// Addresses that connections to `host` can come from.
    fn sources_for(&self, host: &str) -> u64 {
        let target: Option<IpAddr> = host.parse().ok();
        let fits = |source: &&IpAddr| target.is_none_or(|target| target.is_ipv4() == source.is_ipv4());
        (self.sources.iter().filter(fits).count() as u64).max(1)
    }
}

/// `32768 60999`, with whatever space between.
fn ports(range: &str) -> Option<RangeInclusive<u16>> {
    let mut ends = range.split_whitespace().map(str::parse::<u16>);
    let (Some(Ok(low)), Some(Ok(high))) = (ends.next(), ends.next()) else { return None };
    (low <= high).then_some(low..=high)
}

/// What a share of the users takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Users at most.
    pub users: u64,
    /// Whether that is the open model's `max_users`, which may never be reached.
    pub at_most: bool,
    /// Connections of these by target: host and port.
    pub connections: BTreeMap<(String, u16), u64>,
    /// Connections whose target is known when they are made.
    pub elsewhere: u64,
    /// Whether the targets are in this process too, so that a connection is two open files.
    pub both_ends: bool,
    /// Load threads.
    pub threads: u64,
}

impl Needed {
    /// Adds `users` of a class that aims at `targets`, and elsewhere too if `roams`.
    pub fn add(&mut self, users: u64, targets: &[(String, u16)], roams: bool) {
        self.users += users;
        for target in targets {
            *self.connections.entry(target.clone()).or_default() += users;
        }
        if roams || targets.is_empty() {
            self.elsewhere += users;
        }
    }

    /// Open files this takes.
    pub fn open_files(&self) -> u64 {
        let all = self.connections.values().sum::<u64>() + self.elsewhere;
        let kept = all.min(self.users.saturating_mul(PER_USER));
        let ends = if self.both_ends { 2 } else { 1 };
        kept.saturating_mul(ends) + RESERVED + PER_THREAD * self.threads
    }

    /// Whether it fits.
    ///
    /// # Errors
    /// What is short, and what to do.
    pub fn fits(&self, allowed: &Allowed) -> Result<(), Shortage> {
        let (users, at_most) = (self.users, self.at_most);
        let needed = self.open_files();
        if let Some(limit) = allowed.open_files.filter(|limit| *limit < needed) {
            return Err(Shortage { users, at_most, what: Short::OpenFiles { needed, limit } });
        }
        let (Some(each), Some(range)) = (allowed.ports_per_address(), &allowed.ports) else { return Ok(()) };
        // A port that is bound before it is connected serves one target alone.
        let shared = !allowed.sources.is_empty();
        let all: u64 = self.connections.values().sum();
        for ((host, port), connections) in &self.connections {
            let sources = allowed.sources_for(host);
            let connections = if shared { all } else { *connections };
            if connections > each.saturating_mul(sources) {
                let to = match host.contains(':') {
                    _ if shared && self.connections.len() > 1 => String::new(),
                    true => format!(" to [{host}]:{port}"),
                    false => format!(" to {host}:{port}"),
                };
                let range = format!("{}-{}", range.start(), range.end());
                let what = Short::Ports { to, connections, sources, each, range };
                return Err(Shortage { users, at_most, what });
            }
        }
        Ok(())
    }
}

/// Users that do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    users: u64,
    at_most: bool,
    what: Short,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Short {
    OpenFiles { needed: u64, limit: u64 },
    Ports { to: String, connections: u64, sources: u64, each: u64, range: String },
}

impl std::error::Error for Shortage {}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = if self.users == 1 { "user" } else { "users" };
        write!(f, "its {} {users} ", self.users)?;
        if self.at_most {
            f.write_str("(`max_users`) ")?;
        }
        let fewer = if self.at_most { ", lower --max-users" } else { "" };
        match &self.what {
            Short::OpenFiles { needed, limit } => {
                let round = needed.next_multiple_of(1024);
                write!(
                    f,
                    "need {needed} open files and it may have {limit}. Raise the limit where it is started \
                     (`ulimit -n {round}`; the hard limit only root can raise){fewer}, or spread the users over more workers"
                )
            }
            Short::Ports { to, connections, sources, each, range } => {
                let (ports, wanted) = (each * sources, connections.div_ceil((*each).max(1)));
                let from = if *sources == 1 { "one address" } else { "each of its addresses" };
                write!(
                    f,
                    "need {connections} connections{to} and it has {ports} local ports ({range} from {from}). Give it {wanted} \
                     addresses (--source-ip, once for each), widen net.ipv4.ip_local_port_range{fewer}, or spread the users \
                     over more workers"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(port: u16) -> (String, u16) {
        ("127.0.0.1".to_owned(), port)
    }

    fn needed(users: u64, targets: &[(String, u16)]) -> Needed {
        let mut needed = Needed { threads: 2, ..Needed::default() };
        needed.add(users, targets, false);
        needed
    }

    fn allowed(open_files: u64, sources: &[&str]) -> Allowed {
        let sources = sources.iter().map(|source| source.parse().expect("an address")).collect();
        Allowed { open_files: Some(open_files), ports: ports("32768\t60999\n"), sources }
    }

    fn said(needed: &Needed, allowed: &Allowed) -> String {
        needed.fits(allowed).expect_err("too much").to_string()
    }

    #[test]
    fn a_connection_for_each_user_and_some_files_besides() {
        let needed = needed(944, &[target(80)]);
        assert_eq!(needed.fits(&allowed(1024, &[])), Ok(()));
        insta::assert_snapshot!(said(&needed, &allowed(1023, &[])), @"its 944 users need 1024 open files and it may have 1023. Raise the limit where it is started (`ulimit -n 1024`; the hard limit only root can raise), or spread the users over more workers");
        let arrivals = Needed { at_most: true, ..needed.clone() };
        insta::assert_snapshot!(said(&arrivals, &allowed(1023, &[])), @"its 944 users (`max_users`) need 1024 open files and it may have 1023. Raise the limit where it is started (`ulimit -n 1024`; the hard limit only root can raise), lower --max-users, or spread the users over more workers");
        let demo = Needed { both_ends: true, ..needed };
        insta::assert_snapshot!(said(&demo, &allowed(1024, &[])), @"its 944 users need 1968 open files and it may have 1024. Raise the limit where it is started (`ulimit -n 2048`; the hard limit only root can raise), or spread the users over more workers");
        assert_eq!(demo.fits(&Allowed { open_files: None, ..allowed(1, &[]) }), Ok(()));
    }

    #[test]
    fn a_user_keeps_a_connection_to_each_target_up_to_its_limit() {
        let targets: Vec<_> = (1..=20).map(target).collect();
        assert_eq!(needed(10, &targets[..3]).open_files(), 30 + 80);
        assert_eq!(needed(10, &targets).open_files(), 160 + 80);
        let mut roaming = needed(10, &targets[..1]);
        roaming.add(5, &targets[..1], true);
        roaming.add(5, &[], true);
        assert_eq!(roaming.open_files(), 25 + 80);
    }

    #[test]
    fn ports_are_for_each_target_and_with_chosen_addresses_for_all_together() {
        let plenty = |sources: &[&str]| allowed(1 << 20, sources);
        let one = needed(28_233, &[target(80)]);
        insta::assert_snapshot!(said(&one, &plenty(&[])), @"its 28233 users need 28233 connections to 127.0.0.1:80 and it has 28232 local ports (32768-60999 from one address). Give it 2 addresses (--source-ip, once for each), widen net.ipv4.ip_local_port_range, or spread the users over more workers");
        assert_eq!(one.fits(&plenty(&["127.0.0.1", "127.0.0.2"])), Ok(()));
        assert!(one.fits(&plenty(&["127.0.0.1", "::1"])).is_err(), "the other one is of another family");
        let two = needed(28_232, &[target(80), target(81)]);
        assert_eq!(two.fits(&plenty(&[])), Ok(()));
        insta::assert_snapshot!(said(&two, &plenty(&["127.0.0.2"])), @"its 28232 users need 56464 connections and it has 28232 local ports (32768-60999 from one address). Give it 2 addresses (--source-ip, once for each), widen net.ipv4.ip_local_port_range, or spread the users over more workers");
        insta::assert_snapshot!(said(&needed(60_000, &[target(80)]), &plenty(&["127.0.0.2", "127.0.0.3"])), @"its 60000 users need 60000 connections to 127.0.0.1:80 and it has 56464 local ports (32768-60999 from each of its addresses). Give it 3 addresses (--source-ip, once for each), widen net.ipv4.ip_local_port_range, or spread the users over more workers");
    }

    #[test]
    fn a_range_that_cannot_be_read_refuses_nobody() {
        assert_eq!(ports("32768 60999"), Some(32768..=60999));
        for broken in ["", "1", "60999 32768", "a b"] {
            assert_eq!(ports(broken), None);
        }
        let unknown = Allowed { ports: None, ..allowed(1 << 20, &[]) };
        assert_eq!(needed(100_000, &[target(80)]).fits(&unknown), Ok(()));
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert!(limit.current == limit.maximum || limit.current.is_none_or(|current| current >= UNLIMITED));
    }
}
