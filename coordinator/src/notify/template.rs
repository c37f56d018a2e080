//! A text of the user's own with `${…}` in it, which becomes the body of `--notify`. Pure.
//!
//! `${scenario}` stands inside a JSON text and is escaped for that; `${requests}`, `${labels}` and the like stand for a number, an
//! object or a list. `$${` is `${`. What is made must be JSON: that, and every name, is checked before the run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::facts::{LABEL, NAMES, body, facts};
use crate::report::Report;

/// What Slack's incoming webhooks take. Its three special characters are escaped as it wants it, so that no name can call people.
const SLACK: &str = r#"{"text": "${sentence}\n${scenario} at ${target}"}"#;

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `${` without its end.
    #[error("line {line}: `${{` without `}}`")]
    Open {
        /// Counted from 1.
        line: usize,
    },
    /// A name that stands for nothing.
    #[error("line {line}: there is no `${{{name}}}`; there are {}, and label.KEY for each --label", NAMES.join(", "))]
    Unknown {
        /// Counted from 1.
        line: usize,
        /// Which.
        name: String,
    },
    /// Not JSON when it is filled in.
    #[error("it is not JSON when it is filled in: {0}")]
    Json(String),
}

/// How the body is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Texts and names in turn; `None`: everything, as it is.
    parts: Option<Vec<Part>>,
    /// For whom texts are escaped beyond JSON.
    slack: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    /// Slack's own.
    pub fn slack() -> Self {
        Self { parts: parse(SLACK, &BTreeMap::new()).ok(), slack: true }
    }

    /// Reads a template for a run with these labels.
    ///
    /// # Errors
    /// When it names what is not there, or makes no JSON.
    pub fn new(text: &str, labels: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let template = Self { parts: Some(parse(text, labels)?), slack: false };
        // With a text that needs escaping for each text, and a number for each number.
        let texts =
            ["run", "scenario", "target", "verdict", "sentence", "stop_reason", "started_at", "ended_at"];
        let sample = |name: &str| match name {
            name if texts.contains(&name) || name.starts_with(LABEL) => Value::from("\"\n\\"),
            "labels" => Value::Object(serde_json::Map::new()),
            "thresholds" => Value::Array(Vec::new()),
            _ => Value::from(1),
        };
        match serde_json::from_str::<Value>(&template.filled(sample)) {
            Ok(_) => Ok(template),
            Err(error) => Err(TemplateError::Json(error.to_string())),
        }
    }

    /// The body for a run that is over.
    pub fn body(&self, report: &Report) -> String {
        if self.parts.is_none() {
            return body(report);
        }
        let facts = facts(report);
        // Names were checked against the same labels.
        self.filled(|name| facts.get(name).cloned().unwrap_or_default())
    }

    fn filled(&self, value: impl Fn(&str) -> Value) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Name(name) => match value(name) {
                Value::String(text) if self.slack => inside_text(&for_slack(&text)),
                Value::String(text) => inside_text(&text),
                other => other.to_string(),
            },
        };
        self.parts.iter().flatten().map(part).collect()
    }
}

/// Escaped for between two quotation marks of JSON.
fn inside_text(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn parse(text: &str, labels: &BTreeMap<String, String>) -> Result<Vec<Part>, TemplateError> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        let line = 1 + text[..text.len() - rest.len() + at].matches('\n').count();
        let (before, behind) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            plain.push_str(before);
            plain.push_str("${");
            rest = behind;
            continue;
        }
        let Some((name, behind)) = behind.split_once('}') else {
            return Err(TemplateError::Open { line });
        };
        let name = name.trim();
        let label = name.strip_prefix(LABEL).is_some_and(|key| labels.contains_key(key));
        if !label && !NAMES.contains(&name) {
            return Err(TemplateError::Unknown { line, name: name.to_owned() });
        }
        plain.push_str(before);
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Name(name.to_owned()));
        rest = behind;
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels() -> BTreeMap<String, String> {
        BTreeMap::from([("commit".to_owned(), "3f2a91c".to_owned())])
    }

    fn said(text: &str) -> String {
        Template::new(text, &labels()).expect_err("cannot be used").to_string()
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said_before_the_run() {
        assert_eq!(said("{\n\"a\": \"${scenario\""), "line 2: `${` without `}`");
        let unknown = said("{\"a\":\n\n\"${senario}\"}");
        assert!(
            unknown.starts_with("line 3: there is no `${senario}`; there are run, scenario, "),
            "{unknown}"
        );
        assert!(said("{\"a\": \"${label.branch}\"}").contains("label.KEY for each --label"));
        assert!(said("{\"a\": ${scenario}}").starts_with("it is not JSON when it is filled in: "));
        assert!(said("").starts_with("it is not JSON"));
    }

    #[test]
    fn names_are_filled_in() {
        let text = r#"{"text": "${scenario} $${x} ${ label.commit }", "n": [${requests}, ${rps}], "t": ${thresholds}}"#;
        let template = Template::new(text, &labels()).expect("a template");
        let value = |name: &str| match name {
            "scenario" => Value::from("a \"b\"\n"),
            "label.commit" => Value::from("3f2a91c"),
            "requests" => Value::from(7),
            "rps" => Value::Null,
            _ => Value::from(vec![1, 2]),
        };
        let wanted = r#"{"text": "a \"b\"\n ${x} 3f2a91c", "n": [7, null], "t": [1,2]}"#;
        assert_eq!(template.filled(value), wanted);
    }

    proptest! {
        #[test]
        fn whatever_is_filled_in_it_stays_json(hostile in any::<String>()) {
            let text = r#"{"a": "${scenario}", "${label.commit}": 1}"#;
            let template = Template::new(text, &labels()).expect("a template");
            let filled: Value = serde_json::from_str(&template.filled(|_| Value::from(hostile.clone()))).expect("JSON");
            prop_assert_eq!(&filled["a"], &Value::from(hostile.clone()));
            let slack: Value =
                serde_json::from_str(&Template::slack().filled(|_| Value::from(hostile.clone()))).expect("JSON");
            prop_assert!(!slack["text"].as_str().expect("a text").contains(['<', '>']));
        }
    }
}
