//! The workers of the large overview: a line each, with its requests of the last minute as a small chart.
//!
//! Those with trouble come first, so that it is in sight however many there are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::Tab;
use super::table::{self, Cell, Column, Kind};
use super::theme::Theme;
use super::{text, workers};
use crate::format;
use crate::view::{RunView, WorkerRow, WorkerState};

/// Cells of the small chart.
const SPARK: usize = 15;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// ```text
///  Worker        State      Users  req/s  Last minute        CPU  Lag ms
///  w2 10.0.0.6   ⚠ limited    100    643  ▁▂▄▅▆▇▇█▇▇▇▆▇▇▇  ⚠97 %    14.0
///  w1 10.0.0.5   ● running    100    641  ▁▂▄▅▆▇▇█▇▇▇▆▇▇▇   41 %   0.300
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    if view.workers.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("○ no worker yet", theme.dim())), area);
        return;
    }
    let mut all: Vec<&WorkerRow> = view.workers.iter().collect();
    all.sort_by_key(|worker| !is_troubled(worker));
    let room = usize::from(area.height.saturating_sub(1));
    let shown = if all.len() > room { room.saturating_sub(1) } else { all.len() };
    let columns = columns();
    let rows: Vec<Vec<Cell>> = all.iter().map(|worker| cells(worker, theme)).collect();
    let widths = table::fit(&columns, &rows, usize::from(area.width));
    let mut lines = vec![table::head(&columns, &widths, theme.dim())];
    lines.extend(rows.iter().take(shown).map(|cells| table::row(&columns, &widths, cells)));
    if shown < all.len() {
        let more = format!("… and {} more: press {}", all.len() - shown, Tab::Workers.key());
        lines.push(Line::styled(more, theme.dim()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn is_troubled(worker: &WorkerRow) -> bool {
    worker.limited || matches!(worker.state, WorkerState::Lost | WorkerState::Disconnected)
}

fn columns() -> Vec<Column> {
    [
        ("Worker", 8, 0, Kind::Name),
        ("State", 14, 0, Kind::Left),
        ("Users", 6, 1, Kind::Right),
        ("req/s", 6, 2, Kind::Right),
        ("Last minute", SPARK, 5, Kind::Left),
        ("CPU", 5, 3, Kind::Right),
        ("Lag ms", 6, 4, Kind::Right),
    ]
    .map(|(title, min, rank, kind)| Column { title: title.to_owned(), min, rank, kind })
    .to_vec()
}

fn cells(worker: &WorkerRow, theme: Theme) -> Vec<Cell> {
    let lost = worker.state == WorkerState::Lost;
    let look = if lost { theme.dim() } else { theme.plain() };
    let unless_lost = |text: String| Cell::new(if lost { format::NONE.to_owned() } else { text }).style(look);
    let address = text::clean(&worker.address);
    vec![
        Cell::new(format!("{} {address}", text::clean(&worker.name)).trim_end()).style(look),
        workers::state_cell(worker, theme),
        unless_lost(format::grouped(worker.users.into())),
        unless_lost(format::rate(worker.rps)),
        Cell::new(spark(&worker.course, SPARK)).style(look),
        workers::cpu_cell(worker, theme),
        unless_lost(worker.lag_p99.map_or(format::NONE.to_owned(), format::ms)),
    ]
}

/// `counts` as bars in `cells` cells, the newest at the right; several seconds to a cell where there are more. A cell is empty
/// only where nothing was counted.
pub(super) fn spark(counts: &[u64], cells: usize) -> String {
    let per_cell = counts.len().div_ceil(cells.max(1)).max(1);
    // From the newest on, so that the cells of the past keep their seconds as long as they can.
    let sums: Vec<u64> = counts
        .rchunks(per_cell)
        .map(|chunk| chunk.iter().fold(0, |sum: u64, n| sum.saturating_add(*n)) / chunk.len() as u64)
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: u64| {
        let step = (u128::from(count) * 8).div_ceil(u128::from(most));
        step.checked_sub(1).and_then(|step| BARS.get(usize::try_from(step).ok()?)).copied().unwrap_or(' ')
    };
    text::right(&sums.into_iter().rev().map(bar).collect::<String>(), cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_stands_at_the_right_and_shows_every_count() {
        assert_eq!(spark(&[0, 1, 40, 80], 6), "   ▁▄█");
        assert_eq!(spark(&[], 3), "   ");
        assert_eq!(spark(&[5; 60], 20), "█".repeat(20));
        assert_eq!(spark(&[u64::MAX, 0], 2), "█ ");
        assert!((0..70).all(|n| text::width(&spark(&vec![7; n], 20)) == 20));
    }
}
