//! The open model: arrivals at a rate, whatever the target does; every one of them begun or dropped.

use crate::support::{Bed, Report, seen, target};

const READERS: &str = "
users:
  reader: {weight: 2, tasks: {read: {steps: [get: /]}}}
  writer: {tasks: {write: {steps: [post: /echo]}}}
";

const SLOW: &str = "
users:
  visitor: {tasks: {wait: {steps: [get: /delay/50]}}}
load: {rate: 300/s, run_time: 2s, max_users: 6, users: 2}
";

/// Planned, begun, dropped; and that nothing is missed or missing, and what was dropped is said.
fn arrivals(report: &Report) -> (u64, u64, u64) {
    report.adds_up();
    assert_eq!((report.at("/run/complete"), report.counted("missed")), (&true.into(), 0));
    let said = report.list("/notes").iter().any(|note| note.to_string().contains("dropped"));
    assert_eq!(said, report.counted("dropped") > 0, "{:?}", report.list("/notes"));
    assert!(report.at("/run/spawn_rate").is_null());
    (report.counted("planned"), report.counted("iterations/begun"), report.counted("dropped"))
}

fn exactly_the_rate(workers: usize) {
    let target = target();
    let bed = Bed::new(&target.url(), READERS);
    bed.run("--rate 500/s -t 3s", workers).ended(0);
    let report = bed.report();
    let (planned, begun, dropped) = arrivals(&report);
    assert_eq!((planned, begun + dropped), (1500, 1500));
    assert_eq!((report.by_endpoint(), seen(&target)), (target.counts(), begun));
    for worker in report.list("/workers") {
        assert!(worker["lateness_ms_p99"].is_number(), "{worker}");
        assert!(worker["requests"].as_u64() > Some(0), "{worker}");
    }
    // Two of three arrivals are readers, whoever was dropped.
    let reads = target.counts()["GET /"];
    assert!(reads <= 1000 && reads + dropped >= 1000, "{reads} of {begun}");
}

#[test]
fn alone() {
    exactly_the_rate(0);
}

#[test]
fn three_workers() {
    exactly_the_rate(3);
}

#[test]
fn with_too_few_users_arrivals_are_dropped_and_counted() {
    let target = target();
    let bed = Bed::new(&target.url(), SLOW);
    bed.run("", 2).ended(0);
    let report = bed.report();
    let (planned, begun, dropped) = arrivals(&report);
    assert_eq!((planned, begun + dropped, seen(&target)), (600, 600, begun));
    // Six users of 50 ms each take 120 a second at most, and what they have in hand at the end.
    assert!(begun <= 2 * 120 + 6 && dropped >= 354, "{begun} begun");
    assert_eq!(report.number("/run/users_peak"), 6);
}
