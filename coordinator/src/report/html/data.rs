//! What the charts of the page are drawn from, as JSON that may stand in a `<script>` element.
//!
//! Figures are rounded as in the tables, which is all a chart can show and a third of the size.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Serialize, Serializer};

use super::super::model::{Endpoint, EndpointPoint, Report, TimelinePoint};
use super::super::text::{Place, figure, safe};
use super::endpoints::detailed;
use super::spread::{self, Spread};

/// Characters of a mark's label; what is longer is cut.
const MAX_LABEL: usize = 40;

/// A number, rounded as it is shown.
#[derive(Debug, Clone, Copy)]
struct Shown(f64);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded = figure(self.0).parse().unwrap_or(self.0);
        // `12` is two characters shorter than `12.0`, and there are thousands of them.
        if rounded.fract() == 0.0 && rounded.abs() < 9e15 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within the range that is exact")]
            return serializer.serialize_i64(rounded as i64);
        }
        serializer.serialize_f64(rounded)
    }
}

#[derive(Debug, Serialize)]
struct Data {
    marks: Vec<Mark>,
    timeline: Timeline,
    /// By the number of the row.
    endpoints: BTreeMap<usize, Row>,
}

/// A moment of the run that is drawn into the charts.
#[derive(Debug, Serialize)]
struct Mark {
    t: Shown,
    label: String,
}

/// The course of the run, column by column.
#[derive(Debug, Default, Serialize)]
struct Timeline {
    t: Vec<u32>,
    users: Vec<u64>,
    planned: Vec<u64>,
    in_flight: Vec<u64>,
    rps: Vec<Option<Shown>>,
    failures: Vec<Option<Shown>>,
    p50: Vec<Option<Shown>>,
    p95: Vec<Option<Shown>>,
    p99: Vec<Option<Shown>>,
}

#[derive(Debug, Serialize)]
struct Row {
    course: Option<Course>,
    spread: Option<Bars>,
}

/// The course of a row, column by column.
#[derive(Debug, Default, Serialize)]
struct Course {
    t: Vec<u32>,
    rps: Vec<Option<Shown>>,
    failures: Vec<Option<Shown>>,
    p50: Vec<Option<Shown>>,
    p95: Vec<Option<Shown>>,
    p99: Vec<Option<Shown>>,
}

/// Counts by response time.
#[derive(Debug, Serialize)]
struct Bars {
    edges: Vec<Shown>,
    ok: Vec<u64>,
    failed: Vec<u64>,
}

/// The JSON, with every character escaped that could end the element it stands in.
pub(super) fn json(report: &Report) -> String {
    let rows = detailed(report).into_iter().map(|(at, endpoint)| (at, row(endpoint)));
    let data = Data { marks: marks(report), timeline: timeline(&report.timeline), endpoints: rows.collect() };
    // Keys and values are such that it cannot fail; a page without charts would still have its tables.
    in_script(&serde_json::to_string(&data).unwrap_or_else(|_| "null".to_owned()))
}

/// These characters stand in JSON inside of strings only, where they may be written as escapes.
fn in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn marks(report: &Report) -> Vec<Mark> {
    let run = &report.run;
    let mark = |t: f64, label: &str| {
        let label = safe(label, Place::Line).chars().take(MAX_LABEL).collect();
        Mark { t: Shown(t), label }
    };
    let mut marks: Vec<_> = run.warmup_s.iter().map(|warmup| mark(*warmup, "warm-up over")).collect();
    marks.extend(
        run.changes
            .iter()
            .map(|change| mark(change.t, &format!("{} {} → {}", change.what, change.from, change.to))),
    );
    let broken = report.thresholds.iter().filter(|rule| !rule.passed);
    let broken = broken.filter_map(|rule| Some((rule.window?, &rule.rule)));
    marks.extend(broken.map(|(window, rule)| mark(window.from_s.into(), &format!("worst: {rule}"))));
    let lost = report.workers.iter().filter_map(|worker| Some((worker.lost_at_s?, &worker.name)));
    marks.extend(lost.map(|(at, name)| mark(at, &format!("worker {name} lost"))));
    let stop = run.warmup_s.unwrap_or_default() + run.duration_s;
    marks.push(mark(stop, "stop"));
    marks.sort_by(|a, b| a.t.0.total_cmp(&b.t.0));
    marks
}

fn timeline(points: &[TimelinePoint]) -> Timeline {
    let mut out = Timeline::default();
    for point in points {
        out.t.push(point.t);
        out.users.push(point.users);
        out.planned.push(point.planned_users);
        out.in_flight.push(point.in_flight);
        out.rps.push(point.rps.map(Shown));
        out.failures.push(failures(point.rps, point.failures, point.seconds));
        out.p50.push(point.p50_ms.map(Shown));
        out.p95.push(point.p95_ms.map(Shown));
        out.p99.push(point.p99_ms.map(Shown));
    }
    out
}

fn course(points: &[EndpointPoint]) -> Option<Course> {
    let mut out = Course::default();
    for point in points {
        out.t.push(point.t);
        out.rps.push(point.rps.map(Shown));
        out.failures.push(failures(point.rps, point.failures, point.seconds));
        out.p50.push(point.p50_ms.map(Shown));
        out.p95.push(point.p95_ms.map(Shown));
        out.p99.push(point.p99_ms.map(Shown));
    }
    (!points.is_empty()).then_some(out)
}

/// Failures a second. What has no rate has no rate of failures either.
fn failures(rps: Option<f64>, failures: u64, seconds: u32) -> Option<Shown> {
    rps.map(|_| Shown(failures as f64 / f64::from(seconds.max(1))))
}

fn row(endpoint: &Endpoint) -> Row {
    Row { course: course(&endpoint.course), spread: spread::of(endpoint).map(bars) }
}

fn bars(spread: Spread) -> Bars {
    let edges = spread.edges_us.iter().map(|us| Shown(*us as f64 / 1e3)).collect();
    Bars { edges, ok: spread.ok, failed: spread.failed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_are_short() {
        let figures = [0.0, 12.44, 0.14239, 1280.2, 3.0].map(Shown);
        assert_eq!(serde_json::to_string(&figures).expect("encodes"), "[0,12.4,0.142,1280,3]");
    }

    const ENDS: [char; 5] = ['<', '>', '&', '\u{2028}', '\u{2029}'];

    proptest! {
        #[test]
        fn nothing_in_a_string_ends_the_element(text in any::<String>()) {
            let text = format!("{text}</script><!--&\u{2028}\u{2029}{text}");
            let escaped = in_script(&serde_json::to_string(&text).expect("encodes"));
            prop_assert!(!escaped.contains(ENDS));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).expect("decodes"), text);
        }
    }
}
