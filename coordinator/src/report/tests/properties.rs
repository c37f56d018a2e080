//! What must hold for any names, messages and times.
//!
//! Names and messages are drawn from what breaks tables, terminals and mark-up; times from beyond the histograms' range.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use proptest::prelude::*;
use stampede_stats::outcome::FailureKind;

use super::fixtures::{self, ms, run};
use crate::report::{Format, Report, markdown_text, stdout_text};

/// Cells of a table row as a Markdown reader splits it: a pipe after a backslash is none, a backslash after one neither.
fn cells(line: &str) -> usize {
    let (mut pipes, mut escaped) = (0, false);
    for c in line.chars() {
        pipes += usize::from(c == '|' && !escaped);
        escaped = c == '\\' && !escaped;
    }
    pipes - 1
}

/// Every table of `text` has as many cells in each row as in its first; gives the number of rows.
fn check_tables(text: &str) -> usize {
    let mut wanted = None;
    let mut rows = 0;
    for line in text.lines() {
        if !line.starts_with('|') {
            wanted = None;
            continue;
        }
        rows += 1;
        assert!(line.ends_with('|'), "{line}");
        assert_eq!(*wanted.get_or_insert(cells(line)), cells(line), "{line}");
    }
    rows
}

fn hostile() -> impl Strategy<Value = String> {
    let mean =
        "[|`\\\\\n\r\t<>*_~$&\\[\\]{}#! a\u{1b}\u{7}\u{9b}\u{202e}\u{2066}\u{2028}\u{feff}é漢\u{301}]{0,40}";
    prop_oneof![mean.boxed(), any::<String>().boxed()]
}

fn is_tame(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n' || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_from_outside_breaks_a_table(method in hostile(), name in hostile(), message in hostile()) {
        let requests = [(0, 10, 1500, Some((FailureKind::Other, message.as_str()))), (1, 1500, 900, None)];
        let mut result = run(&[(&method, &name), ("GET", "/")], &requests, ms(3000));
        for text in [&mut result.scenario, &mut result.target, &mut result.workers[0].name] {
            text.clone_from(&name);
        }
        result.notes.push(message);
        result.classes[0].0 = method;
        let report = Report::from_result(&result);
        let stdout = stdout_text(&report, &[], None);
        prop_assert_eq!(check_tables(&stdout), 5, "{}", stdout);
        prop_assert!(is_tame(&stdout));
        let markdown = markdown_text(&report);
        prop_assert_eq!(check_tables(&markdown), 13 + 5 + 5 + 5 + 3 + 3 + 3, "{}", markdown);
        prop_assert!(is_tame(&markdown));
        prop_assert_eq!(markdown.lines().filter(|line| line.starts_with('#')).count(), 11);
    }

    #[test]
    fn reports_round_trip_and_percentiles_ascend(times in prop::collection::vec(1u64..200_000_000, 0..200)) {
        let requests: Vec<_> = times.iter().map(|us| (0, 500, *us, None)).collect();
        let report = Report::from_result(&run(&fixtures::SHOP, &requests, ms(1000)));
        let json = Format::Json.render(&report).expect("encodes");
        prop_assert_eq!(serde_json::from_str::<Report>(&json).expect("decodes"), report.clone());

        let found: Vec<_> = report.totals.percentiles_ms.values().into_iter().flatten().collect();
        prop_assert_eq!(found.len(), if times.is_empty() { 0 } else { 11 });
        prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", found);
        prop_assert_eq!(found.last().copied(), report.totals.max_ms);
        prop_assert!(found.first().copied() >= report.totals.min_ms);
    }
}

/// What another program reads from a report.
fn decoded(encoded: &str) -> Histogram<u64> {
    let bytes = STANDARD.decode(encoded).expect("base64");
    Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()).expect("V2")
}

#[test]
fn a_course_is_all_of_its_row() {
    for result in [fixtures::passing(), fixtures::failing(), fixtures::rows_of_every_kind()] {
        let report = Report::from_result(&result);
        for row in report.endpoints.iter().chain(&report.groups).chain([&report.totals]) {
            let sum = row.course.iter().fold((0, 0), |sum, p| (sum.0 + p.requests, sum.1 + p.failures));
            assert_eq!(sum, (row.requests, row.failures), "{}", row.name);
            let mut whole: Option<Histogram<u64>> = None;
            for step in row.course.iter().filter_map(|point| point.histogram.as_deref()).map(decoded) {
                match &mut whole {
                    Some(whole) => whole.add(step).expect("of the same bounds"),
                    None => whole = Some(step),
                }
            }
            let Some(whole) = whole else { continue };
            let p95 = whole.value_at_quantile(0.95) as f64 / 1e3;
            let reported = row.percentiles_ms.p95.expect("has values");
            assert!((p95 - reported).abs() <= reported * 1e-3, "{}: {p95} {reported}", row.name);
        }
    }
}

#[test]
fn histograms_can_be_read_by_others() {
    let report = Report::from_result(&fixtures::passing());
    let encoded = report.totals.ok.histogram.as_deref().expect("has values");
    let histogram = decoded(encoded);
    assert_eq!(histogram.len(), report.totals.requests);
    let median = histogram.value_at_quantile(0.5) as f64 / 1e3;
    assert_eq!(Some(median), report.totals.median_ms);
    assert_eq!(report.totals.failed.histogram, None);
}

#[test]
fn rates_leave_out_what_drained() {
    let report = Report::from_result(&fixtures::passing());
    assert_eq!((report.totals.requests, report.totals.rps), (503, Some(50.0)));
    let sum: u64 = report.timeline.iter().map(|point| point.requests).sum();
    assert_eq!(sum, 503);
}
