//! Who is who: workers by instance, and which session of each is the newest. Pure, behind a lock of its own.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use stampede_proto::v1::RegisterRequest;
use stampede_proto::{PROTOCOL, VERSION};

use crate::run::input::{Hello, WorkerId};

/// Most workers one coordinator takes.
const MAX_WORKERS: usize = 10_000;

/// Longest name kept, in characters.
const MAX_NAME: usize = 60;

/// Largest capacity, so that shares stay in range.
const MAX_CAPACITY: u32 = 1_000_000;

/// The workers of this process's life.
#[derive(Debug, Default)]
pub struct Registry {
    by_instance: HashMap<[u8; 16], WorkerId>,
    names: HashSet<String>,
    /// Which process each worker is.
    instances: Vec<[u8; 16]>,
    hellos: Vec<Hello>,
    /// The newest session of each worker; `None` once it was ended.
    sessions: Vec<Option<u64>>,
    owner: HashMap<u64, WorkerId>,
    /// When a heartbeat of each worker was last answered, on the coordinator's clock.
    answered: Vec<Duration>,
}

/// Why a worker is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Other code would compile another plan from the same scenario.
    #[error(
        "worker {theirs} (protocol {their_protocol}) does not fit coordinator {VERSION} (protocol {PROTOCOL}); \
         use the same version on both sides"
    )]
    Version {
        /// The worker's version.
        theirs: String,
        /// The worker's protocol.
        their_protocol: u32,
    },
    /// Not sixteen bytes.
    #[error("`instance` must be 16 bytes")]
    Instance,
    /// Too many.
    #[error("{MAX_WORKERS} workers are registered already")]
    Full,
}

/// A worker that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its number.
    pub worker: WorkerId,
    /// Its new session.
    pub session: u64,
    /// Who it is.
    pub hello: Hello,
}

impl Registry {
    /// The workers of a coordinator that died, by number.
    pub fn restored(workers: Vec<([u8; 16], Hello)>) -> Self {
        let mut registry = Self::default();
        for (worker, (instance, hello)) in workers.into_iter().enumerate() {
            registry.by_instance.insert(instance, worker);
            registry.names.insert(hello.name.clone());
            registry.instances.push(instance);
            registry.hellos.push(hello);
            registry.sessions.push(None);
            registry.answered.push(Duration::ZERO);
        }
        registry
    }

    /// Which process `worker` is.
    pub fn instance_of(&self, worker: WorkerId) -> Option<[u8; 16]> {
        self.instances.get(worker).copied()
    }

    /// Takes a worker; the same instance gets its old number and a new session, `session`: a number that nobody can guess, for
    /// whoever names it speaks for that worker.
    ///
    /// # Errors
    /// When its version does not fit, or it is not well formed.
    pub fn register(
        &mut self,
        request: &RegisterRequest,
        address: String,
        embedded: bool,
        session: u64,
    ) -> Result<Registered, Refused> {
        if request.protocol != PROTOCOL || request.version != VERSION {
            let theirs = clean(&request.version);
            return Err(Refused::Version { theirs, their_protocol: request.protocol });
        }
        let instance = <[u8; 16]>::try_from(&*request.instance).map_err(|_| Refused::Instance)?;
        let known = self.by_instance.get(&instance).copied();
        if known.is_none() && self.hellos.len() >= MAX_WORKERS {
            return Err(Refused::Full);
        }
        let worker = known.unwrap_or_else(|| {
            let name = self.unique(&clean(&request.name));
            self.hellos.push(Hello { name, address: String::new(), embedded, capacity: 1 });
            self.sessions.push(None);
            self.answered.push(Duration::ZERO);
            self.instances.push(instance);
            self.by_instance.insert(instance, self.hellos.len() - 1);
            self.hellos.len() - 1
        });
        self.hellos[worker].address = address;
        self.hellos[worker].capacity = request.capacity.clamp(1, MAX_CAPACITY);
        if let Some(old) = self.sessions[worker].replace(session) {
            self.owner.remove(&old);
        }
        self.owner.insert(session, worker);
        Ok(Registered { worker, session, hello: self.hellos[worker].clone() })
    }

    fn unique(&mut self, name: &str) -> String {
        let name = if name.is_empty() { "worker" } else { name };
        let mut candidate = name.to_owned();
        let mut number = 2;
        while !self.names.insert(candidate.clone()) {
            candidate = format!("{name}-{number}");
            number += 1;
        }
        candidate
    }

    /// Whose session this is, if it is the newest of its worker and was not ended.
    pub fn worker_of(&self, session: u64) -> Option<WorkerId> {
        self.owner.get(&session).copied()
    }

    /// Whether a heartbeat of `worker` in `session` may be answered `now`; if so, that is remembered. Whoever ends a
    /// session for its silence looks at it under the same lock, so no answer can cross that decision.
    pub fn answer(&mut self, session: u64, worker: WorkerId, now: Duration) -> bool {
        let alive = self.worker_of(session) == Some(worker);
        if alive && let Some(answered) = self.answered.get_mut(worker) {
            *answered = now;
        }
        alive
    }

    /// Ends the newest session of `worker`, unless a heartbeat was answered after `since`. Returns whether it has none now.
    pub fn end_if_silent(&mut self, worker: WorkerId, since: Duration) -> bool {
        let silent = self.answered.get(worker).is_none_or(|answered| *answered <= since);
        if silent {
            self.end(worker);
        }
        silent
    }

    /// Ends the newest session of `worker`.
    pub fn end(&mut self, worker: WorkerId) {
        if let Some(session) = self.sessions.get_mut(worker).and_then(Option::take) {
            self.owner.remove(&session);
        }
    }
}

/// A name from outside without what would spoil a screen or a log, and not too long.
fn clean(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(instance: u8, name: &str) -> RegisterRequest {
        RegisterRequest {
            instance: vec![instance; 16],
            name: name.into(),
            version: VERSION.into(),
            protocol: PROTOCOL,
            threads: 2,
            capacity: 1,
        }
    }

    #[test]
    fn the_same_instance_is_the_same_worker_in_a_newer_session() {
        let mut registry = Registry::default();
        let first = registry.register(&request(1, "a"), String::new(), false, 1).expect("taken");
        let other = registry.register(&request(2, "a\u{1b}[2J"), String::new(), false, 2).expect("taken");
        let again = registry.register(&request(1, "a"), String::new(), false, 3).expect("taken");
        assert_eq!((first.worker, other.worker, again.worker), (0, 1, 0));
        assert_eq!((first.hello.name.as_str(), other.hello.name.as_str()), ("a", "a[2J"));
        assert_eq!(registry.worker_of(first.session), None, "the newer session ends the older one");
        assert_eq!(registry.worker_of(again.session), Some(0));
        registry.end(0);
        assert_eq!(registry.worker_of(again.session), None);
    }

    #[test]
    fn no_answer_crosses_the_end_of_a_session() {
        let mut registry = Registry::default();
        let first = registry.register(&request(1, "a"), String::new(), false, 4).expect("taken");
        let second = Duration::from_secs(1);
        assert!(registry.answer(first.session, 0, second * 3));
        assert!(!registry.end_if_silent(0, second * 2), "one was answered that has not been heard of yet");
        assert!(registry.answer(first.session, 0, second * 4));
        assert!(registry.end_if_silent(0, second * 4));
        assert!(!registry.answer(first.session, 0, second * 5), "it is dead");
    }

    #[test]
    fn after_a_restart_the_same_instance_is_the_same_worker() {
        let mut before = Registry::default();
        let first = before.register(&request(1, "a"), String::new(), false, 5).expect("taken");
        let second = before.register(&request(2, "a"), String::new(), false, 6).expect("taken");
        let known =
            [&first, &second].map(|who| (before.instance_of(who.worker).expect("known"), who.hello.clone()));
        let mut after = Registry::restored(known.to_vec());
        assert_eq!((after.worker_of(first.session), after.worker_of(second.session)), (None, None));
        let third = after.register(&request(3, "a"), String::new(), false, 7).expect("taken");
        let again = after.register(&request(2, "a"), String::new(), false, 8).expect("taken");
        assert_eq!((third.worker, third.hello.name.as_str()), (2, "a-3"));
        assert_eq!((again.worker, again.hello.name.as_str()), (1, "a-2"));
        assert_eq!(after.worker_of(again.session), Some(1));
    }

    #[test]
    fn names_are_made_unique() {
        let mut registry = Registry::default();
        let names: Vec<_> = (0..3)
            .map(|n| {
                registry.register(&request(n, "host"), String::new(), false, 9).expect("taken").hello.name
            })
            .collect();
        assert_eq!(names, ["host", "host-2", "host-3"]);
    }

    #[test]
    fn another_version_is_refused_with_both_named() {
        let mut registry = Registry::default();
        let old = RegisterRequest { version: "0.0.9".into(), ..request(1, "a") };
        let refused = registry.register(&old, String::new(), false, 10).expect_err("refused").to_string();
        assert!(refused.contains("0.0.9") && refused.contains(VERSION), "{refused}");
        let short = RegisterRequest { instance: vec![1], ..request(1, "a") };
        assert_eq!(registry.register(&short, String::new(), false, 11), Err(Refused::Instance));
    }
}
