//! Values that variables are set to: what is written there, with everything computed that stands in it.

use super::bodies;
use super::cx::Cx;
use super::eval::Scope;
use super::texts::{self, Piece};
use crate::expression::Expression;
use crate::template::{Encoding, Template};
use crate::tree::{Kind, Node};
use crate::value::Value;

/// A value; a text that is nothing but one `${…}` keeps its type. `None` after a report.
pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Expression> {
    let Kind::Scalar(scalar) = &node.kind else {
        if !has_expressions(node) {
            return scope.known(node, cx).map(Expression::Known);
        }
        let mut content = Template::default();
        return bodies::json(node, &mut content, scope, cx).then_some(Expression::Json(content));
    };
    if !scalar.text.contains("${") {
        return scope.known(node, cx).map(Expression::Known);
    }
    let pieces = scope.pieces(&scalar.text, node.place, cx)?;
    Some(match pieces.as_slice() {
        [Piece::Computed(evaluated, _)] => evaluated.clone().into_expression(),
        pieces => {
            let text = texts::assemble(pieces, Encoding::Raw);
            match text.as_static() {
                Some(known) if !text.is_secret() => Expression::Known(Value::Text(known.to_owned())),
                _ => Expression::Text(text),
            }
        }
    })
}

fn has_expressions(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.contains("${"),
        Kind::List(items) => items.iter().any(has_expressions),
        Kind::Map(entries) => entries.iter().any(|entry| has_expressions(&entry.value)),
    }
}
