//! What a response must satisfy, as the rules of an `expect`: `{lt: 500ms}`, `{contains: error}`, `{not: {…}}`.
//!
//! A rule that does not hold answers with its own text, never with the response's: the answer becomes a row of the statistics,
//! and there must not be one for each request.

use std::fmt;

use regex::bytes::Regex;

use crate::value::Value;

/// Rules that must all hold.
#[derive(Debug, Clone)]
pub struct Matcher {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone)]
pub(crate) struct Rule {
    /// What is said when it does not hold: `time: lt 500ms`.
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

/// What a rule looks at.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Equal to a value.
    Eq(Value),
    /// A number in this relation to another.
    Order(Order, f64),
    /// Text in which the expression is found. `contains` is one too, with everything escaped: it searches with SIMD.
    Matches(Regex),
    /// There is something at all, or nothing.
    Exists(bool),
    /// These do not all hold.
    Not(Vec<Test>),
}

/// A relation of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Gt,
    Ge,
    Lt,
    Le,
}

impl Matcher {
    /// Rules that must all hold.
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Checks a number, such as milliseconds. The error is the first rule that does not hold, in short.
    pub fn check_number(&self, number: f64) -> Result<(), String> {
        self.first_broken(|test| test.holds_for_number(number))
    }

    /// Checks a body. The error is the first rule that does not hold, in short.
    pub fn check_bytes(&self, bytes: &[u8]) -> Result<(), String> {
        self.first_broken(|test| test.holds_for_bytes(bytes))
    }

    fn first_broken(&self, holds: impl Fn(&Test) -> bool) -> Result<(), String> {
        match self.rules.iter().find(|rule| !holds(&rule.test)) {
            Some(rule) => Err(rule.label.clone()),
            None => Ok(()),
        }
    }
}

impl Test {
    fn holds_for_number(&self, number: f64) -> bool {
        match self {
            Self::Eq(value) => as_number(value) == Some(number),
            Self::Order(order, limit) => order.holds(number, *limit),
            Self::Matches(_) => self.holds_for_bytes(number.to_string().as_bytes()),
            Self::Exists(wanted) => *wanted,
            Self::Not(tests) => !tests.iter().all(|test| test.holds_for_number(number)),
        }
    }

    fn holds_for_bytes(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Eq(value) => {
                let same_number =
                    || as_number(value).is_some_and(|wanted| read_number(bytes) == Some(wanted));
                match value {
                    Value::Text(text) => bytes == text.as_bytes(),
                    other => bytes == other.to_json().as_bytes() || same_number(),
                }
            }
            Self::Order(order, limit) => read_number(bytes).is_some_and(|number| order.holds(number, *limit)),
            Self::Matches(regex) => regex.is_match(bytes),
            Self::Exists(wanted) => *wanted != bytes.is_empty(),
            Self::Not(tests) => !tests.iter().all(|test| test.holds_for_bytes(bytes)),
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

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// A body that is a number and nothing else but blanks.
fn read_number(bytes: &[u8]) -> Option<f64> {
    let number = std::str::from_utf8(bytes).ok()?.trim().parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(test: Test) -> Matcher {
        Matcher::new(vec![Rule { label: "rule".into(), test }])
    }

    #[test]
    fn bodies() {
        let text = |text: &str| Value::Text(text.into());
        let regex = |text: &str| Test::Matches(Regex::new(text).expect("a regex"));
        for (test, body, holds) in [
            (Test::Eq(text("ok")), "ok", true),
            (Test::Eq(text("ok")), "ok\n", false),
            (Test::Eq(Value::Int(3)), " 3.0\n", true),
            (Test::Eq(Value::Bool(true)), "true", true),
            (regex("rr"), "error", true),
            (regex("x"), "error", false),
            (regex("^e.*r$"), "error", true),
            (Test::Order(Order::Ge, 3.0), "3", true),
            (Test::Order(Order::Gt, 3.0), "three", false),
            (Test::Exists(true), "", false),
            (Test::Exists(false), "", true),
            (Test::Not(vec![regex("rr")]), "error", false),
            (Test::Not(vec![regex("rr"), regex("x")]), "error", true),
        ] {
            assert_eq!(one(test.clone()).check_bytes(body.as_bytes()).is_ok(), holds, "{test:?} of {body}");
        }
    }

    #[test]
    fn the_answer_is_the_rule_and_not_the_number() {
        let matcher =
            Matcher::new(vec![Rule { label: "time: lt 500ms".into(), test: Test::Order(Order::Lt, 500.0) }]);
        assert_eq!(matcher.check_number(499.9), Ok(()));
        assert_eq!(matcher.check_number(500.0), Err("time: lt 500ms".to_owned()));
        assert_eq!(matcher.check_number(70_000.0), Err("time: lt 500ms".to_owned()));
    }
}
