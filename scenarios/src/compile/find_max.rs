//! `find_max` in `load`: the search for the highest arrival rate at which rules hold.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::schema::Schema;
use super::thresholds;
use crate::diagnostics::Diagnostic;
use crate::plan::{Place, SearchPlan};
use crate::rate::Rate;
use crate::rate_profile::RateProfile;
use crate::tree::Node;
use crate::units::Decimal;

const SEARCH: Schema = Schema {
    what: "`find_max`",
    keys: &["from", "factor", "hold", "verify", "thresholds", "to", "precision"],
};

/// Steps a second that a search can take at least.
const STEPS: u64 = 1000;

/// The shortest try: less says nothing.
const SHORTEST: Duration = Duration::from_secs(2);

/// A search as it is written.
pub(super) struct Written {
    /// What it is.
    pub(super) plan: SearchPlan,
    /// The rate that it begins with.
    pub(super) rate: RateProfile,
}

/// Reads `find_max`; `None` after a report.
pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Written> {
    let before = cx.count();
    let fields = SEARCH.open(node, cx)?;
    let needed = |key: &str, example: &str| {
        let found = fields.get(key);
        if found.is_none() && !fields.misspelt(key) {
            let text = format!("`find_max` needs `{key}`");
            cx.report(Diagnostic::at(node.place, text).hint(format!("for example `{example}`")));
        }
        found
    };
    let from = needed("from", "from: 50/s").and_then(|node| scope.rate(node, cx));
    let rules = needed("thresholds", "thresholds: [\"p99 < 300ms\"]")
        .map_or_else(Vec::new, |node| thresholds::read(node, true, scope, cx));
    let to = fields.get("to").and_then(|node| Some((scope.rate(node, cx)?, node.place)));
    if let (Some(from), Some((to, place))) = (from, to)
        && to.per_second() < from.per_second()
    {
        cx.report(Diagnostic::at(place, "`to` is the highest rate to try, and it is below `from`"));
    }
    let factor = fields.get("factor").map_or(Some(2.0), |node| number(node, scope, 1.01, 100.0, cx));
    let precision = fields.get("precision").map_or(Some(0.05), |node| part(node, scope, cx));
    let time = |key: &str, default: u64| match fields.get(key) {
        Some(node) => try_time(node, key, scope, cx),
        None => Some(Duration::from_secs(default)),
    };
    let (hold, verify) = (time("hold", 20), time("verify", 60));
    if rules.is_empty() && cx.count() == before {
        cx.report(
            Diagnostic::at(node.place, "`find_max` has no rule: nothing ever breaks")
                .hint("for example `thresholds: [\"p99 < 300ms\"]`"),
        );
    }
    let rate = from.and_then(|from| start(from, node.place, cx));
    if cx.count() > before {
        return None;
    }
    let plan = SearchPlan {
        from: from?,
        factor: factor?,
        to: to.map(|(to, _)| to),
        precision: precision?,
        hold: hold?,
        verify: verify?,
        thresholds: rules.iter().map(|(rule, _)| rule.clone()).collect(),
    };
    Some(Written { plan, rate: rate? })
}

/// A profile in whose steps a search can go.
fn start(from: Rate, place: Place, cx: &Cx<'_>) -> Option<RateProfile> {
    let profile = RateProfile::constant(from);
    let finer = profile.and_then(|profile| profile.finer((STEPS / profile.denominator()).max(1)));
    finer.map_err(|error| cx.report(Diagnostic::at(place, error.to_string()))).ok()
}

fn number(node: &Node, scope: &Scope<'_>, least: f64, most: f64, cx: &Cx<'_>) -> Option<f64> {
    let text = scope.setting(node, "a number", cx)?;
    let number = Decimal::parse(text.trim()).map(Decimal::as_f64).filter(|it| (least..=most).contains(it));
    if number.is_none() {
        cx.report(Diagnostic::at(
            node.place,
            format!("a number from {least} to {most} is expected here, not `{text}`"),
        ));
    }
    number
}

fn part(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<f64> {
    let text = scope.setting(node, "a part such as `5%`", cx)?;
    let percent = text.trim().strip_suffix('%').and_then(|percent| Decimal::parse(percent.trim()));
    let part = percent.map(|percent| percent.as_f64() / 100.0).filter(|part| (0.001..=0.5).contains(part));
    if part.is_none() {
        cx.report(
            Diagnostic::at(node.place, format!("a part from 0.1% to 50% is expected here, not `{text}`"))
                .hint("for example `precision: 5%`"),
        );
    }
    part
}

fn try_time(node: &Node, key: &str, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Duration> {
    let time = scope.duration(node, cx)?;
    if time < SHORTEST || time > crate::threshold::LONGEST_WINDOW {
        cx.report(Diagnostic::at(node.place, format!("`{key}` is 2s to 10m")));
        return None;
    }
    Some(time)
}
