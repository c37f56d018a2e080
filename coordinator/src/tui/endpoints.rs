//! The table of endpoints, with the row of all together at its foot: the busiest of them on the overview, all of them in a view
//! of their own, ordered, filtered and with a cursor.
//!
//! Columns leave in the order of the design: bytes, the extremes, p90, then Avg, fail/s, Med; `# fails`, p95 and p99 stay, and
//! so does the column that rows are ordered by.

use std::cmp::Reverse;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use stampede_stats::endpoint::RowKind;

use super::action::Tab;
use super::layout::{List, endpoint_rows};
use super::order::{By, Sort};
use super::state::Screen;
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
///  …     38 more: press 2
///        Aggregated                 52 173  86 (0.16%)   12.0   48.0    131  1 284
/// ```
pub(super) fn draw_top(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let room = usize::from(area.height.saturating_sub(2));
    let all = view.endpoints.len();
    let shown = if all > room { room.saturating_sub(1) } else { all };
    let rows = busiest(view, shown);
    let more = (shown < all && room > 0).then(|| {
        let more = format!("{} more: press {}", all - shown, Tab::Endpoints.key());
        vec![Cell::new("…").style(theme.dim()), Cell::new(more).style(theme.dim())]
    });
    let columns = columns("", None);
    let cells: Vec<_> = rows.iter().map(|row| cells(row, theme)).chain(more).collect();
    draw(frame, area, &columns, &cells, &view.endpoints, view, theme);
}

/// So many of the rows, those with most requests, in the order of the table: nothing trades places while numbers grow.
fn busiest(view: &RunView, count: usize) -> Vec<&EndpointRow> {
    let mut order: Vec<usize> = (0..view.endpoints.len()).collect();
    order.sort_by_key(|&at| Reverse(view.endpoints[at].requests));
    order.truncate(count);
    order.sort_unstable();
    order.into_iter().map(|at| &view.endpoints[at]).collect()
}

/// ```text
///  Type  Name 1-12/50 ↕            # reqs▼     # fails    Med    p95    p99  req/s
///  POST  /predict                   41 771  86 (0.21%)   14.0   61.0    140  1 027
/// ▸GET   /                          10 402   0 (0.00%)   3.20   9.80   21.0    257
///        Aggregated                 52 173  86 (0.16%)   12.0   48.0    131  1 284
///  filter: pred▏ 2 of 50
/// ```
pub(super) fn draw_list(frame: &mut Frame<'_>, area: Rect, screen: &Screen, view: &RunView, theme: Theme) {
    let table = endpoint_rows(area, screen);
    let rows = screen.rows(view);
    let visible = usize::from(table.height.saturating_sub(2));
    let list = List { total: rows.len(), visible };
    let at = screen.position(&rows);
    let offset = list.with_line(screen.offset(), at);
    let columns = columns(&table::place(offset, visible, rows.len()), Some(screen.sort));
    let cells: Vec<_> = rows.iter().skip(offset).take(visible).map(|row| cells(row, theme)).collect();
    draw(frame, table, &columns, &cells, &view.endpoints, view, theme);
    if view.endpoints.is_empty() && table.height > 2 {
        let line = Rect { y: table.y + 2, height: 1, ..table };
        frame.render_widget(
            Paragraph::new(Span::styled(" ○ no request has completed yet", theme.dim())),
            line,
        );
    }
    if visible > 0 && !rows.is_empty() && table.height > 2 {
        let line = Rect { y: table.y + 1 + super::layout::clamped(at - offset), height: 1, ..table };
        frame.buffer_mut().set_style(line, theme.chosen_one());
        frame.buffer_mut().set_string(line.x, line.y, "▸", theme.chosen_one());
    }
    let filter = Rect { y: table.bottom(), height: area.height - table.height, ..area };
    draw_filter(frame, filter, screen, rows.len(), view.endpoints.len(), theme);
}

fn draw_filter(frame: &mut Frame<'_>, area: Rect, screen: &Screen, shown: usize, of: usize, theme: Theme) {
    let cursor = if screen.typing { "▏" } else { "" };
    let count = format!("  {shown} of {of}");
    let room = usize::from(area.width).saturating_sub(10 + text::width(&count));
    let line = Line::from(vec![
        Span::styled(" filter: ", theme.accent()),
        Span::styled(
            format!("{}{cursor}", text::cut_middle(&text::clean(&screen.filter), room)),
            theme.strong(),
        ),
        Span::styled(count, theme.dim()),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// Head, `shown` and the row of all; columns as wide as `all` rows need, so that they stand still while lists move.
fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &[Column],
    shown: &[Vec<Cell>],
    all: &[EndpointRow],
    view: &RunView,
    theme: Theme,
) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let total =
        EndpointRow { method: String::new(), name: "Aggregated".to_owned(), ..view.aggregated.clone() };
    let mut rows: Vec<Vec<Cell>> = all.iter().map(|row| cells(row, theme)).collect();
    rows.push(cells_in(&total, theme.strong(), theme));
    let widths = table::fit(columns, &rows, usize::from(area.width));
    // The last row, if there is one row only; then the head; then the endpoints.
    let mut lines = vec![];
    if area.height > 1 {
        lines.push(table::head(columns, &widths, theme.dim()));
    }
    let room = usize::from(area.height.saturating_sub(2));
    lines.extend(shown.iter().take(room).map(|cells| table::row(columns, &widths, cells)));
    lines.extend(rows.last().map(|cells| table::row(columns, &widths, cells)));
    frame.render_widget(Paragraph::new(lines), area);
}

fn columns(place: &str, sort: Option<Sort>) -> Vec<Column> {
    let name = format!("Name{place}");
    let of = |by: By| match by {
        By::Type => ("Type", 5, 2, Kind::Left),
        By::Name => (name.as_str(), 16, 0, Kind::Name),
        By::Requests => ("# reqs", 9, 1, Kind::Right),
        By::Failures => ("# fails", 13, 0, Kind::Right),
        By::Avg => ("Avg", 6, 6, Kind::Right),
        By::Min => ("Min", 6, 9, Kind::Right),
        By::Max => ("Max", 6, 8, Kind::Right),
        By::Med => ("Med", 6, 4, Kind::Right),
        By::P90 => ("p90", 6, 7, Kind::Right),
        By::P95 => ("p95", 6, 0, Kind::Right),
        By::P99 => ("p99", 6, 0, Kind::Right),
        By::Rps => ("req/s", 6, 3, Kind::Right),
        By::FailuresPerS => ("fail/s", 7, 5, Kind::Right),
        By::BytesPerS => ("bytes/s", 8, 10, Kind::Right),
    };
    By::ALL
        .into_iter()
        .map(|by| {
            let (title, min, rank, kind) = of(by);
            match sort.filter(|sort| sort.by == by) {
                Some(sort) => Column { title: format!("{title}{}", sort.mark()), min, rank: 0, kind },
                None => Column { title: title.to_owned(), min, rank, kind },
            }
        })
        .collect()
}

fn cells(row: &EndpointRow, theme: Theme) -> Vec<Cell> {
    // What is in no sum steps back.
    let look = if row.kind == RowKind::Request { theme.plain() } else { theme.dim() };
    cells_in(row, look, theme)
}

fn cells_in(row: &EndpointRow, look: Style, theme: Theme) -> Vec<Cell> {
    let plain = |text: String| Cell::new(text).style(look);
    let time = |value: Option<f64>| plain(value.map_or(format::NONE.to_owned(), format::ms));
    let failing = |any: bool| if any { theme.bad() } else { look };
    vec![
        plain(text::clean(&row.method).into_owned()),
        plain(text::clean(&row.name).into_owned()),
        plain(format::grouped(row.requests)),
        Cell::new(format::failures(row.failures, row.requests)).style(failing(row.failures > 0)),
        time(row.avg),
        time(row.min),
        time(row.max),
        time(row.med),
        time(row.p90),
        time(row.p95),
        time(row.p99),
        plain(format::rate(row.rps)),
        Cell::new(format::rate(row.failures_per_s)).style(failing(row.failures_per_s > 0.0)),
        plain(format::bytes_per_s(row.bytes_in_per_s)),
    ]
}
