//! The help: every key, over whatever else is shown.
//!
//! The same at every moment of a run, unlike the hints at the bottom, which offer only what works now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::text;
use super::theme::Theme;

/// Keys and what they do.
const KEYS: [(&str, &str); 16] = [
    ("1", "overview"),
    ("2", "failures, by cause"),
    ("3", "workers"),
    ("4", "notices, in full"),
    ("Tab ← →", "next view, the one before"),
    ("↑ ↓", "scroll by a line"),
    ("PgUp PgDn", "scroll by a page"),
    ("Home End", "to the first line, to the last"),
    ("+ -", "a tenth more load, a tenth less"),
    ("w W", "1 user, or arrival/s, more; 10 more"),
    ("s S", "1 fewer, 10 fewer"),
    ("p", "pause: no iteration begins; go on"),
    ("n", "next stage of the load"),
    ("q", "stop: users finish, then the report"),
    ("Ctrl-C", "the same; once more: stop at once"),
    ("? Esc", "this help, away with it"),
];

/// ```text
/// ┌ Keys ────────────────────────────────────────┐
/// │ 1          overview                          │
/// │ q          stop: users finish, then the rep… │
/// │ any key closes this                          │
/// └──────────────────────────────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, screen: Rect, theme: Theme) {
    let mut lines: Vec<Line<'_>> = KEYS
        .iter()
        .map(|(key, does)| {
            Line::from(vec![
                Span::styled(text::left(&format!(" {key}"), 13), theme.accent()),
                Span::raw(*does),
            ])
        })
        .collect();
    lines.push(Line::default());
    lines.push(Line::styled(" any key closes this", theme.dim()));
    let area = screen.centered(
        ratatui::layout::Constraint::Length(52),
        ratatui::layout::Constraint::Length(u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2)),
    );
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(" Keys ").border_style(theme.accent())),
        area,
    );
}
