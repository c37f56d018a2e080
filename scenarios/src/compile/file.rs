//! The file as a whole: what stands at the top, in the order in which it is needed.

use super::class::{self, Class, Common};
use super::cx::Cx;
use super::eval::Scope;
use super::load;
use super::names::Names;
use super::schema::Schema;
use super::settings::Settings;
use super::url::Target;
use super::vars::Vars;
use crate::diagnostics::Diagnostic;
use crate::plan::{Op, Plan};
use crate::source::{Overrides, Source};
use crate::tree::Node;

const FILE: Schema = Schema {
    what: "a scenario",
    keys: &["version", "name", "target", "vars", "defaults", "users", "load", "seed"],
    later: &["secrets", "tls", "data", "setup", "teardown", "flows", "thresholds"],
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
    let mut replaced = Vec::new();
    let vars = Vars::of_file(fields.get("vars"), overrides, &mut replaced, cx);
    let scope = Scope { file: &vars, class: None, env: false, user: false };
    if let Some(version) = fields.get("version") {
        scope.whole(version, "`version`", 1, 1, cx);
    }
    let name = match fields.get("name") {
        Some(node) => scope.text(node, "a name", cx)?,
        None => stem(&source.name),
    };
    let target = target(fields.get("target"), overrides, &scope, &mut replaced, cx);
    let names = Names::default();
    let common = Common {
        vars: &vars,
        target: &target,
        host: overrides.host.is_some(),
        defaults: fields.get("defaults"),
        names: &names,
    };
    let classes = if let Some(node) = fields.get("users") {
        class::read_all(node, &common, cx)
    } else {
        cx.report(
            Diagnostic::at(root.place, "the scenario has no `users`")
                .hint("for example `users: {visitor: {tasks: {index: {steps: [get: /]}}}}`"),
        );
        Vec::new()
    };
    if let (true, Some(defaults)) = (classes.is_empty(), common.defaults) {
        // No class has read them, and their mistakes are to be told as well.
        Settings::default().apply_defaults(defaults, &Scope { user: true, ..scope }, cx);
    }
    let load = load::read(fields.get("load"), &vars, &classes, overrides, &mut replaced, cx);
    let seed = match (overrides.seed, fields.get("seed")) {
        (Some(seed), _) => seed,
        (None, Some(node)) => scope.whole(node, "`seed`", 0, u64::MAX, cx)?,
        (None, None) => drawn_seed,
    };
    let target = shown_target(&target, &classes);
    let (endpoints, assets) = names.into_lists();
    let classes = classes.into_iter().map(|class| class.plan).collect();
    Some(Plan { name, target, seed, classes, endpoints, load: load?, assets, env: cx.env_read(), replaced })
}

fn target(
    node: Option<&Node>,
    overrides: &Overrides,
    scope: &Scope<'_>,
    replaced: &mut Vec<String>,
    cx: &Cx<'_>,
) -> Target {
    match (&overrides.host, node) {
        (Some(host), node) => {
            if let Some(old) = node.and_then(Node::text)
                && old != host
            {
                replaced.push(format!("`--host {host}` replaced `target: {old}`"));
            }
            Target::of_flag(host, cx)
        }
        (None, Some(node)) => Target::read(node, scope, cx),
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
    let ops = classes.iter().flat_map(|class| &class.plan.tasks).flat_map(|task| &task.program.ops);
    let url = ops.filter_map(|op| match op {
        Op::Request(request) => request.url.as_static().and_then(|url| ::url::Url::parse(url).ok()),
        Op::Think(_) => None,
    });
    url.map(|url| url.origin().ascii_serialization()).next().unwrap_or_default()
}

/// `examples/predict.yaml` is called `predict`.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() { "scenario".to_owned() } else { stem.to_owned() }
}
