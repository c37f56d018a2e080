//! The workers' rows, and whether one of them is the limit instead of the target.

use std::time::Duration;

use crate::format;
use crate::run::delivery::signs_of;
use crate::run::member::Member;
use crate::run::state::Run;
use crate::view::{Limited, WorkerRow};

/// A load thread that was not seen for longer is stuck.
const STUCK: Duration = Duration::from_secs(2);

/// Workers whose last seconds are shown.
const MOST_COURSES: usize = 100;

impl Run {
    pub(super) fn worker_rows(&self, now: Duration) -> Vec<WorkerRow> {
        let mut rows: Vec<_> = self.members.iter().map(|member| worker_row(member, now)).collect();
        // Many small charts are seen by nobody, and a picture that is sent on has to stay small.
        for row in rows.iter_mut().skip(MOST_COURSES) {
            row.course = Vec::new();
        }
        rows
    }

    /// Who is, or was, the limit: of those who are now, the first.
    pub(super) fn limited(&self) -> Option<Limited> {
        let name = |member: &Member| format!("worker {}", member.hello.name);
        let mut now = self.members.iter().filter_map(|member| {
            let limit = member.is_live().then(|| member.applied.limit.now())??;
            Some(format!("{} {}", name(member), signs_of(limit)))
        });
        if let Some(text) = now.next() {
            let more = match now.count() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            return Some(Limited { now: true, text: text + &more });
        }
        let was = self.members.iter().find_map(|member| Some((member, member.applied.limit.last()?)));
        let (member, limit) = was?;
        let (from, to) = (clock(limit.from_s), clock(limit.to_s));
        let before = match member.applied.limit.all().len().saturating_sub(1) {
            0 => String::new(),
            1 => " and once before".to_owned(),
            times => format!(" and {times} times before"),
        };
        Some(Limited { now: false, text: format!("{}, {from}-{to}{before}", name(member)) })
    }
}

fn clock(second: u32) -> String {
    format::clock(Duration::from_secs(second.into()))
}

fn note(member: &Member) -> String {
    let heartbeat = &member.heartbeat;
    match member.lost_at {
        Some(at) if !member.finished => lost(member, at),
        _ if heartbeat.slowest_thread > STUCK => {
            format!("a load thread was last seen {:.1} s ago", heartbeat.slowest_thread.as_secs_f64())
        }
        _ => match member.applied.limit.now().filter(|_| member.is_live()) {
            Some(limit) => format!("at its own limit: {}", signs_of(limit)),
            None if !member.participates && member.connected => "takes part in the next test".to_owned(),
            None => String::new(),
        },
    }
}

/// When it was lost, what it took with it, and what of it is missing.
fn lost(member: &Member, at: Duration) -> String {
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let users = match member.users_lost {
        0 => String::new(),
        users => format!(" with {users} user{}", plural(users.into())),
    };
    let unknown = match member.started().saturating_sub(member.applied.requests.ended()) {
        0 => String::new(),
        count => format!(", {count} request{} begun and not heard of again", plural(count)),
    };
    let delivered = clock(member.applied.through_s);
    format!("lost at {}{users}; nothing delivered since {delivered}{unknown}", format::clock(at))
}

fn worker_row(member: &Member, now: Duration) -> WorkerRow {
    let heartbeat = &member.heartbeat;
    WorkerRow {
        name: member.hello.name.clone(),
        address: member.hello.address.clone(),
        state: member.state(),
        users: member.users(),
        users_by_class: heartbeat.users.clone(),
        rps: if member.is_live() { member.applied.rate() } else { 0.0 },
        cpu: member.applied.cpu_last,
        memory: (heartbeat.memory > 0).then_some(heartbeat.memory),
        lag_p99: member.applied.lag_last,
        lateness_p99: member.applied.lateness_last,
        rtt: heartbeat.round_trip.map(|trip| trip.as_secs_f64() * 1e3),
        last_heard: Some(now.saturating_sub(member.last_heard)),
        outbox: heartbeat.outbox,
        limited: member.is_live() && member.applied.limit.now().is_some(),
        course: member.applied.course(),
        note: note(member),
    }
}
