//! What runs once in the whole test: `setup` on one worker before the first user, `teardown` on one behind the last.
//!
//! The worker tells the result with each of its heartbeats, so it is taken when it is first heard of. Setup is never begun a
//! second time: half of it may have been done.

use std::time::Duration;

use stampede_proto::aside::{AsideDone, AsideKind, Shared};

use super::input::{Effect, Order, Progress, WorkerId};
use super::state::Run;
use crate::result::StopReason;

/// Where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// What setup gave.
    pub(super) shared: Shared,
    setup: Stage,
    teardown: Stage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Ahead,
    /// On this worker.
    Under(WorkerId),
    Done,
}

impl Run {
    /// Whether there is a setup that was not begun.
    pub(super) fn needs_setup(&self) -> bool {
        let has = self.setup.plan.aside.as_ref().is_some_and(|aside| !aside.on_start.ops.is_empty());
        has && self.beside.setup == Stage::Ahead
    }

    pub(super) fn is_setting_up(&self) -> bool {
        matches!(self.beside.setup, Stage::Under(_))
    }

    pub(super) fn begin_setup(&mut self, effects: &mut Vec<Effect>) {
        let Some(worker) = self.crew.first().copied() else { return };
        self.beside.setup = Stage::Under(worker);
        self.order_aside(worker, AsideKind::Setup, effects);
    }

    fn order_aside(&mut self, worker: WorkerId, kind: AsideKind, effects: &mut Vec<Effect>) {
        let (title, name) = (title(kind), &self.members[worker].hello.name);
        effects.push(Effect::Log(format!("{title} runs on worker {name}")));
        effects.push(Effect::Order(worker, Order::Aside { kind, shared: self.beside.shared.clone() }));
        self.shown.mark();
    }

    /// A worker that is back may have missed that it is to run something.
    pub(super) fn repeat_aside(&self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let beside = &self.beside;
        for (stage, kind) in [(beside.setup, AsideKind::Setup), (beside.teardown, AsideKind::Teardown)] {
            if stage == Stage::Under(worker) {
                effects.push(Effect::Order(worker, Order::Aside { kind, shared: beside.shared.clone() }));
            }
        }
    }

    /// Goes on with the start when setup is done, or ends the run.
    pub(super) fn await_setup(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let Stage::Under(worker) = self.beside.setup else { return };
        let Some(done) = self.done(worker, AsideKind::Setup) else {
            if let Some(why) = self.cannot_finish(worker, now) {
                self.note(format!("setup did not come to its end: {why}"), effects);
                self.end(StopReason::NoWorkers, now, effects);
            }
            return;
        };
        self.beside.setup = Stage::Done;
        self.merged.totals.add(&done.rows);
        if let Some(why) = &done.failure {
            self.note(format!("setup failed, so no user was started: {why}"), effects);
            return self.end(StopReason::Scenario, now, effects);
        }
        self.beside.shared.clone_from(&done.shared);
        effects.push(Effect::Log("setup is done".to_owned()));
        // How long it took is no sign that the others are slow.
        self.preparing_since = now;
        self.progress(now, effects);
    }

    /// Whether nothing is left to be done before the run is over; begins `teardown` where that is left.
    pub(super) fn is_torn_down(&mut self, now: Duration, effects: &mut Vec<Effect>) -> bool {
        let has = self.setup.plan.aside.as_ref().is_some_and(|aside| !aside.on_stop.ops.is_empty());
        match self.beside.teardown {
            Stage::Ahead if has && !self.aborted => {
                let able = |worker: &&WorkerId| {
                    let member = &self.members[**worker];
                    let is_there = member.connected && member.lost_at.is_none() && !member.left;
                    is_there && !member.failed && !member.refused
                };
                let Some(worker) = self.crew.iter().find(able).copied() else {
                    self.note("teardown was not run: there was no worker left for it".to_owned(), effects);
                    return true;
                };
                self.beside.teardown = Stage::Under(worker);
                self.order_aside(worker, AsideKind::Teardown, effects);
                false
            }
            Stage::Under(worker) => {
                let done = self.done(worker, AsideKind::Teardown);
                let broken_off = if self.aborted { Some("it was stopped".to_owned()) } else { None };
                let broken_off = broken_off.or_else(|| self.cannot_finish(worker, now));
                match (done, broken_off) {
                    (Some(done), _) => {
                        self.merged.totals.add(&done.rows);
                        if let Some(why) = &done.failure {
                            self.note(format!("teardown failed: {why}"), effects);
                        }
                    }
                    (None, Some(why)) => {
                        self.note(format!("teardown did not come to its end: {why}"), effects);
                    }
                    (None, None) => return false,
                }
                self.beside.teardown = Stage::Done;
                true
            }
            Stage::Ahead | Stage::Done => true,
        }
    }

    fn done(&self, worker: WorkerId, kind: AsideKind) -> Option<Box<AsideDone>> {
        self.members[worker].heartbeat.aside.clone().filter(|done| done.kind == kind)
    }

    /// Why nothing more is to be expected of `worker`.
    fn cannot_finish(&self, worker: WorkerId, now: Duration) -> Option<String> {
        let member = &self.members[worker];
        let name = &member.hello.name;
        if member.heartbeat.progress == Progress::Failed {
            return Some(format!("worker {name} cannot go on: {}", member.heartbeat.error));
        }
        if member.hello.embedded && member.connected {
            return None;
        }
        let silent = now.saturating_sub(member.last_heard) > self.setup.lease * 2;
        silent.then(|| format!("worker {name} was not heard of any more"))
    }
}

fn title(kind: AsideKind) -> &'static str {
    match kind {
        AsideKind::Setup => "setup",
        AsideKind::Teardown => "teardown",
    }
}
