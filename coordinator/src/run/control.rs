//! The load changed while the test runs: more, less, a pause, the next stage.
//!
//! The scenario's load is a course; what is followed is that course, changed. A change says what holds from an instant on that
//! every worker hears of in time; what lies before it stays as it was, so no user and no arrival is another than it was. Where
//! somebody sets a number or a rate, that stays until the next stage is asked for. Run time goes on in a pause.

use std::sync::Arc;
use std::time::Duration;

use stampede_proto::steer::Steer;
use stampede_scenarios::arrivals::last_due_at;
use stampede_scenarios::describe::per_second;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::rate_profile::RateProfile;

use super::input::{Effect, Person};
use super::state::Run;
use crate::dispatch::Dispatch;
use crate::result::{LoadChange, StopReason};
use crate::view::LogKind;

/// How far ahead a change of the arrival rate is, beside the way to the workers: two heartbeats. Whoever hears of it later has
/// begun arrivals by the rate before.
const AHEAD: Duration = Duration::from_secs(1);

/// Most users a change by hand can ask for.
const MAX_USERS: u32 = 10_000_000;

/// What is said of keys that do nothing in a pause.
const PAUSED: &str = "the test is paused; press p to go on, then change the load";

/// What is said where there is nothing to skip to.
const LAST_STAGE: &str = "there is no stage after this one";

/// What of the load is no longer as the scenario has it.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// How far the course is ahead of run time: what was skipped of its stages.
    skipped: Duration,
    /// The course is not followed: this rate is held, or so many users.
    by_hand: bool,
    /// The rate that is held.
    held: Option<Rate>,
    /// No iteration begins.
    paused: bool,
    /// The arrival rate followed, where that is not the plan's.
    rate: Option<Arc<RateProfile>>,
    /// Run time of the newest change of that.
    changed_at: Duration,
}

impl Run {
    /// Somebody at the keyboard wants another load.
    pub(super) fn change_load(&mut self, person: Person, now: Duration, effects: &mut Vec<Effect>) {
        if self.is_searching() {
            return self.note("the search for the highest rate sets the load by itself".to_owned(), effects);
        }
        if self.control.paused && person != Person::Pause {
            return self.note(PAUSED.to_owned(), effects);
        }
        match person {
            Person::ChangeUsers(by) if self.is_open() => self.change_rate(now, |rate, den| {
                rate.saturating_add_signed(i64::from(by).saturating_mul(den.cast_signed()))
            }),
            Person::More if self.is_open() => {
                self.change_rate(now, |rate, den| rate.saturating_add(tenth(rate, den)));
            }
            Person::Less if self.is_open() => {
                self.change_rate(now, |rate, den| rate.saturating_sub(tenth(rate, den)));
            }
            Person::ChangeUsers(by) => self.change_users(now, |users| users.saturating_add_signed(by)),
            Person::More => self.change_users(now, |users| users.saturating_add((users / 10).max(1))),
            Person::Less => self.change_users(now, |users| users.saturating_sub((users / 10).max(1))),
            Person::Pause => self.pause(now),
            Person::NextStage => self.skip_stage(now, effects),
            Person::Quit | Person::Interrupt => {}
        }
    }

    /// Whether arrivals decide over the load.
    pub(super) fn is_open(&self) -> bool {
        self.setup.plan.load.open.is_some()
    }

    /// The arrival rate that is followed; `None` where users are planned instead.
    pub(super) fn rate(&self) -> Option<&RateProfile> {
        match &self.control.rate {
            Some(rate) => Some(rate),
            None => self.setup.plan.load.open.as_ref().map(|open| &open.rate),
        }
    }

    /// Whether no iteration begins.
    pub(super) fn is_paused(&self) -> bool {
        self.control.paused
    }

    /// How the load differs from the plan's, for the workers. Where arrivals decide, a pause is a rate of none.
    pub(super) fn steer(&self) -> Steer {
        Steer { rate: self.control.rate.clone(), paused: self.control.paused && !self.is_open() }
    }

    /// Whether the course is over before its time, since stages of it were skipped.
    pub(super) fn course_is_over(&self, now: Duration) -> bool {
        let Some(end) = self.setup.plan.load.run_time.filter(|_| self.ends_with_course()) else {
            return false;
        };
        let skipped = self.control.skipped;
        !skipped.is_zero() && !self.control.by_hand && self.run_time(now + self.lead()) + skipped >= end
    }

    /// Whether the run ends when its course is over.
    fn ends_with_course(&self) -> bool {
        self.setup.plan.load.ends_with_profile
    }

    /// Another number of users, from a moment on that all workers know of in time.
    fn change_users(&mut self, now: Duration, to: impl FnOnce(u32) -> u32) {
        let at = self.run_time(now + self.lead());
        // What was asked for a moment ago may have to wait for its turn; it counts all the same.
        let asked = self.profile.changes().last().filter(|_| self.control.by_hand).map(|ramp| ramp.to);
        let from = asked.unwrap_or_else(|| self.profile.target_at(at));
        let load = &self.setup.plan.load;
        let most = load.sequence.len().map_or(MAX_USERS, |len| u32::try_from(len).unwrap_or(MAX_USERS));
        let to = to(from).min(most);
        if to == from {
            return;
        }
        self.profile = self.profile.steered(at, to, self.setup.spawn_rate);
        self.control.by_hand = true;
        self.tell_profile(now);
        self.changed(at, "users", from.to_string(), to.to_string());
    }

    /// Another arrival rate; `to` is told the present one in steps of the profile and how many of them are one a second.
    fn change_rate(&mut self, now: Duration, to: impl FnOnce(u64, u64) -> u64) {
        let at = self.rate_change_at(now);
        let Some(rate) = self.rate() else { return };
        let (den, from) = (rate.denominator(), rate.exact_rate_at(at));
        let steps = from.map_or(0, |from| from.num() * (den / from.den()));
        let Some(to) = Rate::new(to(steps, den).max(1), den).map(|to| rate.fitted(to)) else { return };
        if Some(to) != from {
            self.hold_rate(at, to);
            self.changed(at, "rate", shown(from), shown(Some(to)));
        }
    }

    /// When a change of the arrival rate that is decided `now` takes effect.
    pub(super) fn rate_change_at(&self, now: Duration) -> Duration {
        self.run_time(now + self.lead() + AHEAD).max(self.control.changed_at + Duration::from_nanos(1))
    }

    /// Holds an arrival rate from `at` on.
    pub(super) fn hold_rate(&mut self, at: Duration, to: Rate) {
        let Some(profile) = self.rate().map(|rate| rate.held(at, Some(to))) else { return };
        (self.control.by_hand, self.control.held) = (true, Some(to));
        self.follow_rate(profile, at);
    }

    fn pause(&mut self, now: Duration) {
        let pauses = !self.control.paused;
        let at = if self.is_open() { self.rate_change_at(now) } else { self.run_time(now) };
        self.control.paused = pauses;
        let control = &self.control;
        let changed = self.rate().map(|rate| match (pauses, control.held.filter(|_| control.by_hand)) {
            (true, _) => rate.held(at, None),
            (false, Some(held)) => rate.held(at, Some(held)),
            (false, None) => {
                let course = self.setup.plan.load.open.as_ref().map_or(rate, |open| &open.rate);
                rate.followed(at, course, at + control.skipped, false)
            }
        });
        match changed {
            Some(profile) => self.follow_rate(profile, at),
            None => self.tell_profile(now),
        }
        let (from, to) = if pauses { ("running", "paused") } else { ("paused", "running") };
        self.changed(at, "pause", from.to_owned(), to.to_owned());
    }

    fn skip_stage(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let plan = Arc::clone(&self.setup.plan);
        let (load, at) = (&plan.load, self.stage_change_at(now));
        let from = at + self.control.skipped;
        let next = match &load.open {
            Some(open) => open.rate.next_stage(from),
            None => load.parts.iter().map(|part| (part.from, true)).find(|(next, _)| *next > from),
        };
        let ends = load.run_time.filter(|_| self.ends_with_course());
        if let Some(end) = ends
            && next.is_none_or(|(next, _)| next >= end)
        {
            return self.end(StopReason::Profile, now, effects);
        }
        let Some((next, goes_on)) = next else { return self.note(LAST_STAGE.to_owned(), effects) };
        self.control.skipped += next.saturating_sub(from);
        self.control.by_hand = false;
        if let Some(open) = &load.open {
            let Some(rate) = self.rate() else { return };
            let profile = rate.followed(at, &open.rate, next, goes_on);
            self.follow_rate(profile, at);
        } else {
            self.profile = self.profile.followed(at, &load.profile, next);
            self.tell_profile(now);
        }
        let clock = |t: Duration| format!("{:.1} s", t.as_secs_f64());
        self.changed(at, "stage", clock(from), clock(next));
    }

    fn stage_change_at(&self, now: Duration) -> Duration {
        if self.is_open() { self.rate_change_at(now) } else { self.run_time(now + self.lead()) }
    }

    /// From `at` on arrivals follow `profile`, which is the present one before.
    fn follow_rate(&mut self, profile: RateProfile, at: Duration) {
        self.control.changed_at = at;
        // In a pause nobody knows, and behind it that is another instant.
        self.last_due = last_due_at(&self.setup.plan, &profile);
        self.control.rate = Some(Arc::new(profile));
        if let Some(lanes) = &mut self.lanes {
            lanes.renew();
        }
    }

    /// Tells everybody the profile of users, and grants those that it asks for and nobody has.
    fn tell_profile(&mut self, now: Duration) {
        let known = self.dispatch.as_ref().map_or(0, Dispatch::number_of_slots);
        let more = self.profile.peak().saturating_sub(known) as usize;
        let users = self.setup.plan.load.sequence.iter().skip(known as usize).take(more);
        let users: Vec<_> = users.map(|user| (user.class, user.rank)).collect();
        let moment = self.moment(now);
        if let Some(dispatch) = &mut self.dispatch {
            // The profile goes with every share, whether there are more users or fewer.
            if users.is_empty() { dispatch.renew() } else { dispatch.grow(users.into_iter(), &moment) }
        }
    }

    pub(super) fn changed(&mut self, at: Duration, what: &str, from: String, to: String) {
        let said = format!("{what}: {from} → {to}, from {:.1} s on", at.as_secs_f64());
        self.log.push(self.run_time(self.last_look), LogKind::Change, said);
        self.changes.push(LoadChange { at, what: what.to_owned(), from, to });
        self.shown.mark();
    }
}

/// A tenth of a rate: in whole arrivals a second where there are any, and one step at least.
fn tenth(rate: u64, den: u64) -> u64 {
    let tenth = rate / 10;
    if tenth >= den { tenth / den * den } else { tenth.max(1) }
}

pub(super) fn shown(rate: Option<Rate>) -> String {
    rate.map_or_else(|| "none".to_owned(), |rate| per_second(rate.per_second()))
}
