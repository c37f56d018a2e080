//! Load profiles put one after the other: the number of users or the arrival rate over the whole test, its parts in words, and
//! when it ends.

use std::time::Duration;

use super::cx::Cx;
use super::load::MOST_USERS;
use super::profiles::{Course as Written, Profile as WrittenProfile};
use super::stages::{RateStage, UserStage, Way};
use crate::diagnostics::Diagnostic;
use crate::expression::ShapeExpression;
use crate::plan::{LoadPart, Place};
use crate::profile::Profile;
use crate::rate::Rate;
use crate::rate_profile::RateProfile;
use crate::stages::{Draft, MOST_STEPS, RateDraft, sampled};
use crate::units::show_duration;

/// What is computed ten times a second stays within a million times.
const LONGEST_SHAPE: Duration = Duration::from_secs(24 * 3600);

/// What a profile comes to beside the profile itself.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// When the file says that it ends.
    pub(super) end: Option<Duration>,
    /// Whether it ends because its profiles do, and not at a `run_time` for the whole.
    pub(super) ends_by_itself: bool,
    pub(super) parts: Vec<LoadPart>,
}

impl Course {
    fn part(&mut self, from: Duration, until: Option<Duration>, text: String) {
        self.parts.push(LoadPart { from, until, text });
    }

    /// The profile that began at `from` and has settled at `settled`; `stages` say for themselves when they end. Returns when
    /// the next one begins.
    fn close(
        &mut self,
        profile: &WrittenProfile,
        (from, settled, stages): (Duration, Duration, bool),
        (is_list, last): (bool, bool),
        cx: &Cx<'_>,
    ) -> Option<Duration> {
        let by_run_time = profile.run_time.map(|time| from.saturating_add(time));
        let by_hold = profile.hold.map(|hold| settled.saturating_add(hold));
        let end = by_run_time.or(by_hold).or(stages.then_some(settled));
        let Some(end) = end else {
            if !last {
                let text = "another profile follows this one, and nothing says when";
                let hint = "give this one a `run_time`, or a `hold`: how long it goes on after its ramp";
                cx.report(Diagnostic::at(profile.place, text).hint(hint));
            }
            return None;
        };
        if end.is_zero() {
            let text = "the stages are over at once";
            let hint = "let a stage take some time, or give the load a `run_time` or a `hold`";
            cx.report(Diagnostic::at(profile.place, text).hint(hint));
            return None;
        }
        if stages && end < settled && !last {
            let (took, time) =
                (show_duration(settled.saturating_sub(from)), show_duration(end.saturating_sub(from)));
            let text = format!("the stages of this profile take {took}, and its `run_time` is only {time}");
            cx.report(Diagnostic::at(profile.place, text).hint("leave `run_time` out, or make it longer"));
            return None;
        }
        if let Some(part) = self.parts.last_mut().filter(|part| part.until.is_none_or(|until| until < end)) {
            if part.until.is_none() || !stages {
                part.until = Some(end);
            } else {
                let held = LoadPart { from: settled, until: Some(end), text: "as they are".to_owned() };
                self.parts.push(held);
            }
        }
        if last {
            self.end = Some(end);
            self.ends_by_itself = is_list || by_run_time.is_none();
        }
        Some(end)
    }
}

/// The profiles of users; `default` is how many there are where nothing is said, `until` the run time that a flag gives.
/// `None` after a report.
pub(super) fn of_users(
    profiles: &[WrittenProfile],
    is_list: bool,
    default: u32,
    until: Option<Duration>,
    cx: &Cx<'_>,
) -> Option<(Profile, Course)> {
    let (mut draft, mut course) = (Draft::default(), Course::default());
    for (index, profile) in profiles.iter().enumerate() {
        let (from, last) = (draft.at(), index + 1 == profiles.len());
        let stages = match &profile.course {
            Written::Ramp { users, spawn_rate } => {
                let to = users.map_or(default, |(users, _)| users);
                let rate = spawn_rate.or_else(|| Rate::new(1, 1))?;
                draft.ramp(to, rate);
                course.part(from, None, format!("{} at {rate}", counted(to)));
                false
            }
            Written::Stages { stages, spawn_rate } => {
                let jump = spawn_rate.unwrap_or(Rate::AT_ONCE);
                for stage in stages {
                    let (at, text) = (draft.at(), stage.words(draft.users()));
                    take(&mut draft, stage, jump, cx)?;
                    course.part(at, Some(draft.at()), text);
                }
                true
            }
            Written::Shape { shape, text, place } => {
                let flag = until.filter(|_| last).map(|until| until.saturating_sub(from));
                let users = samples(shape, flag.or(profile.run_time), *place, cx)?;
                draft.samples(users.into_iter());
                course.part(from, None, format!("users by {text}"));
                false
            }
            Written::Rate(_) | Written::RateStages(_) | Written::Search(_) | Written::Unread { .. } => {
                return None;
            }
        };
        let end = course.close(profile, (from, draft.at(), stages), (is_list, last), cx);
        match end {
            Some(end) => draft.hold_until(end),
            None if last => {}
            None => return None,
        }
    }
    let profile = draft.build();
    if profile.peak() == 0 {
        let place = profiles.first().map_or_else(Place::default, |profile| profile.place);
        cx.report(
            Diagnostic::at(place, "there is never a user")
                .hint("for example `stages: [{to: 100, over: 1m}]`"),
        );
        return None;
    }
    Some((profile, course))
}

/// One more stage; `None` after a report.
fn take(draft: &mut Draft, stage: &UserStage, jump: Rate, cx: &Cx<'_>) -> Option<()> {
    match stage.way {
        Way::Over { to, over } => draft.stage(to, over, jump),
        Way::Steps { by, every, to } => {
            let from = draft.users();
            if !draft.steps(by, every, to, jump) {
                no_steps(stage.place, &counted(from), from == to, cx);
                return None;
            }
        }
    }
    Some(())
}

/// The numbers of users of a shape; `None` after a report.
fn samples(shape: &ShapeExpression, time: Option<Duration>, place: Place, cx: &Cx<'_>) -> Option<Vec<u32>> {
    let Some(time) = time else {
        let text = "a shape needs a `run_time`: up to there it is computed";
        cx.report(Diagnostic::at(place, text).hint("give it one beside `users`, or with `--run-time`"));
        return None;
    };
    if time > LONGEST_SHAPE {
        let text =
            format!("a shape is computed ten times a second, for at most {}", show_duration(LONGEST_SHAPE));
        cx.report(Diagnostic::at(place, text).hint("write a long course as `stages`"));
        return None;
    }
    let users = sampled(time, MOST_USERS, |t| shape.evaluate(t));
    users.map_err(|error| cx.report(Diagnostic::at(place, error.to_string()))).ok()
}

fn no_steps(place: Place, from: &str, is_there: bool, cx: &Cx<'_>) {
    let problem = if is_there {
        Diagnostic::at(place, format!("there is no step to go: it begins with {from} and ends there"))
            .hint("to stay where it is for a time, write `{to: …, over: 5m}`")
    } else {
        Diagnostic::at(place, format!("more than {MOST_STEPS} steps, or steps that cannot be kept exactly"))
            .hint("make the steps larger, or write a straight line: `{to: …, over: 5m}`")
    };
    cx.report(problem);
}

/// The profiles of arrivals. `None` after a report.
pub(super) fn of_arrivals(
    profiles: &[WrittenProfile],
    is_list: bool,
    cx: &Cx<'_>,
) -> Option<(RateProfile, Course)> {
    if let [WrittenProfile { course: Written::Search(search), run_time, .. }] = profiles {
        let text = "rates are tried".to_owned();
        let parts = vec![LoadPart { from: Duration::ZERO, until: *run_time, text }];
        // It ends by itself; a run time only bounds it.
        return Some((search.rate.clone(), Course { end: *run_time, ends_by_itself: false, parts }));
    }
    let (mut draft, mut course) = (RateDraft::default(), Course::default());
    for (index, profile) in profiles.iter().enumerate() {
        let from = draft.at();
        let stages = match &profile.course {
            Written::Rate(rate) => {
                draft.stage(Some(*rate), Duration::ZERO);
                course.part(from, None, rate.to_string());
                false
            }
            Written::RateStages(stages) => {
                for stage in stages {
                    let (at, text) = (draft.at(), stage.words(draft.rate()));
                    take_rate(&mut draft, stage, cx)?;
                    course.part(at, Some(draft.at()), text);
                }
                true
            }
            _ => return None,
        };
        let last = index + 1 == profiles.len();
        match course.close(profile, (from, draft.at(), stages), (is_list, last), cx) {
            // The last rate holds by itself.
            _ if last => {}
            Some(end) => draft.hold_until(end),
            None => return None,
        }
    }
    let place = profiles.first().map_or_else(Place::default, |profile| profile.place);
    let rate = draft.build().map_err(|error| cx.report(Diagnostic::at(place, error.to_string()))).ok()?;
    Some((rate, course))
}

fn take_rate(draft: &mut RateDraft, stage: &RateStage, cx: &Cx<'_>) -> Option<()> {
    match stage.way {
        Way::Over { to, over } => draft.stage(to, over),
        Way::Steps { by, every, to } => {
            let from = draft.rate();
            if !draft.steps(by, every, to) {
                let shown = from.map_or_else(|| "0/s".to_owned(), |rate| rate.to_string());
                no_steps(stage.place, &shown, from == to, cx);
                return None;
            }
        }
    }
    Some(())
}

fn counted(users: u32) -> String {
    if users == 1 { "1 user".to_owned() } else { format!("{users} users") }
}
