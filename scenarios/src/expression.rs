//! An expression of the scenario language, compiled: what stands between `${` and `}`, or bare behind `if`, `while`, `in` and the
//! like.
//!
//! The language is Jinja's, and `minijinja` reads it (`compile/expr.rs`) and has its filters and tests (`filters.rs`). What is
//! read becomes a tree of [`Node`]s in which names are already slots and sources, and that is evaluated here, on our own values:
//! so numbers stay within 64 bits, results within a size, and a draw takes from the generator of the user that evaluates.

mod access;
mod arithmetic;
mod bytes;
mod clock;
mod evaluate;
mod filters;
mod functions;
mod node;
mod shape;

use thiserror::Error;

use crate::template::{RenderContext, Template, ValueSource};
use crate::value::Value;
use crate::variables::VariableId;

pub use node::{Computed, FileText};
pub use shape::ShapeExpression;

pub(crate) use evaluate::Scene;
pub(crate) use filters::{FILTERS, TESTS, known_value};
pub(crate) use functions::Function;
pub(crate) use node::{Arguments, Comparison, Node, Operator, ResponsePart};

/// A longer text, in bytes, is not computed.
pub(crate) const LONGEST_TEXT: usize = 16 << 20;
/// A longer list is not computed.
pub(crate) const LONGEST_LIST: usize = 1_000_000;

/// A compiled expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Known when the file was read.
    Known(Value),
    /// Known for each evaluation.
    Source(ValueSource),
    /// A text with values in it: always a text.
    Text(Template),
    /// A list or a map with values in it, as JSON.
    Json(Template),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvaluateError {
    /// It needs a value that is not there: a variable that nothing has set, a part that a map does not have.
    #[error("`{0}` has no value")]
    Missing(Box<str>),
    /// It cannot be computed: a division by zero, a wrong type. Becomes a failure of kind `template`. Never names a value.
    #[error("{0}")]
    Cannot(String),
}

impl EvaluateError {
    pub(crate) fn cannot(what: impl Into<String>) -> Self {
        Self::Cannot(what.into())
    }
}

impl Expression {
    /// Its value now.
    pub fn evaluate(&self, cx: &mut RenderContext<'_>) -> Result<Value, EvaluateError> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Source(source) => source.value(cx),
            Self::Text(template) => {
                let mut out = String::new();
                template.render_into(&mut out, cx)?;
                Ok(Value::Text(out))
            }
            Self::Json(template) => {
                let mut out = String::new();
                template.render_into(&mut out, cx)?;
                Ok(crate::json::value_of(&out))
            }
        }
    }

    /// Whether it is true now; anything but true and false is an error.
    pub fn evaluate_bool(&self, cx: &mut RenderContext<'_>) -> Result<bool, EvaluateError> {
        let of = |value: &Value| match value {
            Value::Bool(it) => Ok(*it),
            other => Err(EvaluateError::cannot(not_boolean(other))),
        };
        match self {
            Self::Known(value) => of(value),
            Self::Source(ValueSource::Computed(computed)) => of(&*computed.look(cx)?),
            other => of(&other.evaluate(cx)?),
        }
    }

    /// As outputs may show it: what comes from a secret is only named, as `‹name›`.
    pub fn shown(&self, cx: &mut RenderContext<'_>) -> Result<String, EvaluateError> {
        match self {
            Self::Source(ValueSource::Computed(computed)) if computed.secret().is_some() => {
                Ok(hidden(computed.secret().unwrap_or_default()))
            }
            Self::Text(template) | Self::Json(template) => {
                let mut out = String::new();
                template.render_shown_into(&mut out, cx)?;
                Ok(out)
            }
            other => Ok(other.evaluate(cx)?.to_plain()),
        }
    }

    /// Adds the user's variables that it needs in any case to `list`, with their names. What is looked at only sometimes (behind
    /// `and`, in a branch, under `is defined` or `default`) is not among them.
    pub fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        match self {
            Self::Known(_) => {}
            Self::Source(source) => source.add_variables(list),
            Self::Text(template) | Self::Json(template) => template.add_variables(list),
        }
    }
}

/// What is said of a condition that is no condition.
pub(crate) fn not_boolean(value: &Value) -> String {
    let example = match value {
        Value::List(_) | Value::Map(_) => "; write `… | length > 0`",
        Value::Text(_) => "; compare it, as in `… == 'yes'`",
        Value::Int(_) | Value::Float(_) => "; compare it, as in `… > 0`",
        _ => "",
    };
    format!("a condition is true or false, and this is {}{example}", value.found())
}

/// How a secret is shown.
pub(crate) fn hidden(name: &str) -> String {
    format!("‹{name}›")
}
