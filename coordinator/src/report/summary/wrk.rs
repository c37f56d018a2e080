//! wrk 4 with `--latency`. Formulas from its `wrk.c` and `stats.c`, units from `units.c`.

use super::figures::{Figures, Recorded};
use super::units::{wrk_binary, wrk_metric, wrk_time};
use super::{ratio, shown};

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let run = &figures.report.run;
    let elapsed = figures.elapsed_s;
    let mut lines = vec![
        format!("Running {:.0}s test @ {}", run.duration_s, figures.url()),
        format!("  {} threads and {} connections", "n/a", run.users_peak),
        format!("  Thread Stats{:>6}{:>11}{:>8}{:>12}", "Avg", "Stdev", "Max", "+/- Stdev"),
        row("Latency", &latency(&figures.service), wrk_time),
        row("Req/Sec", &rates(figures), wrk_metric),
        "  Latency Distribution".to_owned(),
    ];
    lines.extend([50.0, 75.0, 90.0, 99.0].map(|wanted| {
        format!("{wanted:7.0}%{}", padded(&shown(figures.service.percentile(wanted), wrk_time), 10))
    }));
    let wire = figures.wire_bytes_in().unwrap_or(figures.report.totals.bytes_in) as f64;
    let (runtime, read) = (wrk_time(elapsed * 1e3), wrk_binary(wire));
    lines.push(format!("  {} requests in {runtime}, {read}B read", figures.answered));
    let errors = Errors::of(figures);
    if errors.connect + errors.read + errors.timeout > 0 {
        let Errors { connect, read, timeout } = errors;
        lines.push(format!("  Socket errors: connect {connect}, read {read}, write 0, timeout {timeout}"));
    }
    let refused = figures.with_status(|code| code > 399);
    if refused > 0 {
        lines.push(format!("  Non-2xx or 3xx responses: {refused}"));
    }
    lines.push(format!("Requests/sec: {:9.2}", ratio(figures.answered as f64, elapsed)));
    lines.push(format!("Transfer/sec: {:>10}B", wrk_binary(ratio(wire, elapsed))));
    (lines.join("\n") + "\n", notes(figures))
}

/// Mean, standard deviation, largest, and the share within one deviation of the mean.
#[derive(Debug, Default)]
struct Spread {
    mean: Option<f64>,
    stdev: Option<f64>,
    max: Option<f64>,
    within: Option<f64>,
}

fn latency(times: &Recorded) -> Spread {
    let within = times
        .mean()
        .zip(times.stdev())
        .map(|(mean, stdev)| times.within(mean - stdev, mean + stdev) as f64 / times.count() as f64 * 100.0);
    Spread { mean: times.mean(), stdev: times.stdev(), max: times.max(), within }
}

/// Of the requests per second, second by second.
fn rates(figures: &Figures<'_>) -> Spread {
    let rates: Vec<f64> = figures.seconds().filter_map(|point| point.rps).collect();
    if rates.is_empty() {
        return Spread::default();
    }
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
    let stdev = (squares / (count - 1.0).max(1.0)).sqrt();
    let within = rates.iter().filter(|rate| (*rate - mean).abs() <= stdev).count() as f64 / count * 100.0;
    Spread {
        mean: Some(mean),
        stdev: Some(stdev),
        max: rates.iter().copied().reduce(f64::max),
        within: Some(within),
    }
}

fn row(name: &str, spread: &Spread, write: fn(f64) -> String) -> String {
    let cells = [(spread.mean, 8), (spread.stdev, 10), (spread.max, 9)];
    let cells: String = cells.iter().map(|(value, width)| padded(&shown(*value, write), *width)).collect();
    format!("    {name:<10}{cells}{:>9}", shown(spread.within, |share| format!("{share:.2}%")))
}

/// Right-aligned so that figures stand above each other whether their unit has two letters, one or none.
fn padded(text: &str, width: usize) -> String {
    let letters = text.chars().rev().take(2).filter(char::is_ascii_alphabetic).count();
    let pad = 2 - letters;
    format!("{text:>0$}{1}", width - pad, &"  "[..pad])
}

/// Requests that got no response, by what wrk would call it.
struct Errors {
    connect: u64,
    read: u64,
    timeout: u64,
}

impl Errors {
    fn of(figures: &Figures<'_>) -> Self {
        let of = |kinds: &[&str]| -> u64 {
            let errors = figures.report.errors.iter().filter(|error| error.row == "request");
            errors.filter(|error| kinds.contains(&error.kind.as_str())).map(|error| error.count).sum()
        };
        let connect = of(&["dns", "connect", "tls"]).min(figures.unanswered);
        let timeout = of(&["timeout"]).min(figures.unanswered - connect);
        Self { connect, read: figures.unanswered - connect - timeout, timeout }
    }
}

fn notes(figures: &Figures<'_>) -> Vec<String> {
    let step = figures.step_s();
    let mut notes = vec![
        "Latency: first byte written to last byte read, as wrk measures; not corrected with an expected interval, as wrk does \
         afterwards with the mean one, which changes its figures."
            .to_owned(),
        format!(
            "Req/Sec: of all threads together, in samples of {step} s; wrk has samples of 100 ms of each thread, which scatter more."
        ),
        "Threads: not in the report.".to_owned(),
    ];
    if figures.wire_bytes_in().is_none() {
        notes.push("Transfer/sec: bytes of bodies only; wrk counts heads too.".to_owned());
    }
    if figures.unanswered > 0 {
        notes.push("Socket errors: a timeout here ends its request; wrk goes on waiting, and counts the response as well.".to_owned());
    }
    if figures.is_open() {
        notes.push(
            "Latency: requests came at a rate; what they waited for after they were due is not in it."
                .to_owned(),
        );
    }
    notes
}
