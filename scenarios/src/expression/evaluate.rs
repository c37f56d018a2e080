//! Evaluates the tree of an expression.
//!
//! What is known is lent, not copied: an item of a long list in `vars` costs no more than the item. Depth and number of parts are
//! bounded when the text is read, sizes of results where they are made.

use std::borrow::Cow;

use super::node::{Arguments, Comparison, Node, ResponsePart};
use super::{EvaluateError, access, arithmetic, filters};
use crate::response::LastResponse;
use crate::template::RenderContext;
use crate::value::Value;

/// What an evaluation may look at.
pub(crate) struct Scene<'a, 'c> {
    /// The user; none while the file is read, and in a load.
    pub(crate) cx: Option<&'a mut RenderContext<'c>>,
    /// `t`, in seconds.
    pub(crate) time: f64,
}

impl<'a, 'c> Scene<'a, 'c> {
    pub(crate) fn of(cx: &'a mut RenderContext<'c>) -> Self {
        Self { cx: Some(cx), time: 0.0 }
    }

    /// Without a user.
    pub(crate) fn bare(time: f64) -> Self {
        Self { cx: None, time }
    }

    pub(super) fn user(&mut self) -> Result<&mut RenderContext<'c>, EvaluateError> {
        self.cx.as_deref_mut().ok_or_else(|| EvaluateError::cannot("this is known only while a user runs"))
    }
}

type Seen<'n> = Result<Cow<'n, Value>, EvaluateError>;

fn owned<'n>(value: Value) -> Cow<'n, Value> {
    Cow::Owned(value)
}

fn boolean<'n>(it: bool) -> Cow<'n, Value> {
    Cow::Owned(Value::Bool(it))
}

impl Node {
    /// Its value.
    pub(crate) fn value(&self, scene: &mut Scene<'_, '_>) -> Seen<'_> {
        Ok(match self {
            Self::Known(value) | Self::Secret { value, .. } => Cow::Borrowed(value),
            Self::Source(source) => owned(source.value(scene.user()?)?),
            Self::Time => owned(Value::Float(scene.time)),
            Self::Not(of) => boolean(!arithmetic::is_true(&*of.value(scene)?)),
            Self::Negate(of) => owned(arithmetic::negate(&*of.value(scene)?)?),
            Self::And(pair) => {
                let left = pair.0.value(scene)?;
                if arithmetic::is_true(&left) { pair.1.value(scene)? } else { left }
            }
            Self::Or(pair) => {
                let left = pair.0.value(scene)?;
                if arithmetic::is_true(&left) { left } else { pair.1.value(scene)? }
            }
            Self::Calculate(operator, pair) => {
                let (left, right) = (pair.0.value(scene)?, pair.1.value(scene)?);
                owned(arithmetic::calculate(*operator, &left, &right)?)
            }
            Self::Compare(first, others) => return compare(first, others, scene),
            Self::Choose { condition, then, otherwise } => {
                if arithmetic::is_true(&*condition.value(scene)?) {
                    then.value(scene)?
                } else {
                    match otherwise {
                        Some(otherwise) => otherwise.value(scene)?,
                        None => {
                            return Err(EvaluateError::cannot(
                                "the condition is false and there is no `else`",
                            ));
                        }
                    }
                }
            }
            Self::List(items) => {
                let items: Result<_, _> =
                    items.iter().map(|item| item.value(scene).map(Cow::into_owned)).collect();
                owned(Value::List(items?))
            }
            Self::Map(entries) => owned(map(entries, scene)?),
            Self::Slice(of, ends) => {
                let of = of.value(scene)?;
                let mut end = |at: usize| match &ends[at] {
                    None => Ok(None),
                    Some(node) => access::whole(&*node.value(scene)?).map(Some),
                };
                owned(access::slice(&of, end(0)?, end(1)?, end(2)?)?)
            }
            Self::Call(function, arguments) => owned(function.call(arguments, scene)?),
            Self::Test("defined", arguments) => boolean(subject(arguments, scene)?.is_some()),
            Self::Test("undefined", arguments) => boolean(subject(arguments, scene)?.is_none()),
            Self::Test(name, arguments) => boolean(filters::test(name, arguments, scene)?),
            Self::File(file) => owned(Value::Text(file.text()?.to_owned())),
            Self::Worker => owned(Value::Text(scene.user()?.around.worker.clone().into_owned())),
            Self::LoopIndex => owned(whole(scene.user()?.loop_index)),
            Self::Response(part) => owned(response(*part, scene.user()?.response)),
            Self::Arrival | Self::Header(_) | Self::Attribute(..) | Self::Item(_) | Self::Filter(..) => {
                self.found(scene)?.ok_or_else(|| EvaluateError::Missing(self.path().into()))?
            }
        })
    }

    /// Its value, if there is one: a part may be missing, and so may a variable.
    pub(crate) fn found(&self, scene: &mut Scene<'_, '_>) -> Result<Option<Cow<'_, Value>>, EvaluateError> {
        match self {
            Self::Arrival => Ok(scene.user()?.arrival.map(|number| owned(whole(number)))),
            Self::Header(name) => {
                let name = name.value(scene)?;
                let Value::Text(name) = &*name else {
                    return Err(EvaluateError::cannot("the name of a header is text"));
                };
                Ok(header(scene.user()?.response, name).map(owned))
            }
            Self::Attribute(of, name) => Ok(match of.found(scene)? {
                Some(Cow::Borrowed(value)) => access::attribute(value, name).map(Cow::Borrowed),
                Some(Cow::Owned(value)) => access::attribute(&value, name).cloned().map(Cow::Owned),
                None => None,
            }),
            Self::Item(pair) => {
                let Some(of) = pair.0.found(scene)? else { return Ok(None) };
                let key = pair.1.value(scene)?;
                match of {
                    Cow::Borrowed(value) => access::item(value, &key),
                    Cow::Owned(value) => {
                        access::item(&value, &key).map(|item| item.map(|item| owned(item.into_owned())))
                    }
                }
            }
            Self::Filter("default" | "d", arguments) => filters::or_default(arguments, scene).map(Some),
            Self::Filter(name, arguments) => {
                filters::filter(name, arguments, scene).map(|value| value.map(owned))
            }
            Self::Source(_) => match self.value(scene) {
                Ok(value) => Ok(Some(value)),
                Err(EvaluateError::Missing(_)) => Ok(None),
                Err(error) => Err(error),
            },
            other => other.value(scene).map(Some),
        }
    }
}

/// What a test looks at, if it is there.
fn subject<'n>(
    arguments: &'n Arguments,
    scene: &mut Scene<'_, '_>,
) -> Result<Option<Cow<'n, Value>>, EvaluateError> {
    arguments.values.first().map_or(Ok(None), |subject| subject.found(scene))
}

fn compare<'n>(first: &'n Node, others: &'n [(Comparison, Node)], scene: &mut Scene<'_, '_>) -> Seen<'n> {
    let mut left = first.value(scene)?;
    for (comparison, node) in others {
        let right = node.value(scene)?;
        if !arithmetic::compare(*comparison, &left, &right)? {
            return Ok(boolean(false));
        }
        left = right;
    }
    Ok(boolean(true))
}

/// Of two entries with one key the last counts, at the place of the first.
fn map(entries: &[(Node, Node)], scene: &mut Scene<'_, '_>) -> Result<Value, EvaluateError> {
    let mut map: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let key = key.value(scene)?.to_plain();
        let value = value.value(scene)?.into_owned();
        match map.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => map.push((key, value)),
        }
    }
    Ok(Value::Map(map))
}

/// Counts of a test are far from where this would saturate.
pub(crate) fn whole(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn response(part: ResponsePart, last: &LastResponse) -> Value {
    match part {
        ResponsePart::Status => Value::Int(i64::from(last.status)),
        ResponsePart::Url => Value::Text(last.url.clone()),
        ResponsePart::Time => Value::Float(last.time_ms),
        ResponsePart::Size => whole(last.size),
        ResponsePart::Failed => Value::Bool(last.failed),
    }
}

/// The first of its lines that has this name.
fn header(last: &LastResponse, name: &str) -> Option<Value> {
    let lines = last.head.split(|byte| *byte == b'\n');
    lines.into_iter().find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = line[colon + 1..].trim_ascii();
        let is_it = line[..colon].eq_ignore_ascii_case(name.as_bytes());
        is_it.then(|| Value::Text(String::from_utf8_lossy(value).into_owned()))
    })
}
