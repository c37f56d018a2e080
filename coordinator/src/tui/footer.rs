//! The bottom lines: alarms, the newest failure, and the keys that mean something now.
//!
//! A key that does nothing at the moment is not offered. Trouble with the screen itself stands in the keys' place.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::state::{Screen, Tab, Trouble, can_change, can_pause, can_quit};
use super::text;
use super::theme::Theme;
use crate::format;
use crate::view::{Phase, RunView};

/// ```text
///  ⚠ worker w2 is lost; its 66 users start again on w1                (+2: press 4)
/// ```
pub(super) fn draw_alarms(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let shown = usize::from(area.height).min(view.notices.len());
    let hidden = view.notices.len() - shown;
    let first = view.notices.len() - shown;
    let lines: Vec<Line<'_>> = view.notices[first..]
        .iter()
        .enumerate()
        .map(|(at, notice)| {
            let more = if at + 1 == shown && hidden > 0 {
                format!("  (+{hidden}: press 4) ")
            } else {
                " ".to_owned()
            };
            let room = width.saturating_sub(text::width(&more));
            let notice = format!(" ⚠ {}", text::clean(notice));
            let line = text::left(&text::cut_end(&notice, room), room) + &more;
            Line::styled(line, theme.alarm())
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// ```text
///  ✗ 86× POST /predict  closed: connection closed before the response · 2 s ago
/// ```
pub(super) fn draw_last_failure(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let Some(failure) = view.failures.iter().max_by_key(|failure| failure.last_s) else {
        frame.render_widget(Paragraph::new(Span::styled(" ✓ no failures so far", theme.good())), area);
        return;
    };
    let ago = view.elapsed.saturating_sub(Duration::from_secs(failure.last_s.into()));
    let ago = format!(" · {} ago", format::span(ago));
    let count = format!(" ✗ {}× ", format::grouped(failure.count));
    let name = format!("{} {}", text::clean(&failure.method), text::clean(&failure.name));
    let width = usize::from(area.width).saturating_sub(1 + text::width(&count) + text::width(&ago));
    let name = text::cut_middle(&name, width / 2).into_owned();
    let why = format!("  {}: {}", failure.kind, text::clean(&failure.message));
    let why = text::cut_end(&why, width.saturating_sub(text::width(&name))).into_owned();
    let line = Line::from(vec![
        Span::styled(count, theme.bad()),
        Span::styled(name, theme.strong()),
        Span::raw(why),
        Span::styled(ago, theme.dim()),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// ```text
///  1 overview  2 failures  3 workers  4 notices   +/- users   p pause   ? help   q stop
/// ```
pub(super) fn draw_keys(frame: &mut Frame<'_>, area: Rect, screen: &Screen, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let line = match &screen.trouble {
        Some(Trouble::Refused) => {
            Line::styled(" ⚠ the run is busy and did not take that key; press it again", theme.warn())
        }
        Some(Trouble::Deaf(why)) => {
            let text = format!(" ⚠ no keys can be read ({}); Ctrl-C still stops", text::clean(why));
            Line::styled(text::cut_end(&text, width).into_owned(), theme.warn())
        }
        None => keys(screen, view, theme, width),
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// A key, what it does, and how early it leaves.
type Hint = (String, String, u8);

fn hints(screen: &Screen, view: &RunView) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Tab::ALL
        .into_iter()
        .enumerate()
        .map(|(at, tab)| {
            ((at + 1).to_string(), tab.title().to_owned(), if tab == screen.tab { 3 } else { 5 })
        })
        .collect();
    let mut hint = |key: &str, does: &str, rank| hints.push((key.to_owned(), does.to_owned(), rank));
    if can_change(view) {
        hint("+/-", if view.arrivals.is_some() { "rate" } else { "users" }, 4);
    }
    if can_pause(view) {
        let (does, rank) = if view.paused { ("go on", 1) } else { ("pause", 6) };
        hint("p", does, rank);
    }
    hint("?", "help", 2);
    if can_quit(view) {
        hint("q", "stop", 1);
    } else if view.phase == Phase::Draining {
        hint("Ctrl-C", "stop now", 1);
    } else if screen.stays {
        hint("q", "leave", 1);
    }
    hints
}

fn keys(screen: &Screen, view: &RunView, theme: Theme, width: usize) -> Line<'static> {
    let mut hints = hints(screen, view);
    let needed = |hints: &[Hint], gap: usize| {
        1 + hints.iter().map(|(key, does, _)| text::width(key) + 1 + text::width(does) + gap).sum::<usize>()
    };
    while needed(&hints, 2) > width + 2 && hints.len() > 1 {
        let last = (0..hints.len()).max_by_key(|&at| hints[at].2).unwrap_or_default();
        hints.remove(last);
    }
    let gap = if needed(&hints, 3) <= width { "   " } else { "  " };
    let mut spans = vec![Span::raw(" ")];
    for (key, does, _) in hints {
        let active = does == screen.tab.title();
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::styled(
            format!(" {does}"),
            if active { theme.strong().underlined() } else { theme.dim() },
        ));
        spans.push(Span::raw(gap));
    }
    Line::from(spans)
}
