//! Parts of values: members of a map, items of a list, slices of lists and texts.

use std::borrow::Cow;

use super::EvaluateError;
use crate::value::Value;

/// `value.name`.
pub(super) fn attribute<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => None,
    }
}

/// `value[key]`; a number counts from the end if it is negative.
pub(super) fn item<'v>(value: &'v Value, key: &Value) -> Result<Option<Cow<'v, Value>>, EvaluateError> {
    match (value, key) {
        (Value::Map(_), Value::Text(name)) => Ok(attribute(value, name).map(Cow::Borrowed)),
        (Value::List(items), key) => {
            Ok(position(items.len(), whole(key)?).and_then(|at| items.get(at)).map(Cow::Borrowed))
        }
        (Value::Text(text), key) => {
            let key = whole(key)?;
            let length = if key < 0 { text.chars().count() } else { usize::MAX };
            let sign = position(length, key).and_then(|at| text.chars().nth(at));
            Ok(sign.map(|sign| Cow::Owned(Value::Text(sign.to_string()))))
        }
        (Value::Map(_), key) => {
            Err(EvaluateError::cannot(format!("a key of a map is text, not {}", key.found())))
        }
        (other, _) => Err(EvaluateError::cannot(format!("{} has no items", other.found()))),
    }
}

fn position(length: usize, index: i64) -> Option<usize> {
    if index >= 0 {
        return usize::try_from(index).ok();
    }
    length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
}

/// A whole number; a fraction without a rest is one.
pub(super) fn whole(value: &Value) -> Result<i64, EvaluateError> {
    match value {
        Value::Int(number) => Ok(*number),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(*number as i64),
        other => Err(EvaluateError::cannot(match other {
            Value::Float(_) => "a whole number is needed here, not a fraction".to_owned(),
            other => format!("a whole number is needed here, not {}", other.found()),
        })),
    }
}

/// `value[from:to:step]`, as Python does it.
pub(super) fn slice(
    value: &Value,
    from: Option<i64>,
    to: Option<i64>,
    step: Option<i64>,
) -> Result<Value, EvaluateError> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(EvaluateError::cannot("a slice cannot go in steps of 0"));
    }
    match value {
        Value::List(items) => {
            Ok(Value::List(positions(items.len(), from, to, step).map(|at| items[at].clone()).collect()))
        }
        Value::Text(text) => {
            let signs: Vec<char> = text.chars().collect();
            Ok(Value::Text(positions(signs.len(), from, to, step).map(|at| signs[at]).collect()))
        }
        other => Err(EvaluateError::cannot(format!("{} has no parts", other.found()))),
    }
}

/// The indices of a slice, each below `length`.
fn positions(length: usize, from: Option<i64>, to: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |index: i64| {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        index.clamp(lowest, highest)
    };
    let from = from.map_or(if step > 0 { lowest } else { highest }, clamp);
    let to = to.map_or(if step > 0 { highest } else { lowest }, clamp);
    let ahead = move |at: i64| if step > 0 { at < to } else { at > to };
    std::iter::successors(Some(from), move |at| at.checked_add(step))
        .take_while(move |at| ahead(*at))
        .filter_map(|at| usize::try_from(at).ok())
}
