//! How the response times of an endpoint are spread: a bar for each range, ok and failed apart, with the percentiles marked.
//!
//! Ranges lie on a logarithmic scale. Where there are more than lines, neighbours are put together.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::theme::Theme;
use super::{plot, text};
use crate::format;
use crate::view::{EndpointDetail, LatencyBucket, TimesView};

/// Cells of the lower end of a range.
const LABEL: usize = 6;
/// Cells of its count.
const COUNT: usize = 7;
/// Cells of the marks: `  ◂ p99.9-99.99`.
const MARKS: usize = 15;

/// Parts of a cell, from an eighth to all of it.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// ```text
///     ms                            count
///   4.00 ▏                             12
///   5.00 █████▋                     1 204
///   6.30 ███████████████████        9 821  ◂ p50
///   8.00 ████████▒                  2 300  ◂ p90-95
///   10.0 ▏                             33  ◂ p99
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, detail: &EndpointDetail, theme: Theme) {
    if area.is_empty() {
        return;
    }
    if detail.buckets.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled("  no request has completed", theme.dim())), area);
        return;
    }
    let width = usize::from(area.width);
    let marks = if width >= LABEL + COUNT + MARKS + 12 { MARKS } else { 0 };
    let room = width.saturating_sub(1 + LABEL + 1 + 1 + COUNT + marks);
    let buckets = put_together(&detail.buckets, usize::from(area.height.saturating_sub(1)));
    let most = buckets.iter().map(|bucket| bucket.ok.saturating_add(bucket.failed)).max().unwrap_or(1).max(1);
    let head =
        format!(" {} {}{}", text::right("ms", LABEL), " ".repeat(room), text::right("count", COUNT + 1));
    let mut lines = vec![Line::styled(text::cut_end(&head, width).into_owned(), theme.dim())];
    lines.extend(buckets.iter().map(|bucket| {
        let (ok, failed) = bars(bucket, most, room);
        let count = count(bucket.ok.saturating_add(bucket.failed));
        let marks = if marks > 0 { marks_in(bucket, &detail.all) } else { String::new() };
        Line::from(vec![
            Span::styled(format!(" {} ", text::right(&format::ms(bucket.from_ms), LABEL)), theme.dim()),
            Span::styled(ok.clone(), theme.good()),
            Span::styled(failed.clone(), theme.bad()),
            Span::raw(" ".repeat(room.saturating_sub(text::width(&ok) + text::width(&failed)))),
            Span::raw(text::right(&count, COUNT + 1)),
            Span::styled(text::cut_end(&marks, MARKS).into_owned(), theme.accent()),
        ])
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

/// A count, in thousands or millions where it would be too wide.
fn count(count: u64) -> String {
    let whole = format::grouped(count);
    if text::width(&whole) <= COUNT { whole } else { plot::label(count as f64) }
}

/// As many ranges as there are lines, each of as many neighbours as that takes.
fn put_together(buckets: &[LatencyBucket], lines: usize) -> Vec<LatencyBucket> {
    let each = buckets.len().div_ceil(lines.max(1)).max(1);
    let sum = |parts: &[LatencyBucket]| {
        parts.iter().copied().reduce(|a, b| LatencyBucket {
            from_ms: a.from_ms,
            to_ms: b.to_ms,
            ok: a.ok.saturating_add(b.ok),
            failed: a.failed.saturating_add(b.failed),
        })
    };
    buckets.chunks(each).filter_map(sum).collect()
}

/// The bar of what was ok, in eighths of a cell, and behind it that of what failed. Whatever there is can be seen.
fn bars(bucket: &LatencyBucket, most: u64, room: usize) -> (String, String) {
    let eighths = |count: u64| {
        let part = u128::from(count) * room as u128 * 8;
        usize::try_from(part.div_ceil(u128::from(most))).unwrap_or(usize::MAX)
    };
    let failed = eighths(bucket.failed).div_ceil(8).min(room);
    let ok = eighths(bucket.ok).min((room - failed) * 8);
    let full = EIGHTHS[7].to_string().repeat(ok / 8);
    let part = (ok % 8).checked_sub(1).and_then(|part| EIGHTHS.get(part));
    (full + &part.map(char::to_string).unwrap_or_default(), "▒".repeat(failed))
}

/// Which percentiles lie in a range.
fn marks_in(bucket: &LatencyBucket, times: &TimesView) -> String {
    let within = |ms: &f64| *ms >= bucket.from_ms && *ms < bucket.to_ms;
    let names: Vec<String> =
        times.percentiles.iter().filter(|(_, ms)| within(ms)).map(|(p, _)| format!("p{p}")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("  ◂ {one}"),
        [first, .., last] => format!("  ◂ {first}-{}", last.trim_start_matches('p')),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bucket(ok: u64, failed: u64) -> LatencyBucket {
        LatencyBucket { from_ms: 1.0, to_ms: 2.0, ok, failed }
    }

    #[test]
    fn whatever_there_is_can_be_seen() {
        assert_eq!(bars(&bucket(100, 0), 100, 10), ("█".repeat(10), String::new()));
        assert_eq!(bars(&bucket(1, 0), 1_000_000, 10), ("▏".to_owned(), String::new()));
        assert_eq!(bars(&bucket(1_000_000, 1), 1_000_001, 10), ("█".repeat(9), "▒".to_owned()));
        assert_eq!(bars(&bucket(0, 0), 5, 10), (String::new(), String::new()));
        assert_eq!(bars(&bucket(u64::MAX, 0), u64::MAX, 4).0, "████");
    }

    proptest! {
        #[test]
        fn ranges_put_together_hold_the_same(
            counts in prop::collection::vec((0_u64..1000, 0_u64..1000), 1..80), lines in 1..40_usize,
        ) {
            let buckets: Vec<_> = counts.iter().map(|(ok, failed)| bucket(*ok, *failed)).collect();
            let together = put_together(&buckets, lines);
            prop_assert!(together.len() <= lines);
            let sum = |of: fn(&LatencyBucket) -> u64, all: &[LatencyBucket]| all.iter().map(of).sum::<u64>();
            prop_assert_eq!(sum(|b| b.ok, &together), sum(|b| b.ok, &buckets));
            prop_assert_eq!(sum(|b| b.failed, &together), sum(|b| b.failed, &buckets));
            for bucket in &together {
                let (ok, failed) = bars(bucket, 50_000, 20);
                prop_assert!(text::width(&ok) + text::width(&failed) <= 20);
            }
        }
    }
}
