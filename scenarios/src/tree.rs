//! A YAML file as a tree in which every key and value knows its place.
//!
//! Scalars keep their text and whether they were quoted; what a plain one means is decided here ([`Node::value`]): only
//! `true` and `false` are booleans, so that `NO` stays the text it looks like. Which keys may stand where is not known here.

mod hints;
mod parse;

use crate::plan::Place;
use crate::value::Value;

pub(crate) use parse::parse;

/// A value of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What a value of the file is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Text, a number, a boolean or nothing.
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<Entry>),
}

/// A scalar as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    /// With YAML's own escapes resolved.
    pub(crate) text: String,
    /// Neither quoted nor a block: it may be a number, a boolean or null.
    pub(crate) plain: bool,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) value: Node,
}

impl Node {
    /// What stands there, in the words of a message.
    pub(crate) fn found(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Scalar(scalar) => match scalar.value() {
                Value::Null => "nothing",
                Value::Bool(_) => "a boolean",
                Value::Int(_) | Value::Float(_) => "a number",
                _ => "text",
            },
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Whether it is an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.value() == Value::Null)
    }

    /// As a value, with numbers and booleans recognised.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.value(),
            Kind::List(items) => Value::List(items.iter().map(Node::value).collect()),
            Kind::Map(entries) => {
                Value::Map(entries.iter().map(|entry| (entry.key.clone(), entry.value.value())).collect())
            }
        }
    }
}

impl Scalar {
    /// The scalar as a value.
    pub(crate) fn value(&self) -> Value {
        if self.plain { resolve_plain(&self.text) } else { Value::Text(self.text.clone()) }
    }
}

impl Scalar {
    /// Whether it is a number that is not written as it looks: `01234` is 1234.
    pub(crate) fn begins_with_zero(&self) -> bool {
        let digits = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        self.plain
            && digits.len() > 1
            && digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    }

    /// Whether it looks like a whole number and has more digits than one can keep.
    pub(crate) fn is_too_long(&self) -> bool {
        let digits = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        self.plain
            && self.text.len() > 18
            && digits.bytes().all(|b| b.is_ascii_digit())
            && self.text.parse::<i64>().is_err()
    }
}

/// What an unquoted scalar means: YAML 1.2's core schema, with one spelling each for true, false and null.
pub(crate) fn resolve_plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(number) = text.parse() {
            return Value::Int(number);
        }
        // Longer than an i64: it stays text, since a fraction would change its digits.
        return Value::Text(text.to_owned());
    }
    if let Some(hex) = text.strip_prefix("0x")
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
        && let Ok(number) = i64::from_str_radix(hex, 16)
    {
        return Value::Int(number);
    }
    if looks_like_a_fraction(digits)
        && let Ok(number) = text.parse::<f64>()
        && number.is_finite()
    {
        return Value::Float(number);
    }
    Value::Text(text.to_owned())
}

/// Rust reads `inf`, `nan` and the like as numbers; YAML's are digits, a point and an exponent.
fn looks_like_a_fraction(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    exponent_ok
        && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && mantissa.bytes().filter(|b| *b == b'.').count() <= 1
        && mantissa.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_they_look_like() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("True", Value::Text("True".into())),
            ("NO", Value::Text("NO".into())),
            ("yes", Value::Text("yes".into())),
            ("12", Value::Int(12)),
            ("-7", Value::Int(-7)),
            ("01234", Value::Int(1234)),
            ("0x1F", Value::Int(31)),
            ("1.50", Value::Float(1.5)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            ("1.2.3", Value::Text("1.2.3".into())),
            ("inf", Value::Text("inf".into())),
            (".", Value::Text(".".into())),
            ("e3", Value::Text("e3".into())),
            ("123456789012345678901", Value::Text("123456789012345678901".into())),
            ("10s", Value::Text("10s".into())),
        ] {
            assert_eq!(resolve_plain(text), value, "{text}");
        }
    }
}
