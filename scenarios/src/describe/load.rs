//! A load in words: how many users or arrivals when, and for how long.

use std::fmt::Write;
use std::time::Duration;

use super::counted;
use crate::arrivals::{Spacing, count_until};
use crate::plan::{LoadPlan, OpenPlan, Plan};
use crate::units::show_duration;

/// Parts that are shown; what are more than these is said.
const MOST_PARTS: usize = 20;

/// What stands behind `load: `, with its line break and a line for each stage.
pub(super) fn load(plan: &Plan) -> String {
    let load = &plan.load;
    let mut text = what(load);
    let time = load.run_time.map(show_duration);
    let arrivals = load.open.as_ref().filter(|open| open.spacing == Spacing::Even);
    if let (Some(_), Some(until), Some(time)) = (arrivals, load.run_time, &time) {
        let _ = write!(text, ", for {time}: {}", counted(count_until(plan, until), "arrival"));
    } else {
        let iterations = load.iterations.map(|count| counted(count, "iteration"));
        let _ = match (time, iterations) {
            (Some(time), None) => write!(text, ", for {time}"),
            (None, Some(count)) => write!(text, ", until {count} are done"),
            (Some(time), Some(count)) => write!(text, ", for {time} or until {count} are done"),
            (None, None) => write!(text, ", until stopped"),
        };
    }
    if !load.warmup.is_zero() {
        let _ = write!(text, ", the first {} as warm-up", show_duration(load.warmup));
    }
    text.push('\n');
    if is_staged(load) {
        for part in load.parts.iter().take(MOST_PARTS) {
            let _ = writeln!(text, "  {:>7}  {}", show_duration(part.from), part.text);
        }
        if let Some(more) = load.parts.len().checked_sub(MOST_PARTS).filter(|more| *more > 0) {
            let _ = writeln!(text, "           … and {more} more");
        }
    }
    text
}

/// Whether there is more to say of it than one sentence does.
fn is_staged(load: &LoadPlan) -> bool {
    load.parts.len() > 1 || (load.open.is_none() && load.profile.changes().len() > 1)
}

fn what(load: &LoadPlan) -> String {
    match &load.open {
        Some(open) => describe_rate(open),
        None if is_staged(load) => {
            let stages = counted(load.parts.len() as u64, "stage");
            format!("users in {stages}, at most {}", load.profile.peak())
        }
        None => describe_users(load),
    }
}

/// A plain ramp of users in words: `200 users, started at 10/s (all of them after 20s)`.
pub fn describe_users(load: &LoadPlan) -> String {
    let users = load.profile.peak();
    let ramp = load.profile.settled_at();
    let mut text = counted(u64::from(users), "user");
    match load.profile.changes().first().map(|ramp| ramp.rate) {
        Some(rate) if rate.is_at_once() => text.push_str(", started at once"),
        Some(rate) => {
            let _ = write!(text, ", started at {rate}");
        }
        None => {}
    }
    if ramp > Duration::ZERO {
        // Nobody looks for a finer number than that.
        let whole = Duration::from_millis(u64::try_from(ramp.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
        let _ = write!(text, " (all of them after {})", show_duration(whole));
    }
    text
}

/// A load in one line, with its stages; `None` where it is a plain ramp of users, which number and rate say.
pub fn describe_load(load: &LoadPlan) -> Option<String> {
    if !is_staged(load) {
        return load.open.as_ref().map(describe_rate);
    }
    let parts: Vec<&str> = load.parts.iter().take(MOST_PARTS).map(|part| part.text.as_str()).collect();
    let mut text = format!("{}: {}", what(load), parts.join("; "));
    if let Some(more) = load.parts.len().checked_sub(MOST_PARTS).filter(|more| *more > 0) {
        let _ = write!(text, "; and {more} more");
    }
    Some(text)
}

/// An arrival rate in words: `1500/s arrivals, evenly spaced, run by at most 10000 users`.
pub fn describe_rate(open: &OpenPlan) -> String {
    let (rate, settled) = (&open.rate, open.rate.settled_at());
    let mut text = if let Some(search) = &open.search {
        let (hold, verify) = (show_duration(search.hold), show_duration(search.verify));
        let from = per_second(search.from.per_second());
        format!(
            "the highest arrival rate is looked for from {from} on, each tried for {hold}, the best for {verify}"
        )
    } else if settled.is_zero() {
        format!("arrivals at {}", per_second(rate.last_rate()))
    } else {
        let (peak, last) = (per_second(rate.peak_rate()), per_second(rate.last_rate()));
        format!("arrivals in stages up to {peak}, at {last} after {}", show_duration(settled))
    };
    text.push_str(match open.spacing {
        Spacing::Even => ", evenly spaced",
        Spacing::Poisson => ", as a Poisson process",
    });
    let _ = write!(text, ", by at most {}", counted(u64::from(open.max_users), "user"));
    if open.users > 0 {
        let _ = write!(text, ", {} of them started beforehand", open.users);
    }
    text
}

/// A rate per second with as many decimals as it needs, at most three.
pub fn per_second(rate: f64) -> String {
    let text = format!("{rate:.3}");
    format!("{}/s", text.trim_end_matches('0').trim_end_matches('.'))
}
