//! One frame: every panel into its place. Reads the screen's state and the view, changes neither.
//!
//! Where the places are, `layout` says; what stands in them, the file of each panel.

use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Block;
use ratatui::{Frame, Terminal};

use super::action::{Mode, Tab};
use super::state::Screen;
use super::theme::Theme;
use super::{
    alarms, charts, detail, endpoints, failures, footer, header, help, layout, load, log, strip, tabs,
    thresholds, waiting, workers,
};
use crate::view::RunView;

/// ```text
///  header: what, where, how far            3 lines
///  names of the views                      1 line
/// ┌ req/s ───────┐┌ ms ────────┐┌ users ─┐ charts: what the table leaves
/// └──────────────┘└────────────┘└────────┘
///  endpoints, the last row all together
/// ┌ rules ───────────┐┌ workers ─────────┐ only where there is room
/// └──────────────────┘│                  │
/// ┌ failures ────────┐│                  │
/// └──────────────────┘└──────────────────┘
///  ✗ the rules                             1 line, without the panels
///  ✗ the newest failure                    1 line, without the panels
///  ⚠ alarms                                as many as there are, to a limit
///  keys                                    1 line
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen, view: &RunView, theme: Theme) {
    let whole = frame.area();
    let areas = layout::areas(whole, screen, view);
    let (body, offset) = (areas.body, screen.offset());
    header::draw(frame, areas.header, view, theme);
    tabs::draw(frame, areas.tabs, screen.tab, theme);
    match (screen.tab, &screen.open) {
        (Tab::Overview, _) if layout::has_begun(view) => draw_overview(frame, &areas, view, theme),
        (Tab::Overview, _) => waiting::draw(frame, body, view, theme),
        (Tab::Endpoints, Some(id)) => detail::draw(frame, body, id, view, theme),
        (Tab::Endpoints, None) => endpoints::draw_list(frame, body, screen, view, theme),
        (Tab::Failures, _) => failures::draw(frame, body, offset, view, theme),
        (Tab::Workers, _) => workers::draw(frame, body, offset, view, theme),
        (Tab::Load, _) => load::draw(frame, body, screen, view, theme),
        (Tab::Log, _) => log::draw(frame, body, offset, view, theme),
    }
    alarms::draw(frame, areas.alarms, screen.tab, view, theme);
    footer::draw_keys(frame, areas.footer, screen, view, theme);
    if screen.help {
        help::draw(frame, whole, screen.mode, theme);
    }
}

fn draw_overview(frame: &mut Frame<'_>, areas: &layout::Areas, view: &RunView, theme: Theme) {
    charts::draw(frame, &areas.charts, view, theme);
    endpoints::draw_top(frame, areas.endpoints, view, theme);
    thresholds::draw_line(frame, areas.rule_line, view, theme);
    footer::draw_last_failure(frame, areas.last_failure, view, theme);
    if !areas.rules.is_empty() {
        let inner = panel(frame, areas.rules, " rules ", theme);
        thresholds::draw_list(frame, inner, view, theme);
    }
    if !areas.failures.is_empty() {
        let inner = panel(frame, areas.failures, " failures ", theme);
        failures::draw(frame, inner, 0, view, theme);
        let inner = panel(frame, areas.workers, " workers ", theme);
        strip::draw(frame, inner, view, theme);
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
    let screen = Screen::new(Size::new(width, height), Mode::Own);
    // This backend cannot fail.
    let Ok(mut terminal) = Terminal::new(backend);
    let Ok(_) = terminal.draw(|frame| draw(frame, &screen, view, Theme::Dark));
    terminal.backend().to_string()
}
