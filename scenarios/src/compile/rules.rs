//! The rules of an `expect`: `eq ne gt ge lt le contains matches exists not`, for each thing that they can be about.
//!
//! A plain value is a rule of its own: equal. What is compared with may have `${…}` in it; then it is computed for each response.

use regex::bytes::Regex;

use super::cx::Cx;
use super::eval::Scope;
use super::scalars::expected;
use super::schema::listed;
use super::values;
use crate::diagnostics::{Diagnostic, closest};
use crate::expression::Expression;
use crate::matcher::{Matcher, Operand, Order, Rule, Test};
use crate::tree::{Entry, Kind, Node};
use crate::units;
use crate::value::Value;

const RULES: [&str; 10] = ["eq", "ne", "gt", "ge", "lt", "le", "contains", "matches", "exists", "not"];

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Body,
    Header,
    Json,
    /// Its numbers are milliseconds, written as durations.
    Time,
    /// Its numbers are bytes, written as sizes.
    Size,
}

/// A part of a response.
#[derive(Clone, Copy)]
pub(super) struct Subject<'s> {
    pub(super) about: About,
    /// As a failure names it: `time`, `json $.stock`.
    pub(super) name: &'s str,
}

/// The rules for a part of a response; `None` after a report.
pub(super) fn read_matcher(
    node: &Node,
    subject: Subject<'_>,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<Matcher> {
    let rules = match &node.kind {
        Kind::Map(entries) if entries.is_empty() => {
            cx.report(expected(
                node,
                &format!("a rule such as `{}`", example(subject.about)),
                "an empty map",
            ));
            return None;
        }
        Kind::Map(entries) => {
            let read: Vec<Option<(String, Test)>> =
                entries.iter().map(|entry| read_rule(entry, subject.about, scope, cx)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()?
        }
        Kind::List(_) if subject.about != About::Json => {
            cx.report(
                expected(node, "a value or a map of rules", "a list")
                    .hint(format!("for example `{}`", example(subject.about))),
            );
            return None;
        }
        Kind::List(_) | Kind::Scalar(_) => vec![read_operand("eq", node, subject.about, scope, cx)?],
    };
    let label = |text: String| format!("{}: {text}", subject.name);
    Some(Matcher::new(rules.into_iter().map(|(text, test)| Rule { label: label(text), test }).collect()))
}

fn example(about: About) -> &'static str {
    match about {
        About::Body => "body: {contains: ok}",
        About::Header => "header: {content-type: {contains: json}}",
        About::Json => "json: {$.stock: {gt: 0}}",
        About::Time => "time: {lt: 500ms}",
        About::Size => "size: {lt: 1MB}",
    }
}

fn read_rule(entry: &Entry, about: About, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(String, Test)> {
    let key = entry.key.as_str();
    if !RULES.contains(&key) {
        cx.report(unknown_rule(entry, about));
        return None;
    }
    if key != "not" {
        return read_operand(key, &entry.value, about, scope, cx);
    }
    let inner = match &entry.value.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            let read: Vec<Option<(String, Test)>> =
                entries.iter().map(|entry| read_rule(entry, about, scope, cx)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()?
        }
        _ => vec![read_operand("eq", &entry.value, about, scope, cx)?],
    };
    let (labels, tests): (Vec<String>, Vec<Test>) = inner.into_iter().unzip();
    Some((format!("not {}", labels.join(" and ")), Test::Not(tests)))
}

fn unknown_rule(entry: &Entry, about: About) -> Diagnostic {
    let problem = Diagnostic::at(entry.key_place, format!("unknown rule `{}`", entry.key));
    let sign = ["==", "=", "!=", ">", ">=", "<", "<="].iter().position(|sign| *sign == entry.key);
    let meant =
        sign.map(|at| ["eq", "eq", "ne", "gt", "ge", "lt", "le"][at]).or_else(|| closest(&entry.key, RULES));
    match meant {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None if about == About::Json => problem
            .hint(format!("the rules are {}; a whole map is compared with `{{eq: {{…}}}}`", listed(&RULES))),
        None => problem.hint(format!("the rules are {}", listed(&RULES))),
    }
}

fn read_operand(
    rule: &str,
    node: &Node,
    about: About,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<(String, Test)> {
    let fixed = Scope { user: false, ..*scope };
    if rule == "exists" {
        let wanted = fixed.boolean(node, cx)?;
        return Some((format!("exists {wanted}"), Test::Exists(wanted)));
    }
    if matches!(about, About::Time | About::Size) {
        return read_amount(rule, node, about, &fixed, cx);
    }
    if rule == "matches" {
        let text = fixed.setting(node, "a regular expression such as '^ok'", cx)?;
        let shown = written(node).map_or_else(|| Value::Text(text.clone()).to_json(), str::to_owned);
        return Some((format!("matches {shown}"), Test::Matches(regex(&text, node, cx)?)));
    }
    let operand = operand(node, scope, cx)?;
    check_operand(rule, &operand, node, about, cx)?;
    let shown = match (&operand, written(node)) {
        (_, Some(text)) => text.to_owned(),
        (Operand::Known(value), None) => value.to_json(),
        (Operand::Later(_), None) => "a value".to_owned(),
    };
    let test = match rule {
        "ne" => Test::Not(vec![Test::Eq(operand)]),
        "gt" => Test::Order(Order::Gt, operand),
        "ge" => Test::Order(Order::Ge, operand),
        "lt" => Test::Order(Order::Lt, operand),
        "le" => Test::Order(Order::Le, operand),
        "contains" => Test::Contains(operand),
        _ => Test::Eq(operand),
    };
    Some((format!("{rule} {shown}"), test))
}

/// A text with `${…}` in it: it is shown as it is written, since its value may be secret, and a row for each would be too many.
fn written(node: &Node) -> Option<&str> {
    node.text().filter(|text| text.contains("${"))
}

/// What to compare with; `None` after a report.
fn operand(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Operand> {
    Some(match values::read(node, scope, cx)? {
        Expression::Known(value) => Operand::Known(value),
        later => Operand::Later(later),
    })
}

/// Whether a rule can compare with this at all; `None` after a report.
fn check_operand(rule: &str, operand: &Operand, node: &Node, about: About, cx: &Cx<'_>) -> Option<()> {
    let value = match operand {
        Operand::Later(Expression::Text(_)) if is_order(rule) => {
            cx.report(
                expected(node, "a number", "text")
                    .hint("a value that is a number stands alone: `{gt: \"${price}\"}`"),
            );
            return None;
        }
        Operand::Later(_) => return Some(()),
        Operand::Known(value) => value,
    };
    let what = match (rule, value) {
        (rule, Value::Int(_) | Value::Float(_)) if is_order(rule) => return Some(()),
        (rule, _) if is_order(rule) => "a number",
        ("eq" | "ne", _) if about == About::Json => return Some(()),
        (_, Value::List(_) | Value::Map(_) | Value::Null) => "text or a number",
        _ => return Some(()),
    };
    cx.report(expected(node, what, value.found()));
    None
}

fn is_order(rule: &str) -> bool {
    matches!(rule, "gt" | "ge" | "lt" | "le")
}

/// A time in milliseconds or a size in bytes.
fn read_amount(
    rule: &str,
    node: &Node,
    about: About,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<(String, Test)> {
    let what = if about == About::Time { "a time" } else { "a size" };
    if matches!(rule, "contains" | "matches") {
        cx.report(
            Diagnostic::at(node.place, format!("{what} cannot be asked for `{rule}`"))
                .hint(format!("for example `{}`", example(about))),
        );
        return None;
    }
    let (amount, shown) = if about == About::Time {
        let duration = scope.duration(node, cx)?;
        (duration.as_secs_f64() * 1_000.0, units::show_duration(duration))
    } else {
        (scope.size(node, cx)? as f64, node.text().unwrap_or_default().trim().to_owned())
    };
    let limit = Operand::Known(Value::Float(amount));
    let test = match rule {
        "gt" => Test::Order(Order::Gt, limit),
        "ge" => Test::Order(Order::Ge, limit),
        "lt" => Test::Order(Order::Lt, limit),
        "le" => Test::Order(Order::Le, limit),
        "ne" => Test::Not(vec![Test::Eq(limit)]),
        _ => Test::Eq(limit),
    };
    Some((format!("{rule} {shown}"), test))
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
