//! Pauses: `wait` between two iterations of a user, `think` between two of its steps.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::scalars::expected;
use super::schema::Schema;
use crate::diagnostics::Diagnostic;
use crate::rate::Rate;
use crate::tree::{Kind, Node};
use crate::units::{self, UnitError};
use crate::wait::Wait;

const WAIT: Schema = Schema { what: "`wait`", keys: &["normal", "exponential", "pacing", "throughput"] };
const THINK: Schema = Schema { what: "`think`", keys: &["normal", "exponential"] };
const NORMAL: Schema = Schema { what: "`normal`", keys: &["mean", "sd"] };

/// A `think`: a pause between steps.
pub(super) fn read_pause(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    if let Kind::Map(entries) = &node.kind
        && let Some(beat) = entries.iter().find(|entry| matches!(entry.key.as_str(), "pacing" | "throughput"))
    {
        cx.report(
            Diagnostic::at(
                beat.key_place,
                format!("`{}` is a beat between iterations, not a pause within one", beat.key),
            )
            .hint("it goes under the class's `wait`; a pause is `think: 1s..2s`"),
        );
        return None;
    }
    wait(node, &THINK, &Scope { user: false, ..*scope }, cx)
}

/// A `wait`.
pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    wait(node, &WAIT, scope, cx)
}

fn wait(node: &Node, schema: &Schema, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    let Kind::Map(entries) = &node.kind else { return plain_wait(node, scope, cx) };
    schema.check(entries, cx);
    let mut forms = entries.iter().filter(|entry| schema.keys.contains(&entry.key.as_str()));
    let Some(form) = forms.next() else {
        if entries.is_empty() {
            cx.report(expected(node, "a duration such as `1s..3s`", "an empty map"));
        }
        return None;
    };
    if let Some(second) = forms.next() {
        cx.report(
            Diagnostic::at(
                second.key_place,
                format!("{} has one form, and this has `{}` too", schema.what, form.key),
            )
            .note(form.key_place, "the other one is here"),
        );
        return None;
    }
    let why = "without a pause leave `wait` out";
    match form.key.as_str() {
        "normal" => {
            let fields = NORMAL.open(&form.value, cx)?;
            let (Some(mean), Some(sd)) = (fields.get("mean"), fields.get("sd")) else {
                cx.report(
                    Diagnostic::at(form.key_place, "`normal` needs a `mean` and an `sd`")
                        .hint("for example `{normal: {mean: 2s, sd: 500ms}}`"),
                );
                return None;
            };
            let (mean, sd) = (scope.duration(mean, cx), scope.duration(sd, cx));
            Some(Wait::Normal { mean: mean?, sd: sd? })
        }
        "exponential" => scope.some_duration(&form.value, why, cx).map(|mean| Wait::Exponential { mean }),
        "pacing" => scope.some_duration(&form.value, why, cx).map(|period| Wait::Pacing { period }),
        _ => {
            let rate = scope.rate(&form.value, cx)?;
            let period = period_of(rate);
            if period.is_zero() {
                cx.report(Diagnostic::at(form.value.place, "this is more than one user can ever do"));
                return None;
            }
            Some(Wait::Throughput { period })
        }
    }
}

fn plain_wait(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Wait> {
    if let Kind::List(items) = &node.kind
        && let [Some(lo), Some(hi)] = items.iter().map(Node::text).collect::<Vec<_>>()[..]
    {
        cx.report(
            expected(node, "a duration such as `2s` or `1s..3s`", "a list")
                .hint(format!("did you mean `{lo}..{hi}`?")),
        );
        return None;
    }
    let text = scope.setting(node, "a duration such as `2s` or `1s..3s`", cx)?;
    if let Some((lo, hi)) = text.split_once('-')
        && [lo, hi].iter().all(|end| units::parse_duration(end).is_ok())
    {
        cx.report(Diagnostic::at(node.place, format!("`{text}` is not a duration")).hint(format!(
            "did you mean `{}..{}`?",
            lo.trim(),
            hi.trim()
        )));
        return None;
    }
    let read = |text: &str| {
        units::parse_duration(text)
            .map_err(|error| cx.report(Diagnostic::at(node.place, error.to_string())))
            .ok()
    };
    let Some((lo, hi)) = text.split_once("..") else {
        let pause = read(&text)?;
        return Some(if pause.is_zero() { Wait::None } else { Wait::Constant(pause) });
    };
    if units::parse_duration(lo) == Err(UnitError::NoUnit(lo.trim().to_owned())) {
        // Said once for both ends, as it is to be written.
        let unit = if hi.trim().ends_with(|c: char| c.is_ascii_digit()) { "s" } else { "" };
        cx.report(Diagnostic::at(node.place, "a duration needs a unit").hint(format!(
            "for example `{}s..{}{unit}`",
            lo.trim(),
            hi.trim()
        )));
        return None;
    }
    let (lo, hi) = (read(lo)?, read(hi)?);
    if lo > hi {
        let (lo, hi) = (units::show_duration(lo), units::show_duration(hi));
        cx.report(
            Diagnostic::at(node.place, "the shorter duration comes first")
                .hint(format!("did you mean `{hi}..{lo}`?")),
        );
        return None;
    }
    Some(if lo == hi { Wait::Constant(lo) } else { Wait::Uniform { lo, hi } })
}

/// From one event to the next.
fn period_of(rate: Rate) -> Duration {
    rate.time_of(1)
}
