//! Which panel gets which part of the terminal. Pure.
//!
//! Used twice: by `draw`, and by `state` to know how far a list can be scrolled. A panel without room gets an empty
//! rectangle. Heights follow from what there is to show, never from a number's size, so nothing jumps when numbers grow.

use ratatui::layout::{Constraint, Layout, Rect};

use super::action::Tab;
use super::state::Screen;
use super::{alarms, failures, load, log, workers};
use crate::view::{Phase, RunView};

/// From this size on the overview shows rules, failures and workers, too.
const LARGE: (u16, u16) = (120, 36);
/// A chart's frame and three lines of dots.
const CHART: u16 = 5;
/// Rules of the large overview, with their frame, at most.
const MOST_RULES: u16 = 8;

/// Where everything is. Fields not part of a view are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) header: Rect,
    pub(super) tabs: Rect,
    /// From left to right: rates, times, users.
    pub(super) charts: Vec<Rect>,
    pub(super) endpoints: Rect,
    pub(super) rules: Rect,
    pub(super) failures: Rect,
    pub(super) workers: Rect,
    /// All that lies between tabs and alarms, where one panel has it.
    pub(super) body: Rect,
    pub(super) rule_line: Rect,
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

    /// The offset nearest to `offset` at which `line` is in sight.
    pub(super) fn with_line(self, offset: usize, line: usize) -> usize {
        let least = (line + 1).saturating_sub(self.visible);
        offset.clamp(least, line.max(least)).min(self.last_offset().max(least))
    }
}

/// Deals out the terminal.
pub(super) fn areas(whole: Rect, screen: &Screen, view: &RunView) -> Areas {
    let (tab, height) = (screen.tab, whole.height);
    let large = is_large(whole);
    let header = match height {
        0..=4 => height.min(1),
        5..=9 => 2,
        _ => 3,
    };
    let overview = tab == Tab::Overview && has_begun(view);
    let line = |shown: bool| u16::from(overview && !large && height >= 14 && shown);
    let [header, tabs, body, rule_line, last_failure, alarms, footer] = Layout::vertical([
        Constraint::Length(header),
        Constraint::Length(u16::from(height >= 12)),
        Constraint::Fill(1),
        Constraint::Length(line(!view.thresholds.is_empty())),
        Constraint::Length(line(true)),
        Constraint::Length(alarms_height(height, tab, view)),
        Constraint::Length(u16::from(height >= 4)),
    ])
    .areas(whole);
    let mut areas = Areas { header, tabs, body, rule_line, last_failure, alarms, footer, ..Areas::default() };
    if overview {
        lay_out_overview(&mut areas, large, view);
    }
    areas
}

fn alarms_height(height: u16, tab: Tab, view: &RunView) -> u16 {
    let most = match height {
        0..=2 => 0,
        3..=15 => 1,
        16..=35 => 2,
        _ => 4,
    };
    clamped(alarms::count(view, tab)).min(most)
}

/// Whether the overview has everything on it.
pub(super) fn is_large(whole: Rect) -> bool {
    whole.width >= LARGE.0 && whole.height >= LARGE.1
}

/// Whether users have run, so that there is something to show of them.
pub(super) fn has_begun(view: &RunView) -> bool {
    !matches!(view.phase, Phase::Waiting | Phase::Preparing)
}

/// The list that the scroll keys move in this view.
pub(super) fn list(whole: Rect, screen: &Screen, view: &RunView) -> List {
    let body = areas(whole, screen, view).body;
    // Without its head.
    let visible = usize::from(body.height.saturating_sub(1));
    match screen.tab {
        Tab::Overview => List { total: 0, visible: 1 },
        Tab::Endpoints => {
            let rows = endpoint_rows(body, screen);
            List { total: screen.rows(view).len(), visible: usize::from(rows.height.saturating_sub(2)) }
        }
        Tab::Failures => List { total: failures::lines(view), visible },
        Tab::Workers => List { total: workers::lines(view, body.width), visible },
        Tab::Load => {
            let visible = usize::from(load::areas(body, screen, view).list.height.saturating_sub(1));
            List { total: load::lines(view), visible }
        }
        Tab::Log => List { total: log::lines(view, body.width), visible },
    }
}

/// The table of the endpoints' view; below it a line with the filter, where there is one.
pub(super) fn endpoint_rows(body: Rect, screen: &Screen) -> Rect {
    let filter = u16::from(screen.typing || !screen.filter.is_empty());
    Rect { height: body.height.saturating_sub(filter), ..body }
}

/// Charts above, the table below them, on a large screen rules, failures and workers at the bottom.
fn lay_out_overview(areas: &mut Areas, large: bool, view: &RunView) {
    let body = areas.body;
    // Some rows more than there are at first, so that the charts do not shrink with every endpoint that turns up.
    let table = clamped(view.endpoints.len()).max(4).saturating_add(2);
    let panels = if large { panels_height(body.height, view) } else { 0 };
    let charts = charts_height(body.height, table, panels, large);
    let rest = body.height.saturating_sub(charts);
    // On a large screen the panels stand right below the table and fill what it does not need.
    let table = if large { table.min(rest.saturating_sub(panels)) } else { rest };
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(charts), Constraint::Length(table), Constraint::Fill(1)])
            .areas(body);
    let count = match body.width {
        0..50 => 1,
        50..120 => 2,
        _ => 3,
    };
    areas.charts = Layout::horizontal(vec![Constraint::Fill(1); count]).split(top).to_vec();
    areas.endpoints = middle;
    if large {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(bottom);
        let [rules, failures] =
            Layout::vertical([Constraint::Length(rules_height(view)), Constraint::Fill(1)]).areas(left);
        (areas.rules, areas.failures, areas.workers) = (rules, failures, right);
    }
}

/// The panel of the rules with its frame; none without rules.
fn rules_height(view: &RunView) -> u16 {
    if view.thresholds.is_empty() {
        0
    } else {
        clamped(view.thresholds.len()).saturating_add(2).min(MOST_RULES)
    }
}

/// Height of what stands below the table, with frames.
fn panels_height(body: u16, view: &RunView) -> u16 {
    let most = (body * 2 / 5).max(7);
    let left = rules_height(view).saturating_add(clamped(failures::lines(view)).saturating_add(3));
    let right = clamped(view.workers.len()).saturating_add(3);
    left.max(right).clamp(7, most)
}

/// What the table leaves, within limits; no charts where there is no room for both.
fn charts_height(body: u16, table: u16, panels: u16, large: bool) -> u16 {
    if body < CHART + 5 {
        return 0;
    }
    let most = if large { body / 2 } else { body * 3 / 5 }.max(CHART);
    let height = body.saturating_sub(panels).saturating_sub(table).clamp(CHART, most);
    // Odd, so that one row of dots lies in the very middle, where the middle label belongs.
    height - u16::from(height % 2 == 0)
}

pub(super) fn clamped(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::action::{Action, Mode};
    use crate::tui::samples;

    fn of(width: u16, height: u16, tab: Tab, view: &RunView) -> Areas {
        let mut screen = Screen::new(Size::new(width, height), Mode::Own);
        screen.update(Action::Show(tab), view);
        areas(Rect::new(0, 0, width, height), &screen, view)
    }

    #[test]
    fn eighty_by_twenty_four_has_everything_of_the_overview() {
        let areas = of(80, 24, Tab::Overview, &samples::failing());
        assert_eq!((areas.header.height, areas.tabs.height), (3, 1));
        assert_eq!(areas.charts.len(), 2);
        assert!(areas.charts[0].height >= CHART);
        assert!(areas.endpoints.height >= 6);
        assert_eq!((areas.rule_line.height, areas.last_failure.height, areas.footer.height), (1, 1, 1));
    }

    #[test]
    fn all_on_one_large_screen() {
        for (width, height) in [(140, 40), (200, 60)] {
            let areas = of(width, height, Tab::Overview, &samples::many_endpoints(100));
            assert_eq!(areas.charts.len(), 3);
            assert!(areas.endpoints.height >= 6, "{areas:?}");
            assert!(areas.failures.height >= 5 && areas.workers.height >= 7, "{areas:?}");
        }
    }

    #[test]
    fn nothing_reaches_beyond_the_terminal() {
        let view = samples::many_endpoints(100);
        for (width, height) in (0..210).step_by(7).flat_map(|w| (0..70).map(move |h| (w, h))) {
            let whole = Rect::new(0, 0, width, height);
            for tab in Tab::ALL {
                let areas = of(width, height, tab, &view);
                let all = [
                    areas.header,
                    areas.tabs,
                    areas.endpoints,
                    areas.rules,
                    areas.failures,
                    areas.workers,
                    areas.body,
                    areas.alarms,
                    areas.footer,
                ];
                assert!(all.iter().chain(&areas.charts).all(|area| area.intersection(whole) == *area));
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_comes_into_sight_by_as_little_as_can_be(
            total in 1..200_usize, visible in 1..50_usize, offset in 0..200_usize, line in 0..200_usize,
        ) {
            let (list, line) = (List { total, visible }, line % total);
            let offset = offset.min(list.last_offset());
            let moved = list.with_line(offset, line);
            prop_assert!(moved <= line && line < moved + visible, "{} {}", moved, line);
            prop_assert!(moved <= list.last_offset());
            if offset <= line && line < offset + visible {
                prop_assert_eq!(moved, offset);
            }
        }
    }
}
