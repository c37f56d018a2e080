//! The workers: how each is, what it carries, whether it is itself the limit.
//!
//! What is to be said of one stands on a line of its own below it, so that it is not cut by columns. What was measured of a
//! lost worker is no longer true and gives way to dashes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::table::{self, Cell, Column, Kind};
use super::theme::Theme;
use super::{strip, text};
use crate::format;
use crate::view::{RunView, WorkerRow, WorkerState};

/// Beyond it a name and its numbers would stand too far apart to be read as one line.
const WIDEST: u16 = 136;
/// From here on a load thread has nothing left to give.
const BUSY: f64 = 0.9;
/// Cells of the small chart.
const SPARK: usize = 15;

/// ```text
///  Worker        State      Users  visitor  api  req/s  Last minute   CPU   Mem     Lag     RTT   Heard  Outbox
///  w1 10.0.0.5   ● running    100       75   25    641  ▁▂▄▅▆▇▇█▇▇▇  41 %  38 M  0.30 ms 0.4 ms   0.2 s       0
///  w3 10.0.0.7   ✗ lost         –        –    –      –  ▁▂▄▅▆▇▇█▇▇▇     –     –        –      –    12 s       –
///    └ lost at 00:31 with 66 users; nothing delivered since 00:25
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, offset: usize, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    if view.workers.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("○ no worker yet", theme.dim())), area);
        return;
    }
    let total = lines(view, area.width + 2);
    let visible = usize::from(area.height - 1);
    let offset = offset.min(total.saturating_sub(visible));
    let columns = columns(view, &table::place(offset, visible, total));
    let rows: Vec<Vec<Cell>> = view.workers.iter().map(|row| cells(row, view, theme)).collect();
    let widths = table::fit(&columns, &rows, usize::from(area.width.min(WIDEST)));
    let body: Vec<Line<'_>> = view
        .workers
        .iter()
        .zip(&rows)
        .flat_map(|(worker, cells)| {
            let row = table::row(&columns, &widths, cells);
            std::iter::once(row).chain(note(worker, usize::from(area.width), theme))
        })
        .collect();
    let mut lines = vec![table::head(&columns, &widths, theme.dim())];
    lines.extend(body.into_iter().skip(offset).take(visible));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Lines that the whole list takes in `width` cells, without its head.
pub(super) fn lines(view: &RunView, width: u16) -> usize {
    let width = usize::from(width.saturating_sub(2));
    let of = |worker: &WorkerRow| 1 + note(worker, width, Theme::None).len();
    view.workers.iter().map(of).sum::<usize>().max(1)
}

/// What is to be said of it, in full.
fn note(worker: &WorkerRow, width: usize, theme: Theme) -> Vec<Line<'static>> {
    if worker.note.is_empty() {
        return vec![];
    }
    let look = if worker.limited { theme.warn() } else { state_look(worker.state, theme).1 };
    let lines = text::wrap(&text::clean(&worker.note), width.saturating_sub(4));
    let front = |at: usize| if at == 0 { "  └ " } else { "    " };
    lines.into_iter().enumerate().map(|(at, line)| Line::styled(front(at).to_owned() + &line, look)).collect()
}

fn columns(view: &RunView, place: &str) -> Vec<Column> {
    let column = |title: &str, min, rank, kind| Column { title: title.to_owned(), min, rank, kind };
    let mut columns = vec![
        column(&format!("Worker{place}"), 10, 0, Kind::Name),
        column("State", 14, 0, Kind::Left),
        column("Users", 6, 0, Kind::Right),
    ];
    // With one class its count is the number beside it.
    if view.classes.len() > 1 {
        columns.extend(view.classes.iter().map(|class| {
            let title = text::cut_middle(&text::clean(class), 12).into_owned();
            column(&title, 5, 9, Kind::Right)
        }));
    }
    columns.extend([
        column("req/s", 6, 1, Kind::Right),
        column("Last minute", SPARK, 10, Kind::Left),
        column("CPU", 5, 2, Kind::Right),
        column("Mem", 5, 7, Kind::Right),
        column("Lag p99", 8, 4, Kind::Right),
    ]);
    if view.arrivals.is_some() {
        columns.push(column("Late p99", 8, 4, Kind::Right));
    }
    columns.extend([
        column("RTT", 8, 6, Kind::Right),
        column("Heard", 6, 3, Kind::Right),
        column("Outbox", 6, 8, Kind::Right),
    ]);
    columns
}

fn cells(row: &WorkerRow, view: &RunView, theme: Theme) -> Vec<Cell> {
    let classes = view.classes.len();
    let gone = row.state == WorkerState::Lost;
    let unless_gone = |text: Option<String>| {
        Cell::new(text.filter(|_| !gone).unwrap_or(format::NONE.to_owned())).style(if gone {
            theme.dim()
        } else {
            Style::new()
        })
    };
    let ms = |value: Option<f64>| unless_gone(value.map(|value| format!("{} ms", format::ms(value))));
    let address = text::clean(&row.address);
    let name = text::clean(&row.name);
    let mut cells = vec![
        Cell::new(format!("{name} {address}").trim_end()).style(if gone {
            theme.dim()
        } else {
            theme.strong()
        }),
        state_cell(row, theme),
        unless_gone(Some(format::grouped(row.users.into()))),
    ];
    if classes > 1 {
        let of = |class: usize| row.users_by_class.get(class).map(|&users| format::grouped(users.into()));
        cells.extend((0..classes).map(|class| unless_gone(of(class))));
    }
    cells.extend([
        unless_gone(Some(format::rate(row.rps))),
        Cell::new(strip::spark(&row.course, SPARK)).style(if gone { theme.dim() } else { theme.plain() }),
        cpu_cell(row, theme),
        unless_gone(row.memory.map(format::bytes)),
        ms(row.lag_p99),
    ]);
    if view.arrivals.is_some() {
        cells.push(ms(row.lateness_p99));
    }
    cells.extend([
        ms(row.rtt),
        Cell::new(row.last_heard.map_or(format::NONE.to_owned(), format::fine_span)).style(if gone {
            theme.dim()
        } else {
            theme.plain()
        }),
        unless_gone(Some(format::grouped(row.outbox.into()))),
    ]);
    cells
}

/// How a worker is: that it is the limit goes before what it does.
pub(super) fn state_cell(row: &WorkerRow, theme: Theme) -> Cell {
    if row.limited {
        return Cell::new("⚠ limited").style(theme.alarm());
    }
    let (symbol, look) = state_look(row.state, theme);
    Cell::new(format!("{symbol} {}", row.state.as_str())).style(look)
}

/// How much of a core its busiest load thread uses, marked where that is all of it.
pub(super) fn cpu_cell(row: &WorkerRow, theme: Theme) -> Cell {
    let lost = row.state == WorkerState::Lost;
    let look = if lost { theme.dim() } else { theme.plain() };
    match row.cpu.filter(|cpu| cpu.is_finite() && !lost) {
        Some(cpu) if cpu >= BUSY => Cell::new(format!("⚠{:.0} %", cpu * 100.0)).style(theme.warn()),
        Some(cpu) => Cell::new(format!("{:.0} %", cpu * 100.0)).style(look),
        None => Cell::new(format::NONE).style(look),
    }
}

/// Symbol and look of a state; the symbol alone says it where there are no colours.
fn state_look(state: WorkerState, theme: Theme) -> (&'static str, Style) {
    match state {
        WorkerState::Idle | WorkerState::Preparing => ("○", theme.dim()),
        WorkerState::Ready | WorkerState::Running => ("●", theme.good()),
        WorkerState::Draining => ("◌", theme.warn()),
        WorkerState::Finished => ("✓", theme.good()),
        WorkerState::Disconnected => ("⚠", theme.warn()),
        WorkerState::Lost => ("✗", theme.bad()),
    }
}
