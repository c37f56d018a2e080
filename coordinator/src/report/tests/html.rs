//! `report.html`: what stands in it, that nothing from outside acts in it, and how large it gets.
//!
//! That its scripts work is tested in a browser, in the crate `tests`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use proptest::prelude::*;
use serde_json::{Value, json};
use stampede_stats::outcome::FailureKind;

use super::fixtures::{self, ms, run};
use crate::report::{EndpointPoint, Report, Threshold, TimelinePoint, Window, html_text};
use crate::result::RunResult;

/// The page from its body to the end of the data, without styles and scripts.
fn body(report: &Report) -> String {
    let page = html_text(report);
    let (_, body) = page.split_once("<body>\n").expect("a body");
    let (body, _) = body.split_once("\n<script>").expect("scripts behind it");
    // Empty cells aside, no line ends in a space.
    body.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The data of the charts.
fn data(page: &str) -> Value {
    let (_, data) = page.split_once("id=\"data\">").expect("data");
    let (data, _) = data.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn the_body_has_every_section() {
    let report = |result: &RunResult| Report::from_result(result);
    insta::assert_snapshot!("passing_html", body(&report(&fixtures::passing())));
    insta::assert_snapshot!("failing_html", body(&report(&fixtures::failing())));
    insta::assert_snapshot!("no_request_html", body(&report(&fixtures::no_request())));
}

#[test]
fn the_page_may_load_nothing_and_names_nothing_to_load() {
    let page = html_text(&Report::from_result(&fixtures::passing()));
    assert!(page.contains(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    ));
    let (head, rest) = page.split_once("<body>").expect("a body");
    for text in [head, rest] {
        for loads in [" src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
            assert!(!text.contains(loads), "{loads}");
        }
    }
    assert_eq!(page.matches(" href=").count(), 1, "the empty icon");
    assert!(page.contains("MIT License"), "the licence goes with the code");
}

#[test]
fn our_scripts_make_no_html_from_text() {
    let sources = [
        include_str!("../html/charts.js"),
        include_str!("../html/tables.js"),
        include_str!("../html/page.js"),
        include_str!("../html/vendor/uPlot.iife.min.js"),
    ];
    for source in sources {
        for makes in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!source.contains(makes), "{makes}");
        }
        assert!(!source.contains("</script") && !source.contains("<!--"), "it could not stand in a page");
    }
}

/// Tags and attributes of the page before its data: what would change if text could act.
fn shape(page: &str) -> Vec<String> {
    let (body, _) = page.split_once("<script type=").expect("data behind the body");
    let tags = body.split('<').skip(1).filter_map(|tag| tag.split_once('>'));
    tags.map(|(tag, _)| tag.to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_from_outside_becomes_a_tag(text in any::<String>(), ends in "[<>\"'&/=! a-]{0,12}") {
        let hostile = format!("{ends}</script><img src=x onerror=alert(1)>{text}");
        let page = |name: &str| {
            let requests = [(0, 10, 1500, Some((FailureKind::Other, name))), (0, 1500, 900, None)];
            let mut result = run(&[(name, name)], &requests, ms(3000));
            for text in [&mut result.scenario, &mut result.target, &mut result.workers[0].name, &mut result.classes[0].0] {
                name.clone_into(text);
            }
            result.notes.push(name.to_owned());
            result.replaced.push(name.to_owned());
            result.changes.push(crate::result::LoadChange { at: ms(1), what: name.into(), from: name.into(), to: name.into() });
            html_text(&Report::from_result(&result))
        };
        let (tame, page) = (page("x"), page(&hostile));
        prop_assert_eq!(shape(&page), shape(&tame));
        prop_assert_eq!(page.matches("</script>").count(), tame.matches("</script>").count());
        prop_assert!(data(&page)["marks"][0]["label"].is_string());
    }
}

/// A histogram over four decades.
fn histogram(seed: u64) -> String {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3).expect("bounds");
    for n in 1..4_000 {
        histogram.record_n(200 + n * n * (seed % 7 + 1) / 7, 1 + n * seed % 90).expect("within");
    }
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).expect("memory");
    STANDARD.encode(bytes)
}

/// An hour with 20 endpoints that all fail now and then.
fn an_hour() -> Report {
    let mut report = Report::from_result(&fixtures::failing());
    // As little regular as what is measured.
    let value = |n: u32, m: u32| Some(f64::from((n * 7919 + m * 104_729) % 99_991) / 83.0);
    report.timeline = (0..1200)
        .map(|n| TimelinePoint {
            t: n * 3,
            seconds: 3,
            users: u64::from(n % 5000),
            planned_users: 5000,
            requests: 40_000,
            failures: u64::from(n % 90),
            bytes_in: 0,
            head_bytes_in: 0,
            bytes_out: 0,
            rps: value(n, 1),
            p50_ms: value(n, 2),
            p95_ms: value(n, 3),
            p99_ms: value(n, 4),
            in_flight: u64::from(n % 1000),
            late: false,
        })
        .collect();
    let sample = report.endpoints[0].clone();
    let of_a_minute = histogram(1);
    report.endpoints = (0..20)
        .map(|at| {
            let mut endpoint = sample.clone();
            endpoint.name = format!("/api/v1/resource-{at}/items");
            endpoint.ok.histogram = Some(histogram(u64::from(at) + 1));
            endpoint.failed.histogram = Some(histogram(u64::from(at) + 2));
            let point = |n: u32| EndpointPoint {
                t: n * 60,
                seconds: 60,
                requests: 100_000,
                failures: u64::from(n % 40),
                rps: value(n, at + 5),
                p50_ms: value(n, at + 6),
                p95_ms: value(n, at + 7),
                p99_ms: value(n, at + 8),
                histogram: Some(of_a_minute.clone()),
            };
            endpoint.course = (0..60).map(point).collect();
            endpoint
        })
        .collect();
    report.totals.course.clone_from(&report.endpoints[0].course);
    report
}

#[test]
fn an_hour_with_twenty_endpoints_stays_small() {
    let page = html_text(&an_hour());
    assert!(page.len() < 300_000, "{} bytes", page.len());
    let data = data(&page);
    assert_eq!(data["timeline"]["t"].as_array().map(Vec::len), Some(1200));
    for at in 0..=20 {
        let row = &data["endpoints"][at.to_string()];
        assert_eq!(row["course"]["p99"].as_array().map(Vec::len), Some(60), "{at}");
        let bars = row["spread"]["ok"].as_array().map_or(0, Vec::len);
        assert!((1..=60).contains(&bars), "{at}: {bars}");
    }
}

#[test]
fn of_thousands_of_endpoints_those_with_most_requests_say_more() {
    let mut report = Report::from_result(&fixtures::passing());
    let sample = report.endpoints[0].clone();
    report.endpoints = (0..2_000)
        .map(|at| crate::report::Endpoint { name: format!("/{at}"), requests: at, ..sample.clone() })
        .collect();
    let page = html_text(&report);
    assert!(page.contains("1800 rows with fewer requests say no more than this"));
    assert!(page.contains("id=\"detail-1999\"") && !page.contains("id=\"detail-1799\""));
    assert!(page.contains("id=\"detail-2000\""), "all together says more");
}

#[test]
fn a_report_from_before_there_were_courses_is_shown() {
    let mut report = serde_json::to_value(Report::from_result(&fixtures::passing())).expect("encodes");
    report["totals"].as_object_mut().expect("a row").remove("course");
    for row in report["endpoints"].as_array_mut().expect("rows") {
        row.as_object_mut().expect("a row").remove("course");
    }
    let report: Report = serde_json::from_value(report).expect("decodes");
    assert_eq!(data(&html_text(&report))["endpoints"]["0"]["course"], Value::Null);
}

#[test]
fn what_happened_at_a_moment_is_marked_in_the_charts() {
    let mut report = Report::from_result(&fixtures::lost_worker());
    report.run.warmup_s = Some(2.0);
    let rule = |passed, window| Threshold {
        rule: "p95 < 5ms for 2s".into(),
        observed: Some(9.0),
        shown: "9.00 ms".into(),
        margin: Some(-0.8),
        room: String::new(),
        window,
        ended_at_s: None,
        passed,
    };
    let window = Some(Window { from_s: 7, to_s: 9 });
    report.thresholds = vec![rule(true, window), rule(false, window), rule(false, None)];
    let marks = data(&html_text(&report))["marks"].clone();
    let marks: Vec<_> =
        marks.as_array().expect("marks").iter().map(|mark| (&mark["t"], &mark["label"])).collect();
    let wanted = [
        (json!(2), "warm-up over"),
        (json!(4.26), "users 2 → 3"),
        (json!(7), "worst: p95 < 5ms for 2s"),
        (json!(9.12), "worker w2 lost"),
        (json!(12), "stop"),
    ];
    let wanted: Vec<_> = wanted.iter().map(|(t, label)| (t, json!(label))).collect();
    assert_eq!(marks, wanted.iter().map(|(t, label)| (*t, label)).collect::<Vec<_>>());
}
