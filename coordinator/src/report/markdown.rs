//! `report.md`: renders on a code-hosting site as it is, and reads well unrendered.
//!
//! Sections stand in a fixed order; one that would be empty is one sentence. Every text from outside goes through [`safe`].

use super::chart;
use super::gap;
use super::judged;
use super::model::{Report, Run, Worker};
use super::stdout::labelled;
use super::table::{Align, BESIDE, Table, beside, final_table, identity, table_beside};
use super::text::{Place, clock, count_of, figure, figure_or_dash, safe};
use super::times::Percentiles;

/// The whole file.
pub fn markdown_text(report: &Report) -> String {
    let mut sections = vec![head(report), section("What ran", &what_ran(report))];
    sections.extend(judged::sections(report).iter().map(|(title, body)| section(title, body)));
    sections.extend([
        section("Requests", &requests(report)),
        section("Percentiles", &percentiles(report)),
        section("Failures", &failures(report)),
        section("Course", &course(report)),
        section("Workers", &workers(report)),
        section("Accounting", &accounting(report)),
        section("Notes", &notes(report)),
    ]);
    sections.join("\n")
}

fn section(title: &str, body: &str) -> String {
    format!("## {title}\n\n{body}")
}

fn md(text: &str) -> String {
    safe(text, Place::Markdown)
}

fn head(report: &Report) -> String {
    let run = &report.run;
    let what = if run.demo { "Built-in demo".to_owned() } else { format!("Load test {}", md(&run.scenario)) };
    let verdict = report.verdict();
    format!("# {what}: {}\n\n{}\n", run.verdict.as_str(), md(&verdict.sentence))
}

fn what_ran(report: &Report) -> String {
    let run = &report.run;
    let mut table = Table::new([("What", Align::Left), ("Value", Align::Left)]);
    let mut row = |what: &str, value: String| table.row(vec![what.to_owned(), value]);
    row("Scenario", scenario(run));
    row("Target", md(&run.target));
    row("Users", users(report));
    // A report from before there were stages has the arrivals only.
    match run.load.as_ref().or(run.arrivals.as_ref()) {
        Some(load) => row("Load", md(load)),
        None => row(
            "Spawn rate",
            run.spawn_rate.map_or_else(|| "-".to_owned(), |rate| format!("{} users/s", amount(rate))),
        ),
    }
    row("Run time", run_time(run));
    if let Some(warmup) = run.warmup_s {
        row("Warm-up", format!("the first {} s of it, in no figure but the course", amount(warmup)));
    }
    row("Seed", run.seed.to_string());
    row("Workers", report.workers.len().to_string());
    row("Version", format!("Stampede {}", md(&run.version)));
    row("Start", utc(&run.started_at));
    row("End", utc(&run.ended_at));
    row("Run", md(&run.id));
    for (label, value) in &run.labels {
        row("Label", format!("{}: {}", md(label), md(value)));
    }
    let mut out = table.render();
    if !run.replaced.is_empty() {
        out.push_str("\nGiven on the command line:\n\n");
        // The sentences set code in backticks, which the escaping below would show as they are.
        let plain: Vec<_> = run.replaced.iter().map(|line| line.replace('`', "")).collect();
        out.push_str(&bullets(&plain));
    }
    if !run.changes.is_empty() {
        out.push_str("\nChanged by hand while it ran:\n\n");
        let columns =
            [("At", Align::Left), ("What", Align::Left), ("From", Align::Right), ("To", Align::Right)];
        let mut table = Table::new(columns);
        for change in &run.changes {
            let at = format!("{:.1} s", change.t);
            table.row(vec![at, md(&change.what), md(&change.from), md(&change.to)]);
        }
        out.push_str(&table.render());
    }
    out
}

fn scenario(run: &Run) -> String {
    let name = md(&run.scenario);
    if run.demo { format!("{name} (built-in demo)") } else { name }
}

/// `200 (visitor 150, api 50)`, the largest class first.
fn users(report: &Report) -> String {
    let run = &report.run;
    let mut classes: Vec<_> = report.users.classes.iter().collect();
    classes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let classes: Vec<_> = classes.iter().map(|(name, count)| format!("{} {count}", md(name))).collect();
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
        other => &md(other),
    };
    let asked = run.run_time_s.map(|asked| format!(" of {} s", amount(asked))).unwrap_or_default();
    let aborted = if run.aborted { "; the drain was cut short" } else { "" };
    let ran = run.warmup_s.unwrap_or_default() + run.duration_s;
    format!("{ran:.1} s{asked}; {ended}{aborted}")
}

/// A number somebody typed: as few decimals as it has.
fn amount(value: f64) -> String {
    format!("{value}")
}

fn utc(timestamp: &str) -> String {
    timestamp
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| md(timestamp), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn requests(report: &Report) -> String {
    let beside = table_beside(report, Place::Markdown);
    let beside = beside.map(|table| format!("\n{BESIDE}\n\n{table}")).unwrap_or_default();
    final_table(report, Place::Markdown) + &beside + "\nTimes in ms.\n"
}

fn percentiles(report: &Report) -> String {
    let text = ["Type", "Name"].map(|title| (title.to_owned(), Align::Left));
    let numbers = Percentiles::WANTED.map(|wanted| (format!("{wanted}%"), Align::Right));
    let mut table = Table::new(text.into_iter().chain(numbers));
    for endpoint in report.endpoints.iter().chain([&report.totals]).chain(beside(report)) {
        let mut row = Vec::from(identity(endpoint, Place::Markdown));
        row.extend(endpoint.percentiles_ms.values().map(figure_or_dash));
        table.row(row);
    }
    let gap = gap::sentence(report).map(|sentence| format!("\n{sentence}\n")).unwrap_or_default();
    table.render() + "\nResponse times in ms of all completed requests.\n" + &gap
}

fn failures(report: &Report) -> String {
    if report.errors.is_empty() {
        return "No failures.\n".to_owned();
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
            failure.count.to_string(),
            md(&failure.method),
            md(&failure.name),
            md(&failure.kind),
            md(&failure.message),
            clock(failure.first_s),
            clock(failure.last_s),
        ]);
    }
    table.render() + "\nFirst and last seen in run time.\n"
}

fn course(report: &Report) -> String {
    let course = &report.course;
    let [first, .., last] = course.as_slice() else {
        return "Too short for a course: it takes two full seconds.\n".to_owned();
    };
    let series = chart::series(course);
    let end = last.t + last.seconds.max(1);
    let mut out = format!(
        "From {} to {} in {} points, each scaled from 0 to its maximum:\n\n{}\n",
        clock(first.t),
        clock(end),
        course.len(),
        chart::sparklines(&series)
    );
    for one in &series {
        out.push_str(&one.mermaid(first.t, last.t));
        out.push('\n');
    }
    out.push_str("Where nothing was measured, charts show 0.");
    out.push_str(&beyond(report, end));
    let warmup =
        report.run.warmup_s.map(|warmup| format!(" The first {} s are the warm-up.", amount(warmup)));
    out.push_str(&warmup.unwrap_or_default());
    out.push('\n');
    out
}

/// What the charts leave out, as a sentence.
fn beyond(report: &Report, end: u32) -> String {
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

fn workers(report: &Report) -> String {
    if report.workers.is_empty() {
        return "No workers.\n".to_owned();
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
            row.push(figure_or_dash(worker.lateness_ms_p99));
        }
        table.row(row);
    }
    let said = "\nCPU is that of the busiest load thread; lag is how late it woke";
    let late = if arrives { ", lateness how late arrivals were begun" } else { "" };
    format!("{}{said}{late}.\n", table.render())
}

fn worker_row(worker: &Worker) -> Vec<String> {
    let share = |cpu: Option<f64>| cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{:.0}%", cpu * 100.0));
    let state = match worker.lost_at_s {
        Some(at) => format!("**{}** at {at:.1} s", md(&worker.state)),
        None => md(&worker.state),
    };
    vec![
        md(&worker.name),
        state,
        worker.users_peak.to_string(),
        worker.requests.to_string(),
        share(worker.cpu_avg),
        share(worker.cpu_max),
        worker.lag_ms_p99.map_or_else(|| "-".to_owned(), figure),
    ]
}

fn accounting(report: &Report) -> String {
    let identities = report.accounting.identities().into_iter();
    let lines: Vec<_> = identities.map(|(label, line)| labelled(label, &[line])).collect();
    let lines = lines.concat();
    let sent = count_of(report.accounting.sent, "request was", "requests were");
    let warm = match report.accounting.warmup.sent {
        0 => String::new(),
        sent => format!(", and {sent} more in the warm-up"),
    };
    format!("```text\n{lines}```\n\n{sent} written to the last byte, redirects included{warm}.\n")
}

fn notes(report: &Report) -> String {
    if report.notes.is_empty() { "None.\n".to_owned() } else { bullets(&report.notes) }
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {}\n", md(line))).collect::<Vec<_>>().concat()
}
