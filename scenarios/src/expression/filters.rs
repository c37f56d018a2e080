//! Filters and tests: those of `minijinja`, on our values.
//!
//! What can make much out of little (`replace`, `indent`, `format`, …) is looked at before it runs. A few filters are our own,
//! because they write values, and values are written as in JSON here.

use std::borrow::Cow;
use std::sync::LazyLock;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value as Theirs};

use super::arithmetic::{fits, is_true};
use super::evaluate::Scene;
use super::node::Arguments;
use super::{EvaluateError, LONGEST_LIST, LONGEST_TEXT, bytes};
use crate::value::Value;

/// Every filter, in the order of the guide.
pub(crate) const FILTERS: [&str; 47] = [
    "default",
    "d",
    "int",
    "float",
    "round",
    "abs",
    "string",
    "bool",
    "length",
    "count",
    "upper",
    "lower",
    "capitalize",
    "title",
    "trim",
    "replace",
    "split",
    "lines",
    "join",
    "format",
    "indent",
    "tojson",
    "urlencode",
    "escape",
    "e",
    "first",
    "last",
    "min",
    "max",
    "sum",
    "sort",
    "unique",
    "reverse",
    "list",
    "batch",
    "slice",
    "chain",
    "zip",
    "map",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "groupby",
    "items",
    "dictsort",
    "attr",
];

/// Every test.
pub(crate) const TESTS: [&str; 26] = [
    "defined",
    "undefined",
    "none",
    "boolean",
    "true",
    "false",
    "number",
    "integer",
    "float",
    "string",
    "sequence",
    "iterable",
    "mapping",
    "odd",
    "even",
    "divisibleby",
    "startingwith",
    "endingwith",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "sameas",
];

/// Given to another filter by name, nobody looks at these before they run.
const GUARDED: [&str; 7] = ["replace", "join", "indent", "format", "batch", "slice", "map"];

/// The largest number that a filter takes as a width or a count.
const WIDEST: i64 = 10_000;
/// The largest width of a `format`: four digits, behind a `%` and before a letter, for each four bytes of its text.
const WIDEST_FORMAT: usize = 10_000;
/// Lists and maps may be nested so deep.
const DEEPEST: usize = 100;

static JINJA: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    let ours = |filter: fn(&Value) -> String| {
        move |value: &Theirs| -> Result<String, Error> {
            let value = from_theirs(value)
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
            Ok(filter(&value.unwrap_or(Value::Null)))
        }
    };
    jinja.add_filter("string", ours(Value::to_plain));
    jinja.add_filter("tojson", ours(Value::to_json));
    jinja.add_filter("urlencode", ours(|value| bytes::component(&value.to_plain())));
    jinja
});

/// `default`: what stands before it may be missing. With `true` behind the value, also where that is empty.
pub(super) fn or_default<'n>(
    arguments: &'n Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<Cow<'n, Value>, EvaluateError> {
    let [subject, others @ ..] = &*arguments.values else {
        return Err(EvaluateError::cannot("`default` needs a value before it"));
    };
    let named =
        |wanted: &str| arguments.named.iter().find(|(name, _)| **name == *wanted).map(|(_, node)| node);
    let also_empty = match others.get(1).or_else(|| named("boolean")) {
        Some(node) => is_true(&*node.value(scene)?),
        None => false,
    };
    match subject.found(scene)? {
        Some(value) if !also_empty || is_true(&value) => Ok(value),
        _ => match others.first().or_else(|| named("default_value")) {
            Some(node) => node.value(scene),
            None => Ok(Cow::Owned(Value::Text(String::new()))),
        },
    }
}

/// The value of any other filter; nothing where it finds nothing (`first` of an empty list).
pub(super) fn filter(
    name: &str,
    arguments: &Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<Option<Value>, EvaluateError> {
    let values = values(arguments, scene)?;
    guard(name, &values, arguments, scene)?;
    match (name, values.as_slice()) {
        ("length" | "count", [value]) => length(value).map(Some),
        ("reverse", [Value::Map(entries)]) => {
            Ok(Some(Value::List(entries.iter().rev().map(|(key, _)| Value::Text(key.clone())).collect())))
        }
        ("join", [value]) if arguments.named.is_empty() => join(value, "").map(Some),
        ("join", [value, separator]) if arguments.named.is_empty() => {
            join(value, &separator.to_plain()).map(Some)
        }
        _ => {
            let theirs = theirs(&values, arguments, scene)?;
            let result = JINJA.empty_state().apply_filter(name, &theirs);
            from_theirs(&result.map_err(|error| refused("filter", name, &error))?)
        }
    }
}

/// What a test says.
pub(super) fn test(
    name: &str,
    arguments: &Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<bool, EvaluateError> {
    let values = values(arguments, scene)?;
    let theirs = theirs(&values, arguments, scene)?;
    JINJA.empty_state().perform_test(name, &theirs).map_err(|error| refused("test", name, &error))
}

fn values(arguments: &Arguments, scene: &mut Scene<'_, '_>) -> Result<Vec<Value>, EvaluateError> {
    arguments.values.iter().map(|node| node.value(scene).map(Cow::into_owned)).collect()
}

fn theirs(
    values: &[Value],
    arguments: &Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<Vec<Theirs>, EvaluateError> {
    let mut list: Vec<Theirs> = values.iter().map(to_theirs).collect();
    if !arguments.named.is_empty() {
        let mut named = Vec::with_capacity(arguments.named.len());
        for (name, node) in &arguments.named {
            named.push((name.to_string(), to_theirs(&*node.value(scene)?)));
        }
        list.push(Theirs::from(Kwargs::from_iter(named)));
    }
    Ok(list)
}

/// Their message may have the value in it, so only its kind is told.
fn refused(what: &str, name: &str, error: &Error) -> EvaluateError {
    EvaluateError::cannot(match error.kind() {
        ErrorKind::MissingArgument => format!("the {what} `{name}` needs more values"),
        ErrorKind::TooManyArguments => format!("the {what} `{name}` takes fewer values"),
        ErrorKind::UndefinedError => format!("the {what} `{name}` meets a part that is not there"),
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest => {
            format!("the {what} `{name}` names one that does not exist")
        }
        _ => format!("the {what} `{name}` cannot be used on this value"),
    })
}

/// Refuses what would make very much out of little.
fn guard(
    name: &str,
    values: &[Value],
    arguments: &Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<(), EvaluateError> {
    match (name, values) {
        ("replace", [text, from, to, ..]) => {
            let (text, from, to) = (text.to_plain(), from.to_plain(), to.to_plain());
            let times = if from.is_empty() { text.len() + 1 } else { text.matches(&from).count() };
            fits(text.len().saturating_add(times.saturating_mul(to.len())), LONGEST_TEXT)
        }
        ("join", [value, separator, ..]) => {
            let items = match value {
                Value::List(items) => items.len(),
                Value::Text(text) => text.len(),
                _ => 0,
            };
            fits(items.saturating_mul(separator.to_plain().len()), LONGEST_TEXT)
        }
        ("indent" | "batch" | "slice" | "round", [_, others @ ..]) => {
            let mut all = others.to_vec();
            for (_, node) in &arguments.named {
                all.push(node.value(scene)?.into_owned());
            }
            let far = |value: &Value| matches!(value, Value::Int(number) if number.abs() > WIDEST);
            if all.iter().any(far) {
                return Err(EvaluateError::cannot(format!("`{name}` takes numbers up to {WIDEST}")));
            }
            match (name, values.first()) {
                ("indent", Some(Value::Text(text))) => {
                    let width = all.iter().map(|value| value.to_plain().len().max(100)).max().unwrap_or(4);
                    let width = width.max(all.iter().map(small).max().unwrap_or(0));
                    fits(text.len() + (text.lines().count() + 1).saturating_mul(width), LONGEST_TEXT)
                }
                _ => Ok(()),
            }
        }
        ("format", [Value::Text(text), ..]) => {
            let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            if digits > 4 || text.contains('*') {
                return Err(EvaluateError::cannot("`format` takes widths of at most four digits"));
            }
            fits(text.len().saturating_mul(WIDEST_FORMAT / 4), LONGEST_TEXT)
        }
        ("map", [_, Value::Text(inner), ..]) if GUARDED.contains(&inner.as_str()) => {
            Err(EvaluateError::cannot(format!("`map` cannot use `{inner}`; a `for` loop can")))
        }
        _ => Ok(()),
    }
}

fn small(value: &Value) -> usize {
    match value {
        Value::Int(number) => usize::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}

fn length(value: &Value) -> Result<Value, EvaluateError> {
    let length = match value {
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        other => return Err(EvaluateError::cannot(format!("{} has no length", other.found()))),
    };
    Ok(super::evaluate::whole(length as u64))
}

fn join(value: &Value, separator: &str) -> Result<Value, EvaluateError> {
    let Value::List(items) = value else {
        return Err(EvaluateError::cannot(format!("`join` needs a list, not {}", value.found())));
    };
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        item.write_plain(&mut out);
        fits(out.len(), LONGEST_TEXT)?;
    }
    Ok(Value::Text(out))
}

fn to_theirs(value: &Value) -> Theirs {
    match value {
        Value::Null => Theirs::from(()),
        Value::Bool(it) => Theirs::from(*it),
        Value::Int(number) => Theirs::from(*number),
        Value::Float(number) => Theirs::from(*number),
        Value::Text(text) => Theirs::from(text.as_str()),
        Value::List(items) => items.iter().map(to_theirs).collect(),
        Value::Map(entries) => {
            Theirs::from_pairs(entries.iter().map(|(key, value)| (key.as_str(), to_theirs(value))))
        }
    }
}

/// A value that stands in an expression.
pub(crate) fn known_value(value: &Theirs) -> Result<Value, EvaluateError> {
    from_theirs(value).map(|value| value.unwrap_or(Value::Null))
}

/// Nothing for what is undefined.
fn from_theirs(value: &Theirs) -> Result<Option<Value>, EvaluateError> {
    let mut left = LONGEST_LIST;
    taken(value, DEEPEST, &mut left)
}

fn taken(value: &Theirs, depth: usize, left: &mut usize) -> Result<Option<Value>, EvaluateError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(EvaluateError::cannot("the result is nested too deeply"));
    };
    let mut item = |value: &Theirs| {
        *left = left
            .checked_sub(1)
            .ok_or_else(|| EvaluateError::cannot(format!("the result has more than {LONGEST_LIST} items")))?;
        Ok::<_, EvaluateError>(taken(value, depth, left)?.unwrap_or(Value::Null))
    };
    let broken = |_: Error| EvaluateError::cannot("the result cannot be gone through");
    Ok(Some(match value.kind() {
        ValueKind::Undefined => return Ok(None),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => match value.as_i64() {
            Some(number) => Value::Int(number),
            None => return Err(EvaluateError::cannot("the result is too large for a number")),
        },
        ValueKind::Number => super::arithmetic::finite(f64::try_from(value.clone()).map_err(broken)?)?,
        ValueKind::String => Value::Text(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for one in value.try_iter().map_err(broken)? {
                items.push(item(&one)?);
            }
            Value::List(items)
        }
        ValueKind::Map => {
            let mut entries = Vec::new();
            for key in value.try_iter().map_err(broken)? {
                let inner = value.get_item(&key).map_err(broken)?;
                entries.push((key.to_string(), item(&inner)?));
            }
            Value::Map(entries)
        }
        _ => return Err(EvaluateError::cannot("the result is no value")),
    }))
}
