//! The lines above the keys: that the load generator is the limit, and what else a person should know.
//!
//! The first fills its line, so that nobody can overlook it. The log has the others in full, so they are not shown there.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::action::Tab;
use super::text;
use super::theme::Theme;
use crate::view::RunView;

/// How the notices about the limit begin; the alarm says the same with what holds now.
const LIMIT: &str = "generator-limited";

/// ```text
///  ⚠ generator-limited: worker w2 wakes 14.2 ms late (p99); the times measured are not only the target's
///  ⚠ worker w3 is lost since second 31; its 66 users start again on the others   (+2: press 6)
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, tab: Tab, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let all = lines(view, tab, theme);
    let shown = usize::from(area.height).min(all.len());
    let hidden = all.len() - shown;
    let lines: Vec<Line<'_>> = all
        .into_iter()
        .take(shown)
        .enumerate()
        .map(|(at, (text, look))| {
            let more = if at + 1 == shown && hidden > 0 {
                format!("  (+{hidden}: press {}) ", Tab::Log.key())
            } else {
                " ".to_owned()
            };
            let room = width.saturating_sub(text::width(&more));
            let line = text::left(&text::cut_end(&format!(" ⚠ {text}"), room), room) + &more;
            Line::styled(line, look)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// How many there are.
pub(super) fn count(view: &RunView, tab: Tab) -> usize {
    lines(view, tab, Theme::None).len()
}

/// The limit first, then notices, the newest first.
fn lines(view: &RunView, tab: Tab, theme: Theme) -> Vec<(String, Style)> {
    let mut lines = vec![];
    if let Some(limited) = &view.limited {
        let text = text::clean(&limited.text);
        lines.push(if limited.now {
            (format!("{LIMIT}: {text}; the numbers are not only the target's"), theme.alarm())
        } else {
            (format!("the run was {LIMIT}: {text}"), theme.warn())
        });
    }
    if tab != Tab::Log {
        let others = view.notices.iter().rev().filter(|notice| !notice.starts_with(LIMIT));
        lines.extend(others.map(|notice| (text::clean(notice).into_owned(), theme.warn())));
    }
    lines
}
