//! What ran, in words: the facts that stand above the figures of `report.md` and `report.html`. Plain text, escaped by neither.

use super::model::{Report, Run};
use super::table::{Align, Table};

/// Facts in order, each with its title.
pub(super) fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut facts = vec![
        (
            "Scenario",
            if run.demo { format!("{} (built-in demo)", run.scenario) } else { run.scenario.clone() },
        ),
        ("Target", run.target.clone()),
        ("Users", users(report)),
    ];
    // A report from before there were stages has the arrivals only.
    facts.push(match run.load.as_ref().or(run.arrivals.as_ref()) {
        Some(load) => ("Load", load.clone()),
        None => (
            "Spawn rate",
            run.spawn_rate.map_or_else(|| "-".to_owned(), |rate| format!("{} users/s", amount(rate))),
        ),
    });
    facts.push(("Run time", run_time(run)));
    if let Some(warmup) = run.warmup_s {
        facts.push(("Warm-up", format!("the first {} s of it, in no figure but the course", amount(warmup))));
    }
    facts.extend([
        ("Seed", run.seed.to_string()),
        ("Workers", report.workers.len().to_string()),
        ("Version", format!("Stampede {}", run.version)),
        ("Start", utc(&run.started_at)),
        ("End", utc(&run.ended_at)),
        ("Run", run.id.clone()),
    ]);
    facts.extend(run.labels.iter().map(|(label, value)| ("Label", format!("{label}: {value}"))));
    facts
}

/// What the command line replaced of the file, one sentence each.
pub(super) fn replaced(run: &Run) -> Vec<String> {
    // The sentences set code in backticks, which escaping would show as they are.
    run.replaced.iter().map(|line| line.replace('`', "")).collect()
}

/// Changes made by hand, where there were any.
pub(super) fn changes(run: &Run) -> Option<Table> {
    if run.changes.is_empty() {
        return None;
    }
    let columns = [("At", Align::Left), ("What", Align::Left), ("From", Align::Right), ("To", Align::Right)];
    let mut table = Table::new(columns);
    for change in &run.changes {
        let at = format!("{:.1} s", change.t);
        let cells = [at, change.what.clone(), change.from.clone(), change.to.clone()];
        table.row(cells.map(Into::into).into());
    }
    Some(table)
}

/// `200 (visitor 150, api 50)`, the largest class first.
fn users(report: &Report) -> String {
    let run = &report.run;
    let mut classes: Vec<_> = report.users.classes.iter().collect();
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let classes: Vec<_> = classes.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let wanted = match run.users_wanted {
        wanted if wanted == run.users_peak => String::new(),
        wanted => format!(" of {wanted} asked for"),
    };
    let classes = if classes.is_empty() { String::new() } else { format!(" ({})", classes.join(", ")) };
    format!("{}{wanted}{classes}", run.users_peak)
}

fn run_time(run: &Run) -> String {
    let ended = match run.stop_reason.as_str() {
        "run_time" => "the run time was over",
        "profile" => "the load profile was over",
        "iterations" => "all iterations were begun",
        "data" => "the data was used up",
        "scenario" => "the scenario said so",
        "user" => "stopped by hand",
        "threshold" => "a threshold was crossed",
        "no_workers" => "every worker was lost",
        "signal" => "stopped by a signal",
        other => other,
    };
    let asked = run.run_time_s.map(|asked| format!(" of {} s", amount(asked))).unwrap_or_default();
    let aborted = if run.aborted { "; the drain was cut short" } else { "" };
    let ran = run.warmup_s.unwrap_or_default() + run.duration_s;
    format!("{ran:.1} s{asked}; {ended}{aborted}")
}

/// A number somebody typed: as few decimals as it has.
pub(super) fn amount(value: f64) -> String {
    format!("{value}")
}

fn utc(timestamp: &str) -> String {
    timestamp
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| timestamp.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
