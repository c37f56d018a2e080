//! `load`: how many users, how fast they start, for how long; and which class each of them belongs to.
//!
//! Arrivals at a rate instead of users are read in `arrivals`.

use std::time::Duration;

use super::arrivals;
use super::class::{Class, Share};
use super::cx::Cx;
use super::eval::Scope;
use super::schema::{Schema, not_yet};
use super::vars::Vars;
use crate::diagnostics::Diagnostic;
use crate::plan::{LoadPlan, OpenPlan, Place};
use crate::profile::Profile;
use crate::rate::Rate;
use crate::sequence::{ClassSequence, ClassShare};
use crate::source::Overrides;
use crate::tree::{Kind, Node};
use crate::units::{self, Decimal, show_duration};

const LOAD: Schema = Schema {
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
        "iterations",
        "stop_timeout",
    ],
    later: &["hold", "warmup"],
};
/// More users than any one test has; keeps what is reckoned with them in range.
const MOST_USERS: u32 = 10_000_000;

/// The user classes.
#[derive(Clone, Copy)]
pub(super) struct Population<'a> {
    pub(super) classes: &'a [Class],
    /// Whether every class could be read: of a part of them nothing follows.
    pub(super) all: bool,
    /// Where `users` stands.
    pub(super) place: Option<Place>,
}

/// What the file says, before the flags.
#[derive(Default)]
struct Written {
    users: Option<(u32, Place)>,
    spawn_rate: Option<Rate>,
    run_time: Option<Duration>,
    iterations: Option<u64>,
    stop_timeout: Option<Duration>,
    open: arrivals::Written,
}

/// Reads `load` and puts the flags over it.
pub(super) fn read(
    node: Option<&Node>,
    vars: &Vars,
    population: Population<'_>,
    overrides: &Overrides,
    cx: &Cx<'_>,
) -> Option<LoadPlan> {
    let before = cx.count();
    let written = node.map_or_else(Written::default, |node| read_written(node, vars, cx));
    check_flags(overrides, cx);
    let said = |flag: &str, key: &str, old: Option<String>, new: Option<String>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            cx.replaced(format!("`--{flag} {new}` replaced `{key}: {old}`"));
        }
    };
    let (wu, ou) = (written.users.map(|(users, _)| users), overrides.users);
    // `--rate` says for itself that users were replaced.
    let wu = wu.filter(|_| overrides.rate.is_none() || written.open.asked);
    said("users", "users", wu.map(|n| n.to_string()), ou.map(|n| n.to_string()));
    let rate = |rate: Rate| rate.to_string();
    said("spawn-rate", "spawn_rate", written.spawn_rate.map(rate), overrides.spawn_rate.map(rate));
    said("run-time", "run_time", written.run_time.map(show_duration), overrides.run_time.map(show_duration));
    let number = |number: u64| number.to_string();
    said("iterations", "iterations", written.iterations.map(number), overrides.iterations.map(number));
    let stop = (written.stop_timeout.map(show_duration), overrides.stop_timeout.map(show_duration));
    said("stop-timeout", "stop_timeout", stop.0, stop.1);

    let open = wants_arrivals(&written, overrides, cx);
    let users = ou.or(wu);
    let place = if ou.is_some() { None } else { written.users.map(|(_, place)| place) };
    let (open, profile, sequence) = if open {
        // Users of a file without a rate are the profile that `--rate` replaces, not users started beforehand.
        let users = if written.open.asked { users } else { ou }.unwrap_or(0);
        let open = arrivals::plan(&written.open, overrides, users, population.classes, cx);
        // However many users there are, some class has to be arrived for; fixed counts have been complained of.
        let wanted = if fixed_users(population.classes) > 0 { 0 } else { u32::MAX };
        let sequence = sequence(population, wanted, None, cx);
        (open, all_at_once(users), sequence?)
    } else {
        let users = users.unwrap_or_else(|| {
            fixed_users(population.classes).clamp(1, u64::from(u32::MAX)).try_into().unwrap_or(1)
        });
        let spawn_rate = overrides.spawn_rate.or(written.spawn_rate).or_else(|| Rate::new(1, 1))?;
        (None, Profile::ramp(users, spawn_rate), sequence(population, users, place, cx)?)
    };
    if cx.count() > before {
        return None;
    }
    let said = overrides.run_time.or(written.run_time);
    let run_time = said.or_else(|| arrivals::run_time(open.as_ref()));
    let open =
        open.map(|open| OpenPlan { ends_with_stages: open.ends_with_stages && said.is_none(), ..open });
    Some(LoadPlan {
        profile,
        sequence,
        open,
        run_time,
        warmup: Duration::ZERO,
        iterations: overrides.iterations.or(written.iterations),
        stop_timeout: overrides.stop_timeout.or(written.stop_timeout).unwrap_or(Duration::from_secs(10)),
    })
}

/// Whether file and flags together mean arrivals: `--rate` makes it so, and `-u` or `-r` alone mean users again.
fn wants_arrivals(written: &Written, overrides: &Overrides, cx: &Cx<'_>) -> bool {
    let by_flag = match (overrides.users, overrides.spawn_rate) {
        _ if overrides.rate.is_some() => None,
        (Some(users), _) => Some(format!("--users {users}")),
        (None, Some(rate)) => Some(format!("--spawn-rate {rate}")),
        (None, None) => None,
    };
    if let (true, Some(flag)) = (written.open.asked, &by_flag) {
        cx.replaced(format!("`{flag}` replaced the arrival rate of the file by users"));
    }
    if let (Some(rate), false) = (overrides.rate, written.open.asked) {
        let users = written.users.map(|(users, _)| format!("users: {users}"));
        let spawn_rate = written.spawn_rate.map(|rate| format!("spawn_rate: {rate}"));
        let old: Vec<String> = users.into_iter().chain(spawn_rate).collect();
        if !old.is_empty() {
            cx.replaced(format!("`--rate {rate}` replaced `{}`", old.join(", ")));
        }
    }
    if overrides.rate.is_some() && overrides.spawn_rate.is_some() {
        let text =
            "`--rate` and `--spawn-rate` exclude each other: arrivals come at a rate, or users are started";
        cx.report(Diagnostic::anywhere(text));
    }
    let open = overrides.rate.is_some() || (written.open.asked && by_flag.is_none());
    if !open && overrides.max_users.is_some() {
        cx.report(
            Diagnostic::anywhere("`--max-users` goes with an arrival rate, and there is none")
                .hint("give one: `--rate 500/s`"),
        );
    }
    open
}

/// Users that are there from the first moment on.
fn all_at_once(users: u32) -> Profile {
    Rate::new(u64::MAX, 1).map_or_else(Profile::default, |rate| Profile::ramp(users, rate))
}

fn read_written(node: &Node, vars: &Vars, cx: &Cx<'_>) -> Written {
    if let Kind::List(_) = node.kind {
        cx.report(
            Diagnostic { place: Some(node.place), ..not_yet("load", node.place) }
                .hint("this version runs one ramp: `load: {users: 200, spawn_rate: 10, run_time: 1m}`"),
        );
        return Written::default();
    }
    let Some(fields) = LOAD.open(node, cx) else { return Written::default() };
    let scope = Scope { env: true, ..Scope::of_file(vars) };
    let users = fields.get("users").and_then(|node| {
        let users = scope.whole(node, "the number of users", 1, u64::from(MOST_USERS), cx)?;
        Some((u32::try_from(users).ok()?, node.place))
    });
    Written {
        users,
        spawn_rate: fields.get("spawn_rate").and_then(|node| scope.rate(node, cx)),
        run_time: fields
            .get("run_time")
            .and_then(|node| scope.some_duration(node, "leave `run_time` out to run until stopped", cx)),
        iterations: fields
            .get("iterations")
            .and_then(|node| scope.whole(node, "the number of iterations", 1, 1 << 53, cx)),
        stop_timeout: fields.get("stop_timeout").and_then(|node| scope.duration(node, cx)),
        open: arrivals::read_written(fields, &scope, MOST_USERS, cx),
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

fn fixed_users(classes: &[Class]) -> u64 {
    let count = |class: &Class| match class.share {
        Share::Count(count) => u64::from(count),
        Share::Weight(_) => 0,
    };
    classes.iter().map(count).sum()
}

/// Which class each user belongs to; `None` after a report.
fn sequence(
    population: Population<'_>,
    users: u32,
    asked: Option<Place>,
    cx: &Cx<'_>,
) -> Option<ClassSequence> {
    let Population { classes, all, place } = population;
    if !all {
        return None;
    }
    let weights: Vec<Decimal> = classes
        .iter()
        .filter_map(|class| match class.share {
            Share::Weight(weight) => Some(weight),
            Share::Count(_) => None,
        })
        .collect();
    let fixed = fixed_users(classes);
    let at = |place: Option<Place>, message: String| Diagnostic { place, ..Diagnostic::anywhere(message) };
    if weights.iter().all(|weight| weight.is_zero()) && u64::from(users) > fixed && !classes.is_empty() {
        cx.report(if fixed == 0 {
            at(place, "all user classes have weight 0, so there is nobody to run".to_owned())
                .hint("give at least one of them a weight above 0, or a `count`")
        } else {
            let message = format!(
                "{users} users are asked for, but the user classes have only fixed counts, {fixed} in all"
            );
            at(asked, message)
                .hint("give one of the classes a `weight` instead of a `count`, and it takes the rest")
        });
        return None;
    }
    let Some(reduced) = units::reduce_weights(&weights) else {
        cx.report(
            at(place, "the weights of the user classes are too far apart to be kept exactly".to_owned())
                .hint("use whole numbers up to about four thousand million, or fewer digits"),
        );
        return None;
    };
    let mut reduced = reduced.into_iter();
    let shares: Vec<ClassShare> = classes
        .iter()
        .map(|class| match class.share {
            Share::Count(count) => ClassShare::Count(count),
            Share::Weight(_) => ClassShare::Weight(reduced.next().unwrap_or(0)),
        })
        .collect();
    Some(ClassSequence::new(&shares))
}
