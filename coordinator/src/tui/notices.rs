//! All notices in full, the newest at the top.
//!
//! The alarms at the bottom of the other views show the newest few, cut to a line each; here nothing is cut.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::theme::Theme;
use super::{table, text};
use crate::view::RunView;

/// ```text
///  Notices, newest first
///  ⚠ generator-limited: worker w2 uses 97 % of a core; the target may
///    be able to take more
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let body = wrapped(view, area.width);
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    if view.notices.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("✓ nothing to report", theme.good())), area);
        return;
    }
    let (total, visible) = (body.len(), usize::from(area.height - 1));
    let offset = offset.min(total.saturating_sub(visible));
    let place = table::place(offset, visible, total);
    let mut lines = vec![Line::styled(format!("Notices, newest first{place}"), theme.dim())];
    lines.extend(body.into_iter().skip(offset).take(visible).map(|line| Line::styled(line, theme.warn())));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Lines that the whole list takes in `width` cells, without its head.
pub(super) fn lines(view: &RunView, width: u16) -> usize {
    wrapped(view, width).len()
}

fn wrapped(view: &RunView, width: u16) -> Vec<String> {
    let room = usize::from(width).saturating_sub(4);
    let notice = |text: &String| {
        let lines = text::wrap(&text::clean(text), room);
        lines.into_iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "⚠ " } else { "  " }))
    };
    view.notices.iter().rev().flat_map(notice).collect()
}
