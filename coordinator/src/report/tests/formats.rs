//! Formats that other programs read: what those programs expect of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use proptest::prelude::*;

use super::fixtures;
use crate::report::csv::texts;
use crate::report::{Format, Report};
use crate::result::RunResult;
use crate::rules::Judged;

/// The first lines of the files that Locust 2.47 wrote.
const LOCUST: [&str; 4] = [
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
     Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%",
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%,\
     Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,\
     Total Min Response Time,Total Max Response Time,Total Average Content Size",
    "Method,Name,Error,Occurrences,First Seen,Last Seen",
    "Count,Message,Traceback,Nodes",
];

/// Rows of cells, read as the format's description (RFC 4180) has it.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut inside) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (inside, c) {
            (true, '"') if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            (_, '"') => inside = !inside,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'), "rows end with both");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, c) => cell.push(c),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last row ends as well");
    rows
}

fn failing() -> RunResult {
    let mut result = fixtures::failing();
    result.labels = BTreeMap::from([("commit".to_owned(), "3f2a91c & \"more\"".to_owned())]);
    result
}

#[test]
fn the_four_files_are_those_of_locust() {
    for (text, header) in texts(&Report::from_result(&failing())).iter().zip(LOCUST) {
        let rows = cells(text);
        assert_eq!(rows[0].join(","), header);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
    }
    let shown = |result: &RunResult| texts(&Report::from_result(result)).join("--\r\n").replace('\r', "");
    insta::assert_snapshot!("failing_csv", shown(&failing()));
    insta::assert_snapshot!("rows_of_every_kind_csv", shown(&fixtures::rows_of_every_kind()));
    insta::assert_snapshot!("no_request_csv", shown(&fixtures::no_request()));
}

#[test]
fn the_history_ends_with_the_whole_run() {
    for result in [fixtures::passing(), failing(), fixtures::rows_of_every_kind()] {
        let [stats, history, ..] = texts(&Report::from_result(&result)).map(|text| cells(&text));
        let (all, last) = (stats.last().expect("a row"), history.last().expect("a row"));
        // Counts, times and size; and the percentiles.
        assert_eq!(all[2..9], last[17..24]);
        assert_eq!(all[11..], last[6..17]);
        let counts: Vec<u64> = history[1..].iter().map(|row| row[17].parse().expect("a count")).collect();
        assert!(counts.is_sorted() && counts.len() > 1);
    }
}

fn ruled() -> RunResult {
    let mut result = failing();
    let judged = |rule: &str, observed: f64, shown: &str, margin: f64| Judged {
        rule: rule.to_owned(),
        observed: Some(observed),
        shown: shown.to_owned(),
        margin: Some(margin),
        room: format!("{:.1}% off", margin * 100.0),
        window: None,
        ended_at: None,
        passed: margin >= 0.0,
    };
    result.thresholds = vec![
        judged("p95 < 500 ms", 61.2, "61.2 ms", 0.8776),
        judged("failures{name=\"<a> & \u{1}b\"} < 1%", 0.0457, "4.57%", -3.57),
    ];
    result
}

fn xml(result: &RunResult) -> String {
    Format::Junit.render(&Report::from_result(result)).expect("renders")
}

#[test]
fn what_had_to_hold_are_test_cases() {
    insta::assert_snapshot!("failing_xml", xml(&failing()));
    insta::assert_snapshot!("passing_xml", xml(&fixtures::passing()));
    insta::assert_snapshot!("rules_xml", xml(&ruled()));
    insta::assert_snapshot!("lost_worker_xml", xml(&fixtures::lost_worker()));
}

/// Elements open and close in order, and every `&` and `<` is one of the format's own.
fn is_well_formed(text: &str) -> bool {
    let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];
    let plain = entities.iter().fold(text.to_owned(), |text, entity| text.replace(entity, ""));
    let mut open = Vec::new();
    let mut pieces = plain.split('<').skip(1);
    let well = pieces.all(|piece| {
        let Some((tag, _)) = piece.split_once('>') else { return false };
        if tag.starts_with('?') || tag.ends_with('/') {
            return true;
        }
        if let Some(name) = tag.strip_prefix('/') {
            return open.pop() == Some(name);
        }
        open.push(tag.split(' ').next().unwrap_or_default());
        tag.matches('"').count() % 2 == 0
    });
    well && open.is_empty() && !plain.contains('&') && plain.chars().all(|c| !c.is_control() || c == '\n')
}

#[test]
fn intervals_are_read_by_the_reader_of_the_format() {
    let report = Report::from_result(&fixtures::passing());
    let text = Format::Hlog.render(&report).expect("renders");
    let entries: Vec<_> =
        IntervalLogIterator::new(text.as_bytes()).collect::<Result<_, _>>().expect("can be read");
    let start = Duration::from_millis(1_772_366_400_250);
    assert_eq!(entries[..2], [LogEntry::StartTime(start), LogEntry::BaseTime(start)]);
    let mut merged: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    let mut before = Duration::ZERO;
    for entry in &entries[2..] {
        let LogEntry::Interval(interval) = entry else { panic!("{entry:?} is no interval") };
        let bytes = STANDARD.decode(interval.encoded_histogram()).expect("base64");
        let times: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("V2");
        assert!((interval.max() - times.max() as f64 / 1e3).abs() < 1e-3);
        assert!(before <= interval.start_timestamp(), "in order of time");
        before = interval.start_timestamp();
        let tag = interval.tag().map(|tag| tag.to_string()).unwrap_or_default();
        match merged.get_mut(&tag) {
            Some(whole) => whole.add(times).expect("of the same bounds"),
            None => drop(merged.insert(tag, times)),
        }
    }
    let counts: Vec<_> = merged.iter().map(|(tag, times)| (tag.as_str(), times.len())).collect();
    let of = |index: usize| report.endpoints[index].requests;
    assert_eq!(counts, [("", report.totals.requests), ("GET_/", of(0)), ("POST_/predict", of(1))]);
    let median = merged[""].value_at_quantile(0.5) as f64 / 1e3;
    assert_eq!(Some(median), report.totals.median_ms);
    assert!(text.contains("\n#[Histogram log format version 1.3]\n") && text.contains(",HISTFAAA"), "{text}");
}

#[test]
fn an_endpoint_without_a_course_has_its_whole_run() {
    let mut report = Report::from_result(&failing());
    report.endpoints[1].course.clear();
    report.endpoints[0].name = "/a, b".to_owned();
    report.endpoints[1].name = "/a__b".to_owned();
    report.endpoints[1].method = "GET".to_owned();
    let text = Format::Hlog.render(&report).expect("renders");
    let whole = |tag: &str| text.lines().filter(|line| line.starts_with(&format!("Tag={tag},"))).count();
    assert_eq!(whole("GET_/a__b"), report.endpoints[0].course.len(), "those of the first are many");
    assert_eq!(whole("GET_/a__b~2"), 1, "and no two have the same tag");
}

proptest! {
    #[test]
    fn no_text_from_outside_breaks_a_format(hostile in any::<String>()) {
        // Made once: what stands in it otherwise is not what is tried.
        static RULED: LazyLock<Report> = LazyLock::new(|| Report::from_result(&ruled()));
        let mut report = RULED.clone();
        report.run.scenario.clone_from(&hostile);
        report.run.labels = BTreeMap::from([(hostile.clone(), hostile.clone())]);
        report.thresholds[1].rule.clone_from(&hostile);
        prop_assert!(is_well_formed(&Format::Junit.render(&report).expect("renders")));
        report.endpoints[0].name.clone_from(&hostile);
        report.errors[0].message.clone_from(&hostile);
        for text in texts(&report) {
            let rows = cells(&text);
            prop_assert!(rows.iter().all(|row| row.len() == rows[0].len()));
            prop_assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
        }
        let hlog = Format::Hlog.render(&report).expect("renders");
        prop_assert!(IntervalLogIterator::new(hlog.as_bytes()).all(|entry| entry.is_ok()));
    }
}
