//! A comparison as people read it: one sentence, what differs, and every row.

use super::change::{Change, Judgement, Metric};
use super::whole::{Comparison, RowChange};
use crate::report::{Align, Cell, Place, Report, Table, count_of, figure, safe};

/// What goes to standard output.
pub fn stdout(comparison: &Comparison, base: &Report, new: &Report) -> String {
    let mut text =
        format!("{}\n\n{}", sentence(comparison, Place::Line), runs(base, new).markdown(Place::Cell));
    if comparison.told {
        text = format!("{text}\n{}", rows(comparison).markdown(Place::Cell));
    }
    for remark in &comparison.remarks {
        text = format!("{text}\nnote: {}", safe(remark, Place::Line));
    }
    text
}

/// `diff.md`.
pub fn markdown(comparison: &Comparison, base: &Report, new: &Report) -> String {
    let place = Place::Markdown;
    let mut text = format!(
        "# Comparison: {}\n\n{}\n\n## The runs\n\n{}",
        verdict(comparison),
        sentence(comparison, place),
        runs(base, new).markdown(place)
    );
    if comparison.told {
        let tolerance = comparison.tolerance * 100.0;
        text = format!(
            "{text}\n## Every row\n\nEach figure in the base run → in the new one, and the change ± what two runs of the same thing may differ by. \
             A difference counts when it is larger than that and than {tolerance}%. Times in ms.\n\n{}",
            rows(comparison).markdown(place)
        );
    }
    if !comparison.remarks.is_empty() {
        let remarks: Vec<_> =
            comparison.remarks.iter().map(|remark| format!("- {}\n", safe(remark, place))).collect();
        text = format!("{text}\n## Notes\n\n{}", remarks.concat());
    }
    text
}

fn verdict(comparison: &Comparison) -> &'static str {
    match comparison.judgement {
        _ if !comparison.told => "nothing that can be compared",
        Judgement::Better => "better",
        Judgement::Worse => "worse",
        Judgement::Same => "no difference that can be told",
    }
}

/// `Worse: p95 of GET / 12.1 → 13.9 ms (+15% ± 3%); …`
fn sentence(comparison: &Comparison, place: Place) -> String {
    let mut differences = Vec::new();
    for judgement in [Judgement::Worse, Judgement::Better] {
        for row in &comparison.rows {
            let told = row.changes.iter().filter(|change| change.judgement == judgement);
            differences.extend(told.map(|change| difference(row, change, place)));
        }
    }
    let verdict = verdict(comparison);
    let mut chars = verdict.chars();
    let verdict = chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect());
    let more = differences.len().saturating_sub(SAID);
    differences.truncate(SAID);
    match (differences.is_empty(), more) {
        (true, _) => format!("{verdict}."),
        (false, 0) => format!("{verdict}: {}.", differences.join("; ")),
        (false, more) => {
            format!(
                "{verdict}: {}; and {}.",
                differences.join("; "),
                count_of(more as u64, "difference more", "differences more")
            )
        }
    }
}

/// Differences that the sentence has.
const SAID: usize = 3;

fn difference(row: &RowChange, change: &Change, place: Place) -> String {
    let of = if row.method.is_empty() {
        "of all".to_owned()
    } else {
        format!("of {} {}", safe(&row.method, place), safe(&row.name, place))
    };
    let word = if change.judgement == Judgement::Better { " (better)" } else { "" };
    let unit = if change.metric.is_time() { " ms" } else { "" };
    format!("{} {of} {}{word}", change.metric.as_str(), cell(change, unit))
}

fn runs(base: &Report, new: &Report) -> Table {
    let columns = [
        ("", Align::Left),
        ("Run", Align::Left),
        ("Target", Align::Left),
        ("Start", Align::Left),
        ("Seconds", Align::Right),
        ("# reqs", Align::Right),
        ("Version", Align::Left),
    ];
    let mut table = Table::new(columns);
    for (which, report) in [("base", base), ("new", new)] {
        let run = &report.run;
        let cells = [
            which.to_owned(),
            run.id.clone(),
            run.target.clone(),
            run.started_at.clone(),
            figure(run.duration_s),
            report.totals.requests.to_string(),
            run.version.clone(),
        ];
        table.row(cells.map(Cell::Text).into());
    }
    table
}

fn rows(comparison: &Comparison) -> Table {
    let mut columns = vec![("Type", Align::Left), ("Name", Align::Left)];
    columns.extend(Metric::ALL.map(|metric| (metric.as_str(), Align::Right)));
    let mut table = Table::new(columns);
    for row in &comparison.rows {
        let mut cells = vec![Cell::Text(row.method.clone()), Cell::Text(row.name.clone())];
        for metric in Metric::ALL {
            let change = row.changes.iter().find(|change| change.metric == metric);
            cells.push(change.map_or_else(|| "-".to_owned(), marked).into());
        }
        table.row(cells);
    }
    table
}

fn marked(change: &Change) -> String {
    match change.judgement {
        Judgement::Same => cell(change, ""),
        Judgement::Worse => format!("{} worse", cell(change, "")),
        Judgement::Better => format!("{} better", cell(change, "")),
    }
}

/// `12.1 → 13.9 (+15% ±3%)`, with the unit of times where the table does not say it; a share in points.
fn cell(change: &Change, unit: &str) -> String {
    if change.metric == Metric::ErrorShare {
        let [base, new, off, noise] =
            [change.base, change.new, change.change, change.noise].map(|part| part * 100.0);
        return format!("{base:.2}% → {new:.2}% ({off:+.2} ±{noise:.2})");
    }
    let (base, new) = (figure(change.base), figure(change.new));
    if !change.change.is_finite() {
        return format!("{base} → {new}{unit}");
    }
    let (off, noise) = (change.change * 100.0, change.noise * 100.0);
    format!("{base} → {new}{unit} ({off:+.1}% ±{noise:.1}%)")
}
