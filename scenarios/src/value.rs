//! A value a scenario computes with: a variable, an environment variable, a piece of a JSON body.
//!
//! Written out it looks as in JSON, except that text written as text has no quotes. Where it is escaped for the place it goes
//! to is `template.rs`; how JSON becomes one is `value/read.rs`.

mod read;

use std::fmt::Write;

/// A value known when the file is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fraction; always finite.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order it was written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Writes it as it goes into text: text as it is, everything else as in JSON.
    pub fn write_plain(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            other => other.write_json(out),
        }
    }

    /// Writes it as JSON without spaces.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(number) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{number}");
            }
            Self::Float(number) => write_float(*number, out),
            Self::Text(text) => {
                out.push('"');
                write_json_inside(text, out);
                out.push('"');
            }
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push('"');
                    write_json_inside(key, out);
                    out.push_str("\":");
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// What a JSON text says; nothing if it is none.
    pub fn from_json(text: &str) -> Self {
        crate::json::value_of(text)
    }

    /// As it goes into text.
    pub fn to_plain(&self) -> String {
        let mut out = String::new();
        self.write_plain(&mut out);
        out
    }

    /// As JSON without spaces.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// What it is, in the words of a message.
    pub fn found(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(it) => Self::Bool(it),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or(0.0)),
            },
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Json::Object(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

/// The shortest digits that read back as the same number; never in a form JSON does not know.
fn write_float(number: f64, out: &mut String) {
    if number.is_finite() {
        let _ = if number.abs() >= 1e16 || (number != 0.0 && number.abs() < 1e-6) {
            write!(out, "{number:e}")
        } else {
            write!(out, "{number}")
        };
    } else {
        out.push_str("null");
    }
}

/// Writes text as it stands between the quotes of a JSON string, what needs no escape in one piece.
pub(crate) fn write_json_inside(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_written_as_in_json() {
        for (value, text) in [
            (Value::Float(1.5), "1.5"),
            (Value::Float(100.0), "100"),
            (Value::Float(1e21), "1e21"),
            (Value::Float(1e-9), "1e-9"),
            (Value::Int(-3), "-3"),
            (Value::Bool(true), "true"),
            (Value::Null, "null"),
        ] {
            assert_eq!(value.to_json(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in ".*", number in any::<f64>(), int in any::<i64>()) {
            prop_assume!(number.is_finite());
            let value = Value::Map(vec![
                (text.clone(), Value::Text(text.clone())),
                ("n\u{0}".into(), Value::List(vec![Value::Float(number), Value::Int(int)])),
            ]);
            let read: serde_json::Value = serde_json::from_str(&value.to_json()).expect("valid JSON");
            if text != "n\u{0}" {
                prop_assert_eq!(read[&text].as_str(), Some(text.as_str()));
            }
            // serde_json reads fractions to within a bit, the standard library exactly.
            prop_assert!(read["n\u{0}"][0].is_number(), "a number");
            prop_assert_eq!(Value::Float(number).to_json().parse::<f64>(), Ok(number));
            prop_assert_eq!(read["n\u{0}"][1].as_i64(), Some(int));
        }
    }
}
