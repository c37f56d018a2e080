//! `thresholds`: a list of rules, each checked against the requests and classes of the scenario, with those of `--threshold`.
//!
//! What a rule says is read in `threshold::parse`; here it gets its place in the file.

use super::class::Class;
use super::cx::Cx;
use super::eval::Scope;
use super::names::Names;
use super::schema::Fields;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{EndpointName, LoadPlan, Place, RowKind};
use crate::source::Overrides;
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
    /// The user classes of the file, also those that flags leave out.
    pub(super) classes: &'a [String],
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
    if rule.is_of_baseline() {
        return Some(("within", "each rate is measured against the same value: `p95 < 500ms`"));
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

/// A rule, and where it stands; `None`: on the command line.
type Written = (Rule, Option<Place>);

/// All rules of a test.
pub(super) struct Rules {
    /// Of the whole test: those of the file, then those of flags.
    own: Vec<Written>,
    /// Of each try of a search.
    of_tries: Vec<Written>,
}

impl Rules {
    /// Reads what the file and flags say. What is wrong has been reported.
    pub(super) fn read(
        fields: Fields<'_>,
        load: Option<&LoadPlan>,
        overrides: &Overrides,
        scope: &Scope<'_>,
        cx: &Cx<'_>,
    ) -> Self {
        let own = fields.get("thresholds").map_or_else(Vec::new, |node| read(node, false, scope, cx));
        let mut own: Vec<Written> = own.into_iter().map(|(rule, place)| (rule, Some(place))).collect();
        for text in &overrides.thresholds {
            match threshold::parse(text) {
                Ok(rule) => own.push((rule, None)),
                Err(error) => {
                    let text = format!("`--threshold {text}`: {error}");
                    cx.report(Diagnostic::anywhere(text).hint(error.hint));
                }
            }
        }
        let compared = own.iter_mut().filter(|(rule, _)| rule.is_of_baseline());
        compared.zip(&overrides.baseline).for_each(|((rule, _), measured)| rule.set_base(*measured));
        let search = load.and_then(|load| load.open.as_ref()?.search.as_ref());
        let of_tries = match (search, fields.entry("load")) {
            // They were read with the load, and have kept no place of their own.
            (Some(search), Some(entry)) => {
                search.thresholds.iter().map(|rule| (rule.clone(), Some(entry.key_place))).collect()
            }
            _ => Vec::new(),
        };
        Self { own, of_tries }
    }

    fn all(&self) -> impl Iterator<Item = &Written> {
        self.of_tries.iter().chain(&self.own)
    }

    /// Gives the classes that rules are of a row.
    pub(super) fn giving_rows(self, classes: &mut [Class], names: &Names) -> Self {
        for (rule, _) in self.all() {
            let Of::Class(name) = &rule.scope else { continue };
            let asked = classes.iter_mut().find(|class| class.plan.name == *name);
            if let Some(class) = asked {
                class.plan.row = Some(names.row(RowKind::Class, "", name));
            }
        }
        self
    }

    /// Reports rules of requests, groups and classes that there are not.
    pub(super) fn check(&self, rows: Rows<'_>, cx: &Cx<'_>) {
        for (rule, place) in self.all() {
            let Some((text, hint)) = unknown(&rule.scope, rows) else { continue };
            cx.report(match place {
                Some(place) => Diagnostic::at(*place, text).hint(hint),
                None => Diagnostic::anywhere(format!("`--threshold {rule}`: {text}")).hint(hint),
            });
        }
    }

    /// As the plan has them.
    pub(super) fn into_plan(self) -> Vec<Rule> {
        self.own.into_iter().map(|(rule, _)| rule).collect()
    }
}

/// What a rule is of and is not there, and what may be meant.
fn unknown(scope: &Of, rows: Rows<'_>) -> Option<(String, String)> {
    let meant = |asked: &str, known: &[String]| {
        closest(asked, known.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"))
    };
    let (kind, method, name) = match scope {
        Of::Endpoint(method, name) => (RowKind::Request, method.as_deref(), name),
        Of::Group(name) => (RowKind::Group, None, name),
        Of::Class(name) if rows.classes.contains(name) => return None,
        Of::Class(name) => {
            let hint = meant(name, rows.classes).unwrap_or_else(|| {
                let known: Vec<_> = rows.classes.iter().map(|name| format!("`{name}`")).collect();
                format!("the file has {}", known.join(", "))
            });
            return Some((format!("there is no user class `{name}`"), hint));
        }
        Of::All | Of::Ok | Of::Each => return None,
    };
    let of_kind = || rows.known.iter().filter(|row| row.kind == kind);
    let is_it = |row: &EndpointName| method.is_none_or(|method| row.method == method) && row.name == *name;
    if rows.others || of_kind().any(is_it) {
        return None;
    }
    let what = if kind == RowKind::Group { "group" } else { "request" };
    let asked = method.map_or_else(|| name.clone(), |method| format!("{method} {name}"));
    let written = |row: &EndpointName| match method {
        Some(_) => format!("{} {}", row.method, row.name),
        None => row.name.clone(),
    };
    let known: Vec<String> = of_kind().map(written).collect();
    let hint =
        meant(&asked, &known).unwrap_or_else(|| format!("a {what} is named as its row in the report is"));
    Some((format!("there is no {what} `{asked}`"), hint))
}
