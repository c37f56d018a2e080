//! Counts: what the report says was sent is what the target saw, to the request.

use std::collections::BTreeMap;

use demo_target::DemoTarget;

use crate::support::{Bed, Report, seen, target};

/// Answers, failing statuses, redirects, bodies both ways.
const MIX: &str = "
users:
  mixed:
    wait: 10ms..30ms
    tasks:
      index: {weight: 3, steps: [get: /]}
      two: {steps: [get: /delay/3, post: /echo, get: /bytes/5000]}
      failing: {steps: [get: /status/503]}
      redirected: {steps: [get: /redirect/2]}
";

/// Only requests that come to an end, so each row must be exact.
fn check_mix(target: &DemoTarget, report: &Report) {
    report.adds_up();
    report.is_whole();
    let mut rows = target.counts();
    // `/redirect/2` leads over `/redirect/1` to `/`.
    let led = rows.remove("GET /redirect/1").expect("redirected");
    assert_eq!(rows.get("GET /redirect/2"), Some(&led));
    *rows.entry("GET /".to_owned()).or_default() -= led;
    *rows.entry("GET /redirect/2".to_owned()).or_default() += 2 * led;
    assert_eq!(report.by_endpoint(), rows);
    assert_eq!(report.counted("sent"), seen(target));
    assert_eq!(report.counted("cancelled"), 0);
    let failing = target.counts()["GET /status/503"];
    assert!(failing > 0);
    assert_eq!(report.counted("failed"), failing);
    assert_eq!(report.by_kind(), BTreeMap::from([("status".to_owned(), failing)]));
}

fn mix(workers: usize) {
    let target = target();
    let bed = Bed::new(&target.url(), MIX);
    bed.run("-u 12 -r 20 -t 3s", workers).ended(1);
    let report = bed.report();
    check_mix(&target, &report);
    assert_eq!(report.list("/workers").len(), workers.max(1));
    assert_eq!(report.number("/run/users_peak"), 12);
    assert!(report.list("/workers").iter().all(|worker| worker["requests"].as_u64() > Some(50)));
}

#[test]
fn alone() {
    mix(0);
}

#[test]
fn two_workers() {
    mix(2);
}

#[test]
fn four_workers() {
    mix(4);
}

#[test]
fn what_a_drain_cancels_was_sent_all_the_same() {
    let target = target();
    let users = "
users:
  slow: {tasks: {main: {steps: [get: /, get: /delay/2000]}}}
load: {stop_timeout: 200ms}
";
    let bed = Bed::new(&target.url(), users);
    // The last user starts in the first second; its second request takes longer than is left.
    bed.run("-u 10 -r 20 -t 1500ms", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!((report.counted("ok"), report.counted("cancelled")), (10, 10));
    assert_eq!(report.counted("iterations/cancelled"), 10);
    assert_eq!(target.counts()["GET /delay/2000"], 10);
}
