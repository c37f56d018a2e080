//! What a person reads, word for word.
//!
//! A snapshot that changes is a change of what scripts and people rely on: read it before accepting it.

use std::path::{Path, PathBuf};

use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::RowKind;

use super::fixtures;
use crate::report::{Format, Report, markdown_text, stdout_text, verdict};
use crate::result::{RunResult, StopReason};
use crate::rules::{Judged, Stretch, judge_value};

fn stdout(result: &RunResult) -> String {
    let reports = [PathBuf::from("report.md"), PathBuf::from("report.json")];
    stdout_text(&Report::from_result(result), &reports, Some(Path::new("/state/last.json")))
}

fn markdown(result: &RunResult) -> String {
    markdown_text(&Report::from_result(result))
}

fn json(result: &RunResult) -> String {
    let report = Report::from_result(result);
    let text = Format::Json.render(&report).expect("encodes");
    assert_eq!(serde_json::from_str::<Report>(&text).expect("decodes"), report);
    text
}

#[test]
fn passing() {
    let result = fixtures::passing();
    assert!(verdict(&result).passed && verdict(&result).complete);
    insta::assert_snapshot!("passing_stdout", stdout(&result));
    insta::assert_snapshot!("passing_md", markdown(&result));
    insta::assert_snapshot!("passing_json", json(&result));
}

#[test]
fn failing() {
    let result = fixtures::failing();
    assert!(!verdict(&result).passed);
    insta::assert_snapshot!("failing_stdout", stdout(&result));
    insta::assert_snapshot!("failing_md", markdown(&result));
    insta::assert_snapshot!("failing_json", json(&result));
}

/// The run of [`fixtures::passing`], ended by a rule; one over windows has broken before, and one holds.
fn ending() -> RunResult {
    let judged = |rule: &str, value: f64, window: Option<(u32, u32)>| {
        let rule = stampede_scenarios::threshold::parse(rule).expect("a rule");
        judge_value(&rule, Some(value), window.map(|(from_s, to_s)| Stretch { from_s, to_s }))
    };
    let ending = judged("p99 of \"POST /predict\" < 50ms for 5s or stop", 61.2, Some((4, 9)));
    let mut result = fixtures::passing();
    result.stop_reason = StopReason::Threshold;
    result.thresholds = vec![
        judged("rps >= 40", 48.7, None),
        judged("p95 of \"GET /a|b\" < 2ms for 2s", 2.48, Some((3, 5))),
        Judged { ended_at: Some(fixtures::ms(10_000)), ..ending },
        judged("error_rate == 0", 0.0, None),
    ];
    result.notes = vec!["threshold: p99 …, at 00:10: measured 61.2 ms in 00:04-00:09; the run ends".into()];
    result
}

#[test]
fn ended_by_a_rule() {
    let result = ending();
    assert!(!verdict(&result).passed);
    insta::assert_snapshot!("ended_by_a_rule_stdout", stdout(&result));
    let rules = |text: &str, from: &str, to: &str| {
        let (_, text) = text.split_once(from).expect(from);
        text.split_once(to).expect(to).0.to_owned()
    };
    insta::assert_snapshot!("ended_by_a_rule_md", rules(&markdown(&result), "# ", "## Percentiles"));
    insta::assert_snapshot!("ended_by_a_rule_json", rules(&json(&result), "\"thresholds\": ", "\"search\""));
}

#[test]
fn lost_worker() {
    let result = fixtures::lost_worker();
    assert!(!verdict(&result).passed && !verdict(&result).complete);
    insta::assert_snapshot!("lost_worker_stdout", stdout(&result));
    insta::assert_snapshot!("lost_worker_md", markdown(&result));
    insta::assert_snapshot!("lost_worker_json", json(&result));
}

#[test]
fn arrivals() {
    let result = fixtures::arrivals();
    insta::assert_snapshot!("arrivals_stdout", stdout(&result));
    insta::assert_snapshot!("arrivals_md", markdown(&result));
    insta::assert_snapshot!("arrivals_json", json(&result));
}

#[test]
fn no_request() {
    let result = fixtures::no_request();
    assert!(!verdict(&result).passed);
    let report = Report::from_result(&result);
    insta::assert_snapshot!(
        "no_request_stdout",
        stdout_text(&report, &[], Some(Path::new("/home/u/.local/state/stampede/last.json")))
    );
    insta::assert_snapshot!("no_request_md", markdown(&result));
    insta::assert_snapshot!("no_request_json", json(&result));
}

#[test]
fn iterations() {
    let result = fixtures::iterations();
    insta::assert_snapshot!("iterations_stdout", stdout(&result));
    insta::assert_snapshot!("iterations_md", markdown(&result));
    insta::assert_snapshot!("iterations_json", json(&result));
}

#[test]
fn rows_of_every_kind() {
    let result = fixtures::rows_of_every_kind();
    // What failed in the warm-up is no reason; what `fail` booked is.
    let sentence = verdict(&result).sentence;
    assert!(
        sentence.starts_with("Stampede: failed. 3 failures booked by fail steps. 300 requests in 6.0 s"),
        "{sentence}"
    );
    insta::assert_snapshot!("rows_of_every_kind_stdout", stdout(&result));
    insta::assert_snapshot!("rows_of_every_kind_md", markdown(&result));
    insta::assert_snapshot!("rows_of_every_kind_json", json(&result));
}

#[test]
fn labels_stand_in_every_report_and_break_none() {
    let mut result = fixtures::iterations();
    let labels = [("commit", "3f2a91c"), ("why", "a|b <i>\u{1b}[31m\n# no heading")];
    result.labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let stdout = stdout(&result);
    assert!(
        stdout.contains("\nlabels     commit=3f2a91c, why=a|b <i>\\x1b[31m\\n# no heading\n"),
        "{stdout}"
    );
    let markdown = markdown(&result);
    let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with("| Label ")).collect();
    insta::assert_snapshot!("labels_md", rows.join("\n"));
    let json = json(&result);
    assert!(json.contains("\"commit\": \"3f2a91c\""), "{json}");
    result.labels.insert("long".to_owned(), "x".repeat(1000));
    let longest = self::stdout(&result).lines().find(|line| line.starts_with("labels")).map(str::len);
    assert!(longest.is_some_and(|length| length < 140), "{longest:?}");
}

#[test]
fn failures_of_the_warm_up_alone_are_no_reason_to_fail() {
    let mut result = fixtures::rows_of_every_kind();
    result.totals.endpoints.retain(|key, _| key.kind != RowKind::Task);
    result.totals.errors.retain(|key, _| key.endpoint.kind != RowKind::Task);
    assert!(verdict(&result).passed);
    result.totals.all = RequestCounts::default();
    result.accounting.started = 0;
    assert!(!verdict(&result).passed);
    let sentence = verdict(&result).sentence;
    assert!(sentence.starts_with("Stampede: failed. No request was made after the warm-up."), "{sentence}");
}

#[test]
fn counts_that_do_not_add_up_are_shown_as_such() {
    let mut result = fixtures::iterations();
    result.accounting.started += 1;
    let text = stdout(&result);
    assert!(text.contains("requests   started 501 ≠ ok 500 + failed 0 + cancelled 0 + unknown 0"), "{text}");
}

#[test]
fn a_run_without_workers_left_says_so() {
    let mut result = fixtures::lost_worker();
    result.stop_reason = StopReason::NoWorkers;
    result
        .accounting
        .missing
        .push(crate::result::MissingInterval { worker: "w1".into(), ..result.accounting.missing[0].clone() });
    let sentence = verdict(&result).sentence;
    let wanted = "Stampede: failed. No worker was left. Incomplete: samples of workers w2 and w1 are missing; \
                  what became of 17 requests is unknown. 503 requests in 10.0 s";
    assert!(sentence.starts_with(wanted), "{sentence}");
}

#[test]
fn an_iteration_that_failed_without_a_request_fails_the_run() {
    let mut result = fixtures::iterations();
    result.totals.iterations.failed = 1;
    let verdict = verdict(&result);
    assert!(!verdict.passed);
    assert!(verdict.sentence.starts_with("Stampede: failed. 1 of 500 iterations failed. 500 requests in"));
}

#[test]
fn requests_that_never_ended_are_no_pass() {
    let mut result = fixtures::no_request();
    result.accounting.started = 3;
    result.totals.all.cancelled = 3;
    let sentence = verdict(&result).sentence;
    assert!(
        sentence.starts_with("Stampede: failed. No request came to its end; 3 begun, 3 cancelled."),
        "{sentence}"
    );
}

#[test]
fn a_load_generator_at_its_limit_says_when_and_what_it_means() {
    let result = fixtures::limited();
    insta::assert_snapshot!("limited_md", markdown(&result));
    insta::assert_snapshot!("limited_stdout", stdout(&result));
    let report = Report::from_result(&result);
    assert!(report.run.generator_limited);
    assert_eq!(report.workers[0].limits.len(), 1);
}

#[test]
fn a_wait_before_the_first_byte_is_explained_only_where_it_is_long() {
    let text = |result: &RunResult| {
        let text = markdown(result);
        text.lines().find(|line| line.starts_with("Requests waited")).map(str::to_owned)
    };
    assert_eq!(text(&fixtures::passing()), None);
    let mut limited = fixtures::limited();
    assert!(text(&limited).is_some_and(|line| line.contains("in the load generator")));
    limited.workers[0].limits.clear();
    assert!(text(&limited).is_some_and(|line| line.contains("or for the load generator")));
    for target in limited.totals.targets.values_mut() {
        (0..500).for_each(|_| target.connect.record(19_000_000));
        target.connections = 501;
    }
    assert!(text(&limited).is_some_and(|line| line.contains("for a connection: the target")));
}
