//! Where the time of an endpoint's requests goes: until the request was sent, until the first byte came, until the last; and what
//! connecting to each host takes.
//!
//! The parts are differences of means over the same requests. Where some requests got no response they are not the same, and only
//! what lies behind the first byte written is told apart.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text;
use super::theme::Theme;
use crate::format;
use crate::view::{EndpointDetail, RunView, TargetRow, TimesView};

/// What a part is drawn with.
const FILLS: [&str; 3] = ["█", "▒", "░"];

/// A part of the mean time: its name, ms.
type Part = (&'static str, f64);

/// ```text
///  ██▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒░░░
///  █ until sent  0.120   1 %
///  ▒ first byte   12.4  90 %
///  ░ body         1.30   9 %
///                  avg    p50    p99
///  ttfb           12.5   12.0   40.2
///  service        13.7   13.1   44.0
///  shop.test:443  12 connections
///  dns 0.200 connect 0.400 tls 2.10
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, detail: &EndpointDetail, view: &RunView, theme: Theme) {
    let width = usize::from(area.width);
    let parts = parts(detail);
    let mut lines = vec![];
    if parts.is_empty() {
        lines.push(Line::styled(" no response so far", theme.dim()));
    } else {
        lines.push(bar(&parts, width.saturating_sub(2), theme));
        lines.extend(legend(&parts, theme));
    }
    let hosts: Vec<_> = view.targets.iter().flat_map(|target| host(target, width, theme)).collect();
    // The figures stand where there is room for them and for a host.
    let tables = figures(detail, theme);
    if usize::from(area.height) >= lines.len() + tables.len() + hosts.len().min(2) {
        lines.extend(tables);
    }
    lines.extend(hosts);
    frame.render_widget(Paragraph::new(lines), area);
}

/// Lines that all of it takes.
pub(super) fn lines(view: &RunView) -> usize {
    7 + 2 * view.targets.len().min(3)
}

/// The mean time in its parts.
fn parts(detail: &EndpointDetail) -> Vec<Part> {
    let (Some(service), Some(ttfb)) = (detail.service.avg, detail.ttfb.avg) else { return vec![] };
    let whole = detail.all.avg.filter(|_| detail.all.count == detail.service.count);
    match whole {
        Some(whole) => {
            let before = (whole - service).max(0.0);
            vec![
                ("until sent", before),
                ("first byte", (ttfb - before).max(0.0)),
                ("body", (whole - ttfb).max(0.0)),
            ]
        }
        None => vec![("first byte", ttfb.min(service)), ("body", (service - ttfb).max(0.0))],
    }
}

fn look(at: usize, theme: Theme) -> Style {
    let colour = [Color::Yellow, Color::Cyan, Color::Green][at % 3];
    Style::new().fg(theme.colour(colour))
}

/// One bar; a part that is there takes at least a cell.
fn bar(parts: &[Part], room: usize, theme: Theme) -> Line<'static> {
    let whole: f64 = parts.iter().map(|(_, ms)| ms).sum();
    let mut spans = vec![Span::raw(" ")];
    let mut left = room;
    for (at, (_, ms)) in parts.iter().enumerate() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the width"
        )]
        let cells =
            if whole > 0.0 { (ms / whole * room as f64).round().clamp(0.0, room as f64) as usize } else { 0 };
        let cells = cells.max(usize::from(*ms > 0.0)).min(left);
        // What rounding leaves is the last one's.
        let cells = if at + 1 == parts.len() && *ms > 0.0 { left } else { cells };
        left -= cells;
        spans.push(Span::styled(FILLS[at % 3].repeat(cells), look(at, theme)));
    }
    Line::from(spans)
}

fn legend(parts: &[Part], theme: Theme) -> Vec<Line<'static>> {
    let whole: f64 = parts.iter().map(|(_, ms)| ms).sum();
    let line = |(at, (name, ms)): (usize, &Part)| {
        let share = if whole > 0.0 { ms / whole * 100.0 } else { 0.0 };
        Line::from(vec![
            Span::styled(format!(" {} ", FILLS[at % 3]), look(at, theme)),
            Span::raw(text::left(name, 11)),
            Span::styled(text::right(&format::ms(*ms), 6), theme.strong()),
            Span::styled(format!(" {share:3.0} %"), theme.dim()),
        ])
    };
    parts.iter().enumerate().map(line).collect()
}

fn figures(detail: &EndpointDetail, theme: Theme) -> Vec<Line<'static>> {
    let row = |name: &str, times: &TimesView| {
        let cell = |value: Option<f64>| text::right(&value.map_or(format::NONE.to_owned(), format::ms), 7);
        let cells = [times.avg, times.percentile(50.0), times.percentile(99.0)].map(cell);
        Line::from(format!(" {}{}", text::left(name, 10), cells.concat()))
    };
    let head = format!(" {:10}{:>7}{:>7}{:>7}", "", "avg", "p50", "p99");
    vec![Line::styled(head, theme.dim()), row("ttfb", &detail.ttfb), row("service", &detail.service)]
}

/// What connecting to a host takes, on the mean.
fn host(target: &TargetRow, width: usize, theme: Theme) -> [Line<'static>; 2] {
    let count = format!(
        "  {}",
        text::counted(usize::try_from(target.connections).unwrap_or(usize::MAX), "connection")
    );
    let name = text::cut_middle(&text::clean(&target.host), width.saturating_sub(1 + text::width(&count)))
        .into_owned();
    let phases = [("dns", &target.dns), ("connect", &target.connect), ("tls", &target.tls)];
    let phase =
        |(name, times): &(&str, &TimesView)| times.avg.map(|avg| format!("{name} {}", format::ms(avg)));
    let phases: Vec<_> = phases.iter().filter_map(phase).collect();
    let phases = format!(" {}", phases.join(" "));
    [
        Line::from(vec![Span::raw(format!(" {name}")), Span::styled(count, theme.dim())]),
        Line::styled(text::cut_end(&phases, width).into_owned(), theme.dim()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(all: u64, service: u64) -> EndpointDetail {
        let times = |count, avg| TimesView { count, avg: Some(avg), ..TimesView::default() };
        EndpointDetail {
            all: times(all, 14.0),
            service: times(service, 13.0),
            ttfb: times(service, 12.0),
            ..EndpointDetail::default()
        }
    }

    #[test]
    fn parts_are_of_the_same_requests() {
        assert_eq!(parts(&detail(9, 9)), [("until sent", 1.0), ("first byte", 11.0), ("body", 2.0)]);
        assert_eq!(parts(&detail(9, 8)), [("first byte", 12.0), ("body", 1.0)]);
        assert_eq!(parts(&EndpointDetail::default()), []);
    }

    #[test]
    fn a_bar_is_as_wide_as_it_may_be() {
        for room in 0..60 {
            for parts in [vec![("a", 0.001), ("b", 9.0), ("c", 0.001)], vec![("a", 1.0), ("b", 1.0)]] {
                let width = bar(&parts, room, Theme::None).width();
                assert_eq!(width, room + 1);
            }
        }
        assert_eq!(bar(&[("a", 0.0)], 10, Theme::None).width(), 1);
    }
}
