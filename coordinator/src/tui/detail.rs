//! One endpoint in full: its counts, how its times are spread, where they go, its course, its failures.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::order::RowId;
use super::theme::Theme;
use super::{charts, distribution, layout, phases, plot, text};
use crate::format;
use crate::view::{EndpointDetail, EndpointRow, FailureRow, RunView};

/// Failures shown at most.
const MOST_FAILURES: usize = 6;

/// ```text
///  POST /predict   41 771 requests · 86 failed (0.21%) · 12 under way · 1 027 req/s
///  ms  avg 16.8  min 4.20  p50 14.0  p90 35.0  p95 43.4  p99 92.4  max 378
/// ┌ response ms · █ ok ▒ failed ─────────────────┐┌ mean ms ─────────────────────┐
/// │ …                                            ││ …                            │
/// │                                              │└──────────────────────────────┘
/// │                                              │┌ req/s · failures/s ──────────┐
/// │                                              ││ …                            │
/// └──────────────────────────────────────────────┘└──────────────────────────────┘
///  ✗ 86× closed: connection closed before the response · 00:12-00:39
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, id: &RowId, view: &RunView, theme: Theme) {
    let row = view.endpoints.iter().find(|row| id.is(row));
    let same = |detail: &&EndpointDetail| {
        (id.kind, &id.method, &id.name) == (detail.kind, &detail.method, &detail.name)
    };
    let detail = view.details.iter().find(same);
    let failures: Vec<&FailureRow> =
        view.failures.iter().filter(|row| (&row.method, &row.name) == (&id.method, &id.name)).collect();
    let width = usize::from(area.width);
    let mut head = vec![title(id, row, detail, width, theme)];
    head.extend(detail.map(|detail| figures(detail, width, theme)));
    let most = usize::from(area.height / 5).clamp(1, MOST_FAILURES);
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Length(layout::clamped(head.len())),
        Constraint::Fill(1),
        Constraint::Length(layout::clamped(failures.len().clamp(1, most))),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head), top);
    if let Some(detail) = detail {
        draw_panels(frame, middle, detail, view, theme);
    } else {
        let text = "  It is not among the 100 with most requests: only those are shown in full.";
        frame.render_widget(Paragraph::new(Span::styled(text, theme.dim())), middle);
    }
    draw_failures(frame, bottom, &failures, theme);
}

fn draw_panels(frame: &mut Frame<'_>, area: Rect, detail: &EndpointDetail, view: &RunView, theme: Theme) {
    let [left, right] = if area.width < 70 {
        [area, Rect::default()]
    } else {
        Layout::horizontal([Constraint::Fill(5), Constraint::Fill(4)]).areas(area)
    };
    let inner = panel(frame, left, " response ms · █ ok · ▒ failed ", theme);
    distribution::draw(frame, inner, detail, theme);
    // A chart is worth its place from five lines on; the parts of the mean take four and a frame.
    let wanted = layout::clamped(phases::lines(view)).saturating_add(2);
    let charts = right.height.saturating_sub(wanted).max(5).min(right.height.saturating_sub(6));
    let charts = if charts < 5 { 0 } else { charts };
    let [parts, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(charts)]).areas(right);
    let inner = panel(frame, parts, " mean ms ", theme);
    phases::draw(frame, inner, detail, view, theme);
    let until = plot::until(view.elapsed, view.run_time);
    let plots = [charts::rates(&detail.course, until), charts::times(&detail.course, until)];
    let count = if below.height >= 10 { 2 } else { 1 };
    let places = Layout::vertical(vec![Constraint::Fill(1); count]).split(below);
    for (place, plot) in places.iter().zip(&plots) {
        plot::draw(frame, *place, plot, theme);
    }
}

fn panel(frame: &mut Frame<'_>, area: Rect, title: &'static str, theme: Theme) -> Rect {
    let block = Block::bordered().title(title).border_style(theme.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// Its name, and what its requests came to.
fn title(
    id: &RowId,
    row: Option<&EndpointRow>,
    detail: Option<&EndpointDetail>,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let mut counts = vec![];
    if let Some(row) = row {
        counts.push(format!("{} requests", format::grouped(row.requests)));
        counts.push(format!("{} failed", format::failures(row.failures, row.requests)));
        counts.push(format!("{} req/s", format::rate(row.rps)));
    }
    if let Some(detail) = detail {
        let more =
            [("under way", detail.under_way), ("cancelled", detail.cancelled), ("redirects", detail.hops)];
        counts.extend(
            more.into_iter()
                .filter(|(_, n)| *n > 0)
                .map(|(what, n)| format!("{} {what}", format::grouped(n))),
        );
        counts.push(format!("{} in", format::bytes(detail.bytes_in)));
        counts.push(format!("{} out", format::bytes(detail.bytes_out)));
    }
    let name = format!(" {} {}", text::clean(&id.method), text::clean(&id.name));
    let room = (width / 2).max(width.saturating_sub(60));
    let name = text::cut_middle(name.trim_end(), room).into_owned();
    let mut spans = vec![Span::styled(name, theme.accent()), Span::raw("   ")];
    let mut used: usize = spans.iter().map(Span::width).sum();
    for (at, count) in counts.into_iter().enumerate() {
        let part = if at == 0 { count } else { format!(" · {count}") };
        used += text::width(&part);
        // Whole figures leave, the last first; none is cut in two.
        if used > width {
            break;
        }
        spans.push(Span::raw(part));
    }
    Line::from(spans)
}

fn figures(detail: &EndpointDetail, width: usize, theme: Theme) -> Line<'static> {
    let all = &detail.all;
    let mut figures = vec![("avg".to_owned(), all.avg), ("min".to_owned(), all.min)];
    figures.extend(all.percentiles.iter().map(|(p, ms)| (format!("p{p}"), Some(*ms))));
    figures.push(("max".to_owned(), all.max));
    let mut spans = vec![Span::styled(" ms", theme.dim())];
    let mut used = 3;
    for (name, value) in figures {
        let value = text::right(&value.map_or(format::NONE.to_owned(), format::ms), 5);
        used += 3 + text::width(&name) + text::width(&value);
        if used > width {
            break;
        }
        spans.push(Span::styled(format!("  {name} "), theme.dim()));
        spans.push(Span::styled(value, theme.strong()));
    }
    Line::from(spans)
}

fn draw_failures(frame: &mut Frame<'_>, area: Rect, failures: &[&FailureRow], theme: Theme) {
    if failures.is_empty() {
        frame.render_widget(Paragraph::new(Span::styled(" ✓ none has failed", theme.good())), area);
        return;
    }
    let width = usize::from(area.width);
    let at = |second: u32| format::clock(Duration::from_secs(second.into()));
    let rows = usize::from(area.height);
    let lines: Vec<Line<'_>> = failures
        .iter()
        .take(rows)
        .enumerate()
        .map(|(line, row)| {
            let hidden = failures.len() - rows.min(failures.len());
            let more = if line + 1 == rows && hidden > 0 {
                format!("  (+{hidden}: press 3)")
            } else {
                String::new()
            };
            let when = format!(" · {}-{}{more} ", at(row.first_s), at(row.last_s));
            let count = format!(" ✗ {}× ", format::grouped(row.count));
            let room = width.saturating_sub(text::width(&count) + text::width(&when));
            let why = format!("{}: {}", row.kind, text::clean(&row.message));
            Line::from(vec![
                Span::styled(count, theme.bad()),
                Span::raw(text::cut_end(&why, room).into_owned()),
                Span::styled(when, theme.dim()),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
