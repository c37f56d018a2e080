//! The load: as it was planned against what happened, what was changed by hand, what a search tried, and the keys that change it.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::plot::{self, Plot, Series};
use super::state::{Screen, can_change, can_pause};
use super::table::{self, Cell, Column, Kind};
use super::theme::Theme;
use super::{charts, layout, text};
use crate::format;
use crate::view::{CoursePoint, RunView, SearchView, TryRow};

/// The keys that change it.
const KEYS: [(&str, &str); 5] = [
    ("w W", "1 more, 10 more"),
    ("s S", "1 fewer, 10 fewer"),
    ("+ -", "a tenth more, a tenth less"),
    ("p", "pause, go on"),
    ("n", "next stage"),
];

/// Where the parts of this view are.
pub(super) struct Parts {
    words: Rect,
    chart: Rect,
    /// Changes, or the tries of a search, with a head.
    pub(super) list: Rect,
    keys: Rect,
}

/// Deals out `area`.
pub(super) fn areas(area: Rect, screen: &Screen, view: &RunView) -> Parts {
    let keys = key_lines(screen, view, usize::from(area.width), Theme::None).len();
    let list = layout::clamped(lines(view)).saturating_add(1).min((area.height / 3).max(3));
    let [words, chart, list, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(list),
        Constraint::Length(layout::clamped(keys)),
    ])
    .areas(area);
    Parts { words, chart, list, keys }
}

/// Lines that the list takes without its head.
pub(super) fn lines(view: &RunView) -> usize {
    match &view.load.search {
        Some(search) => search.tries.len().max(1),
        None => view.load.changes.len().max(1),
    }
}

/// ```text
///  200 users, started at 10/s (all of them after 20s)
/// ┌ users · planned ──────────────────────────────────────────────────────────────┐
/// │ 200┤          ⡠⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒                                             │
/// │ 100┤    ⡠⠊                                                                    │
/// │   0┼──────────────────────────────────────────────────────────────────────────│
/// └ 00:00 ───────────────────────────────────────────────────────────────── 01:00 ┘
///  Changes by hand
///  00:12  users  200 → 210
///  w W 1 more, 10 more   s S 1 fewer, 10 fewer   + - a tenth more, a tenth less   p pause, go on
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, screen: &Screen, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let parts = areas(area, screen, view);
    let width = usize::from(area.width);
    let words = format!(" {}", text::clean(&view.load.words));
    frame.render_widget(
        Paragraph::new(Line::styled(text::cut_end(&words, width), theme.strong())),
        parts.words,
    );
    plot::draw(frame, parts.chart, &plot_of(view), theme);
    let offset = screen.offset();
    match &view.load.search {
        Some(search) => draw_search(frame, parts.list, offset, search, theme),
        None => draw_changes(frame, parts.list, offset, view, theme),
    }
    frame.render_widget(Paragraph::new(key_lines(screen, view, width, theme)), parts.keys);
}

/// As planned, as asked for where that was changed, and as it was.
fn plot_of(view: &RunView) -> Plot {
    let planned = view.load.planned.iter().map(|(t, value)| (*t, Some(*value))).collect();
    let planned = Series { name: "planned", colour: Color::DarkGray, points: planned, dashed: true };
    let course = &view.timeline;
    let mut series = vec![];
    if view.arrivals.is_some() {
        series.push(charts::series(course, "arrivals/s", Color::Cyan, |point| Some(point.arrivals_per_s)));
    } else {
        series.push(charts::at_the_end(course, "users", Color::Cyan, |point| point.users as f64));
        if !view.load.changes.is_empty() {
            let asked = |point: &CoursePoint| point.planned_users as f64;
            series.push(charts::at_the_end(course, "asked for", Color::Yellow, asked));
        }
    }
    if !planned.points.is_empty() {
        series.push(planned);
    }
    // All of the plan is shown, also what is still to come.
    let until = match view.load.planned.last() {
        Some((end, _)) => end.max(view.elapsed.as_secs_f64()),
        None => plot::until(view.elapsed, view.run_time),
    };
    Plot { title: "", series, on_top: 0, until, at_least: 2.0 }
}

fn draw_changes(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    let changes = &view.load.changes;
    let visible = usize::from(area.height.saturating_sub(1));
    let offset = offset.min(changes.len().saturating_sub(visible));
    let place = table::place(offset, visible, changes.len());
    let mut lines = vec![Line::styled(format!(" Changes by hand, newest first{place}"), theme.dim())];
    if changes.is_empty() {
        lines.push(Line::styled(" none", theme.dim()));
    }
    lines.extend(changes.iter().rev().skip(offset).take(visible).map(|change| {
        Line::from(vec![
            Span::styled(format!(" {}  ", format::clock(change.at)), theme.dim()),
            Span::raw(text::left(&text::clean(&change.what), 7)),
            Span::styled(
                format!("{} → {}", text::clean(&change.from), text::clean(&change.to)),
                theme.strong(),
            ),
        ])
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

/// ```text
///  Try   Rate    Seconds  # reqs  Dropped  Why not 1-3/9 ↕
///  ✓  400/s   00:42-00:50   3 201        0
///  ✗  800/s   00:54-01:02   5 120      310  p95 < 60ms: 212 ms
/// ```
fn draw_search(frame: &mut Frame<'_>, area: Rect, offset: usize, search: &SearchView, theme: Theme) {
    let said = search.now.as_ref().map(|now| format!("now: {now}")).or_else(|| search.sentence.clone());
    let title = text::clean(said.as_deref().unwrap_or("")).into_owned();
    if search.tries.is_empty() {
        frame.render_widget(Paragraph::new(Line::styled(format!(" Search  {title}"), theme.accent())), area);
        return;
    }
    let visible = usize::from(area.height.saturating_sub(1));
    let offset = offset.min(search.tries.len().saturating_sub(visible));
    let place = table::place(offset, visible, search.tries.len());
    let columns = [
        ("Search".to_owned(), 9, 0, Kind::Left),
        ("Rate".to_owned(), 8, 0, Kind::Right),
        ("Seconds".to_owned(), 11, 2, Kind::Left),
        ("# reqs".to_owned(), 8, 1, Kind::Right),
        ("Dropped".to_owned(), 7, 3, Kind::Right),
        (format!("{title}{place}"), 16, 0, Kind::Prose),
    ]
    .map(|(title, min, rank, kind)| Column { title, min, rank, kind });
    let rows: Vec<Vec<Cell>> = search.tries.iter().rev().map(|tried| cells(tried, theme)).collect();
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let widths = table::fit(&columns, &rows, usize::from(area.width));
    let mut lines = vec![table::head(&columns, &widths, theme.dim())];
    lines.extend(rows.iter().skip(offset).take(visible).map(|cells| table::row(&columns, &widths, cells)));
    frame.render_widget(Paragraph::new(lines), area);
}

fn cells(tried: &TryRow, theme: Theme) -> Vec<Cell> {
    let at = |second: u32| format::clock(Duration::from_secs(second.into()));
    let (mark, look) = if tried.held { ("✓", theme.good()) } else { ("✗", theme.bad()) };
    vec![
        Cell::new(format!("{mark} {}", if tried.verifies { "verified" } else { "tried" })).style(look),
        Cell::new(format!("{}/s", format::rate(tried.rate))).style(theme.strong()),
        Cell::new(format!("{}-{}", at(tried.from_s), at(tried.to_s))),
        Cell::new(format::grouped(tried.requests)),
        Cell::new(format::grouped(tried.dropped)),
        Cell::new(text::clean(tried.why.as_deref().unwrap_or("every rule holds"))),
    ]
}

/// The keys, as many to a line as fit; or why there are none.
fn key_lines(screen: &Screen, view: &RunView, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let why = if !can_pause(view) {
        return vec![];
    } else if !screen.mode.controls() {
        "read-only: the load cannot be changed from this screen"
    } else if view.load.search.is_some() {
        "the search sets the load by itself"
    } else if !can_change(view) {
        "paused: p to go on, then the load can be changed"
    } else {
        ""
    };
    if !why.is_empty() {
        return vec![Line::styled(format!(" {why}"), theme.dim())];
    }
    let mut lines: Vec<Vec<Span<'static>>> = vec![];
    let mut used = usize::MAX;
    for (key, does) in KEYS {
        let needed = text::width(key) + text::width(does) + 4;
        if used.saturating_add(needed) > width {
            lines.push(vec![]);
            used = 0;
        }
        used += needed;
        if let Some(line) = lines.last_mut() {
            line.push(Span::styled(format!(" {key}"), theme.accent()));
            line.push(Span::styled(format!(" {does}  "), theme.dim()));
        }
    }
    lines.into_iter().map(Line::from).collect()
}
