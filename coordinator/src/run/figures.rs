//! The run's state as figures for exporters. Made only when somebody exports; what it was at the time before is kept by whoever
//! asks, so that nobody else pays for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::VERSION;
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::{EndpointKey, OTHER, Part, RowKind};
use stampede_stats::histogram::{Exact, TimesDelta};
use stampede_stats::outcome::FailureKind;

use super::member::Member;
use super::state::Run;
use crate::figures::{
    Buckets, Figures, Identity, MAX_ROWS, MAX_WORKERS, NOT_TOLD_APART, Recent, Row, Threshold, Worker,
};

/// What the figures were at the time before.
#[derive(Debug, Default)]
pub struct Before {
    identity: Option<Arc<Identity>>,
    /// Rows that have a place of their own. One that has it keeps it: what is exported never goes down.
    named: BTreeSet<EndpointKey>,
    rows: BTreeMap<EndpointKey, Reported>,
}

/// What of a row was reported before.
#[derive(Debug, Default)]
struct Reported {
    completed: u64,
    failed: u64,
    pairs: Vec<(u32, u64)>,
}

/// A row while it is added up.
#[derive(Debug, Default)]
struct Sum {
    counts: RequestCounts,
    failures: BTreeMap<FailureKind, u64>,
    times: TimesDelta,
}

impl Before {
    /// The row that `key` is exported in.
    fn row_of(&mut self, key: &EndpointKey) -> EndpointKey {
        if self.named.contains(key) {
            return key.clone();
        }
        // One that is called like it is in it, too: no two rows of a kind have that name.
        if self.named.len() >= MAX_ROWS || key.name == OTHER {
            return EndpointKey::other_of(key);
        }
        self.named.insert(key.clone());
        key.clone()
    }
}

impl Run {
    /// The figures at `now`, and what came since those `before`.
    pub fn figures(&self, before: &mut Before, now: Duration) -> Figures {
        let run_time = self.run_time(now);
        let second = u32::try_from(run_time.as_secs()).unwrap_or(u32::MAX);
        let live = || self.members.iter().filter(|member| member.is_live());
        let present = live().filter(|member| member.connected && !member.is_just_back(second));
        let (rows, recent) = self.rows(before);
        let identity = before.identity.get_or_insert_with(|| Arc::new(self.identity()));
        Figures {
            identity: Arc::clone(identity),
            started: self.start.is_some(),
            phase: self.phase,
            warming_up: self.start.is_some() && run_time < self.setup.plan.load.warmup,
            second: self.watermark,
            elapsed: run_time,
            users: present.map(Member::users).sum(),
            users_wanted: if self.start.is_some() { self.profile.users_at(run_time) } else { 0 },
            in_flight: live().map(|member| member.applied.in_flight).sum(),
            oldest_in_flight: Duration::from_nanos(
                live().map(|member| member.applied.oldest_ns).max().unwrap_or(0),
            ),
            iterations: self.merged.totals.iterations,
            arrivals_per_s: self.arrivals_view(run_time).map(|arrivals| arrivals.rate),
            generator_limited: live().any(|member| member.applied.limit.now().is_some()),
            rows,
            recent,
            workers: workers(&self.members),
            states: self.members.iter().fold(BTreeMap::new(), |mut states, member| {
                *states.entry(member.state().as_str()).or_default() += 1;
                states
            }),
            thresholds: self.rules_so_far(),
        }
    }

    fn identity(&self) -> Identity {
        let (setup, plan) = (&self.setup, &self.setup.plan);
        Identity {
            run: setup.id.clone(),
            scenario: plan.name.clone(),
            target: without_user(&plan.target),
            version: VERSION.to_owned(),
            labels: setup.labels.clone(),
        }
    }

    fn rows(&self, before: &mut Before) -> (Vec<Row>, Recent) {
        let mut sums: BTreeMap<EndpointKey, Sum> = BTreeMap::new();
        // Rows of classes have the same requests once more.
        let measured = |key: &EndpointKey| key.part == Part::Measured && key.kind != RowKind::Class;
        for (key, stats) in self.merged.totals.endpoints.iter().filter(|(key, _)| measured(key)) {
            let sum = sums.entry(before.row_of(key)).or_default();
            sum.counts.add(&stats.counts);
            sum.times.merge(&stats.ok.delta());
            sum.times.merge(&stats.failed.delta());
        }
        for (key, count) in self.merged.totals.errors.iter().filter(|(key, _)| measured(&key.endpoint)) {
            // Of a row that collects what is beyond a limit nobody knows how many of its failures were told apart.
            let is_other = key.endpoint.name == OTHER;
            if let Some(sum) = sums.get_mut(&before.row_of(&key.endpoint)).filter(|_| !is_other) {
                let of_kind = sum.failures.entry(key.kind).or_default();
                *of_kind = of_kind.saturating_add(count.count);
            }
        }
        let mut all = (TimesDelta::default(), Recent::default());
        let rows = sums.into_iter().map(|(key, sum)| {
            let reported = before.rows.entry(key.clone()).or_default();
            let (times, recent) = reported.since(&sum);
            if key.is_request() {
                all.1.requests += recent.requests;
                all.1.failures += recent.failures;
                all.0.merge(&times);
            }
            row(key, &sum, recent)
        });
        let rows = rows.collect();
        (rows, Recent { percentiles_ms: percentiles(&all.0), ..all.1 })
    }

    fn rules_so_far(&self) -> Vec<Threshold> {
        let mut known = BTreeSet::new();
        let judged = self.judged().into_iter().filter(|judged| known.insert(judged.rule.clone()));
        judged
            .map(|judged| Threshold {
                holds: judged.observed.map(|_| judged.passed),
                rule: judged.rule,
                observed: judged.observed,
            })
            .collect()
    }
}

impl Reported {
    /// What `sum` has beyond it, which is reported now.
    fn since(&mut self, sum: &Sum) -> (TimesDelta, Recent) {
        let pairs = beyond(&sum.times.pairs, &self.pairs);
        let count = pairs.iter().map(|(_, count)| count).sum();
        // Which of them was the smallest is not known beside its bucket.
        let exact = Exact { count, min_ns: 0, ..sum.times.exact };
        let times = TimesDelta { pairs, exact };
        let recent = Recent {
            requests: sum.counts.completed().saturating_sub(self.completed),
            failures: sum.counts.failed.saturating_sub(self.failed),
            percentiles_ms: percentiles(&times),
        };
        self.completed = sum.counts.completed();
        self.failed = sum.counts.failed;
        self.pairs.clone_from(&sum.times.pairs);
        (times, recent)
    }
}

/// A URL without the user and password that may stand in it.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// What `now` has more than `before`. Both ascend, and what was recorded stays so.
fn beyond(now: &[(u32, u64)], before: &[(u32, u64)]) -> Vec<(u32, u64)> {
    let mut before = before.iter().peekable();
    let more = now.iter().filter_map(|&(value, count)| {
        while before.next_if(|(known, _)| *known < value).is_some() {}
        let known = before.next_if(|(known, _)| *known == value).map_or(0, |(_, count)| *count);
        (count > known).then(|| (value, count - known))
    });
    more.collect()
}

fn percentiles(times: &TimesDelta) -> Option<[f64; 3]> {
    times.percentiles_ms(&[50.0, 95.0, 99.0]).try_into().ok()
}

fn row(key: EndpointKey, sum: &Sum, recent: Recent) -> Row {
    let told_apart = sum.failures.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
    let rest = sum.counts.failed.saturating_sub(told_apart);
    let kinds = sum.failures.iter().map(|(kind, count)| (kind.as_str(), *count));
    let exact = &sum.times.exact;
    Row {
        failures: kinds.chain((rest > 0).then_some((NOT_TOLD_APART, rest))).collect(),
        kind: key.kind,
        method: key.method,
        name: key.name,
        counts: sum.counts,
        times: Buckets::of(&sum.times.pairs, exact.count, exact.sum_ns),
        recent,
    }
}

fn workers(members: &[Member]) -> Vec<Worker> {
    let mut names = BTreeSet::new();
    let workers = members.iter().take(MAX_WORKERS).map(|member| {
        // Two that gave themselves the same name are still two.
        let given = &member.hello.name;
        let numbered = (2..).map(|number: u32| format!("{given} #{number}"));
        let name = std::iter::once(given.clone()).chain(numbered).find(|name| !names.contains(name));
        let name = name.unwrap_or_default();
        names.insert(name.clone());
        Worker {
            name,
            state: member.state(),
            users: member.users(),
            requests: member.applied.requests.completed(),
            cpu: member.applied.cpu_last,
            lag_ms: member.applied.lag_last,
            // What a worker that is through said last was said before it delivered the rest.
            outbox: if member.finished { 0 } else { member.heartbeat.outbox },
        }
    });
    workers.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_came_since_and_what_was_before_is_what_there_is(
            before in prop::collection::btree_map(0u32..50, 1u64..9, 0..30),
            more in prop::collection::btree_map(0u32..50, 1u64..9, 0..30),
        ) {
            let mut now = before.clone();
            for (value, count) in &more {
                *now.entry(*value).or_default() += count;
            }
            let pairs = |map: BTreeMap<u32, u64>| map.into_iter().collect::<Vec<_>>();
            prop_assert_eq!(beyond(&pairs(now), &pairs(before)), pairs(more));
        }
    }

    #[test]
    fn a_password_of_the_target_is_not_exported() {
        for (url, exported) in [
            ("http://me:se@cret@h:1/a@b", "http://h:1/a@b"),
            ("http://h/?q=a@b", "http://h/?q=a@b"),
            ("http://me@h", "http://h"),
            ("h", "h"),
            ("", ""),
        ] {
            assert_eq!(without_user(url), exported);
        }
    }

    #[test]
    fn beyond_the_limit_rows_share_one_and_each_keeps_its_place() {
        let mut before = Before::default();
        let key = |number: usize| EndpointKey::new("GET", format!("/{number}"));
        for number in 0..MAX_ROWS + 5 {
            let own = before.row_of(&key(number)) == key(number);
            assert_eq!(own, number < MAX_ROWS, "{number}");
        }
        assert_eq!(before.row_of(&key(3)), key(3));
        assert_eq!(before.row_of(&key(MAX_ROWS + 2)), EndpointKey::other());
    }
}
