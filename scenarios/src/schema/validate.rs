//! Checks a value against a JSON Schema, as far as our own schema needs it: for tests only.
//!
//! A keyword that is not known here is an error, so that nothing in the schema goes unchecked.

use serde_json::{Map, Value};

/// What is wrong with `value`, the first thing found, with its path.
pub(super) fn validate(root: &Value, value: &Value) -> Result<(), String> {
    check(root, root, value, "")
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let keywords = schema.as_object().expect("a schema is an object");
    keywords.iter().try_for_each(|(keyword, rule)| {
        check_one(root, keywords, keyword, rule, value, path)
            .map_err(|what| if what.starts_with('/') { what } else { format!("{path}/: {what}") })
    })
}

fn check_one(
    root: &Value,
    schema: &Map<String, Value>,
    keyword: &str,
    rule: &Value,
    value: &Value,
    path: &str,
) -> Result<(), String> {
    let all = |rule: &Value| rule.as_array().expect("a list").clone();
    let need =
        |holds: bool| if holds { Ok(()) } else { Err(format!("{keyword} {rule} does not hold for {value}")) };
    let number = rule.as_f64().unwrap_or(0.0);
    let least = |length: usize| need(length as f64 >= number);
    match keyword {
        "$schema" | "title" | "description" | "definitions" => Ok(()),
        "$ref" => {
            let to = rule.as_str().expect("a text").strip_prefix('#').expect("a local reference");
            check(root, root.pointer(to).unwrap_or_else(|| panic!("{to} is defined")), value, path)
        }
        "type" => {
            let types = if rule.is_array() { all(rule) } else { vec![rule.clone()] };
            need(types.iter().any(|name| is_of(value, name.as_str().expect("a name"))))
        }
        "enum" => need(all(rule).contains(value)),
        "const" => need(rule == value),
        "pattern" => need(value.as_str().is_none_or(|text| matches(rule, text))),
        "minLength" => value.as_str().map_or(Ok(()), |text| least(text.chars().count())),
        "minItems" => value.as_array().map_or(Ok(()), |items| least(items.len())),
        "minProperties" => value.as_object().map_or(Ok(()), |map| least(map.len())),
        "maxProperties" => value.as_object().map_or(Ok(()), |map| need(map.len() as f64 <= number)),
        "minimum" => need(value.as_f64().is_none_or(|value| value >= number)),
        "maximum" => need(value.as_f64().is_none_or(|value| value <= number)),
        "exclusiveMinimum" => need(value.as_f64().is_none_or(|value| value > number)),
        "required" => {
            let has = |key: &Value| value.get(key.as_str().expect("a key")).is_some();
            need(!value.is_object() || all(rule).iter().all(has))
        }
        "anyOf" => any(root, &all(rule), value, path),
        "not" => need(check(root, rule, value, path).is_err()),
        "items" => children(value.as_array(), |(at, item)| check(root, rule, item, &format!("{path}/{at}"))),
        "propertyNames" => {
            members(value, |key, _| check(root, rule, &Value::from(key), &format!("{path}/{key}")))
        }
        "properties" => members(value, |key, member| match rule.get(key) {
            Some(schema) => check(root, schema, member, &format!("{path}/{key}")),
            None => Ok(()),
        }),
        "additionalProperties" => members(value, |key, member| {
            let known = schema.get("properties").is_some_and(|known| known.get(key).is_some());
            match rule {
                _ if known => Ok(()),
                Value::Bool(false) => Err(format!("{path}/{key}: not a key")),
                rule => check(root, rule, member, &format!("{path}/{key}")),
            }
        }),
        other => panic!("the keyword `{other}` is not known"),
    }
}

/// One of them must hold. What is said is the complaint that is deepest in the value: the others meant something else.
fn any(root: &Value, schemas: &[Value], value: &Value, path: &str) -> Result<(), String> {
    let mut complaints = Vec::new();
    for schema in schemas {
        match check(root, schema, value, path) {
            Ok(()) => return Ok(()),
            Err(what) => complaints.push(what),
        }
    }
    complaints.sort_by_key(|what| what.split(':').next().map(|path| path.matches('/').count()));
    Err(complaints.pop().unwrap_or_default())
}

fn children<'a>(
    items: Option<&'a Vec<Value>>,
    check: impl Fn((usize, &'a Value)) -> Result<(), String>,
) -> Result<(), String> {
    items.into_iter().flatten().enumerate().try_for_each(check)
}

fn members(value: &Value, check: impl Fn(&str, &Value) -> Result<(), String>) -> Result<(), String> {
    value.as_object().into_iter().flatten().try_for_each(|(key, member)| check(key, member))
}

fn matches(rule: &Value, text: &str) -> bool {
    let rule = rule.as_str().expect("a text");
    regex::Regex::new(rule).unwrap_or_else(|wrong| panic!("{wrong}")).is_match(text)
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type is called {other}"),
    }
}
