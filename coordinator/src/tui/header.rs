//! The top: what runs and against what, how far it has come, the figures one looks at first.
//!
//! Every figure has a place of fixed width in which it stands at the right. Where the terminal is narrow, whole figures
//! leave, the least important first; none is ever cut in two.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::can_pause;
use super::text;
use super::theme::Theme;
use crate::format;
use crate::view::{Phase, RunView, WorkerState};

/// ```text
///  Stampede  shop → https://shop.test                       ● steady 00:41 / 01:00
///  users 200/200   1 284 req/s   2.10 fail/s   p50  12.0  p95  48.0  p99   131 ms
///  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸───────────────────  68 %  ● 2 workers
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let lines = vec![title(view, theme, width), figures(view, theme, width), gauge(view, theme, width)];
    frame.render_widget(Paragraph::new(lines), area);
}

fn title(view: &RunView, theme: Theme, width: usize) -> Line<'static> {
    let (symbol, look) = phase_look(view, theme);
    let paused = view.paused && can_pause(view);
    let phase = match &view.search {
        Some(search) if can_pause(view) => format!("{symbol} {search}"),
        _ => format!("{symbol} {}", if paused { "paused" } else { view.phase_name() }),
    };
    let time = match view.run_time {
        Some(run_time) => format!(" {} / {} ", format::clock(view.elapsed), format::clock(run_time)),
        None => format!(" {} ", format::clock(view.elapsed)),
    };
    let (mark, mark_look) = limit_mark(view, theme);
    let right = text::width(mark) + usize::from(!mark.is_empty()) + text::width(&phase) + text::width(&time);
    let room = width.saturating_sub(right + 1);
    if room < 10 {
        return Line::from(vec![Span::styled(mark, mark_look), Span::styled(phase, look), Span::raw(time)]);
    }
    let mut spans = vec![Span::styled(" Stampede  ", theme.accent())];
    if view.demo {
        spans.push(Span::styled("demo", theme.warn()));
        spans.push(Span::raw("  "));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let what = [&view.scenario, &view.target].map(|part| text::clean(part));
    let what = what.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" → ");
    spans.push(Span::raw(text::left(
        &text::cut_middle(&what, room.saturating_sub(used)),
        (room + 1).saturating_sub(used),
    )));
    spans.push(Span::styled(mark, mark_look));
    spans.push(Span::raw(if mark.is_empty() { "" } else { " " }));
    spans.push(Span::styled(phase, look));
    spans.push(Span::styled(time, theme.strong()));
    Line::from(spans)
}

/// That the load generator is, or was, the limit.
fn limit_mark(view: &RunView, theme: Theme) -> (&'static str, Style) {
    match &view.limited {
        Some(limited) if limited.now => (" ⚠ limited ", theme.alarm()),
        Some(_) => ("⚠ was limited", theme.warn()),
        None => ("", Style::new()),
    }
}

fn phase_look(view: &RunView, theme: Theme) -> (&'static str, Style) {
    match view.phase {
        Phase::Waiting | Phase::Preparing => ("○", theme.accent()),
        Phase::Ramping | Phase::Steady if view.paused => ("‖", theme.warn()),
        Phase::Ramping if heads_down(view) => ("▼", theme.accent()),
        Phase::Ramping => ("▲", theme.accent()),
        Phase::Steady => ("●", theme.good()),
        Phase::Draining => ("◌", theme.warn()),
        Phase::Finished => ("■", theme.strong()),
    }
}

/// Whether there will be less load than there is.
fn heads_down(view: &RunView) -> bool {
    match &view.arrivals {
        Some(arrivals) => arrivals.target < arrivals.rate,
        None => view.users_target < view.users,
    }
}

/// One figure of the second line.
struct Figure {
    label: &'static str,
    value: String,
    look: Style,
    unit: &'static str,
    /// Leaves the earlier the higher it is.
    rank: u8,
}

impl Figure {
    fn width(&self) -> usize {
        text::width(self.label) + text::width(&self.value) + text::width(self.unit)
    }
}

fn figures(view: &RunView, theme: Theme, width: usize) -> Line<'static> {
    // Not what just fits: places must not move when a number grows.
    let gap = if width < 100 { 2 } else { 3 };
    let mut figures = all_figures(view, theme);
    while needed(&figures, gap) + 1 > width && figures.len() > 1 {
        let last = (0..figures.len()).max_by_key(|&at| figures[at].rank).unwrap_or_default();
        figures.remove(last);
    }
    let mut spans = vec![Span::raw(" ")];
    for (at, figure) in figures.into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(gap)));
        }
        spans.push(Span::styled(figure.label, theme.dim()));
        spans.push(Span::styled(figure.value, figure.look));
        spans.push(Span::styled(figure.unit, theme.dim()));
    }
    Line::from(spans)
}

fn needed(figures: &[Figure], gap: usize) -> usize {
    figures.iter().map(Figure::width).sum::<usize>() + gap * figures.len().saturating_sub(1)
}

fn all_figures(view: &RunView, theme: Theme) -> Vec<Figure> {
    let now = format::grouped(u64::from(view.users));
    let target = format::grouped(u64::from(view.users_target));
    let users = match view.phase {
        Phase::Draining | Phase::Finished => text::right(&now, 7),
        // As many as arrivals need.
        _ if view.arrivals.is_some() => text::right(&now, 5),
        _ => format!("{}/{target}", text::right(&now, text::width(&target))),
    };
    let plain = theme.strong();
    let failing = if view.failures_per_s > 0.0 { theme.bad() } else { plain };
    let time = |value: Option<f64>| text::right(&value.map_or(format::NONE.to_owned(), format::ms), 5);
    let all = &view.aggregated;
    let figure = |label, value, unit, rank| Figure { label, value, look: plain, unit, rank };
    let mut figures = vec![figure("users ", users, "", 0)];
    if let Some(arrivals) = &view.arrivals {
        let (begun, planned) = (format::rate(arrivals.begun_per_s), format::rate(arrivals.rate));
        let dropped = if arrivals.dropped > 0 { theme.bad() } else { plain };
        figures.push(figure("arrivals ", format!("{}/{planned}", text::right(&begun, 6)), "/s", 1));
        let count = text::right(&format::grouped(arrivals.dropped), 5);
        figures.push(Figure { look: dropped, ..figure("dropped ", count, "", 2) });
    }
    figures.extend([
        figure("", text::right(&format::rate(view.rps), 6), " req/s", 1),
        Figure {
            look: failing,
            ..figure("", text::right(&format::rate(view.failures_per_s), 5), " fail/s", 2)
        },
        figure("p50 ", time(all.med), "", 5),
        figure("p95 ", time(all.p95), "", 3),
        figure("p99 ", time(all.p99), " ms", 4),
        figure("in flight ", text::right(&format::grouped(view.in_flight), 5), "", 6),
        figure("oldest ", text::right(&format::fine_span(view.oldest_in_flight), 6), "", 7),
        figure("in ", text::right(&format::bytes_per_s(view.bytes_in_per_s), 7), "", 8),
        figure("out ", text::right(&format::bytes_per_s(view.bytes_out_per_s), 7), "", 9),
    ]);
    figures
}

/// How far it has come: a share where there is an end to come to, and what to say beside it.
fn progress(view: &RunView) -> (Option<f64>, String) {
    let percent = |share: f64| format!("{:3.0} %", (share * 100.0).floor());
    match view.phase {
        Phase::Waiting | Phase::Preparing => return (Some(0.0), percent(0.0)),
        Phase::Draining => {
            let left = text::counted(view.users as usize, "user");
            return (Some(1.0), format!("{left} finishing"));
        }
        Phase::Finished => return (Some(1.0), "done".to_owned()),
        Phase::Ramping | Phase::Steady => {}
    }
    let time = view.run_time.filter(|time| !time.is_zero()).map(|time| {
        let share = (view.elapsed.as_secs_f64() / time.as_secs_f64()).min(1.0);
        (share, percent(share))
    });
    let iterations = view.iterations.map(|(wanted, begun)| {
        let share = format::share(begun, wanted).min(1.0);
        let count = text::right(&format::grouped(begun), text::width(&format::grouped(wanted)));
        (share, format!("{count}/{} iterations {}", format::grouped(wanted), percent(share)))
    });
    match (time, iterations) {
        // Whichever comes first ends the run.
        (Some(time), Some(iterations)) if iterations.0 < time.0 => (Some(time.0), time.1),
        (_, Some((share, label))) | (Some((share, label)), None) => (Some(share), label),
        (None, None) => (None, "until stopped".to_owned()),
    }
}

fn gauge(view: &RunView, theme: Theme, width: usize) -> Line<'static> {
    let (share, label) = progress(view);
    let (workers, look) = workers(view, theme);
    let tail = format!("  {}  ", text::right(&label, 5));
    let room = width.saturating_sub(2 + text::width(&tail) + text::width(&workers).max(14));
    let mut spans = vec![Span::raw(" ")];
    spans.extend(bar(share, room, theme));
    spans.push(Span::styled(tail, theme.strong()));
    spans.push(Span::styled(workers, look));
    Line::from(spans)
}

/// A thick line for what is done, to half a cell, a thin one for the rest; dots where there is no end.
pub(super) fn bar(share: Option<f64>, room: usize, theme: Theme) -> Vec<Span<'static>> {
    let Some(share) = share else { return vec![Span::styled("·".repeat(room), theme.dim())] };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and twice the width"
    )]
    let halves = (share.clamp(0.0, 1.0) * room as f64 * 2.0).floor() as usize;
    let (full, half) = (halves / 2, halves % 2);
    vec![
        Span::styled(format!("{}{}", "━".repeat(full), "╸".repeat(half)), theme.accent()),
        Span::styled("─".repeat(room.saturating_sub(full + half)), theme.dim()),
    ]
}

/// How many workers there are, and whether any is gone.
fn workers(view: &RunView, theme: Theme) -> (String, Style) {
    let count = |state: WorkerState| view.workers.iter().filter(|worker| worker.state == state).count();
    let (lost, away) = (count(WorkerState::Lost), count(WorkerState::Disconnected));
    let present = text::counted(view.workers.len() - lost - away, "worker");
    match (lost, away) {
        (0, 0) if view.workers.is_empty() => ("○ no worker yet".to_owned(), theme.dim()),
        (0, 0) => (format!("● {present}"), theme.good()),
        (0, away) => (format!("⚠ {present}, {away} away"), theme.warn()),
        (lost, 0) => (format!("✗ {present}, {lost} lost"), theme.bad()),
        (lost, away) => (format!("✗ {present}, {lost} lost, {away} away"), theme.bad()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tui::samples;

    #[test]
    fn the_gauge_follows_what_ends_the_run() {
        let base = RunView { run_time: None, iterations: None, ..samples::running() };
        assert_eq!(progress(&base), (None, "until stopped".to_owned()));
        let timed =
            RunView { elapsed: Duration::from_secs(45), run_time: Some(Duration::from_secs(60)), ..base };
        assert_eq!(progress(&timed), (Some(0.75), " 75 %".to_owned()));
        let both = RunView { iterations: Some((1000, 900)), ..timed };
        assert_eq!(progress(&both), (Some(0.9), "  900/1\u{202f}000 iterations  90 %".to_owned()));
        let slow = RunView { iterations: Some((1000, 100)), ..both };
        assert_eq!(progress(&slow).1, " 75 %");
    }

    #[test]
    fn figures_stand_still_while_numbers_grow() {
        let place = |rps: f64, users: u32| {
            let view = RunView { rps, users, users_target: 200, ..samples::running() };
            let line = figures(&view, Theme::None, 80).to_string();
            line.chars().position(|c| c == 'p')
        };
        assert_eq!(place(0.0, 0), place(99_999.0, 200));
    }
}
