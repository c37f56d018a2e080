//! `--iterations` and the pace of a user.

use rustix::process::Signal;

use crate::support::{Bed, Finished, more, seen, target};

const QUICK: &str = "users: {visitor: {tasks: {main: {steps: [get: /]}}}}";

fn exactly(workers: usize) {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let finished = bed.run("-i 203 -u 7 -r 200", workers);
    finished.ended(0);
    assert!(finished.stdout.contains("iterations planned 203 = begun 203"), "{}", finished.stdout);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.text("/run/stop_reason"), "iterations");
    assert_eq!((report.counted("planned"), report.counted("iterations/begun")), (203, 203));
    assert_eq!((report.counted("iterations/completed"), report.counted("dropped")), (203, 0));
    assert_eq!((report.counted("sent"), seen(&target)), (203, 203));
}

#[test]
fn exactly_so_many_alone() {
    exactly(0);
}

#[test]
fn exactly_so_many_on_one_worker() {
    exactly(1);
}

#[test]
fn exactly_so_many_on_three_workers() {
    exactly(3);
}

#[test]
fn a_run_time_that_ends_first_leaves_some_unbegun() {
    let target = target();
    let users = "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}";
    let bed = Bed::new(&target.url(), users);
    bed.run("-i 5000 -u 6 -r 50 -t 1500ms", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.text("/run/stop_reason"), "run_time");
    let begun = report.counted("iterations/begun");
    assert!(0 < begun && begun < 500, "{begun}");
    assert_eq!((report.counted("planned"), report.counted("dropped")), (5000, 5000 - begun));
    assert_eq!(seen(&target), begun);
}

#[test]
fn pacing_is_from_start_to_start() {
    let target = target();
    // Without pacing's own clock the 60 ms of each answer would make it 12.
    let users = "users: {visitor: {wait: {pacing: 200ms}, tasks: {main: {steps: [get: /delay/60]}}}}";
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 1 -t 3s", 1).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert!((14..=16).contains(&seen(&target)), "{}", seen(&target));
    assert_eq!(report.counted("ok"), seen(&target));
}

#[test]
fn what_a_leaving_worker_has_not_begun_others_do() {
    let target = target();
    let users = "users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: /]}}}}";
    let bed = Bed::new(&target.url(), users);
    let (mut coordinator, mut workers) = bed.start("-i 1001 -u 4 -r 100", 2);
    more(&target, 100);
    workers[0].signal(Signal::TERM);
    assert_eq!(workers[0].end(), Some(0));
    Finished::of(&mut coordinator).ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true);
    assert_eq!(report.text("/run/stop_reason"), "iterations");
    assert_eq!((report.counted("iterations/begun"), report.counted("dropped")), (1001, 0));
    assert_eq!(seen(&target), 1001);
}

#[test]
fn what_a_killed_worker_held_is_named_as_missed() {
    let target = target();
    let users = "users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: /]}}}}";
    let bed = Bed::new(&target.url(), users);
    let (mut coordinator, workers) = bed.start("-i 1501 -u 4 -r 100", 2);
    more(&target, 200);
    workers[0].signal(Signal::KILL);
    let finished = Finished::of(&mut coordinator);
    finished.ended(13);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.text("/run/stop_reason"), "iterations");
    assert!(report.counted("missed") > 0 && report.counted("dropped") == 0, "{:#}", report.at("/accounting"));
    assert!(seen(&target) <= 1501 && report.counted("iterations/begun") <= 1501);
}
