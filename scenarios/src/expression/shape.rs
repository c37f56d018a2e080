//! A load's shape: an expression of the time.

use super::EvaluateError;
use super::arithmetic::fraction;
use super::evaluate::Scene;
use super::node::Node;
use crate::value::Value;

/// An expression of `t` and of what is known when the file is read.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeExpression(Node);

impl ShapeExpression {
    pub(crate) fn new(node: Node) -> Self {
        Self(node)
    }

    /// What it is at `t` seconds; finite.
    ///
    /// # Errors
    /// When it cannot be computed there, or is no number.
    pub fn evaluate(&self, t: f64) -> Result<f64, EvaluateError> {
        let value = self.0.value(&mut Scene::bare(t))?;
        match &*value {
            Value::Bool(_) => None,
            other => fraction(other),
        }
        .ok_or_else(|| EvaluateError::cannot(format!("a load is a number, and this is {}", value.found())))
    }
}
