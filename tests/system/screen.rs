//! The coordinator on a terminal: keys, and that the terminal is as before when it ends.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::process::until;
use crate::support::terminal::Terminal;
use crate::support::{Bed, Finished, coordinator, more, seen, target};

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// `coordinator SCENARIO` as a person types it.
fn typed(bed: &Bed) -> Command {
    let mut command = coordinator(bed.dir.path());
    command.arg(&bed.scenario).args([
        "-u",
        "3",
        "-r",
        "100",
        "--report",
        "report.json",
        "--bind",
        "127.0.0.1:0",
    ]);
    command.env("TERM", "xterm-256color");
    command
}

/// Runs `get: path` on a terminal, presses `keys` one after the other once users are at work, and sees it end with
/// `code`. What the terminal shows after the screen was left.
fn pressed(path: &str, keys: &[&[u8]], code: i32) -> (Bed, String) {
    let target = target();
    let users = format!("users: {{visitor: {{wait: 50ms, tasks: {{main: {{steps: [get: {path}]}}}}}}}}");
    let bed = Bed::new(&target.url(), &users);
    let mut terminal = Terminal::new();
    let before = terminal.modes();
    let mut process = terminal.start(typed(&bed));
    until("users at work", || seen(&target) >= 3);
    until("a screen", || process.stdout.text().contains(ENTER));
    assert_ne!(terminal.modes(), before, "keys come one by one");
    for (number, key) in keys.iter().enumerate() {
        terminal.press(key);
        if number + 1 < keys.len() {
            until("draining", || process.stdout.text().to_lowercase().contains("draining"));
        }
    }
    assert_eq!(process.end(), Some(code), "{}", process.stderr.text());
    assert_eq!(terminal.modes(), before);
    drop(terminal);
    let Finished { stdout, stderr, .. } = Finished::of(&mut process);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let (_, left) = stdout.rsplit_once(LEAVE).expect("the screen was left");
    assert!(!left.contains(ENTER), "and not entered again");
    assert!(left.contains("\u{1b}[?25h"), "the cursor is there again");
    bed.report().adds_up();
    (bed, left.to_owned())
}

#[test]
fn q_ends_the_test_and_leaves_the_table() {
    let (bed, left) = pressed("/", &[b"q"], 0);
    assert!(left.contains("Stampede: passed."), "{left}");
    assert!(left.contains("| Type | Name"), "{left}");
    assert!(left.contains("Aggregated"), "{left}");
    assert!(left.contains("report.json"), "{left}");
    let report = bed.report();
    report.is_whole();
    assert_eq!(report.text("/run/stop_reason"), "user");
}

#[test]
fn q_does_not_make_a_failed_test_pass() {
    let (_, left) = pressed("/status/500", &[b"q"], 1);
    assert!(left.contains("Stampede: failed.") && left.contains("status: "), "{left}");
}

#[test]
fn control_c_once_drains_and_twice_aborts() {
    let (bed, left) = pressed("/delay/100", &[b"\x03"], 0);
    assert!(left.contains("Stampede: passed."), "{left}");
    assert_eq!(bed.report().text("/run/stop_reason"), "signal");
    drop(bed);
    let (bed, left) = pressed("/hang", &[b"\x03", b"\x03"], 130);
    assert!(left.contains("Stampede: failed."), "{left}");
    assert_eq!(bed.report().at("/run/aborted"), true);
}

#[test]
fn the_final_screen_stays_until_a_key_is_pressed() {
    let target = target();
    let bed = Bed::new(&target.url(), "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}");
    for last in [Some(b" "), None] {
        let mut terminal = Terminal::new();
        let before = terminal.modes();
        let mut command = typed(&bed);
        command.args(["-t", "500ms", "--stay"]);
        let mut process = terminal.start(command);
        // Only what changes is drawn anew: of words there may be parts.
        until("the final screen", || process.stdout.text().contains('■'));
        assert!(!process.stdout.text().contains(LEAVE), "it is still there");
        match last {
            Some(key) => terminal.press(key),
            None => process.signal(Signal::TERM),
        }
        assert_eq!(process.end(), Some(0), "{}", process.stderr.text());
        assert_eq!(terminal.modes(), before);
        drop(terminal);
        let Finished { stdout, .. } = Finished::of(&mut process);
        let (_, left) = stdout.rsplit_once(LEAVE).expect("the screen was left");
        assert!(left.contains("Stampede: passed."), "{left}");
    }
}

#[test]
fn on_ci_there_is_no_screen() {
    let target = target();
    let users = "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}";
    let bed = Bed::new(&target.url(), users);
    let terminal = Terminal::new();
    let before = terminal.modes();
    let mut command = typed(&bed);
    command.args(["-t", "500ms"]).env("CI", "true");
    let mut process = terminal.start(command);
    assert_eq!(process.end(), Some(0));
    assert_eq!(terminal.modes(), before);
    drop(terminal);
    let Finished { stdout, stderr, .. } = Finished::of(&mut process);
    assert!(stdout.starts_with("Stampede: passed."), "{stdout}");
    assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{stdout}\n{stderr}");
    assert!(stderr.contains("ramping to 3 users"), "{stderr}");
}

#[test]
fn users_are_added_and_called_off_by_hand() {
    let target = target();
    let bed = Bed::new(&target.url(), "users: {visitor: {wait: 50ms, tasks: {main: {steps: [get: /]}}}}");
    let mut terminal = Terminal::new();
    let mut process = terminal.start(typed(&bed));
    until("users at work", || seen(&target) >= 3);
    until("a screen", || process.stdout.text().contains("steady"));
    // Most of the ten are called off before they have started.
    terminal.press(b"WSw");
    more(&target, 100);
    terminal.press(b"q");
    assert_eq!(process.end(), Some(0), "{}", process.stderr.text());
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    let change = |change: &Value| format!("{} to {}", change["what"], change["to"]).replace('"', "");
    let changes: Vec<_> = report.list("/run/changes").iter().map(change).collect();
    assert_eq!(changes, ["users to 13", "users to 3", "users to 4"]);
    assert_eq!(report.counted("sent"), seen(&target));
}

#[test]
fn keys_pause_a_test_skip_a_stage_and_change_the_load() {
    let target = target();
    let bed = Bed::new(
        &target.url(),
        "users: {visitor: {wait: 20ms, tasks: {main: {steps: [{get: /, headers: {x-user: '${user.id}'}}]}}}}\n\
         load: {stages: [{to: 2, over: 0s}, {to: 2, over: 10m}, {to: 6, over: 0s}, {to: 6, over: 10m}]}\n",
    );
    let mut command = coordinator(bed.dir.path());
    command.arg(&bed.scenario).args(["--report", "report.json", "--bind", "127.0.0.1:0"]);
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::new();
    let mut process = terminal.start(command);
    let works = |user: &str| target.log().iter().any(|entry| entry.headers["x-user"] == user);
    until("users at work", || works("1"));
    until("the screen to know of it", || process.stdout.text().contains("steady"));
    terminal.press(b"p");
    until("a pause", || process.stdout.text().contains('‖'));
    terminal.press(b"p");
    let shown = || process.stdout.text();
    until("the end of the pause", || shown().rsplit('‖').next().is_some_and(|rest| rest.contains("steady")));
    more(&target, 5);
    assert!(!works("2"), "the second stage is far off");
    terminal.press(b"n");
    until("the users of the next stage", || works("5"));
    terminal.press(b"w");
    until("one user more", || works("6"));
    terminal.press(b"q");
    assert_eq!(process.end(), Some(0), "{}", process.stderr.text());
    drop(terminal);
    Finished::of(&mut process);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    let changes = report.list("/run/changes");
    let what =
        |key: &str| changes.iter().map(|change| change[key].as_str().unwrap_or("")).collect::<Vec<_>>();
    assert_eq!(what("what"), ["pause", "pause", "stage", "users"]);
    assert_eq!((what("from")[3], what("to")[3]), ("6", "7"));
}
