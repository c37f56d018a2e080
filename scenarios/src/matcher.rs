//! What a part of a response must satisfy, as the rules of an `expect`: `{lt: 500ms}`, `{contains: error}`, `{not: {…}}`.
//!
//! A rule that does not hold answers with its own text, never with the response's: the answer becomes a row of the statistics,
//! and there must not be one for each request. Where the parts come from is `expect.rs`.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use regex::bytes::Regex;

use crate::expression::Expression;
use crate::template::RenderContext;
use crate::value::Value;
use crate::variables::VariableId;

/// Rules that must all hold.
#[derive(Debug, Clone)]
pub struct Matcher {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone)]
pub(crate) struct Rule {
    /// What is said when it does not hold, as the file has it: `time: lt 500ms`.
    pub(crate) label: String,
    /// What must hold.
    pub(crate) test: Test,
}

impl fmt::Debug for Rule {
    /// As it is said: what it compares with may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.label).finish()
    }
}

/// What a rule asks.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Equal to a value.
    Eq(Operand),
    /// A number in this relation to another.
    Order(Order, Operand),
    /// Text that has this in it, a list with such an item, a map with such a key.
    Contains(Operand),
    /// Text in which the expression is found.
    Matches(Regex),
    /// There is something at all, or nothing.
    Exists(bool),
    /// These do not all hold.
    Not(Vec<Test>),
}

/// What is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    /// Known when the file was read.
    Known(Value),
    /// Computed for each response.
    Later(Expression),
}

/// A relation of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Gt,
    Ge,
    Lt,
    Le,
}

/// The part of a response that a rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'s> {
    /// It is not there.
    Nothing,
    /// A time or a size.
    Number(f64),
    /// A body: without a byte it does not exist.
    Body(&'s [u8]),
    /// A header, which may be empty.
    Text(&'s [u8]),
    /// A value in a JSON body.
    Json(&'s Value),
}

/// Why a part of a response is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Broken<'m> {
    /// This rule does not hold.
    Rule(&'m str),
    /// What to compare with could not be computed, and why.
    Computing(String),
}

/// What values of the user are read from. Without it everything must have been known beforehand.
pub(crate) type Around<'c, 'u> = Option<&'c mut RenderContext<'u>>;

impl Matcher {
    /// Rules that must all hold.
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The first of the rules, for a message about all of them.
    pub(crate) fn label(&self) -> &str {
        self.rules.first().map_or("", |rule| rule.label.as_str())
    }

    /// Its rules in short, as they are said when they do not hold.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.label.as_str())
    }

    /// Checks a part of a response. The error is the first rule that does not hold.
    pub(crate) fn check(&self, seen: Seen<'_>, around: &mut Around<'_, '_>) -> Result<(), Broken<'_>> {
        for rule in &self.rules {
            if !rule.test.holds(seen, around).map_err(Broken::Computing)? {
                return Err(Broken::Rule(&rule.label));
            }
        }
        Ok(())
    }

    /// Adds the user's variables that it compares with to `list`, with their names.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        for rule in &self.rules {
            rule.test.add_variables(list);
        }
    }

    /// Whether all it compares with was known when the file was read.
    pub(crate) fn is_known(&self) -> bool {
        self.rules.iter().all(|rule| rule.test.is_known())
    }
}

impl Test {
    fn holds(&self, seen: Seen<'_>, around: &mut Around<'_, '_>) -> Result<bool, String> {
        Ok(match self {
            Self::Exists(wanted) => *wanted != matches!(seen, Seen::Nothing | Seen::Body([])),
            Self::Not(tests) => {
                for test in tests {
                    if !test.holds(seen, around)? {
                        return Ok(true);
                    }
                }
                false
            }
            _ if matches!(seen, Seen::Nothing) => false,
            Self::Eq(operand) => seen.equals(operand.value(around)?.as_ref(), operand.is_loose()),
            Self::Order(order, operand) => {
                let value = operand.value(around)?;
                let limit = number_in(&value).ok_or_else(|| no_number(&value))?;
                seen.number().is_some_and(|number| order.holds(number, limit))
            }
            Self::Contains(operand) => seen.contains(operand.value(around)?.as_ref(), operand.is_loose()),
            Self::Matches(regex) => regex.is_match(&seen.text()),
        })
    }

    fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        match self {
            Self::Eq(Operand::Later(it))
            | Self::Order(_, Operand::Later(it))
            | Self::Contains(Operand::Later(it)) => it.add_variables(list),
            Self::Not(tests) => tests.iter().for_each(|test| test.add_variables(list)),
            _ => {}
        }
    }

    fn is_known(&self) -> bool {
        match self {
            Self::Eq(operand) | Self::Order(_, operand) | Self::Contains(operand) => !operand.is_loose(),
            Self::Not(tests) => tests.iter().all(Self::is_known),
            Self::Matches(_) | Self::Exists(_) => true,
        }
    }
}

impl Operand {
    fn value(&self, around: &mut Around<'_, '_>) -> Result<Cow<'_, Value>, String> {
        match (self, around) {
            (Self::Known(value), _) => Ok(Cow::Borrowed(value)),
            (Self::Later(expression), Some(cx)) => {
                expression.evaluate(cx).map(Cow::Owned).map_err(|error| error.to_string())
            }
            (Self::Later(_), None) => Err("what is expected is not known here".to_owned()),
        }
    }

    /// Whether a text is also the number it looks like: a value of a user may come from a header or a csv file, which know
    /// nothing but text. What the file itself says has the type it is written with.
    fn is_loose(&self) -> bool {
        matches!(self, Self::Later(_))
    }
}

impl Seen<'_> {
    fn equals(self, value: &Value, loose: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number(number) => number_in(value) == Some(number),
            Self::Body(bytes) | Self::Text(bytes) => match value {
                Value::Text(text) => bytes == text.as_bytes(),
                other => {
                    bytes == other.to_json().as_bytes()
                        || as_number(other).is_some_and(|wanted| read_number(bytes) == Some(wanted))
                }
            },
            Self::Json(found) => same(found, value, loose),
        }
    }

    fn contains(self, value: &Value, loose: bool) -> bool {
        match self {
            Self::Json(Value::List(items)) => items.iter().any(|item| same(item, value, loose)),
            Self::Json(Value::Map(entries)) => {
                let wanted = value.to_plain();
                entries.iter().any(|(key, _)| *key == wanted)
            }
            Self::Json(Value::Null) | Self::Nothing => false,
            seen => memmem::find(&seen.text(), value.to_plain().as_bytes()).is_some(),
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Nothing => None,
            Self::Number(number) => Some(number),
            Self::Body(bytes) | Self::Text(bytes) => read_number(bytes),
            Self::Json(value) => number_in(value),
        }
    }
}

impl<'s> Seen<'s> {
    fn text(self) -> Cow<'s, [u8]> {
        match self {
            Self::Nothing => Cow::Borrowed(b""),
            Self::Number(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::Body(bytes) | Self::Text(bytes) => Cow::Borrowed(bytes),
            Self::Json(Value::Text(text)) => Cow::Borrowed(text.as_bytes()),
            Self::Json(value) => Cow::Owned(value.to_json().into_bytes()),
        }
    }
}

impl Order {
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Gt => number > limit,
            Self::Ge => number >= limit,
            Self::Lt => number < limit,
            Self::Le => number <= limit,
        }
    }
}

/// Whether two values are equal; numbers by what they are worth, maps in any order.
fn same(found: &Value, wanted: &Value, loose: bool) -> bool {
    match (found, wanted) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, loose))
        }
        (Value::Map(a), Value::Map(b)) => {
            let has =
                |key: &String, value| a.iter().any(|(name, found)| name == key && same(found, value, loose));
            a.len() == b.len() && b.iter().all(|(key, value)| has(key, value))
        }
        (Value::Int(_) | Value::Float(_) | Value::Bool(_), Value::Text(text)) if loose => {
            found.to_json() == text.trim() || as_number(found).is_some_and(|it| number_in(wanted) == Some(it))
        }
        (Value::Text(_), Value::Int(_) | Value::Float(_)) if loose => number_in(found) == as_number(wanted),
        (found, wanted) => match (as_number(found), as_number(wanted)) {
            (Some(a), Some(b)) => a.total_cmp(&b).is_eq() || (a - b).abs() == 0.0,
            _ => found == wanted,
        },
    }
}

fn no_number(value: &Value) -> String {
    format!("a number is needed to compare with, not {}", value.found())
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// A number, or a text that is one and nothing else.
fn number_in(value: &Value) -> Option<f64> {
    match value {
        Value::Text(text) => read_number(text.as_bytes()),
        other => as_number(other),
    }
}

/// A text that is a number and nothing else but blanks.
fn read_number(bytes: &[u8]) -> Option<f64> {
    let number = std::str::from_utf8(bytes).ok()?.trim().parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
#[path = "matcher_tests.rs"]
mod tests;
