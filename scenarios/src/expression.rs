//! An expression of the scenario language, compiled: what stands between `${` and `}`, or bare behind `if`, `while`, `in` and the
//! like.
//!
//! A plain variable is a slot read. How the text is read is in `compile/`.

use thiserror::Error;

use crate::template::{Encoding, RenderContext, Segment, Template, ValueSource};
use crate::value::Value;
use crate::variables::VariableId;

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

/// Why an expression has no value: a division by zero, a wrong type. Becomes a failure of kind `template`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EvaluateError(pub String);

impl Expression {
    /// Its value now.
    pub fn evaluate(&self, cx: &mut RenderContext<'_>) -> Result<Value, EvaluateError> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Source(ValueSource::Variable { id, name }) => {
                cx.variables.value(*id).ok_or_else(|| EvaluateError(format!("`{name}` has no value")))
            }
            Self::Source(source) => {
                let text = text_of(source);
                let mut out = String::new();
                text.render_into(&mut out, cx);
                Ok(crate::tree::resolve_plain(&out))
            }
            Self::Text(template) => {
                let mut out = String::new();
                template.render_into(&mut out, cx);
                Ok(Value::Text(out))
            }
            Self::Json(template) => {
                let mut out = String::new();
                template.render_into(&mut out, cx);
                Ok(crate::json::value_of(&out))
            }
        }
    }

    /// Adds the user's variables that it needs to `list`, with their names.
    pub fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        match self {
            Self::Known(_) => {}
            Self::Source(source) => {
                text_of(source).add_variables(list);
            }
            Self::Text(template) | Self::Json(template) => template.add_variables(list),
        }
    }
}

fn text_of(source: &ValueSource) -> Template {
    Template::from(Segment::Value { source: source.clone(), encoding: Encoding::Raw })
}
