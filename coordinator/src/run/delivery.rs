//! What workers deliver: each batch checked, applied once, acknowledged; what cannot be ends the session that sent it.

use std::time::Duration;

use stampede_proto::batch::{Batch, Finals};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, Part};
use stampede_stats::snapshot::Snapshot;

use super::input::{Effect, Heartbeat, WorkerId};
use super::member::Refusal;
use super::merged::Taken;
use super::state::Run;
use crate::result::Limit;

/// Bad messages within [`STRIKE_WINDOW`] after which a worker is refused for the run.
const STRIKES: usize = 3;

/// See [`STRIKES`].
const STRIKE_WINDOW: Duration = Duration::from_secs(60);

/// So long after the end of the warm-up a second may still begin something in it.
const AFTER_WARMUP: Duration = Duration::from_secs(2);

impl Run {
    pub(super) fn acknowledge(&self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get(worker) else { return };
        effects.push(Effect::Acknowledge {
            worker,
            run: self.setup.id.clone(),
            applied_through: member.applied.through,
            over: false,
        });
    }

    /// A batch arrived.
    pub(super) fn batch(
        &mut self,
        worker: WorkerId,
        batch: &Batch,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        let refused = self.members.get(worker).is_some_and(|member| member.refused);
        if refused || batch.run != self.setup.id {
            let (run, applied_through) = (batch.run.clone(), batch.number);
            effects.push(Effect::Acknowledge { worker, run, applied_through, over: true });
            return;
        }
        let Some(member) = self.members.get_mut(worker) else { return };
        let snapshot = &batch.snapshot;
        let run_time = self.start.map_or(Duration::ZERO, |start| now.saturating_sub(start));
        // A worker's clock may run a little ahead; whole seconds it cannot.
        let in_future = u64::from(snapshot.to_s) > run_time.as_secs() + 3;
        let warm = speaks_of_warmup(snapshot, self.setup.plan.load.warmup);
        let was_limited = !member.applied.limit.all().is_empty();
        let taken = if member.seat.is_none() {
            Err(Refusal::Bad("it takes no part in this run"))
        } else if member.finished && batch.number > member.applied.through {
            Err(Refusal::Bad("it comes after the last one"))
        } else if in_future || snapshot.gauges.users.len() > self.setup.plan.classes.len() {
            Err(Refusal::Bad("it speaks of seconds or classes that are not there"))
        } else if warm {
            Err(Refusal::Bad("it speaks of a warm-up that is over"))
        } else {
            member.applied.take(batch)
        };
        match taken {
            Ok(()) => {
                let taken = self.how_to_take(worker, batch);
                self.merged.add(worker, snapshot, taken, &self.profile, self.watermark);
                self.keep_for_search(snapshot);
                if !taken.draining {
                    self.watch.add(snapshot);
                }
                if !was_limited {
                    self.note_limit(worker, effects);
                }
                if let Some(finals) = &batch.finals {
                    self.finals(worker, finals, now, effects);
                }
            }
            Err(Refusal::Known) => {}
            Err(Refusal::Bad(why)) => return self.strike(worker, why, now, effects),
        }
        self.acknowledge(worker, effects);
    }

    fn how_to_take(&self, worker: WorkerId, batch: &Batch) -> Taken {
        let (member, snapshot) = (&self.members[worker], &batch.snapshot);
        // Of a worker that leaves, the stop is its own: the run goes on.
        let stopped = self.stop.is_some_and(|stop| u64::from(snapshot.to_s) > stop.at.as_secs());
        let draining = snapshot.draining && (!member.left || stopped);
        let away =
            if member.left { Some((0, u32::MAX)) } else { member.away_in(snapshot.from_s, snapshot.to_s) };
        Taken { last_part: batch.last_part, draining, away }
    }

    /// Nobody begins more iterations than it was granted, whatever it announces.
    pub(super) fn cap_iterations(&self, worker: WorkerId, heartbeat: &mut Heartbeat) {
        let (Some(ledger), Some(member)) = (&self.ledger, self.members.get(worker)) else { return };
        let granted = member.seat.map_or(0, |seat| ledger.granted(seat));
        let most = granted.max(member.applied.iterations.begun);
        heartbeat.iterations_begun = heartbeat.iterations_begun.min(most);
    }

    /// Says it once when a worker has come to its own limit.
    fn note_limit(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let member = &self.members[worker];
        if let Some(limit) = member.applied.limit.now() {
            let text = format!("generator-limited: worker {} {}", member.hello.name, how_limited(limit));
            self.limit_notices.push(text.clone());
            self.note(text, effects);
        }
    }

    /// A worker's last batch of the run: what it says it sent has to be what was applied.
    fn finals(&mut self, worker: WorkerId, finals: &Finals, now: Duration, effects: &mut Vec<Effect>) {
        let member = &mut self.members[worker];
        member.finished = true;
        member.heartbeat.users.clear();
        if !member.applied.agrees(finals) {
            let text = format!("the final totals of worker {} are not what it had sent", member.hello.name);
            self.disagreements.push(text.clone());
            self.note(text, effects);
        }
        self.hand_on_iterations(worker, effects);
        self.gone(worker, now);
    }

    /// A worker sent what cannot be: its session ends, and after three times its part in the run.
    pub(super) fn strike(&mut self, worker: WorkerId, why: &str, now: Duration, effects: &mut Vec<Effect>) {
        self.strikes.retain(|(_, at)| now.saturating_sub(*at) < STRIKE_WINDOW);
        self.strikes.push((worker, now));
        let count = self.strikes.iter().filter(|(who, _)| *who == worker).count();
        let Some(member) = self.members.get_mut(worker) else { return };
        let known = member.refused;
        member.refused |= count >= STRIKES;
        let (name, refused) = (member.hello.name.clone(), member.refused);
        let end = if refused { "; it is refused for this run" } else { "" };
        if !known {
            self.note(format!("worker {name} sent what cannot be: {why}{end}"), effects);
        }
        effects.push(Effect::EndSession(worker, format!("statistics refused: {why}")));
    }
}

/// Whether something began in the warm-up when that was over, or where there is none.
fn speaks_of_warmup(snapshot: &Snapshot, warmup: Duration) -> bool {
    // What began just before its end may be booked in the second behind it.
    let over = warmup.is_zero() || Duration::from_secs(snapshot.from_s.into()) >= warmup + AFTER_WARMUP;
    let begins = |(key, row): (&EndpointKey, &EndpointDelta)| {
        key.part == Part::WarmUp && (row.counts.started > 0 || warmup.is_zero())
    };
    over && (snapshot.warmup_iterations.begun > 0 || snapshot.endpoints.iter().any(begins))
}

/// While it lasts; the report has the seconds.
fn how_limited(limit: &Limit) -> String {
    let what_of_it = if limit.cpu.is_some() {
        "the target may be able to take more"
    } else {
        "the times measured include that"
    };
    format!("{}; {what_of_it}", signs_of(limit))
}

/// By what it was seen: `wakes 14.2 ms late (p99) and uses 97 % of a core`.
pub(super) fn signs_of(limit: &Limit) -> String {
    let mut how = Vec::new();
    if let Some(ms) = limit.stood_still_ms {
        how.push(format!("did not get to run for {:.1} s", ms / 1e3));
    } else if let Some(lag) = limit.lag_ms {
        how.push(format!("wakes {lag:.1} ms late (p99)"));
    }
    if let Some(cpu) = limit.cpu {
        how.push(format!("uses {:.0} % of a core", cpu * 100.0));
    }
    how.join(" and ")
}
