//! Lines that break and processes that freeze: what is delivered late is not lost, and is counted once.

use demo_target::DemoTarget;
use rustix::process::Signal;

use crate::support::process::until;
use crate::support::proxy::Proxy;
use crate::support::{Bed, Finished, Process, Report, more, seen, target, worker};

const STEADY: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /, get: /delay/10]}}}}";

/// A worker that leaves after one test.
fn once(bed: &Bed, address: &str, name: &str) -> Process {
    let mut command = worker(bed.dir.path(), address, name);
    command.arg("--once");
    Process::start(command)
}

/// Everything that was sent is in the report, and nothing else.
fn lost_nothing(report: &Report, target: &DemoTarget) {
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true, "{:#}", report.at("/accounting"));
    assert_eq!((report.counted("unknown"), report.counted("cancelled")), (0, 0));
    assert_eq!(report.counted("sent"), seen(target));
    assert_eq!(report.by_endpoint(), target.counts());
}

#[test]
fn a_line_that_breaks_and_comes_back_loses_nothing() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = Process::start(bed.coordinator("-u 4 -r 100 -t 6s --expect-workers 2"));
    let address = coordinator.address();
    let proxy = Proxy::to(&address);
    let mut workers = [once(&bed, &address, "straight"), once(&bed, &proxy.address(), "cut")];
    more(&target, 150);
    proxy.cut();
    workers[1].said("the line to the coordinator broke");
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
    lost_nothing(&bed.report(), &target);
}

#[test]
fn a_line_that_is_broken_at_the_end_is_waited_for() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = Process::start(bed.coordinator("-u 2 -r 100 -t 2s --expect-workers 1"));
    let proxy = Proxy::to(&coordinator.address());
    let mut worker = once(&bed, &proxy.address(), "cut");
    more(&target, 60);
    proxy.cut();
    worker.said("every user has ended");
    coordinator.said("draining");
    proxy.mend();
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    assert_eq!(worker.end(), Some(0));
    let report = bed.report();
    lost_nothing(&report, &target);
    assert_eq!(report.text("/run/stop_reason"), "run_time");
}

#[test]
fn a_line_that_breaks_does_not_change_the_number_of_iterations() {
    let target = target();
    let bed = Bed::new(&target.url(), "users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: /]}}}}");
    let mut coordinator = Process::start(bed.coordinator("-u 4 -r 100 -i 1501 --expect-workers 2"));
    let address = coordinator.address();
    let proxy = Proxy::to(&address);
    let workers = [once(&bed, &address, "straight"), once(&bed, &proxy.address(), "cut")];
    let times = |text: &str| workers[1].stderr.text().matches(text).count();
    for cuts in 1..=3 {
        more(&target, 100);
        proxy.cut();
        until("it breaks", || times("the line to the coordinator broke") == cuts);
        more(&target, 50);
        proxy.mend();
        until("it is back", || times("connected to the coordinator") == cuts + 1);
    }
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let report = bed.report();
    lost_nothing(&report, &target);
    assert_eq!((report.counted("iterations/begun"), report.counted("sent")), (1501, 1501));
}

#[test]
fn a_frozen_worker_goes_on_where_it_was() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, workers) = bed.start("-u 4 -r 100 -t 5s", 2);
    more(&target, 100);
    workers[0].signal(Signal::STOP);
    // The other alone: some two seconds.
    more(&target, 200);
    workers[0].signal(Signal::CONT);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    lost_nothing(&bed.report(), &target);
}

#[test]
fn a_frozen_coordinator_loses_nobody() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, workers) = bed.start("-u 4 -r 100 -t 9s", 2);
    more(&target, 100);
    coordinator.signal(Signal::STOP);
    for worker in &workers {
        worker.said("users hold");
    }
    coordinator.signal(Signal::CONT);
    more(&target, 100);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let report = bed.report();
    lost_nothing(&report, &target);
    assert_eq!((report.at("/run/complete"), report.counted("unknown")), (&true.into(), 0));
    let notes = format!("{:?}", report.list("/notes"));
    assert!(notes.contains("the coordinator stood still from second"), "{notes}");
    for mut worker in workers {
        assert_eq!(worker.end(), Some(0));
    }
}

#[test]
fn a_worker_frozen_beyond_its_lease_is_back_with_what_it_has() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut coordinator, workers) = bed.start("-u 4 -r 100 -t 10s", 2);
    more(&target, 200);
    workers[0].signal(Signal::STOP);
    coordinator.said("worker w0 is lost");
    workers[0].signal(Signal::CONT);
    coordinator.said("worker w0 is back");
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    lost_nothing(&bed.report(), &target);
}
