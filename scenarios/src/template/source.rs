//! Where the values of a template come from, one by one: written into a text, or as values to compute with.

use std::borrow::Cow;
use std::fmt::Write;

use super::{Encoding, RenderContext, ValueSource, encode_base64};
use crate::data::Cell;
use crate::expression::EvaluateError;
use crate::value::Value;
use crate::variables::VariableId;

impl ValueSource {
    /// Appends its value as a place needs it; nothing for a variable without one.
    pub(super) fn render_into(
        &self,
        encoding: Encoding,
        out: &mut String,
        cx: &mut RenderContext<'_>,
    ) -> Result<(), EvaluateError> {
        // Digits and a minus sign are the same in every encoding, and writing to a String cannot fail.
        let _ = match self {
            Self::UserId => write!(out, "{}", cx.user_id),
            Self::UserLife => write!(out, "{}", cx.life),
            Self::Iteration => write!(out, "{}", cx.iteration),
            Self::RandomInt { lo, hi } => write!(out, "{}", cx.draw.int(*lo, *hi)),
            Self::UserClass => {
                encoding.write_text(cx.class, out);
                Ok(())
            }
            Self::Variable { id, .. } => {
                cx.variables.render(*id, encoding, out);
                Ok(())
            }
            Self::Row(cell) => {
                if !cx.rows.write(cell, encoding, out) {
                    return Err(EvaluateError::Missing(cell.name.clone()));
                }
                Ok(())
            }
            Self::Base64(inner) => {
                let mut text = String::new();
                inner.render_into(&mut text, cx)?;
                let mut encoded = String::new();
                encode_base64(text.as_bytes(), &mut encoded);
                encoding.write_text(&encoded, out);
                Ok(())
            }
            Self::Computed(computed) => {
                encoding.write_value(&*computed.look(cx)?, out);
                Ok(())
            }
        };
        Ok(())
    }

    /// Its value, to compute with.
    pub(crate) fn value(&self, cx: &mut RenderContext<'_>) -> Result<Value, EvaluateError> {
        let whole = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        Ok(match self {
            Self::UserId => whole(cx.user_id),
            Self::UserLife => Value::Int(i64::from(cx.life)),
            Self::Iteration => whole(cx.iteration),
            Self::RandomInt { lo, hi } => Value::Int(cx.draw.int(*lo, *hi)),
            Self::UserClass => Value::Text(cx.class.to_owned()),
            Self::Variable { id, name } => {
                return cx.variables.value(*id).ok_or_else(|| {
                    if cx.variables.is_set(*id) {
                        EvaluateError::Cannot(format!("`{name}` is nested too deeply to compute with"))
                    } else {
                        EvaluateError::Missing(name.clone())
                    }
                });
            }
            Self::Row(cell) => return row(cell, cx),
            Self::Base64(_) => {
                let mut out = String::new();
                self.render_into(Encoding::Raw, &mut out, cx)?;
                Value::Text(out)
            }
            Self::Computed(computed) => computed.look(cx).map(Cow::into_owned)?,
        })
    }

    /// Adds the user's variables that it needs in any case.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        match self {
            Self::Variable { id, name } => list.push((*id, name.clone())),
            Self::Base64(inner) => inner.add_variables(list),
            Self::Computed(computed) => computed.add_variables(list),
            _ => {}
        }
    }

    /// Calls `with` for each text its value stands for where a value may be left out or repeated: for null never, for a list
    /// with each of its values but null. Whether it is such a value at all.
    pub(super) fn each(
        &self,
        cx: &mut RenderContext<'_>,
        with: impl FnMut(&str),
    ) -> Result<bool, EvaluateError> {
        match self {
            Self::Variable { id, .. } => cx.variables.each(*id, with),
            Self::Computed(computed) => each_of(&*computed.look(cx)?, with),
            Self::Row(cell) => each_of(&row(cell, cx)?, with),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn row(cell: &Cell, cx: &RenderContext<'_>) -> Result<Value, EvaluateError> {
    cx.rows.value(cell).ok_or_else(|| EvaluateError::Missing(cell.name.clone()))
}

fn each_of(value: &Value, mut with: impl FnMut(&str)) {
    match value {
        Value::Null => {}
        Value::List(items) => {
            items.iter().filter(|item| **item != Value::Null).for_each(|item| with(&item.to_plain()));
        }
        Value::Text(text) => with(text),
        other => with(&other.to_plain()),
    }
}
