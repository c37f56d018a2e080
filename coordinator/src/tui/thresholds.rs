//! The rules of the test: what each is at now, and whether it holds.
//!
//! Those that do not hold come first, then those without a sample, then those nearest to their limit.

use std::cmp::Ordering;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text;
use super::theme::Theme;
use crate::view::{RunView, ThresholdRow};

/// ```text
///  ✗ error_rate < 0.1% (0.16%)   ✓ p95 < 60ms (48.0 ms)   … and 2 hold
/// ```
pub(super) fn draw_line(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let rules = ordered(view);
    let width = usize::from(area.width);
    let mut spans = vec![];
    let mut used = 0;
    for (at, rule) in rules.iter().enumerate() {
        let text = format!(" {} {}  ", mark(rule, theme).0, said(rule));
        let tail = rest(&rules[at + 1..]);
        let room = width.saturating_sub(used + text::width(&tail));
        if text::width(&text) > room && at > 0 {
            spans.push(Span::styled(rest(&rules[at..]), theme.dim()));
            break;
        }
        // The first is shown in any case; what of it has no room is cut, and the rest not counted.
        let alone = text::width(&text) > room;
        let text = text::cut_end(&text, if alone { width } else { room }).into_owned();
        used += text::width(&text);
        spans.push(Span::styled(text, mark(rule, theme).1));
        if alone {
            break;
        }
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// ```text
///  ✗ error_rate < 0.1%            0.16%
///  ✓ p95 < 60ms                   48.0 ms
///  … and 2 hold
/// ```
pub(super) fn draw_list(frame: &mut Frame<'_>, area: Rect, view: &RunView, theme: Theme) {
    let rules = ordered(view);
    let height = usize::from(area.height);
    let shown = if rules.len() > height { height.saturating_sub(1) } else { rules.len() };
    let width = usize::from(area.width);
    let widest = rules.iter().map(|rule| text::width(&measured(rule))).max().unwrap_or(0);
    let room = width.saturating_sub(4 + widest + 2);
    let mut lines: Vec<Line<'_>> = rules[..shown]
        .iter()
        .map(|rule| {
            let (symbol, look) = mark(rule, theme);
            let written = text::clean(&rule.rule).into_owned() + stops(rule);
            Line::from(vec![
                Span::styled(format!(" {symbol} "), look),
                Span::raw(text::left(&text::cut_middle(&written, room), room)),
                Span::styled(format!(" {}", text::right(&measured(rule), widest)), look),
            ])
        })
        .collect();
    if shown < rules.len() {
        lines.push(Line::styled(rest(&rules[shown..]), theme.dim()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn said(rule: &ThresholdRow) -> String {
    format!("{} ({})", text::clean(&rule.rule), measured(rule))
}

/// What was measured; of a rule over windows that has broken, the worst of them.
fn measured(rule: &ThresholdRow) -> String {
    text::clean(rule.broken.as_ref().unwrap_or(&rule.shown)).into_owned()
}

/// Whether it holds; one that has broken over a window stays so.
fn holds(rule: &ThresholdRow) -> Option<bool> {
    if rule.broken.is_some() { Some(false) } else { rule.holds }
}

fn stops(rule: &ThresholdRow) -> &'static str {
    if rule.stops { "  or the run ends" } else { "" }
}

/// Symbol and look; the symbol alone says it where there are no colours.
fn mark(rule: &ThresholdRow, theme: Theme) -> (&'static str, Style) {
    match holds(rule) {
        Some(false) => ("✗", theme.bad()),
        Some(true) => ("✓", theme.good()),
        None => ("○", theme.dim()),
    }
}

fn ordered(view: &RunView) -> Vec<&ThresholdRow> {
    let mut rules: Vec<_> = view.thresholds.iter().collect();
    let rank = |rule: &ThresholdRow| match holds(rule) {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    };
    let margin = |a: &ThresholdRow, b: &ThresholdRow| match (a.margin, b.margin) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => Ordering::Equal,
    };
    rules.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| margin(a, b)));
    rules
}

/// Those for which there is no room: ` … and 1 does not hold, 2 hold`.
fn rest(rules: &[&ThresholdRow]) -> String {
    let count = |so| rules.iter().filter(|rule| holds(rule) == so).count();
    let verb = |count: usize, one: &str, many: &str| {
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    };
    let parts = [
        verb(count(Some(false)), "does not hold", "do not hold"),
        verb(count(None), "without a sample", "without a sample"),
        verb(count(Some(true)), "holds", "hold"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" … and {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::tui::samples;

    fn line(view: &RunView, width: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, 1)).unwrap();
        terminal.draw(|frame| draw_line(frame, frame.area(), view, Theme::None)).unwrap();
        terminal.backend().to_string().trim_matches(['"', '\n']).trim_end().to_owned()
    }

    #[test]
    fn what_does_not_hold_comes_first_and_the_rest_is_counted() {
        let view = samples::failing();
        let all = " ✗ error_rate < 0.1% (12.42%)   ○ p95(checkout) < 1s (no sample)   ✓ p95 < 60ms (37.2 ms)   ✓ rps > 500/s (1284/s)";
        assert_eq!(line(&view, 140), all);
        let some = " ✗ error_rate < 0.1% (12.42%)   ○ p95(checkout) < 1s (no sample)   … and 2 hold";
        assert_eq!(line(&view, 80), some);
        assert_eq!(line(&view, 78), " ✗ error_rate < 0.1% (12.42%)   … and 1 without a sample, 2 hold");
        assert_eq!(line(&view, 20), " ✗ error_rate < 0.1…");
        assert!((1..140).all(|width| text::width(&line(&view, width)) <= usize::from(width)));
    }
}
