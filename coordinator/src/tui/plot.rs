//! One chart: a frame with a title, three labels beside the y axis, braille lines. Knows nothing of what it shows.
//!
//! The labels have a fixed width and both axes end at round numbers, so that the picture holds still while values grow and
//! time passes: the x axis ends at the run time, or at the next of 1, 2, 5, 10, … minutes.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::canvas::{Canvas, Context, Line as Stroke, Points};
use ratatui::widgets::{Block, Paragraph};

use super::text;
use super::theme::Theme;
use crate::format;

/// Cells left of the axis: `99 999`.
const LABEL: u16 = 6;

/// Points of a dash, and of the gap behind it.
const DASH: usize = 3;

/// One line of a chart.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) colour: Color,
    /// Seconds and values, in order of time; a gap where there is no value.
    pub(super) points: Vec<(f64, Option<f64>)>,
    /// With gaps, so that it can be told from others without colours.
    pub(super) dashed: bool,
}

/// A chart.
pub(super) struct Plot {
    /// Unit in the title.
    pub(super) title: &'static str,
    /// In the order of the title.
    pub(super) series: Vec<Series>,
    /// Which of them is drawn over the others.
    pub(super) on_top: usize,
    /// Seconds at the right end.
    pub(super) until: f64,
    /// The y axis goes at least this far.
    pub(super) at_least: f64,
}

/// ```text
/// ┌ req/s · failures/s ──────────┐
/// │ 1 500┤        ⢀⠤⠒⠒⠒⠒⠒⠒       │
/// │   750┤   ⢀⠤⠊⠁                │
/// │     0┼⠤⠒⠁────────────────────│
/// └ 00:00 ──────────────── 01:00 ┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, plot: &Plot, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let block = Block::bordered()
        .border_style(theme.dim())
        .title_top(title(plot, theme))
        .title_bottom(Line::from(" 00:00 ").style(theme.dim()))
        .title_bottom(
            Line::from(format!(" {} ", format::clock(seconds(plot.until))))
                .style(theme.dim())
                .right_aligned(),
        );
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if inner.is_empty() || inner.width <= LABEL + 1 {
        return;
    }
    let top = round_up(highest(plot).max(plot.at_least));
    frame.render_widget(Paragraph::new(axis(inner.height, top)).style(theme.dim()), inner);
    let field = Rect { x: inner.x + LABEL + 1, width: inner.width - LABEL - 1, ..inner };
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, plot.until.max(1.0)])
        .y_bounds([0.0, top])
        .paint(|context| {
            let below = plot.series.iter().enumerate().filter(|(at, _)| *at != plot.on_top);
            for series in below.map(|(_, series)| series).chain(plot.series.get(plot.on_top)) {
                trace(context, series, theme);
                context.layer();
            }
        });
    frame.render_widget(canvas, field);
}

fn title(plot: &Plot, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    if !plot.title.is_empty() {
        spans.push(Span::raw(plot.title));
    }
    for series in &plot.series {
        if spans.len() > 1 {
            spans.push(Span::raw(" · "));
        }
        spans.push(Span::styled(series.name, theme.colour(series.colour)));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

/// The labels at top, middle and bottom, with the axis at their right.
fn axis(height: u16, top: f64) -> Vec<Line<'static>> {
    let last = height.saturating_sub(1);
    (0..height)
        .map(|row| {
            let value = match row {
                0 if height > 1 => Some(top),
                row if row == last => Some(0.0),
                // Only where a row lies in the very middle is the label true.
                row if row * 2 == last => Some(top / 2.0),
                _ => None,
            };
            let label = value.map(label).unwrap_or_default();
            let tick = match value {
                Some(_) if row == last => '┼',
                Some(_) => '┤',
                None => '│',
            };
            Line::from(format!("{}{tick}", text::right(&label, usize::from(LABEL))))
        })
        .collect()
}

fn trace(context: &mut Context<'_>, series: &Series, theme: Theme) {
    let color = theme.colour(series.colour);
    let mut before: Option<(f64, f64)> = None;
    for (at, (x, y)) in series.points.iter().enumerate() {
        let gap = series.dashed && at / DASH % 2 == 1;
        let here = y.filter(|y| y.is_finite()).map(|y| (*x, y));
        match (before, here) {
            (Some(_), Some(_)) if gap => {}
            (Some((x1, y1)), Some((x2, y2))) => context.draw(&Stroke::new(x1, y1, x2, y2, color)),
            (None, Some(point)) => context.draw(&Points { coords: &[point], color }),
            _ => {}
        }
        before = here;
    }
}

fn highest(plot: &Plot) -> f64 {
    let values = plot.series.iter().flat_map(|series| &series.points).filter_map(|(_, y)| *y);
    values.filter(|y| y.is_finite()).fold(0.0, f64::max)
}

/// The next of 1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10 times a power of ten; 1 for nothing.
fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|&limit| limit >= value).unwrap_or(10.0 * power)
}

/// An axis label of six cells at most: `0.15`, `1.5`, `750`, `99 999`, `120k`, `1.2M`.
pub(super) fn label(value: f64) -> String {
    let (value, unit) = match value {
        v if v < 99_999.5 => (v, ""),
        v if v < 1e6 => (v / 1e3, "k"),
        v if v < 1e9 => (v / 1e6, "M"),
        v if v < 1e12 => (v / 1e9, "G"),
        v => return format!("{v:.0e}"),
    };
    if value >= 1000.0 {
        return format::rate(value);
    }
    let decimals = if value >= 100.0 {
        0
    } else if value >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// Where the x axis ends when so much time has passed: at the run time, or at a round time before it.
pub(super) fn until(elapsed: Duration, run_time: Option<Duration>) -> f64 {
    let minutes = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720];
    let passed = elapsed.as_secs_f64();
    let days = || (passed / 86_400.0).ceil() * 86_400.0;
    let round =
        minutes.into_iter().map(|m| f64::from(m) * 60.0).find(|&end| end >= passed).unwrap_or_else(days);
    match run_time.map(|time| time.as_secs_f64()) {
        // While users finish.
        Some(end) if end < passed => passed,
        Some(end) => round.min(end),
        None => round,
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, end) in
            [(0.0, 1.0), (1.0, 1.0), (1284.0, 1600.0), (131.0, 160.0), (200.0, 200.0), (f64::NAN, 1.0)]
        {
            assert!((round_up(value) - end).abs() < 1e-9, "{value}");
        }
        assert!(round_up(0.034) >= 0.034);
        assert!(round_up(f64::MAX).is_finite() || round_up(f64::MAX) > 0.0);
    }

    #[test]
    fn labels_never_take_more_than_their_cells() {
        for (value, text) in [
            (0.0, "0"),
            (0.15, "0.15"),
            (1.5, "1.5"),
            (750.0, "750"),
            (1600.0, "1_600"),
            (60_000.0, "60_000"),
            (160_000.0, "160k"),
            (1_600_000.0, "1.6M"),
            (3e13, "3e13"),
        ] {
            assert_eq!(label(value), text.replace('_', "\u{202f}"));
            assert!(text::width(&label(value)) <= usize::from(LABEL));
        }
    }

    #[test]
    fn time_goes_to_the_run_time_in_round_steps() {
        let secs = Duration::from_secs;
        for (elapsed, run_time, end) in [
            (41, Some(60), 60.0),
            (41, Some(45), 45.0),
            (41, None, 60.0),
            (61, Some(28_800), 120.0),
            (70, Some(60), 70.0),
            (90_000, None, 172_800.0),
        ] {
            assert!((until(secs(elapsed), run_time.map(secs)) - end).abs() < 1e-9);
        }
    }
}
