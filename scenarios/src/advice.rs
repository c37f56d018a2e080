//! What looks wrong in a scenario that can be run all the same: for `coordinator check`, before somebody waits ten minutes for
//! numbers that mean nothing.
//!
//! Each piece of advice is one sentence about one thing, and is only given where the file alone is enough to say it.

use std::fmt;
use std::time::Duration;

use crate::outline::{Step, outline};
use crate::plan::{ClassPlan, LoopKind, LoopPlan, NamePlan, Place, Plan, RequestPlan, TaskOrder};
use crate::reckon::{effort, effort_of_class, of_steps};
use crate::template::{Segment, Template, ValueSource};
use crate::units::show_duration;
use crate::wait::Wait;

/// A load thread tells so many names apart that are made from values.
const MOST_NAMES: u64 = 512;
/// So many users without a pause are no visitors any more.
const MANY_WITHOUT_PAUSE: u64 = 100;
/// The timeout of a request that has none of its own.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Where, if it is in one place.
    pub place: Option<Place>,
    /// What looks wrong and what to do about it.
    pub text: String,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "line {}: {}", place.line, self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Everything that looks wrong, first what concerns the whole test, then by class.
pub fn advice(plan: &Plan) -> Vec<Advice> {
    let mut list = Vec::new();
    load(plan, &mut list);
    let peak = u64::from(plan.load.profile.peak());
    let closed = plan.load.open.is_none();
    // Of arrivals there are as many as anybody likes.
    let counts = plan.load.sequence.counts_of_prefix(if closed { peak } else { 10_000 });
    for (class, users) in plan.classes.iter().zip(counts) {
        if users == 0 {
            let what = if closed { "user" } else { "arrival" };
            let text = format!("no {what} is ever of the class `{}`; give it a greater `weight`", class.name);
            list.push(Advice { place: None, text });
            continue;
        }
        if closed {
            without_pause(class, users, &mut list);
        }
        tasks(class, &mut list);
        let programs = class.tasks.iter().map(|task| &task.program);
        for program in programs.chain([&class.on_start, &class.on_stop]) {
            for request in program.requests() {
                of_request(plan, request, users, &mut list);
            }
            of_list(&outline(program), &mut list);
        }
    }
    // A flow that is called from several places has its steps in each of them.
    let mut seen = Vec::new();
    list.retain(|advice| {
        let new = !seen.contains(advice);
        if new {
            seen.push(advice.clone());
        }
        new
    });
    list
}

fn load(plan: &Plan, list: &mut Vec<Advice>) {
    let load = &plan.load;
    let mut say = |text: String| list.push(Advice { place: None, text });
    if load.open.is_some() {
        return;
    }
    let (peak, settled) = (load.profile.peak(), load.profile.settled_at());
    if let Some(run_time) = load.run_time
        && load.parts.len() == 1
        && settled >= run_time
        && peak > 1
    {
        let started = load.profile.users_at(run_time);
        say(format!(
            "all {peak} users have started only after {}, and the run ends after {}, with {started} of them; raise the \
             `spawn_rate` or the `run_time`",
            show_duration(settled),
            show_duration(run_time)
        ));
    }
    if let Some(iterations) = load.iterations
        && iterations < u64::from(peak)
    {
        say(format!("`iterations: {iterations}` is less than one for each of the {peak} users"));
    }
}

fn without_pause(class: &ClassPlan, users: u64, list: &mut Vec<Advice>) {
    let paused = class.wait != Wait::None || effort_of_class(class).pause.hi != Some(0.0);
    if users >= MANY_WITHOUT_PAUSE && !paused && class.pipeline <= 1 {
        let text = format!(
            "{users} users of `{}` never pause: each sends its next request at once, as no visitor does; \
             `wait: 1s..5s` makes visitors of them, and `rate` gives a load that does not depend on the target",
            class.name
        );
        list.push(Advice { place: None, text });
    }
}

fn tasks(class: &ClassPlan, list: &mut Vec<Advice>) {
    for task in &class.tasks {
        if task.share <= 0.0 {
            let text = format!("the task `{}` of `{}` never runs: its weight is 0", task.name, class.name);
            list.push(Advice { place: None, text });
        } else if effort(&task.program).requests.hi == Some(0.0) {
            let text = format!("the task `{}` of `{}` makes no request", task.name, class.name);
            list.push(Advice { place: None, text });
        }
    }
    if class.order != TaskOrder::Weighted {
        let mut shares = class.tasks.iter().map(|task| task.share).filter(|share| *share > 0.0);
        let first = shares.next().unwrap_or_default();
        if shares.any(|share| (share - first).abs() > 1e-9) {
            let text = format!(
                "the tasks of `{}` have weights, which count only with `order: weighted`",
                class.name
            );
            list.push(Advice { place: None, text });
        }
    }
}

fn of_request(plan: &Plan, request: &RequestPlan, users: u64, list: &mut Vec<Advice>) {
    let place = Some(request.place);
    if let NamePlan::PerValue(name) = &request.name {
        let (rows, from) = variants(name, users, plan.load.open.is_some());
        if rows > MOST_NAMES {
            let text = format!(
                "the name has a row for each {from}, and rows beyond {MOST_NAMES} are booked under `(other)`; \
                 write `:id` in the name in place of the value"
            );
            list.push(Advice { place, text });
        }
    }
    let total = request.timeouts.total;
    if let Some(run_time) = plan.load.run_time
        && total > run_time
        && total != DEFAULT_TIMEOUT
    {
        let text = format!(
            "its timeout of {} is longer than the run of {}: it can never be reached",
            show_duration(total),
            show_duration(run_time)
        );
        list.push(Advice { place, text });
    }
}

/// How many texts a name can come to, and what makes them.
fn variants(name: &Template, users: u64, open: bool) -> (u64, String) {
    let mut most = (1, String::new());
    for segment in name.segments() {
        let Segment::Value { source, .. } = segment else { continue };
        let one = match source {
            // In the open model there are as many users as it takes.
            ValueSource::UserId if open => (u64::MAX, "user".to_owned()),
            ValueSource::UserId => (users, format!("of {users} users")),
            ValueSource::Iteration => (u64::MAX, "iteration".to_owned()),
            ValueSource::RandomInt { lo, hi } => {
                let count = hi.abs_diff(*lo).saturating_add(1);
                (count, format!("of {count} random numbers"))
            }
            other => drawn(&crate::describe::shown(&Template::from(Segment::Value {
                source: other.clone(),
                encoding: crate::template::Encoding::Raw,
            }))),
        };
        if one.0 > most.0 {
            most = one;
        }
    }
    most
}

/// What an expression draws anew each time.
fn drawn(expression: &str) -> (u64, String) {
    let known = [
        ("uuid(", "uuid"),
        ("random.string", "random text"),
        ("random.float", "random number"),
        ("now.", "moment"),
        ("user.id", "user"),
        ("iteration", "iteration"),
    ];
    let found = known.iter().find(|(part, _)| expression.contains(part));
    found.map_or((1, String::new()), |(_, what)| (u64::MAX, (*what).to_owned()))
}

fn of_list(steps: &[Step<'_>], list: &mut Vec<Advice>) {
    for (at, step) in steps.iter().enumerate() {
        if at + 1 < steps.len() && of_steps(std::slice::from_ref(step)).ends() {
            let place = place_of(&steps[at + 1]);
            list.push(Advice {
                place,
                text: "this step is never reached: the one before it always ends the task".to_owned(),
            });
            return;
        }
        match step {
            Step::If { then, otherwise, .. } => {
                of_list(then, list);
                of_list(otherwise, list);
            }
            Step::Loop { plan, body } => {
                busy(plan, body, list);
                of_list(body, list);
            }
            Step::Choose(choices) => choices.iter().for_each(|(_, steps)| of_list(steps, list)),
            Step::Parallel { branches, .. } => branches.iter().for_each(|steps| of_list(steps, list)),
            Step::Group { body, .. } => of_list(body, list),
            _ => {}
        }
    }
}

/// A loop that waits for something, and neither asks for it nor lets time pass.
fn busy(plan: &LoopPlan, body: &[Step<'_>], list: &mut Vec<Advice>) {
    let waits = matches!(plan.kind, LoopKind::While(_) | LoopKind::Until(_) | LoopKind::During(_));
    let effort = of_steps(body);
    let idle = effort.requests.hi == Some(0.0) && effort.pause.hi == Some(0.0) && !effort.may_end();
    let changes = body.iter().any(|step| matches!(step, Step::Set(_) | Step::If { .. } | Step::Choose(_)));
    if waits && idle && plan.every.is_none() && (!changes || matches!(plan.kind, LoopKind::During(_))) {
        let text = "this loop makes no request and no pause: it only keeps a core busy; give it `every: 1s`";
        list.push(Advice { place: Some(plan.place), text: text.to_owned() });
    }
}

fn place_of(step: &Step<'_>) -> Option<Place> {
    match step {
        Step::Request(request) => Some(request.place),
        Step::Set(set) => Some(set.place),
        Step::Fail(fail) => Some(fail.place),
        Step::If { place, .. } => Some(*place),
        Step::Loop { plan, .. } => Some(plan.place),
        Step::Parallel { plan, .. } => Some(plan.place),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::source::{Overrides, Source};

    fn plan(text: &str) -> Plan {
        compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 1)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    fn said(class: &str, load: &str) -> String {
        let plan = plan(&format!("target: http://a.test\nusers:\n  u: {{{class}}}\nload: {{{load}}}\n"));
        advice(&plan).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    const PLAIN: &str = "wait: 1s, tasks: {t: {steps: [get: /]}}";

    #[test]
    fn a_sound_test_is_left_alone() {
        for load in [
            "users: 500, spawn_rate: 100, run_time: 1m",
            "rate: 100/s, run_time: 5s",
            "users: 99, iterations: 99",
        ] {
            assert_eq!(said(PLAIN, load), "", "{load}");
        }
        assert_eq!(said("tasks: {t: {steps: [get: /]}}", "users: 99"), "", "a few users may hurry");
        assert_eq!(said("tasks: {t: {steps: [think: 1s, get: /]}}", "users: 500, spawn_rate: 500"), "");
    }

    #[test]
    fn what_looks_wrong_is_said() {
        let cases: [(&str, &str, &str); 11] = [
            ("no pause", "tasks: {t: {steps: [get: /]}}", "users: 200, spawn_rate: 100"),
            ("ramp", PLAIN, "users: 100, spawn_rate: 1/s, run_time: 30s"),
            ("iterations", PLAIN, "users: 10, iterations: 5"),
            (
                "weight 0",
                "wait: 1s, tasks: {t: {steps: [get: /]}, never: {weight: 0, steps: [get: /]}}",
                "users: 1",
            ),
            ("no request", "wait: 1s, tasks: {t: {steps: [think: 1s]}}", "users: 1"),
            ("timeout", "wait: 1s, tasks: {t: {steps: [{get: /, timeout: 2m}]}}", "users: 1, run_time: 1m"),
            (
                "random name",
                "wait: 1s, tasks: {t: {steps: [{get: /, name: \"/${random.int(1, 1000)}\"}]}}",
                "users: 1",
            ),
            (
                "iteration name",
                "wait: 1s, tasks: {t: {steps: [{get: /, name: \"/${iteration}\"}]}}",
                "users: 1",
            ),
            (
                "order",
                "wait: 1s, order: shuffled, tasks: {a: {weight: 3, steps: [get: /]}, b: {steps: [get: /]}}",
                "users: 1",
            ),
            ("unreached", "wait: 1s, tasks: {t: {steps: [stop: task, get: /]}}", "users: 1"),
            ("busy", "wait: 1s, tasks: {t: {steps: [get: /, {during: 5s, steps: [log: x]}]}}", "users: 1"),
        ];
        let all: Vec<String> =
            cases.iter().map(|(name, class, load)| format!("{name}\n{}", said(class, load))).collect();
        insta::assert_snapshot!("advice", all.join("\n\n"));
    }

    #[test]
    fn a_class_that_never_comes_is_named() {
        let text = "target: http://a.test\nusers:\n  a: {wait: 1s, tasks: {t: {steps: [get: /]}}}\n  \
                    b: {weight: 0, wait: 1s, tasks: {t: {steps: [get: /]}}}\n";
        let all: Vec<String> = advice(&plan(text)).iter().map(ToString::to_string).collect();
        assert_eq!(all, ["no user is ever of the class `b`; give it a greater `weight`"]);
    }
}
