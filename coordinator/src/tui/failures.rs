//! What failed, by cause: how often, where, why, and when it was first and last seen.
//!
//! Messages come from targets and libraries; they are made harmless and cut at the end, never wrapped.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Paragraph;

use super::table::{self, Cell, Column, Kind};
use super::text;
use super::theme::Theme;
use crate::format;
use crate::view::{FailureRow, RunView};

/// ```text
///  Count  Kind    Endpoint        Message                              First   Last
///     86  closed  POST /predict   connection closed before the resp…   00:12  00:39
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    if view.failures.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("✓ no failures so far", theme.good())), area);
        return;
    }
    let visible = usize::from(area.height - 1);
    let offset = offset.min(view.failures.len().saturating_sub(visible));
    let columns = columns(&table::place(offset, visible, view.failures.len()));
    let rows: Vec<Vec<Cell>> = view.failures.iter().map(|row| cells(row, theme)).collect();
    let widths = table::fit(&columns, &rows, usize::from(area.width));
    let mut lines = vec![table::head(&columns, &widths, theme.dim())];
    lines.extend(rows.iter().skip(offset).take(visible).map(|cells| table::row(&columns, &widths, cells)));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Lines that the whole list takes without its head.
pub(super) fn lines(view: &RunView) -> usize {
    view.failures.len().max(1)
}

fn columns(place: &str) -> Vec<Column> {
    let message = format!("Message{place}");
    [
        ("Count", 6, 0, Kind::Right),
        ("Kind", 8, 2, Kind::Left),
        ("Endpoint", 14, 1, Kind::Name),
        (message.as_str(), 16, 0, Kind::Prose),
        ("First", 5, 4, Kind::Right),
        ("Last", 5, 3, Kind::Right),
    ]
    .map(|(title, min, rank, kind)| Column { title: title.to_owned(), min, rank, kind })
    .to_vec()
}

fn cells(row: &FailureRow, theme: Theme) -> Vec<Cell> {
    let at = |second: u32| Cell::new(format::clock(Duration::from_secs(second.into())));
    let endpoint = format!("{} {}", row.method, row.name);
    vec![
        Cell::new(format::grouped(row.count)).style(theme.bad()),
        Cell::new(row.kind.as_str()),
        Cell::new(text::clean(endpoint.trim_start())),
        Cell::new(text::clean(&row.message)),
        at(row.first_s),
        at(row.last_s),
    ]
}
