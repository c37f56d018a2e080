//! Workers that come, go and die while a test runs.

use std::net::TcpListener;

use demo_target::DemoTarget;
use rustix::process::Signal;

use crate::support::process::until;
use crate::support::proxy::Proxy;
use crate::support::{Bed, Finished, Process, Report, TempDir, seen, target, worker};

const STEADY: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /, get: /delay/10]}}}}";

/// Waits until the target has seen `more` requests from now on.
fn more(target: &DemoTarget, more: u64) {
    let before = seen(target);
    until("requests", || seen(target) >= before + more);
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
    // Of the second second something has been delivered, something announced, and something neither.
    more(&target, 300);
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
    more(&target, 300);
    workers[1].signal(Signal::KILL);
    coordinator.said("its 2 users are not replaced");
    // The other's users go on.
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
fn a_worker_that_comes_later_waits_for_the_next_test() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    for workers in [0, 1] {
        let before = seen(&target);
        let (mut coordinator, _workers) = bed.start("-u 2 -r 100 -t 3s", workers);
        more(&target, 20);
        let mut late = Process::start(worker(bed.dir.path(), &coordinator.address(), "late"));
        late.said("a test is under way");
        late.said("takes part in the next one");
        let finished = Finished::of(&mut coordinator);
        finished.ended(0);
        let report = bed.report();
        report.adds_up();
        report.is_whole();
        assert_eq!(report.list("/workers").len(), 1);
        assert_eq!(report.counted("sent"), seen(&target) - before);
        // It stays, and keeps looking for a coordinator.
        late.said("the coordinator is gone");
        late.said("trying again in");
        late.signal(Signal::INT);
        assert_eq!(late.end(), Some(0));
    }
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
fn a_line_that_breaks_and_comes_back_loses_nothing() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut command = bed.coordinator("-u 4 -r 100 -t 6s --expect-workers 2");
    command.arg("-v");
    let mut coordinator = Process::start(command);
    let address = coordinator.address();
    let proxy = Proxy::to(&address);
    let start = |address: &str, name| {
        let mut command = worker(bed.dir.path(), address, name);
        command.arg("--once");
        Process::start(command)
    };
    let mut workers = [start(&address, "straight"), start(&proxy.address(), "cut")];
    more(&target, 150);
    proxy.cut();
    workers[1].said("the line to the coordinator broke; users go on");
    coordinator.said("worker cut disconnected");
    // More than a second's worth of requests, of both workers.
    more(&target, 200);
    proxy.mend();
    until("it is back", || workers[1].stderr.text().matches("connected to the coordinator").count() == 2);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    for worker in &mut workers {
        assert_eq!(worker.end(), Some(0));
    }
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true);
    assert_eq!((report.counted("unknown"), report.counted("cancelled")), (0, 0));
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!(report.by_endpoint(), target.counts());
}
