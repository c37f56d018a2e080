//! `report.md`: renders on a code-hosting site as it is, and reads well unrendered.
//!
//! Sections stand in a fixed order; one that would be empty is one sentence. Every text from outside goes through [`safe`].

use super::facts::{self, amount};
use super::model::Report;
use super::statuses;
use super::stdout::labelled;
use super::table::{Align, BESIDE, Table, final_table, table_beside};
use super::text::{Place, clock, safe};
use super::{chart, gap, judged, parts};

/// The whole file.
pub fn markdown_text(report: &Report) -> String {
    let mut sections = vec![head(report), section("What ran", &what_ran(report))];
    sections.extend(judged_sections(report));
    sections.extend([section("Requests", &requests(report)), section("Percentiles", &percentiles(report))]);
    sections.extend(by_status(report).map(|body| section("Responses by status", &body)));
    sections.extend([
        section("Failures", &failures(report)),
        section("Course", &course(report)),
        section("Workers", &workers(report)),
        section("Connections", &connections(report)),
        section("Accounting", &accounting(report)),
        section("Notes", &notes(report)),
    ]);
    sections.join("\n")
}

/// The sections that are there only where something was asked.
fn judged_sections(report: &Report) -> Vec<String> {
    let below = judged::below(&report.thresholds).map_or_else(String::new, |text| format!("\n{text}\n"));
    let rules = judged::thresholds(&report.thresholds).map(|table| table.markdown(Place::Markdown) + &below);
    let search = report.search.as_ref().map(|search| {
        format!("{}\n\n{}", md(&search.sentence), judged::tries(search).markdown(Place::Markdown))
    });
    let sections = [("Thresholds", rules), ("Search", search)];
    sections.into_iter().filter_map(|(title, body)| Some(section(title, &body?))).collect()
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
    let mut table = Table::new([("What", Align::Left), ("Value", Align::Left)]);
    for (what, value) in facts::facts(report) {
        table.row(vec![what.to_owned().into(), value.into()]);
    }
    let mut out = table.markdown(Place::Markdown);
    let replaced = facts::replaced(&report.run);
    if !replaced.is_empty() {
        out.push_str("\nGiven on the command line:\n\n");
        out.push_str(&bullets(&replaced));
    }
    if let Some(changes) = facts::changes(&report.run) {
        out.push_str("\nChanged by hand while it ran:\n\n");
        out.push_str(&changes.markdown(Place::Markdown));
    }
    out
}

fn requests(report: &Report) -> String {
    let beside = table_beside(report).map(|table| table.markdown(Place::Markdown));
    let beside = beside.map(|table| format!("\n{BESIDE}\n\n{table}")).unwrap_or_default();
    final_table(report).markdown(Place::Markdown) + &beside + "\nTimes in ms.\n"
}

fn percentiles(report: &Report) -> String {
    let gap = gap::sentence(report).map(|sentence| format!("\n{sentence}\n")).unwrap_or_default();
    parts::percentiles(report).markdown(Place::Markdown)
        + "\nResponse times in ms of all completed requests.\n"
        + &gap
}

/// Nothing where no response came.
fn by_status(report: &Report) -> Option<String> {
    let table = statuses::by_status(report)?;
    Some(format!("{}\n{}\n", table.markdown(Place::Markdown), statuses::EXPLAINED))
}

fn failures(report: &Report) -> String {
    match parts::failures(report) {
        Some(table) => table.markdown(Place::Markdown) + "\nFirst and last seen in run time.\n",
        None => "No failures.\n".to_owned(),
    }
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
    out.push_str(&parts::beyond(report, end));
    let warmup =
        report.run.warmup_s.map(|warmup| format!(" The first {} s are the warm-up.", amount(warmup)));
    out.push_str(&warmup.unwrap_or_default());
    out.push('\n');
    out
}

fn workers(report: &Report) -> String {
    match parts::workers(report) {
        Some((table, explained)) => format!("{}\n{explained}\n", table.markdown(Place::Markdown)),
        None => "No workers.\n".to_owned(),
    }
}

fn connections(report: &Report) -> String {
    match parts::targets(report) {
        Some(table) => format!("{}\n{}\n", table.markdown(Place::Markdown), parts::PHASES),
        None => "No connections.\n".to_owned(),
    }
}

fn accounting(report: &Report) -> String {
    let identities = report.accounting.identities().into_iter();
    let lines: Vec<_> = identities.map(|(label, line)| labelled(label, &[line])).collect();
    let lines = lines.concat();
    format!("```text\n{lines}```\n\n{}\n", parts::sent(report))
}

fn notes(report: &Report) -> String {
    if report.notes.is_empty() { "None.\n".to_owned() } else { bullets(&report.notes) }
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {}\n", md(line))).collect::<Vec<_>>().concat()
}
