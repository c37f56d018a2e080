//! The table of endpoints, with the row of all together at its foot.
//!
//! Columns leave in the order of the design: the extremes, p90, then Avg, fail/s, Med; `# fails`, p95 and p99 stay.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Paragraph;
use stampede_stats::endpoint::RowKind;

use super::table::{self, Cell, Column, Kind};
use super::text;
use super::theme::Theme;
use crate::format;
use crate::view::{EndpointRow, RunView};

/// ```text
///  Type  Name                       # reqs     # fails    Med    p95    p99  req/s
///  GET   /                          10 402   0 (0.00%)   3.20   9.80   21.0    257
///  POST  /predict                   41 771  86 (0.21%)   14.0   61.0    140  1 027
///  GROUP checkout                    2 610   0 (0.00%)   98.0    210    390   64.1
///        Aggregated                 52 173  86 (0.16%)   12.0   48.0    131  1 284
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let visible = usize::from(area.height.saturating_sub(2));
    let offset = offset.min(view.endpoints.len().saturating_sub(visible));
    let shown = visible.min(view.endpoints.len() - offset);
    let columns = columns(&table::place(offset, visible, view.endpoints.len()));
    // What is in no sum steps back.
    let look = |row: &EndpointRow| if row.kind == RowKind::Request { Style::new() } else { theme.dim() };
    let mut rows: Vec<Vec<Cell>> = view.endpoints.iter().map(|row| cells(row, look(row), theme)).collect();
    let total =
        EndpointRow { method: String::new(), name: "Aggregated".to_owned(), ..view.aggregated.clone() };
    rows.push(cells(&total, theme.strong(), theme));
    let widths = table::fit(&columns, &rows, usize::from(area.width));
    // The last row, if there is one row only; then the head; then the endpoints.
    let mut lines = vec![];
    if area.height > 1 {
        lines.push(table::head(&columns, &widths, theme.dim()));
    }
    lines.extend(rows[offset..offset + shown].iter().map(|cells| table::row(&columns, &widths, cells)));
    lines.push(table::row(&columns, &widths, &rows[view.endpoints.len()]));
    frame.render_widget(Paragraph::new(lines), area);
}

fn columns(place: &str) -> Vec<Column> {
    let column = |title: &str, min, rank, kind| Column { title: title.to_owned(), min, rank, kind };
    let time = |title: &str, rank| column(title, 6, rank, Kind::Right);
    vec![
        column("Type", 4, 2, Kind::Left),
        column(&format!("Name{place}"), 16, 0, Kind::Name),
        column("# reqs", 9, 1, Kind::Right),
        column("# fails", 13, 0, Kind::Right),
        time("Avg", 6),
        time("Min", 9),
        time("Max", 8),
        time("Med", 4),
        time("p90", 7),
        time("p95", 0),
        time("p99", 0),
        time("req/s", 3),
        time("fail/s", 5),
    ]
}

fn cells(row: &EndpointRow, look: Style, theme: Theme) -> Vec<Cell> {
    let plain = |text: String| Cell::new(text).style(look);
    let time = |value: Option<f64>| plain(value.map_or(format::NONE.to_owned(), format::ms));
    let fails = if row.failures > 0 { theme.bad() } else { look };
    vec![
        plain(text::clean(&row.method).into_owned()),
        plain(text::clean(&row.name).into_owned()),
        plain(format::grouped(row.requests)),
        Cell::new(format::failures(row.failures, row.requests)).style(fails),
        time(row.avg),
        time(row.min),
        time(row.max),
        time(row.med),
        time(row.p90),
        time(row.p95),
        time(row.p99),
        plain(format::rate(row.rps)),
        Cell::new(format::rate(row.failures_per_s)).style(if row.failures_per_s > 0.0 {
            theme.bad()
        } else {
            look
        }),
    ]
}
