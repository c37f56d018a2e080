//! The run's state and what each input does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::plan::Plan;
use stampede_scenarios::profile::Profile;
use stampede_scenarios::rate::Rate;

use super::beside::Beside;
use super::control::Control;
use super::input::{Effect, Heartbeat, Hello, Input, Order, Person, Progress, WorkerId};
use super::ledger::Ledger;
use super::member::Member;
use super::merged::Merged;
use super::searching::Searching;
use super::watch::Watch;
use crate::dispatch::{Dispatch, Lanes, Seat};
use crate::result::{LoadChange, StopReason};
use crate::view::Phase;

/// Run time at which every worker with a sound line has heard of the start.
const START_HEARD: Duration = Duration::from_secs(1);

/// Notes kept. A worker whose line breaks again and again must not fill memory and report.
const MAX_NOTICES: usize = 1000;

/// What a run is about; fixed when it begins.
#[derive(Debug, Clone)]
pub struct RunSetup {
    /// Unique name of the run.
    pub id: String,
    /// The compiled scenario.
    pub plan: Arc<Plan>,
    /// Whether it is the built-in demo.
    pub demo: bool,
    /// What somebody calls it, by key.
    pub labels: BTreeMap<String, String>,
    /// Remote workers to wait for; `None`: one embedded worker.
    pub expected: Option<u32>,
    /// How long to wait for them.
    pub expect_timeout: Duration,
    /// A worker not heard for this long is lost.
    pub lease: Duration,
    /// What to type on another machine to take part.
    pub join_command: String,
    /// Users started per second, for changes by hand.
    pub spawn_rate: Rate,
    /// Which client makes the requests.
    pub client: ClientChoice,
}

/// When and why a run ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Run time.
    pub(super) at: Duration,
    pub(super) reason: StopReason,
    pub(super) timeout: Duration,
}

/// The state of a run.
#[derive(Debug)]
pub struct Run {
    pub(super) setup: RunSetup,
    pub(super) phase: Phase,
    pub(super) members: Vec<Member>,
    /// Those who take part, in the order of the dealing.
    pub(super) crew: Vec<WorkerId>,
    /// Coordinator's clock when waiting began.
    pub(super) waiting_since: Duration,
    /// Coordinator's clock when the workers were told to prepare.
    pub(super) preparing_since: Duration,
    /// Somebody asked for the end: the next Ctrl-C stops at once.
    pub(super) asked_to_stop: bool,
    /// Coordinator's clock at run time zero.
    pub(super) start: Option<Duration>,
    pub(super) profile: Profile,
    /// What of the load was changed.
    pub(super) control: Control,
    /// The search for the highest rate, where that is asked for.
    pub(super) searching: Option<Searching>,
    /// What the rules have seen.
    pub(super) watch: Watch,
    /// Who runs which slot, once that is dealt.
    pub(super) dispatch: Option<Dispatch>,
    /// Who runs which lane, where arrivals come at a rate.
    pub(super) lanes: Option<Lanes>,
    /// Seats whose shares have changed since they were told.
    pub(super) untold: BTreeSet<Seat>,
    pub(super) ledger: Option<Ledger>,
    /// When the last arrival is due, where their number is bounded.
    pub(super) last_due: Option<Duration>,
    pub(super) stop: Option<Stop>,
    /// Coordinator's clock after which finals are no longer waited for.
    pub(super) give_up: Option<Duration>,
    pub(super) aborted: bool,
    pub(super) merged: Merged,
    pub(super) watermark: u32,
    /// Somebody the watermark was seen to wait for.
    pub(super) laggard: Option<WorkerId>,
    pub(super) changes: Vec<LoadChange>,
    pub(super) notices: Vec<String>,
    /// Those of them that are not for the report.
    pub(super) unreported: Vec<String>,
    /// That the end waits for a worker that is lost.
    pub(super) said_waiting: bool,
    /// Those of them that the report says with its own words.
    pub(super) limit_notices: Vec<String>,
    pub(super) disagreements: Vec<String>,
    /// (who, when) of bad messages.
    pub(super) strikes: Vec<(WorkerId, Duration)>,
    pub(super) last_look: Duration,
    /// Until then a run that was resumed is not over because nobody is there.
    pub(super) await_workers_until: Option<Duration>,
    /// Not enough workers came.
    pub(super) failed_to_start: Option<String>,
    pub(super) beside: Beside,
    pub(super) shown: super::show::Shown,
    /// What happened, for the screen.
    pub(super) log: super::show::RunLog,
}

impl Run {
    /// A run that waits for its workers since `now`.
    pub fn new(setup: RunSetup, now: Duration) -> Self {
        let profile = setup.plan.load.profile.clone();
        let watch = Watch::new(&setup.plan.thresholds, setup.plan.load.warmup);
        Self {
            setup,
            phase: Phase::Waiting,
            members: Vec::new(),
            crew: Vec::new(),
            waiting_since: now,
            preparing_since: now,
            asked_to_stop: false,
            start: None,
            profile,
            control: Control::default(),
            searching: None,
            watch,
            dispatch: None,
            lanes: None,
            untold: BTreeSet::new(),
            ledger: None,
            last_due: None,
            stop: None,
            give_up: None,
            aborted: false,
            merged: Merged::default(),
            watermark: 0,
            laggard: None,
            changes: Vec::new(),
            notices: Vec::new(),
            unreported: Vec::new(),
            said_waiting: false,
            limit_notices: Vec::new(),
            disagreements: Vec::new(),
            strikes: Vec::new(),
            last_look: now,
            await_workers_until: None,
            failed_to_start: None,
            beside: Beside::default(),
            shown: super::show::Shown::default(),
            log: super::show::RunLog::default(),
        }
    }

    /// The load profile that the scenario gives, before anybody changes it.
    pub fn planned(&self) -> &Profile {
        &self.setup.plan.load.profile
    }

    /// Takes what happened at `now` on the coordinator's clock; returns what is to be done, in order.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        let phase = self.phase;
        let stood_still = self.notice_gap(now);
        if let Some(gap) = stood_still.filter(|_| !matches!(input, Input::Resumed { .. })) {
            self.note_gap(gap, now, &mut effects);
        }
        match input {
            Input::Registered { worker, hello } => self.registered(worker, hello, now, &mut effects),
            Input::ControlOpened { worker } => self.control_opened(worker, now, &mut effects),
            Input::Heartbeat { worker, heartbeat } => self.heartbeat(worker, heartbeat, now, &mut effects),
            Input::Silent { worker } => self.silent(worker, now, &mut effects),
            Input::ControlClosed { worker } => self.control_closed(worker, &mut effects),
            Input::ReportOpened { worker } => self.acknowledge(worker, &mut effects),
            Input::Batch { worker, batch } => self.batch(worker, &batch, now, &mut effects),
            Input::BadBatch { worker, why } => self.strike(worker, &why, now, &mut effects),
            Input::Refused { text } => {
                // For the person in front of it; it says nothing about what was measured.
                self.unreported.push(text.clone());
                self.note(text, &mut effects);
            }
            Input::Noted { text } => self.note(text, &mut effects),
            Input::Person(person) => self.person(person, now, &mut effects),
            Input::Tick => self.tick(now, &mut effects),
            Input::Resumed { since } => self.resumed(since, now, &mut effects),
        }
        self.progress(now, &mut effects);
        self.tell_shares(now, &mut effects);
        self.keep_log(phase, &effects, now);
        effects
    }

    /// Run time at `now`; zero before the start.
    pub(super) fn run_time(&self, now: Duration) -> Duration {
        self.start.map_or(Duration::ZERO, |start| now.saturating_sub(start))
    }

    pub(super) fn note(&mut self, text: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(text.clone()));
        if self.notices.len() == MAX_NOTICES {
            self.notices.push("more happened than is noted here; the log has it all".to_owned());
        }
        if self.notices.len() > MAX_NOTICES {
            return;
        }
        self.notices.push(text);
        self.shown.mark();
    }

    fn registered(&mut self, worker: WorkerId, hello: Hello, now: Duration, effects: &mut Vec<Effect>) {
        if let Some(member) = self.members.get_mut(worker) {
            // Nothing is renewed by it: what a worker runs, it runs by the heartbeats that were answered.
            member.hello = hello;
            return;
        }
        effects.push(Effect::Log(format!("worker {} registered", hello.name)));
        self.members.push(Member::new(hello, now));
        self.shown.mark();
    }

    fn control_opened(&mut self, worker: WorkerId, now: Duration, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(worker) else { return };
        member.connected = true;
        if self.start.is_none() || member.seat.is_none() {
            // Ready is said of a line: the clocks are compared anew over each.
            member.heartbeat = Heartbeat::default();
            member.last_heard = now;
        }
        self.shown.mark();
        let id = self.setup.id.clone();
        self.come_back(worker, now, effects);
        let member = &self.members[worker];
        let takes_part = member.participates;
        if member.refused {
            let text = format!("this worker sent statistics that cannot be and is refused for the test {id}");
            effects.push(Effect::Order(worker, Order::RunOver));
            effects.push(Effect::Order(worker, Order::Notice(text)));
        } else if takes_part && self.phase == Phase::Finished {
            effects.push(Effect::Order(worker, Order::RunOver));
        } else if takes_part {
            // It may have missed commands; each of them is absolute, and known ones are ignored.
            self.repeat_orders(worker, now, effects);
        } else if self.is_running() {
            self.invite(worker, effects);
        }
    }

    fn heartbeat(
        &mut self,
        worker: WorkerId,
        mut heartbeat: Heartbeat,
        now: Duration,
        effects: &mut Vec<Effect>,
    ) {
        self.cap_iterations(worker, &mut heartbeat);
        let id = self.setup.id.clone();
        let Some(member) = self.members.get_mut(worker) else { return };
        if member.refused || member.lost_at.is_some() {
            // It was given up: what it says now was said over a line that is dead, or by one whose word is not taken. Only that
            // it runs nothing of this test any more is good to hear: others can have its users at once.
            if member.refused && heartbeat.run != id {
                self.lose(worker, now, effects);
            }
            return;
        }
        member.last_heard = member.last_heard.max(now);
        if heartbeat.progress == Progress::Failed && heartbeat.run == id && self.start.is_some() {
            let ran_nothing = member.applied.through == 0 && member.started() == 0 && heartbeat.started == 0;
            // Who was only asked in is not waited for.
            if member.seat.is_some() && !member.joined && ran_nothing && self.run_time(now) < START_HEARD {
                // It has no room for its users. That it said so a moment after the start was named is no start.
                return self.cannot_take_part(worker, &heartbeat.error, effects);
            }
            return self.cannot_go_on(worker, &heartbeat.error, now, effects);
        }
        if heartbeat.run != id {
            if !heartbeat.run.is_empty() {
                // Of a coordinator that is no more: its users would load the target beside this run's.
                effects.push(Effect::Order(worker, Order::Forget(heartbeat.run)));
            }
            return;
        }
        let leaves = heartbeat.leaving && !member.left && member.participates;
        member.left |= leaves;
        member.users_peak = member.users_peak.max(heartbeat.users.iter().sum());
        let wants = heartbeat.wants_iterations;
        member.heartbeat = heartbeat;
        if leaves {
            self.take_leave(worker, now, effects);
        }
        self.heard(worker, now, effects);
        if self.has_missed_the_start(worker, now) {
            self.repeat_orders(worker, now, effects);
        }
        if wants {
            self.grant_iterations(worker, effects);
        }
        if let Some(wish) = self.members[worker].heartbeat.wants_stop.filter(|_| self.is_running()) {
            self.end(wish.into(), now, effects);
        }
    }

    /// Whether `worker` still waits for a start that was named: the line broke before it heard of it, or before it could tell
    /// what that instant is on its own clock.
    fn has_missed_the_start(&self, worker: WorkerId, now: Duration) -> bool {
        let member = &self.members[worker];
        let seated = member.is_live() && member.seat.is_some();
        let told_long_ago =
            now.saturating_sub(member.told_start) > START_HEARD && self.run_time(now) > START_HEARD;
        seated && member.heartbeat.progress == Progress::Ready && told_long_ago
    }

    /// `worker` says that it has stopped running anything, and why.
    fn cannot_go_on(&mut self, worker: WorkerId, why: &str, now: Duration, effects: &mut Vec<Effect>) {
        let member = &mut self.members[worker];
        if !member.is_live() {
            return;
        }
        member.failed = true;
        let name = member.hello.name.clone();
        if member.seat.is_some() {
            self.note(format!("worker {name} cannot go on: {why}"), effects);
            self.lose(worker, now, effects);
        } else {
            self.members[worker].participates = false;
            self.note(format!("worker {name} cannot take part: {why}"), effects);
        }
    }

    /// Looks how many users are alive. Not with each heartbeat: a thousand workers send two thousand a second.
    pub(super) fn see_users(&mut self, now: Duration) {
        let second = u32::try_from(self.run_time(now).as_secs()).unwrap_or(u32::MAX);
        let mut sum: Vec<u32> = Vec::new();
        for member in self.members.iter().filter(|member| member.is_live() && !member.is_just_back(second)) {
            sum.resize(sum.len().max(member.heartbeat.users.len()), 0);
            sum.iter_mut()
                .zip(&member.heartbeat.users)
                .for_each(|(sum, users): (&mut u32, &u32)| *sum = sum.saturating_add(*users));
        }
        if matches!(self.phase, Phase::Ramping | Phase::Steady) {
            self.merged.see_users(&sum);
        }
    }

    fn control_closed(&mut self, worker: WorkerId, effects: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(worker) else { return };
        let was_connected = std::mem::replace(&mut member.connected, false);
        if member.seat.is_none() && self.start.is_some() {
            // It was only about to join; asked in again over its next line.
            member.participates = false;
        }
        self.shown.mark();
        if was_connected
            && member.is_live()
            && member.seat.is_some()
            && !member.left
            && matches!(self.phase, Phase::Ramping | Phase::Steady | Phase::Draining)
        {
            let text = format!("worker {} disconnected", member.hello.name);
            self.note(text, effects);
        }
    }

    fn person(&mut self, person: Person, now: Duration, effects: &mut Vec<Effect>) {
        let asked_before = self.asked_to_stop;
        self.asked_to_stop |= matches!(person, Person::Quit | Person::Interrupt);
        match (person, self.phase) {
            (_, Phase::Finished) | (Person::Quit, Phase::Draining) => {}
            (Person::Quit, _) => self.end(StopReason::User, now, effects),
            (Person::Interrupt, Phase::Draining) if asked_before => self.abort(now, effects),
            (Person::Interrupt, Phase::Draining) => {
                self.note("users finish their iterations; Ctrl-C again stops at once".to_owned(), effects);
            }
            (Person::Interrupt, _) => self.end(StopReason::Signal, now, effects),
            (person, Phase::Ramping | Phase::Steady) => self.change_load(person, now, effects),
            _ => {}
        }
    }
}
