//! `expect`: when a response counts as ok.
//!
//! The rules are compiled when the scenario is read; here they look at a response. What is cheap comes first, and what nobody
//! asks for costs nothing. What a rule itself asks is `matcher.rs`.

use thiserror::Error;

use crate::contents::Contents;
use crate::head::headers;
use crate::json::{self, Found, Malformed, Path, Query};
use crate::matcher::{Around, Broken, Matcher, Seen};
use crate::template::RenderContext;
use crate::value::Value;
use crate::variables::VariableId;

/// When a response counts as ok.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Allowed statuses, each an inclusive range; never empty.
    pub status: Vec<(u16, u16)>,
    /// What headers must satisfy, by name in lower case. Several lines of one name are one value, joined by `, `.
    pub headers: Vec<(String, Matcher)>,
    /// What values of a JSON body must satisfy. Where a path leads to several, each of them.
    pub json: Vec<(Path, Matcher)>,
    /// What the body must satisfy.
    pub body: Option<Matcher>,
    /// What the size of the body in bytes, as it came, must satisfy.
    pub size: Option<Matcher>,
    /// What the response time in milliseconds must satisfy.
    pub time_ms: Option<Matcher>,
}

/// The plain numbers of a response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// Its status.
    pub status: u16,
    /// Bytes of its body, as they came.
    pub size: u64,
    /// Its response time in milliseconds.
    pub time_ms: f64,
}

/// Why a response does not count as ok. The text is the same for the same cause, whatever the response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unmet {
    /// Its status is not allowed.
    #[error("status {0}")]
    Status(u16),
    /// This rule does not hold.
    #[error("{0}")]
    Rule(String),
    /// What to compare with could not be computed.
    #[error("{0}")]
    Computing(String),
}

impl From<Broken<'_>> for Unmet {
    fn from(broken: Broken<'_>) -> Self {
        match broken {
            Broken::Rule(label) => Self::Rule(label.to_owned()),
            Broken::Computing(error) => Self::Computing(error),
        }
    }
}

impl Expect {
    /// Checks a response; the error is the first rule that does not hold. `user` gives the values that the rules compare
    /// with; it may be left out if [`is_known`](Self::is_known).
    pub fn check(
        &self,
        numbers: &Numbers,
        contents: &mut Contents<'_>,
        mut user: Option<&mut RenderContext<'_>>,
    ) -> Result<(), Unmet> {
        let user = &mut user;
        if !self.status.iter().any(|(lowest, highest)| (*lowest..=*highest).contains(&numbers.status)) {
            return Err(Unmet::Status(numbers.status));
        }
        for (name, matcher) in &self.headers {
            check_header(name, matcher, contents, user)?;
        }
        for (path, matcher) in &self.json {
            check_json(path, matcher, contents, user)?;
        }
        if let Some(body) = &self.body {
            body.check(Seen::Body(contents.view.body), user)?;
        }
        if let Some(size) = &self.size {
            size.check(Seen::Number(numbers.size as f64), user)?;
        }
        // The last, so that what is drawn for the others does not depend on how long it took.
        if let Some(time) = &self.time_ms {
            time.check(Seen::Number(numbers.time_ms), user)?;
        }
        Ok(())
    }

    /// Whether it looks at the body.
    pub fn looks_at_body(&self) -> bool {
        self.body.is_some() || !self.json.is_empty()
    }

    /// Whether it looks at header lines.
    pub fn looks_at_head(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Adds the user's variables that it compares with to `list`, with their names.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        self.matchers().for_each(|matcher| matcher.add_variables(list));
    }

    /// Whether all it compares with was known when the file was read.
    pub fn is_known(&self) -> bool {
        self.matchers().all(Matcher::is_known)
    }

    fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        let headers = self.headers.iter().map(|(_, matcher)| matcher);
        let json = self.json.iter().map(|(_, matcher)| matcher);
        headers.chain(json).chain(&self.body).chain(&self.size).chain(&self.time_ms)
    }
}

fn check_header(
    name: &str,
    matcher: &Matcher,
    contents: &Contents<'_>,
    user: &mut Around<'_, '_>,
) -> Result<(), Unmet> {
    let mut values = headers(contents.view.head, name);
    let Some(first) = values.next() else { return Ok(matcher.check(Seen::Nothing, user)?) };
    let Some(second) = values.next() else { return Ok(matcher.check(Seen::Text(first), user)?) };
    // RFC 9110, 5.3.
    let mut joined = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(value);
    }
    Ok(matcher.check(Seen::Text(&joined), user)?)
}

fn check_json(
    path: &Path,
    matcher: &Matcher,
    contents: &mut Contents<'_>,
    user: &mut Around<'_, '_>,
) -> Result<(), Unmet> {
    let no_json = |Malformed| Unmet::Rule(format!("{}, the body is not JSON", matcher.label()));
    match path.query() {
        Query::Singular(steps) => match json::find(contents.view.body, steps).map_err(no_json)? {
            None => Ok(matcher.check(Seen::Nothing, user)?),
            Some(found) => Ok(matcher.check(Seen::Json(&value(found).map_err(no_json)?), user)?),
        },
        Query::Any(path) => {
            let found = path.query(contents.tree().map_err(no_json)?).all();
            if found.is_empty() {
                return Ok(matcher.check(Seen::Nothing, user)?);
            }
            for node in found {
                matcher.check(Seen::Json(&Value::from(node.clone())), user)?;
            }
            Ok(())
        }
    }
}

/// What the scanner found, as a value.
fn value(found: Found<'_>) -> Result<Value, Malformed> {
    match found {
        Found::Text(quoted) => {
            let mut text = String::new();
            json::decode(quoted, &mut text)?;
            Ok(Value::Text(text))
        }
        Found::Plain(text) | Found::Nested(text) => Ok(json::value_of(text)),
    }
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;
    use crate::contents::ResponseView;
    use crate::matcher::{Operand, Order, Rule, Test};

    const HEAD: &[u8] = b"Content-Type: application/json\r\nvary: a\r\nVary: b\r\nx-empty:\r\n";
    const BODY: &[u8] = br#"{"stock": 3, "items": [{"id": 1, "ok": true}, {"id": 2, "ok": true}]}"#;

    fn all() -> Expect {
        Expect {
            status: vec![(200, 299)],
            headers: Vec::new(),
            json: Vec::new(),
            body: None,
            size: None,
            time_ms: None,
        }
    }

    fn rule(label: &str, test: Test) -> Matcher {
        Matcher::new(vec![Rule { label: label.into(), test }])
    }

    fn checked(expect: &Expect, body: &[u8]) -> Result<(), String> {
        let mut contents = Contents::new(ResponseView { head: HEAD, body, cookies: b"" });
        let numbers = Numbers { status: 200, size: 40, time_ms: 7.5 };
        expect.check(&numbers, &mut contents, None).map_err(|unmet| unmet.to_string())
    }

    #[test]
    fn headers_are_joined_and_may_be_missing() {
        let header = |name: &str, test| Expect { headers: vec![(name.into(), rule("r", test))], ..all() };
        let eq = |text: &str| Test::Eq(Operand::Known(Value::Text(text.into())));
        for (name, test, ok) in [
            ("content-type", eq("application/json"), true),
            ("vary", eq("a, b"), true),
            ("x-empty", Test::Exists(true), true),
            ("x-none", Test::Exists(true), false),
            ("x-none", Test::Exists(false), true),
            ("x-none", Test::Not(vec![eq("a")]), true),
        ] {
            assert_eq!(checked(&header(name, test.clone()), b"").is_ok(), ok, "{name} {test:?}");
        }
    }

    #[test]
    fn json_is_looked_at_where_the_path_leads() {
        let json = |path: &str, test| Expect {
            json: vec![(Path::parse(path).expect("a path"), rule("json rule", test))],
            ..all()
        };
        let eq = |value| Test::Eq(Operand::Known(value));
        for (path, test, ok) in [
            ("$.stock", Test::Order(Order::Gt, Operand::Known(Value::Int(0))), true),
            ("$.stock", eq(Value::Int(4)), false),
            ("$.items[*].ok", eq(Value::Bool(true)), true),
            ("$.items[*].id", eq(Value::Int(1)), false),
            ("$.items[?@.id > 9]", Test::Exists(false), true),
            ("$.items[*].no", eq(Value::Int(1)), false),
            ("$.no", Test::Exists(false), true),
            ("$.items[0]", Test::Contains(Operand::Known(Value::Text("id".into()))), true),
        ] {
            assert_eq!(checked(&json(path, test.clone()), BODY).is_ok(), ok, "{path} {test:?}");
        }
        for path in ["$.stock", "$.items[*]"] {
            let expect = json(path, Test::Exists(false));
            assert_eq!(checked(&expect, b"<html>"), Err("json rule, the body is not JSON".into()), "{path}");
        }
    }

    #[test]
    fn the_first_rule_that_does_not_hold_is_told() {
        let less = |limit| Test::Order(Order::Lt, Operand::Known(Value::Float(limit)));
        let mut expect = Expect {
            status: vec![(404, 404)],
            body: Some(rule("body rule", Test::Matches(Regex::new("items").expect("a regex")))),
            size: Some(rule("size rule", less(40.0))),
            time_ms: Some(rule("time rule", less(7.0))),
            ..all()
        };
        assert_eq!(checked(&expect, BODY), Err("status 200".into()));
        expect.status = vec![(200, 299)];
        assert_eq!(checked(&expect, b"{}"), Err("body rule".into()));
        assert_eq!(checked(&expect, BODY), Err("size rule".into()));
        expect.size = None;
        assert_eq!(checked(&expect, BODY), Err("time rule".into()));
        expect.time_ms = None;
        assert_eq!(checked(&expect, BODY), Ok(()));
    }
}
