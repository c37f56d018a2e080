//! One frame: every panel into its place. Reads the screen's state and the view, changes neither.
//!
//! Where the places are, `layout` says; what stands in them, the file of each panel.

use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Block;
use ratatui::{Frame, Terminal};

use super::state::{Screen, Tab};
use super::theme::Theme;
use super::{charts, endpoints, failures, footer, header, help, layout, notices, waiting, workers};
use crate::view::RunView;

/// ```text
///  header: what, where, how far            3 lines
/// ┌ req/s ───────┐┌ ms ────────┐┌ users ─┐ charts: what the table leaves
/// └──────────────┘└────────────┘└────────┘
///  endpoints, the last row all together
/// ┌ failures ────────┐┌ workers ─────────┐ only where there is room
/// └──────────────────┘└──────────────────┘
///  ✗ the newest failure                    1 line, without the panels
///  ⚠ notices                               as many as there are, to a limit
///  keys                                    1 line
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, view: &RunView, theme: Theme) {
    let whole = frame.area();
    let areas = layout::areas(whole, screen.tab, view);
    let offset = screen.offset();
    header::draw(frame, areas.header, view, theme);
    match screen.tab {
        Tab::Overview if layout::has_begun(view) => {
            charts::draw(frame, &areas.charts, view, theme);
            endpoints::draw(frame, areas.endpoints, offset, view, theme);
            if !areas.failures.is_empty() {
                let inner = panel(frame, areas.failures, " failures ", theme);
                failures::draw(frame, inner, 0, view, theme);
                let inner = panel(frame, areas.workers, " workers ", theme);
                workers::draw(frame, inner, 0, view, theme);
            }
        }
        Tab::Overview => waiting::draw(frame, areas.waiting, view, theme),
        Tab::Failures => failures::draw(frame, areas.failures, offset, view, theme),
        Tab::Workers => workers::draw(frame, areas.workers, offset, view, theme),
        Tab::Notices => notices::draw(frame, areas.notice_list, offset, view, theme),
    }
    footer::draw_last_failure(frame, areas.last_failure, view, theme);
    footer::draw_alarms(frame, areas.alarms, view, theme);
    footer::draw_keys(frame, areas.footer, screen, view, theme);
    if screen.help {
        help::draw(frame, whole, theme);
    }
}

/// A frame with a title; what is inside it comes back.
fn panel(frame: &mut Frame<'_>, area: Rect, title: &'static str, theme: Theme) -> Rect {
    let block = Block::bordered().title(title).border_style(theme.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// The first screen at `view` as text, of so many columns and lines: what a terminal of that size would show.
pub fn picture(view: &RunView, width: u16, height: u16) -> String {
    let backend = TestBackend::new(width, height);
    let screen = Screen::new(Size::new(width, height));
    // This backend cannot fail.
    let Ok(mut terminal) = Terminal::new(backend);
    let Ok(_) = terminal.draw(|frame| draw(frame, &screen, view, Theme::new(true)));
    terminal.backend().to_string()
}
