//! `load`: how many users or arrivals when, for how long; what flags make of that; and which class each user belongs to.
//!
//! The profiles are read in `profiles` and put together in `courses`; what arrivals need beside them is in `arrivals`.

use std::time::Duration;

use super::arrivals;
use super::courses::{self, Course as Built};
use super::cx::Cx;
use super::eval::Scope;
use super::population::{Population, fixed_users, sequence};
use super::profiles::{self, Course, Profile, Written};
use super::schema::Schema;
use super::vars::Vars;
use crate::diagnostics::Diagnostic;
use crate::plan::{LoadPlan, Place};
use crate::profile;
use crate::rate::Rate;
use crate::source::Overrides;
use crate::tree::Node;
use crate::units::show_duration;

pub(super) const LOAD: Schema = Schema {
    what: "`load`",
    keys: &[
        "users",
        "spawn_rate",
        "rate",
        "stages",
        "find_max",
        "arrivals",
        "max_users",
        "run_time",
        "hold",
        "iterations",
        "warmup",
        "stop_timeout",
    ],
};
/// More users than any one test has; keeps what is reckoned with them in range.
pub(super) const MOST_USERS: u32 = 10_000_000;

/// Reads `load` and puts the flags over it.
pub(super) fn read(
    node: Option<&Node>,
    vars: &Vars,
    population: Population<'_>,
    overrides: &Overrides,
    cx: &Cx<'_>,
) -> Option<LoadPlan> {
    let before = cx.count();
    let scope = Scope { env: true, ..Scope::of_file(vars) };
    let written = node.map_or_else(Written::default, |node| profiles::read(node, &scope, cx));
    check_flags(overrides, cx);
    let open = wants_arrivals(&written, overrides, cx);
    say_replaced(&written, overrides, open, cx);
    // Of a part of the profiles nothing follows.
    let unread = written.profiles.iter().any(|profile| matches!(profile.course, Course::Unread { .. }));
    if unread || cx.count() > before {
        // What is wrong with the classes is said all the same.
        sequence(population, 1, None, cx);
        return None;
    }
    let (profile, sequence, open, course) = if open {
        let (rate, course) = arrivals::course(&written, overrides, cx)?;
        // Users of a file without a rate are the profile that `--rate` replaces, not users started beforehand.
        let users = overrides.users.or(written.beforehand.map(|(users, _)| users)).unwrap_or(0);
        let open = arrivals::plan(rate, &written, overrides, users, population.classes, cx);
        // However many users there are, some class has to be arrived for; fixed counts have been complained of.
        let wanted = if fixed_users(population.classes) > 0 { 0 } else { u32::MAX };
        (
            profile::Profile::ramp(users, Rate::AT_ONCE),
            sequence(population, wanted, None, cx)?,
            Some(open),
            course,
        )
    } else {
        let (profile, place, course) = users(&written, overrides, population, cx)?;
        let sequence = sequence(population, profile.peak(), place, cx)?;
        (profile, sequence, None, course)
    };
    let run_time = overrides.run_time.or(course.end);
    let warmup = written.warmup.map_or(Duration::ZERO, |(warmup, _)| warmup);
    check_warmup(&written, run_time, cx);
    if cx.count() > before {
        return None;
    }
    Some(LoadPlan {
        profile,
        sequence,
        open,
        run_time,
        ends_with_profile: overrides.run_time.is_none() && course.ends_by_itself,
        parts: course.parts,
        warmup,
        iterations: overrides.iterations.or(written.iterations.map(|(iterations, _)| iterations)),
        stop_timeout: overrides
            .stop_timeout
            .or(written.stop_timeout.map(|(timeout, _)| timeout))
            .unwrap_or(Duration::from_secs(10)),
    })
}

/// The profile of users that file and flags ask for together, with the place to blame for their number.
fn users(
    written: &Written,
    overrides: &Overrides,
    population: Population<'_>,
    cx: &Cx<'_>,
) -> Option<(profile::Profile, Option<Place>, Built)> {
    let default = fixed_users(population.classes).clamp(1, u64::from(u32::MAX)).try_into().unwrap_or(1);
    let asked = overrides.users.is_some() || overrides.spawn_rate.is_some();
    let plain = written.plain();
    if plain.is_none() && !asked {
        let place = written.profiles.first().map(|profile| profile.place);
        let (profile, course) =
            courses::of_users(&written.profiles, written.is_list, default, overrides.run_time, cx)?;
        return Some((profile, place, course));
    }
    let (users, spawn_rate) = plain.unwrap_or_default();
    // Faster or slower, but as many as the stages have.
    let peak = || {
        let closed = !written.is_open() && plain.is_none();
        let (profile, _) = closed.then(|| {
            courses::of_users(&written.profiles, written.is_list, default, overrides.run_time, cx)
        })??;
        Some(profile.peak())
    };
    let wanted = overrides.users.or(users.map(|(users, _)| users)).or_else(peak);
    let place = users.map(|(_, place)| place).filter(|_| overrides.users.is_none());
    let course = Course::Ramp {
        users: Some((wanted.unwrap_or(default), Place::default())),
        spawn_rate: overrides.spawn_rate.or(spawn_rate),
    };
    let (run_time, hold) = written.single().map_or((None, None), |profile| (profile.run_time, profile.hold));
    let ramp = Profile { course, run_time, hold, place: Place::default() };
    let (profile, course) = courses::of_users(&[ramp], false, default, None, cx)?;
    Some((profile, place, course))
}

fn check_warmup(written: &Written, run_time: Option<Duration>, cx: &Cx<'_>) {
    let (Some((warmup, place)), Some(run_time)) = (written.warmup, run_time) else { return };
    if warmup >= run_time {
        let (warmup, run_time) = (show_duration(warmup), show_duration(run_time));
        cx.report(
            Diagnostic::at(
                place,
                format!("a warm-up of {warmup} leaves nothing of a run time of {run_time}"),
            )
            .hint("the warm-up is the first part of the run time: make it shorter, or the run time longer"),
        );
    }
}

/// Whether file and flags together mean arrivals: `--rate` makes it so, and `-u` or `-r` alone mean users again.
fn wants_arrivals(written: &Written, overrides: &Overrides, cx: &Cx<'_>) -> bool {
    if overrides.rate.is_some() && overrides.spawn_rate.is_some() {
        let text =
            "`--rate` and `--spawn-rate` exclude each other: arrivals come at a rate, or users are started";
        cx.report(Diagnostic::anywhere(text));
    }
    let users = overrides.users.is_some() || overrides.spawn_rate.is_some();
    let open = overrides.rate.is_some() || (written.is_open() && !users);
    if !open && overrides.max_users.is_some() {
        cx.report(
            Diagnostic::anywhere("`--max-users` goes with an arrival rate, and there is none")
                .hint("give one: `--rate 500/s`"),
        );
    }
    open
}

/// Says what flags replaced of the file.
fn say_replaced(written: &Written, overrides: &Overrides, open: bool, cx: &Cx<'_>) {
    let said = |flag: &str, key: &str, old, new| said(flag, key, old, new, cx);
    say_profile_replaced(written, overrides, cx);
    if open {
        let beforehand = written.beforehand.map(|(users, _)| users.to_string());
        said("users", "users", beforehand, overrides.users.map(|users| users.to_string()));
        let most = |most: u32| most.to_string();
        said(
            "max-users",
            "max_users",
            written.max_users.map(|(users, _)| most(users)),
            overrides.max_users.map(most),
        );
    }
    let run_time = written.single().and_then(|profile| profile.run_time);
    said("run-time", "run_time", run_time.map(show_duration), overrides.run_time.map(show_duration));
    let hold = written.single().and_then(|profile| profile.hold);
    if let (Some(new), Some(hold)) = (overrides.run_time, hold) {
        cx.replaced(format!("`--run-time {}` replaced `hold: {}`", show_duration(new), show_duration(hold)));
    }
    let number = |number: u64| number.to_string();
    said(
        "iterations",
        "iterations",
        written.iterations.map(|(n, _)| number(n)),
        overrides.iterations.map(number),
    );
    let stop = written.stop_timeout.map(|(timeout, _)| show_duration(timeout));
    said("stop-timeout", "stop_timeout", stop, overrides.stop_timeout.map(show_duration));
}

/// Says what of its profile was replaced.
fn say_profile_replaced(written: &Written, overrides: &Overrides, cx: &Cx<'_>) {
    let rate = |rate: Rate| rate.to_string();
    let (wu, wr) = written.plain().unwrap_or_default();
    let (wu, ou) = (wu.map(|(users, _)| users.to_string()), overrides.users.map(|users| users.to_string()));
    match (overrides.rate, written.is_open()) {
        (Some(new), false) => {
            // Users were replaced by arrivals, and not by other users.
            let users = wu.map(|users| format!("users: {users}"));
            let old: Vec<String> =
                users.into_iter().chain(wr.map(|rate| format!("spawn_rate: {rate}"))).collect();
            if !old.is_empty() {
                cx.replaced(format!("`--rate {new}` replaced `{}`", old.join(", ")));
            } else if written.plain().is_none() {
                cx.replaced(format!("`--rate {new}` replaced {}", written.called()));
            }
        }
        (Some(new), true) => match written.single().map(|profile| &profile.course) {
            Some(Course::Rate(old)) if *old == new => {}
            Some(Course::Rate(old)) => cx.replaced(format!("`--rate {new}` replaced `rate: {old}`")),
            _ => cx.replaced(format!("`--rate {new}` replaced {}", written.called())),
        },
        (None, _) => {
            let by_users = ou.as_ref().map(|users| format!("--users {users}"));
            let by = by_users.or_else(|| overrides.spawn_rate.map(|rate| format!("--spawn-rate {rate}")));
            match by.filter(|_| written.plain().is_none()) {
                Some(by) if written.is_open() => {
                    cx.replaced(format!("`{by}` replaced the arrival rate of the file by users"));
                }
                Some(by) => cx.replaced(format!("`{by}` replaced {} by a plain ramp", written.called())),
                None => {}
            }
            said("users", "users", wu, ou, cx);
            said("spawn-rate", "spawn_rate", wr.map(rate), overrides.spawn_rate.map(rate), cx);
        }
    }
}

/// Says that the flag's value replaced the file's, if there are both and they differ.
fn said(flag: &str, key: &str, old: Option<String>, new: Option<String>, cx: &Cx<'_>) {
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        cx.replaced(format!("`--{flag} {new}` replaced `{key}: {old}`"));
    }
}

fn check_flags(overrides: &Overrides, cx: &Cx<'_>) {
    for (flag, users) in [("users", overrides.users), ("max-users", overrides.max_users)] {
        if users.is_some_and(|users| users > MOST_USERS) {
            cx.report(Diagnostic::anywhere(format!("`--{flag}` is at most {MOST_USERS}")));
        }
    }
    for (flag, zero) in [
        ("users", overrides.users == Some(0)),
        ("max-users", overrides.max_users == Some(0)),
        ("run-time", overrides.run_time == Some(Duration::ZERO)),
        ("iterations", overrides.iterations == Some(0)),
    ] {
        if zero {
            cx.report(Diagnostic::anywhere(format!("`--{flag}` must be greater than 0")));
        }
    }
}
