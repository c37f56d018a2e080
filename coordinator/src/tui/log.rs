//! What happened, in full, the newest at the top: phases, notices, changes by hand, and whatever else is worth a line.
//!
//! The alarms at the bottom of the other views show the newest few, cut to a line each; here nothing is cut.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::theme::Theme;
use super::{table, text};
use crate::format;
use crate::view::{LogKind, LogRow, RunView};

/// ```text
///  What happened, newest first
///  00:41  ⚠ generator-limited: worker w2 uses 97 % of a core; the target may be
///           able to take more
///  00:20  ▸ steady
///  00:12  ± users: 200 → 210, from 12.4 s on
///  00:00  · worker w2 registered
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let body = wrapped(view, area.width, theme);
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    if view.log.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("○ nothing has happened yet", theme.dim())), area);
        return;
    }
    let (total, visible) = (body.len(), usize::from(area.height - 1));
    let offset = offset.min(total.saturating_sub(visible));
    let place = table::place(offset, visible, total);
    let mut lines = vec![Line::styled(format!("What happened, newest first{place}"), theme.dim())];
    lines.extend(body.into_iter().skip(offset).take(visible));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Lines that the whole list takes in `width` cells, without its head.
pub(super) fn lines(view: &RunView, width: u16) -> usize {
    wrapped(view, width, Theme::None).len()
}

fn wrapped(view: &RunView, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let clocks = view.log.iter().map(|row| text::width(&format::clock(row.at))).max().unwrap_or(5);
    let room = usize::from(width).saturating_sub(clocks + 7);
    let line = |row: &LogRow| {
        let (symbol, look) = mark(row.kind, theme);
        let clock = text::right(&format::clock(row.at), clocks);
        let lines = text::wrap(&text::clean(&row.text), room);
        let lines = lines.into_iter().enumerate().map(move |(at, line)| {
            let front = if at == 0 { format!("{clock}  {symbol} ") } else { " ".repeat(clocks + 4) };
            Line::from(vec![Span::styled(front, look), Span::styled(line, look)])
        });
        lines.collect::<Vec<_>>()
    };
    view.log.iter().rev().flat_map(line).collect()
}

fn mark(kind: LogKind, theme: Theme) -> (&'static str, Style) {
    match kind {
        LogKind::Phase => ("▸", theme.strong()),
        LogKind::Notice => ("⚠", theme.warn()),
        LogKind::Change => ("±", theme.accent()),
        LogKind::Line => ("·", theme.plain()),
    }
}
