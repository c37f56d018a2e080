//! The course of the run as up to three charts: rates, response times, users.
//!
//! Here is what they show; how a chart looks is `plot`'s business, how many there are `layout`'s.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::plot::{self, Plot, Series};
use super::theme::Theme;
use crate::view::{CoursePoint, RunView};

/// ```text
/// ┌ req/s · failures/s ─────┐┌ ms p50 · p95 · p99 ──────┐┌ users · planned ────────┐
/// │ 1 600┤    ⡠⠒⠒⠒⠒         ││   160┤    ⡠⠒⠒⠢⡀         ││   200┤    ⡠⠒⠒⠒⠒         │
/// │   800┤ ⢀⠔⠉              ││    80┤ ⢀⠤⠔⠒⠒⠒⠒⠉        ││   100┤ ⢀⠔⠉              │
/// │     0┼──────────────────││     0┼──────────────────││     0┼──────────────────│
/// └ 00:00 ────────── 01:00 ─┘└ 00:00 ────────── 01:00 ─┘└ 00:00 ────────── 01:00 ─┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, areas: &[Rect], view: &RunView, theme: Theme) {
    let plots = [rates(view), times(view), users(view)];
    for (area, plot) in areas.iter().zip(&plots) {
        plot::draw(frame, *area, plot, theme);
    }
}

fn rates(view: &RunView) -> Plot {
    let failures = series(view, "failures/s", Color::Red, |point| Some(point.failures_per_s));
    let requests = series(view, "req/s", Color::Green, |point| Some(point.rps));
    // A red line along the bottom would look like failures where there are none.
    let any = failures.points.iter().any(|(_, value)| value.is_some_and(|value| value > 0.0));
    let failures = if any { failures } else { Series { points: vec![], ..failures } };
    plot(view, "", vec![requests, failures], 1, 1.0)
}

fn times(view: &RunView) -> Plot {
    let p50 = series(view, "p50", Color::Green, |point| point.p50);
    let p95 = series(view, "p95", Color::Yellow, |point| point.p95);
    let p99 = series(view, "p99", Color::Magenta, |point| point.p99);
    plot(view, "ms", vec![p50, p95, p99], 0, 0.0)
}

fn users(view: &RunView) -> Plot {
    let planned = series(view, "planned", Color::DarkGray, |point| Some(point.planned_users as f64));
    let users = series(view, "users", Color::Cyan, |point| Some(point.users as f64));
    // Of arrivals a rate is planned, and users only come of it.
    let series = if view.arrivals.is_some() { vec![users] } else { vec![users, planned] };
    plot(view, "", series, 0, 2.0)
}

fn plot(view: &RunView, title: &'static str, series: Vec<Series>, on_top: usize, at_least: f64) -> Plot {
    Plot { title, series, on_top, until: plot::until(view.elapsed, view.run_time), at_least }
}

fn series(
    view: &RunView,
    name: &'static str,
    colour: Color,
    value: impl Fn(&CoursePoint) -> Option<f64>,
) -> Series {
    let points = view.timeline.iter().map(|point| (point.t, value(point))).collect();
    Series { name, colour, points }
}
