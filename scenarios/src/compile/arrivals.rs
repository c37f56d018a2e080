//! The open model in `load`: `rate` or `stages` of rates, `arrivals`, `max_users`.

use std::time::Duration;

use super::class::{Class, Share};
use super::cx::Cx;
use super::eval::Scope;
use super::find_max;
use super::schema::{Fields, Schema, not_yet};
use crate::arrivals::Spacing;
use crate::diagnostics::Diagnostic;
use crate::plan::{OpenPlan, Place, SearchPlan};
use crate::rate_profile::{RateProfile, RateProfileError, Stage};
use crate::source::Overrides;
use crate::tree::{Kind, Node};
use crate::units::Decimal;

const STAGE: Schema = Schema { what: "a stage", keys: &["to", "over"], later: &["by", "every"] };
/// Users at most where nothing is said.
const MAX_USERS: u32 = 10_000;
/// More stages than anybody writes.
const MOST_STAGES: usize = 10_000;

/// What the file says of arrivals.
#[derive(Default)]
pub(super) struct Written {
    /// The rate, and how the file says it.
    rate: Option<(RateProfile, String)>,
    /// Whether it says anything of a rate, even if that could not be read.
    pub(super) asked: bool,
    stages: bool,
    search: Option<SearchPlan>,
    spacing: Option<Spacing>,
    max_users: Option<(u32, Place)>,
}

/// Reads the keys of the open model among those of `load`.
pub(super) fn read_written(fields: Fields<'_>, scope: &Scope<'_>, most_users: u32, cx: &Cx<'_>) -> Written {
    let (rate, stages, search) = (fields.entry("rate"), fields.entry("stages"), fields.entry("find_max"));
    if let (Some(search), Some(other)) = (search, rate.or(stages)) {
        cx.report(
            Diagnostic::at(search.key_place, "`find_max` sets the rate by itself, so there is no other")
                .note(other.key_place, "the other one is here"),
        );
    }
    if let (Some(rate), Some(stages)) = (rate, stages) {
        cx.report(
            Diagnostic::at(stages.key_place, "a load has a `rate` or `stages`, not both")
                .note(rate.key_place, "the rate is here"),
        );
    }
    if let (Some(open), Some(spawn)) = (rate.or(stages).or(search), fields.entry("spawn_rate")) {
        cx.report(
            Diagnostic::at(spawn.key_place, "where arrivals come at a rate, users have no spawn rate")
                .note(open.key_place, "the arrival rate is here")
                .hint("users are started as arrivals need them, up to `max_users`"),
        );
    }
    let asked = rate.is_some() || stages.is_some() || search.is_some();
    for key in ["arrivals", "max_users"] {
        if let (false, Some(entry)) = (asked, fields.entry(key)) {
            let text = format!("`{key}` goes with an arrival rate, and there is none");
            cx.report(Diagnostic::at(entry.key_place, text).hint("for example `rate: 500/s`"));
        }
    }
    let search = search.and_then(|entry| find_max::read(&entry.value, scope, cx));
    let rate = match (rate, stages) {
        (Some(entry), _) => read_rate(&entry.value, scope, cx),
        (None, Some(entry)) => read_stages(&entry.value, entry.key_place, scope, cx),
        (None, None) => search.as_ref().map(|search| (search.rate.clone(), "find_max".to_owned())),
    };
    let max_users = fields.get("max_users").and_then(|node| {
        let most = scope.whole(node, "`max_users`", 1, u64::from(most_users), cx)?;
        Some((u32::try_from(most).ok()?, node.place))
    });
    let spacing = fields.get("arrivals").and_then(|node| read_spacing(node, scope, cx));
    let search = search.map(|search| search.plan);
    Written { rate, asked, stages: stages.is_some(), search, spacing, max_users }
}

fn read_spacing(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Spacing> {
    match scope.setting(node, "`even` or `poisson`", cx)?.as_str() {
        "even" => Some(Spacing::Even),
        "poisson" => Some(Spacing::Poisson),
        other => {
            let text = format!("`even` or `poisson` is expected here, not `{other}`");
            cx.report(Diagnostic::at(node.place, text));
            None
        }
    }
}

fn read_rate(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(RateProfile, String)> {
    let rate = scope.rate(node, cx)?;
    let profile = checked(RateProfile::constant(rate), node.place, cx)?;
    Some((profile, format!("rate: {rate}")))
}

fn checked(profile: Result<RateProfile, RateProfileError>, place: Place, cx: &Cx<'_>) -> Option<RateProfile> {
    profile.map_err(|error| cx.report(Diagnostic::at(place, error.to_string()))).ok()
}

/// `[{to: 500/s, over: 2m}, …]`.
fn read_stages(node: &Node, key: Place, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(RateProfile, String)> {
    let Kind::List(items) = &node.kind else {
        cx.report(
            Diagnostic::at(node.place, format!("`stages` is a list, and this is {}", node.found()))
                .hint("for example `stages: [{to: 500/s, over: 2m}, {to: 500/s, over: 10m}]`"),
        );
        return None;
    };
    if items.is_empty() || items.len() > MOST_STAGES {
        let text = if items.is_empty() { "there is no stage" } else { "there are more than 10000 stages" };
        cx.report(Diagnostic::at(node.place, text));
        return None;
    }
    let is_rate = |item: &Node| match &item.kind {
        Kind::Map(entries) => {
            let to = entries.iter().find(|entry| entry.key == "to").and_then(|entry| entry.value.text());
            to.is_some_and(|text| text.contains('/'))
        }
        _ => false,
    };
    if !items.iter().any(is_rate) {
        cx.report(
            not_yet("stages", key).hint("stages of an arrival rate run: `stages: [{to: 500/s, over: 2m}]`"),
        );
        return None;
    }
    let read: Vec<Option<Stage>> = items.iter().map(|item| read_stage(item, scope, cx)).collect();
    let stages = read.into_iter().collect::<Option<Vec<_>>>()?;
    let profile = checked(RateProfile::staged(&stages), node.place, cx)?;
    Some((profile, "stages".to_owned()))
}

fn read_stage(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Stage> {
    let fields = STAGE.open(node, cx)?;
    let (Some(to), Some(over)) = (fields.get("to"), fields.get("over")) else {
        if !fields.misspelt("to") && !fields.misspelt("over") {
            cx.report(
                Diagnostic::at(node.place, "a stage needs a `to` and an `over`")
                    .hint("for example `{to: 500/s, over: 2m}`"),
            );
        }
        return None;
    };
    let over = scope.duration(over, cx);
    let stage = stage_to(to, scope, cx)?;
    Some(Stage { over: over?, ..stage })
}

/// A stage to a rate with its unit, or to 0: none at all. `None` after a report.
fn stage_to(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Stage> {
    let stage = |to| Stage { to, over: Duration::ZERO };
    let text = scope.setting(node, "a rate such as `500/s`", cx)?;
    let number = text.split_once('/').map_or(text.as_str(), |(number, _)| number);
    if Decimal::parse(number.trim()).is_some_and(Decimal::is_zero) {
        return Some(stage(None));
    }
    if !text.contains('/') && Decimal::parse(text.trim()).is_some() {
        cx.report(
            Diagnostic::at(node.place, "stages are of rates or of users, not of both")
                .hint(format!("did you mean `{}/s`?", text.trim())),
        );
        return None;
    }
    scope.rate(node, cx).map(|rate| stage(Some(rate)))
}

/// The open model that file and flags ask for together; `None` also where they ask for none. `users` are those started
/// beforehand.
pub(super) fn plan(
    written: &Written,
    overrides: &Overrides,
    users: u32,
    classes: &[Class],
    cx: &Cx<'_>,
) -> Option<OpenPlan> {
    let (rate, stages) = match (overrides.rate, &written.rate) {
        (Some(rate), old) => {
            if let Some((_, old)) = old.as_ref().filter(|(_, old)| *old != format!("rate: {rate}")) {
                cx.replaced(format!("`--rate {rate}` replaced `{old}`"));
            }
            let profile = RateProfile::constant(rate);
            let profile =
                profile.map_err(|error| cx.report(Diagnostic::anywhere(format!("--rate: {error}")))).ok()?;
            (profile, false)
        }
        (None, Some((profile, _))) => (profile.clone(), written.stages),
        (None, None) => return None,
    };
    if let (Some(new), Some((old, _))) = (overrides.max_users, written.max_users)
        && new != old
    {
        cx.replaced(format!("`--max-users {new}` replaced `max_users: {old}`"));
    }
    let max_users = overrides.max_users.or(written.max_users.map(|(most, _)| most));
    let max_users = max_users.unwrap_or(MAX_USERS.max(users));
    if users > max_users {
        let place = written.max_users.filter(|_| overrides.max_users.is_none()).map(|(_, place)| place);
        let text = format!("{users} users are to be started beforehand, and there may be only {max_users}");
        cx.report(Diagnostic { place, ..Diagnostic::anywhere(text) });
    }
    for class in classes.iter().filter(|class| matches!(class.share, Share::Count(_))) {
        let text = format!(
            "the user class `{}` has a fixed `count` of users, and arrivals at a rate are dealt out by weight",
            class.plan.name
        );
        cx.report(Diagnostic::anywhere(text).hint("give it a `weight` instead"));
    }
    let spacing = written.spacing.unwrap_or_default();
    let search = written.search.clone().filter(|_| overrides.rate.is_none());
    Some(OpenPlan { rate, spacing, max_users, users, ends_with_stages: stages, search })
}

/// The run time that follows from the stages where nothing else is said.
pub(super) fn run_time(open: Option<&OpenPlan>) -> Option<Duration> {
    open.filter(|open| open.ends_with_stages).map(|open| open.rate.settled_at())
}
