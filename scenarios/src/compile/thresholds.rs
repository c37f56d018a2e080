//! `thresholds`: a list of rules, each checked against the requests of the scenario.
//!
//! What a rule says is read in `threshold::parse`; here it gets its place in the file.

use super::cx::Cx;
use super::eval::Scope;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{EndpointName, Place, RowKind};
use crate::threshold::{self, Rule, Scope as Of};
use crate::tree::{Kind, Node};

/// More rules than anybody writes.
const MOST_RULES: usize = 1000;

/// The rows that the scenario is known to have.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) known: &'a [EndpointName],
    /// Whether there are others, named by values.
    pub(super) others: bool,
}

/// Reads a list of rules. What is wrong has been reported. The rules of a `search` are each of the seconds of a try.
pub(super) fn read(node: &Node, search: bool, scope: &Scope<'_>, cx: &Cx<'_>) -> Vec<(Rule, Place)> {
    let Kind::List(items) = &node.kind else {
        cx.report(
            Diagnostic::at(
                node.place,
                format!("`thresholds` is a list of rules, and this is {}", node.found()),
            )
            .hint("write each on a line of its own: `- p95 < 500ms`"),
        );
        return Vec::new();
    };
    if items.len() > MOST_RULES {
        cx.report(Diagnostic::at(node.place, format!("there are more than {MOST_RULES} rules")));
        return Vec::new();
    }
    items.iter().filter_map(|item| Some((read_rule(item, search, scope, cx)?, item.place))).collect()
}

fn read_rule(node: &Node, search: bool, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Rule> {
    let text = scope.text(node, "a rule such as `p95 < 500ms`", cx)?;
    match threshold::parse(&text) {
        Ok(rule) => match of_a_try(&rule).filter(|_| search) {
            Some((what, hint)) => {
                let text = format!("`{what}` does not go with a rule of `find_max`");
                cx.report(Diagnostic::at(node.place, text).hint(hint));
                None
            }
            None => Some(rule),
        },
        Err(error) => {
            let place = part_of(node.place, &text, error.at, cx);
            cx.report(Diagnostic::at(place, error.message).hint(error.hint));
            None
        }
    }
}

/// What of a rule a search cannot do, and why.
fn of_a_try(rule: &Rule) -> Option<(&'static str, &'static str)> {
    if rule.window.is_some() {
        return Some(("for", "it is looked at over the seconds of each try, whose length is `hold`"));
    }
    rule.or_stop.then_some(("or stop", "where a rule breaks, the search goes on with a lower rate"))
}

/// The place of some bytes of a text, where it stands in the file as it is.
fn part_of(place: Place, text: &str, (from, to): (usize, usize), cx: &Cx<'_>) -> Place {
    let written = cx.slice(place);
    let begins = written.find(text).filter(|begins| *begins <= 1);
    match begins {
        Some(begins) if to > from => cx.within(place, begins + from, begins + to),
        _ => place,
    }
}

/// Reports rules of requests and groups that there are not.
pub(super) fn check(rules: &[(Rule, Place)], rows: Rows<'_>, cx: &Cx<'_>) {
    for (rule, place) in rules {
        let (kind, method, name) = match &rule.scope {
            Of::Endpoint(method, name) => (RowKind::Request, method.as_deref(), name),
            Of::Group(name) => (RowKind::Group, None, name),
            Of::All | Of::Ok | Of::Each => continue,
        };
        let of_kind = || rows.known.iter().filter(|row| row.kind == kind);
        let is_it =
            |row: &EndpointName| method.is_none_or(|method| row.method == method) && row.name == *name;
        if rows.others || of_kind().any(is_it) {
            continue;
        }
        let what = if kind == RowKind::Group { "group" } else { "request" };
        let asked = method.map_or_else(|| name.clone(), |method| format!("{method} {name}"));
        let written: Vec<String> = of_kind()
            .map(
                |row| {
                    if method.is_some() { format!("{} {}", row.method, row.name) } else { row.name.clone() }
                },
            )
            .collect();
        let problem = Diagnostic::at(*place, format!("there is no {what} `{asked}`"));
        cx.report(match closest(&asked, written.iter().map(String::as_str)) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("a {what} is named as its row in the report is")),
        });
    }
}
