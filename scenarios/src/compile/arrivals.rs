//! The open model of `load`: what `--rate` replaces, who runs the arrivals, and what does not go with them.

use super::class::{Class, Share};
use super::courses::{self, Course as Built};
use super::cx::Cx;
use super::profiles::{Course, Profile, Written};
use crate::diagnostics::Diagnostic;
use crate::plan::{OpenPlan, Place};
use crate::rate_profile::RateProfile;
use crate::source::Overrides;

/// Users at most where nothing is said.
const MAX_USERS: u32 = 10_000;

/// The arrival rate over time that file and flags ask for together; `None` after a report.
pub(super) fn course(written: &Written, overrides: &Overrides, cx: &Cx<'_>) -> Option<(RateProfile, Built)> {
    let Some(rate) = overrides.rate else {
        return courses::of_arrivals(&written.profiles, written.is_list, cx);
    };
    if let Err(error) = RateProfile::constant(rate) {
        cx.report(Diagnostic::anywhere(format!("--rate: {error}")));
        return None;
    }
    let (run_time, hold) = written.single().map_or((None, None), |profile| (profile.run_time, profile.hold));
    let profile = Profile { course: Course::Rate(rate), run_time, hold, place: Place::default() };
    courses::of_arrivals(&[profile], false, cx)
}

/// The open model with this rate. `users` are those started beforehand.
pub(super) fn plan(
    rate: RateProfile,
    written: &Written,
    overrides: &Overrides,
    users: u32,
    classes: &[Class],
    cx: &Cx<'_>,
) -> OpenPlan {
    let max_users = overrides.max_users.or(written.max_users.map(|(most, _)| most));
    let max_users = max_users.unwrap_or(MAX_USERS.max(users));
    if users > max_users {
        let place = written.max_users.filter(|_| overrides.max_users.is_none()).map(|(_, place)| place);
        let text = format!("{users} users are to be started beforehand, and there may be only {max_users}");
        cx.report(Diagnostic { place, ..Diagnostic::anywhere(text) });
    }
    for class in classes.iter().filter(|class| matches!(class.share, Share::Count(_))) {
        let text = format!(
            "the user class `{}` has a fixed `count` of users, and arrivals at a rate are dealt out by weight",
            class.plan.name
        );
        cx.report(Diagnostic::anywhere(text).hint("give it a `weight` instead"));
    }
    let spacing = written.spacing.map_or_else(Default::default, |(spacing, _)| spacing);
    let search = written.single().filter(|_| overrides.rate.is_none());
    let search = search.and_then(|profile| match &profile.course {
        Course::Search(search) => Some(search.plan.clone()),
        _ => None,
    });
    OpenPlan { rate, spacing, max_users, users, search }
}
