//! Expressions that stand bare: behind `if`, `while`, `until`, `in` and `repeat`. `${ }` around the whole is the same.

use super::cx::Cx;
use super::eval::Scope;
use super::expr;
use super::scalars::expected;
use crate::diagnostics::Diagnostic;
use crate::expression::Expression;
use crate::template::ValueSource;
use crate::tree::{Kind, Node};
use crate::value::Value;

/// An expression; `None` after a report. `what` completes "… is expected here".
pub(super) fn bare(node: &Node, what: &str, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Expression> {
    let Kind::Scalar(scalar) = &node.kind else {
        cx.report(expected(node, what, node.found()));
        return None;
    };
    let text = scalar.text.trim();
    if text.is_empty() {
        cx.report(expected(node, what, "nothing"));
        return None;
    }
    let inside = text.strip_prefix("${").filter(|inside| expr::end_of(inside) == Some(inside.len() - 1));
    let text = inside.map_or(text, |inside| &inside[..inside.len() - 1]);
    Some(scope.evaluate(text, node.place, cx)?.into_expression())
}

/// What is true or false.
pub(super) fn condition(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Expression> {
    let condition = bare(node, "a condition such as `price > 100`", scope, cx)?;
    match &condition {
        Expression::Known(value) if !matches!(value, Value::Bool(_)) => {
            cx.report(no_condition(node, value.found()));
            None
        }
        Expression::Source(ValueSource::Variable { name, .. }) if cx.is_text(name) => {
            cx.report(no_condition(node, "text"));
            None
        }
        _ => Some(condition),
    }
}

fn no_condition(node: &Node, found: &str) -> Diagnostic {
    Diagnostic::at(node.place, format!("a condition is true or false, and this is {found}"))
        .hint("compare it with something: `price > 100`, `state == 'done'`")
}

/// A number of passes.
pub(super) fn count(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Expression> {
    let count = bare(node, "a number of times", scope, cx)?;
    match &count {
        Expression::Known(Value::Int(times)) if *times >= 0 => Some(count),
        Expression::Known(value) => {
            let found = match value {
                Value::Int(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                other => other.found().to_owned(),
            };
            cx.report(expected(node, "a whole number of times", &found));
            None
        }
        _ => Some(count),
    }
}

/// A list, written out or computed.
pub(super) fn list(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Expression> {
    let list = match &node.kind {
        Kind::List(_) => super::values::read(node, scope, cx)?,
        _ => bare(node, "a list such as `ids` or `[a, b]`", scope, cx)?,
    };
    match &list {
        Expression::Known(value) if !matches!(value, Value::List(_)) => {
            cx.report(expected(node, "a list such as `ids` or `[a, b]`", value.found()));
            None
        }
        _ => Some(list),
    }
}
