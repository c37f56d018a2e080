//! A coordinator that dies in the middle of a test, and another process that goes on with it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use demo_target::DemoTarget;
use rustix::process::Signal;

use crate::support::process::until;
use crate::support::{Bed, Finished, Process, coordinator, more, seen, target};

const STEADY: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /, get: /delay/10]}}}}";

/// Waits until the coordinator shows a rate: a first second of every worker is there.
fn delivered(coordinator: &Process) {
    let is_measured = |line: &str| line.contains(" req/s ") && !line.contains(" 0.00 req/s ");
    until("a rate", || coordinator.stderr.text().lines().any(is_measured));
}

fn kill(coordinator: &mut Process) {
    coordinator.signal(Signal::KILL);
    assert_eq!(coordinator.end(), None);
}

fn resumed(bed: &Bed) -> Process {
    let mut command = coordinator(bed.dir.path());
    command.args(["resume", "journal", "--headless"]);
    Process::start(command)
}

/// Waits until the target has had no request for half a second.
fn quiet(target: &DemoTarget) {
    let last = Cell::new((seen(target), Instant::now()));
    until("no requests", || {
        let now = seen(target);
        if now != last.get().0 {
            last.set((now, Instant::now()));
        }
        last.get().1.elapsed() > Duration::from_millis(500)
    });
}

/// The test ended as if nothing had happened, and says that something did.
fn whole(bed: &Bed, target: &DemoTarget, finished: &Finished) {
    finished.ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.by_endpoint(), target.counts());
    assert_eq!(report.at("/run/complete"), true);
    assert!(report.list("/accounting/missing_intervals").is_empty());
    assert_eq!(report.counted("unknown"), 0);
    assert_eq!(report.text("/run/stop_reason"), "run_time");
    assert_eq!(report.list("/workers").len(), 2);
    let notes = format!("{:?}", report.list("/notes"));
    assert!(notes.contains("the coordinator was away from second"), "{notes}");
    assert!(!notes.contains("is lost"), "{notes}");
}

#[test]
fn resumed_at_once_the_load_never_stops() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut first, workers) = bed.start("-u 6 -r 100 -t 6s --journal journal", 2);
    delivered(&first);
    kill(&mut first);
    more(&target, 20);
    let mut second = resumed(&bed);
    let finished = Finished::of(&mut second);
    for mut worker in workers {
        assert_eq!(worker.end(), Some(0), "{}", worker.stderr.whole());
    }
    whole(&bed, &target, &finished);
    // It is over: told again, nothing runs.
    let before = seen(&target);
    let again = Finished::of(&mut resumed(&bed));
    again.ended(0);
    let table =
        |text: &str| text.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(table(&again.stdout), table(&finished.stdout));
    assert!(!table(&again.stdout).is_empty());
    assert_eq!(seen(&target), before);
}

#[test]
fn resumed_after_the_lease_the_load_comes_back() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut first, workers) = bed.start("-u 6 -r 100 -t 9s --lease 1s --journal journal", 2);
    delivered(&first);
    kill(&mut first);
    quiet(&target);
    let mut second = resumed(&bed);
    more(&target, 50);
    let finished = Finished::of(&mut second);
    for mut worker in workers {
        assert_eq!(worker.end(), Some(0), "{}", worker.stderr.whole());
    }
    whole(&bed, &target, &finished);
}

#[test]
fn killed_twice_nothing_is_lost() {
    let target = target();
    let bed =
        Bed::new(&target.url(), "users: {visitor: {tasks: {main: {steps: [get: /, get: /delay/1500]}}}}");
    let (mut first, workers) = bed.start("-u 4 -r 100 -t 5s --journal journal", 2);
    delivered(&first);
    kill(&mut first);
    let mut second = resumed(&bed);
    // The workers may be back already, or not yet.
    second.said("listening on");
    more(&target, 4);
    kill(&mut second);
    let finished = Finished::of(&mut resumed(&bed));
    for mut worker in workers {
        assert_eq!(worker.end(), Some(0), "{}", worker.stderr.whole());
    }
    whole(&bed, &target, &finished);
}

#[test]
fn an_embedded_worker_dies_with_its_coordinator_and_is_named() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (mut first, _) = bed.start("-u 4 -r 100 -t 6s --journal journal", 0);
    delivered(&first);
    kill(&mut first);
    let before = seen(&target);
    let mut second = resumed(&bed);
    until("requests of the next one", || seen(&target) > before + 20);
    let finished = Finished::of(&mut second);
    finished.ended(13);
    let report = bed.report();
    report.adds_up();
    let missing = report.list("/accounting/missing_intervals");
    assert_eq!((missing.len(), &missing[0]["worker"]), (1, &"local".into()), "{missing:?}");
    assert_eq!(report.list("/workers").len(), 2);
    assert_eq!(report.text("/run/stop_reason"), "run_time");
    assert!(report.counted("sent") <= seen(&target));
}

#[test]
fn a_folder_that_cannot_be_used_is_said_before_anything_runs() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let nothing = Finished::of(&mut resumed(&bed));
    nothing.ended(2);
    assert!(nothing.stderr.contains("there is no journal"), "{}", nothing.stderr);
    bed.run("-i 2 --journal journal", 0).ended(0);
    let taken = bed.run("-i 2 --journal journal", 0);
    taken.ended(2);
    assert!(taken.stderr.contains("the journal of another run"), "{}", taken.stderr);
    assert_eq!(seen(&target), 4);
    let mut command = coordinator(bed.dir.path());
    command.args(["--demo", "--headless", "--journal", "other"]);
    let demo = Finished::of(&mut Process::start(command));
    demo.ended(2);
    assert!(demo.stderr.contains("--journal with --demo"), "{}", demo.stderr);
}
