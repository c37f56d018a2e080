//! `report.xml`: what had to hold, as test cases of `JUnit`'s format, which CI servers show.
//!
//! Each threshold is a case. Without thresholds there is one: that requests did not fail. Whether a search found a rate, and
//! whether every sample is there, are cases as well, so that a file without failures is a run that passed.

use std::fmt::Write;

use super::judged::{ended_run, measured};
use super::model::{Judgement, Report, Threshold};
use super::text::{Place, safe};

/// One thing that had to hold.
struct Case {
    name: String,
    /// Why it does not.
    failure: Option<Failure>,
}

struct Failure {
    /// `failure`: it was measured and is wrong; `error`: it cannot be told.
    element: &'static str,
    kind: &'static str,
    message: String,
}

/// The whole file.
pub(super) fn junit_text(report: &Report) -> String {
    let run = &report.run;
    let cases = cases(report);
    let count = |element: &str| {
        let of = |case: &&Case| case.failure.as_ref().is_some_and(|failure| failure.element == element);
        cases.iter().filter(of).count()
    };
    let tests = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.3}\"",
        cases.len(),
        count("failure"),
        count("error"),
        run.warmup_s.unwrap_or_default() + run.duration_s
    );
    // The format has neither zone nor fraction: it is UTC.
    let started = run.started_at.get(..19).unwrap_or(&run.started_at);
    let name = xml(&run.scenario);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"stampede\" {tests}>\n  \
         <testsuite name=\"{name}\" {tests} timestamp=\"{}\">\n",
        xml(started)
    );
    out.push_str("    <properties>\n");
    for (key, value) in properties(report) {
        property(&mut out, &key, &value);
    }
    out.push_str("    </properties>\n");
    for case in &cases {
        write_case(&mut out, &name, case);
    }
    let sentence = xml(&report.verdict().sentence);
    let _ = write!(out, "    <system-out>{sentence}</system-out>\n  </testsuite>\n</testsuites>\n");
    out
}

fn cases(report: &Report) -> Vec<Case> {
    let mut cases: Vec<_> = report.thresholds.iter().map(threshold).collect();
    if let Some(search) = &report.search {
        let failure = (!search.verified).then(|| failed("search", search.sentence.clone()));
        cases.push(Case { name: "a rate holds".to_owned(), failure });
    }
    let sentence = report.verdict().sentence;
    if cases.is_empty() {
        // What is missing has a case of its own.
        let other = !report.run.complete || report.run.aborted;
        let accounting = &report.accounting;
        let booked = report.errors.iter().any(|failure| failure.row == "task");
        let bad = accounting.failed > 0
            || accounting.iterations.failed > 0
            || report.totals.requests == 0
            || booked;
        let wrong = report.run.verdict == Judgement::Failed && (bad || !other);
        let failure = wrong.then(|| failed("requests", sentence.clone()));
        cases.push(Case { name: "requests did not fail".to_owned(), failure });
    }
    let whole = report.run.complete && !report.run.aborted;
    let failure = (!whole).then_some(Failure { element: "error", kind: "incomplete", message: sentence });
    cases.push(Case { name: "the result is complete".to_owned(), failure });
    cases
}

fn failed(kind: &'static str, message: String) -> Failure {
    Failure { element: "failure", kind, message }
}

fn threshold(rule: &Threshold) -> Case {
    let failure = (!rule.passed)
        .then(|| failed("threshold", format!("measured {}{}", measured(rule), ended_run(rule))));
    Case { name: rule.rule.clone(), failure }
}

fn properties(report: &Report) -> Vec<(String, String)> {
    let run = &report.run;
    let own = [
        ("run", run.id.clone()),
        ("target", run.target.clone()),
        ("seed", run.seed.to_string()),
        ("version", run.version.clone()),
        ("verdict", run.verdict.as_str().to_owned()),
        ("stop_reason", run.stop_reason.clone()),
        ("users_peak", run.users_peak.to_string()),
        ("workers", report.workers.len().to_string()),
        ("requests", report.totals.requests.to_string()),
        ("failures", report.totals.failures.to_string()),
    ];
    let labels = run.labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()));
    own.map(|(key, value)| (key.to_owned(), value)).into_iter().chain(labels).collect()
}

fn property(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "      <property name=\"{}\" value=\"{}\"/>", xml(name), xml(value));
}

fn write_case(out: &mut String, class: &str, case: &Case) {
    let name = xml(&case.name);
    let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"");
    match &case.failure {
        None => out.push_str("/>\n"),
        Some(Failure { element, kind, message }) => {
            let message = xml(message);
            let _ = writeln!(
                out,
                ">\n      <{element} type=\"{kind}\" message=\"{message}\">{message}</{element}>\n    </testcase>"
            );
        }
    }
}

/// A text from outside, for attributes and content alike. What XML cannot hold at all is an escape by then: controls, and the two
/// characters that are none.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in safe(text, Place::Line).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
