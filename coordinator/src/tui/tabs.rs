//! The line with the names of the views, and which of them lies under the mouse.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::Tab;
use super::text;
use super::theme::Theme;

/// ```text
///  1 Overview  2 Endpoints  3 Failures  4 Workers  5 Load  6 Log
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, shown: Tab, theme: Theme) {
    let spans = labels(area.width, shown).into_iter().map(|(tab, label)| {
        let look = if tab == shown { theme.chosen_one() } else { theme.dim() };
        Span::styled(label, look)
    });
    frame.render_widget(Paragraph::new(spans.collect::<Line<'_>>()), area);
}

/// The view whose name is at this place.
pub(super) fn at(area: Rect, shown: Tab, column: u16, row: u16) -> Option<Tab> {
    if !area.contains(Position::new(column, row)) {
        return None;
    }
    let mut right = usize::from(area.x);
    labels(area.width, shown).into_iter().find_map(|(tab, label)| {
        right += text::width(&label);
        (usize::from(column) < right).then_some(tab)
    })
}

/// Names with their keys; where there is no room for all, only that of the view that is shown.
fn labels(width: u16, shown: Tab) -> Vec<(Tab, String)> {
    let full = |tab: Tab| format!(" {} {} ", tab.key(), tab.title());
    let all: Vec<_> = Tab::ALL.into_iter().map(|tab| (tab, full(tab))).collect();
    if all.iter().map(|(_, label)| text::width(label)).sum::<usize>() <= usize::from(width) {
        return all;
    }
    let short = |tab: Tab| if tab == shown { full(tab) } else { format!(" {} ", tab.key()) };
    Tab::ALL.into_iter().map(|tab| (tab, short(tab))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_under_its_own_cells() {
        for (width, name) in [(80, "6 Log"), (40, "4 Workers")] {
            let area = Rect::new(0, 3, width, 1);
            let line: String = labels(width, Tab::Workers).into_iter().map(|(_, label)| label).collect();
            let column = u16::try_from(line.find(name).expect(name)).expect("few");
            let tab = at(area, Tab::Workers, column, 3).map(Tab::title);
            assert_eq!(tab, name.split(' ').nth(1));
            assert_eq!(at(area, Tab::Workers, column, 4), None);
            assert_eq!(at(area, Tab::Workers, 79, 3), None);
        }
    }
}
