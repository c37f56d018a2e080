//! Locust 2: what it prints when a run without its web interface is over. Formulas and widths from its `stats.py`.

use super::super::model::Endpoint;
use super::super::text::{Place, safe, width};
use super::super::times::Percentiles;
use super::figures::Figures;
use super::ratio;

/// Columns of a name, as where the output is no terminal.
const NAME: usize = 80;

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let (requests, percentiles) = (requests(figures), percentiles(figures));
    let text = format!("{requests}\n{percentiles}{}", errors(figures));
    let mut notes = vec![
        "Response time percentiles: not approximated; Locust rounds times to two significant digits before it counts them."
            .to_owned(),
        "req/s: over the time to the end of the last request of all; Locust takes the last request of each row.".to_owned(),
    ];
    if figures.is_open() {
        notes.push(
            "Avg, Min, Max, Med: from the moment a request was due; Locust knows no arrival rate.".to_owned(),
        );
    }
    (text, notes)
}

/// `text` in so many columns of a terminal.
fn padded(text: &str, columns: usize) -> String {
    let text = safe(text, Place::Line);
    let pad = columns.saturating_sub(width(&text));
    format!("{text}{}", " ".repeat(pad))
}

fn rule(widths: &[usize]) -> String {
    let parts: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    parts.join("|") + "\n"
}

/// The rows by name and method, a line, and all together.
fn table(figures: &Figures<'_>, widths: &[usize], row: impl Fn(&Endpoint) -> String) -> String {
    let rows: String = figures.report.endpoints.iter().map(&row).collect();
    let line = rule(widths);
    format!("{line}{rows}{line}{}", row(&figures.report.totals))
}

fn requests(figures: &Figures<'_>) -> String {
    let head = format!(
        "{:<8} {:<76} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7} {:>11}\n",
        "Type", "Name", "# reqs", "# fails", "Avg", "Min", "Max", "Med", "req/s", "failures/s"
    );
    let row = |row: &Endpoint| {
        let share = ratio(row.failures as f64, row.requests as f64) * 100.0;
        let fails = format!("{}({share:.2}%)", row.failures);
        let [avg, min, max, median] = [row.avg_ms, row.min_ms, row.max_ms, row.median_ms].map(whole);
        let per_second = |count: u64| ratio(count as f64, figures.elapsed_s);
        let (rps, failures) = (per_second(row.requests), per_second(row.failures));
        let (method, name) = (padded(&row.method, 8), padded(&row.name, 76));
        let counts = format!("{:>7} {fails:>12}", row.requests);
        format!(
            "{method} {name} {counts} |{avg:>7} {min:>7} {max:>7}{median:>7} | {rps:>7.2} {failures:>11.2}\n"
        )
    };
    head + &table(figures, &[8, 76, 7, 13, 7, 7, 7, 7, 8, 11], row)
}

/// Whole ms; 0 without one.
fn whole(ms: Option<f64>) -> String {
    format!("{:.0}", ms.unwrap_or_default())
}

fn percentiles(figures: &Figures<'_>) -> String {
    let titles = Percentiles::WANTED.map(|wanted| format!("{wanted}%"));
    let cells = |first: &str, others: &[String], last: &str| {
        let others: Vec<_> = others.iter().map(|cell| format!(" {cell:>6}")).collect();
        format!("{first:>8}{} {last:>6}\n", others.concat())
    };
    let head = format!("{:<8} {:<NAME$} {}", "Type", "Name", cells(&titles[0], &titles[1..], "# reqs"));
    let row = |row: &Endpoint| {
        let values = row.percentiles_ms.values().map(whole);
        let (method, name) = (padded(&row.method, 8), padded(&row.name, NAME));
        format!("{method} {name} {}", cells(&values[0], &values[1..], &row.requests.to_string()))
    };
    let widths: Vec<_> = [8, NAME, 8].into_iter().chain([6; 11]).collect();
    format!("Response time percentiles (approximated)\n{head}{}", table(figures, &widths, row))
}

/// Nothing without a failure. In the order of their count, where Locust has that of their first.
fn errors(figures: &Figures<'_>) -> String {
    let errors: Vec<_> = figures.report.errors.iter().filter(|error| error.row == "request").collect();
    if errors.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = errors
        .iter()
        .map(|error| {
            let text = format!("{} {}: {}", error.method, error.name, error.message);
            format!("{:<18} {}\n", error.count, padded(&text, 100))
        })
        .collect();
    let line = rule(&[18, 141]);
    format!("\nError report\n{:<18} {:<100}\n{line}{}{line}", "# occurrences", "Error", rows.concat())
}
