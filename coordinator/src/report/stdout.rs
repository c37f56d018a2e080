//! What stands on stdout when a run is over: the sentence, the final table, and what a person needs next.
//!
//! ```text
//! Stampede: passed. 77214 requests in 60.0 s, …
//!
//! | Type | Name | # reqs | …
//!
//! rules      holds   p95 < 500ms  431 ms, 14 % to spare
//!
//! failures   86 × POST /predict  closed: connection closed before the response
//! requests   started 77214 = ok 77100 + failed 114 + cancelled 0 + unknown 0
//! reports    report.md report.json
//! ```

use std::path::{Path, PathBuf};

use super::judged::{ended_run, measured};
use super::model::{Report, Threshold};
use super::table::{BESIDE, final_table, table_beside};
use super::text::{Place, count_of, safe, safe_cut, width};

/// Rows of failures; the report has them all.
const MAX_FAILURES: usize = 5;

/// Rules; the report has them all.
const MAX_RULES: usize = 20;

/// Columns of a rule.
const MAX_RULE: usize = 80;

/// Columns of a failure's endpoint.
const MAX_ENDPOINT: usize = 50;

/// Columns of a failure's message.
const MAX_MESSAGE: usize = 120;

/// The text, ended by a newline. `reports` are the files that were written, `last` is where the run is kept.
pub fn stdout_text(report: &Report, reports: &[PathBuf], last: Option<&Path>) -> String {
    let mut out = format!("{}\n\n{}\n", report.verdict().sentence, final_table(report).markdown(Place::Cell));
    let beside = table_beside(report).map(|table| format!("{BESIDE}\n\n{}\n", table.markdown(Place::Cell)));
    out.push_str(&beside.unwrap_or_default());
    let rules = rules(report);
    if !rules.is_empty() {
        out.push_str(&labelled("rules", &rules));
        out.push('\n');
    }
    let failures = failures(report);
    if !failures.is_empty() {
        out.push_str(&labelled("failures", &failures));
        out.push('\n');
    }
    for (label, line) in report.accounting.identities() {
        // Iterations are of interest here where somebody asked for a number of them.
        if label == "requests" || line.starts_with("planned") || line.starts_with("requests") {
            out.push_str(&labelled(label, &[line]));
        }
    }
    out.push_str(&kept_text(report, reports, last));
    out
}

/// Labels, notes, and where the run is kept.
pub fn kept_text(report: &Report, reports: &[PathBuf], last: Option<&Path>) -> String {
    let notes: Vec<_> = report.notes.iter().map(|note| safe(note, Place::Line)).collect();
    let labels = labelled("labels", labels(report).as_slice());
    labels + &labelled("notes", &notes) + &labelled("reports", &[kept(reports, last)])
}

/// `lines` beside a label that stands only before the first.
pub(super) fn labelled(label: &str, lines: &[String]) -> String {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(lines).map(|(label, line)| format!("{label:<11}{line}\n")).collect::<Vec<_>>().concat()
}

/// `commit=3f2a91c, env=staging`; the reports have them whole.
fn labels(report: &Report) -> Option<String> {
    let labels: Vec<_> = report.run.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!labels.is_empty()).then(|| safe_cut(&labels.join(", "), Place::Line, MAX_MESSAGE))
}

/// Each rule with what was measured, those that do not hold first.
fn rules(report: &Report) -> Vec<String> {
    let (broken, held): (Vec<_>, Vec<_>) = report.thresholds.iter().partition(|rule| !rule.passed);
    let all: Vec<_> = broken.into_iter().chain(held).collect();
    let (shown, rest) = all.split_at(all.len().min(MAX_RULES));
    let texts: Vec<_> = shown.iter().map(|rule| safe_cut(&rule.rule, Place::Line, MAX_RULE)).collect();
    let widest = widest(&texts);
    let line = |(rule, text): (&&Threshold, &String)| {
        let (pad, holds) = (" ".repeat(widest - width(text)), if rule.passed { "holds " } else { "broken" });
        format!("{holds}  {text}{pad}  {}{}", safe(&measured(rule), Place::Line), ended_run(rule))
    };
    let mut lines: Vec<_> = shown.iter().zip(&texts).map(line).collect();
    if !rest.is_empty() {
        let broken = rest.iter().filter(|rule| !rule.passed).count();
        lines.push(format!("{} more, of which {broken} do not hold", rest.len()));
    }
    lines
}

fn failures(report: &Report) -> Vec<String> {
    let shown = &report.errors[..report.errors.len().min(MAX_FAILURES)];
    let counts: Vec<_> = shown.iter().map(|failure| format!("{} ×", failure.count)).collect();
    let endpoints: Vec<_> = shown
        .iter()
        .map(|failure| {
            let both = format!("{} {}", failure.method, failure.name);
            safe_cut(both.trim(), Place::Line, MAX_ENDPOINT)
        })
        .collect();
    let (first, second) = (widest(&counts), widest(&endpoints));
    let mut lines: Vec<_> = shown
        .iter()
        .zip(counts.iter().zip(&endpoints))
        .map(|(failure, (count, endpoint))| {
            let pad = " ".repeat(second - width(endpoint));
            let message = safe_cut(&failure.message, Place::Line, MAX_MESSAGE);
            format!("{count:>first$} {endpoint}{pad}  {}: {message}", failure.kind)
        })
        .collect();
    let rest = &report.errors[shown.len()..];
    if !rest.is_empty() {
        let count: u64 = rest.iter().map(|failure| failure.count).sum();
        let causes = count_of(rest.len() as u64, "other cause", "other causes");
        lines.push(format!("{count} more, of {causes}"));
    }
    lines
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| width(text)).max().unwrap_or(0)
}

/// `whole = part + part`; a sum that is wrong is said to be wrong.
pub(super) fn identity(whole: (&str, u64), parts: &[(&str, u64)]) -> String {
    let sum: u64 = parts.iter().map(|(_, count)| count).sum();
    let parts: Vec<_> = parts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let (sign, warning) =
        if sum == whole.1 { ("=", "") } else { ("≠", "  (does not add up: the counts cannot be trusted)") };
    format!("{} {} {sign} {}{warning}", whole.0, whole.1, parts.join(" + "))
}

fn kept(reports: &[PathBuf], last: Option<&Path>) -> String {
    let shown = |path: &Path| safe(&path.display().to_string(), Place::Line);
    if !reports.is_empty() {
        return reports.iter().map(|path| shown(path)).collect::<Vec<_>>().join(" ");
    }
    let hint = "none asked for (--report report.md)";
    last.map_or_else(|| hint.to_owned(), |last| format!("{hint}; the run is kept in {}", shown(last)))
}
