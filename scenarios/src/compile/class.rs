//! User classes: who they are, how long they pause, and their weighted tasks.

use super::chosen::Chosen;
use super::cx::Cx;
use super::data::class_feeders;
use super::eval::Scope;
use super::names::Names;
use super::own::Own;
use super::pipeline;
use super::scalars::expected;
use super::schema::{Fields, Schema};
use super::settings::{CLASS_DEFAULTS, DEFAULTS, Settings};
use super::steps::{self, Belongs, Flows};
use super::url::Target;
use super::vars::Vars;
use super::waits;
use crate::alias::AliasTable;
use crate::diagnostics::Diagnostic;
use crate::plan::{ClassPlan, EndpointId, Program, RowKind, TaskOrder, TaskPlan};
use crate::tree::{Entry, Kind, Node};
use crate::units::{self, Decimal};
use crate::wait::Wait;

const CLASS: Schema = Schema {
    what: "a user class",
    keys: &["weight", "count", "wait", "target", "vars", "defaults", "on_start", "on_stop", "tasks", "order"],
};
const TASK: Schema = Schema { what: "a task", keys: &["weight", "tags", "steps"] };
/// The engine numbers classes in 16 bits; nobody has so many.
const MOST_CLASSES: usize = 1000;

/// What the steps of a class are read with.
pub(super) struct ClassCx<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) target: &'a Target,
    pub(super) settings: Settings,
    pub(super) names: &'a Names,
    pub(super) flows: &'a Flows<'a>,
    /// Whether this is no class but what stands beside all of them: `setup` or `teardown`.
    pub(super) aside: Option<&'static str>,
}

impl ClassCx<'_> {
    /// The kind of a row: those of `setup` and `teardown` are apart, whatever they count.
    pub(super) fn kind(&self, kind: RowKind) -> RowKind {
        if self.aside.is_some() { RowKind::Aside } else { kind }
    }

    /// The name of a row.
    pub(super) fn title(&self, name: &str) -> String {
        match self.aside {
            Some(aside) => format!("({aside}) {name}"),
            None => name.to_owned(),
        }
    }

    /// The row of a request.
    pub(super) fn row(&self, method: &str, name: &str) -> EndpointId {
        match self.aside {
            Some(_) => self.names.row(RowKind::Aside, method, &self.title(name)),
            None => self.names.endpoint(method, name),
        }
    }
}

/// What the file says for all classes.
pub(super) struct Common<'a> {
    pub(super) vars: &'a Vars,
    pub(super) target: &'a Target,
    /// The target a flag gave, so that classes have none of their own.
    pub(super) host: Option<&'a str>,
    pub(super) defaults: Option<&'a Node>,
    pub(super) names: &'a Names,
    pub(super) flows: &'a Flows<'a>,
    /// What `setup` gives to all users.
    pub(super) shared: &'a Own,
    /// What flags choose of it.
    pub(super) chosen: &'a Chosen<'a>,
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
    /// Whether flags leave it a task to run.
    pub(super) has_tasks: bool,
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
    let mut classes: Vec<Class> =
        (0..).zip(entries).filter_map(|(number, entry)| read(number, entry, common, cx)).collect();
    let all = classes.len() == entries.len();
    common.chosen.apply(&mut classes, cx);
    (classes, all)
}

fn read(number: usize, entry: &Entry, common: &Common<'_>, cx: &Cx<'_>) -> Option<Class> {
    check_name(entry, "a user class", cx);
    let fields = CLASS.open(&entry.value, cx)?;
    let vars = Vars::of_class(fields.get("vars"), common.vars, cx);
    let own = Own::of_class(fields, common.shared, common.flows);
    let fixed = Scope { class: Some(&vars), own: Some(&own), ..Scope::of_file(common.vars) };
    let own_target = fields.get("target").and_then(|node| own_target(node, common, &entry.key, &fixed, cx));
    let scope = Scope { user: true, names: Some(common.names), ..fixed };
    cx.feeders().check_names(vars.names().chain(own.names()), &entry.key, cx);
    let settings = settings(common, fields, &scope, cx);
    let everywhere = cx.feeders().take_uses();
    let pipelining = settings.pipeline;
    let target = own_target.as_ref().unwrap_or(common.target);
    let (names, flows) = (common.names, common.flows);
    let class = ClassCx { scope, target, settings, names, flows, aside: None };
    if number == 0 {
        flows.check_uncalled(&class, cx);
        // What nothing calls uses nothing.
        cx.feeders().take_uses();
    }
    let share = read_share(fields.entry("weight"), fields.entry("count"), &fixed, cx);
    let wait = fields.get("wait").map_or(Some(Wait::None), |node| waits::read(node, &fixed, cx));
    let program = |key| {
        let read = |node| steps::read(node, Belongs { to: key }, &class, cx);
        fields.get(key).map_or_else(Program::default, read)
    };
    let order = fields.get("order").map_or(Some(TaskOrder::Weighted), |node| read_order(node, &fixed, cx));
    let (on_start, on_stop) = (program("on_start"), program("on_stop"));
    let lifecycle = cx.feeders().take_uses();
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
    let variables = own.plans(Some(&vars));
    let name = entry.key.clone();
    let mut plan = ClassPlan {
        name,
        wait: wait?,
        on_start,
        on_stop,
        tasks,
        task_table,
        pipeline,
        variables,
        order: order?,
        feeders: class_feeders(&everywhere, &lifecycle, &cx.feeders().take_uses()),
        looks_at_response: cx.looks_at_response.take(),
        row: None,
    };
    plan.tasks.iter().for_each(|task| common.chosen.see(&task.tags));
    let has_tasks = common.chosen.choose(&mut plan);
    Some(Class { plan, share: share?, target: target.base().map(str::to_owned), has_tasks })
}

/// A class's own target, unless a flag gave one for all.
fn own_target(
    node: &Node,
    common: &Common<'_>,
    class: &str,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<Target> {
    let Some(host) = common.host else { return Some(Target::read(node, scope, cx)) };
    let old = node.text().unwrap_or_default();
    cx.replaced(format!("`--host {host}` replaced `target: {old}` of `{class}`"));
    None
}

fn settings(common: &Common<'_>, fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) -> Settings {
    let mut settings = Settings::default();
    for (node, schema) in [(common.defaults, &DEFAULTS), (fields.get("defaults"), &CLASS_DEFAULTS)] {
        if let Some(node) = node {
            settings.apply_defaults(node, schema, scope, cx);
        }
    }
    settings
}

fn read_order(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<TaskOrder> {
    match scope.text(node, "`weighted`, `sequential` or `shuffled`", cx)?.as_str() {
        "weighted" => Some(TaskOrder::Weighted),
        "sequential" => Some(TaskOrder::Sequential),
        "shuffled" => Some(TaskOrder::Shuffled),
        other => {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("`weighted`, `sequential` or `shuffled` is expected here, not `{other}`"),
                )
                .hint("`weighted` draws each task anew, `sequential` goes through them, `shuffled` through all of them in an order drawn for each round"),
            );
            None
        }
    }
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
    let read: Vec<Option<(Decimal, Vec<String>, Program)>> =
        entries.iter().map(|entry| read_task(entry, class, cx)).collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    let decimals: Vec<Decimal> = read.iter().map(|(weight, _, _)| *weight).collect();
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
        .map(|((entry, (_, tags, program)), weight)| TaskPlan {
            name: entry.key.clone(),
            tags,
            share: weight / sum,
            program,
        })
        .collect();
    Some((tasks, table))
}

fn read_task(entry: &Entry, class: &ClassCx<'_>, cx: &Cx<'_>) -> Option<(Decimal, Vec<String>, Program)> {
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
    let tags = fields.get("tags").map_or(Some(Vec::new()), |node| read_tags(node, &fixed, cx));
    let program = steps::read(node, Belongs { to: &entry.key }, class, cx);
    Some((weight?, tags?, program))
}

/// `checkout` or `[checkout, smoke]`.
fn read_tags(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Vec<String>> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        Kind::Scalar(_) if !node.is_null() => std::slice::from_ref(node),
        _ => {
            cx.report(expected(node, "a list of tags such as `[checkout, smoke]`", node.found()));
            return None;
        }
    };
    let read: Vec<Option<String>> = items.iter().map(|item| read_tag(item, scope, cx)).collect();
    read.into_iter().collect()
}

/// A tag is given to a flag among others, with commas between them.
fn read_tag(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<String> {
    let tag = scope.text(node, "a tag such as `checkout`", cx)?;
    if tag.contains(',') || tag.chars().any(char::is_whitespace) {
        cx.report(
            Diagnostic::at(node.place, format!("`{tag}` cannot be a tag"))
                .hint("a tag is one word, without commas"),
        );
        return None;
    }
    Some(tag)
}
