//! Which panel gets which part of the terminal. Pure.
//!
//! Used twice: by `draw`, and by `state` to know how far a list can be scrolled. A panel without room gets an empty
//! rectangle. Heights follow from what there is to show, never from a number's size, so nothing jumps when numbers grow.

use ratatui::layout::{Constraint, Layout, Rect};

use super::state::Tab;
use super::{failures, notices, workers};
use crate::view::{Phase, RunView};

/// From this size on the overview shows failures and workers, too.
const LARGE: (u16, u16) = (120, 36);
/// From this width on failures and workers stand side by side.
const SIDE_BY_SIDE: u16 = 180;
/// A chart's frame and three lines of dots.
const CHART: u16 = 5;

/// Where everything is. Fields not part of a view are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) header: Rect,
    /// From left to right: rates, times, users.
    pub(super) charts: Vec<Rect>,
    pub(super) endpoints: Rect,
    pub(super) failures: Rect,
    pub(super) workers: Rect,
    pub(super) notice_list: Rect,
    /// What is waited for, before the first user.
    pub(super) waiting: Rect,
    pub(super) last_failure: Rect,
    pub(super) alarms: Rect,
    pub(super) footer: Rect,
}

/// A list of which a part is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct List {
    pub(super) total: usize,
    pub(super) visible: usize,
}

impl List {
    /// The offset at which its end is reached.
    pub(super) fn last_offset(self) -> usize {
        self.total.saturating_sub(self.visible)
    }
}

/// Deals out the terminal.
pub(super) fn areas(screen: Rect, tab: Tab, view: &RunView) -> Areas {
    let height = screen.height;
    let large = is_large(screen);
    let header = match height {
        0..=4 => height.min(1),
        5..=9 => 2,
        _ => 3,
    };
    let footer = u16::from(height >= 4);
    let most_alarms = match height {
        0..=2 => 0,
        3..=15 => 1,
        16..=35 => 2,
        _ => 4,
    };
    let alarms = if tab == Tab::Notices { 0 } else { clamped(view.notices.len()).min(most_alarms) };
    let last_failure = u16::from(tab == Tab::Overview && !large && height >= 12 && has_begun(view));
    let [header, body, last_failure, alarms, footer] = Layout::vertical([
        Constraint::Length(header),
        Constraint::Fill(1),
        Constraint::Length(last_failure),
        Constraint::Length(alarms),
        Constraint::Length(footer),
    ])
    .areas(screen);
    let mut areas = Areas { header, last_failure, alarms, footer, ..Areas::default() };
    match tab {
        Tab::Overview if has_begun(view) => overview(&mut areas, body, large, view),
        Tab::Overview => areas.waiting = body,
        Tab::Failures => areas.failures = body,
        Tab::Workers => areas.workers = body,
        Tab::Notices => areas.notice_list = body,
    }
    areas
}

/// Whether the overview has everything on it.
pub(super) fn is_large(screen: Rect) -> bool {
    screen.width >= LARGE.0 && screen.height >= LARGE.1
}

/// Whether users have run, so that there is something to show of them.
pub(super) fn has_begun(view: &RunView) -> bool {
    !matches!(view.phase, Phase::Waiting | Phase::Preparing)
}

/// The list that the scroll keys move in this view.
pub(super) fn list(screen: Rect, tab: Tab, view: &RunView) -> List {
    let areas = areas(screen, tab, view);
    match tab {
        // Its head, and the aggregated row that always stays.
        Tab::Overview => List {
            total: view.endpoints.len(),
            visible: usize::from(areas.endpoints.height.saturating_sub(2)),
        },
        Tab::Failures => {
            List { total: view.failures.len(), visible: usize::from(areas.failures.height.saturating_sub(1)) }
        }
        Tab::Workers => {
            List { total: workers::lines(view), visible: usize::from(areas.workers.height.saturating_sub(1)) }
        }
        Tab::Notices => List {
            total: notices::lines(view, areas.notice_list.width),
            visible: usize::from(areas.notice_list.height.saturating_sub(1)),
        },
    }
}

/// Charts above, the table below them, on a large screen failures and workers at the bottom.
fn overview(areas: &mut Areas, body: Rect, large: bool, view: &RunView) {
    let side_by_side = body.width >= SIDE_BY_SIDE;
    // Some rows more than there are at first, so that the charts do not shrink with every endpoint that turns up.
    let table = clamped(view.endpoints.len()).max(4).saturating_add(2);
    let panels = panel_heights(large, side_by_side, body.height, view);
    let panels_height = if side_by_side { panels.0.max(panels.1) } else { panels.0 + panels.1 };
    let charts = charts_height(body.height, table, panels_height, large);
    let rest = body.height.saturating_sub(charts);
    // On a large screen the panels stand right below the table and fill what it does not need.
    let table = if large { table.min(rest.saturating_sub(panels_height)) } else { rest };
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(charts), Constraint::Length(table), Constraint::Fill(1)])
            .areas(body);
    let panel_areas: [Rect; 2] = if side_by_side {
        Layout::horizontal([Constraint::Fill(1); 2]).areas(bottom)
    } else {
        Layout::vertical([Constraint::Fill(panels.0), Constraint::Fill(panels.1)]).areas(bottom)
    };
    let count = match body.width {
        0..50 => 1,
        50..120 => 2,
        _ => 3,
    };
    areas.charts = Layout::horizontal(vec![Constraint::Fill(1); count]).split(top).to_vec();
    areas.endpoints = middle;
    [areas.failures, areas.workers] = panel_areas;
}

/// Heights of failures and workers with their frames.
fn panel_heights(large: bool, side_by_side: bool, body: u16, view: &RunView) -> (u16, u16) {
    if !large {
        return (0, 0);
    }
    let most = if side_by_side { body * 2 / 5 } else { body / 4 };
    let need = |lines: usize| clamped(lines).saturating_add(3).clamp(7, most.max(7));
    (need(failures::lines(view)), need(workers::lines(view)))
}

/// What the table leaves, within limits; no charts where there is no room for both.
fn charts_height(body: u16, table: u16, panels: u16, large: bool) -> u16 {
    if body < CHART + 5 {
        return 0;
    }
    let most = if large { (body * 2 / 5).max(CHART) } else { (body / 2).max(CHART) };
    let height = body.saturating_sub(panels).saturating_sub(table).clamp(CHART, most);
    // Odd, so that one row of dots lies in the very middle, where the middle label belongs.
    height - u16::from(height % 2 == 0)
}

fn clamped(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    #[test]
    fn eighty_by_twenty_four_has_everything_of_the_overview() {
        let areas = areas(Rect::new(0, 0, 80, 24), Tab::Overview, &samples::failing());
        assert_eq!(areas.header.height, 3);
        assert_eq!(areas.charts.len(), 2);
        assert!(areas.charts[0].height >= CHART);
        assert!(areas.endpoints.height >= 6);
        assert_eq!((areas.last_failure.height, areas.footer.height), (1, 1));
    }

    #[test]
    fn all_on_one_large_screen() {
        for (width, height) in [(140, 40), (200, 60)] {
            let areas = areas(Rect::new(0, 0, width, height), Tab::Overview, &samples::many_endpoints(100));
            assert_eq!(areas.charts.len(), 3);
            assert!(areas.endpoints.height >= 6, "{areas:?}");
            assert!(areas.failures.height >= 7 && areas.workers.height >= 7, "{areas:?}");
        }
    }

    #[test]
    fn nothing_reaches_beyond_the_terminal() {
        let view = samples::many_endpoints(100);
        for (width, height) in (0..210).step_by(7).flat_map(|w| (0..70).map(move |h| (w, h))) {
            let screen = Rect::new(0, 0, width, height);
            for tab in Tab::ALL {
                let areas = areas(screen, tab, &view);
                let all = [
                    areas.header,
                    areas.endpoints,
                    areas.failures,
                    areas.workers,
                    areas.alarms,
                    areas.footer,
                ];
                assert!(all.iter().chain(&areas.charts).all(|area| area.intersection(screen) == *area));
            }
        }
    }
}
