//! User classes: who they are, how long they pause, and their weighted tasks.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::extract::Own;
use super::names::Names;
use super::pipeline;
use super::scalars::expected;
use super::schema::Schema;
use super::settings::{CLASS_DEFAULTS, DEFAULTS, Settings};
use super::steps;
use super::url::Target;
use super::vars::Vars;
use crate::alias::AliasTable;
use crate::diagnostics::Diagnostic;
use crate::plan::{ClassPlan, Program, TaskOrder, TaskPlan};
use crate::rate::Rate;
use crate::tree::{Entry, Kind, Node};
use crate::units::{self, Decimal, UnitError};
use crate::wait::Wait;

const CLASS: Schema = Schema {
    what: "a user class",
    keys: &["weight", "count", "wait", "target", "vars", "defaults", "on_start", "on_stop", "tasks"],
    later: &["order"],
};
const TASK: Schema = Schema { what: "a task", keys: &["weight", "steps"], later: &["tags"] };
const WAIT: Schema =
    Schema { what: "`wait`", keys: &["normal", "exponential", "pacing", "throughput"], later: &[] };
const THINK: Schema = Schema { what: "`think`", keys: &["normal", "exponential"], later: &[] };
const NORMAL: Schema = Schema { what: "`normal`", keys: &["mean", "sd"], later: &[] };
/// The engine numbers classes in 16 bits; nobody has so many.
const MOST_CLASSES: usize = 1000;

/// What the steps of a class are read with.
pub(super) struct ClassCx<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) target: &'a Target,
    pub(super) settings: Settings,
    pub(super) names: &'a Names,
}

/// What the file says for all classes.
pub(super) struct Common<'a> {
    pub(super) vars: &'a Vars,
    pub(super) target: &'a Target,
    /// The target a flag gave, so that classes have none of their own.
    pub(super) host: Option<&'a str>,
    pub(super) defaults: Option<&'a Node>,
    pub(super) names: &'a Names,
}

/// What a class gets of the users.
#[derive(Debug, Clone, Copy)]
pub(super) enum Share {
    Count(u32),
    Weight(Decimal),
}

/// A class that has been read.
pub(super) struct Class {
    pub(super) plan: ClassPlan,
    pub(super) share: Share,
    /// Its own target, if it has one.
    pub(super) target: Option<String>,
}

/// Reads `users`; also whether every class could be read.
pub(super) fn read_all(node: &Node, common: &Common<'_>, cx: &Cx<'_>) -> (Vec<Class>, bool) {
    let Kind::Map(entries) = &node.kind else {
        cx.report(
            expected(node, "a map of user classes", node.found())
                .hint("for example `users: {visitor: {tasks: {index: {steps: [get: /]}}}}`"),
        );
        return (Vec::new(), false);
    };
    if entries.is_empty() {
        cx.report(
            Diagnostic::at(node.place, "there is no user class").hint("give the class a name and `tasks`"),
        );
    }
    if entries.len() > MOST_CLASSES {
        cx.report(Diagnostic::at(node.place, format!("there are more than {MOST_CLASSES} user classes")));
        return (Vec::new(), false);
    }
    let classes: Vec<Class> = entries.iter().filter_map(|entry| read(entry, common, cx)).collect();
    let all = classes.len() == entries.len();
    (classes, all)
}

fn read(entry: &Entry, common: &Common<'_>, cx: &Cx<'_>) -> Option<Class> {
    check_name(entry, "a user class", cx);
    let fields = CLASS.open(&entry.value, cx)?;
    let vars = Vars::of_class(fields.get("vars"), common.vars, cx);
    let own = Own::of_class(fields);
    let fixed = Scope { class: Some(&vars), own: Some(&own), ..Scope::of_file(common.vars) };
    let own_target = match fields.get("target") {
        None => None,
        Some(node) => match (common.host, node.text()) {
            (None, _) => Some(Target::read(node, &fixed, cx)),
            (Some(host), old) => {
                let old = old.unwrap_or_default();
                cx.replaced(format!("`--host {host}` replaced `target: {old}` of `{}`", entry.key));
                None
            }
        },
    };
    let scope = Scope { user: true, ..fixed };
    let mut settings = Settings::default();
    for (node, schema) in [(common.defaults, &DEFAULTS), (fields.get("defaults"), &CLASS_DEFAULTS)] {
        if let Some(node) = node {
            settings.apply_defaults(node, schema, &scope, cx);
        }
    }
    let pipelining = settings.pipeline;
    let target = own_target.as_ref().unwrap_or(common.target);
    let class = ClassCx { scope, target, settings, names: common.names };
    let share = read_share(fields.entry("weight"), fields.entry("count"), &fixed, cx);
    let wait = fields.get("wait").map_or(Some(Wait::None), |node| read_wait(node, &fixed, cx));
    let program = |key| fields.get(key).map_or_else(Program::default, |node| steps::read(node, &class, cx));
    let (on_start, on_stop) = (program("on_start"), program("on_stop"));
    let Some(entries) = fields.get("tasks") else {
        if !fields.misspelt("tasks") {
            cx.report(
                Diagnostic::at(entry.key_place, format!("the user class `{}` has no `tasks`", entry.key))
                    .hint("for example `tasks: {index: {steps: [get: /]}}`"),
            );
        }
        return None;
    };
    let (mut tasks, task_table) = read_tasks(entries, &class, cx)?;
    let pipeline = pipeline::apply(pipelining, fields.entry("wait").zip(wait), entries, &mut tasks, cx);
    let variables = own.plans(&vars);
    let name = entry.key.clone();
    let plan = ClassPlan {
        name,
        wait: wait?,
        on_start,
        on_stop,
        tasks,
        task_table,
        pipeline,
        variables,
        order: TaskOrder::default(),
        looks_at_response: false,
    };
    Some(Class { plan, share: share?, target: target.base().map(str::to_owned) })
}

/// Names stand in tables and reports, and a class's can be put into a header.
fn check_name(entry: &Entry, what: &str, cx: &Cx<'_>) {
    if entry.key.trim().is_empty() || entry.key.chars().any(char::is_control) {
        cx.report(Diagnostic::at(entry.key_place, format!("the name of {what} is one line of text")));
    }
}

fn read_share(
    weight: Option<&Entry>,
    count: Option<&Entry>,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<Share> {
    match (weight, count) {
        (Some(weight), Some(count)) => {
            let (first, second) =
                if weight.key_place < count.key_place { (weight, count) } else { (count, weight) };
            cx.report(
                Diagnostic::at(second.key_place, "a user class has a `weight` or a `count`, not both")
                    .note(first.key_place, "the other one is here")
                    .hint("`count` is a fixed number of users, taken first; `weight` is a share of the rest"),
            );
            None
        }
        (Some(weight), None) => scope.weight(&weight.value, cx).map(Share::Weight),
        (None, Some(count)) => {
            let count = scope.whole(&count.value, "`count`", 0, 10_000_000, cx)?;
            u32::try_from(count).ok().map(Share::Count)
        }
        (None, None) => Decimal::parse("1").map(Share::Weight),
    }
}

fn read_tasks(node: &Node, class: &ClassCx<'_>, cx: &Cx<'_>) -> Option<(Vec<TaskPlan>, AliasTable)> {
    let Kind::Map(entries) = &node.kind else {
        cx.report(
            expected(node, "a map of tasks", node.found())
                .hint("each task has a name: `tasks: {index: {steps: [get: /]}}`"),
        );
        return None;
    };
    if entries.is_empty() {
        cx.report(
            Diagnostic::at(node.place, "a user class without tasks has nothing to do")
                .hint("for example `tasks: {index: {steps: [get: /]}}`"),
        );
        return None;
    }
    let read: Vec<Option<(Decimal, Program)>> =
        entries.iter().map(|entry| read_task(entry, class, cx)).collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    let decimals: Vec<Decimal> = read.iter().map(|(weight, _)| *weight).collect();
    let weights: Vec<f64> = match units::reduce_weights(&decimals) {
        Some(whole) => whole.into_iter().map(|weight| weight as f64).collect(),
        None => decimals.iter().map(|weight| weight.as_f64()).collect(),
    };
    let Some(table) = AliasTable::new(&weights) else {
        cx.report(
            Diagnostic::at(node.place, "all tasks of this class have weight 0, so none is ever chosen")
                .hint("give at least one of them a weight above 0"),
        );
        return None;
    };
    let sum: f64 = weights.iter().sum();
    let tasks = entries.iter().zip(read).zip(&weights);
    let tasks = tasks
        .map(|((entry, (_, program)), weight)| TaskPlan {
            name: entry.key.clone(),
            share: weight / sum,
            program,
        })
        .collect();
    Some((tasks, table))
}

fn read_task(entry: &Entry, class: &ClassCx<'_>, cx: &Cx<'_>) -> Option<(Decimal, Program)> {
    if let Kind::List(_) = entry.value.kind {
        cx.report(
            Diagnostic::at(
                entry.value.place,
                format!("the task `{}` is a map, and this is a list", entry.key),
            )
            .hint("put the steps under `steps:`"),
        );
        return None;
    }
    check_name(entry, "a task", cx);
    let fields = TASK.open(&entry.value, cx)?;
    let fixed = Scope { user: false, ..class.scope };
    let weight = match fields.get("weight") {
        Some(node) => fixed.weight(node, cx),
        None => Decimal::parse("1"),
    };
    let Some(node) = fields.get("steps") else {
        if !fields.misspelt("steps") {
            cx.report(
                Diagnostic::at(entry.key_place, format!("the task `{}` has no `steps`", entry.key))
                    .hint("for example `steps: [get: /]`"),
            );
        }
        return None;
    };
    if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        cx.report(
            Diagnostic::at(node.place, format!("the task `{}` has no steps", entry.key))
                .hint("for example `steps: [get: /]`"),
        );
        return None;
    }
    let program = steps::read(node, class, cx);
    Some((weight?, program))
}

/// A `think`: a pause between steps.
pub(super) fn read_pause(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    if let Kind::Map(entries) = &node.kind
        && let Some(beat) = entries.iter().find(|entry| matches!(entry.key.as_str(), "pacing" | "throughput"))
    {
        cx.report(
            Diagnostic::at(
                beat.key_place,
                format!("`{}` is a beat between iterations, not a pause within one", beat.key),
            )
            .hint("it goes under the class's `wait`; a pause is `think: 1s..2s`"),
        );
        return None;
    }
    wait(node, &THINK, &Scope { user: false, ..*scope }, cx)
}

fn read_wait(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    wait(node, &WAIT, scope, cx)
}

fn wait(node: &Node, schema: &Schema, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    let Kind::Map(entries) = &node.kind else { return plain_wait(node, scope, cx) };
    schema.check(entries, cx);
    let mut forms = entries.iter().filter(|entry| schema.keys.contains(&entry.key.as_str()));
    let Some(form) = forms.next() else {
        if entries.is_empty() {
            cx.report(expected(node, "a duration such as `1s..3s`", "an empty map"));
        }
        return None;
    };
    if let Some(second) = forms.next() {
        cx.report(
            Diagnostic::at(
                second.key_place,
                format!("{} has one form, and this has `{}` too", schema.what, form.key),
            )
            .note(form.key_place, "the other one is here"),
        );
        return None;
    }
    let why = "without a pause leave `wait` out";
    match form.key.as_str() {
        "normal" => {
            let fields = NORMAL.open(&form.value, cx)?;
            let (Some(mean), Some(sd)) = (fields.get("mean"), fields.get("sd")) else {
                cx.report(
                    Diagnostic::at(form.key_place, "`normal` needs a `mean` and an `sd`")
                        .hint("for example `{normal: {mean: 2s, sd: 500ms}}`"),
                );
                return None;
            };
            let (mean, sd) = (scope.duration(mean, cx), scope.duration(sd, cx));
            Some(Wait::Normal { mean: mean?, sd: sd? })
        }
        "exponential" => scope.some_duration(&form.value, why, cx).map(|mean| Wait::Exponential { mean }),
        "pacing" => scope.some_duration(&form.value, why, cx).map(|period| Wait::Pacing { period }),
        _ => {
            let rate = scope.rate(&form.value, cx)?;
            let period = period_of(rate);
            if period.is_zero() {
                cx.report(Diagnostic::at(form.value.place, "this is more than one user can ever do"));
                return None;
            }
            Some(Wait::Throughput { period })
        }
    }
}

fn plain_wait(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    if let Kind::List(items) = &node.kind
        && let [Some(lo), Some(hi)] = items.iter().map(Node::text).collect::<Vec<_>>()[..]
    {
        cx.report(
            expected(node, "a duration such as `2s` or `1s..3s`", "a list")
                .hint(format!("did you mean `{lo}..{hi}`?")),
        );
        return None;
    }
    let text = scope.setting(node, "a duration such as `2s` or `1s..3s`", cx)?;
    let parts =
        |text: &str| text.split_once('-').map(|(lo, hi)| (lo.trim().to_owned(), hi.trim().to_owned()));
    if let Some((lo, hi)) = parts(&text)
        && [&lo, &hi].iter().all(|end| units::parse_duration(end).is_ok())
    {
        cx.report(
            Diagnostic::at(node.place, format!("`{text}` is not a duration"))
                .hint(format!("did you mean `{lo}..{hi}`?")),
        );
        return None;
    }
    let read = |text: &str| {
        units::parse_duration(text)
            .map_err(|error| cx.report(Diagnostic::at(node.place, error.to_string())))
            .ok()
    };
    let Some((lo, hi)) = text.split_once("..") else {
        let pause = read(&text)?;
        return Some(if pause.is_zero() { Wait::None } else { Wait::Constant(pause) });
    };
    if units::parse_duration(lo) == Err(UnitError::NoUnit(lo.trim().to_owned())) {
        // Said once for both ends, as it is to be written.
        let unit = if hi.trim().ends_with(|c: char| c.is_ascii_digit()) { "s" } else { "" };
        cx.report(Diagnostic::at(node.place, "a duration needs a unit").hint(format!(
            "for example `{}s..{}{unit}`",
            lo.trim(),
            hi.trim()
        )));
        return None;
    }
    let (lo, hi) = (read(lo)?, read(hi)?);
    if lo > hi {
        let (lo, hi) = (units::show_duration(lo), units::show_duration(hi));
        cx.report(
            Diagnostic::at(node.place, "the shorter duration comes first")
                .hint(format!("did you mean `{hi}..{lo}`?")),
        );
        return None;
    }
    Some(if lo == hi { Wait::Constant(lo) } else { Wait::Uniform { lo, hi } })
}

/// From one event to the next.
fn period_of(rate: Rate) -> Duration {
    rate.time_of(1)
}
