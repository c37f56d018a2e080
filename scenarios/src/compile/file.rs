//! The file as a whole: what stands at the top, in the order in which it is needed.

use super::chosen::Chosen;
use super::class::{self, Class, Common};
use super::cx::Cx;
use super::data::{self, DataCx};
use super::eval::Scope;
use super::kinds::Kinds;
use super::load;
use super::names::Names;
use super::population::Population;
use super::schema::{Fields, Schema};
use super::settings::{DEFAULTS, Settings};
use super::steps::Flows;
use super::thresholds::{Rows, Rules};
use super::url::Target;
use super::vars::Vars;
use super::{aside, tls, transport};
use crate::diagnostics::Diagnostic;
use crate::plan::{LoadPlan, NamePlan, Place, Plan};
use crate::source::{Overrides, Source};
use crate::tree::{Entry, Kind, Node};

const FILE: Schema = Schema {
    what: "a scenario",
    keys: &[
        "version",
        "name",
        "target",
        "vars",
        "defaults",
        "tls",
        "users",
        "load",
        "thresholds",
        "seed",
        "flows",
        "setup",
        "teardown",
        "secrets",
        "data",
    ],
};

/// Reads the whole file; `None` after a report.
pub(super) fn read(
    root: &Node,
    source: &Source,
    overrides: &Overrides,
    drawn_seed: u64,
    cx: &Cx<'_>,
) -> Option<Plan> {
    let fields = FILE.open(root, cx)?;
    let vars = Vars::of_file(fields.get("secrets"), fields.get("vars"), overrides, cx);
    cx.set_kinds(Kinds::of_file(root, &vars));
    let scope = Scope::of_file(&vars);
    check_version(fields, &scope, cx);
    let name =
        fields.get("name").map_or_else(|| Some(stem(&source.name)), |node| scope.text(node, "a name", cx));
    let seed = seed(fields, overrides, drawn_seed, &scope, cx);
    let target = target(fields, overrides, &scope, cx);
    let names = Names::default();
    let data = DataCx { vars: &vars, names: &names, files: source.files() };
    cx.set_feeders(data::read(fields.get("data"), &data, cx));
    let users = fields.entry("users");
    let callers = [users.map(|entry| &entry.value), fields.get("setup"), fields.get("teardown")];
    let flows = Flows::read(fields.get("flows"), &callers, cx);
    let beside = aside::Beside { vars: &vars, target: &target, names: &names, flows: &flows };
    let (aside, shared) = beside.read(fields, cx);
    cx.feeders().refuse_uses("what stands beside the users", cx);
    let common = Common {
        vars: &vars,
        target: &target,
        host: overrides.host.as_deref(),
        defaults: fields.get("defaults"),
        names: &names,
        flows: &flows,
        shared: &shared,
        chosen: &Chosen::new(overrides),
    };
    let (mut classes, all) = classes(root, users, fields, &common, cx);
    let resolve = transport::resolve(common.defaults, &scope, cx);
    let tls = tls::read(fields.get("tls"), &scope, &names, cx);
    let population = Population { classes: &classes, all, place: users.map(|entry| entry.key_place) };
    let load = load::read(fields.get("load"), &vars, population, overrides, cx);
    check_pipelines(load.as_ref(), &classes, users.map_or(root.place, |entry| entry.key_place), cx);
    let feeders = load.as_ref().map(|load| cx.feeders().plans(&classes, load, cx));
    check_arrival(load.as_ref(), cx);
    let files = names.files();
    let target = shown_target(&target, &classes);
    let rules = Rules::read(fields, load.as_ref(), overrides, &scope, cx).giving_rows(&mut classes, &names);
    let (endpoints, assets) = names.into_lists();
    rules.check(Rows { known: &endpoints, others: names_by_value(&classes), classes: &named(users) }, cx);
    let classes = classes.into_iter().map(|class| class.plan).collect();
    Some(Plan {
        name: name?,
        target,
        seed: seed?,
        classes,
        endpoints,
        aside,
        load: load?,
        thresholds: rules.into_plan(),
        assets,
        feeders: feeders?,
        files,
        tls,
        resolve,
        secrets: vars.secret_texts(),
        env: cx.env_read(),
        replaced: cx.all_replaced(),
    })
}

fn seed(
    fields: Fields<'_>,
    overrides: &Overrides,
    drawn: u64,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<u64> {
    match (overrides.seed, fields.get("seed")) {
        (Some(seed), _) => Some(seed),
        (None, Some(node)) => scope.whole(node, "`seed`", 0, u64::MAX, cx),
        (None, None) => Some(drawn),
    }
}

/// The user classes of the file, also those that are not to run.
fn named(users: Option<&Entry>) -> Vec<String> {
    match users.map(|entry| &entry.value.kind) {
        Some(Kind::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Whether rows are named by values, and so are not known before the run.
fn names_by_value(classes: &[Class]) -> bool {
    let tasks = classes.iter().flat_map(|class| &class.plan.tasks);
    let mut requests = tasks.flat_map(|task| task.program.requests());
    requests.any(|request| matches!(request.name, NamePlan::PerValue(_)))
}

/// The user classes; also whether every one could be read.
fn classes(
    root: &Node,
    users: Option<&Entry>,
    fields: Fields<'_>,
    common: &Common<'_>,
    cx: &Cx<'_>,
) -> (Vec<Class>, bool) {
    let (classes, all) = match users {
        Some(entry) => class::read_all(&entry.value, common, cx),
        None => (Vec::new(), false),
    };
    if users.is_none() && !fields.misspelt("users") {
        cx.report(
            Diagnostic::at(root.place, "the scenario has no `users`")
                .hint("for example `users: {visitor: {tasks: {index: {steps: [get: /]}}}}`"),
        );
    }
    if let (true, Some(defaults)) = (classes.is_empty(), common.defaults) {
        // No class has read them, and their mistakes are to be told as well.
        Settings::default().apply_defaults(
            defaults,
            &DEFAULTS,
            &Scope { user: true, ..Scope::of_file(common.vars) },
            cx,
        );
    }
    (classes, all)
}

/// In a load by users nothing arrives.
fn check_arrival(load: Option<&LoadPlan>, cx: &Cx<'_>) {
    if let (Some(place), Some(load)) = (cx.arrival.get(), load)
        && load.open.is_none()
    {
        cx.report(
            Diagnostic::at(place, "`arrival` is known only in a load of arrivals, and this one is by users")
                .hint("`iteration` counts those of a user; arrivals are `load: {rate: 50/s}`"),
        );
    }
}

fn check_pipelines(load: Option<&LoadPlan>, classes: &[Class], place: Place, cx: &Cx<'_>) {
    let is_open = load.is_some_and(|load| load.open.is_some());
    if is_open && classes.iter().any(|class| class.plan.pipeline > 1) {
        cx.report(
            Diagnostic::at(place, "`pipeline` does not go with arrivals: each of them has a user of its own")
                .hint("leave `pipeline` out, or give `users` and `spawn_rate` in place of the rate"),
        );
    }
}

fn check_version(fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) {
    if let Some(node) = fields.get("version")
        && let Some(version) = scope.whole(node, "`version`", 1, u64::MAX, cx)
        && version != 1
    {
        cx.report(Diagnostic::at(
            node.place,
            format!("this is version {version} of the format, and only 1 can be read"),
        ));
    }
}

fn target(fields: Fields<'_>, overrides: &Overrides, scope: &Scope<'_>, cx: &Cx<'_>) -> Target {
    match (&overrides.host, fields.get("target")) {
        (Some(host), node) => {
            if let Some(old) = node.and_then(Node::text)
                && old != host
            {
                cx.replaced(format!("`--host {host}` replaced `target: {old}`"));
            }
            Target::of_flag(host, cx)
        }
        (None, Some(node)) => Target::read(node, scope, cx),
        (None, None) if fields.misspelt("target") => Target::Bad,
        (None, None) => Target::Missing,
    }
}

/// What the test is said to aim at when the file has no target of its own: the first class's, else the first request's host.
fn shown_target(target: &Target, classes: &[Class]) -> String {
    if let Some(base) = target.base() {
        return base.to_owned();
    }
    if let Some(base) = classes.iter().find_map(|class| class.target.clone()) {
        return base;
    }
    let tasks = classes.iter().flat_map(|class| &class.plan.tasks);
    let requests = tasks.flat_map(|task| task.program.requests());
    let urls = requests.filter_map(|request| ::url::Url::parse(request.url.as_static()?).ok());
    let mut origins = urls.map(|url| url.origin().ascii_serialization());
    origins.next().unwrap_or_default()
}

/// `examples/predict.yaml` is called `predict`.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() { "scenario".to_owned() } else { stem.to_owned() }
}
