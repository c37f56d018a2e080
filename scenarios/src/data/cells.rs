//! What the text of a csv cell means: text, unless `types` says otherwise.
//!
//! Cells are checked when the table is read and converted when they are used.

use crate::value::Value;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CellKind {
    /// Text as it stands there.
    #[default]
    Text,
    /// A whole number or a fraction.
    Number,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Boolean,
    /// Any JSON value.
    Json,
}

impl CellKind {
    /// All of them, as they are written in a scenario.
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("number", Self::Number),
        ("int", Self::Int),
        ("boolean", Self::Boolean),
        ("json", Self::Json),
    ];

    /// What it is, in the words of a message.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Int => "a whole number",
            Self::Boolean => "`true` or `false`",
            Self::Json => "JSON",
        }
    }

    /// The value of a cell; `None` if the text is none of this kind. An empty cell that is no text is null.
    pub(crate) fn read(self, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        match self {
            Self::Text => Some(Value::Text(text.to_owned())),
            _ if trimmed.is_empty() => Some(Value::Null),
            Self::Int => trimmed.parse().ok().map(Value::Int),
            Self::Number => number(trimmed),
            Self::Boolean => trimmed.parse().ok().map(Value::Bool),
            Self::Json => serde_json::from_str::<serde_json::Value>(trimmed).ok().map(Value::from),
        }
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    // `inf` and `nan` are numbers to Rust, and to nobody's csv.
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_their_column_says() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        for (kind, cell, value) in [
            (CellKind::Text, " 7 ", text(" 7 ")),
            (CellKind::Text, "", text("")),
            (CellKind::Int, " 7 ", Some(Value::Int(7))),
            (CellKind::Int, "7.5", None),
            (CellKind::Number, "7", Some(Value::Int(7))),
            (CellKind::Number, "-1.5e2", Some(Value::Float(-150.0))),
            (CellKind::Number, "nan", None),
            (CellKind::Number, "1e999", None),
            (CellKind::Number, "", Some(Value::Null)),
            (CellKind::Boolean, "true", Some(Value::Bool(true))),
            (CellKind::Boolean, "yes", None),
            (CellKind::Json, "[1, \"a\"]", Some(Value::List(vec![Value::Int(1), Value::Text("a".into())]))),
            (CellKind::Json, "{", None),
        ] {
            assert_eq!(kind.read(cell), value, "{kind:?} {cell:?}");
        }
    }
}
