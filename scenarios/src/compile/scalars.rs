//! Settings that are one value: durations, rates, numbers, booleans, texts.
//!
//! Quotes make no difference here, because what a setting is follows from its key; `${…}` works as far as it is known when the
//! file is read.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use crate::diagnostics::Diagnostic;
use crate::rate::Rate;
use crate::tree::{Kind, Node};
use crate::units::{self, Decimal, UnitError};
use crate::value::Value;

impl Scope<'_> {
    /// The text of a setting; `what` completes "… is expected here".
    pub(super) fn setting(&self, node: &Node, what: &str, cx: &Cx<'_>) -> Option<String> {
        match &node.kind {
            Kind::Scalar(scalar) if !scalar.text.contains("${") && !node.is_null() => {
                return Some(scalar.text.clone());
            }
            Kind::Scalar(_) if !node.is_null() => {}
            _ => {
                cx.report(expected(node, what, node.found()));
                return None;
            }
        }
        match self.known(node, cx)? {
            value @ (Value::Null | Value::List(_) | Value::Map(_)) => {
                cx.report(expected(node, what, value.found()));
                None
            }
            value => Some(value.to_plain()),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, node: &Node, what: &str, cx: &Cx<'_>) -> Option<String> {
        let text = self.setting(node, what, cx)?;
        if text.trim().is_empty() {
            cx.report(expected(node, what, "an empty text"));
            return None;
        }
        Some(text)
    }

    pub(super) fn duration(&self, node: &Node, cx: &Cx<'_>) -> Option<Duration> {
        let text = self.setting(node, "a duration such as `10s`", cx)?;
        unit(node, units::parse_duration(&text), cx)
    }

    /// A duration that is not zero; `why` says what zero would mean.
    pub(super) fn some_duration(&self, node: &Node, why: &str, cx: &Cx<'_>) -> Option<Duration> {
        let duration = self.duration(node, cx)?;
        if duration.is_zero() {
            cx.report(Diagnostic::at(node.place, "a duration greater than 0 is expected here").hint(why));
            return None;
        }
        Some(duration)
    }

    /// A size in bytes.
    pub(super) fn size(&self, node: &Node, cx: &Cx<'_>) -> Option<u64> {
        let text = self.setting(node, "a size such as `1MB`", cx)?;
        unit(node, units::parse_size(&text), cx)
    }

    pub(super) fn rate(&self, node: &Node, cx: &Cx<'_>) -> Option<Rate> {
        let text = self.setting(node, "a rate such as `50/s`", cx)?;
        unit(node, units::parse_rate(&text), cx)
    }

    pub(super) fn weight(&self, node: &Node, cx: &Cx<'_>) -> Option<Decimal> {
        let text = self.setting(node, "a weight such as `3` or `0.5`", cx)?;
        unit(node, units::parse_weight(&text), cx)
    }

    /// A whole number from `least` to `most`; `what` as in "a number of users".
    pub(super) fn whole(&self, node: &Node, what: &str, least: u64, most: u64, cx: &Cx<'_>) -> Option<u64> {
        let text = self.setting(node, what, cx)?;
        let number = text.trim().parse::<i128>().ok();
        let problem = match number {
            Some(number) if number < i128::from(least) => {
                format!("{what} is at least {least}, and this is {number}")
            }
            Some(number) if number > i128::from(most) => {
                format!("{what} is at most {most}, and this is {number}")
            }
            Some(number) => return u64::try_from(number).ok(),
            None => format!("{what} is a whole number, and `{text}` is none"),
        };
        cx.report(Diagnostic::at(node.place, problem));
        None
    }

    pub(super) fn boolean(&self, node: &Node, cx: &Cx<'_>) -> Option<bool> {
        match self.setting(node, "`true` or `false`", cx)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let problem = format!("`true` or `false` is expected here, not `{other}`");
                let problem = Diagnostic::at(node.place, problem);
                cx.report(match other.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "true" | "1" => problem.hint("did you mean `true`?"),
                    "no" | "off" | "false" | "0" => problem.hint("did you mean `false`?"),
                    _ => problem,
                });
                None
            }
        }
    }
}

/// "… is expected here, not a list".
pub(super) fn expected(node: &Node, what: &str, found: &str) -> Diagnostic {
    let found = if found == "nothing" { "and there is nothing".to_owned() } else { format!("not {found}") };
    Diagnostic::at(node.place, format!("{what} is expected here, {found}"))
}

fn unit<T>(node: &Node, read: Result<T, UnitError>, cx: &Cx<'_>) -> Option<T> {
    read.map_err(|error| cx.report(Diagnostic::at(node.place, error.to_string()))).ok()
}
