//! `extract`: what is taken out of a response. Which variables that gives to the users of a class is found in `own.rs`.

use super::cx::Cx;
use super::eval::Scope;
use super::own;
use super::rules;
use super::scalars::expected;
use super::schema::{Fields, Schema, listed};
use super::settings::is_token;
use crate::diagnostics::Diagnostic;
use crate::extract::{ExtractFrom, ExtractPlan, Take};
use crate::json::Path;
use crate::page::Css;
use crate::plan::Place;
use crate::tree::{Entry, Kind, Node};

const EXTRACT: Schema = Schema {
    what: "an `extract`",
    keys: &["json", "regex", "css", "attr", "header", "cookie", "all", "pick", "default"],
};
const SOURCES: [&str; 5] = ["json", "regex", "css", "header", "cookie"];
const EXAMPLE: &str = "for example `price: $.price`, `{regex: 'order-(\\d+)'}`, `{css: \"input[name=csrf]\", attr: value}`, \
                       `{header: location}` or `{cookie: session}`";

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
        check_attr(entries, cx);
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
    path_at(&text, node.place, cx).map(ExtractFrom::Json)
}

/// `attr` says what is taken of the elements that `css` finds.
fn check_attr(entries: &[Entry], cx: &Cx<'_>) {
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    if let (Some(attr), None) = (find("attr"), find("css")) {
        cx.report(
            Diagnostic::at(attr.key_place, "`attr` is an attribute of what `css` finds")
                .hint("for example `{css: \"input[name=csrf]\", attr: value}`"),
        );
    }
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
        "json" => {
            let text = scope.text(node, "a JSONPath such as `$.items[*].id`", cx)?;
            path_at(&text, node.place, cx).map(ExtractFrom::Json)
        }
        "css" => css(node, entries.iter().find(|entry| entry.key == "attr"), scope, cx),
        "regex" => {
            let text = scope.text(node, "a regular expression such as 'order-(\\d+)'", cx)?;
            rules::regex(&text, node, cx).map(ExtractFrom::Regex)
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

fn css(node: &Node, attr: Option<&Entry>, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<ExtractFrom> {
    let text = scope.text(node, "a CSS selector such as `input[name=csrf]`", cx);
    let attr = match attr {
        Some(entry) => Some(scope.text(&entry.value, "the name of an attribute such as `value`", cx)?),
        None => None,
    };
    let text = text?;
    let css = Css::parse(&text, attr.as_deref());
    if css.is_none() {
        let problem = Diagnostic::at(node.place, format!("`{text}` is not a CSS selector"));
        cx.report(problem.hint(if text.contains("::") {
            "the text of the element is taken anyhow, and an attribute of it with `attr: href` beside `css`"
        } else {
            "for example `input[name=csrf]`, `a.next`, `#total` or `ul > li`"
        }));
    }
    css.map(ExtractFrom::Css)
}

/// A JSONPath; `None` after a report.
pub(super) fn path_at(text: &str, place: Place, cx: &Cx<'_>) -> Option<Path> {
    if !text.starts_with('$') {
        let problem = Diagnostic::at(place, format!("`{text}` is not a JSONPath, which begins with `$`"));
        let is_name = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']'));
        cx.report(problem.hint(if is_name {
            format!("did you mean `$.{text}`?")
        } else {
            "for example `$.price`, `$.items[0].id`, `$['a b']` or `$.items[*].id`".to_owned()
        }));
        return None;
    }
    match Path::parse(text) {
        Ok(path) => Some(path),
        Err(error) => {
            cx.report(
                Diagnostic::at(place, format!("`{text}` is not a JSONPath: {error}"))
                    .hint("for example `$.price`, `$.items[0].id`, `$['a b']` or `$.items[*].id`"),
            );
            None
        }
    }
}
