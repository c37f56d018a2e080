//! Before the first user: what is waited for, since when, what to type on the other machine, who has come.
//!
//! The command stands on lines of its own without a frame beside it, so that it can be copied with the mouse.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::theme::Theme;
use super::{header, text, workers};
use crate::format;
use crate::view::{Phase, RunView, WaitingFor, WorkerState};

/// ```text
///
///   Waiting for workers: 1 of 2 here
///   ━━━━━━━━━━━━━━━───────────────
///   since 12 s, giving up in 48 s
///
///   On another machine, type
///
///   worker --connect 192.0.2.10:5557
///
///  Worker        State      Users  …
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let room = usize::from(area.width).saturating_sub(4).max(1);
    let mut lines = match &view.waiting {
        Some(waiting) => waiting_lines(waiting, room, theme),
        None => preparing_lines(view, room, theme),
    };
    if area.height < 12 {
        lines.retain(|line| line.width() > 0);
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [top, bottom] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(lines), top);
    workers::draw(frame, bottom, 0, view, theme);
}

fn waiting_lines(waiting: &WaitingFor, room: usize, theme: Theme) -> Vec<Line<'static>> {
    let left = waiting.timeout.saturating_sub(Duration::from_secs(waiting.since.as_secs()));
    let here =
        format!("{} of {} here", waiting.connected, text::counted(waiting.expected as usize, "worker"));
    let mut lines = vec![
        Line::default(),
        Line::from(vec![
            Span::styled("  Waiting for workers: ", theme.accent()),
            Span::styled(here, theme.strong()),
        ]),
        bar(waiting.connected.into(), waiting.expected.into(), room, theme),
        Line::from(format!(
            "  for {} so far, giving up in {}",
            format::span(waiting.since),
            format::span(left)
        )),
        Line::default(),
        Line::styled("  On the other machine, type", theme.dim()),
        Line::default(),
    ];
    let command = text::wrap(&text::clean(&waiting.command), room);
    lines.extend(command.into_iter().map(|line| Line::styled(format!("  {line}"), theme.strong())));
    lines.push(Line::default());
    lines
}

fn preparing_lines(view: &RunView, room: usize, theme: Theme) -> Vec<Line<'static>> {
    let ready = view.workers.iter().filter(|worker| worker.state == WorkerState::Ready).count();
    let (title, what) = match view.phase {
        Phase::Waiting => ("  Waiting for workers", String::new()),
        _ => ("  Preparing: ", format!("{ready} of {} ready", text::counted(view.workers.len(), "worker"))),
    };
    vec![
        Line::default(),
        Line::from(vec![Span::styled(title, theme.accent()), Span::styled(what, theme.strong())]),
        bar(ready as u64, view.workers.len() as u64, room, theme),
        Line::from("  Workers compile the scenario and fetch its files."),
        Line::default(),
    ]
}

fn bar(part: u64, of: u64, room: usize, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::raw("  ")];
    spans.extend(header::bar(Some(format::share(part, of)), room.min(40), theme));
    Line::from(spans)
}
