//! `stages` in `load`: a list of straight lines and of steps, of users or of arrivals a second.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::load::MOST_USERS;
use super::schema::{Fields, Schema};
use crate::diagnostics::Diagnostic;
use crate::plan::Place;
use crate::rate::Rate;
use crate::tree::{Kind, Node};
use crate::units::{Decimal, show_duration};

const STAGE: Schema = Schema { what: "a stage", keys: &["to", "over", "by", "every"] };
/// More stages than anybody writes.
const MOST_STAGES: usize = 10_000;
const EXAMPLES: &str = "for example `{to: 100, over: 1m}`, or in steps: `{by: 50, every: 30s, to: 500}`";

/// One stage, as written.
#[derive(Debug, Clone)]
pub(super) struct Stage<To, By> {
    pub(super) way: Way<To, By>,
    pub(super) place: Place,
}

/// How a stage gets to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<To, By> {
    /// In a straight line.
    Over { to: To, over: Duration },
    /// In steps.
    Steps { by: By, every: Duration, to: To },
}

/// To a number of users, in steps of so many.
pub(super) type UserStage = Stage<u32, u32>;
/// To a rate, or to none at all.
pub(super) type RateStage = Stage<Option<Rate>, Rate>;

/// The stages of a profile.
#[derive(Debug, Clone)]
pub(super) enum Stages {
    Users(Vec<UserStage>),
    Rates(Vec<RateStage>),
}

/// Whether stages are of rates: then some number in them has a `/`. `None` where they only go to nothing, which can be either.
pub(super) fn are_rates(node: &Node) -> Option<bool> {
    let Kind::List(items) = &node.kind else { return Some(false) };
    let numbers = items.iter().flat_map(|item| match &item.kind {
        Kind::Map(entries) => entries.as_slice(),
        _ => &[],
    });
    let numbers = numbers.filter(|entry| matches!(entry.key.as_str(), "to" | "by"));
    let texts: Vec<&str> = numbers.map(|entry| entry.value.text().unwrap_or_default()).collect();
    let is_zero = |text: &&str| Decimal::parse(text.trim()).is_some_and(Decimal::is_zero);
    match texts.iter().any(|text| text.contains('/')) {
        false if !texts.is_empty() && texts.iter().all(is_zero) => None,
        rates => Some(rates),
    }
}

/// Reads `stages`, of rates or of users; `None` after a report.
pub(super) fn read(node: &Node, rates: bool, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Stages> {
    let Kind::List(items) = &node.kind else {
        cx.report(
            Diagnostic::at(node.place, format!("`stages` is a list, and this is {}", node.found()))
                .hint("for example `stages: [{to: 100, over: 2m}, {to: 100, over: 10m}]`, or with rates: `to: 500/s`"),
        );
        return None;
    };
    if items.is_empty() || items.len() > MOST_STAGES {
        let text = if items.is_empty() { "there is no stage" } else { "there are more than 10000 stages" };
        cx.report(Diagnostic::at(node.place, text).hint(EXAMPLES));
        return None;
    }
    if rates {
        let (to, by) = (|node: &Node| rate(node, scope, cx), |node: &Node| step_of_rate(node, scope, cx));
        return all(items, scope, cx, &to, &by).map(Stages::Rates);
    }
    let to = |node: &Node| users(node, "the number of users of a stage", 0, scope, cx);
    let by = |node: &Node| users(node, "a step", 1, scope, cx);
    all(items, scope, cx, &to, &by).map(Stages::Users)
}

fn all<To, By>(
    items: &[Node],
    scope: &Scope<'_>,
    cx: &Cx<'_>,
    to: &dyn Fn(&Node) -> Option<To>,
    by: &dyn Fn(&Node) -> Option<By>,
) -> Option<Vec<Stage<To, By>>> {
    let one = |item: &Node| {
        let fields = STAGE.open(item, cx)?;
        let way = way(item, fields, scope, cx, to, by)?;
        Some(Stage { way, place: item.place })
    };
    // All of them are read, so that all that is wrong is said.
    let read: Vec<Option<_>> = items.iter().map(one).collect();
    read.into_iter().collect()
}

fn way<To, By>(
    node: &Node,
    fields: Fields<'_>,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
    read_to: &dyn Fn(&Node) -> Option<To>,
    read_by: &dyn Fn(&Node) -> Option<By>,
) -> Option<Way<To, By>> {
    let missing = |text: &str| cx.report(Diagnostic::at(node.place, text).hint(EXAMPLES));
    let key = |key| fields.entry(key);
    if let (Some(over), Some(steps)) = (key("over"), key("by").or(key("every"))) {
        cx.report(
            Diagnostic::at(over.key_place, "a stage goes in a straight line or in steps, not both")
                .note(steps.key_place, "the steps are here")
                .hint(EXAMPLES),
        );
        return None;
    }
    let misspelt = fields.has_unknown();
    let Some(to) = fields.get("to") else {
        if !misspelt {
            missing("a stage needs a `to`: where it goes");
        }
        return None;
    };
    match (fields.get("over"), fields.get("by"), fields.get("every")) {
        (Some(over), _, _) => {
            let over = scope.duration(over, cx);
            Some(Way::Over { to: read_to(to)?, over: over? })
        }
        (None, Some(by), Some(every)) => {
            let every = scope.some_duration(every, "a step is held for a while: `every: 30s`", cx);
            let (by, to) = (read_by(by), read_to(to));
            Some(Way::Steps { by: by?, every: every?, to: to? })
        }
        (None, by, every) => {
            if !misspelt {
                missing(match (by, every) {
                    (Some(_), _) => "steps need an `every`: how long each is held",
                    (_, Some(_)) => "steps need a `by`: how large each is",
                    _ => "a stage needs an `over`: how long it takes",
                });
            }
            None
        }
    }
}

fn users(node: &Node, what: &str, least: u64, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<u32> {
    u32::try_from(scope.whole(node, what, least, u64::from(MOST_USERS), cx)?).ok()
}

/// A rate with its unit, or 0: none at all. `None` after a report.
#[expect(clippy::option_option, reason = "read or not, and at a rate or none at all")]
fn rate(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Option<Rate>> {
    let text = scope.setting(node, "a rate such as `500/s`", cx)?;
    let number = text.split_once('/').map_or(text.as_str(), |(number, _)| number);
    if Decimal::parse(number.trim()).is_some_and(Decimal::is_zero) {
        return Some(None);
    }
    step_of_rate(node, scope, cx).map(Some)
}

fn step_of_rate(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Rate> {
    let text = scope.setting(node, "a rate such as `50/s`", cx)?;
    if !text.contains('/') && Decimal::parse(text.trim()).is_some() {
        cx.report(
            Diagnostic::at(node.place, "stages are of rates or of users, not of both")
                .hint(format!("did you mean `{}/s`?", text.trim())),
        );
        return None;
    }
    scope.rate(node, cx)
}

impl UserStage {
    /// In words; `from` users are there.
    pub(super) fn words(&self, from: u32) -> String {
        let users = |users: u32| if users == 1 { "1 user".to_owned() } else { format!("{users} users") };
        match self.way {
            Way::Over { to, over } if to == from => format!("{} for {}", users(to), show_duration(over)),
            Way::Over { to, over } if over.is_zero() => format!("{} at once", users(to)),
            Way::Over { to, over } => format!("to {} over {}", users(to), show_duration(over)),
            Way::Steps { by, every, to } => {
                format!("by {by} every {} to {}", show_duration(every), users(to))
            }
        }
    }
}

impl RateStage {
    /// In words; arrivals come at `from`.
    pub(super) fn words(&self, from: Option<Rate>) -> String {
        let shown = |rate: Option<Rate>| rate.map_or_else(|| "0/s".to_owned(), |rate| rate.to_string());
        match self.way {
            Way::Over { to, over } if to == from => format!("{} for {}", shown(to), show_duration(over)),
            Way::Over { to, over } if over.is_zero() => format!("{} at once", shown(to)),
            Way::Over { to, over } => format!("to {} over {}", shown(to), show_duration(over)),
            Way::Steps { by, every, to } => {
                format!("by {by} every {} to {}", show_duration(every), shown(to))
            }
        }
    }
}
