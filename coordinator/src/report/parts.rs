//! What `report.md` and `report.html` both show below the facts: tables of plain text, and the sentences that explain them.

use super::model::{Report, Target, Worker};
use super::table::{Align, Cell, Table, beside, identity};
use super::text::{clock, count_of, figure_or_dash};
use super::times::{Percentiles, PhaseReport};

/// Percentiles of each endpoint, of all together, and of what is in no sum.
pub(super) fn percentiles(report: &Report) -> Table {
    let text = ["Type", "Name"].map(|title| (title.to_owned(), Align::Left));
    let numbers = Percentiles::WANTED.map(|wanted| (format!("{wanted}%"), Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for endpoint in report.endpoints.iter().chain([&report.totals]).chain(beside(report)) {
        let mut row = Vec::from(identity(endpoint));
        row.extend(endpoint.percentiles_ms.values().map(|time| figure_or_dash(time).into()));
        table.row(row);
    }
    table
}

/// Failures by cause; `None` without one.
pub(super) fn failures(report: &Report) -> Option<Table> {
    if report.errors.is_empty() {
        return None;
    }
    let mut table = Table::new([
        ("Count", Align::Right),
        ("Type", Align::Left),
        ("Name", Align::Left),
        ("Kind", Align::Left),
        ("Message", Align::Left),
        ("First", Align::Right),
        ("Last", Align::Right),
    ]);
    for failure in &report.errors {
        table.row(vec![
            failure.count.to_string().into(),
            Cell::Method(failure.method.clone()),
            Cell::Name(failure.name.clone()),
            failure.kind.clone().into(),
            failure.message.clone().into(),
            clock(failure.first_s).into(),
            clock(failure.last_s).into(),
        ]);
    }
    Some(table)
}

/// Workers, with the sentence that explains the columns; `None` without one.
pub(super) fn workers(report: &Report) -> Option<(Table, String)> {
    if report.workers.is_empty() {
        return None;
    }
    let text = ["Worker", "State"].map(|title| (title, Align::Left));
    let numbers =
        ["Users", "Requests", "CPU mean", "CPU max", "Lag p99 ms"].map(|title| (title, Align::Right));
    let arrives = report.workers.iter().any(|worker| worker.lateness_ms_p99.is_some());
    let lateness = arrives.then_some(("Lateness p99 ms", Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers).chain(lateness));
    for worker in &report.workers {
        let mut row = worker_row(worker);
        if arrives {
            row.push(figure_or_dash(worker.lateness_ms_p99).into());
        }
        table.row(row);
    }
    let late = if arrives { ", lateness how late arrivals were begun" } else { "" };
    Some((table, format!("CPU is that of the busiest load thread; lag is how late it woke{late}.")))
}

/// A part of one as whole per cent.
fn share(part: Option<f64>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| format!("{:.0}%", part * 100.0))
}

fn worker_row(worker: &Worker) -> Vec<Cell> {
    let state = match worker.lost_at_s {
        Some(at) => Cell::Strong(format!("{} at {at:.1} s", worker.state)),
        None => worker.state.clone().into(),
    };
    vec![
        Cell::Name(worker.name.clone()),
        state,
        worker.users_peak.to_string().into(),
        worker.requests.to_string().into(),
        share(worker.cpu_avg).into(),
        share(worker.cpu_max).into(),
        figure_or_dash(worker.lag_ms_p99).into(),
    ]
}

/// When workers were the limit, one row for each stretch; `None` where they never were.
pub(super) fn limits(report: &Report) -> Option<Table> {
    let columns = [("Worker", Align::Left), ("From", Align::Right), ("To", Align::Right)];
    let figures = ["Seconds", "CPU max", "Lag p99 ms", "Stood still ms"].map(|title| (title, Align::Right));
    let mut table = Table::new(columns.into_iter().chain(figures));
    for (worker, limit) in
        report.workers.iter().flat_map(|one| one.limits.iter().map(move |limit| (one, limit)))
    {
        table.row(vec![
            Cell::Name(worker.name.clone()),
            clock(limit.from_s).into(),
            clock(limit.to_s).into(),
            limit.seconds.to_string().into(),
            share(limit.cpu_max).into(),
            figure_or_dash(limit.lag_ms_p99).into(),
            figure_or_dash(limit.stood_still_ms).into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// What stands below [`targets`].
pub(super) const PHASES: &str =
    "Times in ms of making connections, by phase, as far as phases can be told apart.";

/// Connections by host, one row for each phase of making them; `None` without a host.
pub(super) fn targets(report: &Report) -> Option<Table> {
    if report.targets.is_empty() {
        return None;
    }
    let text = [("Host", Align::Left), ("Connections", Align::Right), ("Phase", Align::Left)];
    let numbers = ["Times", "Avg", "Med", "p95", "p99", "Max"].map(|title| (title, Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for target in &report.targets {
        let mut known =
            phases(target).into_iter().filter_map(|(name, phase)| Some((name, phase?))).peekable();
        if known.peek().is_none() {
            table.row(phase_row(target, "-", &PhaseReport::default()));
        }
        for (name, phase) in known {
            table.row(phase_row(target, name, phase));
        }
    }
    Some(table)
}

fn phases(target: &Target) -> [(&'static str, Option<&PhaseReport>); 3] {
    [
        ("name resolution", target.dns_ms.as_ref()),
        ("connecting", target.connect_ms.as_ref()),
        ("TLS", target.tls_ms.as_ref()),
    ]
}

fn phase_row(target: &Target, name: &str, phase: &PhaseReport) -> Vec<Cell> {
    let percentiles = &phase.percentiles_ms;
    let times = [phase.avg_ms, percentiles.p50, percentiles.p95, percentiles.p99, phase.max_ms];
    let mut row = vec![
        Cell::Name(target.host.clone()),
        target.connections.to_string().into(),
        name.to_owned().into(),
        phase.count.to_string().into(),
    ];
    row.extend(times.map(|time| figure_or_dash(time).into()));
    row
}

/// How many requests were really written, beside the identities.
pub(super) fn sent(report: &Report) -> String {
    let sent = count_of(report.accounting.sent, "request was", "requests were");
    let warm = match report.accounting.warmup.sent {
        0 => String::new(),
        sent => format!(", and {sent} more in the warm-up"),
    };
    format!("{sent} written to the last byte, redirects included{warm}.")
}

/// What the charts of the course leave out, each as a sentence.
pub(super) fn beyond(report: &Report, end: u32) -> String {
    let charted = report.course.iter().map(|point| point.requests).sum();
    let completed = report.totals.requests + report.accounting.warmup.requests;
    match completed.saturating_sub(charted) {
        0 => String::new(),
        count => format!(
            " {} completed after {}: in the tables, not in the charts.",
            count_of(count, "request", "requests"),
            clock(end)
        ),
    }
}
