//! The course as pictures: Mermaid charts of one series each, and sparklines for readers without Mermaid.
//!
//! Charts know no gaps: a step without a value stands as 0 there and as a blank in the sparkline.

use std::fmt::Write;

use super::model::TimelinePoint;
use super::text::{figure, width};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Flatter than Mermaid's own, for there are several; its own colour for a line can hardly be seen on white, this one on
/// dark as well.
const LOOK: &str = r##"%%{init: {"xyChart": {"width": 900, "height": 260}, "themeVariables": {"xyChart": {"plotColorPalette": "#3b82f6"}}}}%%"##;

/// One line of the course.
#[derive(Debug)]
pub(super) struct Series {
    title: &'static str,
    unit: &'static str,
    values: Vec<Option<f64>>,
}

/// What the charts show, in order.
pub(super) fn series(course: &[TimelinePoint]) -> Vec<Series> {
    let of = |title, unit, value: fn(&TimelinePoint) -> Option<f64>| Series {
        title,
        unit,
        values: course.iter().map(value).collect(),
    };
    vec![
        of("Users", "users", |point| (point.seconds > 0).then_some(point.users as f64)),
        of("Requests per second", "req/s", |point| point.rps),
        of("Response time, median", "p50 ms", |point| point.p50_ms),
        of("Response time, 95th percentile", "p95 ms", |point| point.p95_ms),
        of("Failures per second", "failures/s", |point| {
            (point.seconds > 0).then(|| point.failures as f64 / f64::from(point.seconds))
        }),
    ]
}

impl Series {
    fn largest(&self) -> f64 {
        self.values.iter().flatten().copied().fold(0.0, f64::max)
    }

    /// A Mermaid block; at least two points are needed for a line.
    pub(super) fn mermaid(&self, from_s: u32, to_s: u32) -> String {
        let largest = self.largest();
        let top = if largest > 0.0 { largest } else { 1.0 };
        let values: Vec<_> = self.values.iter().map(|value| plain(value.unwrap_or(0.0))).collect();
        let mut out = format!("```mermaid\n{LOOK}\nxychart-beta\n");
        let lines = [
            format!("title \"{}\"", self.title),
            format!("x-axis \"run time in s\" {from_s} --> {to_s}"),
            format!("y-axis \"{}\" 0 --> {}", self.unit, plain(top)),
            format!("line [{}]", values.join(", ")),
        ];
        for line in lines {
            out.push_str("    ");
            out.push_str(&line);
            out.push('\n');
        }
        out.push_str("```\n");
        out
    }

    /// A sparkline from 0 to the largest value, with the figures beside it.
    fn sparkline(&self, label_width: usize) -> String {
        let largest = self.largest();
        let bar = |value: Option<f64>| match value {
            None => ' ',
            Some(value) => BARS[level(value, largest)],
        };
        let bars: String = self.values.iter().copied().map(bar).collect();
        let known: Vec<_> = self.values.iter().flatten().copied().collect();
        let smallest = known.iter().copied().reduce(f64::min);
        let figures = match (smallest, known.last()) {
            (Some(smallest), Some(last)) => {
                let [smallest, largest, last] = [smallest, largest, *last].map(|value| self.shown(value));
                format!("min {smallest}, max {largest}, last {last}")
            }
            _ => "no value".to_owned(),
        };
        format!("{:<label_width$}  {bars}  {figures}\n", self.unit)
    }

    fn shown(&self, value: f64) -> String {
        if self.unit == "users" { format!("{value}") } else { figure(value) }
    }
}

/// All sparklines in one block of Markdown.
pub(super) fn sparklines(series: &[Series]) -> String {
    format!("```text\n{}```\n", sparkline_text(series))
}

/// All sparklines, a line each.
pub(super) fn sparkline_text(series: &[Series]) -> String {
    let label_width = series.iter().map(|one| width(one.unit)).max().unwrap_or(0);
    series.iter().map(|one| one.sparkline(label_width)).collect()
}

/// Which of the eight bars.
fn level(value: f64, largest: f64) -> usize {
    if largest <= 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=7")]
    let level = (value / largest * 7.0).round().clamp(0.0, 7.0) as usize;
    level
}

/// Without exponent and without zeros that say nothing.
fn plain(value: f64) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{value:.3}");
    out.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_no_gaps_and_no_exponents() {
        let values = vec![Some(0.0), None, Some(1e-7), Some(1_234_567.5)];
        let series = Series { title: "T", unit: "u", values };
        let chart = series.mermaid(0, 3);
        assert!(chart.contains("line [0, 0, 0, 1234567.5]"), "{chart}");
        assert!(chart.contains("y-axis \"u\" 0 --> 1234567.5"), "{chart}");
        assert_eq!(series.sparkline(1), "u  ▁ ▁█  min 0.00, max 1234568, last 1234568\n");
    }

    #[test]
    fn a_flat_series_has_an_axis() {
        let series = Series { title: "T", unit: "u", values: vec![Some(0.0), Some(0.0)] };
        assert!(series.mermaid(0, 1).contains("0 --> 1\n"));
    }
}
