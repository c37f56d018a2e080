//! Workers that come, go and die while a test runs.

use std::net::TcpListener;

use rustix::process::Signal;

use crate::support::process::until;
use crate::support::{Bed, Finished, Process, Report, TempDir, more, seen, target, worker};

const STEADY: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /, get: /delay/10]}}}}";

/// Waits until the coordinator shows a rate: a first second of every worker is there.
fn delivered(coordinator: &Process) {
    let is_measured = |line: &str| line.contains(" req/s ") && !line.contains(" 0.00 req/s ");
    until("a rate", || coordinator.stderr.text().lines().any(is_measured));
}

/// Worker `name` was lost in mid-run and the report says so.
fn names_the_lost(finished: &Finished, report: &Report, name: &str) {
    finished.ended(13);
    report.adds_up();
    assert_eq!(report.at("/run/complete"), false);
    let missing = report.list("/accounting/missing_intervals");
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0]["worker"], name);
    assert!(missing[0]["from_s"].as_u64() < missing[0]["to_s"].as_u64(), "{missing:?}");
    let row = report.list("/workers").iter().find(|row| row["name"] == name).expect("its row");
    assert_eq!(row["state"], "lost");
    assert!(row["lost_at_s"].as_f64() > Some(5.0), "{row:#}");
    let notes = format!("{:?}", report.list("/notes"));
    assert!(notes.contains(&format!("worker {name} is lost since second")), "{notes}");
    assert!(finished.stdout.contains(&format!("samples of worker {name}")), "{}", finished.stdout);
}

#[test]
fn the_only_worker_is_killed() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, mut workers) = bed.start("-u 4 -r 100", 1);
    // Something has been delivered then, something announced, and something neither.
    delivered(&coordinator);
    workers[0].signal(Signal::KILL);
    assert_eq!(workers[0].end(), None);
    let finished = Finished::of(&mut coordinator);
    let report = bed.report();
    names_the_lost(&finished, &report, "w0");
    assert_eq!(report.text("/run/stop_reason"), "no_workers");
    let announced = report.list("/accounting/missing_intervals")[0]["announced"].as_u64();
    assert!(announced <= Some(report.counted("unknown")), "{:#}", report.at("/accounting"));
    assert!(report.counted("ok") > 0);
    assert!(report.counted("sent") <= seen(&target) && report.counted("started") <= seen(&target) + 4);
}

#[test]
fn one_of_two_workers_is_killed_and_the_test_goes_on() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, workers) = bed.start("-u 4 -r 100 -t 8s", 2);
    delivered(&coordinator);
    workers[1].signal(Signal::KILL);
    coordinator.said("its 2 users start again on the others");
    more(&target, 20);
    let finished = Finished::of(&mut coordinator);
    let report = bed.report();
    names_the_lost(&finished, &report, "w1");
    assert_eq!(report.text("/run/stop_reason"), "run_time");
    let other = report.list("/workers").iter().find(|row| row["name"] == "w0").expect("its row");
    assert_eq!(other["state"], "finished");
    assert!(other["requests"].as_u64() > Some(300), "{other:#}");
    assert!(report.counted("sent") <= seen(&target));
}

#[test]
fn a_worker_told_to_go_delivers_everything_first() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, mut workers) = bed.start("-u 6 -r 100 -t 4s", 3);
    more(&target, 200);
    workers[1].signal(Signal::TERM);
    workers[1].said("leaving");
    assert_eq!(workers[1].end(), Some(0));
    more(&target, 50);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true);
    assert_eq!((report.counted("unknown"), report.counted("cancelled")), (0, 0));
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!(report.by_endpoint(), target.counts());
    assert_eq!(report.text("/run/stop_reason"), "run_time");
    let notes = format!("{:?}", report.list("/notes"));
    assert!(notes.contains("worker w1 left at second"), "{notes}");
}

#[test]
fn a_worker_joins_a_test_with_an_embedded_worker_and_waits_for_the_next_one() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, _workers) = bed.start("-u 4 -r 100 -t 4s", 0);
    more(&target, 20);
    let mut late = Process::start(worker(bed.dir.path(), &coordinator.address(), "late"));
    coordinator.said("worker late joined at second");
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true);
    assert_eq!(report.list("/workers").len(), 2);
    assert_eq!((report.counted("sent"), report.number("/users/peak")), (seen(&target), 4));
    // It stays, and keeps looking for a coordinator.
    late.said("the coordinator is gone");
    late.said("trying again in");
    late.signal(Signal::INT);
    assert_eq!(late.end(), Some(0));
}

#[test]
fn a_worker_without_a_coordinator_keeps_trying() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = port.expect("a port that was free a moment ago").to_string();
    let dir = TempDir::new();
    let mut lonely = Process::start(worker(dir.path(), &address, "lonely"));
    let sentence = format!("no coordinator at {address} (");
    until("a second attempt", || lonely.stderr.text().matches(&sentence).count() >= 2);
    lonely.said("trying again in");
    lonely.signal(Signal::TERM);
    assert_eq!(lonely.end(), Some(0));
}

#[test]
fn one_worker_runs_one_test_after_the_other() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a port that was free a moment ago").to_string();
    let mut worker = Process::start(worker(bed.dir.path(), &address, "steady"));
    for _ in 0..2 {
        let before = seen(&target);
        let mut command = crate::support::coordinator(bed.dir.path());
        command.arg(&bed.scenario).args(["--headless", "--bind", &address, "--expect-workers", "1"]);
        command.args(["-u", "3", "-r", "100", "-t", "1s", "--report", "report.json"]);
        Finished::of(&mut Process::start(command)).ended(0);
        let report = bed.report();
        report.adds_up();
        report.is_whole();
        assert_eq!(report.counted("sent"), seen(&target) - before);
    }
    worker.signal(Signal::TERM);
    assert_eq!(worker.end(), Some(0));
}

#[test]
fn a_worker_that_dies_before_the_start_is_replaced_by_the_next() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = Process::start(bed.coordinator("-u 4 -r 100 -t 1s --expect-workers 2"));
    let address = coordinator.address();
    let mut early = Process::start(worker(bed.dir.path(), &address, "early"));
    coordinator.said("waiting for workers: 1 of 2");
    early.signal(Signal::KILL);
    assert_eq!(early.end(), None);
    let _workers = ["a", "b"].map(|name| Process::start(worker(bed.dir.path(), &address, name)));
    Finished::of(&mut coordinator).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    let mut names: Vec<_> = report.list("/workers").iter().map(|row| row["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("a"), Some("b")]);
    assert_eq!(report.counted("sent"), seen(&target));
}
