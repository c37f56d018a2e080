//! `extract`: what is taken out of a response. Which variables that gives to the users of a class is found in `own.rs`.

use super::cx::Cx;
use super::eval::Scope;
use super::expect;
use super::own;
use super::scalars::expected;
use super::schema::{Fields, Schema, listed};
use super::settings::is_token;
use crate::diagnostics::Diagnostic;
use crate::extract::{ExtractFrom, ExtractPlan, Take};
use crate::json::Path;
use crate::tree::{Entry, Kind, Node};

const EXTRACT: Schema = Schema {
    what: "an `extract`",
    keys: &["json", "regex", "header", "cookie", "all", "pick", "default"],
    later: &["css", "attr"],
};
const SOURCES: [&str; 4] = ["json", "regex", "header", "cookie"];
const EXAMPLE: &str =
    "for example `price: $.price`, `{regex: 'order-(\\d+)'}`, `{header: location}` or `{cookie: session}`";

/// Reads an `extract`; `None` after a report.
pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Vec<ExtractPlan>> {
    let Kind::Map(entries) = &node.kind else {
        cx.report(
            expected(node, "a map of names and where to find their values", node.found()).hint(EXAMPLE),
        );
        return None;
    };
    let read: Vec<Option<ExtractPlan>> = entries.iter().map(|entry| one(entry, scope, cx)).collect();
    read.into_iter().collect()
}

fn one(entry: &Entry, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<ExtractPlan> {
    let fixed = &Scope { user: false, ..*scope };
    own::check_name(entry, scope, cx);
    let node = &entry.value;
    let (from, take, default) = if let Kind::Map(entries) = &node.kind {
        let fields = EXTRACT.open(node, cx)?;
        let default = fields.get("default").map(|node| fixed.known(node, cx));
        let from = source(entries, entry, fixed, cx);
        let take = take(fields, fixed, cx);
        let default = match default {
            Some(value) => Some(value?),
            None => None,
        };
        (from?, take?, default)
    } else {
        (shorthand(entry, fixed, cx)?, Take::First, None)
    };
    let variable = scope.own.and_then(|own| own.get(&entry.key))?;
    Some(ExtractPlan { variable, name: entry.key.clone(), from, take, default })
}

/// `price: $.price`.
fn shorthand(entry: &Entry, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<ExtractFrom> {
    let node = &entry.value;
    let text = scope.text(node, "a JSONPath such as `$.price` or a map", cx)?;
    if !text.starts_with('$') {
        let problem =
            Diagnostic::at(node.place, format!("`{text}` is not a JSONPath, which begins with `$`"));
        let is_name = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'));
        cx.report(problem.hint(if is_name {
            format!("did you mean `$.{text}`?")
        } else {
            EXAMPLE.to_owned()
        }));
        return None;
    }
    path(&text, node, cx)
}

/// The one source among the keys of a map.
fn source(entries: &[Entry], whole: &Entry, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<ExtractFrom> {
    let mut sources = entries.iter().filter(|entry| SOURCES.contains(&entry.key.as_str()));
    let Some(source) = sources.next() else {
        // A key that is not known, or not yet, has been reported.
        if entries.iter().all(|entry| EXTRACT.keys.contains(&entry.key.as_str())) {
            cx.report(
                Diagnostic::at(whole.key_place, format!("this does not say where `{}` is found", whole.key))
                    .hint(format!("it needs one of {}", listed(&SOURCES))),
            );
        }
        return None;
    };
    if let Some(second) = sources.next() {
        cx.report(
            Diagnostic::at(
                second.key_place,
                format!("a value is found in one place, and this has `{}` and `{}`", source.key, second.key),
            )
            .note(source.key_place, "the other one is here"),
        );
        return None;
    }
    let node = &source.value;
    match source.key.as_str() {
        "json" => path(&scope.text(node, "a JSONPath such as `$.items[*].id`", cx)?, node, cx),
        "regex" => {
            let text = scope.text(node, "a regular expression such as 'order-(\\d+)'", cx)?;
            expect::regex(&text, node, cx).map(ExtractFrom::Regex)
        }
        key => {
            let name = scope.text(node, &format!("the name of a {key}"), cx)?;
            if !is_token(&name) {
                cx.report(Diagnostic::at(node.place, format!("`{name}` cannot be the name of a {key}")));
                return None;
            }
            Some(match key {
                "header" => ExtractFrom::Header(name.to_ascii_lowercase()),
                _ => ExtractFrom::Cookie(name),
            })
        }
    }
}

fn take(fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Take> {
    let several = fields.entry("all").or(fields.entry("pick"));
    if let (Some(_), Some(entry)) = (fields.entry("cookie"), several) {
        cx.report(
            Diagnostic::at(entry.key_place, format!("`{}` does not go with `cookie`", entry.key))
                .hint("there is one cookie of a name"),
        );
        return None;
    }
    let all = match fields.get("all") {
        Some(node) => scope.boolean(node, cx)?,
        None => false,
    };
    let Some(entry) = fields.entry("pick") else { return Some(if all { Take::All } else { Take::First }) };
    if all {
        cx.report(
            Diagnostic::at(entry.key_place, "`pick` takes one value, and `all` takes all of them")
                .hint("leave one of them out"),
        );
        return None;
    }
    match scope.text(&entry.value, "`first`, `last` or `random`", cx)?.as_str() {
        "first" => Some(Take::First),
        "last" => Some(Take::Last),
        "random" => Some(Take::Random),
        other => {
            cx.report(Diagnostic::at(
                entry.value.place,
                format!("`first`, `last` or `random` is expected here, not `{other}`"),
            ));
            None
        }
    }
}

fn path(text: &str, node: &Node, cx: &Cx<'_>) -> Option<ExtractFrom> {
    match Path::parse(text) {
        Ok(path) => Some(ExtractFrom::Json(path)),
        Err(error) => {
            cx.report(
                Diagnostic::at(node.place, format!("`{text}` is not a JSONPath: {error}"))
                    .hint("for example `$.price`, `$.items[0].id`, `$['a b']` or `$.items[*].id`"),
            );
            None
        }
    }
}
