//! Columns: which of them fit, how wide each is, and a row set out in them. Pure; shared by all tables.
//!
//! A column is as wide as its widest cell over *all* rows, also those scrolled away, and never narrower than its minimum,
//! so columns stand still while numbers grow and lists move. Where room runs out, the highest `rank` goes first,
//! columns of the same rank together.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text;

/// A name of fewer cells says nothing.
const FLOOR: usize = 6;

/// Where a cell's text stands, and what gives when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As wide as its content, at the left.
    Left,
    /// As wide as its content, at the right.
    Right,
    /// Takes what is left over; cut in the middle.
    Name,
    /// Takes what is left over; cut at the end.
    Prose,
}

impl Kind {
    fn is_flexible(self) -> bool {
        matches!(self, Self::Name | Self::Prose)
    }
}

/// One column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) title: String,
    /// Least width in cells.
    pub(super) min: usize,
    /// Goes the earlier the higher it is; 0 stays.
    pub(super) rank: u8,
    pub(super) kind: Kind,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    pub(super) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Columns set out for one width: for each column its width, `None` where it fell away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Widths {
    columns: Vec<Option<usize>>,
    gap: usize,
}

/// Sets `columns` out for `rows` in `room` cells.
pub(super) fn fit(columns: &[Column], rows: &[Vec<Cell>], room: usize) -> Widths {
    let widest =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| text::width(&cell.text)).max();
    let mut widths: Vec<Option<usize>> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            // The title of a flexible one may change (see `place`); that must not move the others.
            let rigid = !column.kind.is_flexible();
            let content = if rigid { widest(at).unwrap_or(0).max(text::width(&column.title)) } else { 0 };
            Some(content.max(column.min))
        })
        .collect();
    while needed(&widths, 1) > room {
        let shown = columns.iter().zip(&widths).filter(|(_, width)| width.is_some());
        let Some(highest) = shown.map(|(column, _)| column.rank).max().filter(|&rank| rank > 0) else {
            break;
        };
        for (width, _) in widths.iter_mut().zip(columns).filter(|(_, column)| column.rank == highest) {
            *width = None;
        }
    }
    shrink(columns, &mut widths, room);
    widen(columns, &mut widths, room, |at| widest(at).unwrap_or(0));
    let gap = if needed(&widths, 3) <= room {
        3
    } else if needed(&widths, 2) <= room {
        2
    } else {
        1
    };
    let spare = room.saturating_sub(needed(&widths, gap));
    let last = columns.iter().rposition(|column| column.kind.is_flexible());
    if let Some(Some(width)) = last.map(|at| &mut widths[at]) {
        *width += spare;
    }
    Widths { columns: widths, gap }
}

/// Gives what is left over to the flexible columns, cell by cell in turn, each as much as its content needs.
fn widen(columns: &[Column], widths: &mut [Option<usize>], room: usize, content: impl Fn(usize) -> usize) {
    let flexible = columns.iter().enumerate().filter(|(_, column)| column.kind.is_flexible());
    let wanted: Vec<_> = flexible.map(|(at, column)| (at, content(at).max(column.min))).collect();
    let mut spare = room.saturating_sub(needed(widths, 1));
    let mut given = true;
    while spare > 0 && given {
        given = false;
        for (at, wanted) in &wanted {
            if let Some(width) = widths[*at].as_mut().filter(|width| **width < *wanted && spare > 0) {
                *width += 1;
                spare -= 1;
                given = true;
            }
        }
    }
}

/// Cells that these columns take with `gap` between them.
fn needed(widths: &[Option<usize>], gap: usize) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + gap * shown.saturating_sub(1)
}

/// Where even the columns that stay do not fit, the flexible ones give, to where they would say nothing any more; then
/// columns leave from the right.
fn shrink(columns: &[Column], widths: &mut [Option<usize>], room: usize) {
    let shown = |widths: &[Option<usize>], flexible: bool| {
        (0..columns.len())
            .rev()
            .find(|&at| widths[at].is_some() && columns[at].kind.is_flexible() == flexible)
    };
    loop {
        let rigid = shown(widths, false);
        let floor = if rigid.is_some() { FLOOR } else { 1 };
        for (at, _) in columns.iter().enumerate().filter(|(_, column)| column.kind.is_flexible()) {
            let over = needed(widths, 1).saturating_sub(room);
            if let Some(width) = &mut widths[at] {
                *width = width.saturating_sub(over).max(floor.min(*width));
            }
        }
        match rigid {
            Some(at) if needed(widths, 1) > room && shown(widths, true).is_some() => widths[at] = None,
            _ => break,
        }
    }
}

/// The titles.
pub(super) fn head(columns: &[Column], widths: &Widths, style: Style) -> Line<'static> {
    let cells: Vec<Cell> =
        columns.iter().map(|column| Cell::new(column.title.clone()).style(style)).collect();
    set_out(columns, widths, &cells, text::cut_end)
}

/// Which part of a list is shown, to stand behind the title of a flexible column; empty where all of it is.
pub(super) fn place(offset: usize, visible: usize, total: usize) -> String {
    if visible >= total || visible == 0 {
        return String::new();
    }
    format!(" {}-{}/{total} ↕", offset + 1, (offset + visible).min(total))
}

/// One row.
pub(super) fn row(columns: &[Column], widths: &Widths, cells: &[Cell]) -> Line<'static> {
    set_out(columns, widths, cells, text::cut_middle)
}

fn set_out(
    columns: &[Column],
    widths: &Widths,
    cells: &[Cell],
    cut_name: fn(&str, usize) -> Cow<'_, str>,
) -> Line<'static> {
    let mut spans = vec![];
    for ((column, width), cell) in columns.iter().zip(&widths.columns).zip(cells) {
        let Some(width) = *width else { continue };
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(widths.gap)));
        }
        let set = match column.kind {
            Kind::Right => text::right(&text::cut_end(&cell.text, width), width),
            Kind::Name => text::left(&cut_name(&cell.text, width), width),
            Kind::Left | Kind::Prose => text::left(&text::cut_end(&cell.text, width), width),
        };
        spans.push(Span::styled(set, cell.style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        [
            ("Name", 6, 0, Kind::Name),
            ("# reqs", 8, 0, Kind::Right),
            ("Avg", 5, 2, Kind::Right),
            ("Max", 5, 1, Kind::Right),
        ]
        .map(|(title, min, rank, kind)| Column { title: title.to_owned(), min, rank, kind })
        .to_vec()
    }

    fn shown(room: usize) -> String {
        let columns = columns();
        let cells: Vec<Cell> = ["/api/items", "123", "4.5", "99"].map(Cell::new).to_vec();
        let rows = vec![cells];
        row(&columns, &fit(&columns, &rows, room), &rows[0]).to_string()
    }

    #[test]
    fn the_highest_rank_goes_first_and_then_the_name_gives() {
        for (room, line) in [
            (46, "/api/items                 123     4.5      99"),
            (29, "/api…ems      123   4.5    99"),
            (27, "/ap…ms      123   4.5    99"),
            (26, "/api/items       123    99"),
            (20, "/api/items       123"),
            (15, "/ap…ms      123"),
            (12, "/api/items  "),
            (3, "/…s"),
        ] {
            assert_eq!(shown(room), line, "{room}");
        }
    }

    #[test]
    fn a_scrolled_away_row_keeps_its_column_wide() {
        let columns = columns();
        let wide = vec![Cell::new("a"), Cell::new("12 345 678 901"), Cell::new("1"), Cell::new("2")];
        let narrow = vec![Cell::new("b"), Cell::new("1"), Cell::new("1"), Cell::new("2")];
        let widths = fit(&columns, &[narrow.clone(), wide], 60);
        assert_eq!(widths.columns[1], Some(14));
    }
}
