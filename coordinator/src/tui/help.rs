//! The help: every key, over whatever else is shown.
//!
//! The same at every moment of a run, unlike the hints at the bottom, which offer only what works now; but without the keys
//! that never work on this screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::action::Mode;
use super::text;
use super::theme::Theme;

/// A key and what it does.
type Key = (&'static str, &'static str);

/// About the views.
const LOOK: [Key; 11] = [
    ("1 2 3", "overview, endpoints, failures"),
    ("4 5 6", "workers, load, log"),
    ("Tab ← →", "next view, the one before"),
    ("↑ ↓ PgUp PgDn", "move through the list"),
    ("Home End", "to its first line, to its last"),
    ("Enter", "an endpoint in full; ↑ ↓ the others"),
    ("Esc", "one step back"),
    ("/", "filter endpoints by words of their names"),
    ("o O", "order by the next column; turn it round"),
    ("m", "mouse for views and lists, or for copying"),
    ("?", "this help"),
];

/// About the load.
const LOAD: [Key; 5] = [
    ("w W", "1 user, or arrival/s, more; 10 more"),
    ("s S", "1 fewer, 10 fewer"),
    ("+ -", "a tenth more load, a tenth less"),
    ("p", "pause: no iteration begins; go on"),
    ("n", "next stage of the load"),
];

/// About the end, on the screen of the run itself.
const STOP: [Key; 2] =
    [("q", "stop: users finish, then the report"), ("Ctrl-C", "the same; once more: stop at once")];

/// And on that of somebody who watches.
const LEAVE: [Key; 1] = [("q Ctrl-C", "leave; the test goes on")];

/// ```text
/// ┌ Keys ─────────────────────────────────────────────┐
/// │ 1 2 3         overview, endpoints, failures       │
/// │ q             stop: users finish, then the report │
/// │ any key closes this                               │
/// └───────────────────────────────────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, whole: Rect, mode: Mode, theme: Theme) {
    let load: &[Key] = if mode.controls() { &LOAD } else { &[] };
    let end: &[Key] = if mode == Mode::Own { &STOP } else { &LEAVE };
    let mut lines: Vec<Line<'_>> = LOOK
        .iter()
        .chain(load)
        .chain(end)
        .map(|(key, does)| {
            Line::from(vec![
                Span::styled(text::left(&format!(" {key}"), 16), theme.accent()),
                Span::raw(*does),
            ])
        })
        .collect();
    if !mode.controls() {
        lines.push(Line::styled(" read-only: the load cannot be changed from here", theme.dim()));
    }
    lines.push(Line::styled(" any key closes this", theme.dim()));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = whole.centered(Constraint::Length(60), Constraint::Length(height));
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(" Keys ").border_style(theme.accent())),
        area,
    );
}
