//! `expect`: when a response counts as ok.

use regex::bytes::Regex;

use super::cx::Cx;
use super::eval::Scope;
use super::scalars::expected;
use super::schema::{Schema, listed};
use crate::diagnostics::{Diagnostic, closest};
use crate::expression::hidden;
use crate::matcher::{Matcher, Order, Rule, Test};
use crate::plan::Expect;
use crate::tree::{Entry, Kind, Node};
use crate::units;
use crate::value::Value;

const EXPECT: Schema =
    Schema { what: "`expect`", keys: &["status", "body", "time"], later: &["header", "json", "size"] };
const RULES: [&str; 10] = ["eq", "ne", "gt", "ge", "lt", "le", "contains", "matches", "exists", "not"];

/// What a rule is about: how its numbers are written.
#[derive(Clone, Copy)]
struct Subject {
    name: &'static str,
    in_ms: bool,
}

/// 2xx and 3xx, and nothing about the rest.
pub(super) fn default_expect() -> Expect {
    Expect { status: vec![(200, 299), (300, 399)], body: None, time_ms: None }
}

/// Puts an `expect` on top of another, key by key; null removes a rule.
pub(super) fn apply(expect: &mut Expect, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
    let scope = &Scope { user: false, ..*scope };
    let Some(fields) = EXPECT.open(node, cx) else { return };
    if let Some(node) = fields.get("status")
        && let Some(status) = read_status(node, scope, cx)
    {
        expect.status = status;
    }
    if let Some(node) = fields.get("body") {
        put(&mut expect.body, node, Subject { name: "body", in_ms: false }, scope, cx);
    }
    if let Some(node) = fields.get("time") {
        put(&mut expect.time_ms, node, Subject { name: "time", in_ms: true }, scope, cx);
    }
}

/// Replaces a matcher, or removes it where the file says null; one that cannot be read leaves it as it was.
fn put(matcher: &mut Option<Matcher>, node: &Node, subject: Subject, scope: &Scope<'_>, cx: &Cx<'_>) {
    if node.is_null() {
        *matcher = None;
    } else if let Some(read) = read_matcher(node, subject, scope, cx) {
        *matcher = Some(read);
    }
}

fn read_status(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Vec<(u16, u16)>> {
    if node.is_null() {
        return Some(vec![(100, 599)]);
    }
    let items = match &node.kind {
        Kind::List(items) if items.is_empty() => {
            cx.report(
                Diagnostic::at(node.place, "an empty list of statuses allows no response at all")
                    .hint("`status: null` allows every one"),
            );
            return None;
        }
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let read: Vec<Option<(u16, u16)>> = items.iter().map(|item| read_pattern(item, scope, cx)).collect();
    read.into_iter().collect()
}

fn read_pattern(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(u16, u16)> {
    let text = scope.setting(node, "a status such as `200` or `2xx`", cx)?;
    let lower = text.trim().to_ascii_lowercase();
    if let Some(class) = lower.strip_suffix("xx")
        && let Ok(class @ 1..=5) = class.parse::<u16>()
    {
        return Some((class * 100, class * 100 + 99));
    }
    if let Ok(status @ 100..=599) = lower.parse::<u16>() {
        return Some((status, status));
    }
    cx.report(
        Diagnostic::at(node.place, format!("`{text}` is not a status"))
            .hint("write a number from 100 to 599 or a class such as `2xx`; several as a list: `[200, 3xx]`"),
    );
    None
}

/// The rules for a subject; `None` after a report.
fn read_matcher(node: &Node, subject: Subject, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Matcher> {
    let rules = match &node.kind {
        Kind::Map(entries) => {
            let read: Vec<Option<(String, Test)>> =
                entries.iter().map(|entry| read_rule(entry, subject, scope, cx)).collect();
            if entries.is_empty() {
                cx.report(expected(node, &format!("a rule such as {}", example(subject)), "an empty map"));
                return None;
            }
            read.into_iter().collect::<Option<Vec<_>>>()?
        }
        Kind::List(_) => {
            cx.report(
                expected(node, "a value or a map of rules", "a list")
                    .hint(format!("for example {}", example(subject))),
            );
            return None;
        }
        Kind::Scalar(_) => vec![read_operand("eq", node, subject, scope, cx)?],
    };
    let label = |text: String| format!("{}: {text}", subject.name);
    Some(Matcher::new(rules.into_iter().map(|(text, test)| Rule { label: label(text), test }).collect()))
}

fn example(subject: Subject) -> String {
    let rule = if subject.in_ms { "{lt: 500ms}" } else { "{contains: ok}" };
    format!("`{}: {rule}`", subject.name)
}

fn read_rule(entry: &Entry, subject: Subject, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(String, Test)> {
    let key = entry.key.as_str();
    if !RULES.contains(&key) {
        let problem = Diagnostic::at(entry.key_place, format!("unknown rule `{key}`"));
        cx.report(match closest(key, RULES) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("the rules are {}", listed(&RULES))),
        });
        return None;
    }
    if key != "not" {
        return read_operand(key, &entry.value, subject, scope, cx);
    }
    let inner = match &entry.value.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            let read: Vec<Option<(String, Test)>> =
                entries.iter().map(|entry| read_rule(entry, subject, scope, cx)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()?
        }
        _ => vec![read_operand("eq", &entry.value, subject, scope, cx)?],
    };
    let (labels, tests): (Vec<String>, Vec<Test>) = inner.into_iter().unzip();
    Some((format!("not {}", labels.join(" and ")), Test::Not(tests)))
}

fn read_operand(
    rule: &str,
    node: &Node,
    subject: Subject,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<(String, Test)> {
    if rule == "exists" {
        let wanted = scope.boolean(node, cx)?;
        return Some((format!("exists {wanted}"), Test::Exists(wanted)));
    }
    if subject.in_ms {
        return read_time(rule, node, scope, cx);
    }
    let (value, secret) = scope.known_or_secret(node, cx)?;
    let shown = match &secret {
        Some(name) => format!("{rule} {}", hidden(name)),
        None => format!("{rule} {}", value.to_json()),
    };
    let order = |order| match value {
        Value::Int(number) => Some(Test::Order(order, number as f64)),
        Value::Float(number) => Some(Test::Order(order, number)),
        _ => {
            cx.report(expected(node, "a number", node.found()));
            None
        }
    };
    let test = match (rule, &value) {
        (_, Value::List(_) | Value::Map(_) | Value::Null) => {
            cx.report(expected(node, "text or a number", value.found()));
            return None;
        }
        ("ne", value) => Test::Not(vec![Test::Eq(value.clone())]),
        ("gt", _) => order(Order::Gt)?,
        ("ge", _) => order(Order::Ge)?,
        ("lt", _) => order(Order::Lt)?,
        ("le", _) => order(Order::Le)?,
        ("contains", value) => Test::Matches(regex(&regex::escape(&value.to_plain()), node, cx)?),
        ("matches", value) => Test::Matches(regex(&value.to_plain(), node, cx)?),
        (_, value) => Test::Eq(value.clone()),
    };
    Some((shown, test))
}

fn read_time(rule: &str, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(String, Test)> {
    if matches!(rule, "contains" | "matches") {
        cx.report(
            Diagnostic::at(node.place, format!("a time cannot be asked for `{rule}`"))
                .hint("for example `time: {lt: 500ms}`"),
        );
        return None;
    }
    let duration = scope.duration(node, cx)?;
    let ms = duration.as_secs_f64() * 1_000.0;
    let test = match rule {
        "gt" => Test::Order(Order::Gt, ms),
        "ge" => Test::Order(Order::Ge, ms),
        "lt" => Test::Order(Order::Lt, ms),
        "le" => Test::Order(Order::Le, ms),
        "ne" => Test::Not(vec![Test::Eq(Value::Float(ms))]),
        _ => Test::Eq(Value::Float(ms)),
    };
    Some((format!("{rule} {}", units::show_duration(duration)), test))
}

pub(super) fn regex(text: &str, node: &Node, cx: &Cx<'_>) -> Option<Regex> {
    match Regex::new(text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            // The last line of a syntax error is its reason; the lines before draw the place, which we do ourselves.
            let reason =
                error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            cx.report(
                Diagnostic::at(node.place, format!("this is not a regular expression: {reason}"))
                    .hint("regular expressions go in single quotes: 'order-(\\d+)'"),
            );
            None
        }
    }
}
