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
    let until = plot::until(view.elapsed, view.run_time);
    let plots = [rates(&view.timeline, until), times(&view.timeline, until), users(view, until)];
    for (area, plot) in areas.iter().zip(&plots) {
        plot::draw(frame, *area, plot, theme);
    }
}

/// Requests and failures per second of `course`.
pub(super) fn rates(course: &[CoursePoint], until: f64) -> Plot {
    let failures = series(course, "failures/s", Color::Red, |point| Some(point.failures_per_s));
    let requests = series(course, "req/s", Color::Green, |point| Some(point.rps));
    // A red line along the bottom would look like failures where there are none.
    let any = failures.points.iter().any(|(_, value)| value.is_some_and(|value| value > 0.0));
    let failures = if any { failures } else { Series { points: vec![], ..failures } };
    plot("", vec![requests, failures], 1, until, 1.0)
}

/// Percentiles of `course`.
pub(super) fn times(course: &[CoursePoint], until: f64) -> Plot {
    let p50 = series(course, "p50", Color::Green, |point| point.p50);
    let p95 = series(course, "p95", Color::Yellow, |point| point.p95);
    let p99 = series(course, "p99", Color::Magenta, |point| point.p99);
    plot("ms", vec![p50, p95, p99], 0, until, 0.0)
}

fn users(view: &RunView, until: f64) -> Plot {
    let course = &view.timeline;
    let planned = at_the_end(course, "planned", Color::DarkGray, |point| point.planned_users as f64);
    let planned = Series { dashed: true, ..planned };
    let users = at_the_end(course, "users", Color::Cyan, |point| point.users as f64);
    // Of arrivals a rate is planned, and users only come of it.
    let series = if view.arrivals.is_some() { vec![users] } else { vec![users, planned] };
    plot("", series, 0, until, 2.0)
}

fn plot(title: &'static str, series: Vec<Series>, on_top: usize, until: f64, at_least: f64) -> Plot {
    Plot { title, series, on_top, until, at_least }
}

/// One value of each point.
pub(super) fn series(
    course: &[CoursePoint],
    name: &'static str,
    colour: Color,
    value: impl Fn(&CoursePoint) -> Option<f64>,
) -> Series {
    let points = course.iter().map(|point| (point.t, value(point))).collect();
    Series { name, colour, points, dashed: false }
}

/// What was counted at the end of each step, placed there.
pub(super) fn at_the_end(
    course: &[CoursePoint],
    name: &'static str,
    colour: Color,
    value: impl Fn(&CoursePoint) -> f64,
) -> Series {
    let step = course.get(1).map_or(1.0, |second| second.t - course[0].t);
    let points = course.iter().map(|point| (point.t + step, Some(value(point)))).collect();
    Series { name, colour, points, dashed: false }
}
