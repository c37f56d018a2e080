//! A run that is watched by other processes: they see it to its end, and one of them changes it where that is allowed.

use std::process::Command;

use crate::support::process::until;
use crate::support::terminal::Terminal;
use crate::support::{Bed, Finished, Process, coordinator, seen, target};

const TOKEN: &str = "correct-horse-battery";

const STEADY: &str = "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}";

/// `coordinator watch ADDRESS`.
fn watching(bed: &Bed, address: &str, flags: &str) -> Command {
    let mut command = coordinator(bed.dir.path());
    command.args(["watch", address]).args(flags.split_whitespace()).env("STAMPEDE_TOKEN", TOKEN);
    command
}

/// A run of three users that shows nothing itself.
fn conducted(bed: &Bed, flags: &str) -> Process {
    let mut command = bed.coordinator(&format!("-u 3 -r 100 --threads 1 {flags}"));
    command.env("STAMPEDE_TOKEN", TOKEN);
    Process::start(command)
}

#[test]
fn two_watch_a_run_to_its_end() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = conducted(&bed, "-t 3s");
    let address = coordinator.address();
    let mut watchers = [(); 2].map(|()| Process::start(watching(&bed, &address, "--headless")));
    for watcher in &mut watchers {
        let finished = Finished::of(watcher);
        finished.ended(0);
        assert!(finished.stderr.contains("users 3/3"), "{}", finished.stderr);
        assert!(finished.stderr.trim_end().ends_with("finished"), "{}", finished.stderr);
        assert!(!finished.stderr.contains(TOKEN));
    }
    Finished::of(&mut coordinator).ended(0);
    bed.report().adds_up();
}

#[test]
fn who_cannot_watch_is_told_why() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = conducted(&bed, "-t 20s");
    let address = coordinator.address();
    let mut stranger = watching(&bed, &address, "--headless");
    stranger.env("STAMPEDE_TOKEN", "correct-horse-batterz");
    let refused = Finished::of(&mut Process::start(stranger));
    refused.ended(11);
    let said = "the token that was shown is not this coordinator's";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    // A run that made no request has not passed.
    until("a request", || seen(&target) > 0);
    coordinator.signal(rustix::process::Signal::TERM);
    Finished::of(&mut coordinator).ended(0);
    let nobody = Finished::of(&mut Process::start(watching(&bed, &address, "--headless")));
    nobody.ended(11);
    assert!(nobody.stderr.contains(&format!("cannot watch {address}")), "{}", nobody.stderr);
}

/// Presses `keys` at a screen that watches a run with these flags, and waits until `done` holds; the report.
fn pressed(flags: &str, keys: &[u8], done: impl Fn(&Process, u64) -> bool) -> crate::support::Report {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = conducted(&bed, flags);
    let mut terminal = Terminal::new();
    let before = terminal.modes();
    let mut command = watching(&bed, &coordinator.address(), "");
    command.env("TERM", "xterm-256color");
    // Before that a key would mean nothing.
    coordinator.said("steady at 3 users");
    let mut watcher = terminal.start(command);
    until("a screen", || watcher.stdout.text().contains("\u{1b}[?1049h"));
    let begun = seen(&target);
    terminal.press(keys);
    until("what the keys are for", || done(&coordinator, seen(&target) - begun));
    terminal.press(b"q");
    assert_eq!(watcher.end(), Some(0), "{}", watcher.stderr.text());
    assert_eq!(terminal.modes(), before);
    // The run goes on without it.
    let left = seen(&target);
    until("requests after it left", || seen(&target) > left + 3);
    coordinator.signal(rustix::process::Signal::TERM);
    Finished::of(&mut coordinator).ended(0);
    let report = bed.report();
    report.adds_up();
    report
}

#[test]
fn a_key_at_a_watcher_changes_the_run_where_that_is_allowed() {
    let report = pressed("--allow-control", b"w", |run, _| run.stderr.text().contains("users 4/4"));
    assert_eq!(report.text("/run/changes/0/what"), "users");
    assert_eq!((report.text("/run/changes/0/from"), report.text("/run/changes/0/to")), ("3", "4"));
    assert_eq!(report.text("/run/stop_reason"), "signal");
}

#[test]
fn a_key_at_a_watcher_changes_nothing_where_it_is_not() {
    let report = pressed("", b"w", |_, requests| requests > 20);
    assert_eq!(report.at("/run/changes").as_array().map(Vec::len), Some(0));
}
