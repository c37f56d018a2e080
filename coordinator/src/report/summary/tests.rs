//! Summaries word for word, and their figures against the samples they were made from.
//!
//! The second half computes each tool's figures again from the raw samples, sorted, without a report or a histogram between.

#![expect(clippy::float_cmp, reason = "counts, which are written as they are")]

use proptest::prelude::*;
use stampede_stats::outcome::FailureKind;

use super::super::tests::fixtures::{self, Request, ms, run};
use super::{Style, summary_text};
use crate::report::{Format, Report};
use crate::result::RunResult;

fn summary(result: &RunResult, style: Style) -> String {
    summary_text(&Report::from_result(result), style)
}

#[test]
fn passing() {
    for style in Style::ALL {
        insta::assert_snapshot!(format!("passing_{}", style.as_str()), summary(&fixtures::passing(), style));
    }
}

#[test]
fn failing() {
    for style in Style::ALL {
        insta::assert_snapshot!(format!("failing_{}", style.as_str()), summary(&fixtures::failing(), style));
    }
}

#[test]
fn arrivals() {
    for style in Style::ALL {
        insta::assert_snapshot!(
            format!("arrivals_{}", style.as_str()),
            summary(&fixtures::arrivals(), style)
        );
    }
}

#[test]
fn nothing_but_a_warm_up_and_nothing_at_all() {
    let all = |result: &RunResult| Style::ALL.map(|style| summary(result, style)).join("\n=====\n");
    insta::assert_snapshot!("warmed_up", all(&fixtures::rows_of_every_kind()));
    insta::assert_snapshot!("no_request", all(&fixtures::no_request()));
}

#[test]
fn a_report_from_before_these_figures_says_what_it_does_not_have() {
    let json = Format::Json.render(&Report::from_result(&fixtures::failing())).expect("encodes");
    let mut value: serde_json::Value = serde_json::from_str(&json).expect("decodes");
    for key in ["statuses", "head_bytes_in"] {
        value["totals"].as_object_mut().expect("an object").remove(key);
    }
    value["run"].as_object_mut().expect("an object").remove("last_end_s");
    value["targets"][0]["connect_ms"].as_object_mut().expect("an object").remove("stdev_ms");
    let old: Report = serde_json::from_value(value).expect("decodes");
    let ab = summary_text(&old, Style::Ab);
    assert!(ab.contains("Total transferred:      n/a\n"), "{ab}");
    assert!(ab.contains("Transfer rate:          n/a [Kbytes/sec] received\n"), "{ab}");
    assert!(ab.contains("\nTime taken for tests:   4.400 seconds\n"), "{ab}");
    assert!(ab.contains("\nConnect:        0    0   n/a      0       1\n"), "{ab}");
    let vegeta = summary_text(&old, Style::Vegeta);
    assert!(vegeta.contains("Status Codes: this report is from before"), "{vegeta}");
}

#[test]
fn a_histogram_that_cannot_be_read_makes_no_figure() {
    let mut report = Report::from_result(&fixtures::passing());
    report.totals.ok.histogram = Some("no base64".to_owned());
    let vegeta = summary_text(&report, Style::Vegeta);
    assert!(vegeta.contains("n/a, n/a, n/a, n/a, n/a, n/a, n/a\n"), "{vegeta}");
    assert!(vegeta.contains("cannot be read"), "{vegeta}");
}

/// The numbers in the line that begins with `name`, in their order.
fn numbers(text: &str, name: &str) -> Vec<f64> {
    let line = text.lines().find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no line {name} in\n{text}"));
    let rest = &line[line.find(name).expect("found") + name.len()..];
    rest.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|part| part.parse().ok()).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} is not {expected}");
}

/// What was measured, as the tools keep it: response times in ms of what was answered, sorted, with their statuses.
struct Raw {
    times: Vec<f64>,
    all: Vec<f64>,
    unanswered: f64,
    refused: f64,
    last_end_s: f64,
}

/// 997 requests of two endpoints within 8 s: every tenth is answered with 503, every fiftieth not at all.
fn samples() -> Vec<Request<'static>> {
    let failure = |n: u64| match n {
        n if n.is_multiple_of(50) => Some((FailureKind::Reset, "connection reset")),
        n if n.is_multiple_of(10) => Some((FailureKind::Status, "status 503")),
        _ => None,
    };
    let us = |n: u64| {
        2_000 + n.wrapping_mul(2_654_435_761) % 90_000 + if n.is_multiple_of(97) { 400_000 } else { 0 }
    };
    (0..997u64).map(|n| (u32::from(n.is_multiple_of(3)), 8 * n + 10, us(n), failure(n))).collect()
}

fn raw(samples: &[Request<'_>]) -> Raw {
    let sorted = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times
    };
    let ms = |us: u64| us as f64 / 1e3;
    let is_answered =
        |failure: &Option<(FailureKind, &str)>| !matches!(failure, Some((FailureKind::Reset, _)));
    let refused = samples.iter().filter(|sample| matches!(sample.3, Some((FailureKind::Status, _)))).count();
    let times: Vec<_> =
        samples.iter().filter(|sample| is_answered(&sample.3)).map(|sample| ms(sample.2)).collect();
    Raw {
        unanswered: (samples.len() - times.len()) as f64,
        times: sorted(times),
        all: sorted(samples.iter().map(|sample| ms(sample.2)).collect()),
        refused: refused as f64,
        last_end_s: samples.iter().map(|sample| sample.1).max().expect("has some") as f64 / 1e3,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn stdev(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

fn measured() -> (Raw, Report) {
    let samples = samples();
    let mut result = run(&fixtures::SHOP, &samples, ms(8_000));
    // What was not answered has no service time.
    let answered: Vec<_> =
        samples.iter().filter(|s| !matches!(s.3, Some((FailureKind::Reset, _)))).copied().collect();
    let service = run(&fixtures::SHOP, &answered, ms(8_000));
    for (key, row) in &mut result.totals.endpoints {
        row.service = service.totals.endpoints[key].service.clone();
        row.ttfb = service.totals.endpoints[key].ttfb.clone();
    }
    (raw(&samples), Report::from_result(&result))
}

#[test]
fn siege_counts_what_siege_counts() {
    let (raw, report) = measured();
    let text = summary_text(&report, Style::Siege);
    let one = |name: &str| numbers(&text, name)[0];
    let hits = raw.times.len() as f64 - raw.refused;
    let failed = raw.refused + raw.unanswered;
    assert_eq!(
        [one("Transactions:"), one("Successful transactions:"), one("Failed transactions:")],
        [hits, hits, failed]
    );
    assert_near(one("Availability:"), hits / (hits + failed) * 100.0, 0.005, "availability");
    assert_near(one("Elapsed time:"), raw.last_end_s, 0.005, "elapsed");
    // Of everything that was answered, by what was not refused: siege's own arithmetic.
    let sum: f64 = raw.times.iter().sum();
    assert_near(one("Response time:"), sum / hits, 0.02, "response time");
    assert_near(one("Concurrency:"), sum / 1e3 / raw.last_end_s, 0.005, "concurrency");
    assert_near(one("Transaction rate:"), hits / raw.last_end_s, 0.005, "rate");
    assert_near(one("Longest transaction:"), raw.times[raw.times.len() - 1], 0.006, "longest");
    assert_near(one("Shortest transaction:"), raw.times[0], 0.006, "shortest");
}

#[test]
fn ab_counts_what_ab_counts() {
    let (raw, report) = measured();
    let text = summary_text(&report, Style::Ab);
    let one = |name: &str| numbers(&text, name)[0];
    let done = raw.times.len() as f64;
    assert_eq!(
        [one("Complete requests:"), one("Failed requests:"), one("Non-2xx responses:")],
        [done, raw.unanswered, raw.refused]
    );
    assert_near(one("Time taken for tests:"), raw.last_end_s, 0.000_5, "taken");
    assert_near(one("Requests per second:"), done / raw.last_end_s, 0.005, "rate");
    let middle = raw.times[raw.times.len() / 2];
    let expected =
        [raw.times[0], mean(&raw.times), stdev(&raw.times), middle, raw.times[raw.times.len() - 1]];
    for (found, expected) in numbers(&text, "Processing:").iter().zip(expected) {
        assert_near(*found, expected, 0.501, "processing");
    }
    for (index, percent) in [50, 66, 75, 80, 90, 95, 98, 99].into_iter().enumerate() {
        let expected = raw.all[raw.all.len() * percent / 100];
        let found = numbers(&text, &format!("{percent}%"))[0];
        assert_near(found, expected, 0.5 + expected / 1e3, &format!("row {index}, {percent} %"));
    }
    assert_eq!(numbers(&text, "100%")[0], raw.all[raw.all.len() - 1].round());
}

#[test]
fn vegeta_counts_what_vegeta_counts() {
    let (raw, report) = measured();
    let text = summary_text(&report, Style::Vegeta);
    let values = |name: &str| numbers(&text, name);
    let requests = raw.all.len() as f64;
    let succeeded = raw.times.len() as f64 - raw.refused;
    let [total, rate, throughput] = values("Requests      [total, rate, throughput]")[..] else {
        panic!("{text}")
    };
    assert_eq!(total, requests);
    assert_near(rate, requests / raw.last_end_s.min(8.0), 0.005, "rate");
    assert_near(throughput, succeeded / raw.last_end_s, 0.005, "throughput");
    assert_near(values("Success       [ratio]")[0], succeeded / requests * 100.0, 0.005, "success");
    let codes = values("Status Codes  [code:count]");
    assert_eq!(codes, [0.0, raw.unanswered, 200.0, succeeded, 503.0, raw.refused]);
    let at = |percent: usize| raw.all[(raw.all.len() * percent).div_ceil(100) - 1];
    let expected = [raw.all[0], mean(&raw.all), at(50), at(90), at(95), at(99), raw.all[raw.all.len() - 1]];
    for (found, expected) in values("Latencies     [min, mean, 50, 90, 95, 99, max]").iter().zip(expected) {
        assert_near(*found, expected, expected / 1e3, "latency");
    }
}

#[test]
fn wrk_autocannon_and_locust_count_what_they_count() {
    let (raw, report) = measured();
    let done = raw.times.len() as f64;
    let wrk = summary_text(&report, Style::Wrk);
    assert_eq!(numbers(&wrk, &format!("{done} requests in"))[0], 7.98, "{wrk}");
    let latency = numbers(&wrk, "Latency ");
    assert_near(latency[0], mean(&raw.times), 0.02, "mean");
    assert_near(latency[1], stdev(&raw.times), 0.05, "deviation");
    assert_near(numbers(&wrk, "Requests/sec:")[0], done / raw.last_end_s, 0.005, "rate");
    assert_eq!(numbers(&wrk, "Non-2xx or 3xx responses:"), [raw.refused]);

    let autocannon = summary_text(&report, Style::Autocannon);
    let in_second = |second: u64| samples().iter().filter(|sample| sample.1 / 1000 == second).count() as f64;
    let mut seconds: Vec<_> = (0..8).map(in_second).collect();
    seconds.sort_by(f64::total_cmp);
    let rates = numbers(&autocannon, "│ Req/Sec");
    assert_eq!(rates[..4], [seconds[0], seconds[0], seconds[3], seconds[7]], "{autocannon}");
    assert_near(rates[4], mean(&seconds), 0.01, "mean");
    assert_eq!(numbers(&autocannon, "20 errors"), [0.0], "{autocannon}");

    let locust = summary_text(&report, Style::Locust);
    let row = numbers(&locust, "Aggregated");
    let failed = raw.refused + raw.unanswered;
    assert_eq!(row[..2], [997.0, failed]);
    assert_near(row[3], mean(&raw.all), 0.5, "mean");
    assert_near(row[7], 997.0 / raw.last_end_s, 0.005, "rate");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_text_from_outside_acts(method in any::<String>(), name in any::<String>(), message in any::<String>(),
                                 target in any::<String>(), times in prop::collection::vec(0u64..200_000_000, 0..20)) {
        let kinds = [FailureKind::Other, FailureKind::Timeout, FailureKind::Status];
        let fails = |n: usize| n.is_multiple_of(2).then_some((kinds[n % 3], message.as_str()));
        let requests: Vec<_> = times.iter().enumerate().map(|(n, us)| (0, 500, *us, fails(n))).collect();
        let mut result = run(&[(&method, &name)], &requests, ms(1000));
        result.target = target;
        for style in Style::ALL {
            let text = summary(&result, style);
            let acts = |c: char| c.is_control() && !"\n\t".contains(c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!text.contains(acts), "{:?}", text);
        }
    }
}
