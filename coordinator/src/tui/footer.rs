//! The bottom lines: the newest failure, and the keys that mean something now.
//!
//! A key that does nothing at the moment is not offered. Trouble with the screen itself stands in the keys' place.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::action::{Mode, Tab, Trouble};
use super::state::{Screen, can_change, can_pause, can_quit};
use super::theme::Theme;
use super::{layout, text};
use crate::format;
use crate::view::{Phase, RunView};

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
///  1-6 views   Enter details   / filter   o sort   w/s users ±1   p pause   ? help   q stop
/// ```
pub(super) fn draw_keys(frame: &mut Frame<'_>, area: Rect, screen: &Screen, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let line = match &screen.trouble {
        Some(Trouble::Refused) => {
            Line::styled(" ⚠ the run is busy and did not take that key; press it again", theme.warn())
        }
        Some(Trouble::ReadOnly) => {
            Line::styled(" ⚠ read-only: the load cannot be changed from this screen", theme.warn())
        }
        Some(Trouble::Deaf(why)) => {
            let text = format!(" ⚠ no keys can be read ({}); Ctrl-C still stops", text::clean(why));
            Line::styled(text::cut_end(&text, width).into_owned(), theme.warn())
        }
        None => keys(hints(frame.area(), screen, view), theme, width),
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// A key, what it does, and how early it leaves.
type Hint = (String, String, u8);

fn hints(whole: Rect, screen: &Screen, view: &RunView) -> Vec<Hint> {
    let mut hints: Vec<Hint> = vec![];
    let mut hint = |key: &str, does: &str, rank| hints.push((key.to_owned(), does.to_owned(), rank));
    if screen.typing {
        hint("Enter", "keep the filter", 1);
        hint("Esc", "no filter", 2);
        return hints;
    }
    hint("1-6", "views", 7);
    if screen.tab == Tab::Endpoints && screen.open.is_some() {
        hint("Esc", "back", 2);
        hint("↑↓", "the others", 5);
    } else if screen.tab == Tab::Endpoints {
        if !view.endpoints.is_empty() {
            hint("Enter", "details", 3);
            hint("/", "filter", 4);
            hint("o/O", "sort", 4);
        }
    } else if layout::list(whole, screen, view).last_offset() > 0 {
        hint("↑↓", "scroll", 8);
    }
    if can_change(view) && screen.mode.controls() {
        hint("w/s", if view.arrivals.is_some() { "rate ±1" } else { "users ±1" }, 5);
    }
    if can_pause(view) && screen.mode.controls() {
        let (does, rank) = if view.paused { ("go on", 1) } else { ("pause", 6) };
        hint("p", does, rank);
    }
    if screen.mouse {
        hint("m", "mouse off", 6);
    }
    hint("?", "help", 2);
    match screen.mode {
        Mode::Own if can_quit(view) => hint("q", "stop", 1),
        Mode::Own if view.phase == Phase::Draining => hint("Ctrl-C", "stop now", 1),
        Mode::Own if screen.stays => hint("q", "leave", 1),
        Mode::Own => {}
        Mode::Watching { control } => {
            hint("q", "leave", 1);
            if !control {
                hint("", "(read-only)", 5);
            }
        }
    }
    hints
}

fn keys(mut hints: Vec<Hint>, theme: Theme, width: usize) -> Line<'static> {
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
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::styled(format!(" {does}"), theme.dim()));
        spans.push(Span::raw(gap));
    }
    Line::from(spans)
}
