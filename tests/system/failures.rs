//! Targets that do not answer as they should: which kind of failure it is, and what the run's verdict is.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::process::until;
use crate::support::{Bed, Finished, Report, seen, target};

/// Every failure has this kind and all of them are on `GET name`; exit code 1.
fn failed(bed: &Bed, finished: &Finished, kind: &str, name: &str) -> Report {
    finished.ended(1);
    assert!(finished.stdout.starts_with("Stampede: failed."), "{}", finished.stdout);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.text("/run/verdict"), "failed");
    let kinds = report.by_kind();
    assert_eq!(kinds.keys().collect::<Vec<_>>(), [kind], "{:#}", report.at("/errors"));
    assert!(report.counted("failed") > 0);
    assert!(finished.stdout.contains(&format!("GET {name}  {kind}: ")), "{}", finished.stdout);
    report
}

#[test]
fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", port.expect("a port that was free a moment ago"));
    let bed = Bed::new(&url, "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}");
    let report = failed(&bed, &bed.run("-u 3 -r 100 -t 1s", 1), "connect", "/");
    assert_eq!((report.counted("sent"), report.counted("ok")), (0, 0), "nothing was written to anybody");
    assert!(report.list("/errors")[0]["message"].as_str().is_some_and(|text| text.contains("refused")));
}

#[test]
fn the_target_hangs() {
    let target = target();
    let users = "users: {visitor: {tasks: {main: {steps: [{get: /hang, timeout: 300ms}]}}}}";
    let bed = Bed::new(&target.url(), users);
    let report = failed(&bed, &bed.run("-u 4 -r 100 -t 1500ms", 1), "timeout", "/hang");
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!(report.counted("failed"), seen(&target));
    // Gone by the timeout, not before and not much later.
    let (min, max) = (report.at("/totals/min_ms").as_f64(), report.at("/totals/max_ms").as_f64());
    assert!(min >= Some(300.0) && max < Some(1000.0), "{min:?} {max:?}");
}

#[test]
fn the_target_closes_connections() {
    let target = target();
    let users = "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /close]}}}}";
    let bed = Bed::new(&target.url(), users);
    let report = failed(&bed, &bed.run("-u 3 -r 100 -t 1s", 1), "closed", "/close");
    assert_eq!(report.counted("sent"), seen(&target), "no request was sent a second time by itself");
    assert_eq!(report.counted("failed"), seen(&target));
}

#[test]
fn an_expectation_does_not_hold() {
    let target = target();
    let users =
        "users: {visitor: {wait: 50ms, tasks: {main: {steps: [{get: /, expect: {body: {contains: Cat}}}]}}}}";
    let bed = Bed::new(&target.url(), users);
    let finished = bed.run("-u 2 -r 100 -t 500ms --exit-code-on-error 42", 0);
    finished.ended(42);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.by_kind().keys().collect::<Vec<_>>(), ["expect"]);
    assert_eq!(report.counted("failed"), seen(&target));
}

#[test]
fn a_first_signal_drains_and_reports() {
    let target = target();
    let users = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /delay/300, get: /]}}}}";
    for signal in [Signal::INT, Signal::TERM] {
        let bed = Bed::new(&target.url(), users);
        let before = seen(&target);
        let (mut coordinator, workers) = bed.start("-u 4 -r 100", 2);
        until("users are at work", || seen(&target) >= before + 4);
        coordinator.signal(signal);
        let finished = Finished::of(&mut coordinator);
        finished.ended(0);
        assert!(finished.stdout.starts_with("Stampede: passed."), "{}", finished.stdout);
        assert!(finished.stderr.contains("draining"), "{}", finished.stderr);
        let report = bed.report();
        report.adds_up();
        report.is_whole();
        assert_eq!(report.text("/run/stop_reason"), "signal");
        assert_eq!(report.counted("cancelled"), 0, "every iteration was finished");
        assert_eq!(report.counted("sent"), seen(&target) - before);
        for mut worker in workers {
            assert_eq!(worker.end(), Some(0));
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let target = target();
    let users = "users: {visitor: {tasks: {main: {steps: [get: /hang]}}}}";
    for workers in [0, 1] {
        let bed = Bed::new(&target.url(), users);
        let before = seen(&target);
        let (mut coordinator, _workers) = bed.start("-u 3 -r 100 --stop-timeout 60s", workers);
        until("users hang", || seen(&target) == before + 3);
        coordinator.signal(Signal::INT);
        coordinator.said("draining");
        coordinator.signal(Signal::INT);
        let second = Instant::now();
        let finished = Finished::of(&mut coordinator);
        assert!(second.elapsed() < Duration::from_secs(5), "{:?}", second.elapsed());
        finished.ended(130);
        let report = bed.report();
        report.adds_up();
        assert_eq!(report.at("/run/aborted"), true);
        assert_eq!((report.counted("sent"), report.counted("cancelled")), (3, 3));
    }
}
