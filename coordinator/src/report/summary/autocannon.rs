//! autocannon 8 and 9: what it prints at the end. Formulas from its `run.js` and `aggregateResult.js`, layout from
//! `printResult.js`.

use super::figures::{Figures, Recorded};
use super::units::{grouped, pretty_bytes};
use super::{ratio, shown};

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let run = &figures.report.run;
    let samples = Samples::of(figures);
    let step = figures.step_s();
    let how_often = if step == 1 { "once per second".to_owned() } else { format!("every {step} seconds") };
    let tables = [
        boxed(&[
            ["Stat", "2.5%", "50%", "97.5%", "99%", "Avg", "Stdev", "Max"].map(str::to_owned),
            latency(&figures.service),
        ]),
        boxed(&[
            ["Stat", "1%", "2.5%", "50%", "97.5%", "Avg", "Stdev", "Min"].map(str::to_owned),
            spread("Req/Sec", &samples.requests, |rate| grouped(rate, 2)),
            spread("Bytes/Sec", &samples.bytes, pretty_bytes),
        ]),
    ];
    let mut lines = vec![
        format!("Running {:.0}s test @ {}", run.duration_s, figures.url()),
        format!("{} connections\n\n", run.users_peak),
        tables.concat(),
        format!("Req/Bytes counts sampled {how_often}."),
        format!("# of samples: {}\n", samples.requests.len()),
    ];
    lines.extend(tail(figures));
    (lines.join("\n") + "\n", notes(figures, &samples))
}

/// The lines below the tables.
fn tail(figures: &Figures<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let good = figures.with_status(|code| (200..300).contains(&code));
    let others = figures.statuses().values().sum::<u64>() - good;
    if others > 0 {
        lines.push(format!("{good} 2xx responses, {others} non 2xx responses"));
    }
    let read = figures.wire_bytes_in().unwrap_or(figures.report.totals.bytes_in);
    let (sent, read) = (thousands(figures.report.accounting.sent), pretty_bytes(read as f64));
    lines.push(format!("{sent} requests in {:.2}s, {read} read", figures.elapsed_s));
    if figures.unanswered > 0 {
        let errors = figures.report.errors.iter().filter(|error| error.row == "request");
        let timeouts: u64 = errors.filter(|error| error.kind == "timeout").map(|error| error.count).sum();
        let (errors, timeouts) = (thousands(figures.unanswered), thousands(timeouts));
        lines.push(format!("{errors} errors ({timeouts} timeouts)"));
    }
    lines
}

/// What happened in each step of the course, per second; ascending.
struct Samples {
    requests: Vec<f64>,
    bytes: Vec<f64>,
}

impl Samples {
    fn of(figures: &Figures<'_>) -> Self {
        let per_second = |count: u64, seconds: u32| ratio(count as f64, f64::from(seconds));
        let sorted = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values
        };
        let requests = figures.seconds().map(|point| per_second(point.requests, point.seconds));
        let bytes =
            figures.seconds().map(|point| per_second(point.bytes_in + point.head_bytes_in, point.seconds));
        Self { requests: sorted(requests.collect()), bytes: sorted(bytes.collect()) }
    }
}

fn latency(times: &Recorded) -> [String; 8] {
    let ms = |value: Option<f64>| shown(value, |ms| format!("{} ms", decimals(ms)));
    let percentiles = [2.5, 50.0, 97.5, 99.0].map(|wanted| ms(times.percentile(wanted)));
    let [low, middle, high, highest] = percentiles;
    [
        "Latency".to_owned(),
        low,
        middle,
        high,
        highest,
        ms(times.mean().map(raised)),
        ms(times.stdev().map(raised)),
        ms(times.max()),
    ]
}

/// Means and deviations are rounded up to two decimals.
fn raised(value: f64) -> f64 {
    // What only rounding has put above a hundredth stays where it is.
    (value * 100.0 - 1e-6).max(0.0).ceil() / 100.0
}

/// At most two decimals.
fn decimals(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A row of the second table: the low end is the worse one there.
fn spread(name: &str, sorted: &[f64], write: fn(f64) -> String) -> [String; 8] {
    let count = sorted.len() as f64;
    let percentile = |wanted: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among 1200 points at most"
        )]
        let rank = (wanted / 100.0 * count).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    };
    let [lowest, low, middle, high] = [1.0, 2.5, 50.0, 97.5].map(|wanted| shown(percentile(wanted), write));
    let mean = ratio(sorted.iter().sum(), count);
    let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
    let known = !sorted.is_empty();
    let mean = shown(known.then_some(raised(mean)), write);
    // That of the histogram it uses: the divisor is the number of samples.
    let stdev = shown(known.then(|| raised(ratio(squares, count).sqrt())), write);
    [name.to_owned(), lowest, low, middle, high, mean, stdev, shown(sorted.first().copied(), write)]
}

/// A table with lines around every cell.
fn boxed(rows: &[[String; 8]]) -> String {
    let mut widths = [0; 8];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let rule = |left: &str, between: &str, right: &str| {
        let cells: Vec<_> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}\n", cells.join(between))
    };
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let cells: Vec<_> =
                row.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} ")).collect();
            format!("│{}│\n", cells.join("│"))
        })
        .collect();
    format!("{}{}{}", rule("┌", "┬", "┐"), lines.join(&rule("├", "┼", "┤")), rule("└", "┴", "┘"))
}

/// `2k` from a thousand on, rounded.
fn thousands(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{}k", (count + 500) / 1000) }
}

fn notes(figures: &Figures<'_>, samples: &Samples) -> Vec<String> {
    let mut notes = vec![
        "Latency: first byte written to last byte read; autocannon has whole ms in its percentiles."
            .to_owned(),
        format!(
            "Requests: written, as autocannon counts them; {} were completed.",
            figures.report.totals.requests
        ),
    ];
    let silent = samples.requests.iter().filter(|rate| **rate == 0.0).count();
    if silent > 0 {
        notes.push(format!("Min: autocannon leaves out seconds without a response; there were {silent}."));
    }
    if figures.wire_bytes_in().is_none() {
        notes.push("Bytes/Sec, read: bytes of bodies only; autocannon counts heads too.".to_owned());
    }
    if figures.step_s() > 1 {
        notes.push(
            "Req/Sec, Bytes/Sec: the run was longer than is kept by the second; each sample is a mean."
                .to_owned(),
        );
    }
    if figures.is_open() {
        notes.push("Latency: requests came at a rate; what they waited for after they were due is not in it. autocannon's own correction (--overallRate) adds samples with a wrong interval.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_seconds_and_the_worst_come_first() {
        let cells = spread("x", &[0.0, 634.0, 1132.0, 1359.0], |rate| grouped(rate, 2));
        assert_eq!(cells, ["x", "0", "0", "634", "1,359", "781.25", "521.75", "0"]);
        assert_eq!(spread("x", &[], pretty_bytes)[1..], ["n/a"; 7]);
    }

    #[test]
    fn counts_are_rounded_to_thousands() {
        assert_eq!([999, 1499, 1500, 0].map(thousands), ["999", "1k", "2k", "0"]);
    }
}
