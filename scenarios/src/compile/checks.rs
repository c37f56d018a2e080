//! Calculating and comparing with a value that is known to be text: a mistake that would otherwise show up only while the test
//! runs, or never, as `'9' < '10'` is false.

use super::cx::Cx;
use crate::expression::{Comparison, Node, Operator};
use crate::template::ValueSource;
use crate::value::Value;

/// What is wrong, and a hint.
type Problem = Option<(String, String)>;

/// Whether it is always a text.
pub(super) fn is_text(node: &Node, cx: &Cx<'_>) -> bool {
    match node {
        Node::Known(value) | Node::Secret { value, .. } => matches!(value, Value::Text(_)),
        Node::Source(ValueSource::Variable { name, .. }) => cx.is_text(name),
        Node::Source(ValueSource::Row(cell)) => cell.is_text,
        Node::Source(ValueSource::UserClass | ValueSource::Base64(_))
        | Node::Header(_)
        | Node::File(_)
        | Node::Worker
        | Node::Calculate(Operator::Join, _) => true,
        Node::Response(part) => part.is_text(),
        Node::Call(function, _) => function.gives_text(),
        Node::Filter(name, _) => matches!(
            *name,
            "upper"
                | "lower"
                | "title"
                | "capitalize"
                | "trim"
                | "replace"
                | "string"
                | "join"
                | "format"
                | "tojson"
        ),
        Node::Choose { then, otherwise: Some(otherwise), .. } => is_text(then, cx) && is_text(otherwise, cx),
        _ => false,
    }
}

fn is_literal(node: &Node) -> bool {
    matches!(node, Node::Known(Value::Text(_)))
}

/// How a message calls it.
fn called(node: &Node) -> String {
    match node {
        Node::Source(ValueSource::Variable { name, .. }) => format!("`{name}`"),
        Node::Source(ValueSource::Row(cell)) => format!("`{}`", cell.name),
        Node::Source(ValueSource::UserClass) => "`user.class`".to_owned(),
        Node::Header(_) => "a header".to_owned(),
        Node::Known(Value::Text(text)) if text.chars().count() <= 20 => format!("'{text}'"),
        _ => "this".to_owned(),
    }
}

fn number_hint(node: &Node) -> String {
    let name = match node {
        Node::Source(ValueSource::Variable { name, .. }) => name,
        Node::Source(ValueSource::Row(cell)) => &cell.name,
        _ => "…",
    };
    let types = "; `data` makes numbers of a column with `types`";
    format!("write `{name} | int` or `{name} | float` to make a number of it{types}")
}

pub(super) fn negate(of: &Node, cx: &Cx<'_>) -> Problem {
    is_text(of, cx).then(|| (format!("{} is text, and `-` needs a number", called(of)), number_hint(of)))
}

pub(super) fn calculate(operator: Operator, left: &Node, right: &Node, cx: &Cx<'_>) -> Problem {
    let text = [left, right].into_iter().find(|node| is_text(node, cx))?;
    let repeats = operator == Operator::Multiply && (is_literal(left) || is_literal(right));
    if repeats {
        return None;
    }
    let message = format!("{} is text, and this calculates with it", called(text));
    Some(match operator {
        Operator::Add => (message, format!("texts are joined with `~`; {}", number_hint(text))),
        _ => (message, number_hint(text)),
    })
}

pub(super) fn compare(comparison: Comparison, left: &Node, right: &Node, cx: &Cx<'_>) -> Problem {
    let text = [left, right].into_iter().find(|node| is_text(node, cx) && !is_literal(node))?;
    let other = if std::ptr::eq(text, left) { right } else { left };
    let number = matches!(other, Node::Known(Value::Int(_) | Value::Float(_)));
    if comparison.is_order() && !is_literal(other) {
        let message = format!("{} is text, and this compares it like a number", called(text));
        return Some((message, number_hint(text)));
    }
    if number && matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return Some((format!("{} is text, and never equal to a number", called(text)), number_hint(text)));
    }
    None
}
