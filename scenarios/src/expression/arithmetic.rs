//! Operators on values. As in Python: `/` gives a fraction, `//` and `%` go down, `and` looks at what is empty.
//!
//! What Python computes without end ends here: whole numbers have 64 bits, fractions are finite, texts and lists have a largest
//! size. Messages name types, never values.

use std::cmp::Ordering;

use super::node::{Comparison, Operator};
use super::{EvaluateError, LONGEST_LIST, LONGEST_TEXT};
use crate::value::Value;

const NO_HINT: &str = "";
const INT_HINT: &str = "; write `… | int` or `… | float` to make a number of it";

/// A number, as operators see it.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// True counts as 1, as in Python.
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Float(number) => Some(Self::Float(*number)),
            Value::Bool(it) => Some(Self::Int(i64::from(*it))),
            _ => None,
        }
    }

    fn fraction(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// A number as a fraction, if it is one.
pub(super) fn fraction(value: &Value) -> Option<f64> {
    Number::of(value).map(Number::fraction)
}

/// Empty, zero, null and false are not.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(it) => *it,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
    }
}

pub(super) fn negate(value: &Value) -> Result<Value, EvaluateError> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(too_large),
        Value::Float(number) => Ok(Value::Float(-number)),
        _ => Err(EvaluateError::cannot(format!("`-` needs a number, not {}", value.found()))),
    }
}

/// A fraction that a value can be.
pub(super) fn finite(number: f64) -> Result<Value, EvaluateError> {
    if number.is_finite() { Ok(Value::Float(number)) } else { Err(too_large()) }
}

fn too_large() -> EvaluateError {
    EvaluateError::cannot("the result is too large for a number")
}

fn no_zero() -> EvaluateError {
    EvaluateError::cannot("division by zero")
}

pub(super) fn calculate(operator: Operator, left: &Value, right: &Value) -> Result<Value, EvaluateError> {
    if operator == Operator::Join {
        return joined(left, right);
    }
    let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) else {
        return of_others(operator, left, right);
    };
    match (operator, a, b) {
        (Operator::Divide, a, b) => {
            if b.fraction() == 0.0 {
                return Err(no_zero());
            }
            finite(a.fraction() / b.fraction())
        }
        (_, Number::Int(a), Number::Int(b)) => of_ints(operator, a, b),
        (_, a, b) => of_fractions(operator, a.fraction(), b.fraction()),
    }
}

fn of_ints(operator: Operator, a: i64, b: i64) -> Result<Value, EvaluateError> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::FloorDivide | Operator::Remainder if b == 0 => return Err(no_zero()),
        Operator::FloorDivide => a.checked_div(b).map(|quotient| {
            let down = a % b != 0 && (a < 0) != (b < 0);
            quotient - i64::from(down)
        }),
        Operator::Remainder => Some(a.checked_rem(b).map_or(0, |rest| {
            let down = rest != 0 && (rest < 0) != (b < 0);
            if down { rest + b } else { rest }
        })),
        Operator::Power if b < 0 => {
            if a == 0 {
                return Err(no_zero());
            }
            return finite((a as f64).powf(b as f64));
        }
        Operator::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Operator::Divide | Operator::Join => None,
    };
    result.map(Value::Int).ok_or_else(too_large)
}

fn of_fractions(operator: Operator, a: f64, b: f64) -> Result<Value, EvaluateError> {
    finite(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::FloorDivide | Operator::Remainder if b == 0.0 => return Err(no_zero()),
        Operator::FloorDivide => floor_of(a, b).0,
        Operator::Remainder => floor_of(a, b).1,
        Operator::Power if a == 0.0 && b < 0.0 => return Err(no_zero()),
        // A negative number has no fractional power: not a number, which is not finite.
        _ => a.powf(b),
    })
}

/// Quotient and remainder of a division that goes down; the remainder has the sign of `b`. As `float_divmod` of Python's own interpreter.
fn floor_of(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (rest < 0.0) != (b < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// Texts and lists can be put together and repeated.
fn of_others(operator: Operator, left: &Value, right: &Value) -> Result<Value, EvaluateError> {
    match (operator, left, right) {
        (Operator::Add, Value::Text(a), Value::Text(b)) => text_of(a.len() + b.len(), || format!("{a}{b}")),
        (Operator::Add, Value::List(a), Value::List(b)) => {
            fits(a.len() + b.len(), LONGEST_LIST)?;
            Ok(Value::List(a.iter().chain(b).cloned().collect()))
        }
        (Operator::Multiply, Value::Text(text), Value::Int(times))
        | (Operator::Multiply, Value::Int(times), Value::Text(text)) => {
            let times = times_of(*times)?;
            text_of(text.len().saturating_mul(times), || text.repeat(times))
        }
        (Operator::Multiply, Value::List(items), Value::Int(times))
        | (Operator::Multiply, Value::Int(times), Value::List(items)) => {
            let times = times_of(*times)?;
            fits(items.len().saturating_mul(times), LONGEST_LIST)?;
            fits(size(items).saturating_mul(times), LONGEST_TEXT)?;
            let all = std::iter::repeat_n(items, times).flatten().cloned();
            Ok(Value::List(all.collect()))
        }
        _ => {
            let sign = sign(operator);
            let text = matches!(left, Value::Text(_)) || matches!(right, Value::Text(_));
            let hint = if text { INT_HINT } else { NO_HINT };
            let (left, right) = (left.found(), right.found());
            Err(EvaluateError::cannot(format!("`{sign}` does not go with {left} and {right}{hint}")))
        }
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::FloorDivide => "//",
        Operator::Remainder => "%",
        Operator::Power => "**",
        Operator::Join => "~",
    }
}

fn joined(left: &Value, right: &Value) -> Result<Value, EvaluateError> {
    let mut out = left.to_plain();
    right.write_plain(&mut out);
    fits(out.len(), LONGEST_TEXT)?;
    Ok(Value::Text(out))
}

fn times_of(times: i64) -> Result<usize, EvaluateError> {
    usize::try_from(times).map_err(|_| EvaluateError::cannot("nothing can be repeated less than no times"))
}

fn text_of(length: usize, make: impl FnOnce() -> String) -> Result<Value, EvaluateError> {
    fits(length, LONGEST_TEXT)?;
    Ok(Value::Text(make()))
}

/// Whether a result of `length` is still made.
pub(super) fn fits(length: usize, most: usize) -> Result<(), EvaluateError> {
    if length <= most {
        return Ok(());
    }
    Err(EvaluateError::cannot(if most == LONGEST_TEXT {
        format!("the result is longer than {} MiB", LONGEST_TEXT >> 20)
    } else {
        format!("the result has more than {most} items")
    }))
}

/// About the bytes that values take when they are written.
pub(super) fn size(items: &[Value]) -> usize {
    let one = |value: &Value| match value {
        Value::Text(text) => text.len() + 1,
        Value::List(items) => size(items) + 1,
        Value::Map(entries) => entries.iter().fold(1, |sum: usize, (key, value)| {
            sum.saturating_add(key.len()).saturating_add(size(std::slice::from_ref(value)))
        }),
        _ => 1,
    };
    items.iter().map(one).fold(0, usize::saturating_add)
}

pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool, EvaluateError> {
    Ok(match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
        Comparison::Less => order(left, right)?.is_lt(),
        Comparison::LessOrEqual => order(left, right)?.is_le(),
        Comparison::Greater => order(left, right)?.is_gt(),
        Comparison::GreaterOrEqual => order(left, right)?.is_ge(),
    })
}

/// 1 and 1.0 are the same, 1 and '1' are not.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(left, right)| equal(left, right))
        }
        (Value::Map(a), Value::Map(b)) => {
            let find = |key: &str| b.iter().find(|(other, _)| other == key).map(|(_, value)| value);
            a.len() == b.len()
                && a.iter().all(|(key, value)| find(key).is_some_and(|other| equal(value, other)))
        }
        _ => match (Number::of(left), Number::of(right)) {
            (Some(a), Some(b)) => of_numbers(a, b).is_eq(),
            _ => left == right,
        },
    }
}

fn of_numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        // Finite, so there is an order.
        (a, b) => a.fraction().partial_cmp(&b.fraction()).unwrap_or(Ordering::Equal),
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, EvaluateError> {
    let is_boolean = |value: &Value| matches!(value, Value::Bool(_));
    if let (Some(a), Some(b)) = (Number::of(left), Number::of(right))
        && !is_boolean(left)
        && !is_boolean(right)
    {
        return Ok(of_numbers(a, b));
    }
    if let (Value::Text(a), Value::Text(b)) = (left, right) {
        return Ok(a.cmp(b));
    }
    let text = matches!(left, Value::Text(_)) || matches!(right, Value::Text(_));
    let hint = if text { INT_HINT } else { NO_HINT };
    Err(EvaluateError::cannot(format!("{} and {} have no order{hint}", left.found(), right.found())))
}

fn contains(whole: &Value, part: &Value) -> Result<bool, EvaluateError> {
    match (whole, part) {
        (Value::Text(text), Value::Text(part)) => Ok(text.contains(part.as_str())),
        (Value::Text(text), part) => Ok(text.contains(&part.to_plain())),
        (Value::List(items), part) => Ok(items.iter().any(|item| equal(item, part))),
        (Value::Map(entries), Value::Text(key)) => Ok(entries.iter().any(|(known, _)| known == key)),
        (Value::Map(_), _) => Ok(false),
        (other, _) => Err(EvaluateError::cannot(format!("nothing can be `in` {}", other.found()))),
    }
}
