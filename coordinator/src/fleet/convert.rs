//! Between the wire and the run's own values.

use std::time::Duration;

use stampede_proto::prepare::{Prepare, ns};
use stampede_proto::v1::{self, WorkerPhase, command::What};
use stampede_proto::{MAX_RUN, aside, assign, prepare};
use stampede_scenarios::profile::Profile;

use crate::run::input::{Heartbeat, Order, Progress, Wish};

/// Most users one worker can say it has.
const MAX_USERS: u64 = 10_000_000;

/// Most classes a heartbeat tells apart.
const MAX_CLASSES: usize = 4096;

/// Longest text a worker may give as its error, in characters.
const MAX_ERROR: usize = 2000;

/// A heartbeat from the wire; `None` when it says what cannot be.
pub(crate) fn heartbeat(status: v1::WorkerStatus) -> Option<Heartbeat> {
    let progress = match status.phase() {
        WorkerPhase::Idle => Progress::Idle,
        WorkerPhase::Preparing => Progress::Preparing,
        WorkerPhase::Ready => Progress::Ready,
        WorkerPhase::Running => Progress::Running,
        WorkerPhase::Draining => Progress::Draining,
        WorkerPhase::Finished => Progress::Finished,
        WorkerPhase::Failed => Progress::Failed,
    };
    let users = status.users.iter().map(|users| u64::from(*users)).sum::<u64>();
    if status.run.len() > MAX_RUN
        || status.users.len() > MAX_CLASSES
        || users > MAX_USERS
        || status.started >= 1 << 53
    {
        return None;
    }
    let held = assign::held_from_wire(&status.held).ok()?;
    let aside = status.aside.map(aside::from_wire).transpose().ok()?;
    let slowest = status.thread_ages_ms.iter().copied().max().unwrap_or(0);
    Some(Heartbeat {
        run: status.run,
        progress,
        error: status.error.chars().take(MAX_ERROR).collect(),
        users: status.users,
        started: status.started,
        iterations_begun: status.iterations_begun.min(1 << 53),
        iterations_ended: status.iterations_ended.min(1 << 53),
        iterations_dropped: status.iterations_dropped.min(1 << 53),
        wants_iterations: status.wants_iterations,
        users_stopped: status.users_stopped,
        wants_stop: match v1::WorkerWish::try_from(status.wants_stop).ok()? {
            v1::WorkerWish::None => None,
            v1::WorkerWish::StopByScenario => Some(Wish::Scenario),
            v1::WorkerWish::StopByData => Some(Wish::Data),
        },
        outbox: status.outbox,
        memory: status.memory_bytes,
        slowest_thread: Duration::from_millis(u64::from(slowest)),
        round_trip: (status.rtt_us > 0).then(|| Duration::from_micros(u64::from(status.rtt_us))),
        leaving: status.leaving,
        revision: status.revision,
        held,
        aside: aside.map(Box::new),
    })
}

/// A command to the wire. `what` is the test of the run, `planned` the load profile that its scenario gives.
pub fn order_to_wire(order: &Order, what: &Prepare, planned: &Profile) -> v1::Command {
    let run = what.run.clone();
    let what = match order {
        Order::Prepare => What::Prepare(prepare::to_wire(what)),
        Order::Assign(share) => What::Assign(assign::to_wire(share, planned)),
        Order::Start { start_us, shared } => {
            // Nothing is said of it where nothing was given.
            let shared = (!shared.is_empty()).then(|| aside::shared_to_wire(shared));
            What::Start(v1::Start { run, start_us: *start_us, shared })
        }
        Order::Aside { kind, shared } => What::Aside(v1::Aside {
            run,
            kind: aside::kind_to_wire(*kind).into(),
            shared: Some(aside::shared_to_wire(shared)),
        }),
        Order::Stop { at, timeout } => {
            What::Stop(v1::Stop { run, at_ns: ns(*at), stop_timeout_ns: ns(*timeout) })
        }
        Order::Iterations { total } => What::Iterations(v1::GrantIterations { run, total: *total }),
        Order::RunOver => What::RunOver(v1::RunOver { run }),
        Order::Forget(other) => What::RunOver(v1::RunOver { run: other.clone() }),
        Order::Notice(text) => What::Notice(text.clone()),
    };
    v1::Command { what: Some(what) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_kept_and_so_has_bounds() {
        let run = |bytes: usize| v1::WorkerStatus { run: "r".repeat(bytes), ..v1::WorkerStatus::default() };
        assert!(heartbeat(run(64)).is_some() && heartbeat(run(65)).is_none());
        let error = v1::WorkerStatus { error: "é".repeat(5000), ..v1::WorkerStatus::default() };
        assert_eq!(heartbeat(error).map(|heartbeat| heartbeat.error.chars().count()), Some(2000));
        let held = |count| v1::WorkerStatus {
            held: vec![v1::Held { ranges: vec![v1::RankRange { start: 0, count }], ..v1::Held::default() }],
            ..v1::WorkerStatus::default()
        };
        assert!(heartbeat(held(10)).is_some() && heartbeat(held(10_000_000)).is_none());
    }
}
